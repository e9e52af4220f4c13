"""Workers that were changed here and not yet at the centre: what the centre says of them waits so long.

Without this, a roster that was on its way would undo what somebody just did at the kiosk: unblock a blocked
worker, or bring back the templates of somebody who withdrew the consent. Flags are never held up. Each
function is part of the caller's write transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sqlite_utils import Database

from sync.records import Record, Template, Worker
from sync.store.roster import log_change, read_workers, replace_templates, write_flags, write_worker
from sync.wire.templates import Templates

SUBJECT = "worker:"
"""Notes about one worker share the subject `worker:<id>`."""


class _Entry(Record):
    """`local_changes.entry`: what the centre said last."""

    worker: Worker
    templates: Templates


def begin(db: Database, worker_id: str, *, erases: bool = False) -> None:
    """A note about the worker is queued; call it before the worker is changed.

    erases  the face was taken away: no template may come back, whatever becomes of the note
    """
    row = db.execute("SELECT 1 FROM local_changes WHERE worker_id = ?", [worker_id]).fetchone()
    if row is None:
        db.execute(
            "INSERT INTO local_changes (worker_id, erases, entry) VALUES (?, ?, ?)",
            [worker_id, erases, _centre_s_state(db, worker_id)],
        )
    db.execute(
        "UPDATE local_changes SET waits_for = NULL, erases = erases OR ? WHERE worker_id = ?",
        [erases, worker_id],
    )
    if erases:
        _without_templates(db, worker_id)


def hold(db: Database, worker: Worker, templates: Sequence[Template]) -> bool:
    """Keep back what the centre says of a worker who was changed here; False where nobody changed him.

    The flags count at once.
    """
    row = db.execute("SELECT erases FROM local_changes WHERE worker_id = ?", [worker.worker_id]).fetchone()
    if row is None:
        return False
    kept = _captured_since(db, worker.worker_id, templates) if row[0] else templates
    db.execute(
        "UPDATE local_changes SET entry = ? WHERE worker_id = ?", [_entry(worker, kept), worker.worker_id]
    )
    if db.execute("SELECT 1 FROM workers WHERE worker_id = ?", [worker.worker_id]).fetchone():
        write_flags(db, worker)
    return True


def changed_here(db: Database) -> set[str]:
    """Ids of the workers for whom the centre's word waits."""
    return {worker_id for (worker_id,) in db.execute("SELECT worker_id FROM local_changes").fetchall()}


def forget(db: Database, worker_ids: Iterable[str]) -> None:
    """The centre removed these workers: nothing is left to wait for."""
    db.execute(
        "DELETE FROM local_changes WHERE worker_id IN (SELECT value FROM json_each(?))",
        [json.dumps(list(worker_ids))],
    )


def answered(db: Database, subjects: Iterable[str], roster_version: int) -> None:
    """The centre took or refused notes; what it made of them is in the roster of that version (or before)."""
    worker_ids = [one.removeprefix(SUBJECT) for one in subjects if one.startswith(SUBJECT)]
    db.execute(
        "UPDATE local_changes SET waits_for = max(coalesce(waits_for, 0), ?) "
        "WHERE worker_id IN (SELECT value FROM json_each(?))",
        [roster_version, json.dumps(worker_ids)],
    )


def settle(db: Database, replica_version: int) -> list[str]:
    """Take over what waited for workers whose notes are all answered; ids of those who changed."""
    rows = db.execute(
        "SELECT worker_id, entry FROM local_changes WHERE waits_for <= ? AND NOT EXISTS ("
        "SELECT 1 FROM outbox WHERE subject = ? || worker_id AND parked_reason IS NULL)",
        [replica_version, SUBJECT],
    ).fetchall()
    changed = []
    for worker_id, entry in rows:
        if entry is not None:
            told = _Entry.model_validate_json(entry)
            write_worker(db, told.worker)
            replace_templates(db, worker_id, told.templates)
            changed.append(worker_id)
    forget(db, [worker_id for worker_id, _ in rows])
    if changed:
        log_change(db, changed)
    return changed


def _centre_s_state(db: Database, worker_id: str) -> str | None:
    """What the centre last said, to go back to where it refuses the change; None for a worker of our own."""
    if not db.execute("SELECT 1 FROM replica WHERE worker_id = ?", [worker_id]).fetchone():
        return None
    (worker,) = read_workers(db, "WHERE worker_id = ?", [worker_id])
    rows = db["templates"].rows_where("worker_id = ?", [worker_id], order_by="rowid")
    return _entry(worker, [Template.model_validate(row) for row in rows])


def _captured_since(db: Database, worker_id: str, templates: Sequence[Template]) -> list[Template]:
    """After a face was erased here only the one that was captured anew counts, which is here."""
    here = db.execute("SELECT template_id FROM templates WHERE worker_id = ?", [worker_id]).fetchall()
    return [one for one in templates if (one.template_id,) in here]


def _without_templates(db: Database, worker_id: str) -> None:
    (entry,) = db.execute("SELECT entry FROM local_changes WHERE worker_id = ?", [worker_id]).fetchone()
    if entry is not None:
        db.execute(
            "UPDATE local_changes SET entry = ? WHERE worker_id = ?",
            [_entry(_Entry.model_validate_json(entry).worker, ()), worker_id],
        )


def _entry(worker: Worker, templates: Sequence[Template]) -> str:
    return _Entry(worker=worker, templates=tuple(templates)).model_dump_json()
