"""Whom to hold against the lists next: written where somebody registers, is changed or declares."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, literal, select, true

from sync.central.statements import insert_or, upsert
from sync.central.tables_lists import watch_queue, watch_visitor_queue
from sync.central.tables_phone import visitors


def ask(connection: Connection, worker_ids: Sequence[str], now: datetime) -> None:
    """Part of the caller's transaction; who waits already waits once."""
    upsert(connection, watch_queue, [{"worker_id": one, "asked_at": now} for one in sorted(worker_ids)])


def ask_visitor(connection: Connection, visitor_id: str, now: datetime) -> None:
    """As `ask`, for somebody who is not registered."""
    upsert(connection, watch_visitor_queue, [{"visitor_id": visitor_id, "asked_at": now}])


def ask_all_visitors(connection: Connection, now: datetime) -> None:
    """A list changed: everybody who ever declared, in one statement."""
    connection.execute(delete(watch_visitor_queue))
    everybody = select(visitors.c.visitor_id, literal(now, watch_visitor_queue.c.asked_at.type))
    asked = insert_or(connection, watch_visitor_queue).from_select(
        ["visitor_id", "asked_at"],
        everybody.where(true()),  # without it SQLite takes ON CONFLICT for a join
    )
    # Who declares at this moment waits already.
    connection.execute(asked.on_conflict_do_nothing())
