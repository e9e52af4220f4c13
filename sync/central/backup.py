"""Backup and restore of the whole central database, from and to either kind of database.

A backup of SQLite is a copy that SQLite itself makes while others write (`VACUUM INTO`). A backup of
PostgreSQL is read in one consistent transaction into such a file. So every backup is one SQLite file, and any
backup can be restored to any database, which is also the way to move from SQLite to PostgreSQL.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Table, func, insert, literal_column, select, text, update
from sqlalchemy.exc import DBAPIError

from sync.central import tables
from sync.central.database import POSTGRESQL, SQLITE, Database, newest_revision
from sync.central.errors import BackupUnusable, DatabaseUnreachable
from sync.central.schema import metadata

ROWS_AT_ONCE = 1000

VERSIONS_SKIPPED = 1_000_000
"""Added to every roster version after a restore: gates may hold versions given out after the backup, and a
version never goes back. More changes than any site makes between two backups."""


def back_up(database: Database, file: Path) -> int:
    """Write a backup; returns its size in bytes. The file holds everything, faces too: its mode is 0600.

    Raises:
        BackupUnusable: the file exists already or cannot be written.
    """
    if file.exists():
        raise BackupUnusable(f"{file} exists already", next_step="name a new file, e.g. with the date in it")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".backup-") as folder:
            partial = Path(folder) / "backup.db"
            _write(database, partial)
            partial.chmod(0o600)
            _sync(partial)
            partial.replace(file)
            _sync(file.parent)
    except OSError as error:
        if isinstance(error, DatabaseUnreachable):
            raise
        raise BackupUnusable(
            f"the backup {file} cannot be written: {error.strerror}", next_step="check space and mode there"
        ) from error
    return file.stat().st_size


def restore(database: Database, file: Path) -> int:
    """Fill an empty, migrated database from a backup, in one transaction; returns the number of rows.

    Roster versions go on above any that was given out before, so that gates take what is restored.

    Raises:
        BackupUnusable: no backup, a damaged one, one of another version, or the database is not empty.
    """
    with _opened(file) as source, source.read() as old, database.write() as new:
        for table in metadata.sorted_tables:
            if new.execute(select(literal_column("1")).select_from(table).limit(1)).first():
                raise BackupUnusable(
                    f"the database {database.name} is not empty: {table.name} has rows",
                    next_step="restore into a new database: give another --database",
                )
        rows = sum(_copy(table, old, new) for table in metadata.sorted_tables)
        if database.dialect == POSTGRESQL:
            _go_on_numbering(new)
        new.execute(
            update(tables.sites).values(roster_version=tables.sites.c.roster_version + VERSIONS_SKIPPED)
        )
    return rows


def _write(database: Database, file: Path) -> None:
    if database.dialect == SQLITE:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            raw = connection.connection.driver_connection
            if raw is None:
                raise ValueError("a pooled connection without a driver's connection")
            raw.execute("VACUUM INTO ?", (str(file),))
        return
    with Database.open(f"sqlite:///{file}") as target, database.read() as old, target.write() as new:
        for table in metadata.sorted_tables:
            _copy(table, old, new)


def _opened(file: Path) -> Database:
    if not file.is_file():
        raise BackupUnusable(f"there is no backup {file}", next_step="check the path")
    backup: Database | None = None
    try:
        backup = Database.read_only(file)
        with backup.read() as connection:
            sound = connection.execute(text("PRAGMA integrity_check")).scalar_one()
            revision = MigrationContext.configure(connection).get_current_revision()
    except (DatabaseUnreachable, DBAPIError) as error:
        if backup is not None:
            backup.close()
        raise BackupUnusable(f"{file} is no backup of the centre", next_step="check the file") from error
    if sound != "ok" or revision != newest_revision():
        backup.close()
        why = "is damaged" if sound != "ok" else f"is of version {revision or 'unknown'}"
        raise BackupUnusable(
            f"the backup {file} {why}",
            next_step="use another backup, or the version of Sitegate it was made with, and upgrade then",
        )
    return backup


def _copy(table: Table, old: Connection, new: Connection) -> int:
    copied = 0
    for rows in _pages(table, old):
        new.execute(insert(table), rows)
        copied += len(rows)
    return copied


def _pages(table: Table, old: Connection) -> Iterator[list[dict[str, Any]]]:
    """Rows in order of the primary key, so that memory stays small however large the table is."""
    keys: Sequence[Any] = list(table.primary_key)
    result = old.execution_options(yield_per=ROWS_AT_ONCE).execute(select(table).order_by(*keys))
    for part in result.mappings().partitions():
        yield [dict(row) for row in part]


def _go_on_numbering(connection: Connection) -> None:
    """Rows came with their numbers; the sequences behind them have to follow."""
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None and column.autoincrement is True:
            highest = connection.scalar(select(func.max(column)))
            connection.execute(
                select(
                    func.setval(
                        func.pg_get_serial_sequence(table.name, column.name),
                        highest or 1,
                        highest is not None,
                    )
                )
            )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
