"""The statements that SQLite and PostgreSQL spell alike but SQLAlchemy keeps per dialect."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    Executable,
    Table,
    any_,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")

CHUNK = 500
"""Ids or rows per statement: few round trips, and no statement past what either database takes."""


def insert_or(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that has `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return insert_for(connection.dialect.name, table)


def insert_for(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """As `insert_or`, for a statement that is built once and kept."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def upsert(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, keep: Iterable[str] = ()
) -> None:
    """Insert rows; where the primary key is there already, replace all columns but those in `keep`."""
    if rows:
        statement = _upsert(connection.dialect.name, table, tuple(rows[0]), frozenset(keep))
        connection.execute(statement, [dict(row) for row in rows])


@functools.cache
def _upsert(dialect: str, table: Table, names: tuple[str, ...], keep: frozenset[str]) -> Executable:
    """Built once: on the way of every enrolment and declaration."""
    statement = insert_for(dialect, table)
    keys = [column.name for column in table.primary_key]
    changes = {name: statement.excluded[name] for name in names if name not in {*keys, *keep}}
    if not changes:
        return statement.on_conflict_do_nothing(index_elements=keys)
    return statement.on_conflict_do_update(index_elements=keys, set_=changes)


def insert_unless_there(connection: Connection, id_column: Column[str], row: Mapping[str, Any]) -> bool:
    """Whether the row was inserted; False where a unique index has another, waiting for one being written."""
    statement = _insert_unless_there(connection.dialect.name, id_column)
    return connection.execute(statement, row).first() is not None


@functools.cache
def _insert_unless_there(dialect: str, id_column: Column[str]) -> Executable:
    """Built once, like `_upsert`."""
    return insert_for(dialect, id_column.table).on_conflict_do_nothing().returning(id_column)


def insert_new(
    connection: Connection, table: Table, unique: Column[str], rows: Sequence[Mapping[str, Any]]
) -> set[str]:
    """Insert the rows whose `unique` is not there yet; returns the values of `unique` that are new."""
    if not rows:
        return set()
    if connection.dialect.name == "sqlite":
        plain = sqlite.insert(table).on_conflict_do_nothing(index_elements=[unique]).returning(unique)
        return {
            one for some in chunks(rows) for one in connection.scalars(plain, [dict(row) for row in some])
        }
    # One array per column instead of one parameter per value: a third of the work at both ends.
    names = list(rows[0])
    values = [func.unnest(bindparam(name, type_=ARRAY(table.c[name].type))) for name in names]
    statement = (
        postgresql.insert(table)
        .from_select(names, select(*values))
        # Without naming the index: on a table by months it holds the month's column too (docs/scale.md).
        .on_conflict_do_nothing()
        .returning(unique)
    )
    return set(connection.scalars(statement, {name: [row[name] for row in rows] for name in names}))


def among(connection: Connection, column: Column[T], values: Sequence[T]) -> ColumnElement[bool]:
    """`column IN values` as one parameter: thousands of them cost more than the search."""
    if connection.dialect.name == "sqlite":
        listed = func.json_each(bindparam(None, json.dumps(values))).table_valued("value")
        return column.in_(select(listed.c.value))
    return column == any_(bindparam(None, list(values), type_=ARRAY(column.type)))


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Pieces of at most `CHUNK`."""
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
