"""Whom to hold against the lists next: written where somebody registers, is changed or declares."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Executable
from sqlalchemy.dialects import postgresql, sqlite

from sync.central.tables_lists import watch_queue


def ask(connection: Connection, worker_ids: Sequence[str], now: datetime) -> None:
    """Part of the caller's transaction; who waits already waits once."""
    if worker_ids:
        rows = [{"worker_id": one, "asked_at": now} for one in sorted(worker_ids)]
        connection.execute(_ask(connection.dialect.name), rows)


@functools.cache
def _ask(dialect: str) -> Executable:
    """Built once: on the way of every declaration."""
    statement = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(watch_queue)
    return statement.on_conflict_do_update(
        index_elements=["worker_id"], set_={"asked_at": statement.excluded.asked_at}
    )
