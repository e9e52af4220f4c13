"""Whether the broker holds this gate to its own topics, tried out: `sitegate doctor` asks.

A gate may write `…/<site>/<gate>/up/#` and read its `…/down/#` and the site's `…/all/down/#`. Everything on
the wire is signed, so a broker that allows more cannot forge; it lets one stolen gate read who passes
elsewhere, and flood others. What is written for a try goes to an id that nobody has (`topics.PROBE`) and
that the centre passes over. Neither a birth nor a last will is sent, and the client id is not the gate's: a
running gate stays connected.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from sync.edge.link import AT_LEAST_ONCE, HANDSHAKE_S, MQTT_5_HANDSHAKE_S, broker_password, tls_context
from sync.edge.settings import CentreSettings
from sync.errors import SyncError
from sync.wire import topics

ANSWER_S = 10.0
LISTEN_S = 1.0
"""How long it is listened for what comes back: a cluster may take a moment from node to node."""

_MQTT_5, _MQTT_3 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311
_EVERYTHING = tuple(f"{topics.PREFIX}/+/+/{way}/+" for way in ("up", "down"))


class BrokerNotReached(SyncError, ConnectionError):
    """No broker answers there, or it refuses this gate, or it went away in between."""


@dataclass(frozen=True, slots=True)
class AclReport:
    """What the broker allows this gate that it does not need.

    may_write  topics of others that it took a message for
    may_read   topics of others, or of what only the centre reads, that it handed out
    is_mqtt_5  with 3.1.1 a message that is taken but not handed back looks like a refused one
    """

    may_write: tuple[str, ...]
    may_read: tuple[str, ...]
    is_mqtt_5: bool

    @property
    def is_tight(self) -> bool:
        return not (self.may_write or self.may_read)


def examine_acl(
    settings: CentreSettings, *, site_id: str, gate_id: str, listen_s: float = LISTEN_S
) -> AclReport:
    """Connect with the gate's credentials and try what it must not do; takes a few seconds.

    Raises:
        BrokerNotReached: see there.
        BrokerSettingsWrong: certificates or password cannot be used.
    """
    probe = _Probe(settings, f"sitegate-{site_id}-{gate_id}-probe", listen_s)
    may_read = probe.hears(
        _EVERYTHING,
        # A kind that nobody subscribes to: it says whether `up` can be read, and reaches no centre.
        say=topics.up(site_id, gate_id, topics.PROBE),
        own=(f"{topics.PREFIX}/{site_id}/{gate_id}/down/", f"{topics.PREFIX}/{site_id}/{topics.ALL_GATES}/"),
    )
    others = (
        topics.up(site_id, topics.PROBE, topics.HEALTH),
        topics.up(topics.PROBE, gate_id, topics.HEALTH),
        topics.down(site_id, topics.PROBE, topics.COMMAND),
    )
    may_write = tuple(topic for topic in others if probe.may_write(topic))
    return AclReport(may_write, may_read, is_mqtt_5=probe.protocol is _MQTT_5)


def mosquitto_acl(site_id: str, gate_id: str, user: str) -> tuple[str, ...]:
    """The lines of mosquitto's `acl_file` that hold one gate to its own; `user` empty: by certificate."""
    own, everybody = topics.for_gate(site_id, gate_id)
    return (
        f"user {user or '<common name of the certificate>'}",
        f"topic write {topics.up(site_id, gate_id, '#')}",
        f"topic read {own.removesuffix('+')}#",
        f"topic read {everybody.removesuffix('+')}#",
    )


class _Session:
    """One connection; everything that is awaited is an event."""

    def __init__(self) -> None:
        self.heard: set[str] = set()
        self.problem = ""
        self.was_refused = False
        self.version_unknown = False
        self.is_connected = False
        self.handshake = threading.Event()
        self.subscribed = threading.Event()
        self.answered = threading.Event()
        self.ended = threading.Event()

    def end(self, problem: str) -> None:
        self.problem = self.problem or problem
        self.ended.set()
        for one in (self.handshake, self.subscribed, self.answered):
            one.set()


class _Probe:
    def __init__(self, settings: CentreSettings, client_id: str, listen_s: float) -> None:
        self.protocol = _MQTT_5
        self._settings = settings
        self._client_id = client_id
        self._listen_s = listen_s
        self._tls = tls_context(settings)
        self._password = broker_password(settings)

    def hears(self, filters: tuple[str, ...], *, say: str, own: tuple[str, ...]) -> tuple[str, ...]:
        """What the broker hands out for these filters, retained, live or said here, beside `own`."""
        with self._connected() as (client, session):
            self._subscribe(client, session, filters)
            if not session.ended.is_set():
                client.publish(say, b"", AT_LEAST_ONCE)
                session.answered.wait(ANSWER_S)
                self._listen(client, session, say)
            self._check_lost(session)
            return tuple(sorted(topic for topic in session.heard if not topic.startswith(own)))

    def may_write(self, topic: str) -> bool:
        """Whether the broker takes a message for it: by its answer, with 3.1.1 by handing it back."""
        with self._connected() as (client, session):
            self._subscribe(client, session, (topic,))
            answered = False
            if not session.ended.is_set():
                client.publish(topic, b"", AT_LEAST_ONCE)
                answered = session.answered.wait(ANSWER_S)
                self._listen(client, session, topic)
            self._check_lost(session)
            taken = answered and not session.was_refused and self.protocol is _MQTT_5
            return taken or topic in session.heard

    def _subscribe(self, client: Client, session: _Session, filters: tuple[str, ...]) -> None:
        session.subscribed.clear()
        client.subscribe([(one, AT_LEAST_ONCE) for one in filters])
        if not session.subscribed.wait(ANSWER_S):
            session.end("no answer to a subscription")

    def _listen(self, client: Client, session: _Session, topic: str) -> None:
        """A broker answers in order: what it hands out at once is here when it answers another question."""
        if not session.ended.is_set():
            self._subscribe(client, session, (topic,))
            session.ended.wait(self._listen_s)

    def _check_lost(self, session: _Session) -> None:
        """A broker may close the connection instead of saying no; anything else is a lost connection."""
        refused = session.was_refused or self.protocol is _MQTT_3
        if session.ended.is_set() and not refused:
            raise self._not_reached(f"lost the connection during the look: {session.problem}")

    @contextmanager
    def _connected(self) -> Iterator[tuple[Client, _Session]]:
        client, session = self._connect()
        if not session.is_connected and session.version_unknown and self.protocol is _MQTT_5:
            self._close(client)
            self.protocol = _MQTT_3
            client, session = self._connect()
        try:
            if not session.is_connected:
                raise self._not_reached(session.problem or "no answer")
            yield client, session
        finally:
            self._close(client)

    def _connect(self) -> tuple[Client, _Session]:
        session = _Session()
        client = self._client(session)
        try:
            client.connect(self._settings.host, self._settings.port, self._settings.keepalive_s)
        except (OSError, ValueError) as error:
            raise self._not_reached(str(error)) from error
        client.loop_start()
        session.handshake.wait(MQTT_5_HANDSHAKE_S if self.protocol is _MQTT_5 else HANDSHAKE_S)
        # Some brokers that do not know MQTT 5 never answer, others hang up.
        session.version_unknown |= not session.is_connected and not session.was_refused
        return client, session

    @staticmethod
    def _close(client: Client) -> None:
        client.disconnect()
        client.loop_stop()

    def _not_reached(self, why: str) -> BrokerNotReached:
        return BrokerNotReached(
            f"{self._settings.broker}: {why}",
            next_step="check centre.broker, the network, and the gate's user, password or certificate; "
            "see docs/protocol.md",
        )

    def _client(self, session: _Session) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=self.protocol,
            reconnect_on_failure=False,
        )
        if self._tls is not None:
            client.tls_set_context(self._tls)
        if self._settings.username:
            client.username_pw_set(self._settings.username, self._password)

        def on_connect(
            client: Client, _: Any, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
        ) -> None:
            if reason.is_failure:
                session.version_unknown = str(reason) == "Unsupported protocol version"
                session.was_refused = not session.version_unknown
                session.end(str(reason))
            else:
                session.is_connected = True
                session.handshake.set()

        def on_subscribe(
            client: Client, _: Any, mid: int, reasons: list[ReasonCode], properties: Properties | None
        ) -> None:
            session.subscribed.set()

        def on_publish(
            client: Client, _: Any, mid: int, reason: ReasonCode, properties: Properties | None
        ) -> None:
            session.was_refused |= reason.is_failure
            session.answered.set()

        def on_disconnect(
            client: Client, _: Any, flags: DisconnectFlags, reason: ReasonCode, properties: Properties | None
        ) -> None:
            session.was_refused |= flags.is_disconnect_packet_from_server and reason.is_failure
            session.end(str(reason))

        def on_message(client: Client, _: Any, message: MQTTMessage) -> None:
            session.heard.add(message.topic)

        client.on_connect = on_connect
        client.on_subscribe = on_subscribe
        client.on_publish = on_publish
        client.on_disconnect = on_disconnect
        client.on_message = on_message
        return client
