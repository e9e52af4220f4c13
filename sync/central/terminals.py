"""The registry's side of terminals of other makers: which there are, and what the bridge said about them.

A terminal is a gate without a key (`tables.gates`) and a row of `tables.terminals`; its id is the gate's.
Every function takes an open connection and is part of its transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from sqlalchemy import Connection, Row, delete, insert, select, update

from sync.central import site_registry, tables
from sync.central.errors import AlreadyThere, SettingRefused, UnknownSite, UnknownTerminal
from sync.central.statements import insert_or
from sync.records import Direction
from sync.vendor.roster import Outstanding
from sync.vendor.terminals import Terminal
from sync.wire.messages import Presence

if TYPE_CHECKING:
    from sync.vendor.bridge import TerminalState

_PLACE = ("terminal_id", "site_id", "gate_id", "direction", "timezone")
SETTINGS = tuple(name for name in Terminal.model_fields if name not in _PLACE)
"""What may be set beside where the terminal stands; docs/vendor-gates.md says what for."""


@dataclass(frozen=True, slots=True)
class TerminalRow:
    """A terminal as the list shows it; `presence` as in `gate_status`, empty for one never heard."""

    terminal_id: str
    site_id: str
    name: str
    direction: Direction
    presence: str
    last_seen_at: datetime | None
    held: int
    wanted: int
    not_sent: int
    is_revoked: bool


def add_terminal(
    connection: Connection,
    site_id: str,
    terminal_id: str,
    *,
    direction: Direction,
    now: datetime,
    name: str = "",
    settings: Mapping[str, Any] | None = None,
) -> Terminal:
    """Register a terminal; the running centre connects it within seconds. One that was removed is back.

    settings  further fields of `Terminal` by name, see `SETTINGS`

    Raises:
        UnknownSite: no such site.
        AlreadyThere: a terminal by that id, here or on another site, or a gate of ours.
        SettingRefused: an id that cannot be part of a topic, or a setting that there is not.
    """
    timezone = connection.scalar(select(tables.sites.c.timezone).where(tables.sites.c.site_id == site_id))
    if timezone is None:
        raise UnknownSite(
            f"no site {site_id} in the registry", next_step=f"sitegate central site add {site_id}"
        )
    where = connection.scalar(
        select(tables.terminals.c.site_id).where(tables.terminals.c.terminal_id == terminal_id)
    )
    if where is not None:
        raise AlreadyThere(
            f"there is a terminal {terminal_id} already, on site {where}",
            next_step=f"to change it, first: sitegate central terminal remove {terminal_id}",
        )
    made = _terminal(site_id, terminal_id, direction, timezone, settings or {})
    site_registry.put_gate_without_key(connection, site_id, terminal_id, name=name or terminal_id, now=now)
    connection.execute(
        insert(tables.terminals).values(
            terminal_id=terminal_id,
            site_id=site_id,
            direction=Direction(direction).value,
            settings=dict(settings or {}),
            added_at=now,
        )
    )
    return made


def remove_terminal(connection: Connection, terminal_id: str, *, now: datetime) -> str:
    """Listen to a terminal no more; its events stay and keep its name. Returns its site.

    What it holds stays on it: switch it off, or delete its list there. Raises UnknownTerminal.
    """
    rows = tables.terminals.c
    site_id = connection.scalar(
        delete(tables.terminals).where(rows.terminal_id == terminal_id).returning(rows.site_id)
    )
    if site_id is None:
        raise _unknown(terminal_id)
    site_registry.revoke_gate(connection, site_id, terminal_id, now=now)
    return str(site_id)


def terminals(connection: Connection) -> list[Terminal]:
    """Those that may speak, in order of their ids: a revoked one may not."""
    rows, sites, gates = tables.terminals.c, tables.sites.c, tables.gates.c
    query = (
        select(rows.terminal_id, rows.site_id, rows.direction, rows.settings, sites.timezone)
        .join_from(tables.terminals, tables.sites, sites.site_id == rows.site_id)
        .join(tables.gates, (gates.site_id == rows.site_id) & (gates.gate_id == rows.terminal_id))
        .where(gates.revoked_at.is_(None))
        .order_by(rows.terminal_id)
    )
    return [
        _terminal(row.site_id, row.terminal_id, row.direction, row.timezone, row.settings)
        for row in connection.execute(query)
    ]


def terminal_rows(connection: Connection) -> list[TerminalRow]:
    """All terminals and how they stand, by site and id."""
    rows, gates, status = tables.terminals.c, tables.gates.c, tables.gate_status.c
    query = (
        select(
            rows.terminal_id,
            rows.site_id,
            rows.direction,
            rows.held,
            rows.wanted,
            rows.not_sent,
            gates.name,
            gates.revoked_at,
            status.presence,
            status.last_seen_at,
        )
        .join_from(
            tables.terminals,
            tables.gates,
            (gates.site_id == rows.site_id) & (gates.gate_id == rows.terminal_id),
        )
        .outerjoin(
            tables.gate_status, (status.site_id == rows.site_id) & (status.gate_id == rows.terminal_id)
        )
        .order_by(rows.site_id, rows.terminal_id)
    )
    return [_shown(row) for row in connection.execute(query)]


def outstanding(connection: Connection, terminal_id: str) -> list[Outstanding]:
    """Who could not be sent to a terminal, or not be taken off it, and why. Raises UnknownTerminal."""
    rows = tables.terminals.c
    found = connection.execute(select(rows.outstanding).where(rows.terminal_id == terminal_id)).first()
    if found is None:
        raise _unknown(terminal_id)
    return [Outstanding(*one) for one in found.outstanding or ()]


def note_state(connection: Connection, site_id: str, state: TerminalState, now: datetime) -> None:
    """What the bridge knows about a terminal, for console and command line; a removed one is left alone."""
    if not connection.execute(
        update(tables.terminals)
        .where(tables.terminals.c.terminal_id == state.terminal_id)
        .values(
            held=state.held,
            wanted=state.wanted,
            not_sent=len(state.outstanding),
            outstanding=[[one.worker_id, one.reason, one.attempts] for one in state.outstanding],
        )
    ).rowcount:
        return
    if state.last_seen_at is None:
        return
    values = {
        "presence": (Presence.ONLINE if state.online else Presence.LOST).value,
        "presence_at": now,
        "last_seen_at": state.last_seen_at,
        "clock_offset_ms": None if state.clock_off_s is None else state.clock_off_s * 1000,
    }
    connection.execute(
        insert_or(connection, tables.gate_status)
        .values(site_id=site_id, gate_id=state.terminal_id, **values)
        .on_conflict_do_update(index_elements=["site_id", "gate_id"], set_=values)
    )


def _terminal(
    site_id: str, terminal_id: str, direction: str, timezone: str, settings: Mapping[str, Any]
) -> Terminal:
    strange = sorted(settings.keys() - set(SETTINGS))
    try:
        if strange:
            raise ValueError(f"there is no setting {strange[0]}")
        return Terminal.model_validate(
            {
                **settings,
                "terminal_id": terminal_id,
                "site_id": site_id,
                "gate_id": terminal_id,
                "direction": direction,
                "timezone": timezone,
            }
        )
    except ValueError as error:
        why = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise SettingRefused(
            f"terminal {terminal_id} cannot be set up like that: {why}",
            next_step=f"settings are {', '.join(SETTINGS)}; see docs/vendor-gates.md",
        ) from error


def _shown(row: Row[*tuple[Any, ...]]) -> TerminalRow:
    return TerminalRow(
        terminal_id=row.terminal_id,
        site_id=row.site_id,
        name=row.name,
        direction=Direction(row.direction),
        presence=row.presence or "",
        last_seen_at=row.last_seen_at,
        held=row.held,
        wanted=row.wanted,
        not_sent=row.not_sent,
        is_revoked=row.revoked_at is not None,
    )


def _unknown(terminal_id: str) -> UnknownTerminal:
    return UnknownTerminal(
        f"no terminal {terminal_id} in the registry", next_step="`sitegate central terminal list` shows them"
    )
