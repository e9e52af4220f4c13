"""Open cases traced anew: so trips declared after a case, and its own later ones, count too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, or_, select

from sync.central.cases import Case, case_of, keep_found
from sync.central.database import Database
from sync.central.declarations import site_zone
from sync.central.tables_cases import cases
from sync.central.tables_declarations import trips
from sync.central.tracing import Found, Subject, trace
from sync.tracing import TracingRules

AFTER_NEW_TRIPS = timedelta(minutes=1)
"""Not at every single trip of a morning on which everybody declares."""

IN_ANY_CASE = timedelta(minutes=10)
"""Stays, lists of buses, attendance that comes late, and trips whose transaction was overtaken."""


def trace_case(database: Database, case_id: str, rules: TracingRules, *, now: datetime) -> Found | None:
    """Find and keep the contacts of one open case; None where it was closed or changed meanwhile."""
    with database.read() as connection:
        row = connection.execute(select(cases).where(cases.c.case_id == case_id)).first()
        if row is None:
            return None
        case = case_of(row)
        newest = connection.scalar(select(func.max(trips.c.trip_id))) or 0
        found = trace(connection, _so_far(connection, case, now), rules)
    with database.write() as connection:
        kept = keep_found(connection, case, found, seen_trip=newest, now=now)
    return found if kept else None


def _so_far(connection: Connection, case: Case, now: datetime) -> Subject:
    """The case up to today at its site: whoever lives with it has met it today, not yet tomorrow."""
    subject = case.subject
    first, last = subject.window
    today = now.astimezone(site_zone(connection, case.data.site_id)).date()
    return replace(subject, window=(first, min(last, today)))


class CaseWatch:
    """A job of the centre's aftercare (`look`): one open case at a time, the longest untouched first."""

    def __init__(self, database: Database, rules: TracingRules, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._rules = rules
        self._now = now

    def look(self) -> int:
        """Trace the case that is due; how many that were, 0 or 1."""
        now = self._now()
        with self._database.read() as connection:
            newest = connection.scalar(select(func.max(trips.c.trip_id))) or 0
            row = cases.c
            due = or_(
                row.traced_at.is_(None),
                row.traced_at <= now - IN_ANY_CASE,
                row.traced_at > now,  # the clock was set back
                and_(row.seen_trip < newest, row.traced_at <= now - AFTER_NEW_TRIPS),
            )
            case_id = connection.scalar(
                select(row.case_id)
                .where(row.state == "open", due)
                .order_by(row.traced_at.is_not(None), row.traced_at)
                .limit(1)
            )
        if case_id is None:
            return 0
        trace_case(self._database, case_id, self._rules, now=now)
        return 1
