"""Imports of roster files: how far each came, and what became of every row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from sqlite_utils import Database

from sync.errors import SyncError
from sync.people import Enrolment
from sync.store.people import People
from sync.store.roster import check_templates

KEPT_JOBS = 20
"""Reports name workers: those of older imports are forgotten."""

_PAGE = 500


class ImportState(StrEnum):
    """OPEN: rows are left, whether somebody works on them or not."""

    OPEN = "open"
    CANCELLED = "cancelled"
    DONE = "done"


class UnknownImport(SyncError, LookupError):
    """No such import is kept here."""


@dataclass(frozen=True, slots=True)
class ImportJob:
    """One file that is or was imported. `last_row` is the number of the last row that is settled, 0 before.

    options  what the import was started with, as JSON
    counts   rows by result
    """

    job_id: str
    sha256: str
    file_name: str
    options: str
    total: int
    last_row: int
    state: ImportState
    started_by: str
    started_at: datetime
    changed_at: datetime
    counts: dict[str, int]

    @property
    def done(self) -> int:
        """Rows that are settled."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """What became of a row; `reason` is empty when there is nothing to say."""

    row: int
    worker_id: str
    result: str
    reason: str = ""
    next_step: str = ""


class ImportJobs(People):
    """The import side of `LocalStore`; every call is one transaction."""

    def begin_import(
        self, sha256: str, *, file_name: str, total: int, started_by: str, options: str = "{}"
    ) -> ImportJob:
        """The unfinished import of the same file with the same options, to go on with; or a new one."""
        now = self._clock.now().isoformat()
        with self._connections.write() as db:
            row = db.execute(
                "SELECT job_id FROM import_jobs WHERE sha256 = ? AND options = ? AND state != ? "
                "ORDER BY rowid DESC LIMIT 1",
                [sha256, options, ImportState.DONE],
            ).fetchone()
            if row is None:
                job_id = uuid4().hex
                db.execute(
                    "INSERT INTO import_jobs (job_id, sha256, file_name, options, total, last_row, state, "
                    "started_by, started_at, changed_at) VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?)",
                    [job_id, sha256, file_name, options, total, ImportState.OPEN, started_by, now, now],
                )
                db.execute(
                    "DELETE FROM import_jobs WHERE rowid NOT IN "
                    "(SELECT rowid FROM import_jobs ORDER BY rowid DESC LIMIT ?)",
                    [KEPT_JOBS],
                )
            else:
                (job_id,) = row
                db.execute(
                    "UPDATE import_jobs SET state = ?, changed_at = ? WHERE job_id = ?",
                    [ImportState.OPEN, now, job_id],
                )
            return _job(db, job_id)

    def commit_import(self, job_id: str, rows: Sequence[tuple[ImportedRow, Enrolment | None]]) -> None:
        """Settle rows in the order of the file: enrolments, report and progress, all or nothing.

        Raises:
            UnknownImport: the job is gone.
            RecordInvalid, StoreFull: as `LocalStore.enrol`; nothing was kept.
        """
        enrolments = [enrolment for _, enrolment in rows if enrolment is not None]
        for enrolment in enrolments:
            check_templates(enrolment.worker.worker_id, enrolment.templates or ())
        if enrolments:
            self._leave_room_for_events()
        with self._connections.write() as db:
            self._write_enrolments(db, enrolments)
            settled = db.execute(
                "UPDATE import_jobs SET last_row = max(last_row, ?), changed_at = ? WHERE job_id = ?",
                [max(row.row for row, _ in rows), self._clock.now().isoformat(), job_id],
            ).rowcount
            if not settled:
                raise _unknown(job_id)
            for row, _ in rows:
                db.execute(
                    "INSERT OR REPLACE INTO import_rows VALUES (?, ?, ?, ?, ?, ?)",
                    [job_id, row.row, row.worker_id, row.result, row.reason, row.next_step],
                )

    def end_import(self, job_id: str, state: ImportState) -> None:
        """Note that every row is settled, or that somebody stopped it."""
        with self._connections.write() as db:
            db.execute(
                "UPDATE import_jobs SET state = ?, changed_at = ? WHERE job_id = ?",
                [state, self._clock.now().isoformat(), job_id],
            )

    def forget_import(self, job_id: str) -> None:
        """Delete an import with its report; the workers stay. One that is gone already is no error."""
        with self._connections.write() as db:
            db.execute("DELETE FROM import_jobs WHERE job_id = ?", [job_id])

    def import_job(self, job_id: str) -> ImportJob:
        """Raises UnknownImport."""
        with self._connections.read() as db:
            return _job(db, job_id)

    def import_jobs(self) -> list[ImportJob]:
        """The imports that are kept, newest first."""
        with self._connections.read() as db:
            ids = db.execute("SELECT job_id FROM import_jobs ORDER BY rowid DESC").fetchall()
            return [_job(db, job_id) for (job_id,) in ids]

    def import_report(
        self, job_id: str, *, limit: int = 100, after: int = 0, remarks_only: bool = False
    ) -> list[ImportedRow]:
        """Rows behind row `after`, in the order of the file; `remarks_only`: those with something to say."""
        with self._connections.read() as db:
            rows = db.execute(
                "SELECT row, worker_id, result, reason, next_step FROM import_rows "
                "WHERE job_id = ? AND row > ? AND (reason != '' OR NOT ?) ORDER BY row LIMIT ?",
                [job_id, after, remarks_only, limit],
            ).fetchall()
        return [ImportedRow(*row) for row in rows]

    def whole_import_report(self, job_id: str) -> Iterator[ImportedRow]:
        """Every row, read a page at a time."""
        after = 0
        while page := self.import_report(job_id, limit=_PAGE, after=after):
            yield from page
            after = page[-1].row


def _job(db: Database, job_id: str) -> ImportJob:
    row: dict[str, Any] | None = next(
        iter(db.query("SELECT * FROM import_jobs WHERE job_id = ?", [job_id])), None
    )
    if row is None:
        raise _unknown(job_id)
    counts = db.execute(
        "SELECT result, count(*) FROM import_rows WHERE job_id = ? GROUP BY result", [job_id]
    ).fetchall()
    row["state"] = ImportState(row["state"])
    for name in ("started_at", "changed_at"):
        row[name] = datetime.fromisoformat(row[name])
    return ImportJob(**row, counts=dict(counts))


def _unknown(job_id: str) -> UnknownImport:
    return UnknownImport(f"no import {job_id} is kept", next_step="Import the file again.")
