"""The statements that SQLite and PostgreSQL spell alike but SQLAlchemy keeps per dialect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

CHUNK = 500
"""Ids per `IN (...)`, so that no statement grows past what either database takes."""


def insert_or(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that has `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def upsert(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, keep: Iterable[str] = ()
) -> None:
    """Insert rows; where the primary key is there already, replace all columns but those in `keep`."""
    if not rows:
        return
    statement = insert_or(connection, table)
    keys = [column.name for column in table.primary_key]
    left = {*keys, *keep}
    changes = {name: statement.excluded[name] for name in rows[0] if name not in left}
    connection.execute(
        statement.on_conflict_do_update(index_elements=keys, set_=changes)
        if changes
        else statement.on_conflict_do_nothing(index_elements=keys),
        [dict(row) for row in rows],
    )


def chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """Pieces of at most `CHUNK`."""
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
