"""Events: written together with their outbox row, in one transaction, or not at all."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlite_utils import Database

from sync.errors import UnknownEvent
from sync.records import Event, Outcome, PassageNote
from sync.store.connections import Connections

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

PRUNE_CHUNK = 500
"""Events deleted per transaction, so that a record never waits long behind the clearing away."""


class WallClock(Protocol):
    """Where the store takes the time of its own rows from."""

    def now(self) -> datetime:
        """Aware wall time."""
        ...


class Attendance:
    """The event side of `LocalStore`; every call is one transaction."""

    _connections: Connections
    _clock: WallClock

    def record(self, event: Event) -> Event:
        """Keep an event and queue it for the centre; returns it with its sequence number.

        The number counts up per gate from 1 without holes. Recording the same `event_id` again changes
        nothing and returns the event as first recorded: safe to repeat after any fault.

        Raises:
            StoreError: nothing was recorded.
        """
        with self._connections.write() as db:
            if (first := _find(db, event.event_id)) is not None:
                return first
            ((sequence,),) = db.execute(
                "INSERT INTO sequences VALUES (?, 1, 0) "
                "ON CONFLICT (gate_id) DO UPDATE SET last = last + 1 RETURNING last",
                [event.gate_id],
            ).fetchall()
            numbered = event.model_copy(update={"sequence": sequence})
            payload = numbered.model_dump_json()
            db.execute(
                "INSERT INTO events "
                "(event_id, gate_id, sequence, lane_id, occurred_us, worker_id, outcome, record) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    numbered.event_id,
                    numbered.gate_id,
                    sequence,
                    numbered.lane_id,
                    microseconds(numbered.occurred_at),
                    numbered.worker_id,
                    numbered.outcome.value,
                    payload,
                ],
            )
            self._queue(db, "event", numbered.event_id, payload)
        return numbered

    def note_passage(self, note: PassageNote) -> Event:
        """Keep what the door saw after an event and queue it; the same passage twice is noted once.

        Raises:
            UnknownEvent: no such event.
        """
        with self._connections.write() as db:
            event = _require(db, note.event_id)
            if event.passage is note.passage:
                return event
            updated = event.model_copy(update={"passage": note.passage})
            db.execute(
                "UPDATE events SET record = ? WHERE event_id = ?", [updated.model_dump_json(), note.event_id]
            )
            self._queue(db, "passage", note.event_id, note.model_dump_json())
        return updated

    def event(self, event_id: str) -> Event:
        """One event.

        Raises:
            UnknownEvent: no such event.
        """
        with self._connections.read() as db:
            return _require(db, event_id)

    def events(
        self,
        *,
        limit: int = 100,
        before: str | None = None,
        after: str | None = None,
        lane_id: str | None = None,
        worker_id: str | None = None,
        outcome: Outcome | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Event]:
        """Events, newest recorded first.

        `before` and `after` are event ids: only what was recorded earlier or later than that event.
        `since` (inclusive) and `until` (exclusive) are aware times of occurrence.

        Raises:
            UnknownEvent: `before` or `after` is not in the store.
        """
        where, arguments = _filter(lane_id, worker_id, outcome, since, until)
        with self._connections.read() as db:
            for sign, event_id in (("<", before), (">", after)):
                if event_id is not None:
                    where += f" AND event_no {sign} ?"
                    arguments.append(_number(db, event_id))
            rows = db.execute(
                f"SELECT record FROM events WHERE {where} ORDER BY event_no DESC LIMIT ?",  # noqa: S608
                [*arguments, limit],
            ).fetchall()
        return [Event.model_validate_json(record) for (record,) in rows]

    def count_events(
        self,
        *,
        lane_id: str | None = None,
        worker_id: str | None = None,
        outcome: Outcome | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> int:
        """How many events; the filters of `events`."""
        where, arguments = _filter(lane_id, worker_id, outcome, since, until)
        with self._connections.read() as db:
            (count,) = db.execute(
                f"SELECT count(*) FROM events WHERE {where}",  # noqa: S608 (fixed conditions)
                arguments,
            ).fetchone()
        return int(count)

    def people_inside(self, since: datetime, until: datetime) -> int:
        """Workers whose newest passage recorded here, in that time, led in; both are aware times."""
        with self._connections.read() as db:
            (count,) = db.execute(
                "SELECT count(*) FROM ("
                "SELECT json_extract(record, '$.direction') AS direction, max(event_no) FROM events "
                "WHERE occurred_us >= ? AND occurred_us <= ? AND worker_id IS NOT NULL "
                "AND outcome = 'allow' AND json_extract(record, '$.passage') <> 'not_passed' "
                "GROUP BY worker_id) WHERE direction = 'in'",  # beside max() SQLite takes that row's columns
                [microseconds(since), microseconds(until)],
            ).fetchone()
        return int(count)

    def prune(self, before: datetime, *, unsent: bool = False) -> int:
        """Delete events that occurred before that time and are acknowledged; returns how many.

        `unsent` deletes those too that no centre has acknowledged: for a gate that has none.
        """
        removed = 0
        if unsent:
            with self._connections.write() as db:
                db.execute(
                    "DELETE FROM outbox "
                    "WHERE event_id IN (SELECT event_id FROM events WHERE occurred_us < ?)",
                    [microseconds(before)],
                )
        while chunk := self._prunable(microseconds(before)):
            with self._connections.write() as db:
                # Asked again here: a passage may have been noted since the look without the write lock.
                gates = db.execute(
                    "DELETE FROM events WHERE event_no IN (SELECT value FROM json_each(?)) "
                    "AND event_id NOT IN (SELECT event_id FROM outbox WHERE event_id IS NOT NULL) "
                    "RETURNING gate_id",
                    [json.dumps(chunk)],
                ).fetchall()
                for (gate_id,), count in Counter(gates).items():
                    db.execute("UPDATE sequences SET pruned = pruned + ? WHERE gate_id = ?", [count, gate_id])
            removed += len(gates)
        return removed

    def _prunable(self, before_us: int) -> list[int]:
        with self._connections.read() as db:
            rows = db.execute(
                "SELECT event_no FROM events "
                "WHERE occurred_us < ? "
                "AND event_id NOT IN (SELECT event_id FROM outbox WHERE event_id IS NOT NULL) LIMIT ?",
                [before_us, PRUNE_CHUNK],
            ).fetchall()
        return [event_no for (event_no,) in rows]

    def _queue(self, db: Database, kind: str, event_id: str, payload: str) -> None:
        db.execute(
            "INSERT INTO outbox (kind, event_id, subject, payload, created_at) VALUES (?, ?, ?, ?, ?)",
            [kind, event_id, event_id, payload, self._clock.now().isoformat()],
        )


def microseconds(moment: datetime) -> int:
    """Of a moment since 1970 UTC, as `events.occurred_us` counts."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _filter(
    lane_id: str | None,
    worker_id: str | None,
    outcome: Outcome | None,
    since: datetime | None,
    until: datetime | None,
) -> tuple[str, list[str | int]]:
    conditions: dict[str, str | int | None] = {
        "lane_id = ?": lane_id,
        "worker_id = ?": worker_id,
        "outcome = ?": outcome.value if outcome else None,
        "occurred_us >= ?": microseconds(since) if since else None,
        "occurred_us < ?": microseconds(until) if until else None,
    }
    wanted = {condition: value for condition, value in conditions.items() if value is not None}
    return " AND ".join(["TRUE", *wanted]), list(wanted.values())


def _find(db: Database, event_id: str) -> Event | None:
    row = db.execute("SELECT record FROM events WHERE event_id = ?", [event_id]).fetchone()
    return None if row is None else Event.model_validate_json(row[0])


def _require(db: Database, event_id: str) -> Event:
    event = _find(db, event_id)
    if event is None:
        raise _unknown(event_id)
    return event


def _number(db: Database, event_id: str) -> int:
    row = db.execute("SELECT event_no FROM events WHERE event_id = ?", [event_id]).fetchone()
    if row is None:
        raise _unknown(event_id)
    return int(row[0])


def _unknown(event_id: str) -> UnknownEvent:
    return UnknownEvent(f"no event {event_id} in the store", next_step="`sitegate events` lists what is kept")
