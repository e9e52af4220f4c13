"""Which rows are sent next, which wait for their event, and which are put aside."""

from __future__ import annotations

from sync.records import Outcome, Passage, PassageNote
from sync.store import LocalStore
from tests.sync.samples import NOON, an_event


def pass_through(store: LocalStore, event_id: str) -> None:
    store.note_passage(PassageNote(event_id=event_id, passage=Passage.PASSED, noted_at=NOON))


def kinds(store: LocalStore, **window: object) -> list[tuple[int, str]]:
    return [(item.item_id, item.kind) for item in store.outbox_pending(**window)]  # type: ignore[arg-type]


def test_a_window_leaves_out_what_is_on_its_way(store: LocalStore) -> None:
    for _ in range(5):
        store.record(an_event())
    assert store.outbox_last() == 5
    assert [number for number, _ in kinds(store, after=1, until=4, without={3})] == [2, 4]


def test_a_passage_waits_until_its_event_is_acknowledged_or_in_the_same_batch(store: LocalStore) -> None:
    event = store.record(an_event())
    pass_through(store, event.event_id)
    assert kinds(store) == [(1, "event"), (2, "passage")]
    assert kinds(store, without={1}) == [], "its event is on its way"
    assert kinds(store, after=1) == [], "its event is in the backlog"
    store.outbox_acknowledge([1])
    assert kinds(store, after=1) == [(2, "passage")]


def test_a_parked_row_is_counted_and_shown_but_not_sent_until_it_is_taken_back(store: LocalStore) -> None:
    store.record(an_event())
    store.record(an_event())
    store.outbox_park({1: "unknown site"})
    assert kinds(store) == [(2, "event")]
    assert (store.outbox_depth(), store.outbox_parked_count()) == (1, 1)
    ((item, reason),) = store.outbox_parked()
    assert (item.item_id, reason) == (1, "unknown site")
    assert store.outbox_unpark() == 1
    assert (store.outbox_depth(), store.outbox_parked_count()) == (2, 0)


def test_only_refusals_are_dropped_from_a_full_queue_and_their_events_stay(store: LocalStore) -> None:
    allowed = store.record(an_event())
    denied = store.record(an_event(outcome=Outcome.DENY))
    store.record(an_event(outcome=Outcome.HOLD))
    assert store.outbox_drop_refused(1) == 1
    assert [number for number, _ in kinds(store)] == [1, 3]
    assert store.event(denied.event_id).outcome is Outcome.DENY
    assert store.outbox_drop_refused(10) == 1
    assert store.outbox_drop_refused(10) == 0
    assert store.event(allowed.event_id).sequence == 1


def test_a_command_is_written_down_once_and_its_end_is_kept(store: LocalStore) -> None:
    facts = {"action": "open_once", "lane_id": "lane-1", "issued_by": "manager-1", "reason": "delivery"}
    assert store.command_begin("c-1", **facts)
    assert not store.command_begin("c-1", **facts)
    kept = store.command("c-1")
    assert kept is not None
    assert kept.done is None
    store.command_finish("c-1", done=True, detail="opened")
    (kept,) = store.commands()
    assert (kept.done, kept.detail) == (True, "opened")
    assert kept.answered_at is not None
    assert store.command("c-2") is None
