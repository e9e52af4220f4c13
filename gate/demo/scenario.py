"""The round that the demo plays, what must come of it, and the roster changes in between."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta

from gate.clock import Clock
from gate.demo.footage import Scene
from gate.reasons import Reason
from gate.service import Recorded
from sync.records import Clearance, Flag, FlagLevel, Outcome
from sync.store import LocalStore

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
        "A, enrolled from earlier frames",
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
CHANGES_AFTER_STEP = 3


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
    """Listens to the gate, changes the roster at the right moments and judges every decision."""

    def __init__(self, store: LocalStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.seen: list[Recorded] = []
        self.round_over = threading.Event()

    def __call__(self, recorded: Recorded) -> None:
        self.seen.append(recorded)
        position = len(self.seen) % len(ROUND)
        if position == CHANGES_AFTER_STEP:
            self._flag_a()
            self._train_b(valid_days=-1)
        elif position == 0:
            self.reset()
            self.round_over.set()

    def reset(self) -> None:
        """Everybody may pass again: the state at the start of a round."""
        self._train_b(valid_days=TRAINING_YEARS_DAYS)
        for flag in self._store.worker(PERSON_A).flags:
            self._store.remove_flag(PERSON_A, flag.flag_id)

    def _flag_a(self) -> None:
        self._store.put_flag(
            PERSON_A, Flag(level=FlagLevel.BLOCK, category="demo", reason="flagged by the demo")
        )

    def _train_b(self, *, valid_days: int) -> None:
        worker = self._store.worker(PERSON_B)
        until = self._clock.now() + timedelta(days=valid_days)
        training = Clearance(kind="training", valid_until=until, reference="demo")
        others = tuple(c for c in worker.clearances if c.kind != "training")
        self._store.put_worker(worker.model_copy(update={"clearances": (*others, training)}))
