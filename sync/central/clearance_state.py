"""Who holds which clearance, what is due and what is done, over an open connection.

Clearances stand in the workers' records as the gates have them; so everybody of a site is read and judged by
the rules. 30,000 people take about two seconds (docs/clearances.md); nothing is kept twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, or_, select

from sync.central import tables
from sync.central.accounts_access import Viewer, in_scope
from sync.central.tables_tests import test_batches, test_orders
from sync.clearance_rules import (
    ClearanceRules,
    Person,
    Standing,
    State,
    day_of,
    end_of_day,
    standing,
)
from sync.records import Clearance, WorkerStatus

_JUST_BEFORE = timedelta(microseconds=1)
_DAYS_OF_ZONES = timedelta(days=2)
"""No site's day begins so long before the same day in UTC."""


@dataclass(frozen=True, slots=True)
class OrderedTest:
    """An order as a line shows it."""

    batch_id: str
    due_by: datetime
    why: str
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of one worker at one site. `is_needed`: the rules ask for it; `order`: somebody did."""

    worker_id: str
    name: str
    team: str
    trade: str
    employer: str
    site_id: str
    zone: ZoneInfo
    standing: Standing
    is_needed: bool
    order: OrderedTest | None = None
    is_overdue: bool = False

    @property
    def is_due(self) -> bool:
        return self.is_needed or self.order is not None

    @property
    def is_done(self) -> bool:
        """What the rules ask for is held, what was ordered has a result."""
        if self.is_needed and not self.standing.state.is_held:
            return False
        return self.order is None or self.order.done_at is not None


@dataclass(frozen=True, slots=True)
class DueCount:
    """One kind at one site: how many people need it, and of these how many have it.

    overdue    ordered, and the deadline is over
    ends_soon  held, but not for long any more
    """

    site_id: str
    kind: str
    due: int
    done: int
    overdue: int = 0
    ends_soon: int = 0

    @property
    def missing(self) -> int:
        return self.due - self.done

    @property
    def missing_percent(self) -> float:
        return 100 * self.missing / self.due if self.due else 0.0


def counted(found: Iterable[Line]) -> list[DueCount]:
    """Counts of the lines that are due, by site and kind in their order."""
    sums: dict[tuple[str, str], list[int]] = {}
    for one in found:
        if one.is_due:
            due = sums.setdefault((one.site_id, one.standing.kind), [0, 0, 0, 0])
            due[0] += 1
            due[1] += one.is_done
            due[2] += one.is_overdue
            due[3] += one.standing.state is State.ENDS_SOON
    return [DueCount(site_id, kind, *due) for (site_id, kind), due in sorted(sums.items())]


def lines(
    connection: Connection,
    viewer: Viewer,
    rules: ClearanceRules,
    when: date | datetime,
    *,
    site_id: str = "",
    kind: str = "",
    team: str = "",
    worker_id: str = "",
    warn_days: float | None = None,
) -> Iterator[Line]:
    """Every kind of every active worker of the viewer's sites that is needed, ordered or held.

    In order of site and worker. An order counts from its day until it is done, and when done until its
    deadline is over.

    when       a moment, or a day: as things stand at its end at each site, of a day of the past as far as
               the records still tell
    warn_days  instead of what the rules say for each kind
    """
    workers, link = tables.workers.c, tables.worker_sites.c
    query = (
        select(
            workers.worker_id,
            workers.name,
            workers.team,
            workers.trade,
            workers.employer,
            workers.clearances,
            link.site_id,
            tables.sites.c.timezone,
        )
        .join_from(tables.worker_sites, tables.workers, workers.worker_id == link.worker_id)
        .join(tables.sites, tables.sites.c.site_id == link.site_id)
        .where(in_scope(viewer, link.site_id), workers.status == WorkerStatus.ACTIVE.value)
        .order_by(link.site_id, link.worker_id)
    )
    for value, column in ((site_id, link.site_id), (team, workers.team), (worker_id, workers.worker_id)):
        if value:
            query = query.where(column == value)
    orders = _orders(connection, viewer, when, site_id=site_id, worker_id=worker_id)
    kinds = [one for one in rules.kinds if not kind or one.kind == kind]
    days: dict[str, _Day] = {}
    for row in connection.execute(query):
        if row.timezone not in days:
            days[row.timezone] = _day(when, ZoneInfo(row.timezone))
        day = days[row.timezone]
        held = [Clearance.model_validate(one) for one in row.clearances]
        needed = rules.needed(Person(row.worker_id, row.team, row.trade), row.site_id)
        for one in kinds:
            order = _on(orders.get((row.worker_id, row.site_id, one.kind), ()), day)
            is_needed = one.kind in needed
            if not (is_needed or order or any(held_one.kind == one.kind for held_one in held)):
                continue
            warned = one.warn_days if warn_days is None else warn_days
            yield Line(
                row.worker_id,
                row.name,
                row.team,
                row.trade,
                row.employer,
                row.site_id,
                day.zone,
                standing(one.kind, warned, held, day.now),
                is_needed,
                order,
                order is not None and order.done_at is None and order.due_by <= day.now,
            )


@dataclass(frozen=True, slots=True)
class _Day:
    """The day that is asked about at a site, and the moment at which things are looked at."""

    zone: ZoneInfo
    begin: datetime
    end: datetime
    now: datetime


def _day(when: date | datetime, zone: ZoneInfo) -> _Day:
    day = day_of(when, zone) if isinstance(when, datetime) else when
    begin, end = end_of_day(day - timedelta(days=1), zone), end_of_day(day, zone)
    return _Day(zone, begin, end, when if isinstance(when, datetime) else end - _JUST_BEFORE)


def _on(orders: Sequence[Any], day: _Day) -> OrderedTest | None:
    """The order that counts on a day: an open one before one that is done."""
    begin, end = day.begin, day.end
    best: OrderedTest | None = None
    for row in orders:
        done_at = row.done_at if row.done_at is not None and row.done_at < end else None
        is_on = row.ordered_at < end and (done_at is None or done_at >= begin or row.due_by > begin)
        if is_on and (best is None or best.done_at is not None):
            best = OrderedTest(row.batch_id, row.due_by, row.why, done_at)
    return best


def _orders(
    connection: Connection, viewer: Viewer, when: date | datetime, *, site_id: str, worker_id: str
) -> dict[tuple[str, str, str], list[Any]]:
    """By worker, site and kind, the latest first; without what was taken back, or over before that day."""
    row, batch = test_orders.c, test_batches.c
    day = when.astimezone(UTC).date() if isinstance(when, datetime) else when
    before = datetime.combine(day, time(), UTC) - _DAYS_OF_ZONES
    query = (
        select(
            row.worker_id,
            row.kind,
            row.due_by,
            row.ordered_at,
            row.done_at,
            row.batch_id,
            batch.site_id,
            batch.why,
        )
        .join_from(test_orders, test_batches, batch.batch_id == row.batch_id)
        .where(
            in_scope(viewer, batch.site_id),
            row.cancelled_at.is_(None),
            or_(row.done_at.is_(None), row.done_at >= before, row.due_by > before),
        )
        .order_by(row.ordered_at.desc())
    )
    if site_id:
        query = query.where(batch.site_id == site_id)
    if worker_id:
        query = query.where(row.worker_id == worker_id)
    found: dict[tuple[str, str, str], list[Any]] = {}
    for one in connection.execute(query):
        found.setdefault((one.worker_id, one.site_id, one.kind), []).append(one)
    return found
