from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.errors import RecordInvalid, StoreFull, UnknownFlag, UnknownWorker
from sync.records import Clearance, Flag, FlagLevel, Method, PassGrant, Worker, WorkerStatus
from sync.store import LocalStore, StoreKey, roster
from tests.sync.samples import NOON, a_template, a_worker


def full_worker(worker_id: str = "W-1") -> Worker:
    return a_worker(
        worker_id,
        site_ids=("demo-site", "site-2"),
        status=WorkerStatus.BLOCKED,
        employer="示例建设",
        team="钢筋一班",
        trade="钢筋工",
        phone="000-0000",
        grant_from=NOON,
        grant_until=NOON + timedelta(days=30),
        clearances=(Clearance(kind="training", valid_until=NOON), Clearance(kind="medical", reference="r-1")),
        flags=(
            Flag(level=FlagLevel.HOLD, reason="see office"),
            Flag(level=FlagLevel.NOTIFY, valid_from=NOON),
        ),
        face_consent_on=date(2026, 1, 5),
    )


def test_a_worker_comes_back_as_it_was_put(store: LocalStore) -> None:
    worker = full_worker()
    store.put_worker(worker)
    assert store.worker("W-1") == worker
    assert store.workers() == [worker]


def test_putting_a_worker_again_replaces_every_field_and_flag(store: LocalStore) -> None:
    store.put_worker(full_worker())
    plain = a_worker()
    store.put_worker(plain)
    assert store.worker("W-1") == plain
    assert store.count_workers() == 1


def test_templates_stay_when_none_are_given_and_go_when_an_empty_list_is(store: LocalStore) -> None:
    templates = [a_template(seed=1), a_template(seed=2)]
    store.put_worker(a_worker(), templates)
    store.put_worker(a_worker(team="new"))
    assert store.templates("W-1") == templates
    store.put_worker(a_worker(), [])
    assert store.templates("W-1") == []


def test_a_removed_worker_leaves_nothing_behind(store: LocalStore) -> None:
    store.put_worker(full_worker(), [a_template()])
    store.remove_worker("W-1")
    assert (store.count_workers(), store.templates("W-1")) == (0, [])
    assert store.all_templates("sface", "1")[0] == []
    with pytest.raises(UnknownWorker, match="W-1"):
        store.worker("W-1")
    store.put_worker(a_worker())
    assert store.worker("W-1").flags == ()


def test_flags_are_put_replaced_and_taken_off(store: LocalStore) -> None:
    store.put_worker(a_worker())
    flag = Flag(flag_id="f-1", level=FlagLevel.NOTIFY)
    store.put_flag("W-1", flag)
    harder = flag.model_copy(update={"level": FlagLevel.BLOCK})
    store.put_flag("W-1", harder)
    assert store.worker("W-1").flags == (harder,)
    store.remove_flag("W-1", "f-1")
    assert store.worker("W-1").flags == ()
    with pytest.raises(UnknownFlag):
        store.remove_flag("W-1", "f-1")


def test_what_concerns_a_worker_who_is_not_there_is_refused(store: LocalStore) -> None:
    with pytest.raises(UnknownWorker):
        store.put_flag("W-9", Flag(level=FlagLevel.BLOCK))
    with pytest.raises(UnknownWorker):
        store.put_templates("W-9", [a_template("W-9")])
    with pytest.raises(UnknownWorker):
        store.remove_worker("W-9")
    assert store.roster_version() == 0


def test_search_looks_into_number_name_employer_team_and_phone(store: LocalStore) -> None:
    store.put_many([(full_worker("W-1"), None), (a_worker("W-2", name="100%_甲"), None)])
    found = {
        text: [worker.worker_id for worker in store.workers(search=text)]
        for text in ("w-2", "钢筋", "建设", "0000", "%", "_", "\\", "nobody")
    }
    assert found == {
        "w-2": ["W-2"],
        "钢筋": ["W-1"],
        "建设": ["W-1"],
        "0000": ["W-1"],
        "%": ["W-2"],
        "_": ["W-2"],
        "\\": [],
        "nobody": [],
    }
    assert store.count_workers(search="钢筋") == 1


def test_pages_of_workers_come_in_order_of_their_number(store: LocalStore) -> None:
    store.put_many([(a_worker(f"W-{number}"), None) for number in (3, 1, 2)])
    ids = [[worker.worker_id for worker in store.workers(limit=2, offset=offset)] for offset in (0, 2)]
    assert ids == [["W-1", "W-2"], ["W-3"]]


def test_all_templates_of_one_model_come_as_rows_beside_their_workers(store: LocalStore) -> None:
    store.put_worker(a_worker("W-1"), [a_template("W-1", seed=1), a_template("W-1", seed=2)])
    store.put_worker(a_worker("W-2"), [a_template("W-2", seed=3), a_template("W-2", seed=4, model="dlib")])
    worker_ids, vectors = store.all_templates("sface", "1")
    assert worker_ids == ["W-1", "W-1", "W-2"]
    assert vectors.dtype == np.float32
    expected = [np.frombuffer(a_template(seed=seed).vector, dtype="<f4") for seed in (1, 2, 3)]
    assert np.array_equal(vectors, np.stack(expected))
    assert store.all_templates("sface", "2")[1].shape == (0, 128)


@pytest.mark.parametrize(
    "vector",
    [b"", b"\0" * 512, np.ones(128, "<f4").tobytes(), np.full(128, np.nan, "<f4").tobytes(), b"\0" * 256],
    ids=["empty", "zero", "not unit", "nan", "short"],
)
def test_a_vector_that_would_spoil_the_scores_is_refused(store: LocalStore, vector: bytes) -> None:
    with pytest.raises(RecordInvalid):
        store.put_worker(a_worker(), [a_template(vector=vector)])
    assert store.count_workers() == 0


def test_a_template_of_somebody_else_is_refused(store: LocalStore) -> None:
    with pytest.raises(RecordInvalid):
        store.put_worker(a_worker("W-1"), [a_template("W-2")])


def test_many_are_put_together_or_not_at_all(store: LocalStore) -> None:
    same_id = a_template("W-1", template_id="t-1"), a_template("W-2", template_id="t-1")
    with pytest.raises(OSError, match="UNIQUE"):
        store.put_many([(a_worker("W-1"), same_id[:1]), (a_worker("W-2"), same_id[1:])])
    assert (store.count_workers(), store.roster_version()) == (0, 0)


def test_another_process_sees_the_version_move_and_what_changed(
    store: LocalStore, store_path: Path, key: StoreKey
) -> None:
    store.put_many([(a_worker("W-1"), None), (a_worker("W-2"), None), (a_worker("W-3"), None)])
    seen = store.roster_version()
    with LocalStore.open(store_path, key) as importer:
        importer.put_worker(a_worker("W-2", team="b"))
        importer.remove_worker("W-3")
    assert store.roster_version() == seen + 2
    assert store.roster_changes(seen) == ["W-2", "W-3"]
    assert store.roster_changes(seen + 2) == []


def test_changes_of_a_version_that_never_was_mean_the_whole_roster(store: LocalStore) -> None:
    assert store.roster_changes(0) == []
    assert store.roster_changes(1) is None
    assert store.roster_changes(-1) is None


def test_removals_beyond_the_remembered_ones_mean_the_whole_roster(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster, "REMEMBERED_REMOVALS", 2)
    for number in range(4):
        store.put_worker(a_worker(f"W-{number}"))
    before_removals = store.roster_version()
    for number in range(3):
        store.remove_worker(f"W-{number}")
    assert store.roster_changes(before_removals) is None
    assert store.roster_changes(before_removals + 1) == ["W-1", "W-2"]


def test_a_growing_roster_leaves_the_last_space_to_events(store_path: Path, key: StoreKey) -> None:
    with LocalStore.open(store_path, key, min_free_mb=10**9) as store:
        with pytest.raises(StoreFull, match="kept for events"):
            store.put_worker(a_worker())
        assert store.roster_version() == 0


ROSTER_STEP = st.tuples(st.sampled_from(["put", "remove", "flag"]), st.integers(0, 5))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(ROSTER_STEP, max_size=12))
def test_following_the_changes_step_by_step_gives_the_roster_itself(
    store: LocalStore, steps: list[tuple[str, int]]
) -> None:
    mirror = {worker.worker_id: worker for worker in store.workers()}
    version = store.roster_version()
    for kind, number in steps:
        worker_id = f"W-{number}"
        known = worker_id in mirror
        if kind == "put":
            store.put_worker(a_worker(worker_id))
        elif known and kind == "remove":
            store.remove_worker(worker_id)
        elif known and kind == "flag":
            store.put_flag(worker_id, Flag(level=FlagLevel.HOLD))
        changed = store.roster_changes(version)
        assert changed is not None
        version = store.roster_version()
        present = {worker.worker_id: worker for worker in store.workers()}
        for worker_id in changed:
            mirror.pop(worker_id, None)
            if worker_id in present:
                mirror[worker_id] = present[worker_id]
        assert mirror == present


def test_a_worker_is_found_by_a_pass_until_it_is_taken_away(store: LocalStore) -> None:
    end = NOON + timedelta(days=1)
    grants = (
        PassGrant(method=Method.QR, digest="a" * 64, valid_from=NOON, valid_until=end),
        PassGrant(method=Method.BADGE, digest="b" * 64, revoked_at=NOON),
    )
    store.put_worker(a_worker(passes=grants))
    store.put_worker(a_worker("W-2", passes=(PassGrant(method=Method.QR, digest="c" * 64),)))
    assert store.worker("W-1").passes == grants
    assert store.pass_holders("b" * 64) == [store.worker("W-1")]
    store.put_worker(a_worker(passes=grants[:1]))
    assert store.pass_holders("b" * 64) == []
    store.remove_worker("W-1")
    assert store.pass_holders("a" * 64) == []
    assert [one.worker_id for one in store.pass_holders("c" * 64)] == ["W-2"]
