"""Orders of tests and results as they are kept, and how orders stand by the results."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, select, update

from sync.central.declarations import site_zone
from sync.central.statements import chunks
from sync.central.tables_tests import test_batches, test_orders, test_results
from sync.clearance_rules import Result, day_of, end_of_day

State = tuple[Any, datetime | None, datetime | None]
"""An order, when it was done, and since when it is cancelled."""


def states_of(latest_first: Sequence[Any], own: Sequence[Result], days: Days, now: datetime) -> list[State]:
    """How one person's orders of a kind stand by all of the results; what is cancelled stays so."""
    found: list[State] = []
    is_taken = False
    for row in latest_first:
        done_at, cancelled_at = None, row.cancelled_at
        if cancelled_at is None:
            begin = days.begin(row.site_id, row.ordered_at)
            done_at = min((one.done_at for one in own if one.done_at >= begin), default=None)
            if done_at is None and is_taken:
                cancelled_at = now  # a later order is open: one is enough
            elif done_at is None:
                is_taken = True
        found.append((row, done_at, cancelled_at))
    return found


def put_states(connection: Connection, states: Iterable[State], *, to: str = "") -> None:
    """Write what is not so already. With `to` all of them become orders of that worker."""
    news = [
        {"id": row.order_id, "worker": to or row.worker_id, "done": done_at, "cancelled": cancelled_at}
        for row, done_at, cancelled_at in states
        if (row.worker_id, row.done_at, row.cancelled_at) != (to or row.worker_id, done_at, cancelled_at)
    ]
    if news:
        # Closed ones first: of one kind only one may be open.
        news.sort(key=lambda one: one["done"] is None and one["cancelled"] is None)
        connection.execute(
            update(test_orders)
            .where(test_orders.c.order_id == bindparam("id"))
            .values(worker_id=bindparam("worker"))
            .values(done_at=bindparam("done"), cancelled_at=bindparam("cancelled")),
            news,
        )


class Days:
    """When the day of a moment began at a site; zones are read once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._zones: dict[str, ZoneInfo] = {}

    def begin(self, site_id: str, at: datetime) -> datetime:
        """Raises UnknownSite."""
        if site_id not in self._zones:
            self._zones[site_id] = site_zone(self._connection, site_id)
        zone = self._zones[site_id]
        return end_of_day(day_of(at, zone) - timedelta(days=1), zone)


def results_of(connection: Connection, kind: str, worker_ids: Sequence[str]) -> dict[str, list[Result]]:
    """By worker, in any order."""
    row = test_results.c
    found: dict[str, list[Result]] = defaultdict(list)
    for some in chunks(worker_ids):
        query = select(row.worker_id, row.result_id, row.result, row.done_at, row.valid_until).where(
            row.worker_id.in_(some), row.kind == kind
        )
        for worker_id, *rest in connection.execute(query):
            found[worker_id].append(Result(*rest))
    return found


def orders_of(connection: Connection, kind: str, worker_ids: Sequence[str]) -> dict[str, list[Any]]:
    """By worker, the latest first; with the site of the batch and what it does at the gates."""
    row = test_orders.c
    found: dict[str, list[Any]] = defaultdict(list)
    for some in chunks(worker_ids):
        query = (
            select(test_orders, test_batches.c.site_id, test_batches.c.at_gate)
            .join_from(test_orders, test_batches, test_batches.c.batch_id == row.batch_id)
            .where(row.worker_id.in_(some), row.kind == kind)
            .order_by(row.ordered_at.desc(), row.order_id)
        )
        for one in connection.execute(query):
            found[one.worker_id].append(one)
    return found
