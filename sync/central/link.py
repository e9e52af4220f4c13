"""The centre's connection to the broker: MQTT 5 where the broker has it, else 3.1.1; outlives losses."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from sync.addresses import is_loopback
from sync.backoff import Backoff
from sync.broker_access import client_context, password_from
from sync.central.errors import SettingRefused
from sync.central.settings import BrokerSettings

log = logging.getLogger(__name__)

AT_LEAST_ONCE = 1
KEEPALIVE_S = 30
HANDSHAKE_S = 10.0
RECONNECT_S = (0.2, 10.0)
SILENCES_FORGIVEN = 10
"""Handshakes in a row without an answer that are the network's, where the broker is known to speak MQTT 5;
after that another broker may stand there."""
IN_FLIGHT = 1000
"""Messages published and not yet taken by the broker; it may allow fewer."""


class CentreLink:
    """Keeps a connection; `on_message` comes on the network's thread and must not block.

    filters  makes the subscriptions; told whether the broker can share them among processes
    """

    def __init__(
        self,
        settings: BrokerSettings,
        *,
        address: tuple[str, int],
        filters: Callable[[bool], Sequence[str]],
        on_up: Callable[[], None],
        on_message: Callable[[str, bytes], None],
    ) -> None:
        self.problem = "not connected yet"
        self._settings = settings
        self._address = address
        self._filters = filters
        self._on_up = on_up
        self._on_message = on_message
        self._tls = client_context(
            settings, error=SettingRefused, next_step="check --ca, --cert and --cert-key"
        )
        self._password = broker_password(settings)
        self._protocol = MQTTProtocolVersion.MQTTv311 if settings.embedded else MQTTProtocolVersion.MQTTv5
        self._speaks_5 = False
        self._silences = 0
        self._client: Client | None = None
        self._up = threading.Event()
        self._down = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="centre-link", daemon=True)

    def start(self) -> None:
        if not self._settings.tls and not is_loopback(self._address[0]):
            log.warning("%s:%s is not encrypted (--allow-plain): the network sees the log", *self._address)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._down.set()
        if self._thread.is_alive():
            self._thread.join(HANDSHAKE_S)

    @property
    def connected(self) -> bool:
        return self._up.is_set() and not self._down.is_set()

    @property
    def protocol(self) -> MQTTProtocolVersion:
        """The version that was spoken last."""
        return self._protocol

    def wait_connected(self, timeout_s: float) -> bool:
        """Whether subscriptions stand within that time."""
        return self._up.wait(timeout_s)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Hand a message over (QoS 1); False where there is no connection. Whoever needs it asks again."""
        client = self._client
        if client is None or not self.connected:
            return False
        return client.publish(topic, payload, AT_LEAST_ONCE, retain).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def _run(self) -> None:
        backoff = Backoff(*RECONNECT_S)
        while not self._stopping.is_set():
            refusal = _Refusal()
            if self._connect_once(refusal):
                backoff.reset()
            elif refusal.protocol and self._protocol is MQTTProtocolVersion.MQTTv5:
                self._protocol = MQTTProtocolVersion.MQTTv311
                log.info("%s:%s does not speak MQTT 5, trying 3.1.1", *self._address)
                continue
            if not self._settings.embedded:
                # Without MQTT 5 processes cannot share the work: one bad moment must not decide for ever.
                self._protocol = MQTTProtocolVersion.MQTTv5
            self._stopping.wait(backoff.next_s())

    def _connect_once(self, refusal: _Refusal) -> bool:
        """Connect and stay until the end; whether there was a connection at all."""
        self._up.clear()
        self._down.clear()
        if self._stopping.is_set():
            return False
        client = self._make_client(refusal)
        try:
            client.connect(*self._address, KEEPALIVE_S)
        except (OSError, ValueError) as error:
            self._say(f"no connection to {self._address[0]}:{self._address[1]}: {error}")
            return False
        self._client = client
        client.loop_start()
        try:
            handshake = threading.Timer(HANDSHAKE_S, self._give_up)
            handshake.daemon = True
            handshake.start()
            self._down.wait()
            handshake.cancel()
            was_up = self._up.is_set()
            self._silences = 0 if was_up or refusal.text else self._silences + 1
            refusal.protocol |= self._silences > (SILENCES_FORGIVEN if self._speaks_5 else 0)
            self._say(refusal.text or f"the connection to {self._address[0]}:{self._address[1]} was lost")
            return was_up
        finally:
            self._up.clear()
            client.disconnect()
            client.loop_stop()

    def _give_up(self) -> None:
        if not self._up.is_set():
            self._down.set()

    def _make_client(self, refusal: _Refusal) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, protocol=self._protocol, reconnect_on_failure=False)
        client.max_inflight_messages_set(IN_FLIGHT)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        if self._settings.username:
            client.username_pw_set(self._settings.username, self._password)

        def on_connect(
            client: Client, _: Any, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
        ) -> None:
            if reason.is_failure:
                refusal.text = f"the broker refuses the centre: {reason}"
                refusal.protocol = str(reason) == "Unsupported protocol version"
                self._down.set()
                return
            self._speaks_5 = self._protocol is MQTTProtocolVersion.MQTTv5
            shares = self._protocol is MQTTProtocolVersion.MQTTv5 and bool(
                getattr(properties, "SharedSubscriptionAvailable", 1)
            )
            client.subscribe([(one, AT_LEAST_ONCE) for one in self._filters(shares)])

        def on_subscribe(
            client: Client, _: Any, mid: int, reasons: list[ReasonCode], properties: Properties | None
        ) -> None:
            refused = [str(reason) for reason in reasons if reason.is_failure]
            if refused:
                refusal.text = f"the broker refuses a subscription of the centre: {refused[0]}"
                self._down.set()
                return
            self._say("")
            self._up.set()
            self._on_up()

        def on_disconnect(
            client: Client, _: Any, flags: DisconnectFlags, reason: ReasonCode, properties: Properties | None
        ) -> None:
            self._down.set()

        def on_message(client: Client, _: Any, message: MQTTMessage) -> None:
            self._on_message(message.topic, bytes(message.payload))

        client.on_connect = on_connect
        client.on_subscribe = on_subscribe
        client.on_disconnect = on_disconnect
        client.on_message = on_message
        return client

    def _say(self, problem: str) -> None:
        if problem and problem != self.problem and not self._stopping.is_set():
            log.warning("%s", problem)
        elif self.problem and not problem:
            log.info("connected to %s:%s, %s", *self._address, self._protocol.name)
        self.problem = problem


class _Refusal:
    """Why an attempt failed, as far as the broker said."""

    def __init__(self) -> None:
        self.text = ""
        self.protocol = False


def broker_password(settings: BrokerSettings) -> str | None:
    """From the environment; None without one. Raises SettingRefused where it is named and not set."""
    return password_from(
        settings.password_env,
        error=SettingRefused,
        next_step="set it to the password of the broker's user",
    )
