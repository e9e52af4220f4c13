"""The broker where terminals and centre meet."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from sync.addresses import is_loopback
from sync.vendor.errors import BrokerUnsafe


@dataclass(frozen=True, slots=True)
class Broker:
    """Where terminals and centre meet. Without TLS only on loopback, or when `allow_plain` says it aloud.

    TLS is spoken with `ca_file`, or with `tls` and the certificates that this machine trusts.
    """

    host: str
    port: int = 8883
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    certificate: Path | None = None
    private_key: Path | None = None
    allow_plain: bool = False
    tls: bool = False

    def check(self) -> None:
        """Raises BrokerUnsafe."""
        if not self._is_encrypted and not self.allow_plain and not is_loopback(self.host):
            raise BrokerUnsafe(
                f"the way to the broker {self.host}:{self.port} is not encrypted",
                next_step="give ca_file, or say allow_plain if the network between is trusted",
            )

    def client(self, client_id: str = "") -> mqtt.Client:
        """A client for this broker that is not connected yet and keeps trying once it is."""
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv311)
        client.reconnect_delay_set(min_delay=1, max_delay=30)
        if self.username:
            client.username_pw_set(self.username, self.password)
        if self._is_encrypted:
            client.tls_set(
                ca_certs=str(self.ca_file) if self.ca_file else None,
                certfile=str(self.certificate) if self.certificate else None,
                keyfile=str(self.private_key) if self.private_key else None,
                cert_reqs=ssl.CERT_REQUIRED,
            )
        return client

    @property
    def _is_encrypted(self) -> bool:
        return self.tls or self.ca_file is not None
