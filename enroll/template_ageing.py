"""Whose face has moved away from the templates: a pure look at the scores of recent matches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MATCHES = 5
"""Medians are over so many matches: one poor frame says nothing about a face."""

DROP = 0.12
"""Fall of the median cosine that is worth a new capture: frames of one person at the gate scatter by about
0.1 around their median, medians of five by half of that."""

NEAR_THRESHOLD = 0.05
"""A median as near to the threshold means that the gate often has to look several times."""

Scores = Sequence[tuple[float, float]]
"""Score and threshold of each match, oldest first."""


@dataclass(frozen=True, slots=True)
class Ageing:
    """Cosines. `recent`: median of the last matches; `first`: of those after the enrolment, if there are."""

    recent: float
    threshold: float
    first: float | None = None

    @property
    def margin(self) -> float:
        return self.recent - self.threshold

    @property
    def drop(self) -> float:
        """How far the score fell since the enrolment; 0 where that is not known."""
        return 0.0 if self.first is None else self.first - self.recent


def ageing(latest: Scores, first: Scores = ()) -> Ageing | None:
    """What the scores say; None: the templates still fit, or too few matches to tell.

    Example:
        >>> ageing([(0.45, 0.42)] * 5, [(0.70, 0.42)] * 5).drop > DROP
        True
    """
    found = measured(latest, first)
    if found is None or (found.drop < DROP and found.margin > NEAR_THRESHOLD):
        return None
    return found


def measured(latest: Scores, first: Scores = ()) -> Ageing | None:
    """The medians, whatever they mean; None for too few matches."""
    if len(latest) < MATCHES:
        return None
    last = latest[-MATCHES:]
    return Ageing(
        recent=median(score for score, _ in last),
        threshold=median(threshold for _, threshold in last),
        first=median(score for score, _ in first[:MATCHES]) if len(first) >= MATCHES else None,
    )
