"""Daily reports of the employers of a site: taken from phones and kiosks; which days are missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from sync.central import alert_sources, audit, tables
from sync.central.accounts_access import Right, Viewer
from sync.central.audit import Action
from sync.central.database import Database
from sync.central.declarations import check_note, put_latest
from sync.central.notes import NoteContext
from sync.central.statements import insert_unless_there
from sync.central.tables_declarations import site_reports
from sync.declarations import SiteReport
from sync.forms import Checked
from sync.forms.rules import short_on
from sync.records import WorkerStatus

REMEMBERED = timedelta(days=30)
"""An employer without workers on the list stays listed for so long after the last report."""


@dataclass(frozen=True, slots=True)
class ShortSupply:
    """A supply of the report's form, in its words' value, and the first day it no longer covers."""

    supply: str
    on: date


@dataclass(frozen=True, slots=True)
class Reported:
    """A report as it is kept."""

    report_id: str
    form_id: str
    form_version: int
    site_id: str
    employer: str
    local_day: date
    declared_at: datetime
    recorded_by: str
    headcount: int
    returned: int
    unwell: int
    short_on: date | None
    answers: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EmployerDays:
    """One employer over some days: the report of each day, or None where it is missing."""

    employer: str
    days: tuple[tuple[date, Reported | None], ...]

    @property
    def missing(self) -> tuple[date, ...]:
        return tuple(day for day, report in self.days if report is None)


def short_supplies(answers: Mapping[str, Any], day: date) -> list[ShortSupply]:
    """What runs out and when, the first to run out first."""
    found = []
    for supply, entry in answers.get("supplies", {}).items():
        on = short_on(entry.get("stock", 0), entry.get("daily_use", 0), day)
        if on is not None:
            found.append(ShortSupply(supply, on))
    return sorted(found, key=lambda one: (one.on, one.supply))


def put(
    connection: Connection,
    report: SiteReport,
    checked: Checked,
    *,
    received_at: datetime,
    gate_id: str = "",
) -> None:
    """Keep a report; of one employer and day the latest counts."""
    short = short_supplies(checked.answers, report.local_day)

    def insert_it(superseded_by: str | None) -> bool:
        row = report.model_dump(exclude={"schema_version", "answers"}) | {
            "received_at": received_at,
            "gate_id": gate_id,
            "headcount": checked.answers["headcount"],
            "returned": checked.answers["returned"],
            "unwell": checked.answers["unwell"],
            "short_on": short[0].on if short else None,
            "answers": checked.answers,
            "superseded_by": superseded_by,
        }
        return insert_unless_there(connection, site_reports.c.report_id, row)

    counts = put_latest(
        connection,
        site_reports.c.report_id,
        lambda: (
            (site_reports.c.site_id == report.site_id)
            & (site_reports.c.employer == report.employer)
            & (site_reports.c.local_day == report.local_day)
        ),
        new=(report.report_id, report.declared_at),
        insert_it=insert_it,
        retire=lambda report_id: None,
    )
    if counts:
        alert_sources.site_reported(
            connection,
            report.site_id,
            report.employer,
            unwell=checked.answers["unwell"],
            short=[(one.supply, one.on) for one in short],
            day=report.local_day,
            now=received_at,
        )


def take_site_report(connection: Connection, context: NoteContext, text: str) -> Mapping[str, int]:
    """Takes the reports that kiosks send."""
    report = SiteReport.model_validate_json(text)
    checked = check_note(
        connection,
        context,
        report.site_id,
        (report.form_id, report.form_version, report.answers),
        (report.local_day, report.declared_at),
    )
    put(connection, report, checked, received_at=context.received_at, gate_id=context.gate_id)
    return {}


def latest(connection: Connection, site_id: str, employer: str, until: date) -> Reported | None:
    """The newest report that counts of this employer, of `until` or an earlier day."""
    query = (
        select(site_reports)
        .where(
            site_reports.c.site_id == site_id,
            site_reports.c.employer == employer,
            site_reports.c.local_day <= until,
            site_reports.c.superseded_by.is_(None),
        )
        .order_by(site_reports.c.local_day.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else _reported(row)


class SiteReportDesk:
    """Reports as the console and the phone pages see them, within the viewer's sites."""

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def days(self, viewer: Viewer, site_id: str, first: date, last: date) -> list[EmployerDays]:
        """Every employer of the site over these days, both included. Raises NotFound, NotAllowed."""
        viewer.require(Right.READ_DECLARATIONS)
        viewer.require_site(site_id)
        audit.note_look(
            self._database,
            viewer,
            Action.LOOKED_AT_SITE_REPORTS,
            at=self._now(),
            site_id=site_id,
            detail={"first": first.isoformat(), "last": last.isoformat()},
        )
        query = select(site_reports).where(
            site_reports.c.site_id == site_id,
            site_reports.c.local_day.between(first, last),
            site_reports.c.superseded_by.is_(None),
        )
        with self._database.read() as connection:
            names = employers(connection, site_id, last)
            found = {(row.employer, row.local_day): _reported(row) for row in connection.execute(query)}
        wanted = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        return [
            EmployerDays(name, tuple((day, found.get((name, day))) for day in wanted))
            for name in sorted({*names, *(employer for employer, _ in found)})
        ]


def employers(connection: Connection, site_id: str, today: date) -> list[str]:
    """Whose report is expected: of active workers, and who reported lately; else the site itself."""
    workers, link = tables.workers, tables.worker_sites
    of_workers = (
        select(workers.c.employer)
        .join(link, link.c.worker_id == workers.c.worker_id)
        .where(
            link.c.site_id == site_id,
            workers.c.status == WorkerStatus.ACTIVE.value,
            workers.c.employer != "",
        )
    )
    of_reports = select(site_reports.c.employer).where(
        site_reports.c.site_id == site_id, site_reports.c.local_day >= today - REMEMBERED
    )
    return sorted(connection.scalars(of_workers.union(of_reports))) or [""]


def _reported(row: Any) -> Reported:
    return Reported(
        row.report_id,
        row.form_id,
        row.form_version,
        row.site_id,
        row.employer,
        row.local_day,
        row.declared_at,
        row.recorded_by,
        row.headcount,
        row.returned,
        row.unwell,
        row.short_on,
        row.answers,
    )
