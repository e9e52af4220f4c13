"""Two transactions that meet, on PostgreSQL: SQLite has one writer at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Connection, text

from sync.central.database import Database
from tests.sync.central.gate_client import PATIENCE_S, until

Work = Callable[[Connection], Any]

_WAITS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def meanwhile(database: Database, first: Work, second: Work) -> Any:
    """What `second` returns, begun when `first` was done but not yet committed.

    `first` is committed when `second` has ended, or waits for it.
    """

    def work() -> Any:
        with database.write() as connection:
            return second(connection)

    def has_met() -> bool:
        with database.read() as connection:
            return begun.done() or bool(connection.scalar(_WAITS))

    with ThreadPoolExecutor(1) as pool:
        with database.write() as connection:
            first(connection)
            begun = pool.submit(work)
            until(has_met, what="the other writer")
        return begun.result(PATIENCE_S)
