"""Declarations and site reports at the kiosk: whose, what is filled in already, checked and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from enroll.identity import check_visitor
from sync.declarations import SITE_FORM, WORKER_FORM, Declaration, SiteReport, VisitorPapers
from sync.forms import Checked, Entered, Form, check, newest_form
from sync.forms.rules import short_on
from sync.forms.telling import typed
from sync.records import WorkerStatus
from sync.store import LocalStore
from sync.words import Words

DAYS_SHOWN = 14


@dataclass(frozen=True, slots=True)
class FormToFill:
    """A form as it is opened. `declared_at` set: there is one of today, which the new one replaces."""

    form: Form
    entered: Entered
    day: date
    declared_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReportDays:
    """The last days of an employer: whether this kiosk made a report of each, the oldest first."""

    employer: str
    days: tuple[tuple[date, bool], ...]


class DeclarationDesk:
    """All of it over one store; safe to use from any thread. Works without the centre."""

    def __init__(
        self, store: LocalStore, *, site_id: str, zone: ZoneInfo, now: Callable[[], datetime]
    ) -> None:
        self._store, self._site_id, self._zone, self._now = store, site_id, zone, now

    def today(self) -> date:
        """The day at the site."""
        return self._now().astimezone(self._zone).date()

    def declaration(self, worker_id: str) -> FormToFill:
        """The worker's form, with the answers of today, or what is carried over from the last time."""
        return self._to_fill(WORKER_FORM, self._store.latest_declaration(worker_id))

    def declare(self, worker_id: str, entered: Entered, *, by: str) -> tuple[Checked, Declaration | None]:
        """Check and keep; without a declaration the checked form says what is wrong."""
        checked, filled = self._checked(WORKER_FORM, entered, by=by)
        if not checked.is_complete:
            return checked, None
        declaration = Declaration(worker_id=worker_id, **filled)
        self._store.put_declaration(declaration)
        self._store.put_audit(by, "declared", subject=f"worker:{worker_id}")
        return checked, declaration

    def visitor_papers(self, typed: Mapping[str, str]) -> tuple[VisitorPapers | None, dict[str, Words]]:
        """Who declares without being registered; without papers what is wrong, by field."""
        return check_visitor(typed, today=self.today())

    def declaration_of_visitor(self) -> FormToFill:
        """The empty form: knowing somebody's papers opens no earlier answers."""
        return self._to_fill(WORKER_FORM, None)

    def declare_visitor(
        self, papers: VisitorPapers, entered: Entered, *, by: str
    ) -> tuple[Checked, Declaration | None]:
        """As `declare`; whoever is on the roster by that name and document declares as that worker."""
        holders = self._store.persons_by_document(papers.document_type, papers.document_number)
        for worker in self._store.workers_by_id([one.worker_id for one in holders]):
            if worker.name == papers.name and worker.status is WorkerStatus.ACTIVE:
                return self.declare(worker.worker_id, entered, by=by)
        checked, filled = self._checked(WORKER_FORM, entered, by=by)
        if not checked.is_complete:
            return checked, None
        declaration = Declaration(visitor=papers, **filled)
        self._store.put_declaration(declaration)
        self._store.put_audit(by, "visitor_declared", subject=f"declaration:{declaration.declaration_id}")
        return checked, declaration

    def employers(self) -> list[str]:
        """Of active workers, and whose reports were made here; else the site itself, as an empty name."""
        workers = self._store.workers(limit=None)
        of_workers = {one.employer for one in workers if one.status is WorkerStatus.ACTIVE}
        return sorted({*of_workers, *self._store.employers_with_reports()} - {""}) or [""]

    def report_days(self, employer: str) -> ReportDays:
        """Which of the last days have a report."""
        first = self.today() - timedelta(days=DAYS_SHOWN - 1)
        there = self._store.site_report_days(employer, first)
        days = [first + timedelta(days=number) for number in range(DAYS_SHOWN)]
        return ReportDays(employer, tuple((day, day in there) for day in days))

    def report(self, employer: str) -> FormToFill:
        """The report of today, with its own figures or those of the last one."""
        return self._to_fill(SITE_FORM, self._store.latest_site_report(employer))

    def send_report(self, employer: str, entered: Entered, *, by: str) -> tuple[Checked, SiteReport | None]:
        """Check and keep; without a report the checked form says what is wrong."""
        checked, filled = self._checked(SITE_FORM, entered, by=by)
        if not checked.is_complete:
            return checked, None
        report = SiteReport(employer=employer, **filled)
        self._store.put_site_report(report)
        self._store.put_audit(by, "reported_site", detail={"employer": employer})
        return checked, report

    def _to_fill(self, form_id: str, last: Declaration | SiteReport | None) -> FormToFill:
        form, today = newest_form(form_id), self.today()
        if last is None:
            return FormToFill(form, {}, today, None)
        is_of_today = last.local_day == today
        at = last.declared_at.astimezone(self._zone) if is_of_today else None
        return FormToFill(form, typed(form, last.answers, only_carried=not is_of_today), today, at)

    def _checked(self, form_id: str, entered: Entered, *, by: str) -> tuple[Checked, dict[str, Any]]:
        """The checked form, and the fields that every record of a filled form has."""
        form, today = newest_form(form_id), self.today()
        checked = check(form, entered, today=today)
        return checked, {
            "form_id": form.form_id,
            "form_version": form.version,
            "site_id": self._site_id,
            "local_day": today,
            "declared_at": self._now(),
            "source": "kiosk",
            "recorded_by": by,
            "answers": checked.answers,
        }


def runs_short(report: SiteReport) -> list[tuple[str, date]]:
    """Supplies that run out, by their value in the form, and the first day they no longer cover."""
    found = [
        (supply, short_on(entry.get("stock", 0), entry.get("daily_use", 0), report.local_day))
        for supply, entry in report.answers.get("supplies", {}).items()
    ]
    return sorted([(supply, on) for supply, on in found if on is not None], key=lambda one: one[1])
