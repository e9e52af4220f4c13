"""`EdgeAgent`: the gate's end of the wire, as one object with a start and a stop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import uuid4

from sync.edge.asks import AskDesk
from sync.edge.centre_time import CentreTime, Clock
from sync.edge.commands import CommandDesk, Execute
from sync.edge.link import Link, Sealed
from sync.edge.mailbox import Mailbox
from sync.edge.notices import NoticeKeeper
from sync.edge.outbox import OutboxSender
from sync.edge.post import Signer, read
from sync.edge.replica import RosterReplica
from sync.edge.settings import CentreSettings
from sync.edge.status import EdgeStatus, HealthTexts, Refusals
from sync.store import LocalStore
from sync.wire import topics
from sync.wire.keys import read_private_key, read_public_key, read_site_key
from sync.wire.messages import (
    Ack,
    AskReply,
    Command,
    Health,
    Hello,
    Message,
    NoticeBoard,
    Presence,
    RosterHead,
    RosterPart,
)

__all__ = ["Clock", "EdgeAgent", "EdgeStatus", "HealthTexts"]

log = logging.getLogger(__name__)

SEND_TICK_S = 0.1
"""How soon a new event is seen."""
ASK_TICK_S = 0.25
"""How soon a question is sent: somebody stands at the kiosk and waits."""
SLOW_TICK_S = 0.5
ACKS_QUEUED, PARTS_QUEUED, COMMANDS_QUEUED, REPLIES_QUEUED = 256, 16, 32, 32
SILENT_HEARTBEATS = 3
MILLISECOND = timedelta(milliseconds=1)
_UP = ("", b"")
"""A letter to oneself: the connection came up."""


def _nobody(_: bool) -> None:
    """Nobody listens to the outbox alarm."""


class EdgeAgent:
    """Connects one gate with its centre: events up; roster, flags and commands down.

    Everything runs on threads of its own behind bounded queues; nothing here waits for the network or
    makes a lane wait. Whatever breaks is tried again; `status()` says how things are.
    """

    def __init__(
        self,
        settings: CentreSettings,
        store: LocalStore,
        *,
        site_id: str,
        gate_id: str,
        clock: Clock,
        health: Callable[[], HealthTexts],
        on_command: Execute,
        on_roster_changed: Callable[[], None],
        version: str,
        lanes: Sequence[str] = (),
        on_outbox_alarm: Callable[[bool], None] = _nobody,
    ) -> None:
        """
        Args:
            store: stays the caller's to close, after `stop()`.
            health: what is wrong at the gate; asked every heartbeat.
            on_command: executes a command of the centre.
            on_roster_changed: the roster in the store has changed.
            version: of this software.
            on_outbox_alarm: True when the outbox reaches 90 % of its capacity, False when it has room again.

        Raises:
            SecretUnsafe: a key file is missing, open to others, or holds no key.
            BrokerSettingsWrong: certificates or password cannot be used.
            StoreError: the store cannot be read.
            ValueError: the gate has the id that is reserved for all gates.
        """
        if gate_id == topics.ALL_GATES:
            raise ValueError(f"gate.id may not be {topics.ALL_GATES!r}: that topic reaches every gate")
        self._settings = settings
        self._clock = clock
        self._health = health
        self._version = version
        self._lanes = tuple(lanes)
        self._boot_id = uuid4().hex
        self._site_id, self._gate_id = site_id, gate_id
        self._centre_key = read_public_key(settings.centre_public_key_file)
        self._refusals = Refusals()
        self._time = CentreTime(clock)
        self._signer = Signer(
            read_private_key(settings.gate_key_file), store, clock, site_id=site_id, gate_id=gate_id
        )
        site_key = read_site_key(settings.site_key_file)
        self._outbox = OutboxSender(
            settings,
            store,
            clock=clock,
            centre_time=self._time,
            boot_id=self._boot_id,
            publish=self._publish,
            site_key=site_key,
            on_alarm=on_outbox_alarm,
            on_roster_changed=on_roster_changed,
        )
        self._replica = RosterReplica(
            settings,
            store,
            site_key=site_key,
            clock=clock,
            publish=self._publish,
            on_changed=on_roster_changed,
        )
        self._desk = CommandDesk(
            store,
            clock=clock,
            centre_time=self._time,
            refusals=self._refusals,
            execute=on_command,
            publish=self._publish,
        )
        self._notices = NoticeKeeper(store)
        self._asks = AskDesk(store, site_key=site_key, publish=self._publish)
        self._link = Link(
            settings,
            client_id=f"sitegate-{site_id}-{gate_id}",
            filters=topics.for_gate(site_id, gate_id),
            births=lambda: (self._hello(Presence.ONLINE), self._hello(Presence.LOST)),
            goodbye=lambda: self._hello(Presence.STOPPED),
            on_up=self._came_up,
            on_message=self._received,
        )
        self._next_beat_s = self._up_s = clock.monotonic()
        self._sending = self._mailbox("outbox", self._handle_ack, self._tick_outbox, SEND_TICK_S, ACKS_QUEUED)
        self._following = self._mailbox(
            "roster", self._handle_roster, self._tick_replica, SLOW_TICK_S, PARTS_QUEUED
        )
        self._obeying = self._mailbox(
            "commands", self._handle_command, self._desk.flush, SLOW_TICK_S, COMMANDS_QUEUED
        )
        self._beating = self._mailbox("heartbeat", self._handle_up, self._beat, SLOW_TICK_S, 1)
        self._asking = self._mailbox("asks", self._handle_reply, self._tick_asks, ASK_TICK_S, REPLIES_QUEUED)
        self._mailboxes = (self._sending, self._following, self._obeying, self._beating, self._asking)

    def start(self) -> None:
        """Connect and begin; returns at once."""
        for mailbox in self._mailboxes:
            mailbox.start()
        self._link.start()

    def stop(self) -> None:
        """Finish what is in work, say goodbye and end. What was not acknowledged waits in the store."""
        for mailbox in self._mailboxes:
            mailbox.stop()
        self._link.stop()

    def status(self) -> EdgeStatus:
        """How things are now; reads only memory."""
        state, offset = self._replica.state, self._time.offset()
        confirmed_at = state.confirmed_at
        age = None if confirmed_at is None else (self._time.now() - confirmed_at).total_seconds()
        outbox = self._outbox
        return EdgeStatus(
            connected=self._link.connected,
            centre_answers=self._centre_answers(),
            outbox_depth=outbox.depth,
            outbox_parked=outbox.parked,
            outbox_dropped=outbox.dropped,
            outbox_alarm=outbox.alarm,
            outbox_full=outbox.full,
            roster_version=state.version,
            roster_workers=self._replica.workers,
            roster_confirmed_at=confirmed_at,
            roster_age_s=None if age is None else max(0.0, age),
            clock_offset_ms=None if offset is None else offset / MILLISECOND,
            refused=self._refusals.by_cause(),
            problem="; ".join(filter(None, self._problems())),
            notices=self._notices.notices,
        )

    # -- what comes ------------------------------------------------------------------------------------

    def _mailbox(
        self,
        name: str,
        handle: Callable[[str, bytes], None],
        tick: Callable[[], None],
        tick_s: float,
        size: int,
    ) -> Mailbox:
        return Mailbox(name, handle=handle, tick=tick, refusals=self._refusals, tick_s=tick_s, size=size)

    def _came_up(self) -> None:
        self._up_s = self._clock.monotonic()
        for mailbox in (self._sending, self._following, self._beating):
            mailbox.deliver(_UP)
        self._obeying.wake()

    def _received(self, topic: str, payload: bytes) -> None:
        """On the network thread: only sorts."""
        try:
            address = topics.parse(topic)
        except ValueError:
            self._refusals.count("malformed")
            return
        mailboxes = {
            topics.ACK: self._sending,
            topics.HEAD: self._following,
            topics.ROSTER: self._following,
            topics.COMMAND: self._obeying,
            topics.NOTICES: self._obeying,
            topics.REPLY: self._asking,
        }
        mailbox = mailboxes.get(address.kind)
        if mailbox is None:
            # A broker may hand out what nobody subscribed to, such as a retained birth: no reason to end.
            self._refusals.count("misaddressed")
        else:
            mailbox.deliver((topic, payload))

    def _handle_ack(self, topic: str, payload: bytes) -> None:
        if (topic, payload) == _UP:
            self._outbox.connected()
        else:
            self._outbox.acknowledged(read(topic, payload, Ack, self._centre_key)[1])

    def _handle_roster(self, topic: str, payload: bytes) -> None:
        if (topic, payload) == _UP:
            self._replica.connected()
        elif topics.parse(topic).kind == topics.HEAD:
            self._replica.head(read(topic, payload, RosterHead, self._centre_key)[1])
        else:
            envelope, part = read(topic, payload, RosterPart, self._centre_key)
            self._replica.part(part, envelope.issued_at)

    def _handle_command(self, topic: str, payload: bytes) -> None:
        if topics.parse(topic).kind == topics.NOTICES:
            self._notices.receive(read(topic, payload, NoticeBoard, self._centre_key)[1])
        else:
            self._desk.receive(read(topic, payload, Command, self._centre_key)[1])

    def _handle_reply(self, topic: str, payload: bytes) -> None:
        self._asks.answered(read(topic, payload, AskReply, self._centre_key)[1])

    def _handle_up(self, topic: str, payload: bytes) -> None:
        """The first heartbeat of a connection goes out at once."""
        self._next_beat_s = self._clock.monotonic()

    # -- what goes -------------------------------------------------------------------------------------

    def _tick_outbox(self) -> None:
        self._outbox.tick(connected=self._link.connected)

    def _tick_replica(self) -> None:
        self._replica.tick(connected=self._link.connected)

    def _tick_asks(self) -> None:
        self._asks.tick(connected=self._link.connected)

    def _publish(self, kind: str, message: Message) -> bool:
        """False where there is no connection. Raises StoreError where no counter can be reserved."""
        return self._link.connected and self._link.publish(*self._signer.seal(kind, message))

    def _hello(self, presence: Presence) -> Sealed:
        hello = Hello(
            presence=presence,
            boot_id=self._boot_id,
            at=self._clock.now(),
            software=self._version,
            lanes=self._lanes,
        )
        return self._signer.seal(topics.HELLO, hello)

    def _beat(self) -> None:
        now_s = self._clock.monotonic()
        if now_s < self._next_beat_s or not self._link.connected:
            return
        texts, status = self._health(), self.status()
        sent = self._publish(
            topics.HEALTH,
            Health(
                boot_id=self._boot_id,
                at=self._clock.now(),
                camera=texts.camera,
                relay=texts.relay,
                store=texts.store or self._store_problem(),
                clock=texts.clock,
                liveness=texts.liveness,
                outbox=self._outbox.problem,
                roster=self._replica.problem,
                outbox_depth=status.outbox_depth,
                outbox_parked=status.outbox_parked,
                roster_version=status.roster_version,
                roster_digest=self._replica.digest,
                roster_workers=status.roster_workers,
                roster_confirmed_at=status.roster_confirmed_at,
                clock_offset_ms=status.clock_offset_ms,
                refused_messages=self._refusals.total(),
                software=self._version,
            ),
        )
        if sent:
            self._next_beat_s = now_s + self._settings.heartbeat_s

    def _centre_answers(self) -> bool:
        heard_s = self._outbox.last_ack_s
        return heard_s is not None and self._clock.monotonic() - heard_s <= self._patience_s

    def _silence(self) -> str:
        silent = self._link.connected and not self._centre_answers()
        waited_s = self._clock.monotonic() - self._up_s
        return "the centre does not answer" if silent and waited_s > self._patience_s else ""

    @property
    def _patience_s(self) -> float:
        return max(SILENT_HEARTBEATS * self._settings.heartbeat_s, self._settings.ack_timeout_s)

    def _store_problem(self) -> str:
        return next((one.problem for one in self._mailboxes if one.problem), "")

    def _problems(self) -> list[str]:
        own = (self._outbox.problem, self._replica.problem, self._store_problem())
        return [self._link.problem, self._silence(), *own]
