"""Who of the registry is on a key-monitoring list: when a list changes, when somebody registers or declares,
and every night for all.

One job of the centre's aftercare (`look`), in slices that each take a moment. How far it is stands in the
database, so a restart forgets nothing. The same slice serves one new worker and the whole registry: keyed
hashes of what is known about the people of the slice are looked up in the lists.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Table,
    and_,
    delete,
    literal,
    or_,
    select,
    tuple_,
    union_all,
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
FEW = 20
"""People for whom nothing is done beside anything else, and the database is asked once."""

_KEY_OF = {
    FoundBy.NUMBER: watch_list_entries.c.number_key,
    FoundBy.PHONE: watch_list_entries.c.phone_key,
    FoundBy.NUMBER_NEAR: watch_list_entries.c.near_key,
    FoundBy.NAME_BIRTH: watch_list_entries.c.name_key,
}
_RANK = {found_by: rank for rank, found_by in enumerate(FoundBy)}


@dataclass(frozen=True, slots=True)
class _Version:
    version_no: int
    list_id: str
    matched_through: str
    matched_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Findings:
    """People, and what these versions say about them."""

    subjects: Sequence[Subject]
    versions: Sequence[_Version]
    candidates: Sequence[Candidate]


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
        with self._database.read() as connection:
            over = _over(connection, now)
            waiting = _waiting(connection)
            versions = _current(connection)
            found = self._find(connection, [one.worker_id for one in waiting], versions)
        # Flags of lists that were removed go first, and those of entries that have ended.
        self._take_back(over, now)
        if waiting:
            self._settle(found, now, done=waiting)
        return len(over) + len(waiting) + self._go_on(versions, now)

    def match_now(self, worker_ids: Sequence[str]) -> Outcome:
        """Hold these people against all lists at once, as `look` does with those who wait."""
        with self._database.read() as connection:
            found = self._find(connection, worker_ids, _current(connection))
        return self._settle(found, self._now())

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

    def _find(
        self, connection: Connection, worker_ids: Sequence[str], versions: Sequence[_Version]
    ) -> _Findings:
        if not worker_ids:
            return _Findings((), versions, ())
        subjects = self._registered.workers(connection, tables.workers.c.worker_id.in_(worker_ids))
        return _Findings(subjects, versions, self.candidates(connection, subjects, _pairs(versions)))

    def _go_on(self, versions: Sequence[_Version], now: datetime) -> int:
        """The next people of the registry against the next version that has not seen all of them."""
        version = next((one for one in versions if one.matched_at is None), None)
        if version is None:
            return 0
        with self._database.read() as connection:
            workers = tables.workers.c.worker_id
            subjects = self._registered.workers(
                connection, workers > version.matched_through, limit=PEOPLE_AT_ONCE
            )
            candidates = self.candidates(connection, subjects, _pairs([version]))
        self._settle(_Findings(subjects, [version], candidates), now)
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

    def _take_back(self, over: Sequence[Row[Any, Any]], now: datetime) -> None:
        if not over:
            return
        with self._database.write() as connection:
            list_matches.end(connection, watch_matches, [one.match_id for one in over])
            roster = list_matches.put_flags(connection, sorted({one.worker_id for one in over}), now=now)
        self._announce(Outcome(roster, taken_back=len(over)))

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

    def _settle(self, found: _Findings, now: datetime, *, done: Sequence[Row[Any]] = ()) -> Outcome:
        """Write what was found, unless a list was replaced meanwhile: then the next round finds it anew."""
        ids = [one.worker_id for one in found.subjects]
        versions = found.versions
        # A record that changed may hold flags of one that was merged into it.
        if not (found.candidates or done or self._have_matches(ids)):
            return Outcome({})
        with self._database.write() as connection:
            is_same = {one.version_no for one in versions} <= {one.version_no for one in _current(connection)}
            outcome = Outcome({})
            if is_same:
                list_ids = {one.list_id for one in versions}
                outcome = list_matches.reconcile(connection, ids, list_ids, found.candidates, now=now)
                # Who was queued again meanwhile has a later time, and stays.
                queued = tuple_(watch_queue.c.worker_id, watch_queue.c.asked_at)
                connection.execute(delete(watch_queue).where(queued.in_([tuple(one) for one in done])))
        self._announce(outcome)
        return outcome

    def _have_matches(self, worker_ids: Sequence[str]) -> bool:
        column = watch_matches.c.worker_id
        with self._database.read() as connection:
            query = select(column).where(among(connection, column, worker_ids)).limit(1)
            return connection.scalar(query) is not None

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
        keys = self._keys
        wanted: dict[FoundBy, dict[int, list[Subject]]] = {
            FoundBy.NUMBER: _by_key((keys.number(one.number), one) for one in subjects),
            FoundBy.PHONE: _by_key((keys.phone(one.phone), one) for one in subjects),
            FoundBy.NAME_BIRTH: _by_key((keys.name(one.name, one.birth_date), one) for one in subjects),
        }
        are_few = len(subjects) <= FEW
        # The threads make slips while this one asks the database. Beside them hashing would take five times
        # as long, as each hash gives the interpreter away and has to wait for it.
        slipped = self._begin_slips(connection, subjects, lists, are_few=are_few)
        if not are_few:
            yield from _entries(connection, wanted, lists)
            wanted.clear()
        wanted[FoundBy.NUMBER_NEAR] = _by_key(chain.from_iterable(slipped))
        yield from _entries(connection, wanted, lists)

    def _begin_slips(
        self,
        connection: Connection,
        subjects: Sequence[Subject],
        lists: dict[int, str],
        *,
        are_few: bool,
    ) -> Iterable[list[tuple[int, Subject]]]:
        """Keys that a list has, and people of whose number they are a slip. Reading waits for the threads."""
        by_length: dict[int, list[tuple[str, Subject]]] = defaultdict(list)
        for subject in subjects:
            for form in forms(subject.number):
                by_length[len(form)].append((form, subject))
        # For a few people a thread has hardly begun when this one could be done.
        each = map if are_few else self._pool.map
        begun = []
        for length, written in by_length.items():
            listed = [keys for no in lists if (keys := self._near_of(connection, no).get(length)) is not None]
            if listed:
                parts = [written[at : at + SLIPS_AT_ONCE] for at in range(0, len(written), SLIPS_AT_ONCE)]
                begun.append(each(self._listed_slips, parts, repeat(listed)))
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


def _by_key(keyed: Iterable[tuple[int | None, Subject]]) -> dict[int, list[Subject]]:
    found: dict[int, list[Subject]] = defaultdict(list)
    for key, subject in keyed:
        if key is not None:
            found[key].append(subject)
    return found


def _entries(
    connection: Connection, wanted: Mapping[FoundBy, Mapping[int, list[Subject]]], lists: dict[int, str]
) -> Iterator[tuple[Subject, Row[Any], FoundBy]]:
    """Entries with one of these keys, all in one question: each waits for the database once more."""
    # The version is compared here: with it in the statement a planner may go through the whole version.
    looked_up = [
        select(watch_list_entries, literal(found_by.value).label("found_by")).where(
            among(connection, _KEY_OF[found_by], list(by_key))
        )
        for found_by, by_key in wanted.items()
        if by_key
    ]
    if not looked_up:
        return
    for entry in connection.execute(union_all(*looked_up)):
        if entry.version_no in lists:
            found_by = FoundBy(entry.found_by)
            for subject in wanted[found_by][getattr(entry, _KEY_OF[found_by].name)]:
                yield subject, entry, found_by


def _over(connection: Connection, now: datetime) -> Sequence[Row[Any, Any]]:
    column = watch_matches.c
    query = select(column.match_id, column.worker_id).where(is_over(watch_matches, now))
    return connection.execute(query.limit(ENDED_AT_ONCE)).all()


def _waiting(connection: Connection) -> Sequence[Row[Any]]:
    query = select(watch_queue).order_by(watch_queue.c.asked_at).limit(QUEUED_AT_ONCE)
    return connection.execute(query).all()


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
