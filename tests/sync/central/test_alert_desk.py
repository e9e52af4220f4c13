"""Alerts as console and API show them: within the viewer's sites, with a line for each look."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from sqlalchemy import insert, select

from sync.alerting import Severity, State, StepKind
from sync.central import tables
from sync.central.accounts_access import NotAllowed, NotFound, Role, Viewer
from sync.central.alert_desk import AlertCase, AlertFilter
from sync.central.alerts import Doing, put_facts, raise_alert
from sync.central.audit import Action
from sync.central.cases import CaseKind
from sync.central.errors import SettingRefused
from sync.central.exports_alerts import alert_pieces
from sync.central.front_office import FrontOffice
from sync.central.tables_phone import visitors
from tests.sync.central.case_samples import named
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import MANAGER_A, MANAGER_B, NOW, A, B, Clock
from tests.sync.central.lodging_samples import FOREIGNER, MANAGER, SUPERVISOR
from tests.sync.central.test_api import Caller

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

ON_ONE = pytest.mark.parametrize("office", ["sqlite"], indirect=True)
ADMIN = Viewer("admin", "", Role.ADMIN, None)


def raised(
    office: FrontOffice, rule: str = "fever_at_gate", subject: str = "worker:A-001", site: str = A
) -> str:
    with office.database.write() as connection:
        return raise_alert(connection, rule, site_id=site, subject=subject, now=office.now())


def test_whatever_happens_to_the_own_alerts_changes_the_stamp(office: FrontOffice, clock: Clock) -> None:
    desk = office.alerts
    alert_id = raised(office)
    stamps = [desk.stamp(MANAGER)]

    def happened() -> bool:
        stamps.append(desk.stamp(MANAGER))
        return stamps[-1] not in stamps[:-1]

    raised(office)  # the same again, at the same moment
    assert happened()
    for seen, kind in enumerate((StepKind.MEASURE, StepKind.CLOSED, StepKind.REOPENED)):
        desk.act(MANAGER, alert_id, Doing(kind, seen, "isolated" if kind is StepKind.MEASURE else ""))
        assert happened()
    clock.moves(seconds=1)
    with office.database.write() as connection:
        put_facts(connection, alert_id, {"gate": 1}, now=clock())
    assert happened()
    raised(office, site=B, subject="worker:B-001")
    assert desk.stamp(MANAGER) == stamps[-1]
    raised(office, subject="worker:A-002")
    assert happened()


def test_a_list_shows_the_own_sites_what_is_open_first_and_what_is_late(
    office: FrontOffice, clock: Clock
) -> None:
    fever, near = raised(office), raised(office, "list_near", "list:L-1")
    foreign = raised(office, site=B, subject="worker:B-001")
    desk = office.alerts
    desk.act(MANAGER, near, Doing(StepKind.ACKNOWLEDGED, 0))
    clock.moves(minutes=11)
    rows = desk.rows(MANAGER, AlertFilter())
    assert [(row.alert.alert_id, row.is_late) for row in rows] == [(fever, True), (near, False)]
    assert rows[0].name.startswith("样")
    assert rows[0].severity is Severity.HIGH
    assert desk.open_count(MANAGER) == 1
    assert [row.alert.alert_id for row in desk.rows(MANAGER, AlertFilter(state=State.ACKNOWLEDGED))] == [near]
    assert [row.alert.alert_id for row in desk.rows(ADMIN, AlertFilter(severity=Severity.HIGH))] != [near]
    assert {row.alert.alert_id for row in desk.rows(FOREIGNER, AlertFilter())} == {foreign}
    before = desk.stamp(MANAGER)
    desk.act(MANAGER, near, Doing(StepKind.CLOSED, 1))
    assert desk.stamp(MANAGER) != before
    assert len(desk.rows(MANAGER, AlertFilter())) == 1
    assert len(desk.rows(MANAGER, AlertFilter(not_closed=False))) == 2
    with office.database.read() as connection:
        line = tables.audit.c
        query = select(line.actor, line.action).where(line.subject == f"alert:{near}").order_by(line.audit_id)
        assert [tuple(row) for row in connection.execute(query)] == [
            ("manager-a", Action.ACKNOWLEDGED_ALERT),
            ("manager-a", Action.CLOSED_ALERT),
        ]


@ON_ONE
def test_an_alert_about_a_case_names_its_day_to_all_and_its_kind_to_whoever_sees_it(
    office: FrontOffice,
) -> None:
    case_id = office.cases.open(MANAGER, named("示例病人"))
    own, foreign = (raised(office, "case_contacts", f"case:{case_id}", site) for site in (A, B))
    raised(office, "case_contacts", "case:gone", A)
    by_id = {row.alert.alert_id: row.case for row in office.alerts.rows(ADMIN, AlertFilter())}
    assert by_id[own] == AlertCase(case_id, case_id[:8], NOW, CaseKind.CONFIRMED)
    assert sum(case is None for case in by_id.values()) == 1
    assert office.alerts.one(FOREIGNER, foreign).row.case == AlertCase(case_id, case_id[:8], NOW, None)


@ON_ONE
def test_an_alert_about_a_visitor_tells_the_name(office: FrontOffice) -> None:
    with office.database.write() as connection:
        visitor = {"visitor_id": "v" * 32, "name": "示例访客", "document_hash": "-", "document_sealed": b""}
        moments = {"created_at": NOW, "updated_at": NOW}
        connection.execute(insert(visitors).values(**visitor, **moments, document_type="passport"))
    raised(office, "fever_declared", f"visitor:{visitor['visitor_id']}")
    assert [row.name for row in office.alerts.rows(MANAGER, AlertFilter())] == ["示例访客"]


@ON_ONE
def test_who_may_not_or_does_not_see_the_site_does_nothing(office: FrontOffice) -> None:
    alert_id = raised(office)
    with pytest.raises(NotFound):
        office.alerts.one(FOREIGNER, alert_id)
    with pytest.raises(NotFound):
        office.alerts.act(FOREIGNER, alert_id, Doing(StepKind.ACKNOWLEDGED, 0))
    with pytest.raises(NotAllowed):
        office.alerts.rows(Viewer("checker", "", Role.CHECKER, None), AlertFilter())
    assert office.alerts.one(SUPERVISOR, alert_id).one_of == (
        "isolated",
        "sent-to-test",
        "sent-to-medic",
        "sent-home",
    )


@ON_ONE
def test_alerts_over_the_api_and_as_files(office: FrontOffice) -> None:
    alert_id = raised(office)
    caller, other = Caller(office, MANAGER_A), Caller(office, MANAGER_B)
    (row,) = caller.post("/alerts/search", severity="high")
    assert (row["alert"]["alert_id"], row["words"]["zh"]) == (alert_id, "闸机测温超限")
    assert other.post("/alerts/search") == []
    other.get(f"/alerts/{alert_id}", status=404)
    done = caller.post(
        f"/alerts/{alert_id}/steps", status=201, kind="measure", seen=0, measure="isolated", remarks="示例"
    )
    assert done["noted"] == ["isolated"]
    refused = caller.post(f"/alerts/{alert_id}/steps", status=409, kind="closed", seen=0)
    assert "登记措施（已隔离）" in refused["detail"]
    caller.post(f"/alerts/{alert_id}/steps", status=201, kind="closed", seen=1)
    assert [step["kind"] for step in caller.get(f"/alerts/{alert_id}")["steps"]] == [
        "raised",
        "measure",
        "closed",
    ]
    text = caller.ask("POST", "/alerts/export", json={"closed_too": True}).content.decode("utf-8-sig")
    heading, line = csv.reader(StringIO(text))
    assert heading[0] == "预警 Alert"
    assert (line[0], line[3]) == ("闸机测温超限 Too hot at the gate", "worker:A-001")
    rows = office.alerts.export(MANAGER, AlertFilter(not_closed=False))
    sheet = openpyxl.load_workbook(BytesIO(b"".join(alert_pieces(rows, "xlsx")))).active
    assert sheet is not None
    raised_at = NOW.astimezone(ZoneInfo("Asia/Shanghai")).replace(tzinfo=None)
    assert sheet.cell(2, 8).value == raised_at


def test_a_zero_in_what_is_sent_is_refused_before_a_database_sees_it(office: FrontOffice) -> None:
    alert_id, desk = raised(office), office.alerts
    with pytest.raises(SettingRefused):
        desk.rows(MANAGER, AlertFilter(site_id="\0"))
    with pytest.raises(SettingRefused):
        desk.one(MANAGER, "\0")
    for doing in (Doing(StepKind.MEASURE, 0, "\0"), Doing(StepKind.ACKNOWLEDGED, 0, remarks="\0")):
        with pytest.raises(SettingRefused):
            desk.act(MANAGER, alert_id, doing)
    desk.act(MANAGER, alert_id, Doing(StepKind.ACKNOWLEDGED, 0, remarks="示例\n第二行"))
