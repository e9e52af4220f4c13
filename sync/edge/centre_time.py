"""The centre's clock, as far as it is known here."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Protocol

TRUSTED_ROUND_TRIP_S = 5.0
"""A slower answer says too little about the time: the error is up to half the round trip."""


class Clock(Protocol):
    """Wall time for records, monotonic time for intervals."""

    def now(self) -> datetime:
        """Aware UTC wall time; may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        ...


class CentreTime:
    """Corrects the gate's wall clock by what acknowledgements say; one writer, any readers."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._anchor: tuple[datetime, float] | None = None
        self._known = threading.Event()

    def heard(self, at: datetime, *, round_trip_s: float) -> None:
        """The centre's clock said `at` somewhere within the last `round_trip_s`."""
        if 0 <= round_trip_s <= TRUSTED_ROUND_TRIP_S:
            self._anchor = (at + timedelta(seconds=round_trip_s / 2), self._clock.monotonic())
            self._known.set()

    def wait_known(self, timeout_s: float) -> bool:
        """Wait until something was heard; False where nothing was."""
        return self._known.wait(timeout_s)

    def now(self) -> datetime:
        """The centre's time; the gate's own while nothing was heard. Does not follow jumps of the gate's."""
        if self._anchor is None:
            return self._clock.now()
        at, monotonic_s = self._anchor
        return at + timedelta(seconds=self._clock.monotonic() - monotonic_s)

    def offset(self) -> timedelta | None:
        """Centre minus gate."""
        return None if self._anchor is None else self.now() - self._clock.now()
