"""A relay and an input without a board: drivers like the others, for the demo, tests and a first look."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from gate.errors import RelayError

HISTORY_LENGTH = 10_000
"""Edges that are kept; a busy gate makes some thousand a day."""


class SimulatedRelay:
    """Keeps when it was energised and released, and can be broken and repaired as a board can."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._energised = False
        self._fault = ""
        self._history: deque[tuple[float, bool]] = deque([(monotonic(), False)], maxlen=HISTORY_LENGTH)

    @property
    def name(self) -> str:
        return "simulated relay"

    @property
    def history(self) -> list[tuple[float, bool]]:
        """(monotonic seconds, energised) at construction and at every edge since, oldest first."""
        with self._lock:
            return list(self._history)

    def set(self, energised: bool) -> None:
        with self._lock:
            self._check()
            if energised != self._energised:
                self._energised = energised
                self._history.append((self._monotonic(), energised))

    def is_energised(self) -> bool:
        with self._lock:
            self._check()
            return self._energised

    def break_down(self, reason: str = "unplugged") -> None:
        """From now on every call raises RelayError; the contact stays as it is."""
        with self._lock:
            self._fault = reason

    def repair(self) -> None:
        with self._lock:
            self._fault = ""

    def close(self) -> None:
        with self._lock:
            if not self._fault and self._energised:
                self._energised = False
                self._history.append((self._monotonic(), False))

    def _check(self) -> None:
        if self._fault:
            raise RelayError(
                f"{self.name} does not answer: {self._fault}", next_step="repair the simulated relay"
            )


class SimulatedInput:
    """An input that a program sets."""

    def __init__(self, active: bool = False) -> None:
        self._lock = threading.Lock()
        self._active = active
        self._fault = ""
        self._callbacks: list[Callable[[bool], None]] = []

    @property
    def name(self) -> str:
        return "simulated input"

    def is_active(self) -> bool:
        with self._lock:
            if self._fault:
                raise RelayError(
                    f"{self.name} does not answer: {self._fault}", next_step="repair the simulated input"
                )
            return self._active

    def on_change(self, callback: Callable[[bool], None]) -> None:
        with self._lock:
            self._callbacks.append(callback)

    def set(self, active: bool) -> None:
        """Push, open or alarm, and the contrary."""
        with self._lock:
            if active == self._active:
                return
            self._active = active
            told = () if self._fault else tuple(self._callbacks)
        for callback in told:
            callback(active)

    def break_down(self, reason: str = "wire cut") -> None:
        with self._lock:
            self._fault = reason

    def repair(self) -> None:
        with self._lock:
            self._fault = ""

    def close(self) -> None:
        with self._lock:
            self._callbacks.clear()
