"""Records of the kiosk that go up beside the events: queued, and what became of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pydantic import BaseModel
from sqlite_utils import Database

from sync.records import NoteKind
from sync.store import local_changes
from sync.store.attendance import WallClock
from sync.store.connections import Connections
from sync.store.local_changes import SUBJECT


@dataclass(frozen=True, slots=True)
class NoteState:
    """`waiting` for the centre, or refused by it with a reason; neither: the centre has it."""

    waiting: bool
    parked_reason: str = ""

    @property
    def taken(self) -> bool:
        return not self.waiting and not self.parked_reason


class Notes:
    """The notes' side of `LocalStore`; every call is one transaction."""

    _connections: Connections
    _clock: WallClock

    def put_note(self, kind: NoteKind, record: BaseModel, *, record_id: str, subject: str) -> None:
        """Queue a record for the centre, which takes it once per `record_id`.

        subject  rows of one subject reach the centre in order; of everything about a worker: `worker:<id>`
        """
        with self._connections.write() as db:
            self._queue_note(db, kind, record, record_id=record_id, subject=subject)

    def note_state(self, record_id: str) -> NoteState:
        """Whether the centre has the record yet."""
        with self._connections.read() as db:
            row = db.execute(
                "SELECT parked_reason FROM outbox WHERE record_id = ? ORDER BY item_id DESC LIMIT 1",
                [record_id],
            ).fetchone()
        return NoteState(False) if row is None else NoteState(row[0] is None, row[0] or "")

    def subject_state(self, subject: str) -> NoteState:
        """Whether the centre has everything about a subject, such as `worker:<id>`; a refusal comes first."""
        with self._connections.read() as db:
            row = db.execute(
                "SELECT parked_reason FROM outbox WHERE subject = ? AND record_id IS NOT NULL "
                "ORDER BY parked_reason IS NULL, item_id DESC LIMIT 1",
                [subject],
            ).fetchone()
        return NoteState(False) if row is None else NoteState(row[0] is None, row[0] or "")

    def notes_refused(self, limit: int = 100) -> list[tuple[str, str, str, str]]:
        """Kind, record id, subject and reason of what the centre refused, newest first."""
        with self._connections.read() as db:
            return [
                (str(kind), str(record_id), str(subject), str(reason))
                for kind, record_id, subject, reason in db.execute(
                    "SELECT kind, record_id, subject, parked_reason FROM outbox "
                    "WHERE record_id IS NOT NULL AND parked_reason IS NOT NULL ORDER BY item_id DESC LIMIT ?",
                    [limit],
                ).fetchall()
            ]

    def _queue_note(
        self,
        db: Database,
        kind: NoteKind,
        record: BaseModel,
        *,
        record_id: str,
        subject: str,
        erases: bool = False,
    ) -> None:
        """Inside a write transaction, and before the worker is changed."""
        if subject.startswith(SUBJECT):
            local_changes.begin(db, subject.removeprefix(SUBJECT), erases=erases)
        db.execute(
            "INSERT INTO outbox (kind, record_id, subject, payload, created_at) VALUES (?, ?, ?, ?, ?)",
            [kind, record_id, subject, record.model_dump_json(), self._clock.now().isoformat()],
        )


def subjects_of(db: Database, item_ids: Collection[int]) -> list[str]:
    """Subjects of notes among these outbox rows, inside a transaction."""
    found = []
    for item_id in item_ids:
        row = db.execute(
            "SELECT subject FROM outbox WHERE item_id = ? AND record_id IS NOT NULL", [item_id]
        ).fetchone()
        if row is not None:
            found.append(str(row[0]))
    return found
