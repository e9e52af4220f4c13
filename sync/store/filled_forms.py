"""Declarations and reports made at this kiosk: kept a while to be changed and carried over."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from sync.declarations import SITE_FORM, WORKER_FORM, Declaration, SiteReport
from sync.records import NoteKind
from sync.store.notes import Notes

KEPT_FOR = timedelta(days=31)
"""Answers about health do not lie at the kiosk for longer than they are useful there."""


class FilledForms(Notes):
    """The forms' side of `LocalStore`; every call is one transaction."""

    def put_declaration(self, declaration: Declaration) -> None:
        """Keep a declaration and queue it for the centre."""
        subject = _subject_of(declaration)
        self._put(declaration, declaration.declaration_id, subject)

    def put_site_report(self, report: SiteReport) -> None:
        """Keep a report and queue it for the centre."""
        self._put(report, report.report_id, _report_subject(report.employer))

    def latest_declaration(self, worker_id: str) -> Declaration | None:
        """What this worker declared last at this kiosk, of whatever day."""
        text = self._latest(WORKER_FORM, f"declared:{worker_id}", None)
        return None if text is None else Declaration.model_validate_json(text)

    def latest_site_report(self, employer: str, until: date | None = None) -> SiteReport | None:
        """The newest report of this employer made at this kiosk, of `until` or an earlier day."""
        text = self._latest(SITE_FORM, _report_subject(employer), until)
        return None if text is None else SiteReport.model_validate_json(text)

    def site_report_days(self, employer: str, first: date) -> Collection[date]:
        """Days from `first` on with a report of this employer made at this kiosk."""
        with self._connections.read() as db:
            rows = db.execute(
                "SELECT DISTINCT local_day FROM filled_forms WHERE form_id = ? AND subject = ? "
                "AND local_day >= ?",
                [SITE_FORM, _report_subject(employer), first.isoformat()],
            ).fetchall()
        return {date.fromisoformat(row[0]) for row in rows}

    def employers_with_reports(self) -> list[str]:
        """Whose reports were made here."""
        with self._connections.read() as db:
            rows = db.execute(
                "SELECT DISTINCT subject FROM filled_forms WHERE form_id = ? ORDER BY subject", [SITE_FORM]
            ).fetchall()
        return [row[0].partition(":")[2] for row in rows]

    def _latest(self, form_id: str, subject: str, until: date | None) -> str | None:
        with self._connections.read() as db:
            row = db.execute(
                "SELECT record FROM filled_forms WHERE form_id = ? AND subject = ? AND local_day <= ? "
                "ORDER BY local_day DESC, declared_at DESC LIMIT 1",
                [form_id, subject, (until or date.max).isoformat()],
            ).fetchone()
        return None if row is None else str(row[0])

    def _put(self, record: Declaration | SiteReport, record_id: str, subject: str) -> None:
        kind: NoteKind = "declaration" if isinstance(record, Declaration) else "site_report"
        oldest = record.local_day - KEPT_FOR
        with self._connections.write() as db:
            self._queue_note(db, kind, record, record_id=record_id, subject=subject)
            db.execute("DELETE FROM filled_forms WHERE local_day < ?", [oldest.isoformat()])
            db.execute(
                "INSERT INTO filled_forms (record_id, form_id, subject, local_day, declared_at, record) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                [
                    record_id,
                    record.form_id,
                    subject,
                    record.local_day.isoformat(),
                    record.declared_at.isoformat(),
                    record.model_dump_json(),
                ],
            )


def _subject_of(declaration: Declaration) -> str:
    """Not `worker:…`: a declaration holds up nothing about the worker."""
    if declaration.worker_id is not None:
        return f"declared:{declaration.worker_id}"
    return f"visited:{declaration.declaration_id}"


def _report_subject(employer: str) -> str:
    return f"report:{employer}"
