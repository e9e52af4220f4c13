"""Figures of a place and a day, counted by the database; over an open connection.

Each question is one grouped query over all sites of the place; where people are counted, further ones count
them once in the whole and in each of its areas. Only clearances and colours are judged one by one, by the
rules that gates have too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    cast,
    distinct,
    func,
    literal,
    or_,
    select,
    union_all,
)

from sync.central import tables
from sync.central.accounts_access import Right, Viewer, in_scope
from sync.central.alert_sources import SHORT_WITHIN
from sync.central.clearance_state import lines
from sync.central.declaration_desk import people_of_sites
from sync.central.figures import (
    QUARTER_S,
    Figure,
    Place,
    Short,
    SiteOfPlace,
    SitesOfDay,
    Tallies,
    Tally,
    again,
    areas_of,
    days_until,
    members_of,
    midnight,
    of_days,
    wall_time,
)
from sync.central.inspection_desk import inspection_counts
from sync.central.pass_desk import colours_now
from sync.central.presence import people_on_site
from sync.central.site_reports import short_supplies
from sync.central.statements import among
from sync.central.tables_alerts import alerts
from sync.central.tables_declarations import declarations, site_reports
from sync.clearance_rules import ClearanceRules
from sync.health_pass import PassColour
from sync.records import Direction, Outcome, Passage

REPORT_COUNTS_FOR = timedelta(days=14)
"""What a report says of supplies counts until the employer's next one, at most so long."""

TEST, TRAINING = "test", "training"
"""Kinds of clearances (sync/clearance_rules/data) that have a figure of their own."""

AFFECTED, UNWELL = "affected", "unwell"
"""Marks of declarations (sync/forms/data)."""

COLOURS = {
    PassColour.GREEN: Figure.GREEN,
    PassColour.YELLOW: Figure.YELLOW,
    PassColour.RED: Figure.RED,
}
TREND_FIGURES = (
    Figure.ENTRIES,
    Figure.REFUSED,
    Figure.DECLARED,
    Figure.RETURNED,
    Figure.UNWELL,
    Figure.ALERTS,
)
"""In trends ALERTS are those that were raised on the day."""


@dataclass(frozen=True, slots=True)
class Trend:
    """Figures of a whole place by day; `values` has one list per figure, as long as `days`."""

    days: tuple[date, ...]
    values: Mapping[Figure, tuple[int, ...]]


def sites_of(connection: Connection, viewer: Viewer, place: Place | None = None) -> list[SiteOfPlace]:
    """The viewer's sites that a place holds, by district and sub-district."""
    site = tables.sites.c
    query = (
        select(site.site_id, site.name, site.name_en, site.timezone, site.district, site.sub_district)
        .where(in_scope(viewer, site.site_id))
        .order_by(site.district, site.sub_district, site.site_id)
    )
    found = [
        SiteOfPlace(site_id, name, name_en, ZoneInfo(timezone), district, sub_district)
        for site_id, name, name_en, timezone, district, sub_district in connection.execute(query)
    ]
    return [one for one in found if place is None or place.holds(one)]


def tallies(
    connection: Connection,
    viewer: Viewer,
    sites: Sequence[SiteOfPlace],
    day: date | None,
    rules: ClearanceRules,
    *,
    now: datetime,
) -> Tallies:
    """Everything that the viewer may see of these sites, which are the viewer's.

    day  None: today at each site. Of another day than today there is only what the records still tell: nobody
         is on the site, and no colours or findings.
    """
    groups = of_days(sites, day, now)
    if not groups:
        return Tallies({})
    found: dict[Figure, Tally] = {}
    areas = areas_of(sites)
    hours, reasons = _passages(connection, groups, areas, found)
    due = _clearances(connection, viewer, groups, areas, rules)
    for kind, figures in (
        (TEST, (Figure.TEST_DUE, Figure.TEST_DONE, Figure.TEST_OVERDUE)),
        (TRAINING, (Figure.TRAINING_DUE, Figure.TRAINING_DONE)),
    ):
        counted = due.get(kind, (Tally({}, 0),) * 3)
        found |= dict(zip(figures, counted, strict=False))
    short: list[Short] = []
    if viewer.may(Right.READ_DECLARATIONS):
        _declared(connection, groups, areas, found)
        _reported(connection, groups, found)
        short = _short(connection, groups)
        found[Figure.SUPPLIES_SHORT] = Tally.added(Counter(one.site_id for one in short))
    if viewer.may(Right.HANDLE_ALERTS):
        found[Figure.ALERTS] = _open_alerts(connection, groups)
    live = frozenset(site_id for group in groups if group.is_live for site_id in group.site_ids)
    if live:
        _live(connection, viewer, live, areas, found, now)
    return Tallies(found, hours, reasons, due, short)


def trend(
    connection: Connection,
    viewer: Viewer,
    sites: Sequence[SiteOfPlace],
    last: date,
    days: int,
) -> Trend:
    """The whole of these sites on each of `days` days until `last`, by the calendar of each site."""
    wanted = tuple(days_until(last, days))
    site_ids, zones = [one.site_id for one in sites], {one.site_id: one.zone for one in sites}
    span = (wanted[0], last)
    counts: dict[Figure, Mapping[date, int]] = {}
    event = tables.events.c
    counts[Figure.ENTRIES] = _by_day(
        connection, event.site_id, event.local_day, site_ids, span, func.count(), _entered()
    )
    counts[Figure.REFUSED] = _by_day(
        connection,
        event.site_id,
        event.local_day,
        site_ids,
        span,
        func.count(),
        event.outcome == Outcome.DENY.value,
    )
    if viewer.may(Right.READ_DECLARATIONS):
        counts[Figure.DECLARED] = _declared_by_day(connection, site_ids, span)
        report = site_reports.c
        for figure, column in ((Figure.RETURNED, report.returned), (Figure.UNWELL, report.unwell)):
            counts[figure] = _by_day(
                connection,
                report.site_id,
                report.local_day,
                site_ids,
                span,
                func.sum(column),
                report.superseded_by.is_(None),
            )
    if viewer.may(Right.HANDLE_ALERTS):
        counts[Figure.ALERTS] = _alerts_by_day(connection, zones, span)
    return Trend(
        wanted, {figure: tuple(of_day.get(day, 0) for day in wanted) for figure, of_day in counts.items()}
    )


# -- passages --------------------------------------------------------------------------------------------


def _passages(
    connection: Connection,
    groups: Sequence[SitesOfDay],
    areas: Mapping[str, Place],
    found: dict[Figure, Tally],
) -> tuple[dict[tuple[str, int], int], dict[tuple[str, str, str], int]]:
    event = tables.events.c
    that_day = _on(groups, event.site_id, event.local_day)
    zones = {site_id: group.zone for group in groups for site_id in group.site_ids}
    quarter = _quarter(connection, event.occurred_at).label("quarter")
    hours: Counter[tuple[str, int]] = Counter()
    by_quarter = (
        select(event.site_id, quarter, func.count())
        .where(that_day, _entered())
        .group_by(event.site_id, quarter)
    )
    for site_id, number, count in connection.execute(by_quarter):
        hours[site_id, wall_time(number, zones[site_id]).hour] += count
    by_reason = (
        select(event.site_id, event.outcome, event.main_reason, func.count())
        .where(that_day, event.outcome != Outcome.ALLOW.value)
        .group_by(event.site_id, event.outcome, event.main_reason)
    )
    reasons = {
        (site_id, outcome, reason): count for site_id, outcome, reason, count in connection.execute(by_reason)
    }
    entries: Counter[str] = Counter()
    for (site_id, _), count in hours.items():
        entries[site_id] += count
    found[Figure.ENTRIES] = Tally.added(entries)
    for figure, outcome in ((Figure.REFUSED, Outcome.DENY), (Figure.HELD, Outcome.HOLD)):
        of_outcome: Counter[str] = Counter()
        for (site_id, decision, _), count in reasons.items():
            of_outcome[site_id] += count * (decision == outcome.value)
        found[figure] = Tally.added(of_outcome)
    people = select(event.site_id, event.worker_id).where(that_day, _entered())
    (found[Figure.PEOPLE_IN],) = _people(connection, people, areas, [literal(value=True)])
    return dict(hours), reasons


def _entered() -> ColumnElement[bool]:
    event = tables.events.c
    return and_(
        event.outcome == Outcome.ALLOW.value,
        event.direction == Direction.IN.value,
        event.passage != Passage.NOT_PASSED.value,
    )


def _quarter(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[int]:
    """Quarters of an hour since 1970, UTC."""
    seconds = (
        func.strftime("%s", column)
        if connection.dialect.name == "sqlite"
        else func.floor(func.extract("epoch", column))
    )
    return cast(seconds, BigInteger) // QUARTER_S


# -- declarations and reports ----------------------------------------------------------------------------


def _declared(
    connection: Connection,
    groups: Sequence[SitesOfDay],
    areas: Mapping[str, Place],
    found: dict[Figure, Tally],
) -> None:
    declared, link = declarations.c, tables.worker_sites.c
    people = union_all(
        *(
            people_of_sites(group.site_ids, group.day, group.zone).with_only_columns(
                link.site_id, link.worker_id, declared.declaration_id, declared.marks
            )
            for group in groups
        )
    ).subquery()
    marked = [_has_mark(people.c.marks, mark) for mark in (AFFECTED, UNWELL)]
    expected, done, *of_workers = _people(
        connection,
        select(people.c.site_id, people.c.worker_id, people.c.declaration_id, people.c.marks),
        areas,
        [literal(value=True), people.c.declaration_id.is_not(None), *marked],
    )
    found |= {Figure.EXPECTED: expected, Figure.DECLARED: done, Figure.MISSING: expected - done}
    count_of_marks = [_sum(_has_mark(declared.marks, mark)) for mark in (AFFECTED, UNWELL)]
    guests = connection.execute(
        select(declared.site_id, func.count(), *count_of_marks)
        .where(
            _on(groups, declared.site_id, declared.local_day),
            declared.superseded_by.is_(None),
            declared.visitor_id.is_not(None),
        )
        .group_by(declared.site_id)
    ).all()
    visitors, *of_guests = (Tally.added({row[0]: row[place] for row in guests}) for place in (1, 2, 3))
    found[Figure.VISITORS] = visitors
    found[Figure.AFFECTED] = of_workers[0] + of_guests[0]
    found[Figure.UNWELL_DECLARED] = of_workers[1] + of_guests[1]


def _has_mark(column: ColumnElement[Any], mark: str) -> ColumnElement[bool]:
    return (literal(" ") + func.coalesce(column, "") + literal(" ")).contains(f" {mark} ")


def _reported(connection: Connection, groups: Sequence[SitesOfDay], found: dict[Figure, Tally]) -> None:
    report = site_reports.c
    rows = connection.execute(
        select(report.site_id, func.sum(report.returned), func.sum(report.unwell))
        .where(_on(groups, report.site_id, report.local_day), report.superseded_by.is_(None))
        .group_by(report.site_id)
    ).all()
    found[Figure.RETURNED] = Tally.added({row[0]: int(row[1]) for row in rows})
    found[Figure.UNWELL] = Tally.added({row[0]: int(row[2]) for row in rows})


def _short(connection: Connection, groups: Sequence[SitesOfDay]) -> list[Short]:
    """By the latest report of each employer: what runs out within `SHORT_WITHIN` days of the day."""
    report = site_reports.c
    clause = or_(
        *(
            and_(
                report.site_id.in_(group.site_ids),
                report.local_day > group.day - REPORT_COUNTS_FOR,
                report.local_day <= group.day,
            )
            for group in groups
        )
    )
    place = func.row_number().over(
        partition_by=(report.site_id, report.employer), order_by=report.local_day.desc()
    )
    latest = (
        select(site_reports, place.label("place")).where(clause, report.superseded_by.is_(None)).subquery()
    )
    days = {site_id: group.day for group in groups for site_id in group.site_ids}
    return [
        Short(row.site_id, row.employer, one.supply, (row.form_id, row.form_version), one.on)
        for row in connection.execute(
            select(latest).where(latest.c.place == 1, latest.c.short_on.is_not(None))
        )
        for one in short_supplies(row.answers, row.local_day)
        if one.on <= days[row.site_id] + SHORT_WITHIN
    ]


# -- clearances, alerts, and what is known of now only --------------------------------------------------


def _clearances(
    connection: Connection,
    viewer: Viewer,
    groups: Sequence[SitesOfDay],
    areas: Mapping[str, Place],
    rules: ClearanceRules,
) -> dict[str, tuple[Tally, Tally, Tally]]:
    """Due, done and overdue by kind. Whoever misses it at one of two sites has not done it."""
    due: dict[str, set[tuple[str, str]]] = {}
    missing: dict[str, set[tuple[str, str]]] = {}
    late: dict[str, set[tuple[str, str]]] = {}
    for group in groups:
        narrowed = _narrowed(viewer, group.site_ids)
        when = group.until if group.is_live else group.day
        for one in lines(connection, narrowed, rules, when):
            if one.is_due:
                who, kind = (one.site_id, one.worker_id), one.standing.kind
                due.setdefault(kind, set()).add(who)
                if not one.is_done:
                    missing.setdefault(kind, set()).add(who)
                if one.is_overdue:
                    late.setdefault(kind, set()).add(who)
    found = {}
    for kind, people in sorted(due.items()):
        needed = Tally.of_people(people, areas)
        done = needed - Tally.of_people(missing.get(kind, ()), areas)
        found[kind] = (needed, done, Tally.of_people(late.get(kind, ()), areas))
    return found


def _open_alerts(connection: Connection, groups: Sequence[SitesOfDay]) -> Tally:
    """Not closed at the end of the day, or now."""
    row = alerts.c
    then = or_(
        *(
            and_(
                row.site_id.in_(group.site_ids),
                row.raised_at <= group.until,
                or_(row.closed_at.is_(None), row.closed_at > group.until),
            )
            for group in groups
        )
    )
    counted = connection.execute(select(row.site_id, func.count()).where(then).group_by(row.site_id))
    return Tally.added({row[0]: row[1] for row in counted})


def _live(
    connection: Connection,
    viewer: Viewer,
    site_ids: frozenset[str],
    areas: Mapping[str, Place],
    found: dict[Figure, Tally],
    now: datetime,
) -> None:
    present = people_on_site(connection, viewer, now)
    found[Figure.ON_SITE] = Tally.added(
        {site_id: count for site_id, count in present.items() if site_id in site_ids}
    )
    narrowed = _narrowed(viewer, site_ids)
    if viewer.may(Right.SEE_PASSES):
        colours = colours_now(connection, narrowed, now)
        link = tables.worker_sites.c
        at_work = connection.execute(
            select(link.site_id, link.worker_id).where(
                link.site_id.in_(sorted(site_ids)), among(connection, link.worker_id, sorted(colours))
            )
        ).all()
        for colour, figure in COLOURS.items():
            found[figure] = Tally.of_people(
                ((site_id, worker_id) for site_id, worker_id in at_work if colours[worker_id] is colour),
                areas,
            )
    if viewer.may(Right.INSPECT):
        inspected = inspection_counts(connection, narrowed, now=now)
        found[Figure.FINDINGS_OVERDUE] = Tally.added({site: one.overdue for site, one in inspected.items()})
        found[Figure.CHECKS_DUE] = Tally.added({site: one.checks_due for site, one in inspected.items()})


# -- by day ----------------------------------------------------------------------------------------------


def _by_day(
    connection: Connection,
    site: ColumnElement[str],
    day: ColumnElement[date],
    site_ids: Sequence[str],
    span: tuple[date, date],
    counted: ColumnElement[int],
    clause: ColumnElement[bool],
) -> dict[date, int]:
    query = select(day, counted).where(site.in_(site_ids), day.between(*span), clause).group_by(day)
    return {its_day: int(count) for its_day, count in connection.execute(query)}


def _declared_by_day(
    connection: Connection, site_ids: Sequence[str], span: tuple[date, date]
) -> dict[date, int]:
    """Workers of these sites as they are now; whoever works at two counts once."""
    declared, link = declarations.c, tables.worker_sites.c
    own = select(link.worker_id).where(link.site_id.in_(site_ids))
    query = (
        select(declared.local_day, func.count())
        .where(
            declared.worker_id.in_(own), declared.local_day.between(*span), declared.superseded_by.is_(None)
        )
        .group_by(declared.local_day)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def _alerts_by_day(
    connection: Connection, zones: Mapping[str, ZoneInfo], span: tuple[date, date]
) -> dict[date, int]:
    row = alerts.c
    quarter = _quarter(connection, row.raised_at).label("quarter")
    counts: Counter[date] = Counter()
    for zone in set(zones.values()):
        own = [site_id for site_id, its_zone in zones.items() if its_zone == zone]
        query = (
            select(quarter, func.count())
            .where(
                row.site_id.in_(own),
                row.raised_at >= midnight(span[0], zone),
                row.raised_at < midnight(span[1] + timedelta(days=1), zone),
            )
            .group_by(quarter)
        )
        for number, count in connection.execute(query):
            counts[wall_time(number, zone).date()] += count
    return dict(counts)


# -- what the queries share ------------------------------------------------------------------------------


def _on(
    groups: Sequence[SitesOfDay], site: ColumnElement[str], day: ColumnElement[date]
) -> ColumnElement[bool]:
    return or_(*(and_(site.in_(group.site_ids), day == group.day) for group in groups))


def _people(
    connection: Connection,
    found: Select[Any],
    areas: Mapping[str, Place],
    clauses: Sequence[ColumnElement[bool]],
) -> list[Tally]:
    """Distinct people (the second column) by site (the first), by area, and in all; a tally per clause."""
    site, person = found.selected_columns[0], found.selected_columns[1]
    counts = [func.count(distinct(case((clause, person)))) for clause in clauses]
    by_site = connection.execute(found.with_only_columns(site, *counts).group_by(site)).all()
    whole = connection.execute(found.with_only_columns(*counts)).one()
    members = members_of(areas)
    by_area = (
        _by_area(connection, found, members, counts) if len(members) > 1 else dict.fromkeys(members, whole)
    )
    tallies = []
    for number, count in enumerate(whole):
        of_sites = {row[0]: row[number + 1] for row in by_site}
        of_areas = {area: of_clauses[number] for area, of_clauses in by_area.items()}
        tallies.append(Tally(of_sites, count, again(of_sites, of_areas, areas)))
    return tallies


def _by_area(
    connection: Connection,
    found: Select[Any],
    members: Mapping[Place, Sequence[str]],
    counts: Sequence[ColumnElement[int]],
) -> dict[Place, Sequence[int]]:
    site, named = found.selected_columns[0], list(members)
    area = case(*((site.in_(members[one]), number) for number, one in enumerate(named))).label("area")
    rows = connection.execute(found.with_only_columns(area, *counts).group_by(area)).all()
    return {named[row[0]]: row[1:] for row in rows}


def _sum(clause: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((clause, 1), else_=0))


def _narrowed(viewer: Viewer, site_ids: Sequence[str] | frozenset[str]) -> Viewer:
    """The same viewer with these sites alone."""
    return replace(viewer, site_ids=frozenset(site_ids))
