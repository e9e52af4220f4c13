"""The fictional centre with something to count in every figure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sync.central import health, registry, site_registry
from sync.central.accounts_access import Role, Viewer
from sync.central.alerts import raise_alert
from sync.central.front_office import FrontOffice
from sync.central.notes import NoteContext
from sync.central.site_reports import take_site_report
from sync.declarations import SITE_FORM, SiteReport
from sync.health_pass import TEST_NEGATIVE
from sync.records import Clearance, Direction, Outcome
from tests.sync.central.console_samples import NOW, SHANGHAI, A, B, add_events, an_event, at
from tests.sync.central.test_alert_sources import declares

TODAY = NOW.astimezone(SHANGHAI).date()
ADMIN = Viewer("admin", "", Role.ADMIN, None)
DISTRICT = "示例区"
COMPANY, OTHER_COMPANY = "示例建工", "样例装饰"


def with_figures(office: FrontOffice) -> FrontOffice:
    """B-001 works at both sites, which are in one district and two sub-districts."""
    with office.database.write() as connection:
        for site_id, sub_district in ((A, "滨江街道"), (B, "北山街道")):
            site_registry.set_site_place(connection, site_id, district=DISTRICT, sub_district=sub_district)
        both = registry.worker(connection, "B-001")
        held = (Clearance(kind="training", valid_until=NOW + timedelta(days=100)),)
        put = both.model_copy(update={"site_ids": (A, B), "clearances": held})
        registry.put_worker(connection, put, now=NOW)
        health.occurred(connection, "A-004", "affected_area", NOW, entry_id="e-1", now=NOW)
        health.occurred(connection, "B-001", "contact", NOW, entry_id="e-2", now=NOW)
        health.found(connection, "A-001", TEST_NEGATIVE, NOW, entry_id="e-3", now=NOW)
        raise_alert(connection, "gate_silent", site_id=A, subject=f"gate:{A}/gate-2", now=NOW)
    declares(office, "A-001")
    declares(office, "A-002", health=["fever"])
    declares(office, "B-001", affected=True, affected_place="示例市", affected_from="2026-02-25",
             affected_until="2026-02-26")  # fmt: skip
    reports(office, "r-1", A, COMPANY, TODAY, {"masks": {"stock": 10, "daily_use": 5}}, returned=3, unwell=1)
    reports(office, "r-2", A, OTHER_COMPANY, TODAY - timedelta(days=2),
            {"gloves": {"stock": 12, "daily_use": 4}, "masks": {"stock": 900, "daily_use": 5}})  # fmt: skip
    reports(office, "r-3", B, COMPANY, TODAY, {}, returned=2)
    add_events(
        office.database,
        [
            an_event(20, at("03-02 13:10"), worker_id="B-001"),
            an_event(
                21, at("03-02 13:20"), worker_id=None, outcome=Outcome.DENY, reasons=("not_registered",)
            ),
            an_event(22, at("03-02 13:40"), worker_id="A-005", direction=Direction.OUT),
            an_event(23, at("03-02 14:05"), worker_id="A-005"),
        ],
    )
    return office


def reports(
    office: FrontOffice,
    report_id: str,
    site_id: str,
    employer: str,
    day: date,
    supplies: Mapping[str, Any],
    *,
    returned: int = 0,
    unwell: int = 0,
) -> None:
    """One employer's report, as from a kiosk."""
    report = SiteReport(
        report_id=report_id,
        form_id=SITE_FORM,
        form_version=1,
        site_id=site_id,
        employer=employer,
        local_day=day,
        declared_at=NOW - (TODAY - day),
        source="kiosk",
        recorded_by="示例",
        answers={"headcount": 20, "returned": returned, "unwell": unwell, "supplies": dict(supplies)},
    )
    with office.database.write() as connection:
        take_site_report(connection, NoteContext(site_id, "gate-1", report_id, NOW), report.model_dump_json())
