"""Imports of lists that the console started: one at a time, in a thread, with progress, to be given up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sync.central.accounts_access import Right, Viewer
from sync.central.errors import AlreadyThere, CentralError
from sync.central.list_desk import ListDesk
from sync.central.list_import import ListTerms, Report
from sync.errors import SyncError

log = logging.getLogger(__name__)


class JobState(StrEnum):
    """Where a job stands."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class ImportStopped(CentralError):
    """Somebody gave the import up; nothing of it is kept."""


@dataclass(slots=True)
class ListJob:
    """One import, or with `is_check` a look at what it would do. Written by its thread, read by pages.

    number   version of the list that it became, or was already
    problem  why it failed
    """

    terms: ListTerms
    file_name: str
    by: str
    is_check: bool
    state: JobState = JobState.RUNNING
    rows: int = 0
    report: Report | None = None
    number: int = 0
    problem: str = ""
    next_step: str = ""


class ListJobs:
    """The job of this process, the last one for who comes back to the page."""

    def __init__(self, desk: ListDesk, *, now: Callable[[], datetime]) -> None:
        self._desk = desk
        self._now = now
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._job: ListJob | None = None

    def current(self, viewer: Viewer) -> ListJob | None:
        """The job that runs, or the last one. Raises NotAllowed."""
        viewer.require(Right.MANAGE_LISTS)
        return self._job

    def start(self, viewer: Viewer, terms: ListTerms, name: str, raw: bytes, *, is_check: bool) -> ListJob:
        """Begin; what goes wrong later stands in the job. Raises NotAllowed, SettingRefused, AlreadyThere."""
        self._desk.require_all_sites(viewer)
        terms.checked(self._now())
        with self._lock:
            running = self._job
            if running is not None and running.state is JobState.RUNNING:
                raise AlreadyThere(
                    f"{running.by} is importing list {running.terms.list_id}",
                    next_step="wait until that has ended, or stop it",
                )
            self._stopping.clear()
            job = self._job = ListJob(terms, name, viewer.user_id, is_check)
            self._thread = threading.Thread(
                target=self._run, args=(job, viewer, raw), name="list-import", daemon=True
            )
            self._thread.start()
        return job

    def stop(self, viewer: Viewer) -> None:
        """Give the running one up; it ends within a moment. Raises NotAllowed."""
        self._desk.require_all_sites(viewer)
        self._stopping.set()

    def wait(self, timeout_s: float) -> bool:
        """Whether nothing runs any more within that time."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        return self._job is None or self._job.state is not JobState.RUNNING

    def _run(self, job: ListJob, viewer: Viewer, raw: bytes) -> None:
        def on_rows(rows: int) -> None:
            job.rows = rows
            if self._stopping.is_set():
                raise ImportStopped("stopped")

        state = JobState.FAILED
        try:
            if job.is_check:
                job.report = self._desk.preview(viewer, job.file_name, raw, on_rows=on_rows)
            else:
                done = self._desk.import_(viewer, job.terms, job.file_name, raw, on_rows=on_rows)
                job.report, job.number = done.report, done.number
            job.rows = job.report.rows
            state = JobState.DONE
        except ImportStopped:
            state = JobState.STOPPED
        except SyncError as error:
            job.problem, job.next_step = str(error), error.next_step
        except Exception as error:  # whatever it was, the page says that it ended
            log.exception("import of list %s", job.terms.list_id)
            job.problem, job.next_step = type(error).__name__, "the centre's log says more"
        job.state = state
