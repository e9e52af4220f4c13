"""What waits for the centre's acknowledgement. Rows are queued in `attendance.py` and `notes.py`."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping

from sqlite_utils import Database

from sync.records import OutboxItem, Outcome
from sync.store.attendance import WallClock
from sync.store.connections import Connections
from sync.store.erasing import follow_the_centre
from sync.store.local_changes import answered, settle
from sync.store.notes import subjects_of
from sync.store.replica import replica_version

_LAST_POSSIBLE = 2**63 - 1
_COUNT_PARKED = "SELECT count(*) FROM outbox WHERE parked_reason IS NOT NULL"
_COLUMNS = "item_id, kind, payload, created_at, record_id"


class Outbox:
    """The outbox side of `LocalStore`; every call is one transaction."""

    _connections: Connections
    _clock: WallClock

    def outbox_pending(
        self, limit: int = 100, *, after: int = 0, until: int | None = None, without: Collection[int] = ()
    ) -> list[OutboxItem]:
        """What waits to be sent, oldest first: `after` < item id <= `until`, but none of `without`.

        A row whose subject has an earlier row that would not be in this very answer is left out as well:
        a passage must not reach the centre before its event does, nor a withdrawal before the enrolment.
        """
        held = json.dumps(list(without))
        with self._connections.read() as db:
            rows = list(
                db.query(
                    f"SELECT {_COLUMNS} FROM outbox AS row INDEXED BY outbox_unparked "  # noqa: S608 (fixed)
                    "WHERE parked_reason IS NULL AND item_id > :after AND item_id <= :until "
                    "AND item_id NOT IN (SELECT value FROM json_each(:held)) "
                    "AND (kind = 'event' OR NOT EXISTS ("
                    "  SELECT 1 FROM outbox AS earlier "
                    "  WHERE earlier.subject = row.subject AND earlier.item_id < row.item_id "
                    "  AND earlier.parked_reason IS NULL AND (earlier.item_id <= :after "
                    "    OR earlier.item_id IN (SELECT value FROM json_each(:held))))) "
                    "ORDER BY item_id LIMIT :limit",
                    {
                        "after": after,
                        "until": _LAST_POSSIBLE if until is None else until,
                        "held": held,
                        "limit": limit,
                    },
                )
            )
        return [OutboxItem.model_validate(row) for row in rows]

    def outbox_last(self) -> int:
        """Id of the newest row that was ever queued; 0 before the first."""
        with self._connections.read() as db:
            row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
        return 0 if row is None else int(row[0])

    def outbox_depth(self) -> int:
        """How many rows wait; parked ones do not count."""
        with self._connections.read() as db:
            (rows,) = db.execute("SELECT count(*) FROM outbox").fetchone()
            (parked,) = db.execute(_COUNT_PARKED).fetchone()
        return int(rows) - int(parked)

    def outbox_acknowledge(self, item_ids: Iterable[int], *, roster_version: int = 0) -> list[str]:
        """Delete rows that the centre has acknowledged; ids that are already gone are no error.

        `roster_version` of the centre after it took them: up to then its word about workers changed here
        waits. Returns the ids of workers who changed by that now.
        """
        ids = list(item_ids)
        with self._connections.write() as db:
            answered(db, subjects_of(db, ids), roster_version)
            for item_id in ids:
                db.execute("DELETE FROM outbox WHERE item_id = ?", [item_id])
            changed = self._settled(db)
        return self._without_traces(changed)

    def outbox_park(self, reasons: Mapping[int, str]) -> list[str]:
        """Put rows aside that the centre will not take: item id → reason. They stay until `outbox_unpark`.

        Workers that such a note had changed here are again as the centre has them; returns their ids.
        """
        with self._connections.write() as db:
            for item_id, reason in reasons.items():
                db.execute(
                    "UPDATE outbox SET parked_reason = ?, parked_at = ? WHERE item_id = ?",
                    [reason, self._clock.now().isoformat(), item_id],
                )
            answered(db, subjects_of(db, list(reasons)), 0)
            changed = self._settled(db)
        return self._without_traces(changed)

    def _settled(self, db: Database) -> list[str]:
        changed = settle(db, replica_version(db))
        if changed:
            follow_the_centre(db, changed, self._clock.now())
        return changed

    def _without_traces(self, changed: list[str]) -> list[str]:
        """The centre's word that waited may have taken a face away: from the write-ahead log too."""
        if changed:
            self._connections.empty_log()
        return changed

    def outbox_parked(self, limit: int = 100, *, reason: str | None = None) -> list[tuple[OutboxItem, str]]:
        """Rows that were put aside, with the reason, oldest first; `reason` gives those of one reason."""
        with self._connections.read() as db:
            rows = list(
                db.query(
                    f"SELECT {_COLUMNS}, parked_reason FROM outbox "  # noqa: S608 (fixed columns)
                    "WHERE parked_reason = coalesce(?, parked_reason) ORDER BY item_id LIMIT ?",
                    [reason, limit],
                )
            )
        return [
            (OutboxItem.model_validate(row), reason) for row in rows if (reason := row.pop("parked_reason"))
        ]

    def outbox_parked_count(self) -> int:
        """How many rows were put aside."""
        with self._connections.read() as db:
            (count,) = db.execute(_COUNT_PARKED).fetchone()
        return int(count)

    def outbox_unpark(self) -> int:
        """Let parked rows be sent again, after their cause was removed; returns how many."""
        with self._connections.write() as db:
            return int(
                db.execute(
                    "UPDATE outbox SET parked_reason = NULL, parked_at = NULL WHERE parked_reason IS NOT NULL"
                ).rowcount
            )

    def outbox_drop_refused(self, limit: int) -> int:
        """Take the oldest rows of refused passages off the queue; returns how many.

        Only rows of events that let nobody in (deny, hold). The events themselves stay in the store.
        """
        # Looked for without the write lock: in a queue of entries alone the search takes long.
        with self._connections.read() as db:
            rows = db.execute(
                "SELECT item_id FROM outbox JOIN events USING (event_id) "
                "WHERE outcome != ? AND parked_reason IS NULL ORDER BY item_id LIMIT ?",
                [Outcome.ALLOW.value, limit],
            ).fetchall()
        if not rows:
            return 0
        with self._connections.write() as db:
            return int(
                db.execute(
                    "DELETE FROM outbox WHERE item_id IN (SELECT value FROM json_each(?))",
                    [json.dumps([item_id for (item_id,) in rows])],
                ).rowcount
            )
