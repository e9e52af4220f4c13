"""People behind the workers, their consents and pictures: what only the kiosk keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from sync.erasure import FACE, WHOLE_RECORD
from sync.errors import UnknownWorker
from sync.people import FILE_FLAG_ID, Attachment, Consent, ConsentWithdrawal, Enrolment, Person
from sync.records import Flag, Worker
from sync.store.erasing import ErasedHere, erase_face, erase_record
from sync.store.local_changes import SUBJECT
from sync.store.notes import Notes
from sync.store.roster import (
    Roster,
    check_templates,
    log_change,
    read_workers,
    replace_templates,
    write_worker,
)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A withdrawal that was made here, and what went with it."""

    withdrawal: ConsentWithdrawal
    erased: ErasedHere


@dataclass(frozen=True, slots=True)
class GivenConsent:
    """A consent or a refusal, and when it was taken back."""

    consent: Consent
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class AuditLine:
    """Who did or looked at what at the kiosk."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]


class People(Roster, Notes):
    """The people's side of `LocalStore`; every call is one transaction."""

    def enrol(self, enrolment: Enrolment, *, attachments: Sequence[Attachment] = ()) -> None:
        """Register or change a worker with everything that belongs to it, and queue it for the centre.

        Raises:
            RecordInvalid: a template that is not what it should be; nothing was kept.
            StoreFull: the space that is left is kept for events.
        """
        check_templates(enrolment.worker.worker_id, enrolment.templates or ())
        self._leave_room_for_events()
        with self._connections.write() as db:
            self._write_enrolments(db, [enrolment])
            for attachment in attachments:
                _write_attachment(db, attachment)

    def enrol_many(self, enrolments: Sequence[Enrolment]) -> None:
        """Several enrolments as `enrol` does one: all or none, as one roster version."""
        for enrolment in enrolments:
            check_templates(enrolment.worker.worker_id, enrolment.templates or ())
        if not enrolments:
            return
        self._leave_room_for_events()
        with self._connections.write() as db:
            self._write_enrolments(db, enrolments)

    def withdraw_consent(self, withdrawal: ConsentWithdrawal) -> ErasedHere:
        """Take a consent back; with the one for faces go templates and pictures, here at once.

        The kind `record` (`sync.erasure.WHOLE_RECORD`) takes name, papers and consents too: what stays is the
        number, with the status `left`.

        The centre and every gate follow by the note; no old roster brings the templates back. Deleted pages
        are overwritten, and the write-ahead log is emptied.

        Raises:
            UnknownWorker: no such worker.
        """
        worker_id, at = withdrawal.worker_id, withdrawal.withdrawn_at.isoformat()
        erases_face = withdrawal.kind in (FACE, WHOLE_RECORD)
        with self._connections.write() as db:
            if not db.execute("SELECT 1 FROM workers WHERE worker_id = ?", [worker_id]).fetchone():
                raise UnknownWorker(
                    f"no worker {worker_id} in the roster", next_step="look for the worker by name"
                )
            self._queue_note(
                db,
                "withdrawal",
                withdrawal,
                record_id=withdrawal.withdrawal_id,
                subject=f"{SUBJECT}{worker_id}",
                erases=erases_face,
            )
            db.execute(
                "UPDATE consents SET withdrawn_at = ? "
                "WHERE worker_id = ? AND kind = ? AND withdrawn_at IS NULL",
                [at, worker_id, FACE if erases_face else withdrawal.kind],
            )
            erased = ErasedHere(0, 0)
            if erases_face:
                erased = (erase_record if withdrawal.kind == WHOLE_RECORD else erase_face)(db, worker_id)
                # Behind the withdrawal: the centre adds it to the receipt.
                self._queue_note(
                    db,
                    "erased",
                    erased.receipt(withdrawal, self._clock.now()),
                    record_id=f"{withdrawal.withdrawal_id}-kiosk"[:64],
                    subject=f"{SUBJECT}{worker_id}",
                    erases=True,
                )
            db.execute(
                "INSERT INTO withdrawals VALUES (?, ?, ?, ?)",
                [
                    withdrawal.withdrawal_id,
                    worker_id,
                    withdrawal.model_dump_json(),
                    json.dumps(asdict(erased)),
                ],
            )
            log_change(db, [worker_id])
        self._connections.empty_log()
        return erased

    def withdrawals(self, worker_id: str | None = None) -> list[Withdrawn]:
        """What was withdrawn here, newest first; of one worker or of all."""
        with self._connections.read() as db:
            rows = db.execute(
                "SELECT record, erased FROM withdrawals WHERE worker_id = coalesce(?, worker_id) "
                "ORDER BY rowid DESC",
                [worker_id],
            ).fetchall()
        return [
            Withdrawn(ConsentWithdrawal.model_validate_json(record), ErasedHere(**json.loads(erased)))
            for record, erased in rows
        ]

    def put_person(self, person: Person) -> None:
        """Keep who a worker is by their papers; replaces what was there. Goes nowhere: see `enrol`."""
        with self._connections.write() as db:
            _write_person(db, person)

    def person(self, worker_id: str) -> Person | None:
        """None where the kiosk knows no papers of that worker."""
        with self._connections.read() as db:
            row = db.execute("SELECT record FROM people WHERE worker_id = ?", [worker_id]).fetchone()
        return None if row is None else Person.model_validate_json(row[0])

    def persons(self, worker_ids: Sequence[str]) -> dict[str, Person]:
        """Those of the workers whose papers are known."""
        with self._connections.read() as db:
            rows = db.execute(
                "SELECT record FROM people WHERE worker_id IN (SELECT value FROM json_each(?))",
                [json.dumps(list(worker_ids))],
            ).fetchall()
        people = [Person.model_validate_json(record) for (record,) in rows]
        return {one.worker_id: one for one in people}

    def persons_by_document(self, document_type: str, document_number: str) -> list[Person]:
        """Everybody registered with that document; the number in its canonical form."""
        with self._connections.read() as db:
            rows = db.execute(
                "SELECT record FROM people WHERE document_type = ? AND document_number = ? "
                "ORDER BY worker_id",
                [document_type, document_number],
            ).fetchall()
        return [Person.model_validate_json(record) for (record,) in rows]

    def persons_by_number_end(self, ending: str, limit: int = 100) -> list[Person]:
        """People whose document number ends so (at least two characters, else nobody)."""
        if len(ending) < 2:
            return []
        with self._connections.read() as db:
            rows = db.execute(
                "SELECT record FROM people WHERE substr(document_number, -?) = ? ORDER BY worker_id LIMIT ?",
                [len(ending), ending, limit],
            ).fetchall()
        return [Person.model_validate_json(record) for (record,) in rows]

    def consents(self, worker_id: str) -> list[GivenConsent]:
        """What the worker was asked and answered, newest first."""
        with self._connections.read() as db:
            rows = db.execute(
                "SELECT record, withdrawn_at FROM consents WHERE worker_id = ? ORDER BY consent_no DESC",
                [worker_id],
            ).fetchall()
        return [
            GivenConsent(Consent.model_validate_json(record), at and datetime.fromisoformat(at))
            for record, at in rows
        ]

    def put_attachment(self, attachment: Attachment) -> None:
        """Keep a picture; the same id replaces it."""
        self._leave_room_for_events()
        with self._connections.write() as db:
            _write_attachment(db, attachment)

    def attachment(self, attachment_id: str) -> Attachment | None:
        """One picture with its content."""
        with self._connections.read() as db:
            rows = list(db["attachments"].rows_where("attachment_id = ?", [attachment_id]))
        return Attachment.model_validate(rows[0]) if rows else None

    def attachments(self, worker_id: str) -> list[Attachment]:
        """Pictures of a worker, newest first, with their content."""
        with self._connections.read() as db:
            rows = list(db["attachments"].rows_where("worker_id = ?", [worker_id], order_by="rowid DESC"))
        return [Attachment.model_validate(row) for row in rows]

    def delete_expired_attachments(self, now: datetime) -> int:
        """Delete pictures whose time to be kept is over; returns how many."""
        with self._connections.write() as db:
            count = db.execute(
                "DELETE FROM attachments WHERE julianday(keep_until) <= julianday(?)",
                [now.isoformat()],
            ).rowcount
        if count:
            self._connections.empty_log()
        return int(count)

    def put_audit(
        self, actor: str, action: str, *, subject: str = "", detail: Mapping[str, Any] | None = None
    ) -> None:
        """Write down who did or looked at what."""
        with self._connections.write() as db:
            db.execute(
                "INSERT INTO kiosk_audit (at, actor, action, subject, detail) VALUES (?, ?, ?, ?, ?)",
                [
                    self._clock.now().isoformat(),
                    actor,
                    action,
                    subject,
                    json.dumps(detail or {}, ensure_ascii=False),
                ],
            )

    def audit(self, limit: int = 100, *, subject: str | None = None) -> list[AuditLine]:
        """Newest first; of one subject or of all."""
        with self._connections.read() as db:
            rows = db.execute(
                "SELECT at, actor, action, subject, detail FROM kiosk_audit "
                "WHERE subject = coalesce(?, subject) ORDER BY audit_no DESC LIMIT ?",
                [subject, limit],
            ).fetchall()
        return [
            AuditLine(datetime.fromisoformat(at), actor, action, about, json.loads(detail))
            for at, actor, action, about, detail in rows
        ]

    def _write_enrolments(self, db: Database, enrolments: Sequence[Enrolment]) -> None:
        """Inside a write transaction, as one roster version."""
        for enrolment in enrolments:
            self._write_enrolment(db, enrolment)
        if enrolments:
            log_change(db, [enrolment.worker.worker_id for enrolment in enrolments])

    def _write_enrolment(self, db: Database, enrolment: Enrolment) -> None:
        worker = enrolment.worker
        worker_id = worker.worker_id
        if known := read_workers(db, "WHERE worker_id = ?", [worker_id]):
            worker, new_flags = _with_what_holds(worker, known[0])
            told = worker.model_copy(update={"flags": new_flags})
            enrolment = enrolment.model_copy(update={"worker": told, "status_before": known[0].status})
        self._queue_note(
            db, "enrolment", enrolment, record_id=enrolment.enrolment_id, subject=f"{SUBJECT}{worker_id}"
        )
        write_worker(db, worker)
        if enrolment.templates is not None:
            replace_templates(db, worker_id, enrolment.templates)
        if enrolment.person is not None:
            _write_person(db, enrolment.person)
        if enrolment.consent is not None:
            _write_consent(db, enrolment.consent)


def _with_what_holds(sent: Worker, known: Worker) -> tuple[Worker, tuple[Flag, ...]]:
    """The worker without what the roster took back between the caller's look and this transaction.

    Flags of the centre and the guard are theirs. Beside the worker: flags by a roster file that are new.
    """
    by_file = tuple(one for one in sent.flags if one.flag_id == FILE_FLAG_ID)
    flags = tuple(one for one in known.flags if one.flag_id != FILE_FLAG_ID) + by_file
    ended = {one.pass_id: one for one in known.passes if one.revoked_at is not None}
    passes = tuple(ended.get(one.pass_id, one) for one in sent.passes)
    new_flags = tuple(one for one in by_file if one not in known.flags)
    return sent.model_copy(update={"flags": flags, "passes": passes}), new_flags


def _write_person(db: Database, person: Person) -> None:
    db.execute(
        "INSERT OR REPLACE INTO people VALUES (?, ?, ?, ?)",
        [person.worker_id, person.document_type.value, person.document_number, person.model_dump_json()],
    )


def _write_consent(db: Database, consent: Consent) -> None:
    db.execute(
        "INSERT OR IGNORE INTO consents (consent_id, worker_id, kind, record) VALUES (?, ?, ?, ?)",
        [consent.consent_id, consent.worker_id, consent.kind, consent.model_dump_json()],
    )


def _write_attachment(db: Database, attachment: Attachment) -> None:
    row = attachment.model_dump()
    for name in ("created_at", "keep_until"):
        row[name] = row[name] and row[name].isoformat()
    columns = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    db.execute(
        f"INSERT OR REPLACE INTO attachments ({columns}) VALUES ({values})",  # noqa: S608 (field names)
        row,
    )
