"""What the processes of the faults bench have in common: orders on stdin, a clock that can be set wrong."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

CLOCK, STOP = "clock", "stop"


class WrongClock:
    """The machine's clocks, the wall clock off by as much as it was told."""

    def __init__(self, off_s: float) -> None:
        self.off_s = off_s

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.off_s)

    def monotonic(self) -> float:
        return time.monotonic()


class Orders:
    """`clock SECONDS` sets the clock; `stop`, or the end of stdin with its owner's, sets `stopping`."""

    def __init__(self, clock: WrongClock) -> None:
        self.stopping = threading.Event()
        self._clock = clock
        threading.Thread(target=self._listen, name="orders", daemon=True).start()

    def _listen(self) -> None:
        for line in sys.stdin:
            order, _, value = line.strip().partition(" ")
            if order == CLOCK:
                self._clock.off_s = float(value)
            elif order == STOP:
                break
        self.stopping.set()


def write_status(path: Path, status: Mapping[str, object]) -> None:
    """For the process that started this one; whole or not at all."""
    partial = path.with_suffix(".new")
    partial.write_text(json.dumps({"pid": os.getpid(), **status}))
    partial.replace(path)


def read_status(path: Path, pid: int | None) -> dict[str, int]:
    """What the process `pid` said last; empty where it has not said anything yet."""
    try:
        status: dict[str, int] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return status if status.pop("pid") == pid else {}
