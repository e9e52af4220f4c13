"""What a thermometer says, what of it is believed, and which reading belongs to whom."""

from __future__ import annotations

import math
import threading
from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from gate.policy_facts import Measured
from gate.screening_settings import ThermometerSettings

KEPT_SAMPLES = 200
"""At five readings a second more than half a minute: longer than anybody stands before a gate."""

AMBIENT_MIN_C, AMBIENT_MAX_C = -40.0, 60.0
"""Where modules are specified; an ambient outside is a broken sensor."""

OBJECT_MIN_C, OBJECT_MAX_C = -70.0, 380.0
"""Range of the usual infrared sensors (MLX90614); a value outside is none that it measured."""


@dataclass(frozen=True, slots=True)
class Raw:
    """One value as the module says it: object and, where it says so, ambient temperature, in °C."""

    object_c: float
    ambient_c: float | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A value with its time in monotonic seconds."""

    raw: Raw
    at_s: float


class Module(Protocol):
    """One board, reached at the first read; raises ThermometerError where it does not answer."""

    @property
    def name(self) -> str: ...

    def read(self) -> Raw | None:
        """The newest value; None: it answers, and measures nothing now."""
        ...

    def close(self) -> None:
        """Give the line back; the next read reaches for it anew."""
        ...


class Thermometer(Protocol):
    """`problem` is empty while it works."""

    @property
    def problem(self) -> str: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def measured(self, since_s: float, until_s: float) -> Measured:
        """The body temperature of whoever stood there from `since_s` to `until_s` (monotonic)."""
        ...


def fault_of(raw: Raw) -> str:
    """Why a value cannot be one that a working sensor measured; empty where it can."""
    if not math.isfinite(raw.object_c) or not OBJECT_MIN_C <= raw.object_c <= OBJECT_MAX_C:
        return f"says {raw.object_c:g} °C, which it cannot measure"
    ambient = raw.ambient_c
    if ambient is not None and (not math.isfinite(ambient) or not AMBIENT_MIN_C <= ambient <= AMBIENT_MAX_C):
        return f"says {ambient:g} °C around it"
    return ""


def body_temperature(raw: Raw, settings: ThermometerSettings) -> float:
    """Body temperature in °C: skin, corrected by `offset_c`, plus what it loses to the air around it."""
    skin = raw.object_c + settings.offset_c
    return skin if raw.ambient_c is None else skin + settings.heat_loss * (skin - raw.ambient_c)


class Samples:
    """The newest values of one module; safe from several threads.

    A value counts for one person: what was taken for the last answer, or came before it, is gone.
    """

    def __init__(self, settings: ThermometerSettings) -> None:
        self._settings = settings
        self._samples: deque[Sample] = deque(maxlen=KEPT_SAMPLES)
        self._lock = threading.Lock()
        self._taken_until_s = float("-inf")

    def add(self, sample: Sample) -> None:
        with self._lock:
            self._samples.append(sample)

    def measured(self, since_s: float, until_s: float) -> Measured:
        """Median of the plausible values so far, from `join_s` before the time to `join_s` after it."""
        with self._lock:
            begin_s = max(since_s - self._settings.join_s, self._taken_until_s)
            fitting = [one for one in self._samples if begin_s < one.at_s <= until_s + self._settings.join_s]
            self._taken_until_s = max(self._taken_until_s, until_s, *(one.at_s for one in fitting))
        bodies = [body_temperature(one.raw, self._settings) for one in fitting]
        plausible = [c for c in bodies if self._settings.lowest_c <= c <= self._settings.highest_c]
        if plausible:
            return Measured(round(median(plausible), 1))
        if not bodies:
            return Measured(None, "no reading in time")
        return Measured(None, f"{median(bodies):.1f} °C is no body temperature")
