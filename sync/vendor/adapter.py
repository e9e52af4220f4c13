"""A terminal's record → our event. Pure, and total: whatever a terminal reports becomes an event."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter, ValidationError

from sync.records import Event, Identifier, Method, Outcome
from sync.vendor.commands import Acknowledged, Command, push_ack
from sync.vendor.messages import Recognition, Stranger, local_time
from sync.vendor.terminals import Terminal

OK, NOT_REGISTERED = "ok", "not_registered"
"""Codes that gates of ours write too, so that screens have words for them."""
REFUSED = "terminal_refused"
UNDECIDED = "terminal_undecided"
ON_TERMINAL_ONLY = "terminal_person_unknown"

_BY_STATUS = {1: (Outcome.ALLOW, OK), 2: (Outcome.DENY, REFUSED), 3: (Outcome.DENY, NOT_REGISTERED)}

MAX_AHEAD = timedelta(minutes=5)
"""A record from further in the future comes from a wrong clock."""
EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
"""Before any of these terminals hung at a gate of ours: a clock that lost its battery."""

UNNUMBERED = 0
"""`Event.sequence` of every terminal: their record ids have holes and start again after a reset."""

_identifier: TypeAdapter[str] = TypeAdapter(Identifier)


def event_of(
    message: Recognition | Stranger,
    terminal: Terminal,
    *,
    received_at: datetime,
    clock_off_s: float | None = None,
) -> Event:
    """The event of one record; the same record gives the same `event_id`, however often it is sent.

    Args:
        message: as parsed; whom the payload claims to be is not looked at, that is the bridge's business.
        terminal: the terminal whose topic the record came by.
        received_at: aware; stands in for a time that the record lacks.
        clock_off_s: how far the terminal's clock was off at its last heartbeat, if known.
    """
    occurred_at = local_time(message.time, terminal.zone)
    trusted = (
        occurred_at is not None
        and EARLIEST <= occurred_at <= received_at + MAX_AHEAD
        and (clock_off_s is None or abs(clock_off_s) <= MAX_AHEAD.total_seconds())
    )
    if isinstance(message, Recognition):
        worker_id, remark = _worker(message, terminal)
        outcome, reason = _answer(message, terminal)
        reasons = (reason,) if worker_id or reason == NOT_REGISTERED else (reason, ON_TERMINAL_ONLY)
    else:
        worker_id, remark = None, ""
        outcome, reasons = Outcome.DENY, (NOT_REGISTERED,)
    return Event(
        event_id=event_id_of(message, terminal),
        sequence=UNNUMBERED,
        site_id=terminal.site_id,
        gate_id=terminal.gate_id,
        lane_id=terminal.lane_id,
        direction=terminal.direction,
        occurred_at=occurred_at or received_at,
        clock_trusted=trusted,
        method=Method.FACE,
        outcome=outcome,
        reasons=reasons,
        worker_id=worker_id,
        note=_note(message, remark),
    )


def event_id_of(message: Recognition | Stranger, terminal: Terminal) -> str:
    """From terminal, kind, record id and the time as written: record ids alone start again after a reset."""
    who = (message.custom_id, message.person_id) if isinstance(message, Recognition) else ()
    parts = (terminal.terminal_id, type(message).__name__, str(message.record_id), message.time, *who)
    return "v" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


def acknowledgement(message: Recognition | Stranger, terminal: Terminal, event_id: str) -> Command | None:
    """What must be sent after the commit, within 10 s; None for a record without a number."""
    if message.record_id == "":
        return None
    kind = Acknowledged.RECORD if isinstance(message, Recognition) else Acknowledged.SNAPSHOT
    return push_ack(
        kind, message.record_id, terminal_id=terminal.terminal_id, message_id=f"ack-{event_id[:24]}"
    )


def _answer(message: Recognition, terminal: Terminal) -> tuple[Outcome, str]:
    if message.verify_status is not None:
        return _BY_STATUS.get(message.verify_status, (Outcome.HOLD, UNDECIDED))
    outcome = terminal.outcome_without_status
    return outcome, {Outcome.ALLOW: OK, Outcome.DENY: REFUSED, Outcome.HOLD: UNDECIDED}[outcome]


def _worker(message: Recognition, terminal: Terminal) -> tuple[str | None, str]:
    """Worker id and a remark. `personId` is the terminal's own row number: it counts only where mapped."""
    if message.custom_id:
        try:
            return _identifier.validate_python(message.custom_id), ""
        except ValidationError:
            return None, "the id on the terminal is no worker number"
    if message.person_id:
        worker_id = terminal.workers_by_person_id.get(message.person_id)
        return worker_id, "" if worker_id else f"registered on the terminal only, row {message.person_id}"
    return None, ""


def _note(message: Recognition | Stranger, remark: str) -> str:
    parts = [remark] if remark else []
    if isinstance(message, Recognition):
        if message.verify_status not in (1, 2, 3):
            parts.append(f"VerifyStatus {message.verify_status}")
        if message.similarity is not None:
            parts.append(f"similarity {message.similarity:g} of 100")
    if message.temperature_c:
        parts.append(f"{message.temperature_c:.1f} °C")
    if message.no_mask == 1:
        parts.append("no mask")
    return "; ".join(parts)
