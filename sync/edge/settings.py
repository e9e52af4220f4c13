"""The section `centre` of `config.yaml`: where the centre is reached, with which keys, and how patiently."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from sync.addresses import is_loopback
from sync.phone_addresses import web_address
from sync.store_settings import Section

PLAIN_PORT = 1883
TLS_PORT = 8883
"""Ports that IANA registered for MQTT and for MQTT over TLS."""

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class CentreSettings(Section):
    """`broker` is `mqtt://host[:port]` or `mqtts://host[:port]`, without user and password."""

    enabled: bool = False
    web_url: str = Field(
        default="", description="of its phone pages, for QR codes on screens and certificates"
    )
    broker: str = "mqtt://127.0.0.1:1883"
    allow_plain: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    cert_key_file: Path | None = None
    username: str = ""
    password_env: str = ""
    gate_key_file: Path = Path("var/gate.key")
    centre_public_key_file: Path = Path("var/centre.pub")
    site_key_file: Path = Path("var/site.key")
    heartbeat_s: Annotated[float, Field(ge=0.2, le=3600)] = 30.0
    keepalive_s: int = Field(default=30, ge=1, le=3600)
    live_s: Seconds = 10.0
    batch_items: int = Field(default=200, ge=1, le=1000)
    in_flight: int = Field(default=4, ge=2, le=64)
    ack_timeout_s: Annotated[float, Field(ge=0.1, le=300)] = 10.0
    outbox_capacity: int = Field(default=150_000, ge=100, le=100_000_000)
    when_full: Literal["drop_oldest_refused", "shut"] = "drop_oldest_refused"
    reconnect_min_s: Seconds = 0.5
    reconnect_max_s: Seconds = 60.0

    @property
    def tls(self) -> bool:
        return urlsplit(self.broker).scheme == "mqtts"

    @property
    def host(self) -> str:
        return urlsplit(self.broker).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.broker).port or (TLS_PORT if self.tls else PLAIN_PORT)

    @property
    def loopback(self) -> bool:
        """Whether the broker runs on this machine."""
        return is_loopback(self.host)

    @field_validator("web_url")
    @classmethod
    def _opens_on_a_phone(cls, address: str) -> str:
        return web_address(address)

    @model_validator(mode="after")
    def _broker_can_be_reached_safely(self) -> CentreSettings:
        parts = urlsplit(self.broker)
        try:
            port_is_right = parts.port is None or parts.port > 0
        except ValueError:
            port_is_right = False
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or not port_is_right:
            raise ValueError("broker is mqtt://host:port or mqtts://host:port")
        if "@" in parts.netloc or parts.path.strip("/") or parts.query:
            raise ValueError(
                "broker is host and port only: put the user into `username`, its password "
                "into an environment variable and name that in `password_env`"
            )
        if self.enabled and not self.tls and not self.loopback and not self.allow_plain:
            raise ValueError(
                f"{self.broker} would carry everything in the clear: use mqtts://, or say allow_plain: true "
                "where the network is protected otherwise"
            )
        if (self.cert_file is None) != (self.cert_key_file is None):
            raise ValueError("cert_file and cert_key_file belong together")
        return self
