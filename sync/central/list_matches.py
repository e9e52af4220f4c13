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
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, RowMapping, insert, select, update

from sync.central import audit, registry, tables
from sync.central.audit import Action
from sync.central.errors import CentralError, SettingRefused
from sync.central.statements import chunks
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
    """An entry of a list that concerns a worker, as the lists say now."""

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

    def columns(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__} | {"found_by": self.found_by.value}


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


def reconcile(
    connection: Connection,
    worker_ids: Sequence[str],
    list_ids: Iterable[str],
    candidates: Sequence[Candidate],
    *,
    now: datetime,
) -> Outcome:
    """Make matches and flags of these workers and lists what `candidates` say: all that there are."""
    considered = set(list_ids)
    there = _there(connection, worker_ids)
    before = {
        (row["list_id"], row["identity"], row["worker_id"]): row
        for row in _matches_of(connection, worker_ids)
        if row["list_id"] in considered
    }
    wanted = {one.key: one for one in candidates if one.worker_id in there}
    flagged = to_confirm = 0
    concerned: set[str] = set()
    for key, candidate in wanted.items():
        old = before.get(key)
        if old is None:
            row = candidate.columns() | {"match_id": uuid4().hex, "found_at": now}
            connection.execute(insert(watch_matches).values(row))
        else:
            news = {name: value for name, value in candidate.columns().items() if old[name] != value}
            if not old["is_current"]:
                news["is_current"] = True
            if old["decision"] == CLEARED and candidate.is_exact and not old["is_exact"]:
                # A person said that a near number is another's; now it is this worker's own.
                news["decision"] = ""
            if news:
                column = watch_matches.c.match_id
                connection.execute(update(watch_matches).where(column == old["match_id"]).values(news))
        state = state_of({"decision": "", "is_current": True, "is_exact": candidate.is_exact})
        is_new = old is None or not old["is_current"]
        flagged += is_new and state is MatchState.FLAGGED
        to_confirm += is_new and state is MatchState.TO_CONFIRM
        concerned.add(candidate.worker_id)
    gone = [row for key, row in before.items() if key not in wanted and row["is_current"]]
    for some in chunks([row["match_id"] for row in gone]):
        connection.execute(
            update(watch_matches).where(watch_matches.c.match_id.in_(some)).values(is_current=False)
        )
    concerned |= {row["worker_id"] for row in gone}
    concerned |= _with_list_flags(connection, worker_ids)
    versions = put_flags(connection, sorted(concerned & there), now=now)
    return Outcome(versions, flagged, to_confirm, len(gone))


def put_flags(connection: Connection, worker_ids: Sequence[str], *, now: datetime) -> dict[str, int]:
    """Add and remove the flags of lists until they are what the matches say."""
    versions: dict[str, int] = {}
    listed = connection.execute(select(watch_lists.c.list_id, watch_lists.c.name))
    names = {row.list_id: row.name for row in listed}
    matches: dict[str, list[RowMapping]] = {}
    for row in _matches_of(connection, worker_ids):
        matches.setdefault(row["worker_id"], []).append(row)
    for worker in registry.workers(connection, worker_ids):
        worker_id = worker.worker_id
        wanted = {
            flag.flag_id: (flag, row)
            for row in matches.get(worker_id, ())
            if state_of(row) is MatchState.FLAGGED
            for flag in [_flag(row, names[row["list_id"]])]
        }
        present = {flag.flag_id: flag for flag in worker.flags if flag.flag_id.startswith(FLAG_PREFIX)}
        for flag_id in sorted(present.keys() - wanted.keys()):
            versions |= registry.remove_flag(connection, worker_id, flag_id)
            _note(connection, Action.UNFLAGGED_WORKER, worker_id, flag_id, now)
        for flag_id, (flag, row) in sorted(wanted.items()):
            if present.get(flag_id) != flag:
                versions |= registry.add_flag(connection, worker_id, flag, now=now)
                if flag_id not in present:
                    _note(connection, Action.FLAGGED_WORKER, worker_id, flag_id, now, row["list_id"])
    return versions


def decide(
    connection: Connection, match_id: str, *, confirm: bool | None, reason: str, by: str, now: datetime
) -> dict[str, int]:
    """Confirm a match, clear it, or with None take that back. Raises UnknownMatch; SettingRefused."""
    if not reason.strip():
        raise SettingRefused("a decision needs a reason", next_step="say what it was decided by")
    decision = {True: CONFIRMED, False: CLEARED, None: ""}[confirm]
    column = watch_matches.c
    worker_id = connection.scalar(
        update(watch_matches)
        .where(column.match_id == match_id)
        .values(decision=decision, reason=reason.strip(), decided_by=by, decided_at=now)
        .returning(column.worker_id)
    )
    if worker_id is None:
        raise UnknownMatch("no such match", next_step="look at the page of matches again")
    return put_flags(connection, [worker_id], now=now)


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


def _there(connection: Connection, worker_ids: Sequence[str]) -> set[str]:
    workers = tables.workers.c.worker_id
    return {
        one
        for some in chunks(worker_ids)
        for one in connection.scalars(select(workers).where(workers.in_(some)))
    }


def _matches_of(connection: Connection, worker_ids: Sequence[str]) -> list[RowMapping]:
    column = watch_matches.c.worker_id
    return [
        row
        for some in chunks(worker_ids)
        for row in connection.execute(select(watch_matches).where(column.in_(some))).mappings()
    ]


def _with_list_flags(connection: Connection, worker_ids: Sequence[str]) -> set[str]:
    """Also those whose flag came with a record that was merged into theirs."""
    flags = tables.flags.c
    return {
        one
        for some in chunks(worker_ids)
        for one in connection.scalars(
            select(flags.worker_id)
            .where(flags.worker_id.in_(some), flags.flag_id.startswith(FLAG_PREFIX, autoescape=True))
            .distinct()
        )
    }


def _note(
    connection: Connection, action: Action, worker_id: str, flag_id: str, now: datetime, list_id: str = ""
) -> None:
    detail = {"flag": flag_id} | ({"list": list_id} if list_id else {})
    audit.note(connection, at=now, actor=ACTOR, action=action, subject=f"worker:{worker_id}", detail=detail)
