"""How somebody stands with a kind of clearance at a moment: as the gate's rule `clearances` has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sync.records import Clearance

if TYPE_CHECKING:
    from sync.clearance_rules.rules import Kind


YEARS = range(1900, 2200)
"""Of days that somebody writes. What is beyond is a slip or means "for ever" (9999-12-31), and near the ends
of the calendar neither the next day nor the hour in UTC can be told."""


class State(StrEnum):
    """HOLDS and ENDS_SOON let in; the others do not."""

    HOLDS = "holds"
    ENDS_SOON = "ends_soon"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    MISSING = "missing"

    @property
    def is_held(self) -> bool:
        return self in (State.HOLDS, State.ENDS_SOON)


@dataclass(frozen=True, slots=True)
class Person:
    """What requirements go by."""

    worker_id: str
    team: str = ""
    trade: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """One kind at one moment. `until`: when it ends or has ended; None: no end, or never had."""

    kind: str
    state: State
    until: datetime | None = None


def standing(kind: str, warn_days: float, clearances: Iterable[Clearance], now: datetime) -> Standing:
    """`now` is aware; a window includes its begin and excludes its end.

    >>> standing("test", 1, (), datetime.fromisoformat("2026-05-04T08:00+08:00")).state
    <State.MISSING: 'missing'>
    """
    held = [one for one in clearances if one.kind == kind]
    if not held:
        return Standing(kind, State.MISSING)
    coming = [one for one in held if one.valid_until is None or now < one.valid_until]
    if not coming:
        ended = max(one.valid_until for one in held if one.valid_until is not None)
        return Standing(kind, State.EXPIRED, ended)
    ends = [one.valid_until for one in coming if one.valid_until is not None]
    until = max(ends) if len(ends) == len(coming) else None
    if not any(one.valid_from is None or one.valid_from <= now for one in coming):
        return Standing(kind, State.NOT_YET, until)
    is_soon = until is not None and until <= now + timedelta(days=warn_days)
    return Standing(kind, State.ENDS_SOON if is_soon else State.HOLDS, until)


def valid_until(kind: Kind, done_at: datetime, zone: ZoneInfo) -> datetime | None:
    """The first instant at which a clearance of something done at `done_at` no longer holds; None: no end.

    Days are those of the site: where clocks change, such a day has 23 or 25 hours. Hours are real hours.
    """
    if kind.holds_hours is not None:
        return done_at + timedelta(hours=kind.holds_hours)
    if kind.holds_days is None:
        return None
    return end_of_day(day_of(done_at, zone) + timedelta(days=kind.holds_days), zone)


def day_of(at: datetime, zone: ZoneInfo) -> date:
    """The day at the site."""
    return at.astimezone(zone).date()


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant after that day at the site."""
    return datetime.combine(day + timedelta(days=1), time(), zone)
