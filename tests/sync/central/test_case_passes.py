"""The pass of the worker whose case it is follows the case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sync.central import audit, health, registry
from sync.central.audit import Action
from sync.central.case_desk import CaseDesk
from sync.central.cases import CaseKind
from sync.central.console.words_passes import SOURCES
from sync.central.front_office import FrontOffice
from sync.health_pass import CLEARED_BY_MEDIC, PassColour, pass_at
from sync.screening.pass_rules import SHIPPED_FILE
from tests.sync.central.case_samples import CASE_WORKER, DATA, named
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import A, Clock
from tests.sync.central.lodging_samples import MANAGER
from tests.sync.central.test_cases import ADMIN, ON_ONE, desk_of, flags

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

SUSPECTED = replace(DATA, kind=CaseKind.SUSPECTED)


def colour(office: FrontOffice, worker_id: str = CASE_WORKER) -> tuple[PassColour | None, str]:
    with office.database.read() as connection:
        worker = registry.worker(connection, worker_id)
    now = pass_at(worker.flags, worker.clearances, office.now())
    return now.colour, now.cause


def test_a_confirmed_case_is_red_and_a_suspected_one_yellow_until_it_is_closed(
    office: FrontOffice, clock: Clock
) -> None:
    told: list[Mapping[str, int]] = []
    desk: CaseDesk = desk_of(office, told)
    with office.database.write() as connection:
        health.occurred(
            connection, CASE_WORKER, "affected_area", office.now(), entry_id="own", now=office.now()
        )
    before = flags(office, CASE_WORKER)
    case_id = desk.open(MANAGER, SUSPECTED)
    assert {flag.reason for flag in flags(office, CASE_WORKER)} >= {"affected_area", "suspected_case"}
    desk.change(MANAGER, case_id, DATA)
    assert colour(office) == (PassColour.RED, "case")
    assert "suspected_case" not in {flag.reason for flag in flags(office, CASE_WORKER)}
    desk.change(MANAGER, case_id, replace(DATA, remarks="示例"))
    assert len(told) == 2  # the same kind: nothing for the gates
    desk.close(MANAGER, case_id)
    assert flags(office, CASE_WORKER) == before
    clock.moves(days=1)
    desk.reopen(MANAGER, case_id)
    assert colour(office) == (PassColour.RED, "case")
    assert [set(one) for one in told] == [{A}] * 4
    about = [line.action for line in audit.lines(office.database, ADMIN, now=office.now())
             if line.subject == f"worker:{CASE_WORKER}"]  # fmt: skip
    gave, took = Action.FLAGGED_WORKER, Action.UNFLAGGED_WORKER
    assert about == [gave, took, gave, took, gave]
    shown = office.passes.one(MANAGER, CASE_WORKER).entries
    sources = {one.source.partition(":")[0] for one in shown if one.entry_id != "own"}
    assert sources == {"case"} <= SOURCES.keys()  # the console says it in words


@ON_ONE
def test_what_a_medic_says_and_what_was_taken_back_by_hand_stays(office: FrontOffice, clock: Clock) -> None:
    desk = desk_of(office)
    case_id = desk.open(MANAGER, DATA)
    clock.moves(days=1)
    with office.database.write() as connection:
        now = office.now()
        health.found(connection, CASE_WORKER, CLEARED_BY_MEDIC, now, entry_id="word", now=now)
    assert colour(office)[0] is None
    with office.database.write() as connection:
        (entry,) = health.record(connection, CASE_WORKER)[0]
        health.take_back(connection, entry.entry_id, by="示例", why="误判", now=office.now())
    desk.close(MANAGER, case_id)
    desk.reopen(MANAGER, case_id)
    assert colour(office)[0] is None


@ON_ONE
def test_a_merged_record_keeps_what_the_case_gave_and_loses_it_with_the_case(office: FrontOffice) -> None:
    desk = desk_of(office)
    case_id = desk.open(MANAGER, SUSPECTED)
    with office.database.write() as connection:
        health.hand_on(connection, CASE_WORKER, "A-002")
        registry.remove_worker(connection, CASE_WORKER)
        health.settle(connection, "A-002", now=office.now())
    desk.change(MANAGER, case_id, DATA)
    assert colour(office, "A-002") == (PassColour.RED, "case")
    desk.close(MANAGER, case_id)
    assert colour(office, "A-002")[0] is None


@ON_ONE
def test_rules_that_leave_a_kind_out_and_people_by_name_change_no_pass(office: FrontOffice) -> None:
    told: list[Mapping[str, int]] = []
    desk = desk_of(office, told)
    text = SHIPPED_FILE.read_text("utf-8").replace(", suspected: suspected_case}", "}")
    with office.database.write() as connection:
        health.set_rules(connection, text, source="own", by="示例", now=office.now())
    case_id = desk.open(MANAGER, SUSPECTED)
    desk.open(MANAGER, named("示例路人"))
    assert told == []
    desk.change(MANAGER, case_id, DATA)
    desk.change(MANAGER, case_id, SUSPECTED)
    assert colour(office)[0] is None
    assert len(told) == 2
