"""Matches between lists and workers as they are kept, decided upon and turned into flags.

A match is flagged at once where it is exact, and after a person's word where it is near. A cleared match
stays cleared through every later version of the list; only a near one that becomes exact is looked at anew.
All functions are part of the caller's transaction and return the new roster version per site.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast
from uuid import uuid4

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    FromClause,
    RowMapping,
    Table,
    and_,
    insert,
    literal,
    or_,
    select,
    union_all,
    update,
)

from sync.central import alert_sources, audit, registry, tables
from sync.central.audit import Action
from sync.central.errors import CentralError, SettingRefused
from sync.central.statements import among, chunks
from sync.central.tables_lists import watch_lists, watch_matches
from sync.records import Flag, FlagLevel

CONFIRMED, CLEARED = "confirmed", "cleared"
FLAG_PREFIX = "list-"
ACTOR = "lists"


class FoundBy(StrEnum):
    """What an entry and a worker have in common, the strongest first."""

    NUMBER = "number"
    PHONE = "phone"
    NUMBER_NEAR = "number_near"
    NAME_BIRTH = "name_birth"


class MatchState(StrEnum):
    """Where a match stands."""

    FLAGGED = "flagged"
    TO_CONFIRM = "to_confirm"
    CLEARED = "cleared"
    GONE = "gone"  # the entry or the list is no more, or has ended


class UnknownMatch(CentralError, LookupError):
    """No match by that id."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry of a list that concerns a worker, or a visitor by that id, as the lists say now."""

    list_id: str
    identity: int
    worker_id: str
    found_by: FoundBy
    is_exact: bool
    documents_differ: bool
    version_no: int
    row: int
    category: str
    level: str
    valid_from: datetime | None
    valid_until: datetime | None

    @property
    def key(self) -> tuple[str, int, str]:
        return self.list_id, self.identity, self.worker_id

    def columns(self, person: str = "worker_id") -> dict[str, Any]:
        """As a row of the table whose column `person` says who it is."""
        found = {name: getattr(self, name) for name in self.__slots__ if name != "worker_id"}
        return found | {"found_by": self.found_by.value, person: self.worker_id}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a round of matching changed."""

    versions: Mapping[str, int]
    flagged: int = 0
    to_confirm: int = 0
    taken_back: int = 0


def state_of(match: Mapping[str, Any] | RowMapping) -> MatchState:
    """The one place that says what a row means."""
    if match["decision"] == CLEARED:
        return MatchState.CLEARED
    if not match["is_current"]:
        return MatchState.GONE
    return (
        MatchState.FLAGGED if match["is_exact"] or match["decision"] == CONFIRMED else MatchState.TO_CONFIRM
    )


def state_clause(matches: Table, state: MatchState) -> ColumnElement[bool]:
    """The same for a query."""
    column = matches.c
    is_cleared = column.decision == CLEARED
    counts = and_(column.is_current, ~is_cleared)
    is_flagged = or_(column.is_exact, column.decision == CONFIRMED)
    return {
        MatchState.CLEARED: is_cleared,
        MatchState.GONE: and_(~column.is_current, ~is_cleared),
        MatchState.FLAGGED: and_(counts, is_flagged),
        MatchState.TO_CONFIRM: and_(counts, ~is_flagged),
    }[state]


@dataclass(frozen=True, slots=True)
class Merged:
    """`fresh`: what is new, or holds again. `gone`: rows whose entry no longer says so."""

    fresh: tuple[Candidate, ...]
    gone: tuple[RowMapping, ...]


def merge(
    connection: Connection,
    person: Column[str],
    person_ids: Sequence[str],
    list_ids: Iterable[str],
    candidates: Iterable[Candidate],
    *,
    now: datetime,
) -> Merged:
    """Bring the matches of these people and lists in line with `candidates`: all that there are.

    person  the column of the table of matches that says who it is
    """
    table, considered = person.table, set(list_ids)
    before = {
        (row["list_id"], row["identity"], row[person.name]): row
        for row in matches_of(connection, person, person_ids)
        if row["list_id"] in considered
    }
    wanted = {one.key: one for one in candidates}
    fresh, added = [], []
    for key, candidate in wanted.items():
        old, columns = before.get(key), candidate.columns(person.name)
        news: dict[str, Any] = {}
        if old is None:
            added.append(columns | {"match_id": uuid4().hex, "found_at": now})
        else:
            news = {name: value for name, value in columns.items() if old[name] != value}
            if not old["is_current"]:
                news["is_current"] = True
            if old["decision"] == CLEARED and candidate.is_exact and not old["is_exact"]:
                # A person said that a near number is another's; now it is this worker's own.
                news["decision"] = ""
            if news:
                connection.execute(update(table).where(table.c.match_id == old["match_id"]).values(news))
        is_cleared = old is not None and news.get("decision", old["decision"]) == CLEARED
        if not is_cleared and (old is None or not old["is_current"] or "decision" in news):
            fresh.append(candidate)
    if added:
        connection.execute(insert(table), added)
    gone = tuple(row for key, row in before.items() if key not in wanted and row["is_current"])
    end(connection, table, [row["match_id"] for row in gone])
    return Merged(tuple(fresh), gone)


def end(connection: Connection, table: FromClause, match_ids: Sequence[str]) -> None:
    """These matches hold no longer."""
    for some in chunks(match_ids):
        connection.execute(
            update(cast("Table", table)).where(table.c.match_id.in_(some)).values(is_current=False)
        )


def reconcile(
    connection: Connection,
    worker_ids: Sequence[str],
    list_ids: Iterable[str],
    candidates: Sequence[Candidate],
    *,
    now: datetime,
) -> Outcome:
    """Make matches and flags of these workers and lists what `candidates` say: all that there are."""
    there, flagged = _standing(connection, worker_ids, sorted({one.worker_id for one in candidates}))
    wanted = [one for one in candidates if one.worker_id in there]
    merged = merge(connection, watch_matches.c.worker_id, worker_ids, list_ids, wanted, now=now)
    concerned = {one.worker_id for one in wanted} | {row["worker_id"] for row in merged.gone} | flagged
    if not concerned:  # nearly everybody is on no list
        return Outcome({})
    held = registry.hold(connection, sorted(concerned))
    versions = put_flags(connection, sorted(concerned), now=now, held=held)
    exact = [one.worker_id for one in merged.fresh if one.is_exact]
    near = [(one.list_id, one.worker_id) for one in merged.fresh if not one.is_exact]
    alert_sources.list_matched(connection, {one: held[one] for one in exact}, now=now)
    alert_sources.list_near(connection, near, held, now=now)
    return Outcome(versions, flagged=len(exact), to_confirm=len(near), taken_back=len(merged.gone))


def hand_on(connection: Connection, worker_id: str, to: str) -> None:
    """Two records of one person become one: matches with what was decided, of each entry one.

    What was decided last counts. The matcher looks at the one that stays again; until then what either was
    found by holds. The caller puts the flags (`put_flags`).
    """
    column, person = watch_matches.c, watch_matches.c.worker_id
    there = {(row["list_id"], row["identity"]): row for row in matches_of(connection, person, [to])}
    for row in matches_of(connection, person, [worker_id]):
        held = there.get((row["list_id"], row["identity"]))
        news = {"worker_id": to} if held is None else _of_both(held, row)
        match_id = row["match_id"] if held is None else held["match_id"]
        connection.execute(update(watch_matches).where(column.match_id == match_id).values(news))


def put_flags(
    connection: Connection,
    worker_ids: Sequence[str],
    *,
    now: datetime,
    held: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, int]:
    """Add and remove the flags of lists until they are what the matches say.

    held  what `registry.hold` said of these workers in this transaction; None asks
    """
    # Before the matches are read: who decides about one at this moment is waited for, or waits for us.
    held = registry.hold(connection, worker_ids) if held is None else held
    present = _list_flags(connection, sorted(held))
    wanted: dict[str, dict[str, Flag]] = {worker_id: {} for worker_id in held}
    lists = {}
    for row in _named_matches_of(connection, sorted(held)):
        if state_of(row) is MatchState.FLAGGED:
            flag = _flag(row, row["list_name"])
            wanted[row["worker_id"]][flag.flag_id] = flag
            lists[flag.flag_id] = row["list_id"]
    put: dict[str, list[Flag]] = {}
    remove: dict[str, list[str]] = {}
    for worker_id in sorted(held):
        before, after = present.get(worker_id, {}), wanted[worker_id]
        gone = sorted(before.keys() - after.keys())
        changed = [flag for flag_id, flag in sorted(after.items()) if before.get(flag_id) != flag]
        for flag_id in gone:
            _note(connection, Action.UNFLAGGED_WORKER, worker_id, flag_id, now)
        for flag in changed:
            if flag.flag_id not in before:
                _note(connection, Action.FLAGGED_WORKER, worker_id, flag.flag_id, now, lists[flag.flag_id])
        if changed:
            put[worker_id] = changed
        if gone:
            remove[worker_id] = gone
    return registry.change_flags(connection, held, put=put, remove=remove, now=now)


def decide(
    connection: Connection, match_id: str, *, confirm: bool | None, reason: str, by: str, now: datetime
) -> dict[str, int]:
    """Confirm a match, clear it, or with None take that back. Raises UnknownMatch; SettingRefused."""
    worker_id = note_decision(
        connection, watch_matches.c.worker_id, match_id, confirm=confirm, reason=reason, by=by, now=now
    )
    held = registry.hold(connection, [worker_id])
    if confirm:
        alert_sources.list_matched(connection, held, now=now)
    return put_flags(connection, [worker_id], now=now, held=held)


def note_decision(
    connection: Connection,
    person: Column[str],
    match_id: str,
    *,
    confirm: bool | None,
    reason: str,
    by: str,
    now: datetime,
) -> str:
    """Write down what somebody decided, and nothing else; returns whom it is about. Raises as `decide`."""
    if not reason.strip():
        raise SettingRefused("a decision needs a reason", next_step="say what it was decided by")
    decision = {True: CONFIRMED, False: CLEARED, None: ""}[confirm]
    table = person.table
    person_id = connection.scalar(
        update(table)
        .where(table.c.match_id == match_id)
        .values(decision=decision, reason=reason.strip(), decided_by=by, decided_at=now)
        .returning(person)
    )
    if person_id is None:
        raise UnknownMatch("no such match", next_step="look at the page of matches again")
    return str(person_id)


def flag_was_removed(connection: Connection, flag_id: str, *, reason: str, by: str, now: datetime) -> None:
    """Somebody took a flag off a worker by hand: where it came from a list, its match is cleared."""
    if flag_id.startswith(FLAG_PREFIX):
        connection.execute(
            update(watch_matches)
            .where(watch_matches.c.match_id == flag_id.removeprefix(FLAG_PREFIX))
            .values(decision=CLEARED, reason=reason, decided_by=by, decided_at=now)
        )


def _flag(match: RowMapping, list_name: str) -> Flag:
    return Flag(
        flag_id=FLAG_PREFIX + match["match_id"],
        level=FlagLevel(match["level"]),
        category=match["category"],
        reason=list_name,
        valid_from=match["valid_from"],
        valid_until=match["valid_until"],
    )


def _of_both(one: RowMapping, other: RowMapping) -> dict[str, Any]:
    """What is to be kept of two matches of one entry and one person."""
    strength = {found_by.value: rank for rank, found_by in enumerate(FoundBy)}
    found = min(one, other, key=lambda row: (not row["is_current"], strength[row["found_by"]]))
    decided = max(one, other, key=lambda row: row["decided_at"].timestamp() if row["decided_at"] else 0.0)
    kept = {name: found[name] for name in _AS_FOUND}
    kept |= {name: decided[name] for name in ("decision", "decided_by", "decided_at", "reason")}
    if decided["decision"] == CLEARED and found["is_exact"] and not decided["is_exact"]:
        kept["decision"] = ""  # as in `merge`
    return kept


_AS_FOUND = (
    "found_by",
    "is_exact",
    "documents_differ",
    "version_no",
    "row",
    "category",
    "level",
    "valid_from",
    "valid_until",
    "is_current",
)


def matches_of(connection: Connection, person: Column[str], person_ids: Sequence[str]) -> list[RowMapping]:
    """Whatever was found about these people, in whatever state."""
    query = select(person.table).where(among(connection, person, person_ids))
    return list(connection.execute(query).mappings())


def _standing(
    connection: Connection, worker_ids: Sequence[str], found_ids: Sequence[str]
) -> tuple[set[str], set[str]]:
    """Who of `found_ids` is registered, and who of `worker_ids` has a flag of a list.

    Also a flag that came with a record that was merged into theirs.
    """
    workers, flags = tables.workers.c.worker_id, tables.flags.c
    flagged = select(flags.worker_id, literal(True).label("is_flagged")).where(
        among(connection, flags.worker_id, worker_ids),
        flags.flag_id.startswith(FLAG_PREFIX, autoescape=True),
    )
    there = select(workers, literal(False)).where(among(connection, workers, found_ids))
    rows = connection.execute(union_all(flagged, there) if found_ids else flagged).all()
    return {one for one, is_flagged in rows if not is_flagged}, {
        one for one, is_flagged in rows if is_flagged
    }


def _named_matches_of(connection: Connection, worker_ids: Sequence[str]) -> list[RowMapping]:
    """As `matches_of`, with the name of the list."""
    matches = watch_matches.c
    query = (
        select(watch_matches, watch_lists.c.name.label("list_name"))
        .join(watch_lists, watch_lists.c.list_id == matches.list_id)
        .where(among(connection, matches.worker_id, worker_ids))
    )
    return list(connection.execute(query).mappings())


def _list_flags(connection: Connection, worker_ids: Sequence[str]) -> dict[str, dict[str, Flag]]:
    """Worker, flag id → flag that came from a list."""
    found: dict[str, dict[str, Flag]] = {}
    for worker_id, flags in registry.flags_of(connection, worker_ids).items():
        found[worker_id] = {one.flag_id: one for one in flags if one.flag_id.startswith(FLAG_PREFIX)}
    return found


def _note(
    connection: Connection, action: Action, worker_id: str, flag_id: str, now: datetime, list_id: str = ""
) -> None:
    detail = {"flag": flag_id} | ({"list": list_id} if list_id else {})
    audit.note(connection, at=now, actor=ACTOR, action=action, subject=f"worker:{worker_id}", detail=detail)
