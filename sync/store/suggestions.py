"""What was written before, so that it need not be typed again."""

from __future__ import annotations

from typing import Literal

from sync.store.connections import Connections

SUGGESTED = 300
"""More than a list on a screen can use."""


class Suggestions:
    """A side of `LocalStore`; every call is one transaction."""

    _connections: Connections

    def used_values(self, column: Literal["employer", "team", "trade"], limit: int = SUGGESTED) -> list[str]:
        """Values of the roster, the most frequent first."""
        with self._connections.read() as db:
            rows = db.execute(
                f"SELECT {column} FROM workers WHERE {column} <> '' "  # noqa: S608 (one of three names)
                f"GROUP BY {column} ORDER BY count(*) DESC, {column} LIMIT ?",
                [limit],
            ).fetchall()
        return [str(value) for (value,) in rows]

    def used_sites(self) -> list[str]:
        """Ids of sites that workers of the roster are registered for."""
        with self._connections.read() as db:
            rows = db.execute(
                "SELECT DISTINCT value FROM workers, json_each(workers.site_ids) ORDER BY value"
            ).fetchall()
        return [str(value) for (value,) in rows]

    def last_number(self, prefix: str) -> int:
        """The highest number after `prefix` among the worker numbers of the roster; 0 for none."""
        with self._connections.read() as db:
            rows = db.execute(
                "SELECT substr(worker_id, ?) FROM workers WHERE substr(worker_id, 1, ?) = ?",
                [len(prefix) + 1, len(prefix), prefix],
            ).fetchall()
        return max((int(rest) for (rest,) in rows if rest.isascii() and rest.isdigit()), default=0)
