"""Declarations at the centre: from phones and kiosks, versions of a day, who is missing, trips as rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from sync.central import tables
from sync.central.accounts_access import NotAllowed, NotFound, Role, Viewer
from sync.central.audit import Action
from sync.central.declarations import declaration_handler
from sync.central.front_office import FrontOffice
from sync.central.notes import NoteContext, NoteRefused
from sync.central.site_reports import take_site_report
from sync.central.tables_declarations import declarations, declared_stays, site_reports, trips
from sync.declarations import SITE_FORM, WORKER_FORM, Declaration, SiteReport, VisitorPapers
from sync.people import DocumentType
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import MANAGER_A, NOW, PASSWORD, SHANGHAI, A, B, Clock
from tests.sync.central.phone_samples import ANN, BEN, VAULT, VISITOR, Phone, count, with_documents

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

TODAY = NOW.astimezone(SHANGHAI).date()
MANAGER = Viewer(MANAGER_A, "", Role.SITE_MANAGER, frozenset({A}))
OTHER = Viewer("manager-b", "", Role.SITE_MANAGER, frozenset({B}))
CHECKER = Viewer("checker", "", Role.CHECKER, frozenset({A}))
ANSWERS: dict[str, Any] = {
    "health": ["well"],
    "affected": False,
    "contact": False,
    "travelled": True,
    "trips": [
        {
            "kind": "train",
            "number": "G123",
            "date": "2026-03-01",
            "origin": "示例市",
            "destination": "样例县",
            "carriage": "8车厢",
            "seat": "12A",
        }
    ],
    "lodging": "rented",
    "lodging_place": "示例路 1 号",
    "lodging_room": "204",
    "truthful": True,
}
ON_ONE = pytest.mark.parametrize("office", ["sqlite"], indirect=True)
"""For what is the same on both databases: the other tests run on both."""

FIGURES = {"headcount": "12", "returned": "1", "unwell": "0"}


@pytest.fixture
def phone(office: FrontOffice) -> Phone:
    phone = Phone(with_documents(office))
    phone.sign_in()
    return phone


def from_kiosk(office: FrontOffice, declaration: Declaration | SiteReport, *, at: Any = NOW) -> None:
    take = take_site_report if isinstance(declaration, SiteReport) else declaration_handler(VAULT)
    with office.database.write() as connection:
        take(connection, NoteContext(A, "gate-1", "note", at), declaration.model_dump_json())


def declared(**changed: Any) -> Declaration:
    fields: dict[str, Any] = {
        "form_id": WORKER_FORM,
        "form_version": 1,
        "site_id": A,
        "worker_id": ANN,
        "local_day": TODAY,
        "declared_at": NOW,
        "source": "kiosk",
        "answers": ANSWERS,
    }
    return Declaration(**{**fields, **changed})


def rows(office: FrontOffice, table: Any) -> list[Any]:
    with office.database.read() as connection:
        return list(connection.execute(select(table)))


def test_a_receipt_shows_time_name_and_answers(phone: Phone) -> None:
    receipt = phone.declare()
    assert "申报成功" in receipt.text and "15:30:00" in receipt.text and "样一安" in receipt.text
    assert "示例楼 3 号" in receipt.text


@ON_ONE
def test_nobody_reads_the_receipt_of_another(office: FrontOffice, phone: Phone) -> None:
    path = phone.declare().url.path
    other = Phone(office)
    other.sign_in(BEN)
    assert other.get(path).status_code == 404


def test_the_answers_of_today_can_be_changed_until_midnight_and_every_version_stays(
    office: FrontOffice, phone: Phone, clock: Clock
) -> None:
    phone.declare()
    clock.moves(hours=1)
    assert 'value="示例楼 3 号"' in phone.get("/m/declare").text
    phone.declare(health="cough", lodging_place="示例楼 4 号")
    versions = sorted(rows(office, declarations), key=lambda row: row.declared_at)
    assert versions[0].superseded_by == versions[1].declaration_id and versions[1].superseded_by is None
    assert versions[1].marks == "unwell" and [stay.place for stay in rows(office, declared_stays)] == [
        "示例楼 4 号"
    ]
    clock.moves(hours=12)
    page = phone.sign_in().text
    assert "今天已申报" not in page and 'value="示例楼 4 号"' in page  # lodging is carried over
    assert 'name="health" value="cough" checked' not in page  # how somebody feels is not


def test_a_slip_leads_back_to_the_form_with_everything_typed_and_a_reload_keeps_it(
    office: FrontOffice, phone: Phone
) -> None:
    page = phone.declare(travelled="yes", **{"trips.0.kind": "train", "trips.0.number": "G12"})
    assert page.status_code == 200 and 'id="problems"' in page.text
    for answer in (page, phone.get(str(page.url))):
        assert 'value="G12"' in answer.text and 'aria-invalid="true"' in answer.text
    assert count(office.database, declarations) == 0


@ON_ONE
def test_another_trip_is_added_without_script(phone: Phone) -> None:
    page = phone.declare(do="add:trips", **{"trips.0.number": "G12"}, travelled="yes")
    assert 'value="G12"' in page.text and 'name="trips.1.number"' in page.text
    page = phone.declare(
        do="remove:trips:0", travelled="yes", **{"trips.0.number": "G12", "trips.1.number": "G13"}
    )
    assert 'value="G12"' not in page.text and 'value="G13"' in page.text


def test_trips_become_rows_that_contacts_are_found_by(office: FrontOffice) -> None:
    from_kiosk(office, declared())
    trip = rows(office, trips)[0]
    assert (trip.kind, trip.number, trip.carriage, trip.seat_row) == ("train", "G123", "8", 12)
    assert trip.worker_id == ANN


def test_of_one_day_the_declaration_made_last_counts_whichever_arrives_first(office: FrontOffice) -> None:
    late = declared(declared_at=NOW - timedelta(hours=2), answers={**ANSWERS, "lodging_room": "1"})
    from_kiosk(office, declared())
    from_kiosk(office, late)
    current = [row for row in rows(office, declarations) if row.superseded_by is None]
    assert len(rows(office, declarations)) == 2 and [row.answers["lodging_room"] for row in current] == [
        "204"
    ]
    assert len(rows(office, trips)) == 1


@ON_ONE
@pytest.mark.parametrize(
    "changed",
    [
        {"site_id": B},
        {"form_version": 99},
        {"answers": {**ANSWERS, "health": []}},
        {"local_day": TODAY + timedelta(days=1)},
        {"declared_at": NOW + timedelta(hours=1)},
    ],
)
def test_what_a_kiosk_should_not_send_is_refused_with_the_reason(
    office: FrontOffice, changed: dict[str, Any]
) -> None:
    with pytest.raises(NoteRefused) as refused:
        from_kiosk(office, declared(**changed))
    assert str(refused.value)
    assert count(office.database, declarations) == 0


def test_a_visitor_at_the_kiosk_is_the_visitor_of_the_phone(office: FrontOffice, phone: Phone) -> None:
    papers = VisitorPapers(
        name="示例访客", phone="13800000000", document_type=DocumentType.PASSPORT, document_number="X1234567"
    )
    from_kiosk(office, declared(worker_id=None, visitor=papers, declared_at=NOW - timedelta(hours=1)))
    phone.post("/m/visitor", **VISITOR, next="/m/declare?site=site-a")
    page = phone.get("/m/declare?site=site-a").text
    assert "示例路" not in page  # knowing the papers shows no earlier answers
    phone.declare()
    versions = rows(office, declarations)
    assert len(versions) == 2 and len({row.visitor_id for row in versions}) == 1


def test_who_has_not_declared_is_listed_by_site_and_team(office: FrontOffice, phone: Phone) -> None:
    phone.declare(health="fever")
    overview = office.declarations.overview(MANAGER, A, TODAY)
    assert (overview.expected, overview.declared, overview.missing) == (5, 1, 4)
    assert overview.marks == (("unwell", 1),)
    teams = {one.team: (one.declared, one.expected) for one in overview.teams}
    assert teams == {"钢筋一班": (1, 3), "木工二班": (0, 2)}
    missing = office.declarations.missing(MANAGER, A, TODAY, team="钢筋一班")
    assert [one.worker_id for one in missing] == ["A-002", "A-005"]
    assert [one.worker_id for one in office.declarations.marked(MANAGER, A, TODAY)] == [ANN]
    assert [bool(one.declaration_id) for one in office.declarations.export(MANAGER, A, TODAY)] == [
        False
    ] * 4 + [True]


def test_looking_leaves_a_line_and_is_for_the_own_site(office: FrontOffice, phone: Phone) -> None:
    declaration_id = phone.declare().url.path.rsplit("/", 1)[1]
    office.declarations.facts(MANAGER, A, declaration_id)
    with office.database.read() as connection:
        actions = list(connection.scalars(select(tables.audit.c.action)))
    assert Action.LOOKED_AT_DECLARATION in actions
    with pytest.raises(NotFound):
        office.declarations.facts(OTHER, B, declaration_id)
    with pytest.raises(NotFound):
        office.declarations.missing(OTHER, A, TODAY)
    with pytest.raises(NotAllowed):
        office.declarations.overview(CHECKER, A, TODAY)


def staff(office: FrontOffice) -> Phone:
    phone = Phone(office)
    phone.sign_in_staff(MANAGER_A, PASSWORD)
    return phone


def report(phone: Phone, day: str = "", **changed: str) -> Any:
    day = day or TODAY.isoformat()
    where = {"site": A, "employer": "示例建工", "day": day}
    token = phone.token(f"/m/site-report/form?site={A}&employer=示例建工&day={day}")
    return phone.post(
        "/m/site-report/form", **{**FIGURES, **where, "do": "send", "form_token": token, **changed}
    )


def test_a_site_report_says_what_runs_short_and_when(office: FrontOffice) -> None:
    masks = {"supplies.masks.stock": "100", "supplies.masks.daily_use": "30"}
    receipt = report(staff(office), **masks)
    assert "上报成功" in receipt.text and "2026-03-05" in receipt.text
    assert rows(office, site_reports)[0].short_on.isoformat() == "2026-03-05"


def test_the_last_figures_are_filled_in_and_missing_days_are_shown(office: FrontOffice, clock: Clock) -> None:
    phone = staff(office)
    report(phone)
    clock.moves(days=2)
    phone = staff(office)
    day = (TODAY + timedelta(days=2)).isoformat()
    form = phone.get(f"/m/site-report/form?site={A}&employer=示例建工&day={day}").text
    assert 'name="headcount"' in form and 'value="12"' in form
    days = office.site_reports.days(MANAGER, A, TODAY, TODAY + timedelta(days=2))
    assert days[0].missing == (TODAY + timedelta(days=1), TODAY + timedelta(days=2))
    assert report(phone, day=(TODAY + timedelta(days=1)).isoformat()).status_code == 200
    assert len(office.site_reports.days(MANAGER, A, TODAY, TODAY + timedelta(days=2))[0].missing) == 1


@ON_ONE
def test_a_report_of_a_day_to_come_or_long_past_is_not_taken(office: FrontOffice) -> None:
    phone = staff(office)
    for days in (1, -8):
        day = (TODAY + timedelta(days=days)).isoformat()
        assert phone.get(f"/m/site-report/form?site={A}&employer=示例建工&day={day}").status_code == 404


def test_a_report_from_a_kiosk_takes_the_place_of_the_one_before(office: FrontOffice) -> None:
    report(staff(office))
    from_kiosk(
        office,
        SiteReport(
            form_id=SITE_FORM,
            form_version=1,
            site_id=A,
            employer="示例建工",
            local_day=TODAY,
            declared_at=NOW + timedelta(seconds=30),
            source="kiosk",
            answers={"headcount": 14, "returned": 0, "unwell": 0},
        ),
    )
    current = [row.headcount for row in rows(office, site_reports) if row.superseded_by is None]
    assert current == [14]


@ON_ONE
def test_every_page_is_small(office: FrontOffice, phone: Phone) -> None:
    declare = phone.declare(
        travelled="yes",
        **{f"trips.{number}.{name}": "x" * 30 for number in range(8) for name in ("number", "seat")},
    )
    boss = staff(office)
    pages = [declare, phone.get("/m/"), phone.get("/m/sign-in"), phone.get("/m/visitor"), phone.declare()]
    pages += [
        boss.get(path)
        for path in (
            "/m/staff/sign-in",
            "/m/site-report",
            f"/m/site-report/form?site={A}&employer=示例建工",
            "/m/missing",
            "/m/poster",
            f"/m/poster/{A}",
        )
    ]
    for page in pages:
        assert page.status_code == 200, page.url
        assert len(page.content) < 60_000, (page.url, len(page.content))
