"""What goes and what stays of somebody whose whole record is erased: docs/decisions/erasure.md says why.

Every table whose rows hang on a worker (`ON DELETE CASCADE`) is emptied of that worker without being named
here. Named are the tables that outlive a worker. Part of the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Table, delete, func, select, update

from sync.central import tables
from sync.central.schema import metadata
from sync.central.tables_declarations import declarations, declared_stays, trips
from sync.central.tables_lists import watch_queue
from sync.central.tables_lodging import bus_riders, check_entries, check_photos, stays
from sync.central.tables_training import training_records, training_sessions

_WRITTEN_ANEW = {tables.worker_sites.name}
"""Of the number that stays: the roster's log needs it to tell every site."""

_DELETED: tuple[Table, ...] = (trips, declared_stays, declarations, training_sessions, watch_queue)

_NO_RIDER: Mapping[str, object] = {
    "phone": "",
    "document_type": "",
    "document_sealed": None,
    "document_hash": None,
    "temperature_c": None,
    "highest_c": None,
}
_NOT_MET: Mapping[str, object] = {"temperature_c": None, "symptoms": "", "contacts": "", "remarks": ""}
_NAMED: tuple[tuple[Table, str, Mapping[str, object]], ...] = (
    (stays, "name", {"phone": ""}),
    (check_entries, "name", _NOT_MET),
    (bus_riders, "name", _NO_RIDER),
    (training_records, "worker_name", {}),
)
"""Rows that stay with the number in the place of the name, and what of them is emptied."""

TRAINING_KEPT = "training records kept by law: {}"


def forget(connection: Connection, numbers: Sequence[str]) -> list[str]:
    """Erase what a worker declared and what others noted of them; in words, what went and what stays.

    numbers  all that the one worker has or had
    """
    told, trained = (_held(connection, table, numbers) for table in (declarations, training_records))
    for table in (*hanging(), *_DELETED):
        connection.execute(delete(table).where(table.c.worker_id.in_(numbers)))
    met = select(check_entries.c.entry_id).where(check_entries.c.worker_id.in_(numbers))
    connection.execute(delete(check_photos).where(check_photos.c.entry_id.in_(met)))
    for table, name, emptied in _NAMED:
        values = {name: table.c.worker_id, **emptied}
        connection.execute(update(table).where(table.c.worker_id.in_(numbers)).values(values))
    said = [f"declarations: {told}"] if told else []
    return [*said, TRAINING_KEPT.format(trained)] if trained else said


def hanging() -> list[Table]:
    """The tables whose rows the database would delete with the worker."""
    return [
        table
        for table in reversed(metadata.sorted_tables)
        if table.name not in _WRITTEN_ANEW
        for key in table.foreign_keys
        if key.column is tables.workers.c.worker_id and key.ondelete == "CASCADE"
    ]


def touched() -> list[str]:
    """The tables that `forget` changes, by name."""
    return sorted({one.name for one in (*hanging(), *_DELETED, check_photos, *(row[0] for row in _NAMED))})


def _held(connection: Connection, table: Table, numbers: Sequence[str]) -> int:
    query = select(func.count()).select_from(table).where(table.c.worker_id.in_(numbers))
    return connection.scalar(query) or 0
