"""The community grid: each site has a named officer, who visits it and follows up.

Functions take an open connection and are part of its transaction; `GridDesk` reads, with an audit line each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, and_, func, insert, select, update

from sync.central import audit, tables
from sync.central.accounts_access import Right, Viewer, in_scope, no_such
from sync.central.audit import Action
from sync.central.database import Database
from sync.central.declarations import site_zone
from sync.central.inspection_desk import InspectionCounts, inspection_counts
from sync.central.site_registry import SitePlace, hold_site
from sync.central.tables_grid import grid_officers, grid_visits
from sync.central.typed_fields import TypedFields
from sync.clearance_rules.standing import day_of

VISITS_SHOWN = 200
FOLLOW_UP_WITHIN_D = 365
_NOTE_MAX = 1000


class Purpose(StrEnum):
    """Why somebody visits a site."""

    ROUTINE = "routine"
    FOLLOW_UP = "follow_up"
    COMPLAINT = "complaint"
    SUPPORT = "support"


@dataclass(frozen=True, slots=True)
class OfficerData:
    """What is known of an officer; `grid`: name of the part of the community."""

    name: str
    phone: str
    grid: str


@dataclass(frozen=True, slots=True)
class Officer:
    """A line of a site's history; `until` None: at present. The phone of a former one is not kept."""

    officer_id: str
    data: OfficerData
    since: datetime
    named_by: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class VisitData:
    """What is told of a visit. `follow_up_on`: the last day for it, at the site; None: nothing to do."""

    purpose: Purpose
    notes: str
    follow_up_on: date | None


@dataclass(frozen=True, slots=True)
class Visit:
    """`officer`: who held the office then; `recorded_by`: the account that wrote it down."""

    visit_id: str
    data: VisitData
    visited_at: datetime
    officer: str
    recorded_by: str
    settled_at: datetime | None
    settled_by: str
    settled_note: str
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class SiteGrid:
    """One site of the list. `follow_ups` that are not settled, `late` of them past their day."""

    site_id: str
    site_name: str
    zone: ZoneInfo
    place: SitePlace
    officer: Officer | None
    last_visit_at: datetime | None
    follow_ups: int
    late: int
    counts: InspectionCounts


@dataclass(frozen=True, slots=True)
class SiteGridFacts:
    """One site with its officers and visits, the newest first."""

    row: SiteGrid
    officers: tuple[Officer, ...]
    visits: tuple[Visit, ...]


def read_officer(typed: Mapping[str, str]) -> OfficerData:
    """Raises FieldsRefused."""
    fields = TypedFields(typed)
    data = OfficerData(fields.line("name"), fields.phone("phone"), fields.line("grid", required=False))
    fields.finish()
    return data


def read_visit(typed: Mapping[str, str], today: date) -> VisitData:
    """Raises FieldsRefused. `today` at the site."""
    fields = TypedFields(typed)
    purpose = fields.choice("purpose", frozenset(Purpose))
    notes = fields.text("notes", required=True, longest=_NOTE_MAX)
    follow_up_on = None
    if typed.get("follow_up_on", "").strip():
        follow_up_on = fields.day("follow_up_on", today, today + timedelta(days=FOLLOW_UP_WITHIN_D))
    fields.finish()
    return VisitData(Purpose(purpose), notes, follow_up_on)


def name_officer(
    connection: Connection, viewer: Viewer, site_id: str, data: OfficerData, *, now: datetime
) -> str:
    """Name the officer of a site in place of the present one; returns the officer's id.

    The same person again only corrects phone and grid. Raises NotAllowed, NotFound.
    """
    _hold_site(connection, viewer, site_id)
    present = _present(connection, site_id)
    if present is not None and present.data.name == data.name:
        connection.execute(
            update(grid_officers)
            .where(grid_officers.c.officer_id == present.officer_id)
            .values(phone=data.phone, grid=data.grid)
        )
        officer_id = present.officer_id
    else:
        _end(connection, site_id, viewer, now)
        officer_id = uuid4().hex
        connection.execute(
            insert(grid_officers).values(
                officer_id=officer_id,
                site_id=site_id,
                grid=data.grid,
                name=data.name,
                phone=data.phone,
                since=now,
                named_by=viewer.user_id,
            )
        )
    _note(connection, viewer, Action.NAMED_OFFICER, site_id, now, officer=officer_id)
    return officer_id


def end_officer(connection: Connection, viewer: Viewer, site_id: str, *, now: datetime) -> None:
    """The site has no officer any more. Raises NotAllowed, NotFound."""
    _hold_site(connection, viewer, site_id)
    present = _present(connection, site_id)
    if present is None:
        raise no_such("officer", f"of the site {site_id}")
    _end(connection, site_id, viewer, now)
    _note(connection, viewer, Action.ENDED_OFFICER, site_id, now, officer=present.officer_id)


def record_visit(
    connection: Connection, viewer: Viewer, site_id: str, data: VisitData, *, now: datetime
) -> str:
    """Somebody was at the site; returns the visit's id. Raises NotAllowed, NotFound."""
    _hold_site(connection, viewer, site_id)
    present = _present(connection, site_id)
    visit_id = uuid4().hex
    connection.execute(
        insert(grid_visits).values(
            visit_id=visit_id,
            site_id=site_id,
            officer_id=present.officer_id if present is not None else None,
            visited_at=now,
            recorded_by=viewer.user_id,
            purpose=data.purpose.value,
            notes=data.notes,
            follow_up_on=data.follow_up_on,
        )
    )
    _note(connection, viewer, Action.RECORDED_VISIT, site_id, now, visit=visit_id)
    return visit_id


def settle(connection: Connection, viewer: Viewer, visit_id: str, note: str, *, now: datetime) -> None:
    """The follow-up of a visit is done; done already, it changes nothing. Raises NotAllowed, NotFound."""
    viewer.require(Right.MANAGE_GRID)
    visit = grid_visits.c
    query = select(visit.site_id, visit.settled_at).where(
        visit.visit_id == visit_id, visit.follow_up_on.is_not(None), in_scope(viewer, visit.site_id)
    )
    row = connection.execute(query.with_for_update()).first()
    if row is None:
        raise no_such("follow-up", visit_id)
    if row.settled_at is not None:
        return
    fields = TypedFields({"note": note})
    said = fields.text("note", longest=_NOTE_MAX)
    fields.finish()
    done = {"settled_at": now, "settled_by": viewer.user_id, "settled_note": said}
    connection.execute(update(grid_visits).where(visit.visit_id == visit_id).values(done))
    _note(connection, viewer, Action.SETTLED_VISIT, row.site_id, now, visit=visit_id)


def site_rows(connection: Connection, viewer: Viewer, now: datetime) -> list[SiteGrid]:
    """The viewer's sites in no order, for figures; the caller notes the look."""
    site, visit = tables.sites.c, grid_visits.c
    seen = in_scope(viewer, visit.site_id)
    newest = func.max(visit.visited_at, type_=visit.visited_at.type)
    by_site = select(visit.site_id, newest.label("at")).where(seen).group_by(visit.site_id)
    last = {row.site_id: row.at for row in connection.execute(by_site)}
    not_settled = and_(visit.follow_up_on.is_not(None), visit.settled_at.is_(None))
    owed: dict[str, list[date]] = {}
    for site_id, day in connection.execute(
        select(visit.site_id, visit.follow_up_on).where(seen, not_settled)
    ):
        owed.setdefault(site_id, []).append(day)
    officers = {
        row.site_id: _officer(row)
        for row in connection.execute(
            select(grid_officers).where(
                grid_officers.c.until.is_(None), in_scope(viewer, grid_officers.c.site_id)
            )
        )
    }
    counts = inspection_counts(connection, viewer, now=now)
    rows = connection.execute(select(tables.sites).where(in_scope(viewer, site.site_id))).all()
    found = []
    for row in rows:
        zone, days = ZoneInfo(row.timezone), owed.get(row.site_id, [])
        found.append(
            SiteGrid(
                row.site_id,
                row.name,
                zone,
                SitePlace(row.district, row.sub_district),
                officers.get(row.site_id),
                last.get(row.site_id),
                len(days),
                sum(day < day_of(now, zone) for day in days),
                counts.get(row.site_id, InspectionCounts()),
            )
        )
    return found


class GridDesk:
    """The grid as console and phone show it, and what the console changes."""

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def sites(self, viewer: Viewer, *, export: bool = False) -> list[SiteGrid]:
        """The viewer's sites, by district and sub-district. Raises NotAllowed."""
        viewer.require(Right.INSPECT)
        action = Action.EXPORTED_GRID if export else Action.LOOKED_AT_GRID
        audit.note_look(self._database, viewer, action, at=self._now())
        with self._database.read() as connection:
            found = site_rows(connection, viewer, self._now())
        return sorted(found, key=lambda one: (one.place.district, one.place.sub_district, one.site_id))

    def site(self, viewer: Viewer, site_id: str) -> SiteGridFacts:
        """Raises NotAllowed, NotFound."""
        viewer.require(Right.INSPECT)
        viewer.require_site(site_id)
        now = self._now()
        audit.note_look(self._database, viewer, Action.LOOKED_AT_GRID, at=now, site_id=site_id[:64])
        with self._database.read() as connection:
            rows = site_rows(connection, replace(viewer, site_ids=frozenset({site_id})), now)
            if not rows:
                raise no_such("site", site_id)
            row = rows[0]
            return SiteGridFacts(
                row, _officers(connection, site_id), _visits(connection, site_id, row.zone, now)
            )

    def name_officer(self, viewer: Viewer, site_id: str, typed: Mapping[str, str]) -> None:
        """Raises FieldsRefused, and as the function does."""
        data = read_officer(typed)
        with self._database.write() as connection:
            name_officer(connection, viewer, site_id, data, now=self._now())

    def end_officer(self, viewer: Viewer, site_id: str) -> None:
        """See the function."""
        with self._database.write() as connection:
            end_officer(connection, viewer, site_id, now=self._now())

    def record_visit(self, viewer: Viewer, site_id: str, typed: Mapping[str, str]) -> None:
        """Raises FieldsRefused, and as the function does."""
        viewer.require_site(site_id)
        with self._database.write() as connection:
            now = self._now()
            data = read_visit(typed, day_of(now, site_zone(connection, site_id)))
            record_visit(connection, viewer, site_id, data, now=now)

    def settle(self, viewer: Viewer, visit_id: str, note: str) -> None:
        """See the function."""
        with self._database.write() as connection:
            settle(connection, viewer, visit_id, note, now=self._now())


# -- inside ----------------------------------------------------------------------------------------------


def _hold_site(connection: Connection, viewer: Viewer, site_id: str) -> None:
    """Two who name an officer at the same moment wait for each other here."""
    viewer.require(Right.MANAGE_GRID)
    viewer.require_site(site_id)
    if not hold_site(connection, site_id):
        raise no_such("site", site_id)


def _present(connection: Connection, site_id: str) -> Officer | None:
    return next((one for one in _officers(connection, site_id) if one.until is None), None)


def _end(connection: Connection, site_id: str, viewer: Viewer, now: datetime) -> None:
    connection.execute(
        update(grid_officers)
        .where(grid_officers.c.site_id == site_id, grid_officers.c.until.is_(None))
        .values(until=now, ended_by=viewer.user_id, phone="")
    )


def _officers(connection: Connection, site_id: str) -> tuple[Officer, ...]:
    query = (
        select(grid_officers)
        .where(grid_officers.c.site_id == site_id)
        .order_by(grid_officers.c.since.desc(), grid_officers.c.officer_id)
    )
    return tuple(_officer(row) for row in connection.execute(query))


def _officer(row: Any) -> Officer:
    data = OfficerData(row.name, row.phone, row.grid)
    return Officer(row.officer_id, data, row.since, row.named_by, row.until)


def _visits(connection: Connection, site_id: str, zone: ZoneInfo, now: datetime) -> tuple[Visit, ...]:
    query = (
        select(grid_visits, grid_officers.c.name.label("officer_name"))
        .outerjoin(grid_officers, grid_officers.c.officer_id == grid_visits.c.officer_id)
        .where(grid_visits.c.site_id == site_id)
        .order_by(grid_visits.c.visited_at.desc(), grid_visits.c.visit_id)
        .limit(VISITS_SHOWN)
    )
    today = day_of(now, zone)
    return tuple(
        Visit(
            row.visit_id,
            VisitData(Purpose(row.purpose), row.notes, row.follow_up_on),
            row.visited_at,
            row.officer_name or "",
            row.recorded_by,
            row.settled_at,
            row.settled_by,
            row.settled_note,
            row.follow_up_on is not None and row.settled_at is None and row.follow_up_on < today,
        )
        for row in connection.execute(query)
    )


def _note(
    connection: Connection, viewer: Viewer, action: Action, site_id: str, now: datetime, **detail: str
) -> None:
    audit.note_by(
        connection, viewer, action, at=now, site_id=site_id, subject=f"site:{site_id}", detail=detail
    )
