"""The access log, who is on site, and the gates: what a viewer finds, and what not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from sync.central import access_log, audit, tables
from sync.central.access_log import BoundedCount, EventFilter, LogRow
from sync.central.accounts_access import NotFound, Role, Viewer
from sync.central.errors import SettingRefused
from sync.central.front_office import FrontOffice
from sync.central.gate_board import GateState, RosterState, roster_state
from sync.records import Direction, FlagLevel, Outcome
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import (
    A_MATCH,
    FORMULA_NAME,
    NOW,
    SHANGHAI,
    SQL_NAME,
    A,
    B,
    Clock,
    add_events,
    an_event,
    at,
)

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

ALL = Viewer("admin", "", Role.ADMIN, None, "192.0.2.7")
ONLY_A = Viewer("manager-a", "", Role.SITE_MANAGER, frozenset({A}), "192.0.2.8")
BOTH = Viewer("supervisor", "", Role.SUPERVISOR, frozenset({A, B}))
NOWHERE = Viewer("new", "", Role.SUPERVISOR, frozenset())


def pages(office: FrontOffice, viewer: Viewer, wanted: EventFilter, rows: int) -> Iterator[list[LogRow]]:
    cursor = ""
    while True:
        page = office.access_log.page(viewer, wanted, cursor=cursor, rows=rows)
        yield list(page.rows)
        cursor = page.next_cursor
        if not cursor:
            return


def ids(office: FrontOffice, viewer: Viewer = ALL, **wanted: object) -> set[str]:
    return {
        row.event_id
        for page in pages(office, viewer, EventFilter(**wanted), 100)  # type: ignore[arg-type]
        for row in page
    }


def last_line(office: FrontOffice) -> audit.AuditLine:
    query = select(tables.audit).order_by(tables.audit.c.audit_id.desc()).limit(1)
    with office.database.read() as connection:
        row = connection.execute(query).one()
    return audit.AuditLine(row.audit_id, row.at, row.actor, row.action, row.site_id, row.subject, row.detail)


def test_every_event_is_found_once_newest_first_whatever_the_page_size(office: FrontOffice) -> None:
    add_events(office.database, [an_event(100 + n, at("03-02 08:00")) for n in range(5)])  # the same instant
    everything = [row for page in pages(office, ALL, EventFilter(), 500) for row in page]
    assert len(everything) == 16
    assert [row.occurred_at for row in everything] == sorted(
        (row.occurred_at for row in everything), reverse=True
    )
    for viewer in (ALL, BOTH):
        for rows in (1, 2, 3, 7):
            assert [row for page in pages(office, viewer, EventFilter(), rows) for row in page] == everything


def test_events_that_arrive_while_somebody_pages_do_not_shift_the_pages(office: FrontOffice) -> None:
    first = office.access_log.page(ALL, EventFilter(), rows=3)
    add_events(office.database, [an_event(200 + n, at("03-02 15:00")) for n in range(4)])
    second = office.access_log.page(ALL, EventFilter(), cursor=first.next_cursor, rows=3)
    assert {row.event_id for row in first.rows}.isdisjoint(row.event_id for row in second.rows)
    assert second.rows[0].occurred_at <= first.rows[-1].occurred_at


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({"site_id": B}, 1),
        ({"site_id": A, "gate_id": "gate-1"}, 10),
        ({"worker": "A-004"}, 2),
        ({"worker": "样二"}, 2),
        ({"worker": "HYPERLINK"}, 2),
        ({"team": "木工二班"}, 3),
        ({"outcome": Outcome.DENY}, 1),
        ({"direction": Direction.OUT}, 2),
        ({"reason": "flag_hold"}, 1),
        ({"since": at("03-02 00:00")}, 8),
        ({"since": at("03-01 00:00"), "until": at("03-02 00:00")}, 3),
        ({"worker": "样二", "since": at("03-02 00:00")}, 1),
    ],
)
def test_a_filter_finds_what_it_says(office: FrontOffice, wanted: dict[str, object], count: int) -> None:
    assert len(ids(office, **wanted)) == count
    assert office.access_log.count(ALL, EventFilter(**wanted)) == BoundedCount(count, True)  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["worker", "team", "site_id", "gate_id", "reason"])
def test_an_injection_in_a_filter_is_only_a_text(office: FrontOffice, field: str) -> None:
    for text in ("'; DROP TABLE events;--", "' OR '1'='1", "%", "_", "\\", 'a" OR 1=1'):
        assert ids(office, **{field: text}) == set(), text
    assert len(ids(office)) == 11
    with pytest.raises(SettingRefused, match="control character"):
        EventFilter(**{field: "\u0000x"})  # type: ignore[arg-type]


def test_a_name_that_is_sql_is_found_and_shown_as_it_is(office: FrontOffice) -> None:
    (row,) = office.access_log.page(ALL, EventFilter(worker="DROP TABLE")).rows
    assert row.worker_name == SQL_NAME


def test_times_are_the_sites(office: FrontOffice) -> None:
    row = office.access_log.page(ALL, EventFilter(worker="A-004"), rows=1).rows[0]
    assert f"{row.occurred_at:%Y-%m-%d %H:%M}" == "2026-03-02 12:00"
    assert row.occurred_at.tzinfo is not None
    assert row.occurred_at.tzinfo == SHANGHAI


def test_another_sites_events_are_not_there(office: FrontOffice) -> None:
    assert len(ids(office, ONLY_A)) == 10
    assert ids(office, ONLY_A, site_id=B) == set()
    assert ids(office, ONLY_A, worker="B-001") == set()
    assert ids(office, NOWHERE) == set()
    assert office.access_log.count(ONLY_A, EventFilter(site_id=B)).count == 0
    assert list(office.access_log.export(ONLY_A, EventFilter(site_id=B))) == []
    with pytest.raises(NotFound, match="no event site-b-gate-1-1"):
        office.access_log.one(ONLY_A, "site-b-gate-1-1")
    assert office.access_log.one(ALL, "site-b-gate-1-1").record.worker_id == "B-001"


def test_one_event_tells_all_its_reasons(office: FrontOffice) -> None:
    facts = office.access_log.one(ONLY_A, f"{A}-gate-1-8")
    assert facts.record.reasons == ("flag_hold", "clearance_ends_soon", "tailgating")
    assert facts.row.gate_name == "一号门"
    assert facts.record.match is None  # how like the face was is for whoever supervises
    assert office.access_log.one(BOTH, f"{A}-gate-1-8").record.match == A_MATCH
    assert facts.received_at > facts.row.occurred_at


def test_a_count_stops_at_its_bound(office: FrontOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "COUNT_BOUND", 4)
    assert office.access_log.count(ALL, EventFilter()) == BoundedCount(4, False)


@pytest.mark.parametrize("cursor", ["x", "W10=", "bm9wZQ==", "WyIyMDI2LTAxLTAxIiwgMV0="])
def test_a_made_up_cursor_is_refused(office: FrontOffice, cursor: str) -> None:
    with pytest.raises(SettingRefused, match="no cursor"):
        office.access_log.page(ALL, EventFilter(), cursor=cursor)


def test_an_export_is_the_filter_and_nothing_else(
    office: FrontOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "_EXPORT_PIECE_ROWS", 2)
    wanted = EventFilter(team="木工二班")
    exported = list(office.access_log.export(ALL, wanted))
    assert exported == list(office.access_log.page(ALL, wanted).rows)
    assert FORMULA_NAME in {row.worker_name for row in exported}


def test_every_look_leaves_who_when_what_and_from_where(office: FrontOffice) -> None:
    office.access_log.page(ONLY_A, EventFilter(worker="样一", outcome=Outcome.ALLOW))
    line = last_line(office)
    assert (line.actor, line.at, line.action) == ("manager-a", NOW, "looked_at_events")
    assert line.detail == {
        "via": "console",
        "address": "192.0.2.8",
        "filter": {"worker": "样一", "outcome": "allow"},
    }
    office.access_log.export(ONLY_A, EventFilter(site_id=A))  # not yet read: the line is there already
    assert (last_line(office).action, last_line(office).site_id) == ("exported_events", A)
    with pytest.raises(NotFound):
        office.access_log.one(ONLY_A, "site-b-gate-1-1")
    assert last_line(office).subject == "event:site-b-gate-1-1"


# -- who is on site ----------------------------------------------------------------------------------------


def test_on_site_is_who_came_in_and_did_not_leave(office: FrontOffice) -> None:
    found = office.presence.now(ONLY_A)
    # A-002 was let in but did not pass; A-003 was held; A-004 left at noon; nobody from yesterday.
    assert {one.worker_id for one in found.people} == {"A-001", "A-005"}
    assert found.total == 2
    assert f"{found.people[0].since:%H:%M}" == "06:55"
    assert [(count.team, count.people) for count in found.headcounts] == [("钢筋一班", 2)]
    assert last_line(office).action == "looked_at_presence"


def test_on_site_is_narrowed_by_site_and_team_and_scope(office: FrontOffice) -> None:
    assert {one.worker_id for one in office.presence.now(ALL).people} == {"A-001", "A-005", "B-001"}
    assert {one.worker_id for one in office.presence.now(ALL, site_id=B).people} == {"B-001"}
    assert office.presence.now(ONLY_A, site_id=B).total == 0
    assert office.presence.now(ALL, team="电工班").total == 1


def test_who_has_been_in_longer_than_a_double_shift_is_no_longer_believed(
    office: FrontOffice, clock: Clock
) -> None:
    clock.moves(hours=9)
    assert office.presence.now(ALL).total == 0


def test_corrections_count_for_who_is_on_site(office: FrontOffice, clock: Clock) -> None:
    added = office.attendance.add(
        ONLY_A, A, "A-001", at=at("03-02 14:00"), direction=Direction.OUT, reason="left by the side door"
    )
    cancelled = office.attendance.cancel(ONLY_A, f"{A}-gate-1-6", reason="it was somebody else")
    assert office.presence.now(ONLY_A).total == 0
    office.attendance.withdraw(ONLY_A, added)
    office.attendance.withdraw(ONLY_A, cancelled)
    assert office.presence.now(ONLY_A).total == 2


# -- gates -------------------------------------------------------------------------------------------------


def test_the_gates_that_need_somebody_stand_first(office: FrontOffice, clock: Clock) -> None:
    lost, online = office.gates.gates(ONLY_A)
    assert (lost.gate_id, lost.state, lost.roster) == ("gate-2", GateState.LOST, RosterState.BEHIND)
    assert (lost.outbox_depth, lost.faults) == (37, (("camera", "no frame for 12 s"),))
    assert (online.gate_id, online.state, online.roster) == ("gate-1", GateState.ONLINE, RosterState.EQUAL)
    assert len(office.gates.gates(ALL)) == 3
    assert office.gates.gates(ONLY_A, site_id=B) == []
    clock.moves(minutes=2)
    assert {card.state for card in office.gates.gates(ONLY_A)} == {GateState.LOST, GateState.SILENT}


def test_a_gate_whose_roster_is_another_is_said_to_differ() -> None:
    assert roster_state(7, "aa", 7, "bb") is RosterState.DIFFERS
    assert roster_state(8, "aa", 7, "aa") is RosterState.DIFFERS
    assert roster_state(None, "", 7, "aa") is RosterState.UNKNOWN


def test_a_roster_that_changes_shows_the_gates_that_lack_it(office: FrontOffice) -> None:
    office.workers.flag(ONLY_A, "A-001", level=FlagLevel.BLOCK, reason="trial")
    card = next(one for one in office.gates.gates(ONLY_A) if one.gate_id == "gate-1")
    assert card.roster is RosterState.BEHIND
    assert card.centre_version == (card.roster_version or 0) + 1
