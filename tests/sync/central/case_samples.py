"""Fictional trips, stays and passages around one case, for tests of tracing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from sync.central import transport
from sync.central.cases import CaseData, CaseKind
from sync.central.declarations import declaration_handler
from sync.central.front_office import FrontOffice
from sync.central.notes import NoteContext
from sync.declarations import WORKER_FORM, Declaration, VisitorPapers
from sync.people import DocumentType
from tests.sync.central.console_samples import NOW, A, B, add_events, an_event, at
from tests.sync.central.lodging_samples import BUS, MANAGER, TODAY, VAULT, a_house, a_tenant

CASE_WORKER = "A-001"
VISITOR = VisitorPapers(
    name="示例访客", phone="13800000007", document_type=DocumentType.OTHER, document_number="EX-1"
)
DATA = CaseData(A, CaseKind.CONFIRMED, date(2026, 2, 27), date(2026, 3, 15), CASE_WORKER, onset_on=TODAY)
FLIGHT = {
    "kind": "flight",
    "number": "ZZ9001",
    "date": "2026-02-28",
    "origin": "示例市",
    "destination": "样例县",
}


def declare(
    office: FrontOffice,
    worker_id: str | None,
    trips: list[dict[str, str]],
    *,
    day: date = TODAY,
    site_id: str = A,
    declared_at: datetime = NOW,
    place: str = "",
) -> None:
    """As a kiosk sends it; without a worker it is the visitor's. `place`: the dormitory."""
    answers: dict[str, Any] = {
        "health": ["well"],
        "affected": False,
        "contact": False,
        "travelled": bool(trips),
        "lodging": "dormitory",
        "lodging_place": place or f"{worker_id} 号楼",
        "truthful": True,
    }
    declaration = Declaration(
        form_id=WORKER_FORM,
        form_version=1,
        site_id=site_id,
        worker_id=worker_id,
        visitor=None if worker_id else VISITOR,
        local_day=day,
        declared_at=declared_at,
        source="kiosk",
        answers=answers | ({"trips": trips} if trips else {}),
    )
    with office.database.write() as connection:
        context = NoteContext(site_id, "gate-1", declaration.declaration_id, declared_at)
        declaration_handler(VAULT)(connection, context, declaration.model_dump_json())


def around_the_case(office: FrontOffice) -> None:
    """One person met by each rule: A-002 on the flight, A-003 in the house, A-004 at the gate, A-005 in the
    team, a visitor on the train, B-001 and somebody unregistered on the bus.
    """
    train = {**FLIGHT, "kind": "train", "number": "G9977"}
    bus = {**FLIGHT, "kind": "bus", "number": BUS.number, "date": f"{TODAY}"}
    own = [{**FLIGHT, "seat": "12A"}, {**train, "carriage": "03", "seat": "1A"}, bus]
    declare(office, CASE_WORKER, own)
    declare(office, "A-002", [{**FLIGHT, "seat": "14C"}])
    declare(office, "A-004", [{**FLIGHT, "seat": "30F"}])  # far behind
    declare(office, None, [{**train, "carriage": "3车厢"}])
    declare(office, "B-001", [bus], site_id=B)
    house = a_house(office)
    a_tenant(office, house, "样一安", CASE_WORKER, room="101")
    a_tenant(office, house, "样三和", "A-003", room="102")
    with office.database.write() as connection:
        bus_id = transport.add_bus(connection, MANAGER, BUS, now=NOW)
        transport.board_lines(connection, MANAGER, bus_id, "示例乘客, 13800000008", VAULT, now=NOW)
    add_events(office.database, [an_event(90, at("03-02 06:55") + timedelta(seconds=40), worker_id="A-004")])


def named(name: str) -> CaseData:
    """A case of somebody who is not registered."""
    return replace(DATA, worker_id=None, name=name)
