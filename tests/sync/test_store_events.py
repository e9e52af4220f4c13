from __future__ import annotations

import json
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.errors import UnknownEvent
from sync.records import Event, Outcome, Passage, PassageNote
from sync.store import LocalStore, StoreKey
from tests.sync.samples import NOON, an_event


def passage_of(event: Event, passage: Passage) -> PassageNote:
    return PassageNote(event_id=event.event_id, passage=passage, noted_at=NOON)


def test_an_event_is_numbered_kept_and_queued(store: LocalStore) -> None:
    first, second = store.record(an_event()), store.record(an_event())
    assert (first.sequence, second.sequence) == (1, 2)
    assert store.event(second.event_id) == second
    assert store.events() == [second, first]
    assert [Event.model_validate_json(item.payload) for item in store.outbox_pending()] == [first, second]


def test_each_gate_counts_for_itself(store: LocalStore) -> None:
    numbers = [store.record(an_event(gate_id=gate)).sequence for gate in ("a", "b", "a", "b", "b")]
    assert numbers == [1, 1, 2, 2, 3]


def test_recording_the_same_event_again_changes_nothing(store: LocalStore) -> None:
    first = store.record(an_event(event_id="e-1"))
    again = store.record(an_event(event_id="e-1", outcome=Outcome.DENY))
    assert again == first
    assert (store.count_events(), store.outbox_depth()) == (1, 1)
    assert store.record(an_event()).sequence == 2


def test_a_passage_is_noted_on_the_event_and_queued_after_it(store: LocalStore) -> None:
    event = store.record(an_event())
    note = passage_of(event, Passage.PASSED)
    store.note_passage(note)
    store.note_passage(note)
    assert store.event(event.event_id) == event.model_copy(update={"passage": Passage.PASSED})
    queued = store.outbox_pending()
    assert [item.kind for item in queued] == ["event", "passage"]
    assert PassageNote.model_validate_json(queued[1].payload) == note


def test_a_passage_of_an_unknown_event_is_refused(store: LocalStore) -> None:
    with pytest.raises(UnknownEvent):
        store.note_passage(PassageNote(event_id="e-9", passage=Passage.PASSED, noted_at=NOON))


def test_events_are_found_by_lane_worker_outcome_and_time(store: LocalStore) -> None:
    hours = [timedelta(hours=hour) for hour in range(4)]
    store.record(an_event(event_id="a", lane_id="in", worker_id="W-1", occurred_at=NOON))
    store.record(an_event(event_id="b", lane_id="out", worker_id="W-1", occurred_at=NOON + hours[1]))
    store.record(an_event(event_id="c", lane_id="in", outcome=Outcome.DENY, occurred_at=NOON + hours[2]))

    def ids(events: list[Event]) -> str:
        return "".join(event.event_id for event in events)

    assert ids(store.events(lane_id="in")) == "ca"
    assert ids(store.events(worker_id="W-1")) == "ba"
    assert ids(store.events(outcome=Outcome.DENY)) == "c"
    assert ids(store.events(since=NOON + hours[1], until=NOON + hours[2])) == "b"
    assert ids(store.events(since=(NOON + hours[1]).astimezone(UTC))) == "cb"
    assert ids(store.events(before="c", limit=1)) == "b"
    assert ids(store.events(after="a")) == "cb"
    assert store.count_events(worker_id="W-1", until=NOON + hours[1]) == 1
    with pytest.raises(UnknownEvent):
        store.events(before="x")


def test_the_order_of_recording_holds_when_the_clock_jumps_back(store: LocalStore) -> None:
    later = store.record(an_event(occurred_at=NOON))
    earlier = store.record(an_event(occurred_at=NOON - timedelta(days=3000)))
    assert store.events() == [earlier, later]


def test_a_row_leaves_the_outbox_only_when_acknowledged(store: LocalStore) -> None:
    for _ in range(3):
        store.record(an_event())
    first, *rest = store.outbox_pending()
    assert len(store.outbox_pending(limit=2)) == 2
    store.outbox_acknowledge([first.item_id, 999])
    assert store.outbox_pending() == rest
    assert store.outbox_depth() == 2


def test_outbox_rows_are_dated_by_the_clock_that_was_given(store_path: Path, key: StoreKey) -> None:
    class FixedClock:
        def now(self) -> datetime:
            return NOON

    with LocalStore.open(store_path, key, clock=FixedClock()) as store:
        store.record(an_event())
        assert store.outbox_pending()[0].created_at == NOON


def test_pruning_takes_old_acknowledged_events_and_no_number_is_given_twice(store: LocalStore) -> None:
    old = [store.record(an_event(occurred_at=NOON - timedelta(days=200))) for _ in range(3)]
    new = store.record(an_event())
    waiting = store.outbox_pending()[1]
    store.outbox_acknowledge(
        item.item_id for item in store.outbox_pending() if item.item_id != waiting.item_id
    )
    assert store.prune(NOON - timedelta(days=180)) == 2
    assert store.events() == [new, old[1]]
    assert store.check().sound
    store.outbox_acknowledge([waiting.item_id])
    assert store.prune(NOON + timedelta(days=1)) == 2
    assert store.record(an_event()).sequence == 5
    assert store.check().sound


def test_threads_that_record_at_once_share_the_numbers_without_a_hole(store: LocalStore) -> None:
    each = 25

    def work() -> None:
        for _ in range(each):
            store.record(an_event())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(event.sequence for event in store.events(limit=1000)) == list(range(1, 4 * each + 1))


def test_a_record_does_not_wait_for_a_long_read(store: LocalStore) -> None:
    store.record(an_event())
    with store._connections.read() as db:
        rows = db.execute("SELECT event_id FROM events")
        rows.fetchone()
        recorded = store.record(an_event())
    assert store.event(recorded.event_id) == recorded


def test_state_of_the_gate_is_kept_over_a_restart(store: LocalStore, store_path: Path, key: StoreKey) -> None:
    assert store.state("clock") is None
    store.put_state("clock", {"last_good": NOON.isoformat(), "jumps": [1, 2.5, None]})
    store.close()
    with LocalStore.open(store_path, key) as reopened:
        assert reopened.state("clock") == {"last_good": NOON.isoformat(), "jumps": [1, 2.5, None]}


EVENT_STEP = st.one_of(
    st.tuples(st.just("record"), st.integers(0, 9)),
    st.tuples(st.just("passage"), st.integers(0, 9)),
    st.tuples(st.just("acknowledge"), st.integers(1, 3)),
    st.tuples(st.just("prune"), st.integers(0, 9)),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(EVENT_STEP, max_size=20))
def test_whatever_is_done_each_event_is_numbered_once_and_sent_until_acknowledged(
    tmp_path_factory: pytest.TempPathFactory, key: StoreKey, steps: list[tuple[str, int]]
) -> None:
    path = tmp_path_factory.mktemp("store") / "sitegate.db"
    numbers: dict[str, int] = {}
    sent: Counter[str] = Counter()
    with LocalStore.open(path, key) as store:
        for kind, number in steps:
            event_id = f"e-{number}"
            kept = {event.event_id for event in store.events(limit=1000)}
            if kind == "record":
                sequence = store.record(
                    an_event(event_id=event_id, occurred_at=NOON + timedelta(days=number))
                ).sequence
                if event_id in kept:
                    assert sequence == numbers[event_id]
                numbers[event_id] = sequence
            elif kind == "passage" and event_id in kept:
                store.note_passage(passage_of(store.event(event_id), Passage.PASSED))
            elif kind == "acknowledge":
                items = store.outbox_pending(limit=number)
                sent.update(json.loads(item.payload)["event_id"] for item in items if item.kind == "event")
                store.outbox_acknowledge(item.item_id for item in items)
            elif kind == "prune":
                waiting = {json.loads(item.payload)["event_id"] for item in store.outbox_pending(1000)}
                store.prune(NOON + timedelta(days=number))
                assert waiting <= {event.event_id for event in store.events(limit=1000)}
            assert store.check().sound
        highest = max(numbers.values(), default=0)
        unsent = sum(item.kind == "event" for item in store.outbox_pending(1000))
        assert sent.total() + unsent == highest


def test_a_gate_without_a_centre_forgets_old_events_that_nobody_acknowledged(store: LocalStore) -> None:
    old, new = an_event(), an_event()
    old = old.model_copy(update={"occurred_at": old.occurred_at - timedelta(days=400)})
    store.record(old)
    store.record(new)
    assert store.prune(new.occurred_at - timedelta(days=180)) == 0
    assert store.prune(new.occurred_at - timedelta(days=180), unsent=True) == 1
    assert [kept.event_id for kept in store.events()] == [new.event_id]
    assert store.outbox_depth() == 1
    assert store.check().sound
