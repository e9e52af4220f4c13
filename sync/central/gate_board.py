"""The gates at a glance: which are heard, what they hold, what waits in them. No personal data."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, and_, func, select

from sync.central import tables
from sync.central.accounts_access import Viewer, in_scope
from sync.central.database import Database
from sync.central.roster_log import Digests
from sync.records import Direction
from sync.wire.messages import Presence

SILENT_AFTER = timedelta(seconds=90)
"""Three missed heartbeats of the usual 30 s: the broker still thinks the gate is there, we do not."""

CLOCK_OFFSET_MAX_MS = 2_000.0
HEALTH_PARTS = ("camera", "relay", "store", "clock", "liveness")


class GateState(StrEnum):
    """How a gate stands, worst first to look at."""

    LOST = "lost"
    SILENT = "silent"
    NEVER_SEEN = "never_seen"
    STOPPED = "stopped"
    ONLINE = "online"
    REVOKED = "revoked"


class RosterState(StrEnum):
    """How a gate's roster compares with the centre's."""

    UNKNOWN = "unknown"
    BEHIND = "behind"
    DIFFERS = "differs"
    EQUAL = "equal"


@dataclass(frozen=True, slots=True)
class TerminalCard:
    """People on a terminal of another maker; `not_sent` are yet to be sent or taken off, for some reason."""

    direction: Direction
    held: int
    wanted: int
    not_sent: int


@dataclass(frozen=True, slots=True)
class GateCard:
    """One gate. `faults`: (part, text) of the last heartbeat; `missing_events`: numbers not seen.

    `terminal` is set for one of another maker, which has no outbox and no roster of ours.
    """

    site_id: str
    site_name: str
    gate_id: str
    name: str
    state: GateState
    last_seen_at: datetime | None
    last_event_at: datetime | None
    outbox_depth: int | None
    outbox_parked: int
    roster: RosterState
    roster_version: int | None
    centre_version: int
    clock_offset_ms: float | None
    clock_is_off: bool
    faults: tuple[tuple[str, str], ...]
    software: str
    missing_events: int
    terminal: TerminalCard | None = None


class GateBoard:
    """Reads only; keeps the digests of the sites' rosters between looks."""

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._digests = Digests()
        self._digests_lock = threading.Lock()

    def gates(self, viewer: Viewer, *, site_id: str = "") -> list[GateCard]:
        """All gates of the viewer's sites, those that need somebody first."""
        gates, sites, status, gaps = tables.gates, tables.sites, tables.gate_status, tables.sequence_gaps
        terminals = tables.terminals
        missing = (
            select(gaps.c.site_id, gaps.c.gate_id, func.sum(gaps.c.last - gaps.c.first + 1).label("missing"))
            .group_by(gaps.c.site_id, gaps.c.gate_id)
            .subquery()
        )
        query = (
            select(
                gates.c.site_id,
                gates.c.gate_id,
                gates.c.name,
                gates.c.revoked_at,
                sites.c.name.label("site_name"),
                status.c.presence,
                status.c.last_seen_at,
                status.c.last_event_at,
                status.c.software,
                status.c.health,
                status.c.outbox_depth,
                status.c.roster_version,
                status.c.roster_digest,
                status.c.clock_offset_ms,
                missing.c.missing,
                terminals.c.direction,
                terminals.c.held,
                terminals.c.wanted,
                terminals.c.not_sent,
            )
            .join_from(gates, sites, sites.c.site_id == gates.c.site_id)
            .join(
                status,
                and_(status.c.site_id == gates.c.site_id, status.c.gate_id == gates.c.gate_id),
                isouter=True,
            )
            .join(
                missing,
                and_(missing.c.site_id == gates.c.site_id, missing.c.gate_id == gates.c.gate_id),
                isouter=True,
            )
            .join(
                terminals,
                and_(terminals.c.site_id == gates.c.site_id, terminals.c.terminal_id == gates.c.gate_id),
                isouter=True,
            )
            .where(in_scope(viewer, gates.c.site_id))
        )
        if site_id:
            query = query.where(gates.c.site_id == site_id)
        now = self._now()
        with self._digests_lock, self._database.read() as connection:
            rows = connection.execute(query).all()
            centre = {one: self._digests.at(connection, one) for one in {row.site_id for row in rows}}
        cards = [_card(row, centre[row.site_id], now) for row in rows]
        order = list(GateState)
        return sorted(cards, key=lambda card: (order.index(card.state), card.site_id, card.gate_id))


def _card(row: Row[*tuple[Any, ...]], centre: tuple[int, str, int], now: datetime) -> GateCard:
    version, digest, _ = centre
    health = row.health or {}
    offset_ms = row.clock_offset_ms
    return GateCard(
        site_id=row.site_id,
        site_name=row.site_name,
        gate_id=row.gate_id,
        name=row.name or row.gate_id,
        state=state_of(row.presence or "", row.last_seen_at, is_revoked=row.revoked_at is not None, now=now),
        last_seen_at=row.last_seen_at,
        last_event_at=row.last_event_at,
        outbox_depth=row.outbox_depth,
        outbox_parked=int(health.get("outbox_parked", 0)),
        roster=roster_state(row.roster_version, row.roster_digest or "", version, digest),
        roster_version=row.roster_version,
        centre_version=version,
        clock_offset_ms=offset_ms,
        clock_is_off=offset_ms is not None and abs(offset_ms) > CLOCK_OFFSET_MAX_MS,
        faults=tuple((part, str(health[part])) for part in HEALTH_PARTS if health.get(part)),
        software=row.software or "",
        missing_events=int(row.missing or 0),
        terminal=None
        if row.direction is None
        else TerminalCard(Direction(row.direction), row.held, row.wanted, row.not_sent),
    )


def state_of(presence: str, last_seen_at: datetime | None, *, is_revoked: bool, now: datetime) -> GateState:
    """From what the broker last said and when the gate was last heard; pure."""
    if is_revoked:
        return GateState.REVOKED
    if not presence or last_seen_at is None:
        return GateState.NEVER_SEEN
    if presence == Presence.ONLINE:
        return GateState.SILENT if now - last_seen_at > SILENT_AFTER else GateState.ONLINE
    return GateState.LOST if presence == Presence.LOST else GateState.STOPPED


def roster_state(version: int | None, digest: str, centre_version: int, centre_digest: str) -> RosterState:
    """Pure. A gate ahead of the centre (a restored backup) differs; it is not behind."""
    if version is None or not digest:
        return RosterState.UNKNOWN
    if version < centre_version:
        return RosterState.BEHIND
    return RosterState.EQUAL if (version, digest) == (centre_version, centre_digest) else RosterState.DIFFERS
