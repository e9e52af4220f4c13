"""How well people were recognised lately: scores of the events, read without the rest of them."""

from __future__ import annotations

from datetime import datetime

from sync.store.attendance import microseconds
from sync.store.connections import Connections

Scores = list[tuple[float, float]]
"""Score and threshold of each event, oldest first."""

_COLUMNS = (
    "json_extract(record, '$.match.score') AS score, json_extract(record, '$.match.threshold') AS threshold"
)
_MATCHED = "worker_id IS NOT NULL AND json_extract(record, '$.match.score') IS NOT NULL"


class MatchScores:
    """The scores' side of `LocalStore`; every call is one transaction."""

    _connections: Connections

    def latest_scores(self, since: datetime, *, per_worker: int) -> dict[str, Scores]:
        """Of everybody who was matched since then, the last ones."""
        with self._connections.read() as db:
            rows = db.execute(
                "SELECT worker_id, score, threshold FROM ("  # noqa: S608 (fixed words)
                f"SELECT worker_id, event_no, {_COLUMNS}, "
                "row_number() OVER (PARTITION BY worker_id ORDER BY event_no DESC) AS place FROM events "
                f"WHERE occurred_us >= ? AND {_MATCHED}) WHERE place <= ? ORDER BY event_no",
                [microseconds(since), per_worker],
            ).fetchall()
        found: dict[str, Scores] = {}
        for worker_id, score, threshold in rows:
            found.setdefault(worker_id, []).append((score, threshold))
        return found

    def first_scores(self, worker_id: str, since: datetime, limit: int) -> Scores:
        """The first matches of one worker from that moment on."""
        return self._scores(worker_id, since, limit, "event_no")

    def latest_scores_of(self, worker_id: str, since: datetime, limit: int) -> Scores:
        """The last matches of one worker, none before that moment."""
        return self._scores(worker_id, since, limit, "event_no DESC")[::-1]

    def _scores(self, worker_id: str, since: datetime, limit: int, order: str) -> Scores:
        with self._connections.read() as db:
            rows = db.execute(
                f"SELECT {_COLUMNS} FROM events "  # noqa: S608 (fixed words)
                f"WHERE worker_id = ? AND occurred_us >= ? AND {_MATCHED} ORDER BY {order} LIMIT ?",
                [worker_id, microseconds(since), limit],
            ).fetchall()
        return [(score, threshold) for score, threshold in rows]
