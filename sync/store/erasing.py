"""What goes here when somebody takes a consent back; functions of the caller's write transaction."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlite_utils import Database

from sync.erasure import ErasureItem, ErasureReceipt
from sync.people import ConsentWithdrawal, Enrolment
from sync.records import Worker, WorkerStatus
from sync.store.local_changes import SUBJECT
from sync.store.roster import read_workers, write_worker

FACE_PICTURES = ("photo", "training_picture")
"""Attachments that show a face: they go with the consent."""

KIOSK = "登记机 kiosk"


@dataclass(frozen=True, slots=True)
class ErasedHere:
    """What went; `persons`, `consents` and `papers` (scans) only with the whole record."""

    templates: int
    pictures: int
    persons: int = 0
    consents: int = 0
    papers: int = 0

    def receipt(self, withdrawal: ConsentWithdrawal, at: datetime) -> ErasureReceipt:
        """The kiosk's own part of the receipt."""
        counts = {name: count for name, count in asdict(self).items() if count} or {"templates": 0}
        return ErasureReceipt(
            receipt_id=withdrawal.withdrawal_id,
            worker_id=withdrawal.worker_id,
            requested_at=withdrawal.withdrawn_at,
            items=tuple(
                ErasureItem(place="kiosk", name=KIOSK, what=f"{name}: {count}", confirmed_at=at)
                for name, count in counts.items()
            ),
        )


def erase_face(db: Database, worker_id: str) -> ErasedHere:
    """Templates, pictures of the face, and the templates in notes that still wait for the centre."""
    templates = db.execute("DELETE FROM templates WHERE worker_id = ?", [worker_id]).rowcount
    db.execute("DELETE FROM staged_templates WHERE worker_id = ?", [worker_id])
    pictures = db.execute(
        "DELETE FROM attachments WHERE worker_id = ? AND kind IN (SELECT value FROM json_each(?))",
        [worker_id, json.dumps(FACE_PICTURES)],
    ).rowcount
    db.execute("UPDATE workers SET face_consent_on = NULL WHERE worker_id = ?", [worker_id])
    for item_id, enrolment in _waiting_enrolments(db, worker_id):
        if enrolment.templates:
            bare = enrolment.model_copy(update={"templates": ()})
            db.execute("UPDATE outbox SET payload = ? WHERE item_id = ?", [bare.model_dump_json(), item_id])
    return ErasedHere(int(templates), int(pictures))


def erase_record(db: Database, worker_id: str) -> ErasedHere:
    """The face and everything else but the number, which stays for the attendance with the status `left`."""
    face = erase_face(db, worker_id)
    gone = {
        table: int(db.execute(f"DELETE FROM {table} WHERE worker_id = ?", [worker_id]).rowcount)  # noqa: S608
        for table in ("people", "consents", "attachments")
    }
    (worker,) = read_workers(db, "WHERE worker_id = ?", [worker_id])
    nameless = Worker(worker_id=worker_id, name=worker_id, site_ids=worker.site_ids, status=WorkerStatus.LEFT)
    write_worker(db, nameless)
    # What the centre said of the worker waits here with the name; it answers the erasure with a bare record.
    db.execute("UPDATE local_changes SET entry = NULL WHERE worker_id = ?", [worker_id])
    # A reason may hold the name of a photo, which may hold that of a person.
    db.execute("UPDATE import_rows SET reason = '', next_step = '' WHERE worker_id = ?", [worker_id])
    for item_id, enrolment in _waiting_enrolments(db, worker_id):
        update = {"worker": nameless, "person": None, "consent": None, "templates": ()}
        bare = enrolment.model_copy(update=update)
        db.execute("UPDATE outbox SET payload = ? WHERE item_id = ?", [bare.model_dump_json(), item_id])
    return ErasedHere(face.templates, face.pictures, gone["people"], gone["consents"], gone["attachments"])


def _waiting_enrolments(db: Database, worker_id: str) -> list[tuple[int, Enrolment]]:
    rows = db.execute(
        "SELECT item_id, payload FROM outbox WHERE kind = 'enrolment' AND subject = ?",
        [f"{SUBJECT}{worker_id}"],
    ).fetchall()
    return [(item_id, Enrolment.model_validate_json(payload)) for item_id, payload in rows]
