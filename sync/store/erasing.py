"""What goes here when somebody takes a consent back; functions of the caller's write transaction.

Told here or at another place: an erasure that the centre's roster brings takes along what this store has.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlite_utils import Database

from sync.erasure import FACE, ErasureItem, ErasureReceipt, nameless
from sync.people import ConsentWithdrawal, Enrolment
from sync.records import WorkerStatus
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
    """Templates and pictures of the face, also in drafts, questions and notes that wait for the centre."""
    templates = db.execute("DELETE FROM templates WHERE worker_id = ?", [worker_id]).rowcount
    db.execute("DELETE FROM staged_templates WHERE worker_id = ?", [worker_id])
    pictures = db.execute(
        "DELETE FROM attachments WHERE worker_id = ? AND kind IN (SELECT value FROM json_each(?))",
        [worker_id, json.dumps(FACE_PICTURES)],
    ).rowcount
    db.execute("UPDATE workers SET face_consent_on = NULL WHERE worker_id = ?", [worker_id])
    db.execute(
        "DELETE FROM enrolment_drafts WHERE json_extract(record, '$.worker.worker_id') = ?", [worker_id]
    )
    db.execute(
        "DELETE FROM asks WHERE iif(json_valid(body), json_extract(body, '$.worker_id'), NULL) = ?",
        [worker_id],
    )
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
    db.execute("DELETE FROM training_sessions WHERE worker_id = ?", [worker_id])
    db.execute("DELETE FROM filled_forms WHERE subject = ?", [f"declared:{worker_id}"])
    (worker,) = read_workers(db, "WHERE worker_id = ?", [worker_id])
    bare_worker = nameless(worker_id, worker.site_ids)
    write_worker(db, bare_worker)
    # What the centre said of the worker waits here with the name; it answers the erasure with a bare record.
    db.execute("UPDATE local_changes SET entry = NULL WHERE worker_id = ?", [worker_id])
    # A reason may hold the name of a photo, which may hold that of a person.
    db.execute("UPDATE import_rows SET reason = '', next_step = '' WHERE worker_id = ?", [worker_id])
    for item_id, enrolment in _waiting_enrolments(db, worker_id):
        update = {"worker": bare_worker, "person": None, "consent": None, "templates": ()}
        bare = enrolment.model_copy(update=update)
        db.execute("UPDATE outbox SET payload = ? WHERE item_id = ?", [bare.model_dump_json(), item_id])
    return ErasedHere(face.templates, face.pictures, gone["people"], gone["consents"], gone["attachments"])


def follow_the_centre(db: Database, worker_ids: Sequence[str], now: datetime) -> bool:
    """Erase what belongs to faces and records that the roster just lost; whether there was anything.

    worker_ids  who changed by the centre's word; of somebody who was changed here it waits
    """
    ids = json.dumps(list(worker_ids))
    faceless = db.execute(
        "SELECT changed.value FROM json_each(:ids) AS changed LEFT JOIN workers ON worker_id = value "
        "WHERE face_consent_on IS NULL AND value NOT IN (SELECT worker_id FROM local_changes) "
        "AND NOT EXISTS (SELECT 1 FROM templates WHERE templates.worker_id = value) AND ("
        "  EXISTS (SELECT 1 FROM attachments WHERE attachments.worker_id = value"
        "    AND kind IN (SELECT kinds.value FROM json_each(:pictures) AS kinds))"
        "  OR workers.worker_id IS NOT NULL AND EXISTS (SELECT 1 FROM consents"
        "    WHERE consents.worker_id = changed.value AND kind = :face AND withdrawn_at IS NULL"
        "    AND json_extract(record, '$.granted')))",
        {"ids": ids, "pictures": json.dumps(FACE_PICTURES), "face": FACE},
    ).fetchall()
    for (worker_id,) in faceless:
        erase_face(db, worker_id)
        db.execute(
            "UPDATE consents SET withdrawn_at = ? WHERE worker_id = ? AND kind = ? AND withdrawn_at IS NULL "
            "AND EXISTS (SELECT 1 FROM workers WHERE workers.worker_id = consents.worker_id)",
            [now.isoformat(), worker_id, FACE],
        )
    bare = read_workers(
        db,
        "WHERE name = worker_id AND status = ? AND worker_id IN (SELECT value FROM json_each(?)) "
        "AND worker_id NOT IN (SELECT worker_id FROM local_changes) "
        "AND (worker_id IN (SELECT worker_id FROM people) OR worker_id IN (SELECT worker_id FROM consents) "
        "OR worker_id IN (SELECT worker_id FROM attachments))",
        [WorkerStatus.LEFT.value, ids],
    )
    erased = [one for one in bare if one == nameless(one.worker_id, one.site_ids)]
    for worker in erased:
        erase_record(db, worker.worker_id)
    return bool(faceless or erased)


def _waiting_enrolments(db: Database, worker_id: str) -> list[tuple[int, Enrolment]]:
    rows = db.execute(
        "SELECT item_id, payload FROM outbox WHERE kind = 'enrolment' AND subject = ?",
        [f"{SUBJECT}{worker_id}"],
    ).fetchall()
    return [(item_id, Enrolment.model_validate_json(payload)) for item_id, payload in rows]
