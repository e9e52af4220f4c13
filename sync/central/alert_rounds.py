"""What nobody sends and somebody has to look for: gates that are not heard, people who have not declared.

One job of the centre's aftercare (`look`), once a minute. Whether a thing was raised already is read from the
alerts themselves, so a restart raises nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from sync.central import tables
from sync.central.alerts import raise_alert
from sync.central.database import Database
from sync.central.declaration_desk import people_of_day
from sync.central.gate_board import GateState, state_of
from sync.central.tables_alerts import alerts
from sync.central.tables_declarations import declarations

LOOK_EVERY = timedelta(minutes=1)

SILENT_FOR = timedelta(minutes=10)
"""A box that restarts, or a line that drops for a moment, concerns nobody."""

COUNT_AGAIN_AFTER = timedelta(minutes=30)
"""Where everybody had declared: somebody may have come to the site since."""

DECLARED_BY = time(10)
"""At the site: who has not declared by then is missing."""


class AlertRounds:
    """Not thread-safe: one thread calls `look`."""

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._looked_at: datetime | None = None
        self._counted_at: dict[str, datetime] = {}

    def look(self) -> int:
        """How many alerts were raised."""
        now = self._now()
        if self._looked_at is not None and now - self._looked_at < LOOK_EVERY:
            return 0
        with self._database.read() as connection:
            silent = _silent_gates(connection, now)
            missing = self._missing(connection, now)
        if silent or missing:
            with self._database.write() as connection:
                for site_id, gate_id in silent:
                    subject = f"gate:{site_id}/{gate_id}"
                    raise_alert(connection, "gate_silent", site_id=site_id, subject=subject, now=now)
                for site_id, facts in missing:
                    subject = f"site:{site_id}"
                    raise_alert(
                        connection, "not_declared", site_id=site_id, subject=subject, facts=facts, now=now
                    )
        self._looked_at = now
        return len(silent) + len(missing)

    def _missing(self, connection: Connection, now: datetime) -> list[tuple[str, dict[str, str | int]]]:
        """Sites where somebody has not declared by the hour; only where it is a habit: somebody has."""
        found: list[tuple[str, dict[str, str | int]]] = []
        sites = tables.sites.c
        for site_id, timezone in connection.execute(select(sites.site_id, sites.timezone)).all():
            zone = ZoneInfo(timezone)
            day = now.astimezone(zone).date()
            since = datetime.combine(day, DECLARED_BY, zone)
            if now < since or _told_since(connection, "not_declared", site_id, f"site:{site_id}", since):
                continue
            # Counting goes through everybody of the site: not every minute for nothing.
            counted_at = self._counted_at.get(site_id, since - COUNT_AGAIN_AFTER)
            if counted_at <= now < counted_at + COUNT_AGAIN_AFTER or not _anybody_declared(
                connection, site_id, day
            ):
                continue
            counts = people_of_day(site_id, day, zone).with_only_columns(
                func.count(), func.count(declarations.c.declaration_id)
            )
            expected, declared = connection.execute(counts).one()
            if 0 < declared < expected:
                found.append((site_id, {"missing": expected - declared, "expected": expected}))
            else:
                self._counted_at[site_id] = now
        return found


def _silent_gates(connection: Connection, now: datetime) -> list[tuple[str, str]]:
    """Gates that were heard once and are not any more, each silence once."""
    gates, status = tables.gates.c, tables.gate_status.c
    query = (
        select(gates.site_id, gates.gate_id, status.presence, status.last_seen_at)
        .join(tables.gate_status, (status.site_id == gates.site_id) & (status.gate_id == gates.gate_id))
        .where(gates.revoked_at.is_(None), status.last_seen_at < now - SILENT_FOR)
    )
    found = []
    for row in connection.execute(query).all():
        state = state_of(row.presence or "", row.last_seen_at, is_revoked=False, now=now)
        is_silent = state in (GateState.LOST, GateState.SILENT)
        subject = f"gate:{row.site_id}/{row.gate_id}"
        if is_silent and not _told_since(connection, "gate_silent", row.site_id, subject, row.last_seen_at):
            found.append((row.site_id, row.gate_id))
    return found


def _anybody_declared(connection: Connection, site_id: str, day: date) -> bool:
    row = declarations.c
    here = (row.site_id == site_id, row.local_day == day, row.worker_id.is_not(None))
    query = select(row.declaration_id).where(*here)
    return connection.execute(query.limit(1)).first() is not None


def _told_since(connection: Connection, rule: str, site_id: str, subject: str, since: datetime) -> bool:
    row = alerts.c
    query = select(row.alert_id).where(
        row.subject == subject, row.rule_id == rule, row.site_id == site_id, row.last_at >= since
    )
    return connection.execute(query.limit(1)).first() is not None
