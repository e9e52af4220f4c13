"""Signed lists that the centre fetches itself, on a schedule, from an address of their issuer.

What cannot be fetched, is not signed by the list's issuer, or was there before changes nothing: it is written
down with the time of the last good fetch, and tried again.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row, delete, select, update

from sync.central import audit, list_feed, list_import
from sync.central.audit import Action
from sync.central.database import Database
from sync.central.errors import CentralError, SettingRefused
from sync.central.list_download import Download, FetchStopped, Limits, NotFetched, Why, checked_url, download
from sync.central.list_feed import FeedRefused
from sync.central.list_import import CURRENT, ListTerms
from sync.central.list_keys import ListKeys
from sync.central.person_vault import PersonVault
from sync.central.statements import upsert
from sync.central.tables_lists import watch_list_feeds, watch_list_versions, watch_lists
from sync.errors import SyncError
from sync.records import FlagLevel
from sync.screening.list_file import ListUnusable

log = logging.getLogger(__name__)

EVERY = timedelta(hours=1)
EVERY_LEAST, EVERY_MOST = timedelta(minutes=1), timedelta(days=7)
RETRY_AFTER = timedelta(minutes=5)
CLAIMED_FOR = timedelta(minutes=30)
"""Longer than a download and its import: another process takes over from one that ended on the way."""

ACTOR = "feed"


class UnknownFeed(CentralError, LookupError):
    """This list is not fetched from anywhere."""


@dataclass(frozen=True, slots=True)
class Feed:
    """How a list is fetched. `fetched_at`: last good fetch; `problem`: why the last try was none, or None."""

    list_id: str
    url: str
    every: timedelta
    next_at: datetime
    tried_at: datetime | None
    fetched_at: datetime | None
    problem: Why | None
    detail: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch came to. `number`: of the version that it became; 0: nothing new."""

    feed: Feed
    number: int = 0


def feeds(connection: Connection) -> dict[str, Feed]:
    """Every list that is fetched, by its id."""
    return {row.list_id: _feed(row) for row in connection.execute(select(watch_list_feeds))}


def set_feed(connection: Connection, list_id: str, url: str, *, every: timedelta, now: datetime) -> None:
    """From now on the list is fetched from there, for the first time at once.

    Raises:
        SettingRefused: no such address or pace, or no version of the list that somebody signed.
    """
    if not EVERY_LEAST <= every <= EVERY_MOST:
        raise SettingRefused("a list is fetched every minute at most, and once a week at least")
    if not _current(connection, list_id).signed_by:
        raise SettingRefused(
            f"list {list_id} has no key of its issuer to check what is fetched",
            next_step="import it once at the command line with --feed-key",
        )
    upsert(
        connection,
        watch_list_feeds,
        [
            {
                "list_id": list_id,
                "url": checked_url(url),
                "every_s": int(every.total_seconds()),
                "next_at": now,
                "tried_at": None,
                "fetched_at": None,
                "sha256": "",
                "etag": "",
                "modified_at": None,
                "problem": "",
                "detail": "",
            }
        ],
    )


def end_feed(connection: Connection, list_id: str) -> None:
    """The list stays as it is and is fetched no more. Raises UnknownFeed."""
    gone = connection.execute(delete(watch_list_feeds).where(watch_list_feeds.c.list_id == list_id)).rowcount
    if not gone:
        raise _unknown(list_id)


class ListFetcher:
    """Fetches what is due, one list at a time. Not thread-safe, but for `stop`."""

    def __init__(
        self,
        database: Database,
        vault: PersonVault,
        *,
        now: Callable[[], datetime],
        limits: Limits | None = None,
    ) -> None:
        self._database = database
        self._keys = ListKeys(vault.list_key)
        self._now = now
        self._limits = limits or Limits()
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Give up what is being fetched; nothing of it is kept."""
        self._stopping.set()

    def look(self) -> int:
        """Fetch one list that is due; how many that were."""
        list_id = self._claim()
        if list_id is None:
            return 0
        try:
            self.fetch(list_id)
        except UnknownFeed:
            log.info("list %s was removed, or its feed ended, while it was fetched", list_id)
        return 1

    def fetch(self, list_id: str) -> Fetched:
        """Fetch this list now; what went wrong stands in the answer. Raises UnknownFeed."""
        with self._database.read() as connection:
            feed = _row(connection, list_id)
            version = _current(connection, list_id)
        try:
            number, kept = self._take(feed, version)
        except FetchStopped:
            return Fetched(self._note(list_id, {"next_at": self._now()}))
        except NotFetched as error:
            return self._failed(feed, error.why, error)
        except FeedRefused as error:
            return self._failed(feed, Why.WRONG_SIGNATURE, error)
        except (ListUnusable, SettingRefused) as error:
            return self._failed(feed, Why.UNUSABLE, error)
        now = self._now()
        good = {"tried_at": now, "fetched_at": now, "next_at": now + timedelta(seconds=feed.every_s)}
        return Fetched(self._note(list_id, {**kept, **good, "problem": "", "detail": ""}), number)

    # -- inside ------------------------------------------------------------------------------------------

    def _claim(self) -> str | None:
        """A list that is due, and that no other process takes meanwhile."""
        column, now = watch_list_feeds.c, self._now()
        due = (
            select(column.list_id, column.next_at)
            .where(column.next_at <= now)
            .order_by(column.next_at, column.list_id)
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(due).first()
        if row is None:
            return None
        mine = update(watch_list_feeds).where(column.list_id == row.list_id, column.next_at == row.next_at)
        with self._database.write() as connection:
            is_mine = connection.execute(mine.values(next_at=now + CLAIMED_FOR)).rowcount
        return row.list_id if is_mine else None

    def _take(self, feed: Row[Any], version: Row[Any]) -> tuple[int, dict[str, Any]]:
        """Number of the new version or 0, and what to keep of the answer."""
        key = version.signed_by
        if not key:
            raise NotFetched(
                Why.NO_KEY,
                f"version {version.number} was imported without a key",
                next_step="import it at the command line with --feed-key",
            )
        # Only while the list is what was fetched: an import in between may have to be undone.
        is_as_fetched = feed.sha256 == version.sha256
        found = download(
            feed.url,
            etag=feed.etag if is_as_fetched else "",
            limits=self._limits,
            stopping=self._stopping,
        )
        if found is None:
            return 0, {}
        list_feed.checked(found.raw, found.signature, key)
        sha256 = hashlib.sha256(found.raw).hexdigest()
        kept = {"sha256": sha256, "etag": found.etag, "modified_at": found.modified_at}
        if sha256 == version.sha256:
            return 0, kept
        self._require_newer(feed, version, found, sha256)
        return self._import(feed, version, found.raw), kept

    def _require_newer(self, feed: Row[Any], version: Row[Any], found: Download, sha256: str) -> None:
        """A true signature of last month is still a true signature."""
        versions = watch_list_versions.c
        query = select(versions.number).where(
            versions.list_id == feed.list_id, versions.sha256 == sha256, versions.number < version.number
        )
        with self._database.read() as connection:
            before = connection.scalar(query.order_by(versions.number.desc()).limit(1))
        if before:
            why = f"it is version {before} again, and {version.number} is there"
        elif feed.sha256 == version.sha256 and _is_before(found.modified_at, feed.modified_at):
            why = f"it is of {found.modified_at}, and what is there of {feed.modified_at}"
        else:
            return
        raise NotFetched(Why.OLDER, why, next_step="if the issuer means it, import it at the command line")

    def _import(self, feed: Row[Any], version: Row[Any], raw: bytes) -> int:
        def on_rows(_rows: int) -> None:
            if self._stopping.is_set():
                raise FetchStopped("stopped")
            with self._database.read() as connection:
                _row(connection, feed.list_id)  # an import would bring back a list that was removed meanwhile

        on_rows(0)
        now = self._now()
        terms = ListTerms(
            feed.list_id,
            version.name,
            version.source,
            FlagLevel(version.level),
            version.category,
            version.valid_from,
            version.valid_until,
        )
        name = PurePosixPath(urlsplit(feed.url).path).name
        done = list_import.import_list(
            self._database,
            self._keys,
            terms,
            name,
            raw,
            by=ACTOR,
            now=now,
            signed_by=version.signed_by,
            on_rows=on_rows,
        )
        detail = {"version": done.number, "entries": done.report.entries, "source": terms.source}
        with self._database.write() as connection:
            audit.note(
                connection,
                at=now,
                actor=ACTOR,
                action=Action.IMPORTED_LIST,
                subject=f"list:{feed.list_id}",
                detail=detail,
            )
        log.info(
            "list %s: version %d was fetched, %d entries", feed.list_id, done.number, done.report.entries
        )
        return done.number

    def _failed(self, feed: Row[Any], why: Why, error: SyncError) -> Fetched:
        if feed.problem != why.value:  # once, not at each try
            log.warning("list %s is not fetched: %s; %s", feed.list_id, error, error.next_step)
        now = self._now()
        again = now + min(RETRY_AFTER, timedelta(seconds=feed.every_s))
        values = {"tried_at": now, "next_at": again, "problem": why.value, "detail": str(error)}
        return Fetched(self._note(feed.list_id, values))

    def _note(self, list_id: str, values: dict[str, Any]) -> Feed:
        with self._database.write() as connection:
            connection.execute(
                update(watch_list_feeds).where(watch_list_feeds.c.list_id == list_id).values(values)
            )
            return _feed(_row(connection, list_id))


def _row(connection: Connection, list_id: str) -> Row[Any]:
    row = connection.execute(select(watch_list_feeds).where(watch_list_feeds.c.list_id == list_id)).first()
    if row is None:
        raise _unknown(list_id)
    return row


def _current(connection: Connection, list_id: str) -> Row[Any]:
    """Raises SettingRefused where the list was never imported, or was removed."""
    versions, lists = watch_list_versions.c, watch_lists.c
    row = connection.execute(
        select(watch_list_versions, lists.name)
        .join_from(watch_list_versions, watch_lists, lists.list_id == versions.list_id)
        .where(versions.list_id == list_id, versions.state == CURRENT)
    ).first()
    if row is None:
        raise SettingRefused(
            f"no list {list_id}", next_step="import it once at the command line with --feed-key"
        )
    return row


def _feed(row: Row[Any]) -> Feed:
    return Feed(
        row.list_id,
        row.url,
        timedelta(seconds=row.every_s),
        row.next_at,
        row.tried_at,
        row.fetched_at,
        Why(row.problem) if row.problem else None,
        row.detail,
    )


def _is_before(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and one < other


def _unknown(list_id: str) -> UnknownFeed:
    return UnknownFeed(
        f"list {list_id} is not fetched from anywhere",
        next_step=f"sitegate central list feed {list_id} https://…",
    )
