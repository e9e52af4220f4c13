"""Attendance from the database: the events of some days, the managers' corrections, and what they pair to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, exists, insert, select, update

from sync.central import attendance, audit, tables
from sync.central.accounts_access import Right, Viewer, in_scope, no_such
from sync.central.attendance import Correction, CorrectionKind, Day, Mark
from sync.central.audit import Action
from sync.central.database import Database
from sync.central.errors import SettingRefused
from sync.records import Direction, Outcome, Passage

DAYS_MAX = 62
"""Two long months: more is asked for month by month."""


@dataclass(frozen=True, slots=True)
class WorkerDays:
    """One worker's days of the span, in order; a day without a passage is not among them."""

    worker_id: str
    name: str
    team: str
    employer: str
    days: tuple[Day, ...]

    @property
    def worked(self) -> timedelta:
        return sum((day.worked for day in self.days), timedelta())

    @property
    def open_issues(self) -> int:
        """Days that somebody should look at."""
        return sum(bool(day.issues) for day in self.days)


@dataclass(frozen=True, slots=True)
class DayRecords:
    """What a manager decides by: the device's records of one worker, and the corrections beside."""

    worker: WorkerDays
    marks: tuple[Mark, ...]
    corrections: tuple[Correction, ...]


class AttendanceLog:
    """Days and hours of one site. Device records are only read here; corrections are rows of their own."""

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def days(
        self, viewer: Viewer, site_id: str, first: date, last: date, *, team: str = ""
    ) -> list[WorkerDays]:
        """Everybody who passed on these days, by number of worker. Raises NotFound, SettingRefused."""
        return self._days(viewer, Action.LOOKED_AT_ATTENDANCE, site_id, first, last, team=team)

    def export(
        self, viewer: Viewer, site_id: str, first: date, last: date, *, team: str = ""
    ) -> list[WorkerDays]:
        """The same for a file; the audit line says so."""
        return self._days(viewer, Action.EXPORTED_ATTENDANCE, site_id, first, last, team=team)

    def worker(self, viewer: Viewer, site_id: str, worker_id: str, first: date, last: date) -> DayRecords:
        """One worker's records and corrections of the span. Raises NotFound, SettingRefused."""
        zone = self._check(viewer, site_id, first, last)
        self._note(viewer, Action.LOOKED_AT_ATTENDANCE, site_id, first, last, worker_id=worker_id)
        marks, corrections, people = self._read(site_id, first, last, zone, worker_id=worker_id)
        found = self._paired(marks, corrections, people, zone, first, last)
        begin, end = attendance.span_of_days(first, last, zone)
        return DayRecords(
            found[0] if found else WorkerDays(worker_id, *people.get(worker_id, ("", "", "")), ()),
            tuple(mark for mark in sorted(marks, key=lambda one: one.at) if begin <= mark.at < end),
            tuple(corrections),
        )

    def days_of(self, viewer: Viewer, site_id: str, worker_id: str, first: date, last: date) -> WorkerDays:
        """One worker's days, for a page that writes its own audit line. Raises NotFound, SettingRefused."""
        zone = self._check(viewer, site_id, first, last)
        marks, corrections, people = self._read(site_id, first, last, zone, worker_id=worker_id)
        found = self._paired(marks, corrections, people, zone, first, last)
        return found[0] if found else WorkerDays(worker_id, "", "", "", ())

    def zone(self, viewer: Viewer, site_id: str) -> ZoneInfo:
        """The site's zone. Raises NotFound."""
        viewer.require_site(site_id)
        with self._database.read() as connection:
            name = connection.scalar(select(tables.sites.c.timezone).where(tables.sites.c.site_id == site_id))
        if name is None:
            raise no_such("site", site_id)
        return ZoneInfo(name)

    def add(
        self, viewer: Viewer, site_id: str, worker_id: str, *, at: datetime, direction: Direction, reason: str
    ) -> str:
        """A passage that nobody recorded; returns the correction's id.

        Raises NotAllowed, NotFound, and SettingRefused without a reason or for a time to come.
        """
        viewer.require(Right.CORRECT_ATTENDANCE)
        zone = self.zone(viewer, site_id)
        if at > self._now():
            raise SettingRefused("this time is still to come", next_step="give the time of the passage")
        made = self._correction(
            viewer, site_id, worker_id, CorrectionKind.ADD, reason, at=at, direction=direction
        )
        with self._database.write() as connection:
            self._require_worker(connection, site_id, worker_id)
            self._insert(connection, viewer, made, at.astimezone(zone).date())
        return made.correction_id

    def cancel(self, viewer: Viewer, event_id: str, *, reason: str) -> str:
        """A device record that shall not count; it stays in the access log. Returns the correction's id.

        Raises NotAllowed, NotFound, SettingRefused.
        """
        viewer.require(Right.CORRECT_ATTENDANCE)
        events = tables.events
        with self._database.write() as connection:
            row = connection.execute(
                select(events.c.site_id, events.c.worker_id, events.c.local_day).where(
                    events.c.event_id == event_id,
                    events.c.worker_id.is_not(None),
                    in_scope(viewer, events.c.site_id),
                )
            ).first()
            if row is None:
                raise no_such("event of a worker", event_id)
            made = self._correction(
                viewer, row.site_id, row.worker_id, CorrectionKind.CANCEL, reason, event_id=event_id
            )
            self._insert(connection, viewer, made, row.local_day)
        return made.correction_id

    def withdraw(self, viewer: Viewer, correction_id: str) -> None:
        """Take a correction back; it stays readable with who and when. Raises NotAllowed, NotFound."""
        viewer.require(Right.CORRECT_ATTENDANCE)
        table = tables.attendance_corrections
        with self._database.write() as connection:
            row = connection.execute(
                update(table)
                .where(
                    table.c.correction_id == correction_id,
                    table.c.withdrawn_at.is_(None),
                    in_scope(viewer, table.c.site_id),
                )
                .values(withdrawn_by=viewer.user_id, withdrawn_at=self._now())
                .returning(table.c.site_id, table.c.worker_id)
            ).first()
            if row is None:
                raise no_such("standing correction", correction_id)
            audit.note_by(
                connection,
                viewer,
                Action.WITHDREW_CORRECTION,
                at=self._now(),
                site_id=row.site_id,
                subject=f"worker:{row.worker_id}",
                detail={"correction": correction_id},
            )

    # -- inside ------------------------------------------------------------------------------------------

    def _days(
        self, viewer: Viewer, action: Action, site_id: str, first: date, last: date, *, team: str
    ) -> list[WorkerDays]:
        zone = self._check(viewer, site_id, first, last)
        self._note(viewer, action, site_id, first, last, team=team)
        marks, corrections, people = self._read(site_id, first, last, zone, team=team)
        return self._paired(marks, corrections, people, zone, first, last)

    def _check(self, viewer: Viewer, site_id: str, first: date, last: date) -> ZoneInfo:
        if not 0 <= (last - first).days < DAYS_MAX:
            raise SettingRefused(
                f"{first} to {last} is no span of 1 to {DAYS_MAX} days", next_step="ask month by month"
            )
        return self.zone(viewer, site_id)

    def _paired(
        self,
        marks: list[Mark],
        corrections: list[Correction],
        people: Mapping[str, tuple[str, str, str]],
        zone: ZoneInfo,
        first: date,
        last: date,
    ) -> list[WorkerDays]:
        found = attendance.days(attendance.corrected(marks, corrections), zone, now=self._now())
        by_worker: defaultdict[str, list[Day]] = defaultdict(list)
        for day in attendance.in_days(found, first, last):
            by_worker[day.worker_id].append(day)
        return [
            WorkerDays(worker_id, *people.get(worker_id, ("", "", "")), tuple(days))
            for worker_id, days in sorted(by_worker.items())
        ]

    def _read(
        self, site_id: str, first: date, last: date, zone: ZoneInfo, *, team: str = "", worker_id: str = ""
    ) -> tuple[list[Mark], list[Correction], dict[str, tuple[str, str, str]]]:
        """Marks, corrections (withdrawn ones too), and name, team and employer of every worker among them."""
        begin, end = attendance.marks_needed(first, last, zone)
        events, notes, workers = tables.events, tables.attendance_corrections, tables.workers
        passages = (
            select(
                events.c.event_id,
                events.c.worker_id,
                events.c.occurred_at,
                events.c.direction,
                events.c.gate_id,
                events.c.clock_trusted,
                events.c.worker_name,
                events.c.team,
                events.c.employer,
            )
            .where(
                events.c.site_id == site_id,
                events.c.occurred_at >= begin,
                events.c.occurred_at < end,
                events.c.worker_id.is_not(None),
                events.c.outcome == Outcome.ALLOW.value,
                events.c.passage != Passage.NOT_PASSED.value,
            )
            .order_by(events.c.occurred_at)
        )
        spare = timedelta(days=1)  # local days are compared, so the shift's margin is a whole day
        written = (
            select(notes, workers.c.name, workers.c.team, workers.c.employer)
            .join_from(notes, workers, workers.c.worker_id == notes.c.worker_id, isouter=True)
            .where(notes.c.site_id == site_id, notes.c.local_day.between(first - spare, last + spare))
            .order_by(notes.c.made_at)
        )
        if team:
            passages = passages.where(events.c.team == team)
            written = written.where(workers.c.team == team)
        if worker_id:
            passages = passages.where(events.c.worker_id == worker_id)
            written = written.where(notes.c.worker_id == worker_id)
        people: dict[str, tuple[str, str, str]] = {}
        with self._database.read() as connection:
            corrections = []
            for row in connection.execute(written):
                corrections.append(_correction(row))
                people[row.worker_id] = (row.name or "", row.team or "", row.employer or "")
            marks = []
            for row in connection.execute(passages):
                marks.append(
                    Mark(
                        row.event_id,
                        row.worker_id,
                        row.occurred_at,
                        Direction(row.direction),
                        row.gate_id,
                        row.clock_trusted,
                    )
                )
                people[row.worker_id] = (row.worker_name, row.team, row.employer)
        return marks, corrections, people

    def _require_worker(self, connection: Connection, site_id: str, worker_id: str) -> None:
        """Registered for the site, or seen there."""
        link, events = tables.worker_sites, tables.events
        registered = exists().where(link.c.worker_id == worker_id, link.c.site_id == site_id)
        seen = exists().where(events.c.worker_id == worker_id, events.c.site_id == site_id)
        if not connection.scalar(select(registered | seen)):
            raise no_such("worker", worker_id)

    def _correction(
        self,
        viewer: Viewer,
        site_id: str,
        worker_id: str,
        kind: CorrectionKind,
        reason: str,
        *,
        at: datetime | None = None,
        direction: Direction | None = None,
        event_id: str = "",
    ) -> Correction:
        try:
            return Correction(
                correction_id=uuid4().hex,
                site_id=site_id,
                worker_id=worker_id,
                kind=kind,
                made_by=viewer.user_id,
                made_at=self._now(),
                reason=reason.strip(),
                at=at,
                direction=direction,
                event_id=event_id,
            )
        except ValueError as error:
            raise SettingRefused(str(error), next_step="fill in what is missing") from error

    def _insert(self, connection: Connection, viewer: Viewer, made: Correction, day: date) -> None:
        connection.execute(
            insert(tables.attendance_corrections).values(
                correction_id=made.correction_id,
                site_id=made.site_id,
                worker_id=made.worker_id,
                local_day=day,
                kind=made.kind.value,
                direction=made.direction.value if made.direction else None,
                occurred_at=made.at,
                event_id=made.event_id or None,
                reason=made.reason,
                made_by=made.made_by,
                made_at=made.made_at,
            )
        )
        audit.note_by(
            connection,
            viewer,
            Action.CORRECTED_ATTENDANCE,
            at=made.made_at,
            site_id=made.site_id,
            subject=f"worker:{made.worker_id}",
            detail={"correction": made.correction_id, "kind": made.kind.value, "reason": made.reason},
        )

    def _note(
        self, viewer: Viewer, action: Action, site_id: str, first: date, last: date, **more: str
    ) -> None:
        worker_id = more.pop("worker_id", "")
        audit.note_look(
            self._database,
            viewer,
            action,
            at=self._now(),
            site_id=site_id,
            subject=f"worker:{worker_id}" if worker_id else "",
            detail={"first": first.isoformat(), "last": last.isoformat(), **more},
        )


def _correction(row: Row[tuple[object, ...]]) -> Correction:
    return Correction(
        correction_id=row.correction_id,
        site_id=row.site_id,
        worker_id=row.worker_id,
        kind=CorrectionKind(row.kind),
        made_by=row.made_by,
        made_at=row.made_at,
        reason=row.reason,
        at=row.occurred_at,
        direction=Direction(row.direction) if row.direction else None,
        event_id=row.event_id or "",
        withdrawn_by=row.withdrawn_by or "",
    )
