"""Who is on the site now: the last passage of each worker, where it was an `in` that is not too long ago."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Select, and_, func, literal, select, union_all

from sync.central import audit, tables
from sync.central.accounts_access import Viewer, in_scope
from sync.central.attendance import LONGEST_SHIFT, CorrectionKind
from sync.central.audit import Action
from sync.central.database import Database
from sync.records import Direction, Outcome, Passage

PEOPLE_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Present:
    """One worker who is on the site. `since` is in the zone of the site."""

    worker_id: str
    name: str
    team: str
    site_id: str
    site_name: str
    gate_id: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Headcount:
    """How many of one team are on one site."""

    site_id: str
    site_name: str
    team: str
    people: int


@dataclass(frozen=True, slots=True)
class OnSite:
    """The people (longest there first, at most `PEOPLE_SHOWN`) and the whole count by site and team."""

    at: datetime
    total: int
    people: tuple[Present, ...]
    headcounts: tuple[Headcount, ...]


class Presence:
    """Reads only; every look leaves an audit line."""

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def now(self, viewer: Viewer, *, site_id: str = "", team: str = "") -> OnSite:
        """Everybody whose last passage within the longest shift led in; corrections count like passages."""
        at = self._now()
        asked = {"team": team} if team else {}
        audit.note_look(
            self._database, viewer, Action.LOOKED_AT_PRESENCE, at=at, site_id=site_id[:64], detail=asked
        )
        last = _last_passages(viewer, at).subquery()
        sites, workers = tables.sites, tables.workers
        present = (
            select(
                last.c.worker_id,
                func.coalesce(workers.c.name, last.c.worker_name).label("name"),
                func.coalesce(workers.c.team, last.c.team).label("team"),
                last.c.site_id,
                func.coalesce(sites.c.name, last.c.site_id).label("site_name"),
                sites.c.timezone,
                last.c.gate_id,
                last.c.occurred_at,
            )
            .join_from(last, sites, sites.c.site_id == last.c.site_id, isouter=True)
            .join(workers, workers.c.worker_id == last.c.worker_id, isouter=True)
            .where(last.c.place == 1, last.c.direction == Direction.IN.value)
        )
        if site_id:  # not before: whoever went on to another site is there, not here
            present = present.where(last.c.site_id == site_id)
        if team:
            present = present.where(func.coalesce(workers.c.team, last.c.team) == team)
        people = present.subquery()
        counted = (
            select(people.c.site_id, people.c.site_name, people.c.team, func.count().label("people"))
            .group_by(people.c.site_id, people.c.site_name, people.c.team)
            .order_by(people.c.site_id, people.c.team)
        )
        listed = select(people).order_by(people.c.occurred_at, people.c.worker_id).limit(PEOPLE_SHOWN)
        with self._database.read() as connection:
            headcounts = tuple(
                Headcount(row.site_id, row.site_name, row.team, row.people)
                for row in connection.execute(counted)
            )
            shown = tuple(
                Present(
                    row.worker_id,
                    row.name,
                    row.team,
                    row.site_id,
                    row.site_name,
                    row.gate_id,
                    row.occurred_at.astimezone(ZoneInfo(row.timezone)) if row.timezone else row.occurred_at,
                )
                for row in connection.execute(listed)
            )
        return OnSite(at, sum(count.people for count in headcounts), shown, headcounts)


def people_on_site(connection: Connection, viewer: Viewer, at: datetime) -> dict[str, int]:
    """How many people were on each site of the viewer at a moment; nobody at two of them."""
    last = _last_passages(viewer, at).subquery()
    query = (
        select(last.c.site_id, func.count())
        .where(last.c.place == 1, last.c.direction == Direction.IN.value)
        .group_by(last.c.site_id)
    )
    return {row.site_id: row[1] for row in connection.execute(query)}


def _last_passages(viewer: Viewer, at: datetime) -> Select[Any]:
    """Passages and added corrections of the last shift, numbered per worker from the newest on."""
    events, notes = tables.events, tables.attendance_corrections
    since = at - LONGEST_SHIFT
    cancelled = select(notes.c.event_id).where(
        notes.c.kind == CorrectionKind.CANCEL.value,
        notes.c.withdrawn_at.is_(None),
        notes.c.event_id.is_not(None),
    )
    passed = select(
        events.c.event_id.label("mark_id"),
        events.c.worker_id,
        events.c.worker_name,
        events.c.team,
        events.c.site_id,
        events.c.gate_id,
        events.c.occurred_at,
        events.c.direction,
    ).where(
        in_scope(viewer, events.c.site_id),
        events.c.occurred_at.between(since, at),
        events.c.worker_id.is_not(None),
        events.c.outcome == Outcome.ALLOW.value,
        events.c.passage != Passage.NOT_PASSED.value,
        events.c.event_id.not_in(cancelled),
    )
    added = select(
        notes.c.correction_id,
        notes.c.worker_id,
        literal(""),
        literal(""),
        notes.c.site_id,
        literal(""),
        notes.c.occurred_at,
        notes.c.direction,
    ).where(
        and_(notes.c.kind == CorrectionKind.ADD.value, notes.c.withdrawn_at.is_(None)),
        in_scope(viewer, notes.c.site_id),
        notes.c.occurred_at.between(since, at),
    )
    marks = union_all(passed, added).subquery()
    # At the same instant `in` is the later one, as in the pairing of attendance.
    place = func.row_number().over(
        partition_by=marks.c.worker_id,
        order_by=(marks.c.occurred_at.desc(), marks.c.direction, marks.c.mark_id.desc()),
    )
    return select(marks, place.label("place"))
