"""Numbers of somebody who was registered twice, once the two records have become one.

Every function takes an open connection and is part of its transaction.
"""

from __future__ import annotations

from sqlalchemy import Connection, or_, select

from sync.central import tables
from sync.central.tables_people import duplicates


def merged_into(connection: Connection, worker_id: str) -> str | None:
    """The number that stayed, where this one was merged into another."""
    stays: str | None = connection.scalar(
        select(duplicates.c.merged_into)
        .where(
            or_(duplicates.c.worker_id == worker_id, duplicates.c.other_worker_id == worker_id),
            duplicates.c.merged_into.is_not(None),
            duplicates.c.merged_into != worker_id,
        )
        .limit(1)
    )
    return stays


def earlier_numbers(connection: Connection, worker_id: str) -> list[str]:
    """The numbers that were merged into this one, also by way of another; not those given out again."""
    found, last = set[str](), {worker_id}
    while last:
        pairs = connection.execute(select(duplicates).where(duplicates.c.merged_into.in_(last))).all()
        both = {one for row in pairs for one in (row.worker_id, row.other_worker_id)}
        last = both - found - last - {worker_id}
        found |= last
    workers = tables.workers.c.worker_id
    given_out = set(connection.scalars(select(workers).where(workers.in_(found))))
    return sorted(found - given_out)
