"""Copies of passes: one worker's QR pass at two gates, sooner than anybody gets from one to the other.

One job of the centre's aftercare (`look`): it goes through the events in the order of their arrival, so a
gate that was offline is compared when its events come. Where it is stands in the database. What a gate sees
at its own lanes it notes itself (`pass_used_elsewhere`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, or_, select

from sync.central import health
from sync.central.alerts import raise_alert
from sync.central.database import Database
from sync.central.statements import insert_or, upsert
from sync.central.tables import events, workers
from sync.central.tables_health import pass_copies, pass_copy_progress
from sync.central.tables_passes import pass_grants
from sync.records import Method
from sync.screening.pass_rules import CopyRule

EVENTS_AT_ONCE = 2000
SETTLED_AFTER = timedelta(seconds=10)
"""Transactions that began earlier may end later: events that are younger wait for the next look."""

RULE = "pass_copied"
_PROGRESS_NO = 1


class PassCopyWatch:
    """Keeps pairs and raises an alert for each. A centre that meets this for the first time begins at now."""

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def look(self) -> int:
        """Go through some events; how many those were."""
        now = self._now()
        with self._database.read() as connection:
            done = connection.scalar(select(pass_copy_progress.c.event_no))
            if done is None:
                newest = connection.scalar(select(func.max(events.c.event_no))) or 0
                found: Sequence[Any] = []
            else:
                query = (
                    select(events)
                    .where(events.c.event_no > done)
                    .order_by(events.c.event_no)
                    .limit(EVENTS_AT_ONCE)
                )
                found = _settled(connection.execute(query).all(), now)
                newest = found[-1].event_no if found else done
        if done == newest:
            return 0
        with self._database.write() as connection:
            rule = health.rules(connection).copies
            for event in found:
                if event.method == Method.QR.value and event.worker_id and event.clock_trusted:
                    _compare(connection, event, rule, now)
            upsert(connection, pass_copy_progress, [{"progress_no": _PROGRESS_NO, "event_no": newest}])
        return len(found)


def _settled(rows: Sequence[Any], now: datetime) -> Sequence[Any]:
    for number, row in enumerate(rows):
        if row.received_at > now - SETTLED_AFTER and row.received_at <= now:
            return rows[:number]
    return rows


def _compare(connection: Connection, event: Any, rule: CopyRule, now: datetime) -> None:
    """With what the same worker's passes did elsewhere shortly before and after."""
    other = events.c
    longest = timedelta(seconds=max(rule.same_site_s, rule.other_site_s))
    # Of registered workers only: a pair is kept with its worker.
    query = select(events).join(workers, workers.c.worker_id == other.worker_id)
    query = query.where(
        other.worker_id == event.worker_id,
        other.occurred_at.between(event.occurred_at - longest, event.occurred_at + longest),
        other.method == Method.QR.value,
        other.clock_trusted,
        or_(other.site_id != event.site_id, other.gate_id != event.gate_id),
    )
    for near in connection.execute(query).all():
        limit_s = rule.same_site_s if near.site_id == event.site_id else rule.other_site_s
        if abs(near.occurred_at - event.occurred_at) <= timedelta(seconds=limit_s):
            first, second = sorted((event, near), key=lambda one: (one.occurred_at, one.event_id))
            _keep(connection, first, second, now)


def _keep(connection: Connection, first: Any, second: Any, now: datetime) -> None:
    pass_id = _pass_id(connection, second.worker_id, second.occurred_at)
    statement = (
        insert_or(connection, pass_copies)
        .values(
            first_event=first.event_id,
            second_event=second.event_id,
            worker_id=second.worker_id,
            pass_id=pass_id,
            first_site=first.site_id,
            first_gate=first.gate_id,
            first_at=first.occurred_at,
            second_site=second.site_id,
            second_gate=second.gate_id,
            second_at=second.occurred_at,
            found_at=now,
        )
        .on_conflict_do_nothing(index_elements=["first_event", "second_event"])
        .returning(pass_copies.c.first_event)
    )
    if connection.scalar(statement) is not None:
        facts = {
            "apart_s": round((second.occurred_at - first.occurred_at).total_seconds()),
            "gate": second.gate_id,
        }
        if first.site_id == second.site_id:  # what is at another site is not told to this one
            facts["other_gate"] = first.gate_id
        raise_alert(
            connection,
            RULE,
            site_id=second.site_id,
            subject=f"pass:{pass_id or second.worker_id}",
            facts=facts,
            now=now,
        )


def _pass_id(connection: Connection, worker_id: str, at: datetime) -> str:
    """The worker's fixed pass at that time, where there is one only; an event does not say which it was."""
    row = pass_grants.c
    query = select(row.pass_id).where(
        row.worker_id == worker_id,
        row.method == Method.QR.value,
        or_(row.valid_from.is_(None), row.valid_from <= at),
        or_(row.valid_until.is_(None), row.valid_until > at),
        or_(row.revoked_at.is_(None), row.revoked_at > at),
    )
    held = connection.scalars(query).all()
    return str(held[0]) if len(held) == 1 else ""
