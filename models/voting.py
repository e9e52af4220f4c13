"""One frame never decides: k of the last n good frames of one track must agree, each with margin."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from statistics import median

from models.gallery import Match


@dataclass(frozen=True, slots=True)
class Tally:
    """What the ballot says when somebody has won."""

    worker_id: str
    score: float
    """Median score of the agreeing frames."""
    margin: float | None
    """Median margin of the agreeing frames; None when the roster holds one worker only."""
    agreeing: int


class Ballot:
    """Votes of the last `window` good frames of one track.

    A frame votes for its best worker when the score reaches the threshold and the margin to the
    second-best worker is at least `min_margin`; else it votes for nobody.
    """

    def __init__(self, *, needed: int, window: int, min_margin: float) -> None:
        if not 1 <= needed <= window:
            raise ValueError(f"{needed} votes of a window of {window} can never be reached")
        self._needed = needed
        self._min_margin = min_margin
        self._frames: deque[tuple[str | None, Match]] = deque(maxlen=window)
        self.frames_seen = 0

    def add(self, match: Match, threshold: float) -> None:
        clear = match.score >= threshold and (match.margin is None or match.margin >= self._min_margin)
        self._frames.append((match.worker_id if clear else None, match))
        self.frames_seen += 1

    def winner(self) -> Tally | None:
        votes = Counter(worker_id for worker_id, _ in self._frames if worker_id is not None)
        if not votes:
            return None
        worker_id, agreeing = votes.most_common(1)[0]
        if agreeing < self._needed:
            return None
        matches = [match for voted, match in self._frames if voted == worker_id]
        margins = [match.margin for match in matches if match.margin is not None]
        return Tally(
            worker_id,
            median(match.score for match in matches),
            median(margins) if margins else None,
            agreeing,
        )

    def best(self) -> Match | None:
        """The strongest match in the window, whether it was clear or not: what an 'unknown' reports."""
        return max((match for _, match in self._frames), key=lambda match: match.score, default=None)

    def clear(self) -> None:
        self._frames.clear()
        self.frames_seen = 0
