"""Visitors who are on a key-monitoring list: somebody who declared without being registered.

There is no roster to flag them on, so a match is shown and raises an alert at the sites where they declared:
at once where it is exact, for a person to confirm where it is near. Matched when they declare and when a list
changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, select, tuple_

from sync.central import list_matches
from sync.central.alerts import raise_alert
from sync.central.database import Database
from sync.central.list_matches import Candidate
from sync.central.list_matching import ENDED_AT_ONCE, QUEUED_AT_ONCE, ListMatcher, current_versions, is_over
from sync.central.list_subjects import Subjects
from sync.central.person_vault import PersonVault
from sync.central.tables_declarations import declarations
from sync.central.tables_lists import watch_visitor_matches, watch_visitor_queue
from sync.central.tables_phone import visitors

_Counts = Counter[tuple[str, str, str]]
"""How many visitors, by rule, list and site."""


class VisitorMatcher:
    """One job of the centre's aftercare. Not thread-safe: the thread that calls `ListMatcher.look`."""

    def __init__(
        self, database: Database, vault: PersonVault, matcher: ListMatcher, *, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._matcher = matcher
        self._subjects = Subjects(vault)
        self._now = now

    def look(self) -> int:
        """Do some of what waits; how much that was."""
        now = self._now()
        return self._take_over(now) + self._take_queue(now)

    def _take_queue(self, now: datetime) -> int:
        with self._database.read() as connection:
            queue = watch_visitor_queue.c
            waiting = connection.execute(
                select(watch_visitor_queue).order_by(queue.asked_at).limit(QUEUED_AT_ONCE)
            ).all()
            if not waiting:
                return 0
            versions = dict(current_versions(connection))
            which = visitors.c.visitor_id.in_([one.visitor_id for one in waiting])
            subjects = self._subjects.visitors(connection, which)
            candidates = self._matcher.candidates(connection, subjects, versions.items())
        with self._database.write() as connection:
            if dict(current_versions(connection)) != versions:
                return 1  # replaced meanwhile: the next round finds it anew
            found = list_matches.merge(
                connection,
                watch_visitor_matches.c.visitor_id,
                [one.worker_id for one in subjects],
                versions.values(),
                candidates,
                now=now,
            )
            _raise_alerts(connection, found.fresh, now)
            pairs = tuple_(queue.visitor_id, queue.asked_at)
            connection.execute(delete(watch_visitor_queue).where(pairs.in_([tuple(one) for one in waiting])))
        return len(waiting)

    def _take_over(self, now: datetime) -> int:
        """Matches of lists that were removed, and of entries that have ended."""
        matches = watch_visitor_matches.c
        query = select(matches.match_id).where(is_over(watch_visitor_matches, now)).limit(ENDED_AT_ONCE)
        with self._database.read() as connection:
            if connection.scalar(query) is None:
                return 0
        with self._database.write() as connection:
            ended = list(connection.scalars(query))
            list_matches.end(connection, watch_visitor_matches, ended)
        return len(ended)


def decide(
    connection: Connection, match_id: str, *, confirm: bool | None, reason: str, by: str, now: datetime
) -> None:
    """As `list_matches.decide`; a confirmed match raises an alert. Raises UnknownMatch, SettingRefused."""
    matches = watch_visitor_matches.c
    list_matches.note_decision(
        connection, matches.visitor_id, match_id, confirm=confirm, reason=reason, by=by, now=now
    )
    if confirm:
        about = select(matches.list_id, matches.visitor_id).where(matches.match_id == match_id)
        list_id, visitor_id = connection.execute(about).one()
        _raise(
            connection, Counter(("list_match", list_id, one) for one in _sites(connection, visitor_id)), now
        )


def _raise_alerts(connection: Connection, fresh: Iterable[Candidate], now: datetime) -> None:
    """One for each list and site: a new list with a hundred matches is no storm."""
    counts: _Counts = Counter()
    for one in fresh:
        rule = "list_match" if one.is_exact else "list_near"
        counts.update((rule, one.list_id, site_id) for site_id in _sites(connection, one.worker_id))
    _raise(connection, counts, now)


def _sites(connection: Connection, visitor_id: str) -> list[str]:
    """Where this visitor declared."""
    column = declarations.c
    query = select(column.site_id).where(column.visitor_id == visitor_id).distinct().order_by(column.site_id)
    return list(connection.scalars(query))


def _raise(connection: Connection, counts: _Counts, now: datetime) -> None:
    for (rule, list_id, site_id), count in sorted(counts.items()):
        raise_alert(
            connection,
            rule,
            site_id=site_id,
            subject=f"list:{list_id}",
            facts={"visitors": count},
            now=now,
        )
