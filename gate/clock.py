"""Whether the wall clock can be believed."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from models.clock import Clock, SystemClock

__all__ = ["Clock", "ClockGuard", "SystemClock", "system_is_synchronised"]

EARLIEST_PLAUSIBLE = datetime(2026, 11, 1, tzinfo=UTC)
"""No gate ran this software before: a clock that says so has lost its battery."""

LARGEST_STEP = timedelta(seconds=60)
"""A wall clock that moves further than this against the monotonic clock was set, not disciplined."""

LONGEST_ABSENCE = timedelta(days=400)
"""A gate that was off for longer than this has more likely lost its clock than slept."""

STEADY_S = 600.0
"""A clock that was set and has run evenly for so long since is believed again."""

_TIMEX_BYTES = 512
_TIME_ERROR = 5
"""What adjtimex(2) returns while no time server disciplines the kernel's clock."""


def system_is_synchronised() -> bool:
    """Whether the kernel's clock is disciplined by a time server: timesyncd, chrony, ntpd or PTP alike."""
    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return False  # no Linux
    state = adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return bool(0 <= state < _TIME_ERROR)


class ClockGuard:
    """Whether the wall clock can be believed: it must be plausible, not before the last known good time nor
    far beyond it, and not step against the monotonic clock, unless a time server confirms it. A clock that
    was set and then runs evenly for STEADY_S is believed again, as long as it is plausible.

    Intervals (votes, pulses, repeat) never use the wall clock, so a jump only marks records.
    """

    def __init__(
        self,
        *,
        last_known: datetime | None = None,
        synchronised: Callable[[], bool] | None = None,
    ) -> None:
        self._floor = max(EARLIEST_PLAUSIBLE, last_known) if last_known else EARLIEST_PLAUSIBLE
        self._ceiling = last_known + LONGEST_ABSENCE if last_known else None
        self._synchronised = synchronised or system_is_synchronised
        self._anchor: tuple[datetime, float] | None = None
        self._set_to: tuple[datetime, float] | None = None
        self.problem = ""
        """What is wrong, in words for the operator; empty while the clock is trusted."""

    def check(self, now: datetime, monotonic_s: float) -> bool:
        """Look at both clocks; True when the wall clock is trusted."""
        if self._synchronised():
            self._floor = EARLIEST_PLAUSIBLE
            self._accept(now, monotonic_s)
        elif now < self._floor - LARGEST_STEP:
            self.problem = _unbelievable(now, f"before {self._floor:%Y-%m-%d %H:%M}")
        elif self._ceiling is not None and now > self._ceiling:
            self.problem = _unbelievable(now, "long after the gate ran last")
        elif self._anchor is None or _even(self._anchor, now, monotonic_s):
            self._accept(now, monotonic_s)
        else:
            self._look_whether_steady(now, monotonic_s)
        return not self.problem

    def _look_whether_steady(self, now: datetime, monotonic_s: float) -> None:
        assert self._anchor is not None  # noqa: S101 - asked for by the caller
        if self._set_to is None or not _even(self._set_to, now, monotonic_s):
            self._set_to = (now, monotonic_s)
        if monotonic_s - self._set_to[1] >= STEADY_S:
            self._accept(now, monotonic_s)
            return
        step = now - _expected(self._anchor, monotonic_s)
        self.problem = f"the clock jumped by {step.total_seconds():+.0f} s"

    def _accept(self, now: datetime, monotonic_s: float) -> None:
        self._anchor = (now, monotonic_s)
        self._set_to = None
        self._ceiling = None
        self._floor = max(self._floor, now)
        self.problem = ""


def _unbelievable(now: datetime, why: str) -> str:
    return (
        f"the clock says {now:%Y-%m-%d %H:%M} UTC, {why}; set it, or run `sitegate gate trust-clock` "
        "where it is right"
    )


def _expected(anchor: tuple[datetime, float], monotonic_s: float) -> datetime:
    return anchor[0] + timedelta(seconds=monotonic_s - anchor[1])


def _even(anchor: tuple[datetime, float], now: datetime, monotonic_s: float) -> bool:
    """Whether the wall clock has moved since the anchor as the monotonic clock has."""
    return abs(now - _expected(anchor, monotonic_s)) <= LARGEST_STEP
