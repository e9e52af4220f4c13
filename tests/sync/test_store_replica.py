"""What came from the centre is kept apart, taken over whole, and never half."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.errors import RecordInvalid, UnknownWorker
from sync.store import LocalStore
from sync.store.replica import ReplicaEntry
from sync.wire.sealing import entry_digest
from tests.sync.samples import NOON, a_template, a_worker


def an_entry(worker_id: str, version: int = 1, *, seed: int = 0, **changes: object) -> ReplicaEntry:
    worker = a_worker(worker_id, **changes)
    templates = [a_template(worker_id, seed=seed, template_id=f"t-{worker_id}-{seed}")]
    return ReplicaEntry(worker_id, version, worker, templates, entry_digest(worker, templates))


def test_a_difference_is_taken_over_with_its_version_and_the_gallery_learns_of_it(store: LocalStore) -> None:
    before = store.roster_version()
    assert store.replica_apply([an_entry("W-1"), an_entry("W-2")], version=7) == ["W-1", "W-2"]
    assert store.replica_state().version == 7
    assert store.roster_changes(before) == ["W-1", "W-2"]
    assert set(store.replica_digests()) == {"W-1", "W-2"}
    assert [one.template_id for one in store.templates("W-1")] == ["t-W-1-0"]


def test_the_same_entry_again_changes_only_its_version(store: LocalStore) -> None:
    store.replica_apply([an_entry("W-1")], version=1)
    roster_version = store.roster_version()
    assert store.replica_apply([an_entry("W-1", 2)], version=2) == []
    assert store.roster_version() == roster_version
    assert store.replica_state().version == 2


def test_a_difference_with_one_bad_template_is_not_taken_over_at_all(store: LocalStore) -> None:
    bad = ReplicaEntry("W-2", 1, a_worker("W-2"), [a_template("W-2", vector=bytes(512))], b"x")
    with pytest.raises(RecordInvalid):
        store.replica_apply([an_entry("W-1"), bad], version=1)
    assert store.count_workers() == 0
    assert store.replica_state().version == 0


def test_a_removal_touches_only_workers_that_came_from_the_centre(store: LocalStore) -> None:
    store.put_worker(a_worker("L-1"))
    store.replica_apply([an_entry("W-1")], version=1)
    gone = [ReplicaEntry("W-1", 2, None), ReplicaEntry("L-1", 2, None)]
    assert store.replica_apply(gone, version=2) == ["W-1"]
    assert store.worker("L-1").worker_id == "L-1"
    with pytest.raises(UnknownWorker):
        store.worker("W-1")


def test_a_template_may_move_from_one_worker_to_another_in_one_difference(store: LocalStore) -> None:
    first = an_entry("W-2")
    store.replica_apply([first], version=1)
    moved = a_template("W-1", template_id="t-W-2-0")
    entries = [
        ReplicaEntry("W-1", 2, a_worker("W-1"), [moved], entry_digest(a_worker("W-1"), [moved])),
        ReplicaEntry("W-2", 2, a_worker("W-2"), [], entry_digest(a_worker("W-2"), [])),
    ]
    store.replica_apply(entries, version=2)
    assert [one.template_id for one in store.templates("W-1")] == ["t-W-2-0"]
    assert store.templates("W-2") == []


def test_a_snapshot_counts_only_when_it_is_swapped_in(store: LocalStore) -> None:
    store.put_worker(a_worker("L-1"))
    store.replica_apply([an_entry("W-1"), an_entry("W-2"), an_entry("W-3")], version=3)
    store.replica_stage([an_entry("W-1"), an_entry("W-2", 5, team="steel")], version=9, after="W-2")
    store.replica_stage([an_entry("W-4", 9)], version=9, after="W-4")
    assert store.replica_state().version == 3
    assert store.count_workers() == 4
    staging = store.replica_staging()
    assert staging is not None
    assert (staging.version, staging.after) == (9, "W-4")

    assert sorted(store.replica_swap()) == ["W-2", "W-3", "W-4"]
    assert store.replica_state().version == 9
    assert store.replica_staging() is None
    assert store.replica_staged_digests() == {}
    assert [one.worker_id for one in store.workers()] == ["L-1", "W-1", "W-2", "W-4"]
    assert store.worker("W-2").team == "steel"
    assert len(store.templates("W-4")) == 1


def test_pages_that_were_thrown_away_leave_nothing(store: LocalStore) -> None:
    store.replica_stage([an_entry("W-1")], version=9, after="W-1")
    store.replica_forget_staging()
    assert store.replica_swap() == []
    assert store.replica_staged_digests() == {}
    assert store.count_workers() == 0


def test_the_time_of_confirmation_never_goes_back(store: LocalStore) -> None:
    store.replica_apply([an_entry("W-1")], version=4)
    store.replica_confirm(NOON)
    store.replica_confirm(NOON - timedelta(hours=1))
    state = store.replica_state()
    assert (state.version, state.confirmed_at) == (4, NOON)
