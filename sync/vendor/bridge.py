"""Terminals of other makers ↔ the centre: stores their records, acknowledges, and brings them their lists.

Three threads. paho's own only sorts messages into two bounded queues; `records` stores and acknowledges;
`rosters` plans and sends people. What does not fit into a queue is dropped and counted: an unacknowledged
record comes again by itself.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Generic, TypeVar

import paho.mqtt.client as mqtt
from paho.mqtt.reasoncodes import ReasonCode

from sync.records import Event, Worker
from sync.vendor.adapter import acknowledgement, event_of
from sync.vendor.broker import Broker
from sync.vendor.commands import online_ack
from sync.vendor.errors import PayloadUnreadable
from sync.vendor.ledger import Ledger
from sync.vendor.messages import (
    Answer,
    Heartbeat,
    Incoming,
    Message,
    Offline,
    Online,
    Recognition,
    Stranger,
    Unknown,
    local_time,
    parse,
)
from sync.vendor.push import RosterPush
from sync.vendor.roster import Eligible, NoPhotos, Outstanding, PhotoSource, may_enter, wanted
from sync.vendor.terminals import ACK, FILTERS, Origin, Terminal, origin

_log = logging.getLogger(__name__)

_Given = TypeVar("_Given")

StoreEvents = Callable[[list[Event]], None]
"""Returns after the commit, idempotent by event id; raises if nothing is known to be stored."""

MAX_WAITING = 2000
"""Messages between paho and a worker thread."""
MAX_BATCH = 200
"""Records in one call of `store_events`."""
MAX_REMEMBERED = 10_000
"""Event ids that are known to be committed: a repetition is acknowledged without asking the store."""
MAX_UNKNOWN = 100
"""Operators and terminals that are not ours, by name, in the report."""
FAILURES_IN_A_ROW = 3
"""After a failed batch records are stored one by one, until so many failed: then the store is down."""
ONLINE_FOR_S = 95.0
"""Three missed heartbeats of 30 s."""
REJOIN_EVERY_S = 10.0
"""Greetings closer together than this do not start over: anybody can write to `basic`."""
REPLAN_EVERY_S = 60.0
"""Grants begin and end by themselves."""
PAUSE_S = 10.0
"""After an error on our side."""
TICK_S = 0.2
JOIN_S = 10.0


@dataclass(frozen=True, slots=True)
class TerminalState:
    """What is known about one terminal; counts are since the start of the bridge.

    `clock_off_s` is its clock minus ours at its last greeting or heartbeat. `strays` are people on it whom
    nobody here sent there.
    """

    terminal_id: str
    online: bool
    last_seen_at: datetime | None
    clock_off_s: float | None
    stored: int
    repeated: int
    not_stored: int
    refused: int
    held: int
    wanted: int
    outstanding: tuple[Outstanding, ...]
    strays: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BridgeReport:
    """What did not concern a single terminal. Names of unknown terminals and operators are bounded.

    `refused_filters` are topics that the broker's ACL does not let the bridge read.
    """

    connected: bool
    dropped: int
    unreadable: int
    unknown_operators: dict[str, int]
    unknown_terminals: dict[str, int]
    last_store_error: str
    refused_filters: tuple[str, ...]


@dataclass(slots=True)
class _Link:
    """The mutable side of a terminal; `push`, `planned` under the roster lock, the rest the other."""

    terminal: Terminal
    push: RosterPush
    online: bool = False
    seen_at: float | None = None
    last_seen_at: datetime | None = None
    rejoined_at: float | None = None
    planned: bool = False
    clock_off_s: float | None = None
    counts: Counter[str] = field(default_factory=Counter)


_Said = TypeVar("_Said", bound=Message)


@dataclass(frozen=True, slots=True)
class _Parcel(Generic[_Said]):
    link: _Link
    message: _Said
    received_at: datetime


_Report = _Parcel[Recognition | Stranger]


class Bridge:
    """Connects terminals to the centre. Start it once; `stop` ends its threads.

    Args:
        broker: where to connect.
        terminals: all that may speak; others are counted and never acknowledged, so they lose nothing.
        store_events: see `StoreEvents`; called from one thread.
        ledger_dir: where it is kept what each terminal holds; None keeps it in memory only.
        photos: see `PhotoSource`; called from one thread.
        eligible: who may enter now.

    Raises:
        BrokerUnsafe: see `Broker`.
        LedgerUnreadable: a ledger file is damaged.
    """

    def __init__(
        self,
        broker: Broker,
        terminals: Iterable[Terminal],
        store_events: StoreEvents,
        *,
        ledger_dir: Path | None = None,
        photos: PhotoSource | None = None,
        eligible: Eligible = may_enter,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        broker.check()
        self._broker = broker
        self._store_events = store_events
        self._photos = photos or NoPhotos()
        self._eligible = eligible
        self._now = now
        self._ledger = Ledger(ledger_dir) if ledger_dir else None
        self._links = {one.terminal_id: self._link(one) for one in terminals}
        self._workers: dict[str, Worker] = {}
        self._roster_known = False
        self._lock = threading.RLock()
        self._roster_lock = threading.RLock()
        """Guards every `push`; never taken by the threads that receive and acknowledge."""
        self._records: queue.Queue[_Report] = queue.Queue(MAX_WAITING)
        self._roster_inbox: queue.Queue[_Parcel[Message]] = queue.Queue(MAX_WAITING)
        self._committed: OrderedDict[str, None] = OrderedDict()
        self._counts: Counter[str] = Counter()
        self._unknown_operators: Counter[str] = Counter()
        self._unknown_terminals: Counter[str] = Counter()
        self._last_store_error = ""
        self._refused_filters: tuple[str, ...] = ()
        self._planned_at: float | None = None
        self._stopping = threading.Event()
        self._client = broker.client()
        self._client.max_queued_messages_set(MAX_WAITING)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._threads = [
            threading.Thread(target=self._serve_records, name="vendor-records", daemon=True),
            threading.Thread(target=self._serve_rosters, name="vendor-rosters", daemon=True),
        ]

    # ---- from outside

    def start(self) -> None:
        """Begins to connect and returns; a broker that is not there yet is tried again."""
        self._client.connect_async(self._broker.host, self._broker.port, keepalive=30)
        self._client.loop_start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stores what was received, then disconnects."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(JOIN_S)
        self._client.disconnect()
        self._client.loop_stop()

    def set_roster(self, workers: Iterable[Worker]) -> None:
        """The whole registry as far as terminals are concerned; differences are sent as terminals are online.

        Until it is called for the first time, no terminal's list is touched.
        """
        with self._lock:
            self._workers = {worker.worker_id: worker for worker in workers}
            self._roster_known = True
            self._planned_at = None

    def states(self) -> tuple[TerminalState, ...]:
        """In the order of their ids."""
        with self._roster_lock, self._lock:
            return tuple(self._state(self._links[one]) for one in sorted(self._links))

    def is_free_of(self, terminal_id: str, worker_id: str) -> bool:
        """Whether that terminal is known not to hold this worker; False for one that is not ours."""
        with self._roster_lock:
            link = self._links.get(terminal_id)
            return link is not None and link.planned and link.push.is_free_of(worker_id)

    def report(self) -> BridgeReport:
        with self._lock:
            return BridgeReport(
                connected=self._client.is_connected(),
                dropped=self._counts["dropped"],
                unreadable=self._counts["unreadable"],
                unknown_operators=dict(self._unknown_operators),
                unknown_terminals=dict(self._unknown_terminals),
                last_store_error=self._last_store_error,
                refused_filters=self._refused_filters,
            )

    # ---- paho's thread

    def _on_connect(
        self,
        client: mqtt.Client,
        _userdata: object,
        _flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: object,
    ) -> None:
        if reason.is_failure:
            _log.error("the broker refuses the bridge: %s", reason)
            return
        client.subscribe([(one, 1) for one in FILTERS])
        _log.info("connected to the broker of the terminals")

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _userdata: object,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: object,
    ) -> None:
        refused = [one for one, reason in zip(FILTERS, reasons, strict=False) if reason.is_failure]
        with self._lock:
            self._refused_filters = tuple(refused)
        if refused:
            _log.error(
                "the broker does not let the bridge read %s: its ACL is too narrow", ", ".join(refused)
            )

    def _on_disconnect(
        self,
        _client: mqtt.Client,
        _userdata: object,
        _flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        _properties: object,
    ) -> None:
        if not self._stopping.is_set():
            _log.warning("the broker of the terminals is gone: %s", reason)

    def _on_message(self, _client: mqtt.Client, _userdata: object, packet: mqtt.MQTTMessage) -> None:
        place = origin(packet.topic)
        if self._stopping.is_set() or place is None or (packet.retain and not place.terminal_id):
            return  # a retained greeting says nothing about now
        try:
            message = parse(bytes(packet.payload))
        except PayloadUnreadable as error:
            with self._lock:
                self._counts["unreadable"] += 1
                self._see(place.terminal_id)
            _log.warning("%s: %s", packet.topic, error)
            return
        link = self._sender(place, message)
        if link is None:
            return
        received_at = self._now()
        self._watch(link, message, received_at)
        try:
            if isinstance(message, Recognition | Stranger):
                self._records.put_nowait(_Parcel(link, message, received_at))
            else:
                self._roster_inbox.put_nowait(_Parcel(link, message, received_at))
        except queue.Full:
            with self._lock:
                self._counts["dropped"] += 1

    def _sender(self, place: Origin, message: Incoming) -> _Link | None:
        """Whom to believe: the topic, which the broker's ACL guards. A payload that differs is refused."""
        claimed = message.claimed_id
        name = place.terminal_id or claimed
        with self._lock:
            link = self._links.get(name)
            if link is None:
                _count(self._unknown_terminals, name or "(nobody)")
                return None
            if (claimed and claimed != name) or not _fits(place, message):
                link.counts["refused"] += 1
                _log.warning("refused: the topic of %s, but the payload says otherwise", name)
                return None
            if isinstance(message, Unknown):
                _count(self._unknown_operators, message.operator or "(none)")
            return link

    def _watch(self, link: _Link, message: Message, received_at: datetime) -> None:
        """Online state and clock. On the shared topics this is hearsay, and nothing but display and pace."""
        with self._lock:
            link.online = not isinstance(message, Offline)
            link.seen_at, link.last_seen_at = time.monotonic(), received_at
            if isinstance(message, Online | Heartbeat):
                told = local_time(message.time, link.terminal.zone)
                link.clock_off_s = (told - received_at).total_seconds() if told else None

    def _see(self, terminal_id: str) -> None:
        if (link := self._links.get(terminal_id)) is not None:
            link.counts["refused"] += 1

    # ---- the thread of records

    def _serve_records(self) -> None:
        while True:
            parcels = _drain(self._records, MAX_BATCH)
            if parcels:
                self._store(parcels)
            elif self._stopping.is_set():
                return

    def _store(self, parcels: Sequence[_Report]) -> None:
        """One commit for all that is new; whatever is committed is acknowledged, also if it was before."""
        fresh: dict[str, tuple[Event, _Report]] = {}
        done: list[tuple[str, _Report]] = []
        for parcel in parcels:
            message, link = parcel.message, parcel.link
            with self._lock:
                clock_off_s = link.clock_off_s
            event = event_of(message, link.terminal, received_at=parcel.received_at, clock_off_s=clock_off_s)
            ignored = isinstance(message, Stranger) and not link.terminal.keep_strangers
            if ignored or event.event_id in self._committed:
                done.append((event.event_id, parcel))
                self._add(link, "repeated", 0 if ignored else 1)
            elif event.event_id in fresh:
                self._add(link, "repeated", 1)
            else:
                fresh[event.event_id] = (event, parcel)
        for event, parcel in self._commit(list(fresh.values())):
            self._remember(event.event_id)
            self._add(parcel.link, "stored", 1)
            done.append((event.event_id, parcel))
        for event_id, parcel in done:
            self._acknowledge(event_id, parcel)

    def _commit(self, rows: list[tuple[Event, _Report]]) -> list[tuple[Event, _Report]]:
        """The rows that are stored. One record that the store refuses does not hold up the others."""
        if not rows or self._try([event for event, _ in rows]):
            return rows
        stored: list[tuple[Event, _Report]] = []
        failures = 0
        for row in rows if len(rows) > 1 else ():
            if failures == FAILURES_IN_A_ROW:
                break
            if self._try([row[0]]):
                stored.append(row)
                failures = 0
            else:
                failures += 1
        kept = {event.event_id for event, _ in stored}
        for event, parcel in rows:
            if event.event_id not in kept:
                self._add(parcel.link, "not_stored", 1)
        return stored

    def _try(self, events: list[Event]) -> bool:
        try:
            self._store_events(events)
        except Exception as error:  # noqa: BLE001 - whatever it was: nothing is stored, nothing is acknowledged
            _log.exception("%d records of terminals could not be stored", len(events))
            with self._lock:
                self._last_store_error = type(error).__name__
            return False
        return True

    def _remember(self, event_id: str) -> None:
        self._committed[event_id] = None
        if len(self._committed) > MAX_REMEMBERED:
            self._committed.popitem(last=False)

    def _acknowledge(self, event_id: str, parcel: _Report) -> None:
        command = acknowledgement(parcel.message, parcel.link.terminal, event_id)
        if command is not None:
            # QoS 0: a lost one is asked for again, a queued one would only arrive too late.
            self._client.publish(parcel.link.terminal.command_topic, command.payload, qos=0)

    def _add(self, link: _Link, name: str, number: int) -> None:
        with self._lock:
            link.counts[name] += number

    # ---- the thread of rosters

    def _serve_rosters(self) -> None:
        while not self._stopping.is_set():
            for parcel in _drain(self._roster_inbox, MAX_BATCH):
                self._guarded(parcel.link, self._hear, parcel)
            for site in self._due():
                self._guarded(site[0], self._plan, site)
            for link in self._links.values():
                self._guarded(link, self._send_next, link)

    def _guarded(self, link: _Link, work: Callable[[_Given], None], given: _Given) -> None:
        """One terminal's trouble (a photo source that fails, a disk that is full) is not the others'."""
        try:
            work(given)
        except Exception:  # noqa: BLE001 - a photo source is anybody's code; the thread must go on
            _log.exception("the list of terminal %s", link.terminal.terminal_id)
            with self._roster_lock:
                link.push.not_sent(time.monotonic(), pause_s=PAUSE_S)

    def _hear(self, parcel: _Parcel[Message]) -> None:
        link, message = parcel.link, parcel.message
        now = time.monotonic()
        if isinstance(message, Online):
            reply = online_ack(terminal_id=link.terminal.terminal_id, message_id=f"online-{int(now * 1000)}")
            self._client.publish(link.terminal.command_topic, reply.payload, qos=0)
            if link.rejoined_at is None or now - link.rejoined_at >= REJOIN_EVERY_S:
                link.rejoined_at = now
                with self._roster_lock:
                    link.push.reconnected()
        elif isinstance(message, Answer) and message.answers not in ("PushAck", "Online"):
            with self._roster_lock:
                before = dict(link.push.held)
                link.push.answer(message, now)
                held = dict(link.push.held)
            if self._ledger is not None and held != before:
                self._ledger.write(link.terminal.terminal_id, held)

    def _due(self) -> list[list[_Link]]:
        """Terminals to plan for, by site: all, when the registry is new or a minute has passed."""
        now = time.monotonic()
        with self._lock:
            if not self._roster_known or (
                self._planned_at is not None and now - self._planned_at < REPLAN_EVERY_S
            ):
                return []
            self._planned_at = now
            sites: dict[str, list[_Link]] = {}
            for link in self._links.values():
                sites.setdefault(link.terminal.site_id, []).append(link)
            return list(sites.values())

    def _plan(self, site: list[_Link]) -> None:
        with self._lock:
            workers = list(self._workers.values())
        site_id = site[0].terminal.site_id
        target = wanted(workers, site_id, self._photos, now=self._now(), eligible=self._eligible)
        with self._roster_lock:
            for link in site:
                link.push.aim(target)
                link.planned = True

    def _send_next(self, link: _Link) -> None:
        now = time.monotonic()
        with self._lock:
            ready = self._online(link, now) and self._client.is_connected()
        if not (ready and link.planned):
            return
        with self._roster_lock:
            command = link.push.next(now)
            if command is None:
                return
            sent = self._client.publish(link.terminal.command_topic, command.payload, qos=1)
            if sent.rc != mqtt.MQTT_ERR_SUCCESS:
                link.push.not_sent(now)

    # ---- helpers

    def _link(self, terminal: Terminal) -> _Link:
        held = self._ledger.read(terminal.terminal_id) if self._ledger else {}
        return _Link(terminal, RosterPush(terminal, self._photos, held))

    def _online(self, link: _Link, now: float) -> bool:
        return link.online and link.seen_at is not None and now - link.seen_at < ONLINE_FOR_S

    def _state(self, link: _Link) -> TerminalState:
        return TerminalState(
            terminal_id=link.terminal.terminal_id,
            online=self._online(link, time.monotonic()),
            last_seen_at=link.last_seen_at,
            clock_off_s=link.clock_off_s,
            stored=link.counts["stored"],
            repeated=link.counts["repeated"],
            not_stored=link.counts["not_stored"],
            refused=link.counts["refused"],
            held=len(link.push.held),
            wanted=len(link.push.wanted.digests),
            outstanding=link.push.outstanding(),
            strays=link.push.strays,
        )


def _fits(place: Origin, message: Incoming) -> bool:
    """Whether such a message belongs on such a topic; unknown ones may come anywhere."""
    if isinstance(message, Unknown):
        return True
    if isinstance(message, Online | Offline | Heartbeat):
        return not place.terminal_id
    return bool(place.terminal_id) and isinstance(message, Answer) == (place.kind == ACK)


def _drain(inbox: queue.Queue[_Given], most: int) -> list[_Given]:
    """Waits a moment for the first, takes what else is there."""
    found: list[_Given] = []
    try:
        found.append(inbox.get(timeout=TICK_S))
        while len(found) < most:
            found.append(inbox.get_nowait())
    except queue.Empty:
        pass
    return found


def _count(counter: Counter[str], name: str) -> None:
    if name in counter or len(counter) < MAX_UNKNOWN:
        counter[name] += 1
    else:
        counter["(others)"] += 1
