"""Since when people whose faces are kept here are on no site."""

from __future__ import annotations

import json
from datetime import datetime

from sync.records import WorkerStatus
from sync.store.connections import Connections
from sync.store.erasing import FACE_PICTURES

_HAS_FACE = (
    "(face_consent_on IS NOT NULL"
    " OR EXISTS (SELECT 1 FROM templates WHERE templates.worker_id = workers.worker_id)"
    " OR EXISTS (SELECT 1 FROM attachments WHERE attachments.worker_id = workers.worker_id"
    "    AND kind IN (SELECT value FROM json_each(:pictures))))"
)
_IS_GONE = "(status = :left OR site_ids = '[]')"
_ASKED = "worker_id = coalesce(:worker_id, worker_id)"
_FORGET = (
    "DELETE FROM departures WHERE worker_id IN "  # noqa: S608 (all parts are fixed)
    f"(SELECT worker_id FROM workers WHERE {_ASKED} AND NOT ({_IS_GONE} AND {_HAS_FACE}))"
)
_NOTE = (
    "INSERT OR IGNORE INTO departures SELECT worker_id, :at FROM workers "  # noqa: S608
    f"WHERE {_ASKED} AND {_IS_GONE} AND {_HAS_FACE}"
)
_FIND = (
    "SELECT worker_id, since, grant_until FROM workers LEFT JOIN departures USING (worker_id) "  # noqa: S608
    f"WHERE {_ASKED} AND {_HAS_FACE} AND (since IS NOT NULL OR julianday(grant_until) <= julianday(:at))"
)


class Departures:
    """A side of `LocalStore`."""

    _connections: Connections

    def faces_of_the_gone(self, now: datetime, *, worker_id: str | None = None) -> dict[str, datetime]:
        """Workers on no site whose face is kept, and since when: by status or sites, or by their permission.

        Of one worker or of all. The store does not say when a status changed: it counts from the first time
        that this is asked.
        """
        values = {
            "left": WorkerStatus.LEFT.value,
            "pictures": json.dumps(FACE_PICTURES),
            "at": now.isoformat(),
            "worker_id": worker_id,
        }
        with self._connections.write() as db:
            db.execute(_FORGET, values)
            db.execute(_NOTE, values)
            rows = db.execute(_FIND, values).fetchall()
        return {one: _earliest(now, since, grant_until) for one, since, grant_until in rows}


def _earliest(now: datetime, *ends: str | None) -> datetime:
    """Of those that have passed."""
    return min(at for end in ends if end is not None and (at := datetime.fromisoformat(end)) <= now)
