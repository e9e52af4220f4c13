"""Questions to the centre and their answers: any process at the store asks, the edge agent carries them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sync.store.attendance import WallClock
from sync.store.connections import Connections

ASK_EXPIRES = timedelta(seconds=30)
"""A question that nobody answered by then is history: whoever asked stands at the kiosk."""
REPLY_KEPT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Question:
    """One that was not answered yet."""

    ask_id: str
    kind: str
    body: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Reply:
    """The centre's answer, or in `problem` why there is none (no connection, expired, refused)."""

    answer: str
    problem: str = ""


class Asks:
    """The asking side of `LocalStore`; every call is one transaction."""

    _connections: Connections
    _clock: WallClock

    def ask(self, kind: str, body: str) -> str:
        """Ask the centre; returns the id for `reply`."""
        ask_id = uuid4().hex
        now = self._clock.now()
        with self._connections.write() as db:
            db.execute(
                "INSERT INTO asks (ask_id, kind, body, asked_at) VALUES (?, ?, ?, ?)",
                [ask_id, kind, body, now.isoformat()],
            )
        return ask_id

    def reply(self, ask_id: str) -> Reply | None:
        """None: not answered yet. An unknown question counts as expired."""
        with self._connections.read() as db:
            row = db.execute(
                "SELECT answer, problem, asked_at FROM asks WHERE ask_id = ?", [ask_id]
            ).fetchone()
        if row is not None and (row[0] is not None or row[1] is not None):
            return Reply(row[0] or "", row[1] or "")
        if row is None or datetime.fromisoformat(row[2]) + ASK_EXPIRES <= self._clock.now():
            return Reply("", "the centre did not answer")
        return None

    def asks_unsent(self) -> list[Question]:
        """What the agent should send now, oldest first."""
        now = self._clock.now()
        with self._connections.read() as db:
            rows = db.execute(
                "SELECT ask_id, kind, body, asked_at FROM asks "
                "WHERE sent_at IS NULL AND answered_at IS NULL ORDER BY rowid"
            ).fetchall()
        questions = [
            Question(ask_id, kind, body, datetime.fromisoformat(at) + ASK_EXPIRES)
            for ask_id, kind, body, at in rows
        ]
        return [one for one in questions if one.expires_at > now]

    def ask_sent(self, ask_id: str) -> None:
        """The broker has it: what was asked, faces and numbers, is not needed here any more."""
        with self._connections.write() as db:
            db.execute(
                "UPDATE asks SET sent_at = ?, body = '' WHERE ask_id = ?",
                [self._clock.now().isoformat(), ask_id],
            )

    def forget_asks(self) -> int:
        """Delete questions and answers that nobody waits for any more; how many went."""
        with self._connections.write() as db:
            count = db.execute(
                "DELETE FROM asks WHERE julianday(asked_at) < julianday(?)",
                [(self._clock.now() - REPLY_KEPT).isoformat()],
            ).rowcount
        if count:
            self._connections.empty_log()
        return int(count)

    def ask_answered(self, ask_id: str, *, answer: str = "", problem: str = "") -> bool:
        """Keep the answer and forget the question's content; False for one that nobody asked."""
        with self._connections.write() as db:
            return bool(
                db.execute(
                    "UPDATE asks SET answer = ?, problem = ?, body = '', answered_at = ? "
                    "WHERE ask_id = ? AND answered_at IS NULL",
                    [None if problem else answer, problem or None, self._clock.now().isoformat(), ask_id],
                ).rowcount
            )
