"""Key-monitoring lists: loaded as keyed hashes, held against the registry, flags that follow."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, func, select

from sync.central import list_matches, registry, tables
from sync.central.accounts_access import Role, Viewer
from sync.central.database import Database
from sync.central.errors import SettingRefused
from sync.central.list_import import ListTerms, UnknownList, import_list, remove_list
from sync.central.list_matches import FoundBy, MatchState, UnknownMatch, decide, state_of
from sync.central.list_matching import ListMatcher
from sync.central.tables_lists import watch_list_entries, watch_list_versions, watch_matches, watch_queue
from sync.central.worker_desk import WorkerDesk
from sync.records import Flag, FlagLevel
from sync.screening.list_file import ListUnusable
from tests.sync.central.console_samples import Clock
from tests.sync.central.gate_box import a_site
from tests.sync.central.list_samples import (
    KEYS,
    SITE,
    VAULT,
    a_list,
    a_registered,
    match_all,
    resident_number,
    slipped,
)
from tests.sync.central.two_writers import meanwhile
from tests.sync.samples import NOON, a_worker

MINE, OTHER = resident_number(12), resident_number(34)
PHONE = "13800000001"


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def database(centre_database: Database) -> Database:
    a_site(centre_database, SITE)
    return centre_database


@pytest.fixture
def matcher(database: Database, clock: Clock) -> ListMatcher:
    return ListMatcher(database, VAULT, now=clock)


def flags(database: Database, worker_id: str = "W-1") -> list[Flag]:
    with database.read() as connection:
        return list(registry.worker(connection, worker_id).flags)


def found(database: Database) -> list[tuple[str, str, MatchState]]:
    with database.read() as connection:
        rows = connection.execute(select(watch_matches).order_by("worker_id", "found_by")).mappings()
        return [(row["worker_id"], row["found_by"], state_of(row)) for row in rows]


def only_match(connection: Connection) -> str:
    return str(connection.execute(select(watch_matches.c.match_id)).scalar_one())


def test_somebody_on_a_list_is_flagged_at_once_and_the_rosters_of_the_gates_change(
    database: Database, matcher: ListMatcher
) -> None:
    a_registered(database, "W-1", number=MINE)
    a_registered(database, "W-2", number=OTHER)
    a_list(database, [f"别名,{MINE},,"])
    match_all(matcher)
    (flag,) = flags(database)
    assert (flag.level, flag.category, flag.reason) == (FlagLevel.BLOCK, "密接", "示例名单")
    assert flags(database, "W-2") == []
    assert found(database) == [("W-1", FoundBy.NUMBER, MatchState.FLAGGED)]
    with database.read() as connection:
        log = tables.roster_log.c
        assert connection.scalar(select(log.urgent).where(log.worker_id == "W-1"))
        versions = connection.execute(select(watch_list_versions.c.matched_at)).scalar_one()
        assert versions == NOON
        actions = connection.execute(select(tables.audit.c.action, tables.audit.c.subject)).all()
        assert ("flagged_worker", "worker:W-1") in actions


def test_no_number_telephone_or_name_is_in_the_lists_tables(database: Database) -> None:
    a_list(database, [f"示例乙,{MINE},{PHONE},1990-01-01", f"示例乙,{slipped(OTHER)},,"])
    with database.read() as connection:
        for table in (watch_list_entries, watch_list_versions):
            text = repr([dict(row) for row in connection.execute(select(table)).mappings()])
            for said in (MINE, slipped(OTHER), PHONE, "示例乙"):
                assert said not in text


@pytest.mark.parametrize(
    ("row", "found_by", "state"),
    [
        (f",{MINE.lower()},,", FoundBy.NUMBER, MatchState.FLAGGED),
        (f",{MINE[:6] + MINE[8:17]},,", FoundBy.NUMBER, MatchState.FLAGGED),
        (f",,+86 {PHONE},", FoundBy.PHONE, MatchState.FLAGGED),
        (f",{OTHER},{PHONE},", FoundBy.PHONE, MatchState.TO_CONFIRM),
        (f",{slipped(MINE)},,", FoundBy.NUMBER_NEAR, MatchState.TO_CONFIRM),
        (f",{MINE[:14] + MINE[15] + MINE[14] + MINE[16:]},,", FoundBy.NUMBER_NEAR, MatchState.TO_CONFIRM),
        (f",{slipped(MINE)[:6] + slipped(MINE)[8:17]},,", FoundBy.NUMBER_NEAR, MatchState.TO_CONFIRM),
        ("示例甲,,,1990-01-01", FoundBy.NAME_BIRTH, MatchState.TO_CONFIRM),
        (f"示例 甲,{OTHER},,", FoundBy.NAME_BIRTH, MatchState.TO_CONFIRM),
    ],
)
def test_exact_matches_are_flagged_and_near_ones_wait_for_a_person(
    database: Database, matcher: ListMatcher, row: str, found_by: FoundBy, state: MatchState
) -> None:
    a_registered(database, "W-1", number=MINE, phone=PHONE)
    a_list(database, [row])
    match_all(matcher)
    assert found(database) == [("W-1", found_by, state)]
    assert bool(flags(database)) is (state is MatchState.FLAGGED)


def test_who_registers_or_gets_another_telephone_is_held_against_the_lists(
    database: Database, matcher: ListMatcher
) -> None:
    a_list(database, [f",{MINE},,", f",,{PHONE},"])
    match_all(matcher)
    a_registered(database, "W-1", number=MINE)
    match_all(matcher)
    assert len(flags(database)) == 1
    a_registered(database, "W-2", phone=PHONE)
    match_all(matcher)
    assert len(flags(database, "W-2")) == 1
    with database.write() as connection:  # as somebody who changes the record, with flags as they are
        worker = registry.worker(connection, "W-2").model_copy(update={"phone": "13800000009"})
        registry.put_worker(connection, worker, now=NOON)
    match_all(matcher)
    assert flags(database, "W-2") == []
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(watch_queue)) == 0


def test_a_cleared_match_does_not_come_back_by_the_same_entry_but_by_another(
    database: Database, matcher: ListMatcher
) -> None:
    a_registered(database, "W-1", phone=PHONE)
    a_list(database, [f",,{PHONE},"])
    match_all(matcher)
    with database.write() as connection:
        with pytest.raises(SettingRefused, match="reason"):
            decide(connection, only_match(connection), confirm=False, reason=" ", by="x", now=NOON)
        assert decide(
            connection, only_match(connection), confirm=False, reason="号码已换人", by="x", now=NOON
        ) == {SITE: 3}
    assert flags(database) == []
    a_list(database, [",,13800000007,", f",,{PHONE},"])
    match_all(matcher)
    assert found(database) == [("W-1", FoundBy.PHONE, MatchState.CLEARED)]
    assert flags(database) == []
    a_list(database, [f"示例甲,,{PHONE},1990-01-01"])
    match_all(matcher)
    assert len(flags(database)) == 1


def test_a_near_match_is_flagged_once_confirmed_and_looked_at_anew_when_it_becomes_exact(
    database: Database, matcher: ListMatcher
) -> None:
    a_registered(database, "W-1", number=MINE)
    a_list(database, [f"示例甲,{OTHER},,"])
    match_all(matcher)
    with database.write() as connection:
        decide(connection, only_match(connection), confirm=True, reason="核实", by="x", now=NOON)
    assert len(flags(database)) == 1
    with database.write() as connection:
        decide(connection, only_match(connection), confirm=False, reason="同名", by="x", now=NOON)
    assert flags(database) == []
    a_registered(database, "W-1", number=OTHER)
    match_all(matcher)
    assert found(database) == [("W-1", FoundBy.NUMBER, MatchState.FLAGGED)]
    assert len(flags(database)) == 1
    with database.write() as connection, pytest.raises(UnknownMatch):
        decide(connection, "none", confirm=True, reason="x", by="x", now=NOON)


def test_a_new_version_takes_back_the_flags_of_those_who_left_the_list(
    database: Database, matcher: ListMatcher
) -> None:
    a_registered(database, "W-1", number=MINE)
    a_registered(database, "W-2", number=OTHER)
    assert a_list(database, [f",{MINE},,", f",{OTHER},,"]).number == 1
    match_all(matcher)
    (before,) = flags(database, "W-2")
    second = a_list(database, [f",{OTHER},,"], level=FlagLevel.HOLD)
    assert second.number == 2
    match_all(matcher)
    assert flags(database) == []
    (after,) = flags(database, "W-2")
    assert (after.flag_id, after.level) == (before.flag_id, FlagLevel.HOLD)
    with database.read() as connection:
        assert set(connection.scalars(select(watch_list_entries.c.version_no))) == {second.version_no}


def test_an_entry_that_ends_and_a_list_that_is_removed_take_their_flags_back(
    database: Database, matcher: ListMatcher, clock: Clock
) -> None:
    a_registered(database, "W-1", number=MINE)
    a_list(database, [f",{MINE},,"], valid_until=NOON + timedelta(days=1))
    a_list(database, [f",{MINE},,"], list_id="other")
    match_all(matcher)
    assert len(flags(database)) == 2
    clock.at += timedelta(days=1)
    match_all(matcher)
    assert len(flags(database)) == 1
    with database.write() as connection:
        remove_list(connection, "other", now=clock.at)
    match_all(matcher)
    assert flags(database) == []
    with database.write() as connection, pytest.raises(UnknownList):
        remove_list(connection, "other", now=clock.at)


def test_every_night_the_registry_is_gone_through_again(
    database: Database, matcher: ListMatcher, clock: Clock
) -> None:
    a_registered(database, "W-1", number=MINE)
    a_list(database, [f",{MINE},,"])
    match_all(matcher)
    with database.write() as connection:  # a flag that got lost, as with a record taken over from a gate
        connection.execute(tables.flags.delete())
    clock.at += timedelta(hours=24)
    match_all(matcher)
    assert len(flags(database)) == 1


def test_a_flag_taken_off_by_hand_clears_its_match(database: Database, matcher: ListMatcher) -> None:
    a_registered(database, "W-1", number=MINE)
    a_list(database, [f",{MINE},,"])
    match_all(matcher)
    (flag,) = flags(database)
    viewer = Viewer("admin", "", Role.ADMIN, None)
    WorkerDesk(database, now=lambda: NOON).unflag(viewer, "W-1", flag.flag_id, reason="误报")
    a_list(database, [f",{MINE},,"])
    match_all(matcher)
    assert flags(database) == []
    assert found(database) == [("W-1", FoundBy.NUMBER, MatchState.CLEARED)]


def test_a_flag_that_came_with_a_merged_record_goes(database: Database, matcher: ListMatcher) -> None:
    a_list(database, [f",{OTHER},,"])
    with database.write() as connection:
        flag = Flag(flag_id=f"{list_matches.FLAG_PREFIX}gone", level=FlagLevel.BLOCK)
        registry.put_worker(connection, a_worker("W-1", site_ids=(SITE,), flags=(flag,)), now=NOON)
    match_all(matcher)
    assert flags(database) == []


def test_broken_and_double_rows_are_counted_and_the_rest_is_loaded(database: Database) -> None:
    imported = a_list(database, [f",{MINE},,", ",123,,", f",{MINE.lower()},,", f",{OTHER},,", ",,,"])
    report = imported.report
    assert (report.rows, report.entries, report.duplicates, report.broken) == (4, 2, 1, 1)
    assert [row for row, _ in report.problems] == [3, 4]
    assert "123" not in repr(report.problems)


def test_a_file_without_an_entry_changes_nothing(database: Database, matcher: ListMatcher) -> None:
    a_registered(database, "W-1", number=MINE)
    a_list(database, [f",{MINE},,"])
    for rows in ([], [",12,,"]):
        with pytest.raises(ListUnusable, match="names anybody"):
            a_list(database, rows)
    with pytest.raises(ListUnusable):
        a_list(database, [], list_id="new")
    match_all(matcher)
    assert len(flags(database)) == 1
    with database.read() as connection:
        assert list(connection.scalars(select(watch_list_versions.c.list_id))) == ["contacts"]


def test_terms_that_contradict_themselves_are_refused(database: Database) -> None:
    for terms in (
        ListTerms("a b", "n", "s", FlagLevel.HOLD),
        ListTerms("a", " ", "s", FlagLevel.HOLD),
        ListTerms("a", "n", "s", FlagLevel.HOLD, valid_until=NOON),
    ):
        with pytest.raises(SettingRefused):
            import_list(database, KEYS, terms, "x.csv", b"phone\n13800000001", by="x", now=NOON)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_match_that_is_cleared_while_it_is_flagged_leaves_no_flag(
    database: Database, matcher: ListMatcher
) -> None:
    a_registered(database, "W-1", number=MINE)
    a_list(database, [f",{MINE},,"])
    match_all(matcher)
    (flag,) = flags(database)
    with database.write() as connection:
        registry.remove_flag(connection, "W-1", flag.flag_id)  # as if the matching had not come to it yet
    meanwhile(
        database,
        lambda connection: decide(
            connection, only_match(connection), confirm=False, reason="不是本人", by="tester", now=NOON
        ),
        lambda connection: list_matches.put_flags(connection, ["W-1"], now=NOON),
    )
    assert flags(database) == []
