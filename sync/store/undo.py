"""Taking back a registration that was a mistake, while the centre cannot have heard of it."""

from __future__ import annotations

from collections.abc import Iterable

from sync.store.connections import Connections
from sync.store.local_changes import SUBJECT, forget
from sync.store.roster import log_change

_TABLES = ("workers", "people", "consents", "attachments", "withdrawals")


class Undo:
    """A side of `LocalStore`; every call is one transaction."""

    _connections: Connections

    def hand_over_notes(self, item_ids: Iterable[int]) -> set[int]:
        """Mark notes as given to the wire, before they are; those taken back meanwhile are missing."""
        with self._connections.write() as db:
            return {
                item_id
                for item_id in item_ids
                if db.execute("UPDATE outbox SET handed_over = 1 WHERE item_id = ?", [item_id]).rowcount
            }

    def forget_enrolment(self, worker_id: str, enrolment_id: str) -> bool:
        """Erase a worker who was registered here, with papers, face and consent, as if nothing had been.

        False, and nothing is changed, where the enrolment or anything after it was given to the wire.
        """
        subject = f"{SUBJECT}{worker_id}"
        with self._connections.write() as db:
            rows = db.execute(
                "SELECT record_id, handed_over FROM outbox WHERE subject = ?", [subject]
            ).fetchall()
            # One that was refused or never answered counts too: the centre may have it.
            if enrolment_id not in {record_id for record_id, _ in rows} or any(given for _, given in rows):
                return False
            db.execute("DELETE FROM outbox WHERE subject = ?", [subject])
            for table in _TABLES:
                db.execute(f"DELETE FROM {table} WHERE worker_id = ?", [worker_id])  # noqa: S608 (fixed)
            forget(db, [worker_id])
            log_change(db, [worker_id])
        self._connections.empty_log()
        return True
