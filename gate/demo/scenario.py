"""The round that the demo plays, what must come of it, and the roster changes in between."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from gate.demo.centre import DemoCentre
from gate.demo.footage import Scene
from gate.reasons import Reason
from gate.service import Recorded
from sync.records import Method, Outcome

PERSON_A, PERSON_B = "A001", "B002"
NAMES = {PERSON_A: "示例甲", PERSON_B: "示例乙"}
TRAINING_YEARS_DAYS = 365


@dataclass(frozen=True, slots=True)
class Step:
    """One appearance and the decision it must lead to."""

    who: str
    scene: Scene
    worker_id: str | None
    outcome: Outcome
    reason: Reason


ROUND: tuple[Step, ...] = (
    Step(
        "A, enrolled from earlier pictures",
        Scene("carphone", 40, 75),
        PERSON_A,
        Outcome.ALLOW,
        Reason.OK,
    ),
    Step(
        "B, enrolled from another photo",
        Scene("obama2", seconds=2.0),
        PERSON_B,
        Outcome.ALLOW,
        Reason.OK,
    ),
    Step(
        "a stranger",
        Scene("astronaut", seconds=3.0),
        None,
        Outcome.DENY,
        Reason.NOT_REGISTERED,
    ),
    Step(
        "A, flagged meanwhile",
        Scene("carphone", 80, 115),
        PERSON_A,
        Outcome.DENY,
        Reason.FLAG_BLOCK,
    ),
    Step(
        "B, training expired meanwhile",
        Scene("obama3", seconds=2.0),
        PERSON_B,
        Outcome.DENY,
        Reason.TRAINING_EXPIRED,
    ),
)
AFTERWARDS = Step(
    "A, who took the consent back",
    Scene("carphone", 40, 75),
    None,
    Outcome.DENY,
    Reason.NOT_REGISTERED,
)
"""Played after the round, when the kiosk has erased the face."""

CHANGES_AFTER_STEP = 3
BROKER_AWAY_AFTER_STEP = 4


def is_right(step: Step, recorded: Recorded) -> bool:
    """Whether the gate decided as it must, and the door moved only for an allow."""
    event = recorded.event
    opened = recorded.opened_at_s is not None
    return (
        event.outcome is step.outcome
        and event.worker_id == step.worker_id
        and event.reasons[0] == step.reason.value
        and opened == (step.outcome is Outcome.ALLOW)
    )


class Director:
    """Listens to the gate, changes the roster at the centre at the right moments and keeps the decisions."""

    def __init__(self, centre: DemoCentre, *, break_broker: bool) -> None:
        self._centre = centre
        self._break_broker = break_broker
        self._count = 0
        self.seen: deque[Recorded] = deque(maxlen=len(ROUND))
        self.extra = 0
        """Face decisions beyond one round; none where the demo plays once."""
        self.round_over = threading.Event()

    def __call__(self, recorded: Recorded) -> None:
        if recorded.event.method is not Method.FACE:
            return
        self.seen.append(recorded)
        self._count += 1
        self.extra = max(0, self._count - len(ROUND))
        position = self._count % len(ROUND)
        if position == CHANGES_AFTER_STEP:
            self._centre.flag(PERSON_A)
            self._centre.train(PERSON_B, valid_days=-1)
        elif position == BROKER_AWAY_AFTER_STEP and self._break_broker:
            self._centre.kill()
        elif position == 0:
            self.reset()
            self.round_over.set()

    def reset(self) -> None:
        """Everybody may pass again: the state at the start of a round."""
        self._centre.train(PERSON_B, valid_days=TRAINING_YEARS_DAYS)
        self._centre.clear_flags(PERSON_A)
