"""Training records on their way into the registry: checked, kept as they were signed, granted.

A record is taken when its signature fits, what it says holds together, and it follows the record before it
of the same key. Records that are missing in between are reported (`training_office.py`), not guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, insert, select

from sync.central import registry, tables
from sync.central.notes import NoteContext, NoteRefused
from sync.central.tables_training import training_records
from sync.clearances import longest_clearances
from sync.training.errors import RecordTampered
from sync.training.record import FIRST_PREVIOUS, SignedTraining, TrainingRecord, verify

CENTRE = "centre"
"""Stands for the kiosk in records of training on phones."""

OTHER_SENDER = "the record names another site or kiosk"
FORKED = "another record has this number in the chain of its key"
BROKEN = "the record does not follow the one before it of the same key"
FOREIGN_KEY = "signed with the key of another gate"


def take_training(connection: Connection, context: NoteContext, text: str) -> Mapping[str, int]:
    """The handler of the kind `training`. Raises NoteRefused."""
    signed = SignedTraining.model_validate_json(text)
    try:
        record = verify(signed)
    except RecordTampered as error:
        raise NoteRefused(str(error)) from error
    said = (record.record_id, record.site_id, record.kiosk_id)
    if said != (context.record_id, context.site_id, context.gate_id):
        raise NoteRefused(OTHER_SENDER)
    owner = _owner_of(connection, signed.public_key)
    if owner is not None and owner != (context.site_id, context.gate_id):
        raise NoteRefused(FOREIGN_KEY)
    return keep(connection, signed, record, key_registered=owner is not None, now=context.received_at)


def keep(
    connection: Connection,
    signed: SignedTraining,
    record: TrainingRecord,
    *,
    key_registered: bool,
    now: datetime,
) -> dict[str, int]:
    """Put a verified record at its place in the chain and grant what it grants; roster versions by site.

    Raises NoteRefused: it does not fit into the chain.
    """
    _require_place(connection, signed)
    connection.execute(
        insert(training_records).values(
            public_key=signed.public_key,
            key_registered=key_registered,
            number=signed.number,
            hash=signed.hash,
            signed=signed.model_dump_json(),
            received_at=now,
            result=record.result.value,
            **record.model_dump(
                include={
                    "record_id",
                    "site_id",
                    "kiosk_id",
                    "token",
                    "worker_id",
                    "worker_name",
                    "course_id",
                    "course_version",
                    "course_title_zh",
                    "course_title_en",
                    "kind",
                    "score_percent",
                    "seconds_seen",
                    "started_at",
                    "ended_at",
                    "valid_until",
                }
            ),
        )
    )
    return _grant(connection, record, now)


def _grant(connection: Connection, record: TrainingRecord, now: datetime) -> dict[str, int]:
    """A kiosk speaks for the workers of its own site; a record of somebody else grants nothing here."""
    clearance = record.clearance()
    worker = registry.held(connection, record.worker_id)
    if clearance is None or worker is None or record.site_id not in worker.site_ids:
        return {}
    clearances = longest_clearances(worker.clearances, (clearance,))
    if clearances == worker.clearances:
        return {}
    return registry.put_worker(connection, worker.model_copy(update={"clearances": clearances}), now=now)


def _require_place(connection: Connection, signed: SignedTraining) -> None:
    table = training_records.c
    near = connection.execute(
        select(table.number, table.hash, table.signed).where(
            table.public_key == signed.public_key,
            table.number.in_([signed.number - 1, signed.number, signed.number + 1]),
        )
    ).all()
    by_number = {row.number: row for row in near}
    if signed.number in by_number:
        raise NoteRefused(FORKED)
    before, after = by_number.get(signed.number - 1), by_number.get(signed.number + 1)
    if signed.number == 1 and signed.previous != FIRST_PREVIOUS:
        raise NoteRefused(BROKEN)
    if before is not None and before.hash != signed.previous:
        raise NoteRefused(BROKEN)
    if after is not None and SignedTraining.model_validate_json(after.signed).previous != signed.hash:
        raise NoteRefused(BROKEN)


def _owner_of(connection: Connection, public_key: str) -> tuple[str, str] | None:
    """Which gate has this key."""
    gates = tables.gates.c
    row = connection.execute(
        select(gates.site_id, gates.gate_id).where(gates.public_key == bytes.fromhex(public_key))
    ).first()
    return None if row is None else (row.site_id, row.gate_id)
