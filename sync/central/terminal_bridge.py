"""Keeps the bridge to terminals of other makers in step with the registry: which there are, who may enter.

A thread of its own, with a connection of its own: whatever goes wrong here is said, tried again, and holds up
no event of a gate.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from sync.central import erasures, tables, terminals
from sync.central.database import Database
from sync.central.settings import TerminalSettings
from sync.errors import SyncError
from sync.records import Worker
from sync.vendor.bridge import Bridge, TerminalState
from sync.vendor.broker import Broker
from sync.vendor.central_log import CentralLog
from sync.vendor.folder_photos import FolderPhotos
from sync.vendor.roster import may_enter
from sync.vendor.terminals import Terminal
from sync.wire.messages import RosterEntry

log = logging.getLogger(__name__)

STOPPED_WITHIN_S = 60.0
PAUSE_S = 5.0
"""After an error, before the next try."""


@dataclass(slots=True)
class _Roster:
    """A site's workers as of `version` of its log."""

    version: int = -1
    workers: dict[str, Worker] = field(default_factory=dict)


class TerminalBridge:
    """Start it once; the bridge itself runs while there are terminals.

    broker  where the terminals are
    poll_s  how often the registry is looked at
    """

    def __init__(
        self,
        database: Database,
        broker: Broker,
        settings: TerminalSettings,
        *,
        now: Callable[[], datetime],
        poll_s: float,
    ) -> None:
        self.problem = ""
        self._database = database
        self._broker = broker
        self._settings = settings
        self._now = now
        self._poll_s = poll_s
        self._photos = None if settings.photos is None else FolderPhotos(settings.photos)
        self._terminals: list[Terminal] = []
        self._bridge: Bridge | None = None
        self._rosters: dict[str, _Roster] = {}
        self._noted: dict[str, TerminalState] = {}
        self._strangers: set[str] = set()
        self._reported_at: datetime | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="terminals", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stores what terminals sent, then disconnects."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOPPED_WITHIN_S)

    @property
    def connected(self) -> bool:
        """Whether there are terminals, and their broker."""
        bridge = self._bridge
        return bridge is not None and bridge.report().connected

    def may_enter(self, worker: Worker, now: datetime) -> bool:
        """Status, grant and flags, and every clearance that terminals cannot check themselves."""
        return may_enter(worker, now) and all(
            any(
                one.kind == kind
                and (one.valid_from is None or one.valid_from <= now)
                and (one.valid_until is None or now < one.valid_until)
                for one in worker.clearances
            )
            for kind in self._settings.clearances
        )

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                wait_s = self._poll_s
                try:
                    self._follow()
                    self.problem = ""
                except (DBAPIError, SyncError, OSError) as error:
                    self._say(error)
                    wait_s = PAUSE_S
                except Exception as error:
                    log.exception("terminals")
                    self._say(error)
                    wait_s = PAUSE_S
                self._stopping.wait(wait_s)
        finally:
            self._end()

    def _say(self, error: Exception) -> None:
        # A database error carries the row it was about: its kind must do.
        problem = type(error.orig).__name__ if isinstance(error, DBAPIError) else str(error)
        if problem != self.problem:
            log.error("terminals: %s", problem)
        self.problem = problem

    def _follow(self) -> None:
        """One round: the terminals, then their people, then what is known about them."""
        with self._database.read() as connection:
            registered = terminals.terminals(connection)
            has_changed = self._read_rosters(connection, {one.site_id for one in registered})
        if registered != self._terminals:
            self._end()
            self._begin(registered)
            has_changed = True
        if self._bridge is not None:
            if has_changed:
                self._bridge.set_roster(self._people())
            self._report(self._bridge)

    def _begin(self, registered: list[Terminal]) -> None:
        if registered:
            bridge = Bridge(
                self._broker,
                registered,
                CentralLog(self._database, registered, now=self._now),
                ledger_dir=self._settings.ledger,
                photos=self._photos,
                eligible=self.may_enter,
                now=self._now,
            )
            bridge.start()
            self._bridge = bridge
            log.info("%d terminals at %s:%s", len(registered), self._broker.host, self._broker.port)
        self._terminals = registered

    def _end(self) -> None:
        if self._bridge is not None:
            self._bridge.stop()
        self._bridge, self._terminals, self._noted = None, [], {}

    def _read_rosters(self, connection: Connection, site_ids: set[str]) -> bool:
        """Catch up with the sites' logs; whether anything changed."""
        has_changed = False
        for site_id in self._rosters.keys() - site_ids:
            del self._rosters[site_id]
            has_changed = True
        sites, rows = tables.sites.c, tables.roster_log.c
        for site_id, version in connection.execute(
            select(sites.site_id, sites.roster_version).where(sites.site_id.in_(sorted(site_ids)))
        ).all():
            roster = self._rosters.get(site_id)
            if roster is not None and roster.version == version:
                continue
            if roster is None or version < roster.version:  # new, or a backup was restored
                roster = self._rosters[site_id] = _Roster()
            for text in connection.scalars(
                select(rows.entry).where(rows.site_id == site_id, rows.version > roster.version)
            ):
                entry = RosterEntry.model_validate_json(text)
                if entry.worker is None:
                    roster.workers.pop(entry.worker_id, None)
                else:
                    roster.workers[entry.worker_id] = entry.worker
            roster.version = version
            has_changed = True
        return has_changed

    def _people(self) -> Iterable[Worker]:
        # Somebody on several sites is the same in every log: they are written together.
        return {
            worker_id: worker
            for roster in self._rosters.values()
            for worker_id, worker in roster.workers.items()
        }.values()

    def _report(self, bridge: Bridge) -> None:
        now = self._now()
        if self._reported_at is not None and now - self._reported_at < self._settings.report_every:
            return
        self._reported_at = now
        sites = {one.terminal_id: one.site_id for one in self._terminals}
        news = [one for one in bridge.states() if self._noted.get(one.terminal_id) != one]
        if news:
            with self._database.write() as connection:
                for one in news:
                    terminals.note_state(connection, sites[one.terminal_id], one, now)
            self._noted |= {one.terminal_id: one for one in news}
        self._confirm_erasures(bridge, now)
        for terminal_id in bridge.report().unknown_terminals.keys() - self._strangers:
            self._strangers.add(terminal_id)
            log.warning(
                "a terminal %r speaks that is not registered: sitegate central terminal add", terminal_id
            )

    def _confirm_erasures(self, bridge: Bridge, now: datetime) -> None:
        """Whoever took the consent back: off the terminals, and their photo out of the folder for them."""
        with self._database.read() as connection:
            waiting = erasures.waiting_at_terminals(connection)
        for one in waiting:
            roster = self._rosters.get(one.site_id)
            if roster is None or roster.version < one.roster_version:
                continue  # the bridge does not know of it yet
            free = bridge.is_free_of(one.terminal_id, one.worker_id)
            worker = roster.workers.get(one.worker_id)
            agreed = worker is not None and worker.face_consent_on is not None
            forgot = not agreed and self._photos is not None and self._photos.forget(one.worker_id)
            if free or forgot:
                with self._database.write() as connection:
                    if forgot:
                        erasures.add_centre_item(connection, one.erasure_id, "photo for terminals", now)
                    if free:
                        erasures.terminal_forgot(connection, one, now)
