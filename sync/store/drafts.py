"""Registrations that are not finished, sealed in the store: one open draft per user of the kiosk."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sync.store.connections import Connections


@dataclass(frozen=True, slots=True)
class DraftRow:
    """`record` is the kiosk's own JSON; the pictures lie beside it."""

    draft_id: str
    user_id: str
    changed_at: datetime
    record: str = field(repr=False)
    photo: bytes | None = field(default=None, repr=False)
    scan: bytes | None = field(default=None, repr=False)


class DraftRows:
    """The drafts' side of `LocalStore`; every call is one transaction."""

    _connections: Connections

    def put_draft(self, draft: DraftRow) -> None:
        """Keep the draft of a user; another one of the same user is erased."""
        with self._connections.write() as db:
            db.execute(
                "DELETE FROM enrolment_drafts WHERE user_id = ? AND draft_id <> ?",
                [draft.user_id, draft.draft_id],
            )
            db.execute(
                "INSERT OR REPLACE INTO enrolment_drafts VALUES (?, ?, ?, ?, ?, ?)",
                [
                    draft.draft_id,
                    draft.user_id,
                    draft.changed_at.isoformat(),
                    draft.record,
                    draft.photo,
                    draft.scan,
                ],
            )

    def draft(self, draft_id: str) -> DraftRow | None:
        return self._one("draft_id", draft_id)

    def draft_of(self, user_id: str) -> DraftRow | None:
        """The open draft of a user."""
        return self._one("user_id", user_id)

    def delete_draft(self, draft_id: str) -> None:
        """One that is gone already is no error."""
        with self._connections.write() as db:
            gone = db.execute("DELETE FROM enrolment_drafts WHERE draft_id = ?", [draft_id]).rowcount
        if gone:
            self._connections.empty_log()

    def delete_drafts_before(self, moment: datetime) -> int:
        """Erase drafts that nobody changed since `moment`; how many went."""
        with self._connections.write() as db:
            count = db.execute(
                "DELETE FROM enrolment_drafts WHERE julianday(changed_at) < julianday(?)",
                [moment.isoformat()],
            ).rowcount
        if count:
            self._connections.empty_log()
        return int(count)

    def _one(self, column: str, value: str) -> DraftRow | None:
        with self._connections.read() as db:
            row = next(
                iter(db.query(f"SELECT * FROM enrolment_drafts WHERE {column} = ?", [value])),  # noqa: S608
                None,
            )
        if row is None:
            return None
        return DraftRow(**{**row, "changed_at": datetime.fromisoformat(row["changed_at"])})
