"""Inspections and findings as console and phone show them: within the viewer's sites, an audit line each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Row, and_, case, func, select

from sync.alerting import Severity
from sync.central import audit, checklists, inspections, tables
from sync.central.access_log import require_plain
from sync.central.accounts_access import Right, Viewer, in_scope, no_such
from sync.central.audit import Action
from sync.central.checklists import Shelf
from sync.central.database import Database
from sync.central.declarations import site_zone
from sync.central.door_checks import clean_jpeg
from sync.central.inspection_rules import InspectionSettings, levels_of, steps_of
from sync.central.tables_grid import finding_photos, finding_steps, findings
from sync.central.tables_grid import inspections as inspection_rows
from sync.clearance_rules.standing import day_of
from sync.inspections import (
    Answer,
    Checklist,
    FindingState,
    InspectorLevel,
    Item,
    Score,
    Step,
    is_overdue,
)

ROWS_MAX = 500
UNSETTLED = (FindingState.OPEN, FindingState.MENDED)
_MOMENT = timedelta(microseconds=1)
"""A deadline is the first moment that is too late; its day is the one before."""


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """What to show; empty means any. `states` empty: what is not settled. `overdue`: only those."""

    site_id: str = ""
    states: tuple[FindingState, ...] = ()
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One line of the list. `due_on`: the last day in time, at the site; `found_note`: what was seen."""

    finding_id: str
    inspection_id: str
    site_id: str
    site_name: str
    zone: ZoneInfo
    checklist: Checklist
    item: Item
    level: InspectorLevel
    severity: Severity
    state: FindingState
    due_on: date
    is_overdue: bool
    found_at: datetime
    found_by: str
    found_note: str
    changed_at: datetime
    photos: int


@dataclass(frozen=True, slots=True)
class StepRow:
    """A line of a finding's history."""

    step: Step
    at: datetime
    by: str
    note: str
    due_on: date | None


@dataclass(frozen=True, slots=True)
class PhotoRow:
    """`state` of the finding when the photo was taken."""

    photo_id: str
    state: FindingState
    taken_at: datetime
    taken_by: str


@dataclass(frozen=True, slots=True)
class FindingFacts:
    """Everything about one finding. `may`: what the viewer can do about it now."""

    row: FindingRow
    steps: tuple[StepRow, ...]
    photos: tuple[PhotoRow, ...]
    may: tuple[Step, ...]
    takes_photos: bool


@dataclass(frozen=True, slots=True)
class InspectionRow:
    """One line of the list. `unsettled`: its findings that are open or wait for an inspector."""

    inspection_id: str
    site_id: str
    site_name: str
    zone: ZoneInfo
    checklist: Checklist
    level: InspectorLevel
    inspected_at: datetime
    inspected_by: str
    score: Score
    unsettled: int


@dataclass(frozen=True, slots=True)
class InspectionFacts:
    """One inspection with its answers; `findings` that it made, saw again or found not mended."""

    row: InspectionRow
    answers: tuple[tuple[Item, Answer | None], ...]
    findings: tuple[FindingRow, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """A checklist that can be gone through at a site. `last_at` at this level; `is_due`: not done in time."""

    checklist: Checklist
    level: InspectorLevel
    last_at: datetime | None
    is_due: bool


class InspectionDesk:
    """Reads, each with its audit line; and what the console changes. The rest is in `inspections`."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime],
        settings: InspectionSettings,
    ) -> None:
        self._database = database
        self._now = now
        self.settings = settings

    def findings(self, viewer: Viewer, wanted: FindingFilter, *, export: bool = False) -> list[FindingRow]:
        """The overdue ones first, then by deadline; at most `ROWS_MAX`. Raises NotAllowed."""
        viewer.require(Right.INSPECT)
        now = self._now()
        action = Action.EXPORTED_FINDINGS if export else Action.LOOKED_AT_FINDINGS
        audit.note_look(self._database, viewer, action, at=now, site_id=wanted.site_id[:64])
        states = [state.value for state in wanted.states or UNSETTLED]
        clause: ColumnElement[bool] = findings.c.state.in_(states)
        if wanted.site_id:
            clause &= findings.c.site_id == wanted.site_id
        if wanted.overdue:
            clause &= is_late(now)
        with self._database.read() as connection:
            return _finding_rows(connection, viewer, clause, now)

    def finding(self, viewer: Viewer, finding_id: str) -> FindingFacts:
        """Raises NotAllowed, NotFound."""
        viewer.require(Right.INSPECT)
        require_plain(finding_id)
        now = self._now()
        self._note(viewer, Action.LOOKED_AT_FINDING, f"finding:{finding_id[:64]}", now)
        with self._database.read() as connection:
            rows = _finding_rows(connection, viewer, findings.c.finding_id == finding_id, now)
            if not rows:
                raise no_such("finding", finding_id)
            return FindingFacts(
                rows[0],
                _step_rows(connection, rows[0]),
                _photo_rows(connection, finding_id),
                steps_of(viewer, rows[0].level, rows[0].state),
                rows[0].state in UNSETTLED and self.settings.photos_kept_days > 0,
            )

    def inspections(
        self, viewer: Viewer, *, site_id: str = "", since: date | None = None, export: bool = False
    ) -> list[InspectionRow]:
        """The newest first, at most `ROWS_MAX`. `since`: a day in UTC. Raises NotAllowed."""
        viewer.require(Right.INSPECT)
        action = Action.EXPORTED_INSPECTIONS if export else Action.LOOKED_AT_INSPECTIONS
        audit.note_look(self._database, viewer, action, at=self._now(), site_id=site_id[:64])
        clause = in_scope(viewer, inspection_rows.c.site_id)
        if site_id:
            clause &= inspection_rows.c.site_id == site_id
        if since is not None:
            clause &= inspection_rows.c.inspected_at >= datetime.combine(
                since, datetime.min.time(), self._now().tzinfo
            )
        with self._database.read() as connection:
            return _inspection_rows(connection, clause)

    def inspection(self, viewer: Viewer, inspection_id: str) -> InspectionFacts:
        """Raises NotAllowed, NotFound."""
        viewer.require(Right.INSPECT)
        require_plain(inspection_id)
        now = self._now()
        self._note(viewer, Action.LOOKED_AT_INSPECTION, f"inspection:{inspection_id[:64]}", now)
        of_this = (
            in_scope(viewer, inspection_rows.c.site_id),
            inspection_rows.c.inspection_id == inspection_id,
        )
        with self._database.read() as connection:
            rows = _inspection_rows(connection, and_(*of_this))
            if not rows:
                raise no_such("inspection", inspection_id)
            kept = connection.scalar(
                select(inspection_rows.c.answers).where(inspection_rows.c.inspection_id == inspection_id)
            )
            mentioned = select(finding_steps.c.finding_id).where(
                finding_steps.c.inspection_id == inspection_id
            )
            found = _finding_rows(connection, viewer, findings.c.finding_id.in_(mentioned), now)
        answers = {item_id: Answer(**one) for item_id, one in (kept or {}).items()}
        asked = rows[0].checklist.items_for(rows[0].level)
        return InspectionFacts(
            rows[0], tuple((item, answers.get(item.item_id)) for item in asked), tuple(found)
        )

    def offers(self, viewer: Viewer, site_id: str) -> list[Offer]:
        """What this account can go through at a site. Raises NotAllowed, NotFound."""
        viewer.require(Right.INSPECT)
        viewer.require_site(site_id)
        now = self._now()
        with self._database.read() as connection:
            zone = site_zone(connection, site_id)
            offered = checklists.offered(connection)
            last = _last_inspected(connection, inspection_rows.c.site_id == site_id)
        return [
            Offer(
                checklist,
                level,
                last.get((site_id, checklist.checklist_id, level)),
                level is InspectorLevel.SELF
                and is_due(checklist, last.get((site_id, checklist.checklist_id, level)), zone, now),
            )
            for checklist in offered.values()
            for level in levels_of(viewer)
            if level in checklist.levels
        ]

    def change(
        self, viewer: Viewer, finding_id: str, step: Step, note: str, *, due_on: date | None = None
    ) -> FindingState:
        """See `inspections.change`."""
        with self._database.write() as connection:
            return inspections.change(
                connection, viewer, finding_id, step, note, due_on=due_on, now=self._now()
            )

    def put_photo(self, viewer: Viewer, finding_id: str, content: bytes) -> str:
        """As a new JPEG without anything but pixels. As `inspections.put_photo`; FieldsRefused: no photo."""
        viewer.require(Right.INSPECT)
        jpeg = clean_jpeg(content, self.settings.photo_max_px)
        with self._database.write() as connection:
            return inspections.put_photo(connection, viewer, finding_id, jpeg, self.settings, now=self._now())

    def photo(self, viewer: Viewer, photo_id: str) -> bytes:
        """See `inspections.photo`."""
        with self._database.write() as connection:
            return inspections.photo(connection, viewer, photo_id, now=self._now())

    def _note(self, viewer: Viewer, action: Action, subject: str, now: datetime) -> None:
        audit.note_look(self._database, viewer, action, at=now, subject=subject)


@dataclass(frozen=True, slots=True)
class InspectionCounts:
    """Figures of one site. Findings: `overdue` are among `open`; `mended` wait for an inspector.

    inspected_today  checklists gone through today at the site, each level counts
    checks_due       checklists that the site itself has to go through today and has not
    """

    open: int = 0
    overdue: int = 0
    severe: int = 0
    mended: int = 0
    inspected_today: int = 0
    checks_due: int = 0


def inspection_counts(
    connection: Connection, viewer: Viewer, *, now: datetime
) -> dict[str, InspectionCounts]:
    """For every site of the viewer. `now` decides what is overdue and which day is today there."""
    is_open = findings.c.state == FindingState.OPEN.value
    by_site = {
        row.site_id: row
        for row in connection.execute(
            select(
                findings.c.site_id,
                _count(is_open).label("open"),
                _count(is_late(now)).label("overdue"),
                _count(is_open & (findings.c.severity == Severity.HIGH.value)).label("severe"),
                _count(findings.c.state == FindingState.MENDED.value).label("mended"),
            )
            .where(
                in_scope(viewer, findings.c.site_id),
                findings.c.state.in_([state.value for state in UNSETTLED]),
            )
            .group_by(findings.c.site_id)
        )
    }
    last = _last_inspected(connection, in_scope(viewer, inspection_rows.c.site_id))
    newest: dict[str, list[datetime]] = {}
    for (site_id, _, _), at in last.items():
        newest.setdefault(site_id, []).append(at)
    routine = [one for one in checklists.offered(connection).values() if one.every_days is not None]
    counts = {}
    for site_id, timezone in connection.execute(
        select(tables.sites.c.site_id, tables.sites.c.timezone).where(
            in_scope(viewer, tables.sites.c.site_id)
        )
    ):
        zone, row = ZoneInfo(timezone), by_site.get(site_id)
        counts[site_id] = InspectionCounts(
            open=row.open if row is not None else 0,
            overdue=row.overdue if row is not None else 0,
            severe=row.severe if row is not None else 0,
            mended=row.mended if row is not None else 0,
            inspected_today=sum(day_of(at, zone) == day_of(now, zone) for at in newest.get(site_id, ())),
            checks_due=sum(
                is_due(one, last.get((site_id, one.checklist_id, InspectorLevel.SELF)), zone, now)
                for one in routine
            ),
        )
    return counts


def is_due(checklist: Checklist, last_at: datetime | None, zone: ZoneInfo, now: datetime) -> bool:
    """Whether the site itself should go through it today."""
    if checklist.every_days is None:
        return False
    return last_at is None or day_of(now, zone) - day_of(last_at, zone) >= timedelta(
        days=checklist.every_days
    )


def is_late(now: datetime) -> ColumnElement[bool]:
    """The clause for what `sync.inspections.is_overdue` says."""
    return (findings.c.state == FindingState.OPEN.value) & (findings.c.deadline <= now)


def _count(clause: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((clause, 1), else_=0))


def _last_inspected(
    connection: Connection, clause: ColumnElement[bool]
) -> dict[tuple[str, str, InspectorLevel], datetime]:
    """By site, checklist and level."""
    row = inspection_rows.c
    query = (
        select(
            row.site_id, row.checklist_id, row.level, func.max(row.inspected_at, type_=row.inspected_at.type)
        )
        .where(clause)
        .group_by(row.site_id, row.checklist_id, row.level)
    )
    return {
        (site_id, checklist_id, InspectorLevel(level)): at
        for site_id, checklist_id, level, at in connection.execute(query)
    }


def _finding_rows(
    connection: Connection, viewer: Viewer, clause: ColumnElement[bool], now: datetime
) -> list[FindingRow]:
    first = (
        select(finding_steps.c.finding_id, finding_steps.c.note, finding_steps.c.by)
        .where(finding_steps.c.step == Step.FOUND.value)
        .subquery()
    )
    photos = (
        select(func.count())
        .where(finding_photos.c.finding_id == findings.c.finding_id)
        .correlate(findings)
        .scalar_subquery()
    )
    inspection, site = inspection_rows.c, tables.sites.c
    query = (
        select(
            findings,
            inspection.checklist_id,
            inspection.checklist_version,
            site.name.label("site_name"),
            site.timezone,
            first.c.note,
            first.c.by,
            photos.label("photos"),
        )
        .join(inspection_rows, inspection.inspection_id == findings.c.inspection_id)
        .join(tables.sites, site.site_id == findings.c.site_id)
        .join(first, first.c.finding_id == findings.c.finding_id)
        .where(clause, in_scope(viewer, findings.c.site_id))
        .order_by(case((is_late(now), 0), else_=1), findings.c.deadline, findings.c.finding_id)
        .limit(ROWS_MAX)
    )
    shelf = Shelf(connection)
    return [_finding_row(row, shelf, now) for row in connection.execute(query).all()]


def _finding_row(row: Row[Any], shelf: Shelf, now: datetime) -> FindingRow:
    checklist = shelf.checklist(row.checklist_id, row.checklist_version)
    item = checklist.item(row.item_id)
    if item is None:
        raise no_such("item", row.item_id)
    zone, state = ZoneInfo(row.timezone), FindingState(row.state)
    return FindingRow(
        row.finding_id,
        row.inspection_id,
        row.site_id,
        row.site_name,
        zone,
        checklist,
        item,
        InspectorLevel(row.level),
        Severity(row.severity),
        state,
        day_of(row.deadline - _MOMENT, zone),
        is_overdue(state, row.deadline, now),
        row.found_at,
        row.by,
        row.note,
        row.changed_at,
        row.photos,
    )


def _step_rows(connection: Connection, finding: FindingRow) -> tuple[StepRow, ...]:
    query = (
        select(finding_steps)
        .where(finding_steps.c.finding_id == finding.finding_id)
        .order_by(finding_steps.c.step_no)
    )
    return tuple(
        StepRow(
            Step(row.step),
            row.at,
            row.by,
            row.note,
            day_of(row.deadline - _MOMENT, finding.zone) if row.deadline is not None else None,
        )
        for row in connection.execute(query)
    )


def _photo_rows(connection: Connection, finding_id: str) -> tuple[PhotoRow, ...]:
    photo = finding_photos.c
    query = (
        select(photo.photo_id, photo.state, photo.taken_at, photo.taken_by)
        .where(photo.finding_id == finding_id)
        .order_by(photo.taken_at, photo.photo_id)
    )
    return tuple(
        PhotoRow(row.photo_id, FindingState(row.state), row.taken_at, row.taken_by)
        for row in connection.execute(query)
    )


def _inspection_rows(connection: Connection, clause: ColumnElement[bool]) -> list[InspectionRow]:
    row, site = inspection_rows.c, tables.sites.c
    unsettled = (
        select(func.count())
        .where(
            findings.c.inspection_id == row.inspection_id,
            findings.c.state.in_([state.value for state in UNSETTLED]),
        )
        .correlate(inspection_rows)
        .scalar_subquery()
    )
    query = (
        select(inspection_rows, site.name.label("site_name"), site.timezone, unsettled.label("unsettled"))
        .join(tables.sites, site.site_id == row.site_id)
        .where(clause)
        .order_by(row.inspected_at.desc(), row.inspection_id)
        .limit(ROWS_MAX)
    )
    shelf = Shelf(connection)
    return [
        InspectionRow(
            one.inspection_id,
            one.site_id,
            one.site_name,
            ZoneInfo(one.timezone),
            shelf.checklist(one.checklist_id, one.checklist_version),
            InspectorLevel(one.level),
            one.inspected_at,
            one.inspected_by,
            Score(one.answered, one.in_order),
            one.unsettled,
        )
        for one in connection.execute(query).all()
    ]
