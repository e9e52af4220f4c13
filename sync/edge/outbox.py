"""Sends what the store has queued, live before backlog, until the centre acknowledges it."""

from __future__ import annotations

import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import uuid4

from sync.edge.centre_time import CentreTime, Clock
from sync.edge.settings import CentreSettings
from sync.records import OutboxItem
from sync.store import LocalStore
from sync.wire import topics
from sync.wire.envelope import MessageRefused
from sync.wire.messages import Ack, Batch, BatchItem, Message
from sync.wire.sealing import seal_text

log = logging.getLogger(__name__)

MAX_PAYLOAD_CHARS = 64_000
"""Limit of `BatchItem.payload`."""
MAX_BATCH_CHARS = 1_000_000
"""A batch is closed here: with quoting and signature it stays below the wire's limit."""
LONGEST_ACK_TIMEOUT_S = 60.0
PATIENCE = 2.0
"""Times the latest round trip: a centre that is behind gets behind further if everything comes again."""
HALVE_AFTER_PASSED_OVER = 2
PARK_AFTER_PASSED_OVER = 5
TOGETHER_S = 1.0
"""Batches of one moment: the answer to one says that the centre was there for the other."""
MOST_IN_FLIGHT = 2
"""Times `in_flight`: with so many batches in a silence nothing new is sent."""
PARKED_AGAIN_S = 300.0
"""What was parked without an answer is asked again so often: it may have been bad luck, many times over."""
PARKED_AT_ONCE = 100
REMEMBERED_BATCHES = 512
"""Batches whose late acknowledgement still counts."""
ALARM_SHARE = 0.9
CAPACITY_CHECK_S = 1.0
DROP_AT_MOST = 500
"""Rows dropped per check, so that an event never waits long behind it."""
DROP_PAUSE_S = 60.0
"""A full queue without a single refusal is searched again after so long."""
MARK_S = 0.5
"""How finely the age of queued rows is known."""
MAX_REASON_CHARS = 200
NO_ANSWER = "no answer"

Publish = Callable[[str, Message], bool]
"""Kind of message and body; False where it could not be sent."""


@dataclass(slots=True)
class _Sent:
    """Rows on their way: what is still unacknowledged of one batch."""

    items: dict[int, BatchItem]
    replay: bool
    sent_s: float
    timeout_s: float
    passed_over: int = 0
    """Sendings that stayed unanswered although the centre answered what was sent then or later."""
    others_answered: bool = False
    """Since the latest sending."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """One batch id that was given out."""

    item_ids: frozenset[int]
    sent_s: float


class OutboxSender:
    """Used by one thread alone, but for the plain figures that anybody may read."""

    def __init__(
        self,
        settings: CentreSettings,
        store: LocalStore,
        *,
        clock: Clock,
        centre_time: CentreTime,
        boot_id: str,
        publish: Publish,
        site_key: bytes,
        on_alarm: Callable[[bool], None],
        on_roster_changed: Callable[[], None],
    ) -> None:
        """
        Args:
            site_key: notes go sealed under it.
            on_roster_changed: the centre's answer to a note changed workers in the store.
        """
        self.depth = 0
        self.parked = 0
        self.dropped = 0
        self.alarm = False
        self.full = False
        self.last_ack_s: float | None = None
        self._settings = settings
        self._store = store
        self._clock = clock
        self._centre_time = centre_time
        self._boot_id = boot_id
        self._publish = publish
        self._on_alarm = on_alarm
        self._site_key = site_key
        self._on_roster_changed = on_roster_changed
        self._sent: list[_Sent] = []
        self._asked: OrderedDict[str, _Asked] = OrderedDict()
        self._boundary = 0
        self._marks: deque[tuple[float, int]] = deque()
        self._time_asked_s: float | None = None
        self._next_check_s = 0.0
        self._next_drop_s = 0.0
        self._parked_again_s = 0.0
        self._patience_s = settings.ack_timeout_s

    @property
    def problem(self) -> str:
        """For the health report; empty means well."""
        said = []
        if self.alarm:
            share = self.depth / self._settings.outbox_capacity
            said.append(f"outbox {share:.0%} full ({self._settings.when_full} at 100 %)")
        if self.parked:
            said.append(f"{self.parked} records parked")
        if self.dropped:
            said.append(f"{self.dropped} refusals not sent")
        return "; ".join(said)

    def connected(self) -> None:
        """A connection came up: what is queued by now is backlog, and what was on its way goes again."""
        self._sent.clear()
        self._marks.clear()
        self._boundary = self._store.outbox_last()
        self._time_asked_s = None
        self._parked_again_s = self._clock.monotonic()
        self._patience_s = self._settings.ack_timeout_s
        self._ask_time()

    def acknowledged(self, ack: Ack) -> None:
        """Delete what the centre has, park what it will never take.

        Raises MessageRefused (cause `replayed`) for a batch that is not on its way.
        """
        asked = self._asked.get(ack.batch_id)
        if asked is None:
            raise MessageRefused(f"batch {ack.batch_id} is not on its way", cause="replayed")
        now_s = self._clock.monotonic()
        accepted = asked.item_ids.intersection(ack.accepted)
        rejected = {
            one.item_id: one.reason[:MAX_REASON_CHARS]
            for one in ack.rejected
            if one.item_id in asked.item_ids
        }
        if accepted and self._store.outbox_acknowledge(accepted, roster_version=ack.roster_version or 0):
            self._on_roster_changed()
        self._park(rejected)
        if accepted.union(rejected) == asked.item_ids:
            del self._asked[ack.batch_id]
        self._settle(accepted.union(rejected))
        self.last_ack_s = now_s
        round_trip_s = now_s - asked.sent_s
        self._centre_time.heard(ack.at, round_trip_s=round_trip_s)
        patience_s = max(self._settings.ack_timeout_s, PATIENCE * round_trip_s)
        self._patience_s = min(patience_s, LONGEST_ACK_TIMEOUT_S)
        for sent in self._sent:
            # The centre answers again: what waited through its silence need not wait longer.
            sent.timeout_s = min(sent.timeout_s, self._patience_s)
            sent.others_answered |= asked.sent_s >= sent.sent_s - TOGETHER_S

    def tick(self, *, connected: bool) -> None:
        """Send what is due. Raises StoreError."""
        self._check_capacity()
        if not connected:
            return
        self._advance_boundary()
        self._send_overdue()
        self._send_new()
        self._ask_parked()
        self._ask_time()

    # -- sending ---------------------------------------------------------------------------------------

    def _send_new(self) -> None:
        limit = self._settings.batch_items
        while self._has_place_for_live():
            items = self._store.outbox_pending(limit, after=self._boundary, without=self._held())
            if not items or not self._send(items, replay=False):
                break
        while len(self._sent) < self._settings.in_flight - 1:
            items = self._store.outbox_pending(limit, until=self._boundary, without=self._held())
            if not items or not self._send(items, replay=True):
                break

    def _has_place_for_live(self) -> bool:
        """Backlog never takes the last place, be it what was live when it went or a batch that was halved.

        A centre that answers nothing at all is not sent more and more; one that answers around a batch is.
        """
        in_flight = self._settings.in_flight
        live = sum(max(sent.items) > self._boundary for sent in self._sent)
        backlog = len(self._sent) - live
        unanswered = sum(not sent.passed_over for sent in self._sent)
        return live + min(backlog, in_flight - 1) < in_flight and unanswered < MOST_IN_FLIGHT * in_flight

    def _send(self, rows: list[OutboxItem], *, replay: bool) -> bool:
        items: dict[int, BatchItem] = {}
        chars = 0
        too_long: dict[int, str] = {}
        for row in rows:
            payload = self._payload(row)
            if len(payload) > MAX_PAYLOAD_CHARS:
                too_long[row.item_id] = f"longer than {MAX_PAYLOAD_CHARS} characters"
                continue
            item = BatchItem(item_id=row.item_id, kind=row.kind, record_id=row.record_id, payload=payload)
            chars += len(payload)
            if items and chars > MAX_BATCH_CHARS:
                break
            items[row.item_id] = item
        self._park(too_long)
        self._hand_over(items)
        if not items:
            return True
        return self._dispatch(_Sent(items, replay, 0.0, self._patience_s))

    def _hand_over(self, items: dict[int, BatchItem]) -> None:
        """Mark the notes as given to the wire, and leave out those that somebody took back meanwhile."""
        notes = {item_id for item_id, item in items.items() if item.record_id is not None}
        if notes:
            for item_id in notes - self._store.hand_over_notes(notes):
                del items[item_id]

    def _payload(self, row: OutboxItem) -> str:
        """Events go as they are, signed; notes name people and are sealed besides."""
        if row.record_id is None:
            return row.payload
        return seal_text(row.payload, site_key=self._site_key, bound_to=row.record_id)

    def _dispatch(self, sent: _Sent) -> bool:
        """Publish a batch, for the first time or again, and keep it until it is acknowledged."""
        sent.sent_s = self._clock.monotonic()
        sent.others_answered = False
        self._sent.append(sent)
        if self._ask(tuple(sent.items.values()), replay=sent.replay):
            return True
        self._sent.remove(sent)
        return False

    def _ask(self, items: tuple[BatchItem, ...], *, replay: bool) -> bool:
        batch = Batch(batch_id=uuid4().hex, boot_id=self._boot_id, replay=replay, items=items)
        ids = frozenset(item.item_id for item in items)
        self._asked[batch.batch_id] = _Asked(ids, self._clock.monotonic())
        while len(self._asked) > REMEMBERED_BATCHES:
            self._asked.popitem(last=False)
        return self._publish(topics.BATCH, batch)

    def _send_overdue(self) -> None:
        now_s = self._clock.monotonic()
        for sent in [one for one in self._sent if now_s - one.sent_s >= one.timeout_s]:
            self._sent.remove(sent)
            sent.passed_over += sent.others_answered
            if len(sent.items) == 1 and sent.passed_over >= PARK_AFTER_PASSED_OVER:
                self._park(dict.fromkeys(sent.items, NO_ANSWER))
                continue
            sent.timeout_s = min(2 * sent.timeout_s, LONGEST_ACK_TIMEOUT_S)
            sent.replay = sent.replay or min(sent.items) <= self._boundary
            halve = len(sent.items) > 1 and sent.passed_over >= HALVE_AFTER_PASSED_OVER
            for part in _halves(sent) if halve else [sent]:
                self._dispatch(part)

    def _held(self) -> set[int]:
        return {item_id for sent in self._sent for item_id in sent.items}

    def _settle(self, item_ids: frozenset[int]) -> None:
        for sent in self._sent:
            for item_id in item_ids:
                sent.items.pop(item_id, None)
        self._sent = [sent for sent in self._sent if sent.items]

    def _park(self, reasons: Mapping[int, str]) -> None:
        if reasons:
            if self._store.outbox_park(reasons):
                self._on_roster_changed()
            self._next_check_s = 0.0
            for item_id, reason in reasons.items():
                log.error("outbox row %d is parked: %s", item_id, reason)

    def _advance_boundary(self) -> None:
        """Rows that were queued `live_s` ago are backlog, by a clock that does not jump."""
        now_s = self._clock.monotonic()
        if not self._marks or now_s - self._marks[-1][0] >= MARK_S:
            self._marks.append((now_s, self._store.outbox_last()))
        while self._marks and now_s - self._marks[0][0] >= self._settings.live_s:
            self._boundary = max(self._boundary, self._marks.popleft()[1])

    def _ask_time(self) -> None:
        """An empty batch, when nothing else has been answered for a heartbeat."""
        now_s = self._clock.monotonic()
        heard_s = max((one for one in (self.last_ack_s, self._time_asked_s) if one is not None), default=None)
        if self._time_asked_s is None or heard_s is None or now_s - heard_s >= self._settings.heartbeat_s:
            self._time_asked_s = now_s
            self._ask((), replay=True)

    def _ask_parked(self) -> None:
        """Each alone, so that one the centre cannot digest takes no other with it; an answer settles it."""
        now_s = self._clock.monotonic()
        if now_s < self._parked_again_s:
            return
        self._parked_again_s = now_s + PARKED_AGAIN_S
        for row, _ in self._store.outbox_parked(PARKED_AT_ONCE, reason=NO_ANSWER):
            item = BatchItem(
                item_id=row.item_id, kind=row.kind, record_id=row.record_id, payload=self._payload(row)
            )
            self._ask((item,), replay=True)

    # -- capacity --------------------------------------------------------------------------------------

    def _check_capacity(self) -> None:
        now_s = self._clock.monotonic()
        if now_s < self._next_check_s:
            return
        self._next_check_s = now_s + CAPACITY_CHECK_S
        capacity = self._settings.outbox_capacity
        self.depth = self._store.outbox_depth()
        self.parked = self._store.outbox_parked_count()
        if self.depth > capacity and self._settings.when_full == "drop_oldest_refused":
            self._drop_refusals(now_s)
        self.full = self.depth >= capacity
        alarm = self.depth >= ALARM_SHARE * capacity
        if alarm != self.alarm:
            self.alarm = alarm
            if alarm:
                log.error("the outbox holds %d of %d events", self.depth, capacity)
            else:
                log.info("the outbox has room again (%d of %d)", self.depth, capacity)
            self._on_alarm(alarm)

    def _drop_refusals(self, now_s: float) -> None:
        if now_s < self._next_drop_s:
            return
        excess = self.depth - self._settings.outbox_capacity
        dropped = self._store.outbox_drop_refused(min(excess, DROP_AT_MOST))
        self.dropped += dropped
        self.depth -= dropped
        if dropped:
            log.error("the outbox is full: %d refusals will not be sent", dropped)
        else:
            self._next_drop_s = now_s + DROP_PAUSE_S


def _halves(sent: _Sent) -> list[_Sent]:
    ids = sorted(sent.items)
    middle = len(ids) // 2
    return [
        _Sent(
            {item_id: sent.items[item_id] for item_id in part},
            sent.replay,
            sent.sent_s,
            sent.timeout_s,
            sent.passed_over,
        )
        for part in (ids[:middle], ids[middle:])
    ]
