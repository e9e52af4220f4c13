"""Who of the registry is on a key-monitoring list: when a list changes, when somebody registers or declares,
and every night for all.

One job of the centre's aftercare (`look`), in slices that each take a moment. How far it is stands in the
database, so a restart forgets nothing. The same slice serves one new worker and the whole registry: keyed
hashes of what is known about the people of the slice are looked up in the lists.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    Table,
    and_,
    delete,
    or_,
    select,
    tuple_,
    update,
)

from sync.central import list_import, list_matches, list_queue, tables
from sync.central.database import Database
from sync.central.list_import import CURRENT
from sync.central.list_keys import ListKeys
from sync.central.list_matches import Candidate, FoundBy, Outcome
from sync.central.list_subjects import Subject, Subjects
from sync.central.person_vault import PersonVault
from sync.central.statements import among
from sync.central.tables_lists import watch_list_entries, watch_list_versions, watch_matches, watch_queue
from sync.central.worker_desk import RosterChanged
from sync.screening.near import KeySet, forms, near_keys, slips

log = logging.getLogger(__name__)

PEOPLE_AT_ONCE = 4000
"""Of the registry in one slice."""

QUEUED_AT_ONCE = 200
ENDED_AT_ONCE = 200
SLIPS_AT_ONCE = 250
"""Numbers whose slips are made together: some ten megabytes."""

NIGHT_UTC_HOUR = 18
"""Two in the morning in China: the registry is gone through again."""

GIVEN_UP_AFTER = timedelta(hours=6)
"""A version that has been loading for longer belongs to a process that ended."""

HOUSEKEEPING_EVERY = timedelta(minutes=1)
_RANK = {found_by: rank for rank, found_by in enumerate(FoundBy)}


@dataclass(frozen=True, slots=True)
class _Version:
    version_no: int
    list_id: str
    matched_through: str
    matched_at: datetime | None


class ListMatcher:
    """Keeps matches and flags in step with lists and registry. Not thread-safe: one thread calls `look`."""

    def __init__(
        self,
        database: Database,
        vault: PersonVault,
        *,
        now: Callable[[], datetime],
        on_roster_change: RosterChanged | None = None,
    ) -> None:
        self._database = database
        self._keys = ListKeys(vault.list_key)
        self._now = now
        self._on_roster_change = on_roster_change
        self._near: dict[int, dict[int, KeySet]] = {}
        self._kept_at: datetime | None = None
        self._registered = Subjects(vault)
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="lists")

    def look(self) -> int:
        """Do one slice of what waits; how much that was."""
        now = self._now()
        if self._kept_at is None or now - self._kept_at >= HOUSEKEEPING_EVERY:
            self._keep_house(now)
            self._kept_at = now
        return self._take_removed(now) + self._take_queue(now) + self._go_on(now)

    def match_now(self, worker_ids: Sequence[str]) -> Outcome:
        """Hold these people against all lists at once, as `look` does with those who wait."""
        return self._match(worker_ids, self._now())

    def candidates(
        self, connection: Connection, subjects: Sequence[Subject], versions: Iterable[tuple[int, str]]
    ) -> list[Candidate]:
        """Every entry of these versions (number and list) that concerns one of these people."""
        lists = dict(versions)
        if not lists or not subjects:
            return []
        found: dict[tuple[str, int, str], Candidate] = {}
        now = self._now()
        for subject, entry, found_by in self._hits(connection, subjects, lists):
            if entry.valid_until is not None and entry.valid_until <= now:
                continue
            candidate = _candidate(subject, entry, found_by, lists[entry.version_no], self._keys)
            known = found.get(candidate.key)
            if known is None or _RANK[candidate.found_by] < _RANK[known.found_by]:
                found[candidate.key] = candidate
        return list(found.values())

    # -- slices ------------------------------------------------------------------------------------------

    def _take_queue(self, now: datetime) -> int:
        with self._database.read() as connection:
            waiting = connection.execute(
                select(watch_queue).order_by(watch_queue.c.asked_at).limit(QUEUED_AT_ONCE)
            ).all()
        if waiting:
            self._match([one.worker_id for one in waiting], now, done=waiting)
        return len(waiting)

    def _match(self, worker_ids: Sequence[str], now: datetime, *, done: Sequence[Row[Any]] = ()) -> Outcome:
        with self._database.read() as connection:
            versions = _current(connection)
            subjects = self._registered.workers(connection, tables.workers.c.worker_id.in_(worker_ids))
            candidates = self.candidates(connection, subjects, _pairs(versions))
        return self._settle(subjects, versions, candidates, now, done=done)

    def _go_on(self, now: datetime) -> int:
        """The next people of the registry against the next version that has not seen all of them."""
        with self._database.read() as connection:
            version = next((one for one in _current(connection) if one.matched_at is None), None)
            if version is None:
                return 0
            workers = tables.workers.c.worker_id
            subjects = self._registered.workers(
                connection, workers > version.matched_through, limit=PEOPLE_AT_ONCE
            )
            candidates = self.candidates(connection, subjects, _pairs([version]))
        self._settle(subjects, [version], candidates, now)
        is_last = len(subjects) < PEOPLE_AT_ONCE
        reached = {"matched_at": now} if is_last else {"matched_through": subjects[-1].worker_id}
        with self._database.write() as connection:
            connection.execute(
                update(watch_list_versions)
                .where(watch_list_versions.c.version_no == version.version_no)
                .values(reached)
            )
            if is_last:
                list_queue.ask_all_visitors(connection, now)
        if is_last:
            log.info("list %s: the whole registry was held against it", version.list_id)
        return 1

    def _take_removed(self, now: datetime) -> int:
        """Flags of lists that were removed go first, and those of entries that have ended."""
        column = watch_matches.c
        with self._database.read() as connection:
            over = connection.execute(
                select(column.match_id, column.worker_id)
                .where(is_over(watch_matches, now))
                .limit(ENDED_AT_ONCE)
            ).all()
        if not over:
            return 0
        with self._database.write() as connection:
            list_matches.end(connection, watch_matches, [one.match_id for one in over])
            roster = list_matches.put_flags(connection, sorted({one.worker_id for one in over}), now=now)
        self._announce(Outcome(roster, taken_back=len(over)))
        return len(over)

    def _keep_house(self, now: datetime) -> None:
        list_import.clean_up(self._database, loading_before=now - GIVEN_UP_AFTER)
        night = now.astimezone(UTC).replace(hour=NIGHT_UTC_HOUR, minute=0, second=0, microsecond=0)
        night -= timedelta(days=1) if night > now else timedelta(0)
        versions = watch_list_versions.c
        with self._database.write() as connection:
            connection.execute(
                update(watch_list_versions)
                .where(versions.state == CURRENT, versions.matched_at < night)
                .values(matched_through="", matched_at=None)
            )

    def _settle(
        self,
        subjects: Sequence[Subject],
        versions: Sequence[_Version],
        candidates: Sequence[Candidate],
        now: datetime,
        *,
        done: Sequence[Row[Any]] = (),
    ) -> Outcome:
        """Write what was found, unless a list was replaced meanwhile: then the next round finds it anew."""
        ids = [one.worker_id for one in subjects]
        list_ids = {one.list_id for one in versions}
        with self._database.read() as connection:
            # A record that changed may hold flags of one that was merged into it.
            is_concerned = bool(candidates or done) or _has_matches(connection, ids)
        if not is_concerned:
            return Outcome({})
        with self._database.write() as connection:
            is_same = {one.version_no for one in versions} <= {one.version_no for one in _current(connection)}
            outcome = Outcome({})
            if is_same:
                outcome = list_matches.reconcile(connection, ids, list_ids, candidates, now=now)
                # Who was queued again meanwhile has a later time, and stays.
                queued = tuple_(watch_queue.c.worker_id, watch_queue.c.asked_at)
                connection.execute(delete(watch_queue).where(queued.in_([tuple(one) for one in done])))
        self._announce(outcome)
        return outcome

    def _announce(self, outcome: Outcome) -> None:
        if outcome.flagged or outcome.to_confirm:
            log.warning(
                "lists: %d workers flagged, %d matches to confirm (sitegate central list show LIST)",
                outcome.flagged,
                outcome.to_confirm,
            )
        if outcome.taken_back:
            log.info("lists: %d matches are over", outcome.taken_back)
        if outcome.versions and self._on_roster_change is not None:
            self._on_roster_change(outcome.versions)

    # -- looking up --------------------------------------------------------------------------------------

    def _hits(
        self, connection: Connection, subjects: Sequence[Subject], lists: dict[int, str]
    ) -> Iterable[tuple[Subject, Row[Any], FoundBy]]:
        columns = watch_list_entries.c
        keys = self._keys
        exact = (
            (columns.number_key, FoundBy.NUMBER, [keys.number(one.number) for one in subjects]),
            (columns.phone_key, FoundBy.PHONE, [keys.phone(one.phone) for one in subjects]),
            (columns.name_key, FoundBy.NAME_BIRTH, [keys.name(one.name, one.birth_date) for one in subjects]),
        )
        # The threads make slips while this one asks the database. Beside them hashing would take five times
        # as long, as each hash gives the interpreter away and has to wait for it.
        slipped = self._begin_slips(connection, subjects, lists)
        for column, found_by, made in exact:
            wanted: dict[int, list[Subject]] = defaultdict(list)
            for key, subject in zip(made, subjects, strict=True):
                if key is not None:
                    wanted[key].append(subject)
            for entry in _entries(connection, column, list(wanted), lists):
                for subject in wanted[getattr(entry, column.name)]:
                    yield subject, entry, found_by
        near: dict[int, list[Subject]] = defaultdict(list)
        for hits in slipped:
            for key, subject in hits:
                near[key].append(subject)
        for entry in _entries(connection, columns.near_key, list(near), lists):
            for subject in near[entry.near_key]:
                yield subject, entry, FoundBy.NUMBER_NEAR

    def _begin_slips(
        self, connection: Connection, subjects: Sequence[Subject], lists: dict[int, str]
    ) -> Iterable[list[tuple[int, Subject]]]:
        """Keys that a list has, and people of whose number they are a slip. Reading waits for the threads."""
        by_length: dict[int, list[tuple[str, Subject]]] = defaultdict(list)
        for subject in subjects:
            for form in forms(subject.number):
                by_length[len(form)].append((form, subject))
        begun = []
        for length, written in by_length.items():
            listed = [keys for no in lists if (keys := self._near_of(connection, no).get(length)) is not None]
            if listed:
                parts = [written[at : at + SLIPS_AT_ONCE] for at in range(0, len(written), SLIPS_AT_ONCE)]
                begun.append(self._pool.map(self._listed_slips, parts, repeat(listed)))
        return chain.from_iterable(begun)

    def _listed_slips(
        self, written: Sequence[tuple[str, Subject]], listed: Sequence[KeySet]
    ) -> list[tuple[int, Subject]]:
        made = near_keys(self._keys.near_secret, slips([form for form, _ in written]))
        hits = {hit for keys in listed for hit in keys.found_in(made)}
        return [(key, written[row][1]) for row, key in sorted(hits)]

    def _near_of(self, connection: Connection, version_no: int) -> dict[int, KeySet]:
        """Keys of the numbers with slips of a version, by length; read once."""
        if version_no not in self._near:
            current = {one.version_no for one in _current(connection)}
            self._near = {no: keys for no, keys in self._near.items() if no in current}
            columns = watch_list_entries.c
            rows = connection.execute(
                select(columns.near_length, columns.near_key).where(
                    columns.near_key.is_not(None), columns.version_no == version_no
                )
            ).all()
            by_length: dict[int, list[int]] = defaultdict(list)
            for length, key in rows:
                by_length[length].append(key)
            self._near[version_no] = {length: KeySet(keys) for length, keys in by_length.items()}
        return self._near[version_no]


def current_versions(connection: Connection) -> list[tuple[int, str]]:
    """Number and list of every version that counts."""
    return _pairs(_current(connection))


def is_over(matches: Table, now: datetime) -> ColumnElement[bool]:
    """The clause for matches whose list was removed, or whose entry has ended, and that do not say so yet."""
    versions = watch_list_versions.c
    is_alive = (
        select(versions.version_no)
        .where(versions.list_id == matches.c.list_id, versions.state == CURRENT)
        .exists()
    )
    return and_(matches.c.is_current, or_(matches.c.valid_until <= now, ~is_alive))


def _candidate(
    subject: Subject, entry: Row[Any], found_by: FoundBy, list_id: str, keys: ListKeys
) -> Candidate:
    differ = (
        subject.is_checked
        and entry.is_checked
        and entry.number_key is not None
        and entry.number_key != keys.number(subject.number)
    )
    # A telephone passes from hand to hand: with papers that say it is another person, somebody looks first.
    is_exact = found_by is FoundBy.NUMBER or (found_by is FoundBy.PHONE and not differ)
    return Candidate(
        list_id=list_id,
        identity=entry.identity,
        worker_id=subject.worker_id,
        found_by=found_by,
        is_exact=is_exact,
        documents_differ=differ,
        version_no=entry.version_no,
        row=entry.row,
        category=entry.category,
        level=entry.level,
        valid_from=entry.valid_from,
        valid_until=entry.valid_until,
    )


def _entries(
    connection: Connection, column: Column[Any], keys: Sequence[int], lists: dict[int, str]
) -> list[Row[Any]]:
    # The version is compared here: with it in the statement a planner may go through the whole version.
    if not keys:
        return []
    found = connection.execute(select(watch_list_entries).where(among(connection, column, keys)))
    return [entry for entry in found if entry.version_no in lists]


def _current(connection: Connection) -> list[_Version]:
    versions = watch_list_versions.c
    rows = connection.execute(
        select(versions.version_no, versions.list_id, versions.matched_through, versions.matched_at)
        .where(versions.state == CURRENT)
        .order_by(versions.version_no)
    )
    return [_Version(*row) for row in rows]


def _pairs(versions: Sequence[_Version]) -> list[tuple[int, str]]:
    return [(one.version_no, one.list_id) for one in versions]


def _has_matches(connection: Connection, worker_ids: Sequence[str]) -> bool:
    column = watch_matches.c.worker_id
    query = select(column).where(among(connection, column, worker_ids)).limit(1)
    return connection.scalar(query) is not None
