"""Which faults are done when: drawn from a seed, so that a run can be done again."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

CENTRE, INGEST, BROKER, DATABASE = "centre", "ingest", "broker", "database"
GATE = "gate"
"""Group of all gates; the other groups are one process each."""

REST_S = 1.0
"""Between two faults of one target."""
DRAWS_PER_FAULT = 200
DAY_S = 86_400.0
CLOCK_STEPS_S = (-365 * DAY_S, -DAY_S, -3600.0, -45.0, -2.0, 2.0, 45.0, 3600.0, DAY_S, 10 * 365 * DAY_S)
"""How far a clock may be off: drift, a wrong time zone, an empty battery."""


class Kind(StrEnum):
    """What is done to a target, until its time is over."""

    KILL = "killed (SIGKILL)"
    FREEZE = "frozen (SIGSTOP)"
    CUT = "link cut"
    STALL = "link stalled"
    RESET = "link reset"
    DEAF = "acknowledgements lost"
    MUTE = "messages lost on their way up"
    CLOCK = "clock jumped"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; `step_s` is how far a clock is off from then on, 0 for all others."""

    at_s: float
    kind: Kind
    target: str
    for_s: float
    step_s: float = 0.0

    def __str__(self) -> str:
        if self.kind is Kind.CLOCK:
            return f"{self.target}: {self.kind}, now {self.step_s:+.0f} s off"
        return f"{self.target}: {self.kind}" + (f" for {self.for_s:.1f} s" if self.for_s else "")


@dataclass(frozen=True, slots=True)
class _Class:
    kind: Kind
    group: str
    weight: float
    shortest_s: float = 0.0
    longest_s: float = 0.0


_CLASSES = (
    _Class(Kind.KILL, GATE, 8, 0.2, 60),
    _Class(Kind.KILL, CENTRE, 1.5, 0.2, 15),
    _Class(Kind.KILL, INGEST, 2, 0.2, 30),
    _Class(Kind.KILL, BROKER, 1.5, 0.2, 15),
    _Class(Kind.KILL, DATABASE, 2, 0.2, 15),
    _Class(Kind.FREEZE, GATE, 2, 1, 30),
    _Class(Kind.FREEZE, CENTRE, 0.5, 1, 10),
    _Class(Kind.FREEZE, INGEST, 1, 1, 20),
    _Class(Kind.FREEZE, BROKER, 0.5, 1, 10),
    _Class(Kind.CUT, GATE, 7, 1, 120),
    _Class(Kind.STALL, GATE, 5, 1, 120),
    _Class(Kind.RESET, GATE, 5),
    _Class(Kind.DEAF, GATE, 7, 1, 60),
    _Class(Kind.MUTE, GATE, 4, 1, 60),
    _Class(Kind.CUT, CENTRE, 0.5, 1, 10),
    _Class(Kind.CUT, INGEST, 1, 1, 30),
    _Class(Kind.STALL, INGEST, 1, 1, 30),
    _Class(Kind.DEAF, INGEST, 1.5, 1, 20),
    _Class(Kind.MUTE, INGEST, 1.5, 1, 20),
    _Class(Kind.RESET, CENTRE, 1),
    _Class(Kind.CUT, DATABASE, 0.5, 1, 5),
    _Class(Kind.DEAF, DATABASE, 1, 0.5, 5),
    _Class(Kind.RESET, DATABASE, 1),
    _Class(Kind.CLOCK, GATE, 5),
    _Class(Kind.CLOCK, CENTRE, 1),
)
"""A link's target is the end away from the broker; the link of the database is that of the centre to it."""


def make_plan(
    *, seed: int, gates: Sequence[str], duration_s: float, count: int, database: bool
) -> list[Fault]:
    """At most `count` faults that are all over after `duration_s`, one of every class first.

    Two faults never overlap at one target; across targets they do. `database` says whether the database is a
    process that can be killed.
    """
    dice = random.Random(seed)  # noqa: S311 (a plan that can be drawn again)
    classes = [one for one in _CLASSES if database or one.group != DATABASE]
    wanted = dice.sample(classes, len(classes))[:count]
    weights = [one.weight for one in classes]
    wanted += dice.choices(classes, weights, k=max(0, count - len(wanted)))
    busy: dict[str, list[tuple[float, float]]] = {}
    faults = []
    for one in wanted:
        targets = gates if one.group == GATE else (one.group,)
        fault = _place(dice, one, targets, duration_s, busy)
        if fault is not None:
            busy.setdefault(fault.target, []).append((fault.at_s, fault.at_s + fault.for_s))
            faults.append(fault)
    return sorted(faults, key=lambda fault: fault.at_s)


def _place(
    dice: random.Random,
    one: _Class,
    targets: Sequence[str],
    duration_s: float,
    busy: Mapping[str, Sequence[tuple[float, float]]],
) -> Fault | None:
    """None where every draw falls on a target that is busy."""
    longest_s = min(one.longest_s, duration_s / 3)
    shortest_s = min(one.shortest_s, longest_s)
    for _ in range(DRAWS_PER_FAULT):
        # Evenly on a logarithmic scale: as many faults of about a second as of about a minute.
        for_s = math.exp(dice.uniform(math.log(shortest_s), math.log(longest_s))) if longest_s else 0.0
        at_s = dice.uniform(0, duration_s - for_s)
        target = dice.choice(targets)
        free = all(
            at_s > end + REST_S or at_s + for_s + REST_S < begin for begin, end in busy.get(target, ())
        )
        if free:
            step_s = dice.choice(CLOCK_STEPS_S) if one.kind is Kind.CLOCK else 0.0
            return Fault(at_s, one.kind, target, for_s, step_s)
    return None
