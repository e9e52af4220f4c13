"""Tests and examinations over an open connection: ordered, done, and what follows from it for the roster.

Every function is part of the caller's transaction. Who may do what is asked in `clearance_desk`. What
somebody holds and which of their orders are open is worked out anew from all of their results at each change
(`_settle`), so that a result which comes late, twice or is taken back leads to the same in the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, func, insert, select, update

from sync.central import health, registry
from sync.central.alerts import raise_alert
from sync.central.errors import FieldRefused, SettingRefused
from sync.central.order_states import Days, State, orders_of, put_states, results_of, states_of
from sync.central.statements import chunks
from sync.central.tables_tests import test_batches, test_orders, test_results
from sync.clearance_rules import (
    ClearanceRules,
    Kind,
    valid_until,
    with_results,
)
from sync.records import Flag, Worker

CLOCK_SLACK = timedelta(minutes=5)
OVERDUE_ALERT = "test_overdue"


class AtGate(StrEnum):
    """What an open order does at the gates."""

    NOTHING = "nothing"
    FROM_NOW = "from_now"
    WHEN_OVERDUE = "when_overdue"


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """What is ordered."""

    site_id: str
    kind: str
    due_by: datetime
    why: str
    at_gate: AtGate = AtGate.NOTHING


@dataclass(frozen=True, slots=True)
class Ordered:
    """`already`: who had an open order of this kind, which stays as it is."""

    batch_id: str
    people: int
    already: int
    versions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class TakenBack:
    """`done`: people of the batch who had their test already; that stays."""

    people: int
    done: int
    versions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class NewResult:
    """A result to be kept. `valid_until` None: as the rules have it."""

    worker_id: str
    kind: str
    result: str
    done_at: datetime
    valid_until: datetime | None = None
    done_by: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a result cannot be kept, and by which of its fields."""

    field: str
    why: str


@dataclass(slots=True)
class Kept:
    """What became of new results, by their place in what was given. `already`: the same was there."""

    ids: dict[int, str] = field(default_factory=dict)
    already: list[int] = field(default_factory=list)
    refused: dict[int, Unfit] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)


def order(
    connection: Connection,
    rules: ClearanceRules,
    terms: OrderTerms,
    worker_ids: Iterable[str],
    *,
    by: str,
    now: datetime,
) -> Ordered:
    """Order a test for these workers. Raises SettingRefused: nothing to order, or nobody."""
    kind = require_kind(rules, terms.kind)
    ids = list(registry.hold(connection, sorted(set(worker_ids))))
    has_open = _with_open_order(connection, ids, kind.kind)
    new = {worker_id: uuid4().hex for worker_id in ids if worker_id not in has_open}
    if not new:
        raise FieldRefused(
            "worker_ids",
            "nobody is left to be ordered" if has_open else "nobody is chosen",
            next_step="everybody of the selection has an open order" if has_open else "choose somebody",
        )
    batch_id = uuid4().hex
    connection.execute(
        insert(test_batches).values(
            batch_id=batch_id,
            site_id=terms.site_id,
            kind=kind.kind,
            due_by=terms.due_by,
            why=terms.why,
            at_gate=terms.at_gate.value,
            ordered_at=now,
            ordered_by=by,
            people=len(new),
        )
    )
    connection.execute(
        insert(test_orders),
        [
            {
                "order_id": order_id,
                "batch_id": batch_id,
                "worker_id": worker_id,
                "kind": kind.kind,
                "due_by": terms.due_by,
                "ordered_at": now,
            }
            for worker_id, order_id in new.items()
        ],
    )
    versions = _settle(connection, rules, kind, list(new), now)
    return Ordered(batch_id, len(new), len(has_open), versions)


def take_back(
    connection: Connection, rules: ClearanceRules, batch_id: str, *, by: str, now: datetime
) -> TakenBack:
    """Cancel the orders of a batch that are open still. Raises SettingRefused where it was taken back."""
    batch = connection.execute(
        select(test_batches).where(test_batches.c.batch_id == batch_id).with_for_update()
    ).one()
    if batch.undone_at is not None:
        raise SettingRefused("this order is taken back already", next_step="load the page anew")
    row = test_orders.c
    concerned = connection.execute(select(row.worker_id, row.done_at).where(row.batch_id == batch_id)).all()
    connection.execute(
        update(test_orders)
        .where(row.batch_id == batch_id, row.done_at.is_(None), row.cancelled_at.is_(None))
        .values(cancelled_at=now)
    )
    connection.execute(
        update(test_batches).where(test_batches.c.batch_id == batch_id).values(undone_at=now, undone_by=by)
    )
    left = [one.worker_id for one in concerned if one.done_at is None]
    versions = _settle(connection, rules, require_kind(rules, batch.kind), left, now)
    return TakenBack(len(left), len(concerned) - len(left), versions)


def put_results(
    connection: Connection,
    rules: ClearanceRules,
    results: Sequence[NewResult],
    zone: ZoneInfo,
    *,
    by: str,
    now: datetime,
    import_id: str | None = None,
) -> Kept:
    """Keep results, grant or take away what follows, tell the pass. One that cannot be kept costs no other.

    zone  of the site: days of validity end with its days
    """
    there = registry.hold(connection, [one.worker_id for one in results])
    kept = look_through(connection, rules, results, there, now=now)
    rows = [
        _row(rules, results[at], result_id, zone)
        | {"import_id": import_id, "entered_at": now, "entered_by": by}
        for at, result_id in kept.ids.items()
    ]
    if rows:
        connection.execute(insert(test_results), rows)
    by_kind: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        by_kind[row["kind"]].add(row["worker_id"])
    for kind, worker_ids in sorted(by_kind.items()):
        kept.versions.update(_settle(connection, rules, require_kind(rules, kind), sorted(worker_ids), now))
    kept.versions.update(_tell_the_pass(connection, rules, rows, by=by, now=now))
    return kept


def look_through(
    connection: Connection,
    rules: ClearanceRules,
    results: Sequence[NewResult],
    there: Collection[str],
    *,
    now: datetime,
) -> Kept:
    """Which results can be kept, with ids for them, and which not and why; nothing is kept.

    there  who of them is registered
    """
    kept = Kept()
    known = _known(connection, list(there))
    for at, one in enumerate(results):
        problem = _problem(rules, one, there, now)
        key = (one.worker_id, one.kind, one.done_at)
        if problem:
            kept.refused[at] = problem
        elif key not in known:
            known[key] = one.result
            kept.ids[at] = uuid4().hex
        elif known[key] == one.result:
            kept.already.append(at)
        else:
            kept.refused[at] = Unfit(
                "done_at", "another result stands for the same moment: take that one back first"
            )
    return kept


def drop_results(
    connection: Connection, rules: ClearanceRules, result_ids: Iterable[str], *, now: datetime
) -> tuple[int, dict[str, int]]:
    """Results that were entered by mistake: what they granted or took away is worked out anew.

    The pass no longer knows of them. Returns how many, and the roster versions.
    """
    row = test_results.c
    gone: dict[str, set[str]] = defaultdict(set)
    count = 0
    versions: dict[str, int] = {}
    for some in chunks(sorted(set(result_ids))):
        dropped = connection.execute(
            delete(test_results)
            .where(row.result_id.in_(some))
            .returning(row.result_id, row.worker_id, row.kind)
        ).all()
        count += len(dropped)
        for one in dropped:
            gone[one.kind].add(one.worker_id)
            versions.update(health.withdraw(connection, f"test:{one.result_id}", now=now))
    for kind, worker_ids in sorted(gone.items()):
        versions.update(_settle(connection, rules, require_kind(rules, kind), sorted(worker_ids), now))
    return count, versions


def settle(connection: Connection, rules: ClearanceRules, worker_id: str, *, now: datetime) -> dict[str, int]:
    """Clearances, orders and flags of orders as all results of a worker have them; new roster versions."""
    versions: dict[str, int] = {}
    for kind in rules.with_results:
        versions.update(_settle(connection, rules, kind, [worker_id], now))
    return versions


def note_overdue(connection: Connection, rules: ClearanceRules, *, now: datetime, limit: int) -> int:
    """Raise one alert for each site with orders that have become overdue; how many orders those were.

    Its facts are how many are overdue there by now, told before or not.
    """
    row, batch = test_orders.c, test_batches.c
    is_overdue = (row.due_by <= now, row.done_at.is_(None), row.cancelled_at.is_(None))
    due = connection.execute(
        select(row.order_id, batch.site_id)
        .join_from(test_orders, test_batches, batch.batch_id == row.batch_id)
        .where(*is_overdue, row.alerted.is_(False))
        .order_by(row.due_by)
        .limit(limit)
        .with_for_update(of=test_orders, skip_locked=True)  # another process has those already
    ).all()
    by_site: dict[str, dict[str, int]] = defaultdict(dict)
    for some in chunks(sorted({one.site_id for one in due})):
        counts = (
            select(batch.site_id, row.kind, func.count())
            .join_from(test_orders, test_batches, batch.batch_id == row.batch_id)
            .where(*is_overdue, batch.site_id.in_(some))
            .group_by(batch.site_id, row.kind)
        )
        for site_id, kind, count in connection.execute(counts):
            by_site[site_id][kind] = count
    for site_id, kinds in sorted(by_site.items()):
        raise_alert(
            connection,
            OVERDUE_ALERT,
            site_id=site_id,
            subject=f"site:{site_id}",
            facts={f"{rules.words(kind).en.lower()} overdue": count for kind, count in sorted(kinds.items())},
            now=now,
        )
    for some in chunks([one.order_id for one in due]):
        connection.execute(update(test_orders).where(row.order_id.in_(some)).values(alerted=True))
    return len(due)


def require_kind(rules: ClearanceRules, kind: str) -> Kind:
    """Raises SettingRefused for what has no results."""
    found = rules.kind(kind)
    if found is None or not found.results:
        raise FieldRefused(
            "kind",
            f"{kind[:64]} is no test or examination",
            next_step=f"one of {', '.join(one.kind for one in rules.with_results)}",
        )
    return found


# -- inside ----------------------------------------------------------------------------------------------


def _problem(rules: ClearanceRules, one: NewResult, there: Collection[str], now: datetime) -> Unfit | None:
    """Why it cannot be kept; None where it can."""
    kind = rules.kind(one.kind)
    meaning = kind.result(one.result) if kind is not None else None
    if one.worker_id not in there:
        return Unfit("worker_id", "nobody is registered with this number")
    if meaning is None:
        return Unfit("result", f"no such result of {one.kind}: {one.result}"[:200])
    if one.done_at > now + CLOCK_SLACK:
        return Unfit("done_at", "it was done in the future")
    if one.valid_until is not None and one.valid_until <= one.done_at:
        return Unfit("valid_until", "it ends before it was done")
    return None


def _row(rules: ClearanceRules, one: NewResult, result_id: str, zone: ZoneInfo) -> dict[str, Any]:
    kind = require_kind(rules, one.kind)
    meaning = kind.result(one.result)
    grants = meaning is not None and meaning.grants
    until = one.valid_until or valid_until(kind, one.done_at, zone)
    return {
        "result_id": result_id,
        "worker_id": one.worker_id,
        "kind": one.kind,
        "result": one.result,
        "done_at": one.done_at,
        "valid_until": until if grants else None,
        "done_by": one.done_by.strip(),
        "reference": one.reference.strip(),
    }


def _settle(
    connection: Connection, rules: ClearanceRules, kind: Kind, worker_ids: Sequence[str], now: datetime
) -> dict[str, int]:
    """Clearance, open orders and their flags as the results of these workers have it; new roster versions."""
    registry.hold(connection, worker_ids)
    results = results_of(connection, kind.kind, worker_ids)
    orders = orders_of(connection, kind.kind, worker_ids)
    days = Days(connection)
    changed: list[Worker] = []
    states: list[State] = []
    for worker in registry.workers(connection, worker_ids):
        own = results.get(worker.worker_id, [])
        flags = {flag.flag_id: flag for flag in worker.flags}
        known = states_of(orders.get(worker.worker_id, []), own, days, now)
        for row, done_at, cancelled_at in known:
            flags.pop(row.order_id, None)
            flag = _flag(rules, kind, row) if done_at is None and cancelled_at is None else None
            if flag is not None:
                flags[flag.flag_id] = flag
        states += known
        settled = worker.model_copy(
            update={
                "clearances": with_results(worker.clearances, kind, own),
                "flags": tuple(flags.values()),
            }
        )
        if _differs(settled, worker):
            changed.append(settled)
    put_states(connection, states)
    if not changed:
        return {}
    return registry.put_workers(connection, [(one, None) for one in changed], now=now)


def _differs(one: Worker, other: Worker) -> bool:
    if {flag.flag_id: flag for flag in one.flags} != {flag.flag_id: flag for flag in other.flags}:
        return True
    return sorted(one.clearances, key=str) != sorted(other.clearances, key=str)


def _flag(rules: ClearanceRules, kind: Kind, row: Any) -> Flag | None:
    if row.at_gate == AtGate.NOTHING:
        return None
    return Flag(
        flag_id=row.order_id,
        level=rules.order.level,
        category=rules.order.category,
        reason=str(kind.words),
        valid_from=row.due_by if row.at_gate == AtGate.WHEN_OVERDUE else row.ordered_at,
    )


def _with_open_order(connection: Connection, worker_ids: Sequence[str], kind: str) -> set[str]:
    row = test_orders.c
    found: set[str] = set()
    for some in chunks(worker_ids):
        found.update(
            connection.scalars(
                select(row.worker_id).where(
                    row.worker_id.in_(some),
                    row.kind == kind,
                    row.done_at.is_(None),
                    row.cancelled_at.is_(None),
                )
            )
        )
    return found


def _known(connection: Connection, worker_ids: Sequence[str]) -> dict[tuple[str, str, datetime], str]:
    row = test_results.c
    found: dict[tuple[str, str, datetime], str] = {}
    for some in chunks(worker_ids):
        query = select(row.worker_id, row.kind, row.done_at, row.result).where(row.worker_id.in_(some))
        for worker_id, kind, done_at, result in connection.execute(query):
            found[(worker_id, kind, done_at)] = result
    return found


def _tell_the_pass(
    connection: Connection,
    rules: ClearanceRules,
    rows: Sequence[Mapping[str, Any]],
    *,
    by: str,
    now: datetime,
) -> dict[str, int]:
    """What results are to the pass, as far as its rules know of such; new roster versions."""
    pass_rules = health.rules(connection)
    findings, causes = {one.finding for one in pass_rules.findings}, {one.cause for one in pass_rules.causes}
    versions: dict[str, int] = {}
    for row in rows:
        meaning = require_kind(rules, row["kind"]).result(row["result"])
        entry = {"entry_id": row["result_id"], "source": f"test:{row['result_id']}", "by": by, "now": now}
        worker_id, at = row["worker_id"], row["done_at"]
        if meaning is not None and meaning.finding in findings:
            versions.update(health.found(connection, worker_id, meaning.finding, at, **entry))
        elif meaning is not None and meaning.occurs in causes:
            versions.update(health.occurred(connection, worker_id, meaning.occurs, at, **entry))
    return versions
