"""Declarations as the console and the phone pages see them: who declared today, who has not yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from sync.central import audit, tables
from sync.central.accounts_access import Right, Viewer, no_such
from sync.central.audit import Action
from sync.central.database import Database
from sync.central.declarations import Declared, one, site_zone, versions
from sync.central.tables_declarations import declarations
from sync.central.tables_phone import visitors
from sync.records import WorkerStatus

PAGE_ROWS = 100


@dataclass(frozen=True, slots=True)
class TeamCount:
    """One team of one employer on one day."""

    employer: str
    team: str
    expected: int
    declared: int

    @property
    def missing(self) -> int:
        return self.expected - self.declared


@dataclass(frozen=True, slots=True)
class DayOverview:
    """A site on one day. `marks`: how many declarations somebody should look at, by mark."""

    site_id: str
    day: date
    teams: tuple[TeamCount, ...]
    visitors: int
    marks: tuple[tuple[str, int], ...]

    @property
    def expected(self) -> int:
        return sum(one.expected for one in self.teams)

    @property
    def declared(self) -> int:
        return sum(one.declared for one in self.teams)

    @property
    def missing(self) -> int:
        return self.expected - self.declared


@dataclass(frozen=True, slots=True)
class PersonDay:
    """One person of a site on one day; without `declared_at` nothing was declared. In the site's time."""

    worker_id: str
    name: str
    team: str
    employer: str
    phone: str
    declared_at: datetime | None = None
    declaration_id: str = ""
    marks: tuple[str, ...] = ()
    is_visitor: bool = False


@dataclass(frozen=True, slots=True)
class DeclarationFacts:
    """All versions of one person's day, the newest first."""

    name: str
    zone: ZoneInfo
    versions: tuple[Declared, ...]


class DeclarationDesk:
    """Looking at declarations; every look leaves a line."""

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def today(self, site_id: str) -> date:
        """The day at the site. Raises UnknownSite."""
        with self._database.read() as connection:
            return self._now().astimezone(site_zone(connection, site_id)).date()

    def overview(self, viewer: Viewer, site_id: str, day: date) -> DayOverview:
        """Counts only. Raises NotAllowed, NotFound."""
        self._check(viewer, site_id)
        workers = tables.workers.c
        with self._database.read() as connection:
            zone = site_zone(connection, site_id)
            counts = (
                people_of_day(site_id, day, zone)
                .with_only_columns(
                    workers.employer,
                    workers.team,
                    func.count(),
                    func.count(declarations.c.declaration_id),
                )
                .group_by(workers.employer, workers.team)
                .order_by(workers.employer, workers.team)
            )
            teams = tuple(TeamCount(*row) for row in connection.execute(counts))
            marked = (
                select(declarations.c.marks, func.count())
                .where(_current(day), _of_site(site_id), declarations.c.marks != "")
                .group_by(declarations.c.marks)
            )
            marks: dict[str, int] = {}
            for text, count in connection.execute(marked):
                for mark in text.split():
                    marks[mark] = marks.get(mark, 0) + count
            guests = connection.scalar(
                select(func.count())
                .select_from(declarations)
                .where(
                    _current(day),
                    declarations.c.site_id == site_id,
                    declarations.c.visitor_id.is_not(None),
                )
            )
        return DayOverview(site_id, day, teams, guests or 0, tuple(sorted(marks.items())))

    def missing(
        self,
        viewer: Viewer,
        site_id: str,
        day: date,
        *,
        team: str | None = None,
        after: str = "",
        rows: int = PAGE_ROWS,
    ) -> list[PersonDay]:
        """Who has not declared, in order of their numbers, after the number `after`; of one team, or all."""
        self._check(viewer, site_id)
        self._note(viewer, Action.LOOKED_AT_DECLARATIONS, site_id, day, shown="missing", team=team or "")
        with self._database.read() as connection:
            zone = site_zone(connection, site_id)
            query = people_of_day(site_id, day, zone).where(
                declarations.c.declaration_id.is_(None), tables.workers.c.worker_id > after
            )
            if team is not None:
                query = query.where(tables.workers.c.team == team)
            found = connection.execute(query.order_by(tables.workers.c.worker_id).limit(rows))
            return [_person_day(row, zone) for row in found]

    def marked(self, viewer: Viewer, site_id: str, day: date) -> list[PersonDay]:
        """Whose declaration somebody should look at, visitors included."""
        self._check(viewer, site_id)
        self._note(viewer, Action.LOOKED_AT_DECLARATIONS, site_id, day, shown="marked")
        with self._database.read() as connection:
            zone = site_zone(connection, site_id)
            workers = people_of_day(site_id, day, zone).where(declarations.c.marks != "")
            guests = _guests(site_id, day).where(declarations.c.marks != "")
            found = [_person_day(row, zone) for row in connection.execute(workers)]
            return found + [_guest_day(row, zone) for row in connection.execute(guests)]

    def facts(self, viewer: Viewer, site_id: str, declaration_id: str) -> DeclarationFacts:
        """One person's day with every version. Raises NotFound."""
        self._check(viewer, site_id)
        with self._database.read() as connection:
            zone = site_zone(connection, site_id)
            found = one(connection, declaration_id)
            if found is None or not self._concerns(viewer, found, site_id):
                raise no_such("declaration", declaration_id)
            all_versions = versions(connection, found.declarer, found.local_day)
            if found.declarer.worker_id is not None:
                names = select(tables.workers.c.name).where(
                    tables.workers.c.worker_id == found.declarer.worker_id
                )
            else:
                names = select(visitors.c.name).where(visitors.c.visitor_id == found.declarer.visitor_id)
            name = connection.scalar(names) or ""
        subject = f"worker:{found.declarer.worker_id}" if found.declarer.worker_id else "visitor"
        audit.note_look(
            self._database,
            viewer,
            Action.LOOKED_AT_DECLARATION,
            at=self._now(),
            site_id=site_id,
            subject=subject,
            detail={"day": found.local_day.isoformat()},
        )
        return DeclarationFacts(name, zone, tuple(all_versions))

    def export(self, viewer: Viewer, site_id: str, day: date) -> Iterator[PersonDay]:
        """Everybody of the site and every visitor of that day, those who are missing first."""
        self._check(viewer, site_id)
        self._note(viewer, Action.EXPORTED_DECLARATIONS, site_id, day)
        return self._all(site_id, day)

    def _all(self, site_id: str, day: date) -> Iterator[PersonDay]:
        workers = tables.workers.c
        with self._database.read() as connection:
            zone = site_zone(connection, site_id)
            query = people_of_day(site_id, day, zone).order_by(
                declarations.c.declaration_id.is_not(None), workers.employer, workers.team, workers.worker_id
            )
            for row in connection.execution_options(yield_per=500).execute(query):
                yield _person_day(row, zone)
            for row in connection.execute(_guests(site_id, day)):
                yield _guest_day(row, zone)

    def _concerns(self, viewer: Viewer, found: Declared, site_id: str) -> bool:
        """Declared here, or by somebody who works here."""
        if found.site_id == site_id:
            return True
        link = tables.worker_sites.c
        query = select(link.worker_id).where(
            link.site_id == site_id, link.worker_id == found.declarer.worker_id
        )
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def _check(self, viewer: Viewer, site_id: str) -> None:
        viewer.require(Right.READ_DECLARATIONS)
        viewer.require_site(site_id)

    def _note(self, viewer: Viewer, action: Action, site_id: str, day: date, **detail: str) -> None:
        audit.note_look(
            self._database,
            viewer,
            action,
            at=self._now(),
            site_id=site_id,
            detail={"day": day.isoformat(), **{name: value for name, value in detail.items() if value}},
        )


def _current(day: date) -> ColumnElement[bool]:
    return and_(declarations.c.local_day == day, declarations.c.superseded_by.is_(None))


def _of_site(site_id: str) -> ColumnElement[bool]:
    """Declared at the site, or by one of its workers elsewhere."""
    link = tables.worker_sites.c
    own = select(link.worker_id).where(link.site_id == site_id)
    return or_(declarations.c.site_id == site_id, declarations.c.worker_id.in_(own))


def people_of_day(site_id: str, day: date, zone: ZoneInfo) -> Select[Any]:
    """Workers who may enter the site on that day, with the declaration that counts if there is one."""
    return people_of_sites([site_id], day, zone)


def people_of_sites(site_ids: Sequence[str], day: date, zone: ZoneInfo) -> Select[Any]:
    """The same for several sites of one time zone: somebody who works at two is there twice."""
    workers, link = tables.workers, tables.worker_sites
    begin = datetime.combine(day, time.min, zone)
    end = datetime.combine(day + timedelta(days=1), time.min, zone)
    return (
        select(
            workers.c.worker_id,
            workers.c.name,
            workers.c.team,
            workers.c.employer,
            workers.c.phone,
            declarations.c.declaration_id,
            declarations.c.declared_at,
            declarations.c.marks,
        )
        .join_from(link, workers, link.c.worker_id == workers.c.worker_id)
        .outerjoin(declarations, and_(declarations.c.worker_id == workers.c.worker_id, _current(day)))
        .where(
            link.c.site_id.in_(site_ids),
            workers.c.status == WorkerStatus.ACTIVE.value,
            or_(workers.c.grant_from.is_(None), workers.c.grant_from < end),
            or_(workers.c.grant_until.is_(None), workers.c.grant_until > begin),
        )
    )


def _guests(site_id: str, day: date) -> Select[Any]:
    return (
        select(
            visitors.c.name,
            visitors.c.phone,
            declarations.c.declaration_id,
            declarations.c.declared_at,
            declarations.c.marks,
        )
        .join(visitors, visitors.c.visitor_id == declarations.c.visitor_id)
        .where(_current(day), declarations.c.site_id == site_id)
        .order_by(declarations.c.declared_at)
    )


def _person_day(row: Any, zone: ZoneInfo) -> PersonDay:
    return PersonDay(
        row.worker_id,
        row.name,
        row.team,
        row.employer,
        row.phone,
        row.declared_at.astimezone(zone) if row.declared_at else None,
        row.declaration_id or "",
        tuple((row.marks or "").split()),
    )


def _guest_day(row: Any, zone: ZoneInfo) -> PersonDay:
    return PersonDay(
        "",
        row.name,
        "",
        "",
        row.phone,
        row.declared_at.astimezone(zone),
        row.declaration_id,
        tuple(row.marks.split()),
        is_visitor=True,
    )
