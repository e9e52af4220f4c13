"""Commands of the centre, kept: each is executed once, whatever is repeated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sync.store.attendance import WallClock
from sync.store.connections import Connections

KEPT_COMMANDS = 10_000
"""Older ones are forgotten: they have expired long ago, so that none can be executed again."""


@dataclass(frozen=True, slots=True)
class KeptCommand:
    """A command as it was received, and what became of it; `done` None: begun, the end is not known."""

    command_id: str
    action: str
    lane_id: str
    issued_by: str
    reason: str
    received_at: datetime
    done: bool | None
    detail: str
    answered_at: datetime | None


class CommandLog:
    """The command side of `LocalStore`; every call is one transaction."""

    _connections: Connections
    _clock: WallClock

    def command_begin(
        self, command_id: str, *, action: str, lane_id: str, issued_by: str, reason: str
    ) -> bool:
        """Write a command down before it is executed; False where it was written down before."""
        with self._connections.write() as db:
            db.execute(
                "DELETE FROM commands WHERE rowid <= (SELECT max(rowid) FROM commands) - ?", [KEPT_COMMANDS]
            )
            return bool(
                db.execute(
                    "INSERT OR IGNORE INTO commands "
                    "(command_id, action, lane_id, issued_by, reason, received_at) VALUES (?, ?, ?, ?, ?, ?)",
                    [command_id, action, lane_id, issued_by, reason, self._clock.now().isoformat()],
                ).rowcount
            )

    def command_finish(self, command_id: str, *, done: bool, detail: str) -> None:
        """Write down what became of a command."""
        with self._connections.write() as db:
            db.execute(
                "UPDATE commands SET done = ?, detail = ?, answered_at = ? WHERE command_id = ?",
                [int(done), detail, self._clock.now().isoformat(), command_id],
            )

    def commands(self, limit: int = 100) -> list[KeptCommand]:
        """Commands, newest first."""
        return self._commands("ORDER BY rowid DESC LIMIT ?", [limit])

    def command(self, command_id: str) -> KeptCommand | None:
        """One command, or None."""
        found = self._commands("WHERE command_id = ?", [command_id])
        return found[0] if found else None

    def _commands(self, clause: str, arguments: list[str | int]) -> list[KeptCommand]:
        with self._connections.read() as db:
            rows = list(db.query(f"SELECT * FROM commands {clause}", arguments))  # noqa: S608 (fixed clauses)
        return [
            KeptCommand(
                **row
                | {
                    "received_at": datetime.fromisoformat(row["received_at"]),
                    "done": None if row["done"] is None else bool(row["done"]),
                    "answered_at": row["answered_at"] and datetime.fromisoformat(row["answered_at"]),
                }
            )
            for row in rows
        ]
