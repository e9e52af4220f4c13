"""Is the right person before the screen? One frame never decides: votes of the last seconds do.

Pure: what a camera saw comes in as numbers, the time is passed in. A vote says what one frame showed:
the learner, somebody else, nobody, several people, a picture of a face, or nothing that can be told.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

BYSTANDER = 0.5
"""A face less than so many times as wide as the largest one belongs to somebody who stands behind."""


class Sight(StrEnum):
    """What one frame showed."""

    SAME = "same"
    OTHER = "another_person"
    NOBODY = "nobody"
    SEVERAL = "several_people"
    PHOTO = "photo"
    UNCLEAR = "unclear"


SERIOUS = (Sight.PHOTO, Sight.OTHER, Sight.SEVERAL)
"""Sights that say the learner's place is taken, in the order in which they are named."""


@dataclass(frozen=True, slots=True)
class SeenFace:
    """One face of one frame.

    score  cosine with the learner; None: too poor a picture to be compared
    live   0 (a picture of a face) to 1 (a living one); None: not looked at
    """

    width_px: float
    score: float | None
    live: float | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What one frame showed; `threshold` is the cosine from which a face is the learner's."""

    faces: tuple[SeenFace, ...]
    threshold: float


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """How much is asked of the picture. The defaults: a camera that is looked at 3 to 10 times a second.

    needed, window_s   so many votes of the last seconds, and more than for the learner, pause the session;
                       so many for the learner, the latest among them, make it go on
    nobody_after_s     without a face; unclear_after_s: with faces that cannot be compared
    credit_gap_s       seconds count between two sights of the learner not further apart than this
    min_live           mean score below which a face is taken for a picture: people on 14 clips have means
                       from 0.55 up, held-up photos 0.22 at most
    """

    needed: int = 3
    window_s: float = 2.0
    nobody_after_s: float = 1.5
    unclear_after_s: float = 5.0
    credit_gap_s: float = 2.0
    min_live: float = 0.35


KIOSK = WatchLimits()
PHONE = WatchLimits(needed=2, window_s=7.0, nobody_after_s=5.0, unclear_after_s=12.0, credit_gap_s=5.0)
"""A phone sends a picture every two seconds at best."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One frame's sight; `score` where a face was compared."""

    at_s: float
    sight: Sight
    score: float | None


class Watch:
    """Follows one learner. `verified` changes with `see`; a new watch has seen nobody yet."""

    def __init__(self, limits: WatchLimits = KIOSK) -> None:
        self._limits = limits
        self._votes: deque[Vote] = deque()
        self._lives: deque[tuple[float, float]] = deque()
        self._started_s: float | None = None
        self._last_same_s: float | None = None
        self._last_face_s: float | None = None
        self.verified = False

    def see(self, observation: Observation | None, at_s: float) -> Vote | None:
        """Take one frame in (None: the camera gave none); the vote, or None without a frame."""
        if self._started_s is None or (self._votes and at_s < self._votes[-1].at_s):
            self.forget(at_s)
        while self._votes and at_s - self._votes[0].at_s > self._limits.window_s:
            self._votes.popleft()
        if observation is None:
            return None
        vote = self._vote(observation, at_s)
        self._votes.append(vote)
        if vote.sight is not Sight.NOBODY:
            self._last_face_s = at_s
        if vote.sight is Sight.SAME:
            self._last_same_s = at_s
        return vote

    def forget(self, at_s: float) -> None:
        """Start anew: after a pause by hand, or where the clock went back."""
        self._votes.clear()
        self._lives.clear()
        self._started_s = self._last_face_s = at_s
        self._last_same_s = None
        self.verified = False

    def trust(self, at_s: float) -> None:
        """The learner was recognised this moment by other means: they need not be seen anew first."""
        self.forget(at_s)
        self._last_same_s = at_s
        self.verified = True

    def judge(self, at_s: float) -> tuple[Sight, float | None] | None:
        """Why the learner is not taken to be there, with the median score; None: all is well.

        Keeps `verified` in step.
        """
        reason = self._lost(at_s) if self.verified else self._not_yet()
        self.verified = reason is None
        if reason is None:
            return None
        scores = [v.score for v in self._votes if v.sight is reason and v.score is not None]
        return reason, median(scores) if scores else None

    def _vote(self, observation: Observation, at_s: float) -> Vote:
        widest = max((face.width_px for face in observation.faces), default=0.0)
        near = [face for face in observation.faces if face.width_px >= BYSTANDER * widest]
        if not near:
            return Vote(at_s, Sight.NOBODY, None)
        if len(near) > 1:
            return Vote(
                at_s, Sight.SEVERAL, max((f.score for f in near if f.score is not None), default=None)
            )
        (face,) = near
        if face.live is not None and self._mean_live(face.live, at_s) < self._limits.min_live:
            return Vote(at_s, Sight.PHOTO, face.score)
        if face.score is None:
            return Vote(at_s, Sight.UNCLEAR, None)
        sight = Sight.SAME if face.score >= observation.threshold else Sight.OTHER
        return Vote(at_s, sight, face.score)

    def _mean_live(self, live: float, at_s: float) -> float:
        """Single frames flicker: the mean over the window counts."""
        self._lives.append((at_s, live))
        while at_s - self._lives[0][0] > self._limits.window_s:
            self._lives.popleft()
        return sum(one for _, one in self._lives) / len(self._lives)

    def _lost(self, at_s: float) -> Sight | None:
        count = Counter(vote.sight for vote in self._votes)
        for sight in SERIOUS:
            if count[sight] >= self._limits.needed and count[sight] > count[Sight.SAME]:
                return sight
        if _older(self._last_face_s, at_s, self._limits.nobody_after_s):
            return Sight.NOBODY
        if _older(self._last_same_s, at_s, self._limits.unclear_after_s):
            return Sight.UNCLEAR
        return None

    def _not_yet(self) -> Sight | None:
        count = Counter(vote.sight for vote in self._votes)
        serious = [sight for sight in SERIOUS if count[sight] >= self._limits.needed]
        latest = self._votes[-1].sight if self._votes else Sight.NOBODY
        same, wrong = count[Sight.SAME], sum(count[sight] for sight in SERIOUS)
        if latest is Sight.SAME and same >= self._limits.needed and same > wrong:
            return None
        if serious:
            return serious[0]
        return Sight.NOBODY if latest is Sight.NOBODY else Sight.UNCLEAR


def _older(then_s: float | None, at_s: float, limit_s: float) -> bool:
    return then_s is None or at_s - then_s > limit_s


def scores_of(votes: Sequence[Vote]) -> float | None:
    """Median of the compared ones."""
    scores = [vote.score for vote in votes if vote.score is not None]
    return median(scores) if scores else None
