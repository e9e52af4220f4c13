"""What gates, kiosks, lists, cases and clocks raise, each through the door by which it comes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from sync.central import erasures, list_matches, registry, tables
from sync.central.accounts_access import Role, Viewer
from sync.central.alert_rounds import AlertRounds
from sync.central.alerts import raise_alert
from sync.central.database import Database
from sync.central.declarations import declaration_handler
from sync.central.front_office import FrontOffice
from sync.central.ingest import Ingest
from sync.central.list_matching import ListMatcher
from sync.central.notes import NoteContext
from sync.central.site_reports import take_site_report
from sync.central.tables_alerts import alerts
from sync.central.tables_lists import watch_matches
from sync.declarations import SITE_FORM, WORKER_FORM, Declaration, SiteReport
from sync.erasure import WHOLE_RECORD
from sync.records import FlagLevel, WorkerStatus
from tests.sync.central.case_samples import DATA, around_the_case
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import NOW, A, B, Clock
from tests.sync.central.gate_box import a_gate, a_site
from tests.sync.central.list_samples import SITE as LISTS_SITE
from tests.sync.central.list_samples import VAULT as LISTS_VAULT
from tests.sync.central.list_samples import a_list, a_registered, match_all, resident_number, slipped
from tests.sync.central.lodging_samples import TODAY, VAULT
from tests.sync.people_samples import a_withdrawal
from tests.sync.samples import NOON

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

ADMIN = Viewer("admin", "", Role.ADMIN, None)
WELL = {
    "health": ["well"],
    "affected": False,
    "contact": False,
    "travelled": False,
    "lodging": "dormitory",
    "lodging_place": "示例楼 1 号",
    "truthful": True,
}
ON_ONE = pytest.mark.parametrize("office", ["sqlite"], indirect=True)


def declares(office: FrontOffice, worker_id: str, **answers: Any) -> None:
    declaration = Declaration(
        form_id=WORKER_FORM,
        form_version=1,
        site_id=A,
        worker_id=worker_id,
        local_day=TODAY,
        declared_at=NOW,
        source="kiosk",
        answers=WELL | answers,
    )
    with office.database.write() as connection:
        context = NoteContext(A, "gate-1", declaration.declaration_id, NOW)
        declaration_handler(VAULT)(connection, context, declaration.model_dump_json())


def raised(database: Database) -> dict[tuple[str, str, str], Mapping[str, Any]]:
    """Facts by rule, site and subject."""
    with database.read() as connection:
        found = connection.execute(select(alerts)).all()
    return {(row.rule_id, row.site_id, row.subject): row.facts for row in found}


def test_somebody_too_hot_at_a_gate_raises_an_alert_once_per_event(centre_database: Database) -> None:
    a_site(centre_database)
    box = a_gate(centre_database)
    ingest = Ingest(centre_database, lambda: NOON)
    hot = box.event(worker_id="W-1", reasons=("temperature_high",), occurred_at=NOON)
    stranger = box.event(worker_id=None, reasons=("temperature_high_again",), occurred_at=NOON)
    old = box.event(worker_id="W-2", reasons=("temperature_high",), occurred_at=NOON - timedelta(days=2))
    ingest.take([box.batch([hot, stranger, old, box.event(worker_id="W-3", occurred_at=NOON)])])
    ingest.take([box.batch([hot])])
    site_id, gate_id = box.site_id, box.gate_id
    found = raised(centre_database)
    assert {(rule, subject) for rule, _, subject in found} == {
        ("fever_at_gate", "worker:W-1"),
        ("fever_at_gate", f"gate:{site_id}/{gate_id}"),
    }
    with centre_database.read() as connection:
        assert set(connection.scalars(select(alerts.c.times))) == {1}


@ON_ONE
def test_declarations_and_reports_raise_what_somebody_must_look_at(office: FrontOffice) -> None:
    declares(office, "A-001")
    assert raised(office.database) == {}
    declares(office, "A-002", health=["fever"])
    declares(office, "A-003", contact=True, contact_how="示例同住", contact_on=TODAY.isoformat())
    report = SiteReport(
        report_id="r-1",
        form_id=SITE_FORM,
        form_version=1,
        site_id=A,
        employer="示例建筑公司",
        local_day=TODAY,
        declared_at=NOW,
        source="kiosk",
        recorded_by="示例",
        answers={
            "headcount": 20,
            "returned": 0,
            "unwell": 2,
            "supplies": {"masks": {"stock": 10, "daily_use": 5}, "gloves": {"stock": 900, "daily_use": 5}},
        },
    )
    with office.database.write() as connection:
        take_site_report(connection, NoteContext(A, "gate-1", "r-1", NOW), report.model_dump_json())
    found = raised(office.database)
    assert found["fever_declared", A, "worker:A-002"] == {}
    assert found["unwell_reported", A, f"employer:{A}/示例建筑公司"] == {"unwell": 2}
    assert found["supplies_short", A, f"employer:{A}/示例建筑公司"] == {"supplies": "masks"}
    assert found["fever_declared", A, "worker:A-003"] == {}
    assert len(found) == 4


@ON_ONE
def test_confirmed_contacts_are_told_to_every_site_where_they_work(office: FrontOffice) -> None:
    around_the_case(office)
    case_id = office.cases.open(ADMIN, DATA)
    found = office.cases.one(ADMIN, case_id).contacts
    ids = [one.contact_id for one in found if one.worker_id in {"A-002", "A-003", "B-001"}]
    office.cases.confirm(ADMIN, case_id, ids, level=FlagLevel.HOLD, days=14, why="示例核查")
    assert raised(office.database) == {
        ("case_contacts", A, f"case:{case_id}"): {"contacts": 2},
        ("case_contacts", B, f"case:{case_id}"): {"contacts": 1},
    }


def test_a_match_is_told_when_it_is_certain_and_a_near_one_waits_for_somebody(
    centre_database: Database,
) -> None:
    a_site(centre_database)
    exact, near = resident_number(1), resident_number(2)
    a_registered(centre_database, "W-1", number=exact)
    a_registered(centre_database, "W-2", number=near, name="示例乙")
    matcher = ListMatcher(centre_database, LISTS_VAULT, now=lambda: NOON)
    a_list(centre_database, [f"示例甲,{exact},,", f"示例乙,{slipped(near)},,"])
    match_all(matcher)
    assert raised(centre_database) == {
        ("list_match", LISTS_SITE, "worker:W-1"): {},
        ("list_near", LISTS_SITE, "list:contacts"): {"new": 1},
    }
    with centre_database.write() as connection:
        match_id = connection.scalars(
            select(watch_matches.c.match_id).where(watch_matches.c.worker_id == "W-2")
        ).one()
        list_matches.decide(connection, match_id, confirm=True, reason="示例核实", by="guo", now=NOON)
    assert ("list_match", LISTS_SITE, "worker:W-2") in raised(centre_database)
    with centre_database.write() as connection:
        raise_alert(connection, "pass_copied", site_id=LISTS_SITE, subject="pass:W-1", now=NOON)
        erasures.withdraw(connection, a_withdrawal("W-1", kind=WHOLE_RECORD), now=NOON)
    assert {subject for _, _, subject in raised(centre_database)} == {"worker:W-2", "list:contacts"}


@ON_ONE
def test_a_silence_and_a_day_without_declarations_are_told_once(office: FrontOffice, clock: Clock) -> None:
    rounds = AlertRounds(office.database, now=clock)
    with office.database.write() as connection:
        status = tables.gate_status
        connection.execute(
            update(status).values(presence="online", last_seen_at=clock() - timedelta(minutes=1))
        )
    assert rounds.look() == 0
    clock.moves(minutes=11)
    first = rounds.look()
    assert {rule for rule, _, _ in raised(office.database)} == {"gate_silent"}
    assert first == len(raised(office.database)) > 0
    clock.moves(minutes=2)
    assert rounds.look() == 0  # the same silence
    declares(office, "A-001")
    clock.moves(minutes=2)
    assert rounds.look() == 1
    facts = raised(office.database)["not_declared", A, f"site:{A}"]
    assert facts["missing"] == int(facts["expected"]) - 1
    clock.moves(minutes=2)
    assert rounds.look() == 0


@ON_ONE
def test_where_everybody_declared_a_newcomer_is_missed_within_half_an_hour(
    office: FrontOffice, clock: Clock
) -> None:
    with office.database.write() as connection:
        registry.set_status(connection, "A-004", WorkerStatus.LEFT, now=NOW)
        registry.set_status(connection, "A-005", WorkerStatus.LEFT, now=NOW)
    for worker_id in ("A-001", "A-002", "A-003"):
        declares(office, worker_id)
    rounds = AlertRounds(office.database, now=clock)
    rounds.look()
    with office.database.write() as connection:
        registry.set_status(connection, "A-004", WorkerStatus.ACTIVE, now=NOW)
    clock.moves(minutes=1)
    rounds.look()
    assert "not_declared" not in {rule for rule, _, _ in raised(office.database)}
    clock.moves(minutes=30)
    rounds.look()
    assert raised(office.database)["not_declared", A, f"site:{A}"] == {"missing": 1, "expected": 4}
