"""A job of the centre's aftercare: orders that become overdue, and the declaration of the day.

A declaration does not touch the roster while somebody waits for its answer. Where the centre is told to
(`--declaration-clearance`), what was declared since the last look is made a clearance here, many in one
version of the roster, and taken back where a correction no longer says that all is well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, Connection, Select, and_, bindparam, delete, or_, select, update

from sync.central import registry, roster_log, tables, tests_due
from sync.central.database import Database
from sync.central.statements import upsert
from sync.central.tables_declarations import declarations
from sync.central.tables_tests import daily_clearances
from sync.central.worker_desk import RosterChanged
from sync.clearance_rules import ClearanceRules, end_of_day
from sync.clearances import DECLARATION, longest_clearances
from sync.records import Clearance

OVERDUE_EVERY = timedelta(minutes=1)
DECLARED_EVERY = timedelta(seconds=2)
ORDERS_AT_ONCE = 1000
RECEIVED_WITHIN = timedelta(minutes=2)
"""A look goes back so far behind the one before it: what came then may have been committed since."""

ALL_EVERY = timedelta(minutes=10)
"""So often every declaration of the day is looked at: some took longer, of some the worker came later."""

WORKERS_AT_ONCE = 200
"""One transaction and one version of the roster of each site concerned; well under a second."""

_DAYS = timedelta(days=1)
"""A day at a site is the day in UTC, or one of its neighbours."""


class ClearanceWatch:
    """A job (`look`). `with_declarations`: the declaration of the day gives a clearance."""

    def __init__(
        self,
        database: Database,
        rules: ClearanceRules,
        *,
        now: Callable[[], datetime],
        on_roster_change: RosterChanged,
        with_declarations: bool,
    ) -> None:
        self._database = database
        self._rules = rules
        self._now = now
        self._on_roster_change = on_roster_change
        self._with_declarations = with_declarations
        self._looked: dict[timedelta, datetime] = {}
        self._through: datetime | None = None
        self._all_at: datetime | None = None

    def look(self) -> int:
        """Do what is due; how many orders and declarations that were."""
        done = 0
        if self._is_time(OVERDUE_EVERY):
            with self._database.write() as connection:
                done = tests_due.note_overdue(connection, self._rules, now=self._now(), limit=ORDERS_AT_ONCE)
                _forget(connection, self._now())
            if done == ORDERS_AT_ONCE:  # more wait: at once again
                del self._looked[OVERDUE_EVERY]
        if self._with_declarations and self._is_time(DECLARED_EVERY):
            done += self._declared()
        return done

    def _is_time(self, every: timedelta) -> bool:
        now, last = self._now(), self._looked.get(every)
        if last is not None and last <= now < last + every:
            return False
        self._looked[every] = now
        return True

    def _declared(self) -> int:
        now = self._now()
        if self._all_at is None or not self._all_at <= now < self._all_at + ALL_EVERY:
            self._through = None
        since = None if self._through is None else self._through - RECEIVED_WITHIN
        with self._database.read() as connection:
            rows = _new(connection, now, since)
        if rows:
            with self._database.write() as connection:
                versions = _grant(connection, self._rules, rows, now)
            if versions:
                self._on_roster_change(versions)
        if len(rows) == WORKERS_AT_ONCE:  # more wait: at once again
            del self._looked[DECLARED_EVERY]
        else:
            self._all_at = now if self._through is None else self._all_at
            self._through = now
        return len(rows)


def hand_on(connection: Connection, worker_id: str, to: str) -> None:
    """Two records of one person become one: which days were looked at. The caller settles who stays."""
    seen, other = daily_clearances.c, daily_clearances.alias().c
    is_there = select(other.worker_id).where(other.worker_id == to, other.local_day == seen.local_day)
    connection.execute(
        update(daily_clearances).where(seen.worker_id == worker_id, ~is_there.exists()).values(worker_id=to)
    )


def settle(connection: Connection, rules: ClearanceRules, worker_id: str, *, now: datetime) -> dict[str, int]:
    """The clearance that somebody's declarations give by now, of days that were looked at before."""
    query = _declared(now).where(
        declarations.c.worker_id == worker_id, daily_clearances.c.declaration_id.is_not(None)
    )
    rows = connection.execute(query).all()
    return _grant(connection, rules, rows, now) if rows else {}


def _declared(now: datetime) -> Select[Any]:
    """The declarations that count of days which are not over everywhere, with what was looked at of them."""
    row, seen = declarations.c, daily_clearances.c
    return (
        select(row.declaration_id, row.worker_id, row.local_day, row.declared_at, row.marks)
        .add_columns(tables.sites.c.timezone)
        .join_from(declarations, tables.workers, tables.workers.c.worker_id == row.worker_id)
        .join(tables.sites, tables.sites.c.site_id == row.site_id)
        .outerjoin(daily_clearances, and_(seen.worker_id == row.worker_id, seen.local_day == row.local_day))
        .where(
            row.local_day.between((now - _DAYS).date(), (now + _DAYS).date()),
            row.superseded_by.is_(None),
            row.worker_id.is_not(None),
        )
    )


def _new(connection: Connection, now: datetime, since: datetime | None) -> list[Any]:
    """Some of the declarations that count and were not looked at. `since`: of those received from then on."""
    row, seen = declarations.c, daily_clearances.c.declaration_id
    query = _declared(now).where(or_(seen.is_(None), seen != row.declaration_id))
    if since is not None:
        # By itself: beside the days a planner may go through all of the day.
        received = select(row.declaration_id).where(row.received_at >= since)
        query = query.where(row.declaration_id.in_(received))
    return list(connection.execute(query.limit(WORKERS_AT_ONCE)))


def _grant(
    connection: Connection, rules: ClearanceRules, rows: Sequence[Any], now: datetime
) -> dict[str, int]:
    by_worker: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        by_worker[row.worker_id].append(row)
    there = registry.hold(connection, list(by_worker))
    rows = [row for row in rows if row.worker_id in there]  # who was merged or removed meanwhile has none
    changed: dict[str, tuple[Clearance, ...]] = {}
    for worker in registry.workers(connection, list(by_worker)):
        held = worker.clearances
        for row in by_worker[worker.worker_id]:
            held = _with_declaration(held, rules, row, now)
        if sorted(held, key=str) != sorted(worker.clearances, key=str):
            changed[worker.worker_id] = held
    upsert(
        connection,
        daily_clearances,
        [
            {
                "worker_id": row.worker_id,
                "local_day": row.local_day,
                "declaration_id": row.declaration_id,
            }
            for row in rows
        ],
    )
    return _put(connection, changed, now)


def _put(connection: Connection, changed: Mapping[str, Sequence[Clearance]], now: datetime) -> dict[str, int]:
    """These clearances and nothing else of workers whom the caller holds; one version of each site."""
    rows = [
        {
            "id": worker_id,
            "kept": [one.model_dump(mode="json") for one in changed[worker_id]],
            "at": now,
        }
        for worker_id in sorted(changed)
    ]
    if not rows:
        return {}
    workers = tables.workers
    connection.execute(
        update(workers)
        .where(workers.c.worker_id == bindparam("id"))
        .values(clearances=bindparam("kept", type_=JSON), updated_at=bindparam("at")),
        rows,
    )
    return roster_log.record_workers(connection, sorted(changed), left={}, urgent=False)


def _with_declaration(
    held: Sequence[Clearance], rules: ClearanceRules, row: Any, now: datetime
) -> tuple[Clearance, ...]:
    """The clearances of somebody who declared this."""
    rule = rules.declaration
    ends = end_of_day(row.local_day, ZoneInfo(row.timezone))
    is_well = set(rule.not_with).isdisjoint(row.marks.split())
    kept = [one for one in held if not _is_replaced(one, rule.kind, ends)]
    if not is_well or ends <= now:
        return tuple(kept)
    given = Clearance(
        kind=rule.kind,
        valid_from=row.declared_at,
        valid_until=ends,
        reference=f"{DECLARATION}{row.declaration_id}",
    )
    return longest_clearances(kept, (given,))


def _is_replaced(one: Clearance, kind: str, ends: datetime) -> bool:
    """Of an earlier declaration of the same day, or of a day before."""
    is_ours = one.kind == kind and one.reference.startswith(DECLARATION)
    return is_ours and one.valid_until is not None and one.valid_until <= ends


def _forget(connection: Connection, now: datetime) -> None:
    """What was looked at is of no account once its day is over everywhere."""
    connection.execute(
        delete(daily_clearances).where(daily_clearances.c.local_day < (now - 2 * _DAYS).date())
    )
