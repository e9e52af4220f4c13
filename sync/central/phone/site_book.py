"""The sites of the centre, read once a minute: every declaration needs the name and the zone of one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from sqlalchemy import select

from sync.central import tables
from sync.central.database import Database
from sync.central.worker_desk import Site

READ_EVERY_S = 60.0


class SiteBook:
    """Thread-safe. A site that is not there yet is looked for at once."""

    def __init__(self, database: Database, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._sites: Mapping[str, Site] = {}
        self._read_at_s = float("-inf")
        self._reading = threading.Lock()

    def all(self) -> list[Site]:
        """In order of their ids."""
        return list(self._fresh().values())

    def get(self, site_id: str) -> Site | None:
        """None where there is no such site."""
        if not site_id:
            return None
        found = self._fresh().get(site_id)
        return found or self._fresh(anew=True).get(site_id)

    def _fresh(self, *, anew: bool = False) -> Mapping[str, Site]:
        with self._reading:
            if anew or self._monotonic() - self._read_at_s > READ_EVERY_S:
                query = select(tables.sites).order_by(tables.sites.c.site_id)
                with self._database.read() as connection:
                    self._sites = {
                        row.site_id: Site(row.site_id, row.name, row.name_en, row.timezone)
                        for row in connection.execute(query)
                    }
                self._read_at_s = self._monotonic()
            return self._sites
