"""Time comes from outside, so that tests and a jumping clock are the same case."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

EARLIEST_PLAUSIBLE = datetime(2026, 11, 1, tzinfo=UTC)
"""No gate ran this software before: a clock that says so has lost its battery."""

LARGEST_STEP = timedelta(seconds=60)
"""A wall clock that moves further than this against the monotonic clock was set, not disciplined."""

_TIMESYNCD_MARK = Path("/run/systemd/timesync/synchronized")


class Clock(Protocol):
    """Wall time for records, monotonic time for intervals."""

    def now(self) -> datetime:
        """Aware UTC wall time; may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def system_is_synchronised() -> bool:
    """True where systemd-timesyncd says that this boot has reached a time server."""
    return _TIMESYNCD_MARK.exists()


class ClockGuard:
    """Whether the wall clock can be believed: it must be plausible, not before the last known good
    time, and not step against the monotonic clock, unless a time server confirms it.

    Intervals (votes, pulses, repeat) never use the wall clock, so a jump only marks records.
    """

    def __init__(
        self,
        *,
        last_known: datetime | None = None,
        synchronised: Callable[[], bool] = system_is_synchronised,
    ) -> None:
        self._floor = max(EARLIEST_PLAUSIBLE, last_known) if last_known else EARLIEST_PLAUSIBLE
        self._synchronised = synchronised
        self._anchor: tuple[datetime, float] | None = None
        self.problem = ""
        """What is wrong, in words for the operator; empty while the clock is trusted."""

    def check(self, now: datetime, monotonic_s: float) -> bool:
        """Look at both clocks; True when the wall clock is trusted."""
        if self._synchronised():
            self._accept(now, monotonic_s)
        elif now < self._floor - LARGEST_STEP:
            self.problem = f"the clock says {now:%Y-%m-%d %H:%M} UTC, before {self._floor:%Y-%m-%d %H:%M}"
        elif self._anchor is None:
            self._accept(now, monotonic_s)
        else:
            wall, mono = self._anchor
            step = now - (wall + timedelta(seconds=monotonic_s - mono))
            if abs(step) <= LARGEST_STEP:
                self._accept(now, monotonic_s)
            else:
                self.problem = f"the clock jumped by {step.total_seconds():+.0f} s"
        return not self.problem

    def _accept(self, now: datetime, monotonic_s: float) -> None:
        self._anchor = (now, monotonic_s)
        self._floor = max(self._floor, now) if not self.problem else now
        self.problem = ""
