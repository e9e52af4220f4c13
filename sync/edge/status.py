"""What the agent tells the gate about itself, and what it asks the gate about its health."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sync.wire.messages import Notice


@dataclass(frozen=True, slots=True)
class HealthTexts:
    """What is wrong at the gate, in words without personal data; empty means well."""

    camera: str = ""
    relay: str = ""
    store: str = ""
    clock: str = ""
    liveness: str = ""


@dataclass(frozen=True, slots=True)
class EdgeStatus:
    """How the gate and its centre get on; for screen and metrics.

    connected          to the broker, subscriptions in place
    centre_answers     the centre acknowledged something within the last few heartbeats
    outbox_full        at capacity; with `when_full: shut` the gate must let nobody in
    roster_confirmed_at, roster_age_s  when the centre last confirmed the roster that is here, by its own
                       clock; None before the first time: the roster is kept here and does not age
    clock_offset_ms    centre minus gate; None while unknown
    refused            refused messages by cause
    problem            what is wrong, in words; empty means well
    notices            what the centre wants the guards to know, also while it is away
    """

    connected: bool
    centre_answers: bool
    outbox_depth: int
    outbox_parked: int
    outbox_dropped: int
    outbox_alarm: bool
    outbox_full: bool
    roster_version: int
    roster_workers: int
    roster_confirmed_at: datetime | None
    roster_age_s: float | None
    clock_offset_ms: float | None
    refused: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""
    notices: tuple[Notice, ...] = ()


class Refusals:
    """Counts refused messages by cause; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def count(self, cause: str) -> int:
        """Count one more; how many there are of this cause."""
        with self._lock:
            self._counts[cause] += 1
            return self._counts[cause]

    def by_cause(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)

    def total(self) -> int:
        with self._lock:
            return self._counts.total()
