"""Looks out for what was changed in the database, by whichever process, and tells the gates."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from sync.central import alert_rules, commands, event_rows, tables
from sync.central.alert_notices import notices
from sync.central.database import Database
from sync.central.roster_log import Digests
from sync.central.settings import CentreSettings
from sync.central.signer import Signer
from sync.wire import topics
from sync.wire.messages import Notice, NoticeBoard, RosterHead

log = logging.getLogger(__name__)

SWEEP_EVERY = 25
"""Rounds between two looks for passages that wait for nothing."""

STOPPED_WITHIN_S = 30.0


class Publish(Protocol):
    """Hands a message to the broker; False where there is none."""

    def __call__(self, topic: str, payload: bytes, *, retain: bool = False) -> bool: ...


class Lookout:
    """A thread that looks every `settings.poll`, and at once when `poke` is set."""

    def __init__(
        self,
        database: Database,
        signer: Signer,
        publish: Publish,
        now: Callable[[], datetime],
        poke: threading.Event,
        settings: CentreSettings,
    ) -> None:
        self._database = database
        self._signer = signer
        self._publish = publish
        self._now = now
        self._poke = poke
        self._settings = settings
        self._digests = Digests()
        self._announced: dict[str, tuple[int, datetime]] = {}
        self._noticed: dict[str, tuple[tuple[Notice, ...], datetime]] = {}
        self._announce_all = threading.Event()
        self._stopping = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="lookout", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._poke.set()
        if self._thread.is_alive():
            self._thread.join(STOPPED_WITHIN_S)

    def announce_all(self) -> None:
        """The connection is new: the broker may have forgotten what it retained."""
        self._announce_all.set()
        self._poke.set()

    def _run(self) -> None:
        rounds = 0
        while not self._stopping.is_set():
            try:
                if self._announce_all.is_set():
                    self._announce_all.clear()
                    self._announced.clear()
                    self._noticed.clear()
                self._announce()
                self._put_up_notices()
                self._command()
                if rounds % SWEEP_EVERY == 0:
                    with self._database.write() as connection:
                        event_rows.apply_passages(connection)
                self._failing = False
            except DBAPIError as error:
                if not self._failing:
                    log.error("lookout: the database does not answer: %s", type(error.orig).__name__)
                self._failing = True
            except Exception:  # the thread must go on, or no flag would reach a gate any more
                log.exception("lookout: a round failed")
            rounds += 1
            self._poke.wait(self._settings.poll.total_seconds())
            self._poke.clear()

    def _announce(self) -> None:
        now = self._now()
        sites = tables.sites.c
        with self._database.read() as connection:
            for site_id, version in connection.execute(select(sites.site_id, sites.roster_version)).all():
                said, at = self._announced.get(site_id, (-1, now))
                if said == version and now - at < self._settings.announce_every:
                    continue
                _, digest, workers = self._digests.at(connection, site_id)  # the same moment, hence version
                head = RosterHead(version=version, digest=digest, workers=workers, at=now)
                if self._publish(*self._signer.down(site_id, topics.HEAD, head), retain=True):
                    self._announced[site_id] = (version, now)

    def _put_up_notices(self) -> None:
        """For the guards, like the head of a roster: after every change, and again from time to time."""
        now = self._now()
        with self._database.read() as connection:
            site_ids = connection.scalars(select(tables.sites.c.site_id)).all()
            found = notices(connection, alert_rules.rules(connection))
        for site_id in site_ids:
            said, at = self._noticed.get(site_id, (None, now))
            new = found.get(site_id, ())
            if said == new and now - at < self._settings.announce_every:
                continue
            board = NoticeBoard(at=now, notices=new)
            if self._publish(*self._signer.down(site_id, topics.NOTICES, board), retain=True):
                self._noticed[site_id] = (new, now)

    def _command(self) -> None:
        with self._database.read() as connection:
            if not commands.waiting(connection):
                return
        with self._database.write() as connection:
            outgoing = commands.take_waiting(connection, self._now())
        for one in outgoing:
            site_id, gate_id = one.gate
            sent = self._publish(*self._signer.down(site_id, topics.COMMAND, one.command, gate_id=gate_id))
            if not sent:
                log.warning("command %s was not sent: no connection to the broker", one.command.command_id)
