"""Two records of one person become one: their results and orders as if all had been under one number.

Every function is part of the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from sync.central import health
from sync.central.order_states import Days, orders_of, put_states, results_of, states_of
from sync.central.tables_tests import test_orders, test_results
from sync.clearance_rules import ClearanceRules, with_results
from sync.records import Clearance


def contradiction(connection: Connection, worker_id: str, other_worker_id: str) -> str | None:
    """A kind of which the two have different results of one moment; None where there is none."""
    row, other = test_results.c, test_results.alias().c
    found: str | None = connection.scalar(
        select(row.kind)
        .where(row.worker_id == worker_id, other.worker_id == other_worker_id)
        .where(other.kind == row.kind, other.done_at == row.done_at, other.result != row.result)
        .limit(1)
    )
    return found


def hand_on(connection: Connection, worker_id: str, to: str, *, now: datetime) -> None:
    """Two records of one person become one: results and orders as if all had been of `to` from the start.

    A result that stands under both numbers counts once, and so does an order that was given while the other
    number had an open one of the kind. The two have no contradicting results; entries of the pass are handed
    on already. The caller settles the one that stays (`tests_due.settle`).
    """
    row, other = test_results.c, test_results.alias().c
    doubles = connection.execute(
        select(row.result_id, row.entered_at, other.result_id, other.entered_at)
        .where(row.worker_id == worker_id, other.worker_id == to)
        .where(other.kind == row.kind, other.done_at == row.done_at)
    ).all()
    for ours, our_entry, theirs, their_entry in doubles:
        later = theirs if our_entry < their_entry else ours
        connection.execute(delete(test_results).where(row.result_id == later))
        health.withdraw(connection, f"test:{later}", now=now)
    connection.execute(update(test_results).where(row.worker_id == worker_id).values(worker_id=to))
    days = Days(connection)
    of_both = test_orders.c.worker_id.in_([worker_id, to])
    for kind in connection.scalars(select(test_orders.c.kind).where(of_both).distinct()).all():
        _cancel_needless(connection, kind, worker_id, to, days, now)
        orders = orders_of(connection, kind, [worker_id, to])
        latest_first = sorted([*orders[to], *orders[worker_id]], key=lambda one: one.ordered_at, reverse=True)
        own = results_of(connection, kind, [to]).get(to, [])
        put_states(connection, states_of(latest_first, own, days, now), to=to)


def with_results_of(
    connection: Connection, rules: ClearanceRules, worker_id: str, held: Sequence[Clearance]
) -> tuple[Clearance, ...]:
    """What is left of these clearances, and what comes to them, by the results of a worker."""
    for kind in rules.with_results:
        held = with_results(held, kind, results_of(connection, kind.kind, [worker_id]).get(worker_id, ()))
    return tuple(held)


def _cancel_needless(
    connection: Connection, kind: str, worker_id: str, to: str, days: Days, now: datetime
) -> None:
    """Orders of either that would not have been given, had the open one of the other number been known."""
    row = test_results.c
    here = (row.worker_id == to, row.kind == kind)
    results = connection.execute(select(row.done_at, row.entered_at).where(*here)).all()
    orders = orders_of(connection, kind, [worker_id, to])

    def was_open(one: Any, at: datetime) -> bool:
        begin = days.begin(one.site_id, one.ordered_at)
        is_done = any(known.done_at >= begin and known.entered_at <= at for known in results)
        return not is_done and (one.cancelled_at is None or one.cancelled_at > at)

    given: list[Any] = []
    needless: list[str] = []
    in_order = sorted([*orders[to], *orders[worker_id]], key=lambda one: one.ordered_at)
    for one in in_order:
        if any(before.worker_id != one.worker_id and was_open(before, one.ordered_at) for before in given):
            needless.append(one.order_id)
        else:
            given.append(one)
    ours = test_orders.c
    connection.execute(
        update(test_orders)
        .where(ours.order_id.in_(needless), ours.cancelled_at.is_(None))
        .values(done_at=None, cancelled_at=now)
    )
