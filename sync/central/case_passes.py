"""What a case does to the pass of the worker whose case it is; it goes when the case is closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from sync.central import health, registry
from sync.central.cases import Case
from sync.central.tables_cases import LABEL_LENGTH
from sync.central.tables_health import pass_occurrences


@dataclass(frozen=True, slots=True)
class Followed:
    """Workers to whom an entry was given, or from whom one was taken; new roster versions by site."""

    given: frozenset[str]
    taken: frozenset[str]
    versions: Mapping[str, int]


def follow(connection: Connection, case: Case, *, by: str, now: datetime) -> Followed:
    """Make the worker's pass what the rules say of this case: nothing of a closed one (`cases` in the rules).

    Only the case's own entry comes and goes. One that somebody took back by hand stays taken back. The entry
    is found by the case, so that it goes too where the worker's record was merged with another.
    """
    source = f"case:{case.case_id}"
    entry_id = f"case-{case.case_id}-{case.data.kind.value}"
    cause = health.rules(connection).cases.get(case.data.kind.value) if case.is_open else None
    before = _standing(connection, source)
    versions: dict[str, int] = {}
    if before.keys() - ({entry_id} if cause is not None else set()):
        versions |= health.withdraw(connection, source, now=now)
    worker_id = _worker(connection, case, source)
    if cause is not None and worker_id is not None and registry.held(connection, worker_id) is not None:
        versions |= health.occurred(
            connection,
            worker_id,
            cause,
            now,
            entry_id=entry_id,
            now=now,
            source=source,
            by=by,
            why=f"病例 case {case.case_id[:LABEL_LENGTH]}",
        )
    after = _standing(connection, source)
    return Followed(
        frozenset(after[one] for one in after.keys() - before.keys()),
        frozenset(before[one] for one in before.keys() - after.keys()),
        versions,
    )


def _standing(connection: Connection, source: str) -> dict[str, str]:
    """Entries of the case that hold, and whose they are."""
    entry = pass_occurrences.c
    query = select(entry.entry_id, entry.worker_id).where(
        entry.source == source, entry.taken_back_at.is_(None)
    )
    return {row.entry_id: row.worker_id for row in connection.execute(query)}


def _worker(connection: Connection, case: Case, source: str) -> str | None:
    """Whose case it is; where that record was merged with another, the one that stayed."""
    entry = pass_occurrences.c
    holder: str | None = connection.scalar(select(entry.worker_id).where(entry.source == source))
    return holder or case.data.worker_id
