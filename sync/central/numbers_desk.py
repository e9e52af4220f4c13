"""Figures as console and command line see them: within the viewer's sites, a line for each look and file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from sqlalchemy import select

from sync.central import audit
from sync.central.accounts_access import NotFound, Right, Viewer, no_such
from sync.central.audit import Action
from sync.central.database import Database
from sync.central.figures import Figures, Place, SiteOfPlace, Tallies, areas_of, members_of, of_days
from sync.central.kept_results import KeptResults
from sync.central.numbers import Trend, sites_of, tallies, trend
from sync.central.tables_declarations import site_reports
from sync.clearance_rules import ClearanceRules

KEEP_BOARD = timedelta(seconds=20)
"""Shorter than the page's own refresh. Figures depend on role, scope, sites and day; many may look at once.
Scope: whoever went on to another site of the viewer is no longer on this one."""


@dataclass(frozen=True, slots=True)
class Board:
    """Figures of one place and day.

    day      as asked; of today the one at the first site
    is_live  the day is today at one of the sites at least
    at       when it was counted
    by_area  districts, or sub-districts of one district; empty where all sites are in the same
    """

    place: Place
    day: date
    is_live: bool
    at: datetime
    sites: tuple[SiteOfPlace, ...]
    whole: Figures
    by_site: Mapping[str, Figures]
    by_area: Mapping[Place, Figures] = field(default_factory=dict)

    def alone(self, site_id: str) -> Board:
        """The same day for one of its sites."""
        (site,) = [one for one in self.sites if one.site_id == site_id]
        mine = self.by_site[site_id]
        return replace(
            self, place=Place(site_id=site_id), sites=(site,), whole=mine, by_site={site_id: mine}, by_area={}
        )


@dataclass(frozen=True, slots=True)
class ReportLine:
    """What one employer reported of a day."""

    site_id: str
    employer: str
    headcount: int
    returned: int
    unwell: int


class NumbersDesk:
    """Looking at figures. They name nobody; what hides behind them is on the pages of their lists."""

    def __init__(self, database: Database, *, now: Callable[[], datetime], rules: ClearanceRules) -> None:
        self._database = database
        self._now = now
        self.rules = rules
        self._boards: KeptResults[Tallies] = KeptResults(KEEP_BOARD)

    def sites(self, viewer: Viewer) -> list[SiteOfPlace]:
        """What can be chosen. Raises NotAllowed."""
        viewer.require(Right.USE_CONSOLE)
        with self._database.read() as connection:
            return sites_of(connection, viewer)

    def board(
        self,
        viewer: Viewer,
        place: Place,
        day: date | None,
        *,
        action: Action | None = Action.LOOKED_AT_NUMBERS,
    ) -> Board:
        """The figures of a place.

        day     None: today at each site
        action  for the line; None: the same page again a moment later

        Raises:
            NotAllowed, NotFound: no site of the viewer is in that place.
        """
        viewer.require(Right.USE_CONSOLE)
        now = self._now()
        if action is not None:
            self._note(viewer, action, place, day)
        with self._database.read() as connection:
            sites = sites_of(connection, viewer, place)
            if not sites:
                raise _no_site_in(place)

        def count() -> Tallies:
            with self._database.read() as connection:
                return tallies(connection, viewer, sites, day, self.rules, now=now)

        question = (viewer.role, viewer.site_ids, tuple(sites), day)
        counted, at = self._boards.get(question, now, count)
        groups = of_days(sites, day, at)
        members = members_of(areas_of(sites))
        return Board(
            place,
            day or at.astimezone(sites[0].zone).date(),
            any(group.is_live for group in groups),
            at.astimezone(sites[0].zone),
            tuple(sites),
            counted.whole(),
            {one.site_id: counted.of_site(one.site_id) for one in sites},
            {area: counted.of_area(area, frozenset(of_area)) for area, of_area in members.items()}
            if len(members) > 1
            else {},
        )

    def trend(
        self,
        viewer: Viewer,
        place: Place,
        last: date | None,
        days: int,
        *,
        action: Action = Action.LOOKED_AT_NUMBERS,
    ) -> Trend:
        """The whole by day, until `last` (None: today). Raises NotAllowed, NotFound."""
        viewer.require(Right.USE_CONSOLE)
        self._note(viewer, action, place, last, days=days)
        with self._database.read() as connection:
            sites = sites_of(connection, viewer, place)
            if not sites:
                raise _no_site_in(place)
            until = last or self._now().astimezone(sites[0].zone).date()
            return trend(connection, viewer, sites, until, days)

    def site_reports(self, viewer: Viewer, place: Place, day: date) -> list[ReportLine]:
        """The reports of that day behind the sums. Raises NotAllowed, NotFound."""
        viewer.require(Right.READ_DECLARATIONS)
        audit.note_look(
            self._database,
            viewer,
            Action.LOOKED_AT_SITE_REPORTS,
            at=self._now(),
            site_id=place.site_id[:64],
            detail={"first": day.isoformat(), "last": day.isoformat(), **place.for_audit()},
        )
        report = site_reports.c
        with self._database.read() as connection:
            site_ids = [one.site_id for one in sites_of(connection, viewer, place)]
            query = (
                select(report.site_id, report.employer, report.headcount, report.returned, report.unwell)
                .where(report.site_id.in_(site_ids), report.local_day == day, report.superseded_by.is_(None))
                .order_by(report.site_id, report.employer)
            )
            return [ReportLine(*row) for row in connection.execute(query)]

    def _note(self, viewer: Viewer, action: Action, place: Place, day: date | None, **detail: int) -> None:
        audit.note_look(
            self._database,
            viewer,
            action,
            at=self._now(),
            site_id=place.site_id[:64],
            detail={**place.for_audit(), **({"day": day.isoformat()} if day else {}), **detail},
        )


def _no_site_in(place: Place) -> NotFound:
    if place.site_id:
        return no_such("site", place.site_id)
    if place.sub_district:
        return no_such("sub-district with sites", place.sub_district)
    return no_such("district with sites", place.district)
