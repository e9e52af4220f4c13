"""Figures of sites and of places that hold several: what they count, and how sites make a whole. Pure.

Two kinds of figures (docs/numbers.md). Passages, reports, supplies, alerts and findings belong to one site:
the whole is their sum. People may work at two sites: there the whole counts everybody once, and may be less
than the sum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from zoneinfo import ZoneInfo

HOURS = 24
UNNAMED = "-"
"""Of an area: the sites that are in no district, or in no sub-district."""

QUARTER_S = 900
"""Every zone in use begins its hours at a quarter of an hour of UTC."""


class Figure(StrEnum):
    """Stable names of figures: columns of exports, parts of addresses."""

    ON_SITE = "on_site"
    PEOPLE_IN = "people_in"
    ENTRIES = "entries"
    REFUSED = "refused"
    HELD = "held"
    EXPECTED = "expected"
    DECLARED = "declared"
    MISSING = "missing"
    VISITORS = "visitors"
    AFFECTED = "affected"
    UNWELL_DECLARED = "unwell_declared"
    RETURNED = "returned"
    UNWELL = "unwell"
    SUPPLIES_SHORT = "supplies_short"
    TEST_DUE = "test_due"
    TEST_DONE = "test_done"
    TEST_OVERDUE = "test_overdue"
    TRAINING_DUE = "training_due"
    TRAINING_DONE = "training_done"
    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    ALERTS = "alerts"
    FINDINGS_OVERDUE = "findings_overdue"
    CHECKS_DUE = "checks_due"


PEOPLE = frozenset(
    {
        Figure.ON_SITE,  # at one site only: where the last passage was
        Figure.PEOPLE_IN,
        Figure.EXPECTED,
        Figure.DECLARED,
        Figure.MISSING,
        Figure.VISITORS,  # one declaration a day, hence at one site
        Figure.AFFECTED,
        Figure.UNWELL_DECLARED,
        Figure.TEST_DUE,
        Figure.TEST_DONE,
        Figure.TEST_OVERDUE,
        Figure.TRAINING_DUE,
        Figure.TRAINING_DONE,
        Figure.GREEN,
        Figure.YELLOW,
        Figure.RED,
    }
)
"""Nobody is counted twice in the whole of these. All others are sums of their sites."""


@dataclass(frozen=True, slots=True)
class SiteOfPlace:
    """A site, where it belongs, and whose day it is there."""

    site_id: str
    name: str
    name_en: str
    zone: ZoneInfo
    district: str
    sub_district: str


@dataclass(frozen=True, slots=True)
class Place:
    """Which sites are meant; empty: any, `UNNAMED`: those without one. All empty: all of the viewer's."""

    district: str = ""
    sub_district: str = ""
    site_id: str = ""

    def holds(self, site: SiteOfPlace) -> bool:
        return (
            self.site_id in ("", site.site_id)
            and self.district in ("", site.district or UNNAMED)
            and self.sub_district in ("", site.sub_district or UNNAMED)
        )

    def for_audit(self) -> dict[str, str]:
        named = {"district": self.district, "sub_district": self.sub_district}
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True, slots=True)
class SitesOfDay:
    """Sites of one time zone on one day. `is_live`: the day is today there. `until`: as of when."""

    site_ids: tuple[str, ...]
    zone: ZoneInfo
    day: date
    is_live: bool
    until: datetime

    @property
    def begin(self) -> datetime:
        """The first moment of the day."""
        return midnight(self.day, self.zone)

    @property
    def end(self) -> datetime:
        """The first moment of the next day."""
        return midnight(self.day + timedelta(days=1), self.zone)


@dataclass(frozen=True, slots=True)
class Short:
    """A supply of one employer's report: the first day it no longer covers. `form` names its words."""

    site_id: str
    employer: str
    supply: str
    form: tuple[str, int]
    on: date


@dataclass(frozen=True, slots=True)
class Due:
    """People who need one kind of clearance; `overdue` are among those who miss it."""

    due: int
    done: int
    overdue: int


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one site or place on one day.

    values   a figure that is not there is not for this viewer, or not known of a past day
    hours    entries by hour of the site's clock; empty where `values` has no entries
    reasons  (decision, main reason) of those who did not get in by themselves, and how often
    due      by kind of clearance
    short    what runs out soon, the first to run out first
    """

    values: Mapping[Figure, int]
    hours: tuple[int, ...] = ()
    reasons: Mapping[tuple[str, str], int] = field(default_factory=dict)
    due: Mapping[str, Due] = field(default_factory=dict)
    short: tuple[Short, ...] = ()


@dataclass(frozen=True, slots=True)
class Tally:
    """One figure of every site, and of all of them together.

    again  of an area: how often people are counted at a further one of its sites
    """

    by_site: Mapping[str, int]
    whole: int
    again: Mapping[Place, int] = field(default_factory=dict)

    @classmethod
    def added(cls, by_site: Mapping[str, int]) -> Tally:
        """Of what belongs to one site."""
        return cls(by_site, sum(by_site.values()))

    @classmethod
    def of_people(cls, found: Iterable[tuple[str, str]], areas: Mapping[str, Place]) -> Tally:
        """Of (site, person), each once per site, once in the site's area, and once in the whole."""
        pairs = set(found)
        by_site = Counter(site_id for site_id, _ in pairs)
        by_area = Counter(area for area, _ in {(areas[site_id], person) for site_id, person in pairs})
        return cls(by_site, len({person for _, person in pairs}), again(by_site, by_area, areas))

    def __add__(self, other: Tally) -> Tally:
        """For others than those who are counted here, e.g. visitors beside workers."""
        return Tally(
            Counter(self.by_site) + Counter(other.by_site),
            self.whole + other.whole,
            Counter(self.again) + Counter(other.again),
        )

    def __sub__(self, other: Tally) -> Tally:
        """Without those of `other`, who are among those who are counted here."""
        left = {site_id: count - other.by_site.get(site_id, 0) for site_id, count in self.by_site.items()}
        left_again = {area: count - other.again.get(area, 0) for area, count in self.again.items()}
        return Tally(left, self.whole - other.whole, left_again)

    def of_area(self, area: Place, site_ids: Iterable[str]) -> int:
        """Of an area that has these sites."""
        return sum(self.by_site.get(site_id, 0) for site_id in site_ids) - self.again.get(area, 0)


@dataclass(frozen=True, slots=True)
class Tallies:
    """Everything that was counted, before it is put together by site."""

    figures: Mapping[Figure, Tally]
    hours: Mapping[tuple[str, int], int] = field(default_factory=dict)  # (site, hour)
    reasons: Mapping[tuple[str, str, str], int] = field(default_factory=dict)  # (site, decision, reason)
    due: Mapping[str, tuple[Tally, Tally, Tally]] = field(default_factory=dict)  # kind: due, done, overdue
    short: Sequence[Short] = ()

    def of_site(self, site_id: str) -> Figures:
        """What one site has of each."""
        return self._told(lambda one: one == site_id, lambda one: one.by_site.get(site_id, 0))

    def of_area(self, area: Place, site_ids: Set[str]) -> Figures:
        """What an area that has these sites has of each."""
        return self._told(lambda one: one in site_ids, lambda one: one.of_area(area, site_ids))

    def whole(self) -> Figures:
        """All sites together."""
        return self._told(lambda _: True, lambda one: one.whole)

    def _told(self, is_meant: Callable[[str], bool], count: Callable[[Tally], int]) -> Figures:
        hours, reasons = [0] * HOURS, Counter[tuple[str, str]]()
        for (site_id, hour), number in self.hours.items():
            hours[hour] += number * is_meant(site_id)
        for (site_id, decision, reason), number in self.reasons.items():
            if is_meant(site_id):
                reasons[decision, reason] += number
        return Figures(
            {figure: count(one) for figure, one in self.figures.items()},
            tuple(hours) if Figure.ENTRIES in self.figures else (),
            dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
            {kind: Due(count(due), count(done), count(late)) for kind, (due, done, late) in self.due.items()},
            tuple(sorted((one for one in self.short if is_meant(one.site_id)), key=_first_out)),
        )


def areas_of(sites: Sequence[SiteOfPlace]) -> dict[str, Place]:
    """The area of each site: its district where these sites are in several, else its sub-district."""
    is_by_district = len({site.district for site in sites}) > 1
    return {
        site.site_id: Place(site.district or UNNAMED, "" if is_by_district else site.sub_district or UNNAMED)
        for site in sites
    }


def members_of(areas: Mapping[str, Place]) -> dict[Place, list[str]]:
    """The sites of each area, areas in the order of their first site."""
    members: dict[Place, list[str]] = {}
    for site_id, area in areas.items():
        members.setdefault(area, []).append(site_id)
    return members


def again(
    by_site: Mapping[str, int], by_area: Mapping[Place, int], areas: Mapping[str, Place]
) -> dict[Place, int]:
    """By how much the sites of each area are more than people who are counted once there."""
    summed: Counter[Place] = Counter()
    for site_id, count in by_site.items():
        summed[areas[site_id]] += count
    return {area: count - by_area.get(area, 0) for area, count in summed.items()}


def of_days(sites: Iterable[SiteOfPlace], day: date | None, now: datetime) -> list[SitesOfDay]:
    """The sites by the day that is meant at each of them. `day` None: today, wherever the site is."""
    meant: list[tuple[str, date, str]] = []
    for site in sites:
        meant.append((site.zone.key, day or now.astimezone(site.zone).date(), site.site_id))
    found = []
    for (key, its_day), members in groupby(sorted(meant), lambda one: one[:2]):
        zone = ZoneInfo(key)
        is_live = its_day == now.astimezone(zone).date()
        end = midnight(its_day + timedelta(days=1), zone)
        site_ids = tuple(site_id for _, _, site_id in members)
        found.append(SitesOfDay(site_ids, zone, its_day, is_live, now if is_live else end))
    return found


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a day at the site."""
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def wall_time(quarter: int, zone: ZoneInfo) -> datetime:
    """The site's clock at the begin of a quarter of an hour, counted from 1970 in UTC."""
    return datetime.fromtimestamp(quarter * QUARTER_S, UTC).astimezone(zone)


def days_until(last: date, days: int) -> Iterator[date]:
    """So many days, `last` being the last one."""
    for ago in reversed(range(days)):
        yield last - timedelta(days=ago)


def _first_out(one: Short) -> tuple[date, str, str, str]:
    return (one.on, one.site_id, one.employer, one.supply)
