"""The roster of a site as the gates get it: versioned, complete, in parts, with a digest that agrees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select

from sync.central import registry, roster_log, site_registry, tables
from sync.central.database import Database
from sync.central.errors import AlreadyThere, SettingRefused, UnknownGate, UnknownSite
from sync.central.roster_log import Digests, Later
from sync.errors import RecordInvalid, UnknownFlag, UnknownWorker
from sync.records import Clearance, Flag, FlagLevel, Method, PassGrant, Template, Worker, WorkerStatus
from sync.wire.messages import RosterEntry, RosterPart, RosterWant
from sync.wire.sealing import entry_digest, roster_digest, unseal, unseal_passes
from tests.sync.central.gate_box import CENTRE_KEY, SITE, a_gate, a_site
from tests.sync.samples import NOON, a_template, a_worker


class Replica:
    """A gate's side of it: asks, keeps, compares."""

    def __init__(self, database: Database, sealing_key: bytes) -> None:
        self.database, self.sealing_key = database, sealing_key
        self.digests = Digests()
        self.version = 0
        self.held: dict[str, tuple[Worker, Sequence[Template]]] = {}
        self.parts: list[RosterPart] = []

    def ask(self, want: RosterWant) -> RosterPart:
        with self.database.read() as connection:
            part = roster_log.answer(connection, self.digests, SITE, want)
        self.parts.append(part)
        return part

    def follow(self) -> None:
        """Until the centre has nothing more to tell."""
        part = self.ask(RosterWant(have_version=self.version))
        while True:
            if part.snapshot:
                self._take_snapshot(part)
            else:
                self._take(part.entries)
                self.version = part.to_version
            if self.parts[-1].digest:
                assert self.parts[-1].digest == self.digest()
                return
            part = self.ask(RosterWant(have_version=self.version))

    def _take_snapshot(self, part: RosterPart) -> None:
        pages = [part]
        while not pages[-1].last:
            pages.append(self.next_page(pages[-1]))
            if not pages[-1].after:
                pages = pages[-1:]
        self.held.clear()
        for page in pages:
            self._take(page.entries)
        self.version = pages[-1].to_version

    def next_page(self, page: RosterPart) -> RosterPart:
        return self.ask(
            RosterWant(
                have_version=self.version,
                snapshot_version=page.to_version,
                after=page.entries[-1].worker_id,
            )
        )

    def _take(self, entries: Sequence[RosterEntry]) -> None:
        for entry in entries:
            if entry.worker is None:
                self.held.pop(entry.worker_id, None)
            else:
                templates = unseal(entry.sealed, site_key=self.sealing_key, worker_id=entry.worker_id)
                passes = unseal_passes(
                    entry.sealed_passes, site_key=self.sealing_key, worker_id=entry.worker_id
                )
                worker = entry.worker.model_copy(update={"passes": passes})
                self.held[entry.worker_id] = (worker, templates)

    def digest(self) -> str:
        return roster_digest({one: entry_digest(*held) for one, held in self.held.items()})


@pytest.fixture
def replica(centre_database: Database) -> Replica:
    a_site(centre_database)
    return Replica(centre_database, a_gate(centre_database).sealing_key)


def put(database: Database, *workers: Worker) -> dict[str, int]:
    with database.write() as connection:
        return registry.put_workers(
            connection, [(one, [a_template(one.worker_id)]) for one in workers], now=NOON
        )


def test_an_empty_site_has_an_empty_roster_with_a_digest(replica: Replica) -> None:
    replica.follow()
    assert (replica.version, replica.held) == (0, {})


def test_a_worker_reaches_the_gate_with_everything_the_gate_decides_by(
    centre_database: Database, replica: Replica
) -> None:
    worker = a_worker(
        team="示例班组",
        grant_until=NOON,
        clearances=(Clearance(kind="training", valid_until=NOON),),
        flags=(Flag(level=FlagLevel.NOTIFY, reason="示例"), Flag(level=FlagLevel.HOLD)),
    )
    put(centre_database, worker)
    replica.follow()
    held, templates = replica.held["W-1"]
    assert held == worker.model_copy(
        update={"flags": tuple(sorted(worker.flags, key=lambda one: one.flag_id))}
    )
    assert [one.vector for one in templates] == [a_template().vector]


def test_a_difference_brings_what_changed_and_flags_and_blocks_first(
    centre_database: Database, replica: Replica
) -> None:
    put(centre_database, *(a_worker(f"W-{number}") for number in range(5)))
    replica.follow()
    with centre_database.write() as connection:
        registry.put_worker(connection, a_worker("W-0", team="other"), now=NOON)
        registry.set_status(connection, "W-3", WorkerStatus.BLOCKED, now=NOON)
        registry.add_flag(connection, "W-4", Flag(level=FlagLevel.BLOCK), now=NOON)
        registry.remove_worker(connection, "W-1")
    replica.follow()
    difference = replica.parts[-1]
    assert not difference.snapshot
    assert [entry.worker_id for entry in difference.entries] == ["W-3", "W-4", "W-1", "W-0"]
    assert sorted(replica.held) == ["W-0", "W-2", "W-3", "W-4"]


def test_templates_stay_where_only_the_worker_changes(centre_database: Database, replica: Replica) -> None:
    put(centre_database, a_worker())
    with centre_database.write() as connection:
        registry.put_worker(connection, a_worker(team="other"), now=NOON)
    replica.follow()
    assert len(replica.held["W-1"][1]) == 1


def test_passes_travel_sealed_beside_the_worker_so_that_older_gates_can_still_read_him(
    centre_database: Database, replica: Replica
) -> None:
    grant = PassGrant(method=Method.BADGE, digest="d" * 64, valid_from=NOON)
    with centre_database.write() as connection:
        registry.put_worker(connection, a_worker(passes=(grant,)), now=NOON)
    part = replica.ask(RosterWant(have_version=0))
    assert "d" * 64 not in part.model_dump_json()
    assert part.entries[0].worker is not None
    assert part.entries[0].worker.passes == ()
    replica.follow()
    assert replica.held["W-1"][0].passes == (grant,)
    with centre_database.write() as connection:
        revoked = grant.model_copy(update={"revoked_at": NOON})
        registry.put_worker(connection, a_worker(passes=(revoked,)), now=NOON)
    replica.follow()
    assert replica.held["W-1"][0].passes == (revoked,)


def test_a_worker_who_changes_sites_leaves_the_first_roster(
    centre_database: Database, replica: Replica
) -> None:
    a_site(centre_database, "site-2")
    put(centre_database, a_worker())
    versions = put(centre_database, a_worker(site_ids=("site-2",)))
    assert set(versions) == {SITE, "site-2"}
    replica.follow()
    assert replica.held == {}


def test_taking_back_the_consent_takes_the_templates_from_the_gates(
    centre_database: Database, replica: Replica
) -> None:
    put(centre_database, a_worker())
    with centre_database.write() as connection:
        registry.put_consent(connection, "W-1", kind="face", given_at=NOON)
        registry.withdraw_consent(connection, "W-1", kind="face", now=NOON)
    replica.follow()
    assert replica.held["W-1"][1] == []


def test_a_long_way_behind_is_a_snapshot_in_pages_and_a_cut_goes_on_behind_the_last_page(
    centre_database: Database, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster_log, "PART_ENTRIES", 3)
    put(centre_database, *(a_worker(f"W-{number}") for number in range(8)))
    first = replica.ask(RosterWant(have_version=0))
    assert ([one.worker_id for one in first.entries], first.last) == (["W-0", "W-1", "W-2"], False)
    again = Replica(centre_database, replica.sealing_key).next_page(first)
    assert [one.worker_id for one in again.entries] == ["W-3", "W-4", "W-5"]
    replica.follow()
    assert len(replica.held) == 8


def test_parts_stay_below_the_size_of_a_message(
    centre_database: Database, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(centre_database, *(a_worker(f"W-{number}") for number in range(4)))
    monkeypatch.setattr(roster_log, "PART_BYTES", 2500)
    first = replica.ask(RosterWant(have_version=0))
    assert 1 <= len(first.entries) < 4
    replica.follow()
    assert len(replica.held) == 4


def test_a_difference_too_large_for_one_part_comes_in_several(
    centre_database: Database, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(centre_database, a_worker("W-0"))
    replica.follow()
    for number in range(1, 8):
        put(centre_database, a_worker(f"W-{number}"))
    monkeypatch.setattr(roster_log, "PART_ENTRIES", 3)
    replica.follow()
    assert [(part.snapshot, part.last) for part in replica.parts[-3:]] == [
        (False, False),
        (False, False),
        (False, True),
    ]
    assert len(replica.held) == 8


@pytest.mark.parametrize(
    "want",
    [
        RosterWant(have_version=3, reason="digest mismatch"),
        RosterWant(have_version=10**9),
        RosterWant(have_version=1, snapshot_version=10**9, after="W-1"),
    ],
)
def test_doubt_or_a_version_from_the_future_is_answered_with_a_snapshot_from_the_start(
    centre_database: Database, replica: Replica, want: RosterWant
) -> None:
    put(centre_database, a_worker("W-1"), a_worker("W-2"))
    part = replica.ask(want)
    assert (part.snapshot, part.after, len(part.entries)) == (True, "", 2)


Step = tuple[str, int]
STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "flag", "remove", "follow", "page"]), st.integers(0, 9)), max_size=25
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_happens_in_between_gate_and_centre_end_equal(
    centre_database: Database, replica: Replica, monkeypatch: pytest.MonkeyPatch, steps: list[Step]
) -> None:
    monkeypatch.setattr(roster_log, "PART_ENTRIES", 2)
    monkeypatch.setattr(roster_log, "DIFFERENCE_ENTRIES", 5)
    with centre_database.read() as connection:
        there = set(connection.scalars(select(tables.workers.c.worker_id)))
    page: RosterPart | None = None
    for action, number in steps:
        worker_id = f"W-{number}"
        if action == "follow":
            replica.follow()
        elif action == "page":
            more = page is not None and page.entries and not page.last
            page = replica.next_page(page) if page and more else replica.ask(RosterWant(have_version=0))
        elif action == "put":
            put(centre_database, a_worker(worker_id, team=str(number)))
            there.add(worker_id)
        elif worker_id in there:
            with centre_database.write() as connection:
                if action == "flag":
                    registry.add_flag(connection, worker_id, Flag(level=FlagLevel.HOLD), now=NOON)
                else:
                    registry.remove_worker(connection, worker_id)
                    there.discard(worker_id)
    replica.follow()
    assert set(replica.held) == there


def test_a_snapshot_during_which_the_roster_changes_is_followed_by_the_difference(
    centre_database: Database, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster_log, "PART_ENTRIES", 2)
    put(centre_database, *(a_worker(f"W-{number}") for number in range(4)))
    first = replica.ask(RosterWant(have_version=0))
    with centre_database.write() as connection:
        registry.remove_worker(connection, "W-0")
    second = replica.next_page(first)
    assert (second.to_version, second.last, second.digest) == (first.to_version, True, "")
    assert second.to_version < replica.ask(RosterWant(have_version=second.to_version)).to_version


def test_what_is_not_in_the_registry_is_named(centre_database: Database, replica: Replica) -> None:
    with centre_database.write() as connection:
        with pytest.raises(UnknownWorker, match="W-9"):
            registry.add_flag(connection, "W-9", Flag(level=FlagLevel.HOLD), now=NOON)
        with pytest.raises(UnknownGate, match="gate-9"):
            site_registry.revoke_gate(connection, SITE, "gate-9", now=NOON)
        with pytest.raises(AlreadyThere, match="gate-1"):
            site_registry.add_gate(connection, SITE, "gate-1", centre=CENTRE_KEY.public_key(), now=NOON)
        registry.put_worker(connection, a_worker(), now=NOON)
        with pytest.raises(UnknownFlag, match="f-9"):
            registry.remove_flag(connection, "W-1", "f-9")
        with pytest.raises(RecordInvalid):
            registry.put_templates(connection, "W-1", [a_template("W-2")], now=NOON)


def test_a_worker_of_a_site_that_does_not_exist_changes_nothing(centre_database: Database) -> None:
    with pytest.raises(UnknownSite, match="nowhere"):
        put(centre_database, a_worker(site_ids=("nowhere",)))
    with centre_database.read() as connection:
        assert connection.execute(select(tables.workers)).all() == []


@pytest.mark.parametrize("site_id", ["", "a b", "a/b", "+", "#", "all", "acl-probe", "x" * 65])
def test_an_id_that_cannot_be_part_of_a_topic_is_refused(centre_database: Database, site_id: str) -> None:
    with pytest.raises(SettingRefused), centre_database.write() as connection:
        site_registry.put_site(connection, site_id, name="示例", timezone="Asia/Shanghai", now=NOON)


def test_workers_of_several_sites_are_written_site_by_site_whoever_is_urgent(
    centre_database: Database, replica: Replica
) -> None:
    """Two transactions that take the sites in different orders would wait for each other."""
    a_site(centre_database, "z-site")
    workers = (a_worker("W-1", site_ids=(SITE,)), a_worker("W-2", site_ids=("z-site",)))
    locked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith("UPDATE sites"):
            values = parameters.values() if isinstance(parameters, dict) else parameters
            locked.extend(one for one in values if one in (SITE, "z-site"))

    event.listen(centre_database.engine, "before_cursor_execute", note)
    try:
        with centre_database.write() as connection:
            later = Later()
            for worker, status in zip(workers, (WorkerStatus.ACTIVE, WorkerStatus.BLOCKED), strict=True):
                one = worker.model_copy(update={"status": status})
                registry.put_worker(connection, one, now=NOON, later=later)
            assert later.write(connection) == {SITE: 1, "z-site": 1}
    finally:
        event.remove(centre_database.engine, "before_cursor_execute", note)
    assert locked == sorted(locked) and len(locked) == 2
