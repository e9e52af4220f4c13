"""Faces before the training screen: who logs in, and which learner each face of a class belongs to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.calibration import ImpostorTail
from models.face import Face, Image
from models.gallery import Gallery
from models.liveness import LivenessModel
from models.quality import QualityLimits, advise
from models.roster_watch import Threshold
from models.tracker import Tracker
from models.verification import ClaimedPerson, claim_threshold
from models.voting import Ballot
from sync.records import Template
from sync.training.watch import BYSTANDER, Observation, SeenFace

VOTES_NEEDED, VOTES_WINDOW, MIN_MARGIN = 3, 5, 0.04
"""The defaults of the gate (config.yaml, section recognition); a log-in does not follow changes there."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """Somebody of the roster, agreed on by several frames."""

    worker_id: str
    score: float


@dataclass(frozen=True, slots=True)
class LoginLook:
    """What one frame added: who is recognised by now, and how many faces stand before the screen."""

    recognised: tuple[Recognised, ...]
    faces: int


class FaceLogin:
    """Recognises everybody before the screen against the roster, with the gate's votes and threshold."""

    def __init__(
        self, gallery: Gallery, threshold: Callable[[], Threshold], *, limits: QualityLimits
    ) -> None:
        self._gallery = gallery
        self._threshold = threshold
        self._limits = limits
        self._tracker = Tracker()
        self._ballots: dict[int, Ballot] = {}

    def look(self, faces: Sequence[Face], at_s: float) -> LoginLook:
        """Take one frame's faces, nearest first; `at_s` is monotonic."""
        widest = max((face.box.width for face in faces), default=0.0)
        near = [face for face in faces if face.box.width >= BYSTANDER * widest]
        threshold = self._threshold().value
        found = []
        for face, track in zip(near, self._tracker.update(near, at_s), strict=True):
            ballot = self._ballots.setdefault(
                track.track_id, Ballot(needed=VOTES_NEEDED, window=VOTES_WINDOW, min_margin=MIN_MARGIN)
            )
            if advise(face.quality, self._limits) is None:
                ballot.add(self._gallery.search(face.embedding), threshold)
            if (tally := ballot.winner()) is not None:
                found.append(Recognised(tally.worker_id, tally.score))
        alive = self._tracker.alive(at_s)
        self._ballots = {number: one for number, one in self._ballots.items() if number in alive}
        return LoginLook(tuple({one.worker_id: one for one in found}.values()), len(near))


class Eyes:
    """Turns pictures into observations of learners; one for each lesson.

    learners  worker id → that worker's templates of the engine in use
    """

    def __init__(
        self,
        learners: dict[str, Sequence[Template]],
        *,
        model: str,
        limits: QualityLimits,
        liveness: LivenessModel | None = None,
    ) -> None:
        self._people = {
            worker_id: ClaimedPerson(np.stack([np.frombuffer(one.vector, dtype="<f4") for one in templates]))
            for worker_id, templates in learners.items()
        }
        self._threshold = claim_threshold(ImpostorTail.bundled(model))
        self._limits = limits
        self._liveness = liveness
        self._tracker = Tracker()
        self._owners: dict[int, str] = {}

    def observe(self, image: Image, faces: Sequence[Face], at_s: float) -> dict[str, Observation]:
        """What this picture shows of each learner."""
        if len(self._people) == 1:
            ((worker_id, person),) = self._people.items()
            compared = person.compare(image, faces, limits=self._limits, liveness=self._liveness)
            seen = tuple(SeenFace(one.width_px, one.score, one.live) for one in compared)
            return {worker_id: Observation(seen, self._threshold)}
        seats = self._seats(image, faces, at_s)
        return {
            worker_id: Observation((seats[worker_id],) if worker_id in seats else (), self._threshold)
            for worker_id in self._people
        }

    def _seats(self, image: Image, faces: Sequence[Face], at_s: float) -> dict[str, SeenFace]:
        """In a class: the face that is, or stands where, each learner was."""
        tracks = self._tracker.update(faces, at_s)
        alive = self._tracker.alive(at_s)
        self._owners = {number: owner for number, owner in self._owners.items() if number in alive}
        scored = []
        for face, track in zip(faces, tracks, strict=True):
            usable = advise(face.quality, self._limits) is None
            scores = {one: person.score(face) for one, person in self._people.items()} if usable else {}
            best = max(scores, key=scores.__getitem__, default="")
            scored.append((scores.get(best, -1.0), best, face, track.track_id, scores))
        seats: dict[str, SeenFace] = {}
        taken: set[int] = set()
        for score, best, face, number, _ in sorted(scored, key=lambda one: one[0], reverse=True):
            if score >= self._threshold and best not in seats:
                seats[best] = self._seen(image, face, score)
                taken.add(number)
                self._owners = {n: o for n, o in self._owners.items() if o != best} | {number: best}
        for _, _, face, number, scores in scored:
            owner = self._owners.get(number)
            if number not in taken and owner is not None and owner not in seats:
                seats[owner] = self._seen(image, face, scores.get(owner))
        return seats

    def _seen(self, image: Image, face: Face, score: float | None) -> SeenFace:
        live = None if self._liveness is None else self._liveness.score(image, face)
        return SeenFace(face.box.width, score, live)
