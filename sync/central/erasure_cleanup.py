"""What was deleted at the centre is overwritten in its files too, soon after, off the thread of the events.

SQLite deletes with zeros (`secure_delete`), but the write-ahead log keeps the old pages until it is folded
in. PostgreSQL keeps deleted rows until they are vacuumed; its own log, and what a disk keeps of overwritten
blocks, are the machine's to protect (an encrypted disk).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, text

from sync.central import erasure_rows, erasures
from sync.central.database import BUSY_TIMEOUT_MS, SQLITE, Database
from sync.central.tables_people import erasure_items

_EMPTIED = ("roster_log", "duplicates", "workers", "alerts")
_BUSY_MS = 200
"""A long reader may hold SQLite's checkpoint up; then writers are not made to wait for it too."""


def clean_up(database: Database, now: datetime) -> int:
    """Overwrite what was deleted, if anything waits for it, and confirm; how many erasures that was."""
    item = erasure_items.c
    with database.read() as connection:
        waiting = connection.scalars(
            select(item.erasure_id).where(
                item.place == erasures.CENTRE,
                item.what == erasures.DELETED_ROWS,
                item.confirmed_at.is_(None),
            )
        ).all()
    if not waiting or not _overwrite(database):
        return 0
    with database.write() as connection:
        erasures.centre_forgot(connection, erasures.DELETED_ROWS, waiting, now)
    return len(waiting)


def _overwrite(database: Database) -> bool:
    """False where somebody is in the way."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if database.dialect != SQLITE:
            connection.execute(text(f"VACUUM {', '.join(sorted({*_EMPTIED, *erasure_rows.touched()}))}"))
            return True
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {_BUSY_MS}")
        try:
            busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    return not busy
