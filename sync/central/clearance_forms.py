"""What is typed into the forms of clearances. Pure."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sync.central.errors import FieldRefused
from sync.central.tests_due import AtGate, NewResult
from sync.clearance_rules import YEARS, end_of_day


def order_terms(
    *, site_id: str, kind: str, team: str, trade: str, due_on: str, at_gate: str, why: str
) -> dict[str, Any]:
    """As `ClearanceDesk.order` takes it. Raises SettingRefused, naming the field."""
    return {
        "site_id": site_id,
        "kind": kind,
        "team": team,
        "trade": trade,
        "due_on": _day("due_on", "the day until which it is to be done", due_on),
        "at_gate": AtGate(at_gate),
        "why": why,
    }


def result_typed(
    *,
    worker_id: str,
    kind: str,
    result: str,
    done_on: str,
    done_time: str,
    last_day: str,
    done_by: str,
    reference: str,
    zone: ZoneInfo,
) -> NewResult:
    """Days and hours are those of `zone`; without an hour the day's begin. Raises SettingRefused."""
    day = _day("done_at", "the day of the test", done_on)
    try:
        at = time.fromisoformat(done_time.strip() or "00:00").replace(tzinfo=None)
    except ValueError as error:
        raise FieldRefused("done_at", "this is no time of day", next_step="write it as 08:30") from error
    until = end_of_day(_day("valid_until", "the last day", last_day), zone) if last_day.strip() else None
    return NewResult(
        worker_id.strip(), kind, result, datetime.combine(day, at, zone), until, done_by, reference
    )


def _day(field: str, what: str, text: str) -> date:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        day = None
    if day is None or day.year not in YEARS:
        raise FieldRefused(field, f"{what} is missing or no day", next_step="write it as 2026-03-01")
    return day
