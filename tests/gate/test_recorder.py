"""No entry without a record, no record lost, no record twice, whatever breaks."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from gate.errors import RelayError
from gate.reasons import Reason
from gate.recorder import KEPT_IN_MEMORY, Recorder
from sync.errors import StoreFull
from sync.records import Direction, Event, Method, Outcome


class ShelfStore:
    """Keeps events by id as the real store does; fails while `full`."""

    def __init__(self) -> None:
        self.full = False
        self.events: dict[str, Event] = {}
        self.log: list[str] = []

    def record(self, event: Event) -> Event:
        if self.full:
            raise StoreFull("disk full", next_step="free some space")
        self.log.append("record")
        return self.events.setdefault(event.event_id, event)


class Hinge:
    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.broken = False

    def open_for(self, event_id: str) -> float:
        if self.broken:
            raise RelayError("no answer")
        self.log.append("open")
        return 7.0


def event(outcome: Outcome = Outcome.ALLOW) -> Event:
    return Event(
        sequence=0,
        site_id="s",
        gate_id="g",
        lane_id="l",
        direction=Direction.IN,
        occurred_at=datetime(2026, 12, 1, tzinfo=UTC),
        method=Method.FACE,
        outcome=outcome,
        reasons=(Reason.OK.value,),
    )


def test_the_record_comes_before_the_door() -> None:
    store = ShelfStore()
    settled = Recorder(store).settle(event(), Hinge(store.log).open_for)
    assert store.log == ["record", "open"]
    assert settled.opened_at_s == 7.0


@pytest.mark.parametrize("outcome", [Outcome.DENY, Outcome.HOLD])
def test_a_refusal_is_recorded_and_opens_nothing(outcome: Outcome) -> None:
    store = ShelfStore()
    assert Recorder(store).settle(event(outcome), Hinge(store.log).open_for).opened_at_s is None
    assert store.log == ["record"]


def test_a_store_that_cannot_write_keeps_the_gate_shut_and_the_record_is_written_later() -> None:
    store = ShelfStore()
    store.full = True
    recorder = Recorder(store)
    settled = recorder.settle(event(), Hinge(store.log).open_for)
    assert settled.opened_at_s is None
    assert settled.fault is Reason.STORE_FAULT
    assert settled.event.outcome is Outcome.DENY, "what did not open is not recorded as an entry"
    assert recorder.fault == "disk full"
    assert not recorder.retry()
    store.full = False
    assert recorder.retry()
    assert recorder.fault == ""
    (kept,) = store.events.values()
    assert kept.reasons[0] == "store_fault"


def test_a_site_may_choose_to_open_and_record_afterwards() -> None:
    store = ShelfStore()
    store.full = True
    recorder = Recorder(store, on_store_fault="open")
    settled = recorder.settle(event(), Hinge(store.log).open_for)
    assert settled.opened_at_s == 7.0
    store.full = False
    assert recorder.retry()
    assert [e.outcome for e in store.events.values()] == [Outcome.ALLOW]


def test_nobody_is_locked_in_by_a_full_disk() -> None:
    store = ShelfStore()
    store.full = True
    assert Recorder(store).settle(event(), Hinge(store.log).open_for, egress=True).opened_at_s == 7.0


def test_an_exit_opens_before_the_record_is_written() -> None:
    store = ShelfStore()
    Recorder(store).settle(event(), Hinge(store.log).open_for, egress=True)
    assert store.log == ["open", "record"]


def test_nobody_waits_for_a_store_that_is_known_to_be_broken() -> None:
    store = ShelfStore()
    store.full = True
    recorder = Recorder(store)
    recorder.settle(event(), Hinge(store.log).open_for)
    store.full = False
    recorder.settle(event(), Hinge(store.log).open_for)
    assert store.log == [], "the store is asked again by retry, not by a decision"
    assert recorder.retry()
    assert len(store.events) == 2
    assert recorder.settle(event(), Hinge(store.log).open_for).opened_at_s is not None


def test_a_decision_does_not_wait_for_a_retry_that_hangs_in_the_store() -> None:
    store = ShelfStore()
    store.full = True
    recorder = Recorder(store)
    recorder.settle(event(Outcome.DENY), Hinge(store.log).open_for)
    hanging, go_on = threading.Event(), threading.Event()

    def hang(kept: Event) -> Event:
        hanging.set()
        assert go_on.wait(20)
        raise StoreFull("still full")

    store.record = hang  # type: ignore[method-assign]
    thread = threading.Thread(target=recorder.retry)
    thread.start()
    assert hanging.wait(20)
    assert recorder.settle(event(), Hinge(store.log).open_for, egress=True).opened_at_s == 7.0
    assert recorder.settle(event(), Hinge(store.log).open_for).opened_at_s is None
    go_on.set()
    thread.join()
    assert recorder.waiting == 3


def test_a_relay_that_does_not_answer_leaves_the_record_and_says_so() -> None:
    store = ShelfStore()
    hinge = Hinge(store.log)
    hinge.broken = True
    settled = Recorder(store).settle(event(), hinge.open_for)
    assert settled.fault is Reason.RELAY_FAULT
    assert settled.opened_at_s is None
    assert len(store.events) == 1


def test_what_waits_in_memory_is_bounded_and_the_loss_is_counted() -> None:
    store = ShelfStore()
    store.full = True
    recorder = Recorder(store)
    for _ in range(KEPT_IN_MEMORY + 3):
        recorder.settle(event(Outcome.DENY), Hinge(store.log).open_for)
    assert (recorder.waiting, recorder.dropped) == (KEPT_IN_MEMORY, 3)
