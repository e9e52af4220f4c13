"""The bridge's `store_events` for the centre's database: terminals' records join the common log."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from sync.central import event_rows, tables
from sync.central.database import Database
from sync.central.errors import UnknownSite
from sync.central.event_rows import Work
from sync.records import Event
from sync.vendor.terminals import Terminal

LIVE_FOR = timedelta(minutes=1)
"""Older records are backlog: they are kept, and say nothing about what happened last."""


class CentralLog:
    """Call it with events; it returns after the commit and is idempotent by event id.

    Raises:
        UnknownSite: a terminal stands on a site that the centre does not know (at construction).
        sqlalchemy.exc.OperationalError: the database is not there; nothing was written (at a call).
    """

    def __init__(
        self,
        database: Database,
        terminals: Iterable[Terminal],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._now = now
        with database.read() as connection:
            known = set(connection.scalars(select(tables.sites.c.site_id)))
        for terminal in terminals:
            if terminal.site_id not in known:
                raise UnknownSite(
                    f"terminal {terminal.terminal_id} stands on {terminal.site_id}, no site of the centre",
                    next_step=f"sitegate central site add {terminal.site_id}",
                )

    def __call__(self, events: list[Event]) -> None:
        now = self._now()
        work: dict[tuple[str, str, bool], Work] = {}
        for event in events:
            backlog = event.occurred_at < now - LIVE_FOR
            key = (event.site_id, event.gate_id, backlog)
            one = work.setdefault(key, Work((event.site_id, event.gate_id), "", backlog, now))
            one.events.append((0, event, event.model_dump_json()))
        with self._database.write() as connection:
            event_rows.insert_events(connection, list(work.values()), now)
            event_rows.see(connection, list(work.values()), now)
