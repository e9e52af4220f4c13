"""What may follow what in the life of an alert, its deadlines, and who is to be told at a moment."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sync.alerting.rules import AlertRule, AlertRules, Level


class State(StrEnum):
    """How far an alert is."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    MEASURES = "measures"
    CLOSED = "closed"


class StepKind(StrEnum):
    """One line of an alert's history. `TOLD`: a level was told, by the program."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    MEASURE = "measure"
    CLOSED = "closed"
    REOPENED = "reopened"
    TOLD = "told"


FOLLOWS: dict[tuple[State, StepKind], State] = {
    (State.OPEN, StepKind.ACKNOWLEDGED): State.ACKNOWLEDGED,
    # Who notes a measure has seen the alert.
    (State.OPEN, StepKind.MEASURE): State.MEASURES,
    (State.ACKNOWLEDGED, StepKind.MEASURE): State.MEASURES,
    (State.MEASURES, StepKind.MEASURE): State.MEASURES,
    (State.ACKNOWLEDGED, StepKind.CLOSED): State.CLOSED,
    (State.MEASURES, StepKind.CLOSED): State.CLOSED,
    (State.CLOSED, StepKind.REOPENED): State.ACKNOWLEDGED,
}
"""Everything that an officer can do, and where it leads; what is not here cannot be done."""


@dataclass(frozen=True, slots=True)
class Life:
    """Where an alert is: `opened_at` is when it was raised or reopened, from which its deadlines count."""

    state: State
    opened_at: datetime

    def deadline(self, rule: AlertRule) -> datetime | None:
        """Until when the next thing must be done; None once it is closed."""
        if self.state is State.CLOSED:
            return None
        within = rule.acknowledge_within if self.state is State.OPEN else rule.close_within
        return self.opened_at + within


def told(rules: AlertRules, rule: AlertRule, life: Life, at: datetime) -> tuple[Level, datetime | None]:
    """Up to which level it is to be told at that moment, and when the next one would be; None: never.

    A level that was told before stays told: the caller keeps the highest.
    """
    level = Level.SITE
    deadline = life.deadline(rule)
    if deadline is None:
        return level, None
    for step, after in rules.ladders[rule.ladder].steps():
        if at < deadline + after:
            return level, deadline + after
        level = step
    return level, None


def missing(rule: AlertRule, noted: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Measures that closing waits for: all of the first, and one of the second; both empty: nothing."""
    all_of = tuple(one for one in rule.all_of if one not in noted)
    return all_of, () if set(rule.one_of) & set(noted) else rule.one_of
