"""From frames to one verdict per person. Pure: faces and time come in, what the lane knows comes out.

The lane says who somebody is (or that nobody it knows); whether they may pass is the policy's business.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from gate.settings import LaneSettings, RecognitionSettings
from gate.view import Phase
from models.face import Advice, Embedding, Face, Image, Quality
from models.gallery import Match
from models.roster_watch import Threshold
from models.tracker import Track, Tracker
from models.voting import Ballot, Tally

SAME_PERSON_MIN_COSINE = {"sface": 0.55, "dlib": 0.955}
"""By embedder: below this a good frame does not look like the person of its track. Measured on 14 clips of
5 people. SFace: frames of one clip above 0.74, of different people below 0.50. dlib: 99.9 % of the frames
of one clip above 0.959, of different people below 0.957."""

NEAR_WIDTH_PER_EYE_DISTANCE = 1.6
"""A face at least so many minimum eye distances wide stands before the gate, whichever way it looks: a
frontal face is about 2 eye distances wide."""

COMPANION_FRAMES = 50
"""Frames over which the people beside the served one are counted: about the two seconds of a decision."""

SWITCH_RATIO = 1.2
"""Another person is served only when their face is this much larger than that of the one being served."""

REMEMBERED_PEOPLE = 32
"""Answered people kept for the repeat interval; bounded, oldest forgotten first."""


class Finding(StrEnum):
    """What the frames of one person came to."""

    RECOGNISED = "recognised"
    UNKNOWN = "unknown"
    NOT_USABLE = "not_usable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of one identification.

    first_usable_s, decided_s  monotonic seconds of the first good frame and of the deciding one
    live_score                 0..1 or None where liveness was not checked
    tailgating                 most other near faces in the zone while the person was looked at
    ambiguous                  unknown although a score reached the threshold: two workers look alike
    """

    finding: Finding
    worker_id: str | None
    score: float
    margin: float | None
    threshold: Threshold
    frames: int
    agreeing: int
    roster_size: int
    live_score: float | None
    tailgating: int
    ambiguous: bool
    first_usable_s: float
    decided_s: float


@dataclass(frozen=True, slots=True)
class LaneUpdate:
    """What one frame changed: for the screen, and a verdict when there is a new one."""

    phase: Phase
    face: Face | None = None
    advice: Advice | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Who is before the lane now: `finding` None while the face is not decided; `worker_id` by face only."""

    finding: Finding | None
    worker_id: str | None = None


@dataclass(slots=True)
class _Person:
    """What is known of the person in one track."""

    ballot: Ballot
    in_zone_since_s: float
    companions: deque[int] = field(default_factory=lambda: deque(maxlen=COMPANION_FRAMES))
    live_scores: list[float] = field(default_factory=list)
    first_good_s: float | None = None
    reference: Embedding | None = None
    stranger: Embedding | None = None
    """The previous good frame when it did not look like the person of this track."""
    answered_s: float | None = None
    answer: tuple[Finding, str | None] | None = None
    by_pass: bool = False
    """The answer is that of a pass, whatever the face is."""


@dataclass(slots=True)
class _Answered:
    finding: Finding
    worker_id: str | None
    reference: Embedding | None
    last_seen_s: float


class Lane:
    """One camera and one door.

    search     exact search over the gallery
    threshold  the threshold in force
    advise     what is wrong with a frame's quality, None when it is good
    live       live score 0..1 of one face, or None where it cannot be checked
    same_person  cosine from which two frames of one track show the same person; see SAME_PERSON_MIN_COSINE
    """

    def __init__(
        self,
        settings: LaneSettings,
        recognition: RecognitionSettings,
        *,
        search: Callable[[Embedding], Match],
        threshold: Callable[[], Threshold],
        advise: Callable[[Quality], Advice | None],
        live: Callable[[Image, Face], float | None],
        same_person: float = SAME_PERSON_MIN_COSINE["sface"],
    ) -> None:
        self._same_person = same_person
        self._settings = settings
        self._recognition = recognition
        self._search = search
        self._threshold = threshold
        self._advise = advise
        self._live = live
        self._tracker = Tracker()
        self._people: dict[int, _Person] = {}
        self._answered: list[_Answered] = []
        self._served: int | None = None
        self._somebody_near = False

    def observe(self, image: Image, faces: Sequence[Face], at_s: float) -> LaneUpdate:
        """Take one frame; `at_s` is its capture time in monotonic seconds and must not run backwards."""
        inside = [face for face in faces if self._in_zone(face, image)]
        near = [face for face in inside if self._is_near(face)]
        tracks = self._tracker.update(near, at_s)
        alive = self._tracker.alive(at_s)
        self._people = {number: p for number, p in self._people.items() if number in alive}
        for seen in tracks:
            self._keep_answered(self._people.get(seen.track_id), at_s)
        self._somebody_near = bool(near)
        if not near:
            if inside:
                return LaneUpdate(Phase.APPROACHING, inside[0], Advice.COME_CLOSER)
            return LaneUpdate(Phase.IDLE)
        face, track = self._nearest(near, tracks)
        self._served = track.track_id
        person = self._people.setdefault(track.track_id, self._somebody_new(at_s))
        person.companions.append(len(near) - 1)
        return self._serve(image, face, person, at_s=at_s)

    def finish(self, at_s: float) -> Verdict | None:
        """The source has ended: the person still being served is judged on the frames there were."""
        person = self._people.get(self._served) if self._served is not None else None
        if person is None or person.answered_s is not None or person.ballot.frames_seen == 0:
            return None
        if person.ballot.frames_seen < self._recognition.votes_needed:
            return None
        return self._settle(person, Finding.UNKNOWN, None, at_s=at_s)

    def standing(self) -> Standing | None:
        """The person that the latest frame served; None when nobody was near."""
        person = self._people.get(self._served) if self._served is not None else None
        if person is None or not self._somebody_near:
            return None
        finding, worker_id = person.answer or (None, None)
        return Standing(Finding.UNKNOWN) if person.by_pass else Standing(finding, worker_id)

    def answered_otherwise(self, worker_id: str, at_s: float) -> None:
        """This worker was let in by a pass: the face before the lane gets no second answer."""
        person = self._people.get(self._served) if self._served is not None else None
        if person is not None and self._somebody_near:
            person.answer, person.answered_s = (Finding.RECOGNISED, worker_id), at_s
            person.by_pass = True
        self._remember(Finding.RECOGNISED, worker_id, None, at_s)

    def forget(self, worker_id: str) -> None:
        """Serve this worker again at once: the door saw that they did not pass."""
        self._answered = [a for a in self._answered if a.worker_id != worker_id]
        for person in self._people.values():
            if person.answer is not None and person.answer[1] == worker_id:
                self._restart(person, person.in_zone_since_s)

    # -- one person ------------------------------------------------------------------------------------

    def _serve(self, image: Image, face: Face, person: _Person, *, at_s: float) -> LaneUpdate:
        advice = self._advise(face.quality) or self._turned_away(face)
        if advice is None:
            embedding = face.embedding
            if self._is_somebody_else(person, embedding):
                # Two people swapped places, or one stepped before the other: nobody inherits votes.
                self._restart(person, at_s)
            if person.stranger is None:
                self._take_good_frame(image, face, embedding, person, at_s)
            # else: one frame unlike the others (a hand, a blur) votes for nobody and ends nothing.
        verdict = self._verdict(person, at_s=at_s)
        if verdict is not None:
            return LaneUpdate(Phase.DECIDING, face, None, verdict)
        return self._undecided(face, person, advice, at_s=at_s)

    def _turned_away(self, face: Face) -> Advice | None:
        """A near face whose eyes are close together in the picture looks elsewhere."""
        too_close = face.quality.eye_distance_px < self._settings.min_eye_distance_px
        return Advice.LOOK_AHEAD if too_close else None

    def _undecided(self, face: Face, person: _Person, advice: Advice | None, *, at_s: float) -> LaneUpdate:
        if person.answered_s is not None:
            unusable = person.answer is not None and person.answer[0] is Finding.NOT_USABLE
            return LaneUpdate(Phase.APPROACHING, face, advice) if unusable else LaneUpdate(Phase.IDLE, face)
        if person.first_good_s is None and at_s - person.in_zone_since_s >= self._recognition.no_good_frame_s:
            verdict = self._settle(person, Finding.NOT_USABLE, None, at_s=at_s)
            return LaneUpdate(Phase.DECIDING, face, advice, verdict)
        return LaneUpdate(Phase.APPROACHING if advice else Phase.DECIDING, face, advice)

    def _take_good_frame(
        self, image: Image, face: Face, embedding: Embedding, person: _Person, at_s: float
    ) -> None:
        if person.first_good_s is None:
            person.first_good_s = at_s
        person.reference = _mean(person.reference, embedding)
        if self._is_settled(person, at_s):
            return
        person.ballot.add(self._search(embedding), self._threshold().value)
        live_score = self._live(image, face)
        if live_score is not None:
            person.live_scores.append(live_score)
            del person.live_scores[: -self._recognition.votes_window]

    def _verdict(self, person: _Person, *, at_s: float) -> Verdict | None:
        if person.first_good_s is None or self._is_settled(person, at_s):
            return None
        tally = person.ballot.winner()
        if tally is not None:
            return self._settle(person, Finding.RECOGNISED, tally, at_s=at_s)
        if person.ballot.frames_seen and at_s - person.first_good_s >= self._recognition.deadline_s:
            return self._settle(person, Finding.UNKNOWN, None, at_s=at_s)
        return None

    def _is_settled(self, person: _Person, at_s: float) -> bool:
        """An answered person is not asked again, except one who was not recognised and stays.

        The pause between two tries keeps a stranger from getting a try at every frame.
        """
        if person.answer is None or person.answered_s is None:
            return False
        finding = person.answer[0]
        if finding is Finding.RECOGNISED:
            return True
        if finding is Finding.UNKNOWN and at_s - person.answered_s < self._recognition.repeat_interval_s:
            return True
        self._restart(person, at_s)
        person.first_good_s = at_s
        return False

    def _settle(
        self, person: _Person, finding: Finding, tally: Tally | None, *, at_s: float
    ) -> Verdict | None:
        """Close the identification; None when this person was answered the same a moment ago."""
        worker_id = tally.worker_id if tally else None
        best = person.ballot.best()
        repeated = self._answered_before(finding, worker_id, person.reference, at_s)
        person.answer = (finding, worker_id)
        person.answered_s = at_s
        self._remember(finding, worker_id, person.reference, at_s)
        if repeated:
            return None
        scores = person.live_scores
        threshold = self._threshold()
        return Verdict(
            finding=finding,
            worker_id=worker_id,
            score=tally.score if tally else (best.score if best else 0.0),
            margin=tally.margin if tally else (best.margin if best else None),
            threshold=threshold,
            frames=person.ballot.frames_seen,
            agreeing=tally.agreeing if tally else 0,
            roster_size=best.roster_size if best else 0,
            live_score=sum(scores) / len(scores) if scores else None,
            tailgating=max(person.companions, default=0),
            ambiguous=finding is Finding.UNKNOWN and best is not None and best.score >= threshold.value,
            first_usable_s=person.first_good_s if person.first_good_s is not None else person.in_zone_since_s,
            decided_s=at_s,
        )

    # -- who is this, who was here --------------------------------------------------------------------

    def _somebody_new(self, at_s: float) -> _Person:
        recognition = self._recognition
        ballot = Ballot(
            needed=recognition.votes_needed,
            window=recognition.votes_window,
            min_margin=recognition.min_margin,
        )
        return _Person(ballot, at_s)

    def _restart(self, person: _Person, at_s: float) -> None:
        person.ballot.clear()
        person.live_scores.clear()
        person.companions.clear()
        person.in_zone_since_s = at_s
        person.first_good_s = person.reference = person.stranger = None
        person.answered_s = person.answer = None
        person.by_pass = False

    def _is_somebody_else(self, person: _Person, embedding: Embedding) -> bool:
        """True when two good frames in a row look like each other and not like the person so far."""
        if person.reference is None or _cosine(person.reference, embedding) >= self._same_person:
            person.stranger = None
            return False
        before, person.stranger = person.stranger, embedding
        return before is not None and _cosine(before, embedding) >= self._same_person

    def _answered_before(
        self, finding: Finding, worker_id: str | None, reference: Embedding | None, at_s: float
    ) -> bool:
        self._answered = [
            a for a in self._answered if at_s - a.last_seen_s <= self._recognition.repeat_interval_s
        ]
        return any(
            a.finding is finding and a.worker_id == worker_id and self._look_alike(a, worker_id, reference)
            for a in self._answered
        )

    def _remember(
        self, finding: Finding, worker_id: str | None, reference: Embedding | None, at_s: float
    ) -> None:
        self._answered.append(_Answered(finding, worker_id, reference, at_s))
        del self._answered[:-REMEMBERED_PEOPLE]

    def _keep_answered(self, person: _Person | None, at_s: float) -> None:
        """Somebody who stays in view stays answered: the repeat interval counts from when they left."""
        if person is None or person.answer is None:
            return
        finding, worker_id = person.answer
        for answered in self._answered:
            if (
                answered.finding is finding
                and answered.worker_id == worker_id
                and self._look_alike(answered, worker_id, person.reference)
            ):
                answered.last_seen_s = at_s

    def _look_alike(self, answered: _Answered, worker_id: str | None, reference: Embedding | None) -> bool:
        """A worker is the same by number, an unknown person by looks."""
        if worker_id is not None:
            return True
        if answered.reference is None or reference is None:
            return answered.reference is None and reference is None
        return _cosine(answered.reference, reference) >= self._same_person

    # -- where somebody stands ------------------------------------------------------------------------

    def _in_zone(self, face: Face, image: Image) -> bool:
        height, width = image.shape[:2]
        left, top, right, bottom = self._settings.zone
        x = (face.box.x + face.box.width / 2) / width
        y = (face.box.y + face.box.height / 2) / height
        return bool(left <= x <= right and top <= y <= bottom)

    def _is_near(self, face: Face) -> bool:
        """By the size of the face, not by the distance of the eyes: somebody who looks aside is there too."""
        eyes = self._settings.min_eye_distance_px
        return face.quality.eye_distance_px >= eyes or face.box.width >= NEAR_WIDTH_PER_EYE_DISTANCE * eyes

    def _nearest(self, faces: Sequence[Face], tracks: Sequence[Track]) -> tuple[Face, Track]:
        """The largest face, also in profile: the door never opens for somebody behind the one in front.

        The person being served keeps the place against a near equal.
        """
        pairs = list(zip(faces, tracks, strict=True))
        nearest = max(pairs, key=lambda pair: _size(pair[0]))
        for face, track in pairs:
            if track.track_id == self._served and _size(nearest[0]) < SWITCH_RATIO * _size(face):
                return face, track
        return nearest


def _mean(reference: Embedding | None, embedding: Embedding) -> Embedding:
    """Running direction of a track's good frames: half the past, half the present."""
    if reference is None:
        return embedding
    blended = reference + embedding
    return (blended / max(float(np.linalg.norm(blended)), 1e-6)).astype(np.float32)


def _cosine(one: Embedding, other: Embedding) -> float:
    return float(np.dot(one, other))


def _size(face: Face) -> float:
    """Side of the face's box in pixels."""
    return float((face.box.width * face.box.height) ** 0.5)
