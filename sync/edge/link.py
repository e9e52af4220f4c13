"""The connection to the broker: MQTT 5 or 3.1.1, TLS, birth and last will, and coming back after a loss."""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from sync.backoff import Backoff
from sync.broker_access import client_context, password_from
from sync.edge.settings import CentreSettings
from sync.errors import StoreError, SyncError

log = logging.getLogger(__name__)

AT_LEAST_ONCE = 1
HANDSHAKE_S = 10.0
MQTT_5_HANDSHAKE_S = 2.0
"""Shorter: some brokers that do not know MQTT 5 (amqtt) never answer it, and 3.1.1 does as well."""
GOODBYE_S = 2.0
STABLE_S = 10.0
"""A connection that held for so long was a good one: the next wait is short again."""
MAX_QUEUED = 256
"""Messages inside the MQTT client; what does not fit is sent again by its owner."""

Sealed = tuple[str, bytes]
"""Topic and payload."""


class BrokerSettingsWrong(SyncError, ValueError):
    """Certificates or password that cannot be used."""


class _End(Enum):
    """How one attempt to be connected ended."""

    UNREACHABLE = auto()
    NOT_UNDERSTOOD = auto()
    REFUSED = auto()
    LOST = auto()


class _Session:
    """One connection, from the handshake to its end."""

    def __init__(self) -> None:
        self.accepted = False
        self.subscribed = False
        self.refusal = ""
        self.protocol_refused = False
        self.handshake_done = threading.Event()
        self.ended = threading.Event()


class Link:
    """Keeps a connection. Callbacks come on threads of the link and must not block.

    births    makes birth and last will (topic, payload), in this order, before each connection
    goodbye   makes the message of a clean stop
    """

    def __init__(
        self,
        settings: CentreSettings,
        *,
        client_id: str,
        filters: Sequence[str],
        births: Callable[[], tuple[Sealed, Sealed]],
        goodbye: Callable[[], Sealed],
        on_up: Callable[[], None],
        on_message: Callable[[str, bytes], None],
    ) -> None:
        self.problem = ""
        self._settings = settings
        self._client_id = client_id
        self._filters = [(one, AT_LEAST_ONCE) for one in filters]
        self._births = births
        self._goodbye = goodbye
        self._on_up = on_up
        self._on_message = on_message
        self._tls = tls_context(settings)
        self._password = broker_password(settings)
        self._protocol = MQTTProtocolVersion.MQTTv5
        self._client: Client | None = None
        self._session: _Session | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="centre-link", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Say goodbye, so that the broker does not publish the last will, and end."""
        self._stopping.set()
        client, connected = self._client, self.connected
        if client is not None and connected:
            try:
                topic, payload = self._goodbye()
                client.publish(topic, payload, AT_LEAST_ONCE, retain=True).wait_for_publish(GOODBYE_S)
            except (StoreError, RuntimeError, ValueError) as error:
                log.warning("no goodbye: %s", error)
        if client is not None:
            client.disconnect()
        session = self._session
        if session is not None:
            session.handshake_done.set()
            session.ended.set()
        if self._thread.is_alive():
            self._thread.join(HANDSHAKE_S)

    @property
    def connected(self) -> bool:
        session = self._session
        return session is not None and session.subscribed and not session.ended.is_set()

    @property
    def protocol(self) -> MQTTProtocolVersion:
        """The version that was spoken last."""
        return self._protocol

    def publish(self, topic: str, payload: bytes) -> bool:
        """Hand a message to the client (QoS 1); False where there is no connection or no room."""
        client = self._client
        if client is None or not self.connected:
            return False
        return client.publish(topic, payload, AT_LEAST_ONCE).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    # -- the link's own thread -------------------------------------------------------------------------

    def _run(self) -> None:
        settings = self._settings
        if not settings.tls and not settings.loopback:
            log.warning("%s is not encrypted (centre.allow_plain): the network sees the log", settings.broker)
        backoff = Backoff(settings.reconnect_min_s, settings.reconnect_max_s)
        while not self._stopping.is_set():
            began_s = time.monotonic()
            end = self._connect_once()
            if end is _End.LOST and time.monotonic() - began_s > STABLE_S:
                backoff.reset()
            if end is _End.NOT_UNDERSTOOD and self._other_protocol() is MQTTProtocolVersion.MQTTv311:
                continue
            self._stopping.wait(backoff.next_s())

    def _other_protocol(self) -> MQTTProtocolVersion:
        newer = self._protocol is MQTTProtocolVersion.MQTTv5
        self._protocol = MQTTProtocolVersion.MQTTv311 if newer else MQTTProtocolVersion.MQTTv5
        log.info("the broker did not take MQTT %s", "5" if newer else "3.1.1")
        return self._protocol

    def _connect_once(self) -> _End:
        session = _Session()
        try:
            client = self._make_client(session)
            client.connect(self._settings.host, self._settings.port, self._settings.keepalive_s)
        except (OSError, ValueError) as error:
            # StoreError is an OSError too: without a counter no birth can be signed.
            self._say(f"no connection to {self._settings.broker}: {error}")
            return _End.UNREACHABLE
        self._client, self._session = client, session
        client.loop_start()
        try:
            newer = self._protocol is MQTTProtocolVersion.MQTTv5
            session.handshake_done.wait(MQTT_5_HANDSHAKE_S if newer else HANDSHAKE_S)
            if not session.subscribed:
                return self._failed(session)
            self._say("")
            log.info("connected to %s, MQTT %s", self._settings.broker, self._protocol.name)
            session.ended.wait()
            if not self._stopping.is_set():
                self._say(f"the connection to {self._settings.broker} was lost {session.refusal}".strip())
            return _End.LOST
        finally:
            session.ended.set()
            client.disconnect()
            client.loop_stop()

    def _failed(self, session: _Session) -> _End:
        if self._stopping.is_set():
            return _End.LOST
        if session.protocol_refused or not (session.accepted or session.refusal):
            self._say(f"{self._settings.broker} does not speak {self._protocol.name}")
            return _End.NOT_UNDERSTOOD
        self._say(f"{self._settings.broker} refuses this gate: {session.refusal or 'no answer'}")
        return _End.REFUSED

    def _say(self, problem: str) -> None:
        if problem and problem != self.problem:
            log.warning("%s", problem)
        self.problem = problem

    def _make_client(self, session: _Session) -> Client:
        settings = self._settings
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=self._protocol,
            reconnect_on_failure=False,
        )
        client.max_queued_messages_set(MAX_QUEUED)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        if settings.username:
            client.username_pw_set(settings.username, self._password)
        birth, will = self._births()
        client.will_set(*will, qos=AT_LEAST_ONCE, retain=True)
        self._listen(client, session, birth)
        return client

    def _listen(self, client: Client, session: _Session, birth: Sealed) -> None:
        """The client's callbacks; they run on its network thread."""

        def on_connect(
            client: Client, _: Any, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
        ) -> None:
            if reason.is_failure:
                session.refusal = str(reason)
                session.protocol_refused = str(reason) == "Unsupported protocol version"
                session.handshake_done.set()
                return
            session.accepted = True
            client.subscribe(self._filters)
            client.publish(*birth, qos=AT_LEAST_ONCE, retain=True)

        def on_subscribe(
            client: Client, _: Any, mid: int, reasons: list[ReasonCode], properties: Properties | None
        ) -> None:
            refused = [str(reason) for reason in reasons if reason.is_failure]
            if refused:
                session.refusal = f"subscription: {refused[0]}"
            else:
                session.subscribed = True
                self._on_up()
            session.handshake_done.set()

        def on_disconnect(
            client: Client, _: Any, flags: DisconnectFlags, reason: ReasonCode, properties: Properties | None
        ) -> None:
            if flags.is_disconnect_packet_from_server:
                session.refusal = f"({reason})"
            session.handshake_done.set()
            session.ended.set()

        def on_publish(
            client: Client, _: Any, mid: int, reason: ReasonCode, properties: Properties | None
        ) -> None:
            if reason.is_failure:
                self._say(f"{self._settings.broker} refuses a message of this gate: {reason}")

        def on_message(client: Client, _: Any, message: MQTTMessage) -> None:
            self._on_message(message.topic, bytes(message.payload))

        client.on_connect = on_connect
        client.on_subscribe = on_subscribe
        client.on_disconnect = on_disconnect
        client.on_publish = on_publish
        client.on_message = on_message


def tls_context(settings: CentreSettings) -> ssl.SSLContext | None:
    """Raises BrokerSettingsWrong for certificate files that cannot be used."""
    return client_context(
        settings,
        error=BrokerSettingsWrong,
        next_step="check centre.ca_file, centre.cert_file and centre.cert_key_file",
    )


def broker_password(settings: CentreSettings) -> str | None:
    """From the environment; None without one. Raises BrokerSettingsWrong where it is named and not set."""
    return password_from(
        settings.password_env,
        error=BrokerSettingsWrong,
        next_step="set it to the password of centre.username, or empty centre.password_env",
    )
