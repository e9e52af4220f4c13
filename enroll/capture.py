"""A capture before the kiosk's camera: faces and time in, guidance and automatic shots out. Pure.

Left and right are the person's own: with yaw > 0 (`models.face.Quality`) the head is turned to the picture's
right, which is the person's left and, in the mirrored preview, the left of the screen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import fmean

import cv2
import numpy as np

from enroll.errors import EnrollError
from enroll.photos import DOMINANT
from models.face import Box, Face, Image, Quality
from models.quality import QualityLimits, advise
from models.template_choice import choose_templates
from sync.words import Words

AHEAD_YAW_DEG, AHEAD_PITCH_DEG = 10.0, 14.0
"""A head turned and tilted less than this looks ahead."""
SIDE_YAW_DEG = (13.0, 35.0)
"""A slight turn; beyond, templates help the gate little and the far eye is hardly seen."""
UP_GAIN_DEG = 7.0
"""So much higher than in the picture ahead: the pitch from five landmarks differs by some degrees from person
to person, and people who look up as far as is comfortable reach 10 to 15."""

HOLD_FRAMES = 3
HOLD_S = 0.3
"""A pose counts when it was held over so many good frames and for so long: no blur, no chance."""
HOLD_GAP_S = 1.5
"""A longer pause between two frames begins the hold anew."""

MIN_EYE_SHARE = 0.04
"""Distance of the eyes as a share of the picture's width; 51 px on 1280: more than the engine can use."""
LARGEST_FACE_SHARE = 0.85  # of the picture's height; beyond, chin or forehead leave the picture at a turn
CENTRE_SHARE = 0.28  # the face's middle at most so far beside the picture's, as a share of its width

LIVE_FRAMES = 3
LIVE_WINDOW = 8
"""Liveness flickers from frame to frame: the mean over so many counts."""

STRANGER_FRAMES = 2
"""Frames in a row unlike the person so far: somebody else; one alone is a hand or a blur."""

MIN_TEMPLATES, MAX_TEMPLATES = 3, 5
TOO_ALIKE = 0.95
"""Cosine above which a fourth or fifth template shows nothing that the others do not."""

PHOTO_PX = (360, 480)
PHOTO_MARGIN = 0.6  # of the face's width, around it
PHOTO_JPEG_QUALITY = 85


class CaptureIncomplete(EnrollError, ValueError):
    """Templates were asked for before all poses are taken."""


class Pose(StrEnum):
    """What is wanted from the person; HELMET is AHEAD once more, with the helmet on."""

    AHEAD = "ahead"
    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    HELMET = "helmet"


POSE_WORDS = {
    Pose.AHEAD: Words("正面", "Ahead"),
    Pose.LEFT: Words("稍向左", "A little left"),
    Pose.RIGHT: Words("稍向右", "A little right"),
    Pose.UP: Words("稍抬头", "A little up"),
    Pose.HELMET: Words("戴安全帽", "With helmet"),
}


class Guidance(StrEnum):
    """What the person is told; those of `models.face.Advice` have the same codes."""

    NO_FACE = "no_face"
    TWO_PEOPLE = "two_people"
    COME_CLOSER = "come_closer"
    STEP_BACK = "step_back"
    INTO_THE_OVAL = "into_the_oval"
    LOOK_AHEAD = "look_ahead"
    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    LOOK_UP = "look_up"
    LOOK_DOWN = "look_down"
    HOLD_STILL = "hold_still"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    UNCOVER_FACE = "uncover_face"
    STRAIGHTEN_HEAD = "straighten_head"
    NOT_LIVE = "not_live"
    LIVENESS_MISSING = "liveness_missing"
    SOMEBODY_ELSE = "somebody_else"
    HELMET_ON = "helmet_on"
    DONE = "done"


REFUSALS = frozenset(
    {Guidance.TWO_PEOPLE, Guidance.NOT_LIVE, Guidance.LIVENESS_MISSING, Guidance.SOMEBODY_ELSE}
)
"""Said as a refusal: something is wrong that the person did not merely miss."""

_TOWARDS = {
    Pose.AHEAD: Guidance.LOOK_AHEAD,
    Pose.LEFT: Guidance.TURN_LEFT,
    Pose.RIGHT: Guidance.TURN_RIGHT,
    Pose.UP: Guidance.LOOK_UP,
    Pose.HELMET: Guidance.HELMET_ON,
}


@dataclass(frozen=True, slots=True)
class CaptureRules:
    """What a capture demands.

    wanted        poses, AHEAD first
    same_person   cosine from which two frames show one person; depends on the embedder
                  (`models.verification.claim_threshold`)
    min_live      0..1, mean of the last frames
    needs_liveness  refuse where the weights for it are missing, instead of noting it
    """

    wanted: tuple[Pose, ...] = (Pose.AHEAD, Pose.LEFT, Pose.RIGHT, Pose.UP)
    limits: QualityLimits = field(default_factory=QualityLimits)
    same_person: float = 0.45
    min_live: float = 0.60
    needs_liveness: bool = False

    def __post_init__(self) -> None:
        if not self.wanted or self.wanted[0] is not Pose.AHEAD or len(set(self.wanted)) < len(self.wanted):
            raise ValueError("the first wanted pose is AHEAD, and none comes twice")


@dataclass(frozen=True, slots=True)
class Shot:
    """The best frame of a held pose; `picture` is the part of the frame around the face, BGR."""

    pose: Pose
    face: Face
    picture: Image


@dataclass(frozen=True, slots=True)
class CaptureState:
    """After one frame.

    target   the pose that is asked for next; None when all are there
    held     0..1, how much of the hold is done
    face     the subject, for the oval
    new      the shot that this frame completed
    """

    guidance: Guidance
    taken: tuple[Pose, ...]
    missing: tuple[Pose, ...]
    target: Pose | None
    held: float = 0.0
    face: Face | None = None
    new: Shot | None = None

    @property
    def is_complete(self) -> bool:
        return not self.missing


@dataclass(frozen=True, slots=True)
class _Frame:
    face: Face
    image: Image
    at_s: float


class CaptureSession:
    """One person, one capture.

    live   score 0..1 of one face, None where the weights are missing
    """

    def __init__(self, rules: CaptureRules, *, live: Callable[[Image, Face], float] | None = None) -> None:
        self._rules = rules
        self._live = live
        self.start_over()

    def start_over(self) -> None:
        """Forget everything; somebody else may stand there now."""
        self._shots: dict[Pose, Shot] = {}
        self._candidates: dict[Pose, tuple[Face, ...]] = {}
        self._skipped: list[Pose] = []
        self._helmet_is_on = False
        self._vouched = False
        self._live_of_shots: list[float] = []
        self._forget_the_moment()

    def _forget_the_moment(self) -> None:
        self._holding: list[_Frame] = []
        self._live_scores: deque[float] = deque(maxlen=LIVE_WINDOW)
        self._strangers = 0

    @property
    def shots(self) -> tuple[Shot, ...]:
        """In the order in which they are wanted."""
        return tuple(self._shots[pose] for pose in self._rules.wanted if pose in self._shots)

    @property
    def missing(self) -> tuple[Pose, ...]:
        return tuple(p for p in self._rules.wanted if p not in self._shots and p not in self._skipped)

    def retake(self, pose: Pose) -> None:
        """Take one pose again. The picture ahead is what the others are compared with: all go with it."""
        if pose is Pose.AHEAD:
            self.start_over()
            return
        self._shots.pop(pose, None)
        self._candidates.pop(pose, None)
        self._skipped = [other for other in self._skipped if other is not pose]
        self._helmet_is_on = self._helmet_is_on and pose is not Pose.HELMET
        self._forget_the_moment()

    def skip(self, pose: Pose) -> None:
        """Do without a pose that somebody cannot take. Raises ValueError for AHEAD."""
        if pose is Pose.AHEAD:
            raise ValueError("nobody is registered without a picture ahead")
        if pose in self.missing:
            self._skipped.append(pose)
            self._holding = []

    def helmet_is_on(self) -> None:
        """The helmet was put on: the next picture ahead is the one with it."""
        self._helmet_is_on = True
        self._holding = []

    def vouch(self) -> None:
        """The operator sees a living person where liveness does not; it goes on the record."""
        self._vouched = True

    def observe(self, image: Image, faces: Sequence[Face], at_s: float) -> CaptureState:
        """Take one frame; `at_s` is its time in monotonic seconds."""
        if not self.missing:
            return self._state(Guidance.DONE, None)
        subject = max(faces, key=lambda face: face.box.width, default=None)
        if subject is None:
            self._forget_the_moment()
            return self._state(Guidance.NO_FACE, None)
        refusal = self._look(image, subject, faces)
        if refusal is not None:
            self._holding = []
            return self._state(refusal, subject)
        pose = self._pose(subject.quality)
        if pose is None:
            self._holding = []
            return self._state(self._towards(subject.quality), subject)
        return self._hold(pose, _Frame(subject, image, at_s))

    def chosen_faces(self) -> list[Face]:
        """3 to 5 faces that are good and differ, the most typical one first. Raises CaptureIncomplete."""
        if self.missing:
            raise CaptureIncomplete(
                f"still missing: {', '.join(self.missing)}", next_step="Take or skip the missing poses."
            )
        candidates = [face for faces in self._candidates.values() for face in faces]
        chosen = choose_templates(candidates, limit=MAX_TEMPLATES)
        kept = chosen[:MIN_TEMPLATES]
        for face in chosen[MIN_TEMPLATES:]:
            if max(float(face.embedding @ other.embedding) for other in kept) < TOO_ALIKE:
                kept.append(face)
        return kept

    def note(self) -> str:
        """What stands on the record about this capture, for people."""
        if self._vouched:
            liveness = "由操作员确认 vouched by the operator"
        elif self._live is None:
            liveness = "未检测 not checked"
        else:
            liveness = f"{fmean(self._live_of_shots):.2f}" if self._live_of_shots else "-"
        skipped = f"；跳过 skipped {_named(self._skipped)}" if self._skipped else ""
        taken = _named(shot.pose for shot in self.shots)
        return f"摄像头 camera {taken}{skipped}；活体 liveness {liveness}"

    # -- one frame ------------------------------------------------------------------------------------

    def _look(self, image: Image, subject: Face, faces: Sequence[Face]) -> Guidance | None:
        """Why this frame cannot be used, or None."""
        if any(DOMINANT * face.box.width > subject.box.width for face in faces if face is not subject):
            self._live_scores.clear()
            return Guidance.TWO_PEOPLE
        place = _place(image, subject)
        if place is not None:
            return place
        advice = advise(subject.quality, self._rules.limits)
        if advice is not None:
            return Guidance(advice.value)
        return self._who(subject) or self._alive(image, subject)

    def _who(self, subject: Face) -> Guidance | None:
        known = [shot.face for shot in self._shots.values()] or [one.face for one in self._holding]
        if not known:
            return None
        if max(float(subject.embedding @ one.embedding) for one in known) >= self._rules.same_person:
            self._strangers = 0
            return None
        self._live_scores.clear()
        if not self._shots:
            return Guidance.HOLD_STILL  # who began to hold has gone: whoever stands here begins anew
        self._strangers += 1
        return Guidance.SOMEBODY_ELSE if self._strangers >= STRANGER_FRAMES else Guidance.HOLD_STILL

    def _alive(self, image: Image, subject: Face) -> Guidance | None:
        if self._live is None:
            needs = self._rules.needs_liveness and not self._vouched
            return Guidance.LIVENESS_MISSING if needs else None
        self._live_scores.append(self._live(image, subject))
        is_sure = len(self._live_scores) >= LIVE_FRAMES
        if is_sure and not self._vouched and fmean(self._live_scores) < self._rules.min_live:
            return Guidance.NOT_LIVE
        return None

    def _pose(self, quality: Quality) -> Pose | None:
        """The missing pose that this is, if any."""
        ahead = self._shots.get(Pose.AHEAD)
        seen = pose_of(quality, ahead.face.quality.pitch_deg if ahead else None)
        if ahead is None:
            return seen if seen is Pose.AHEAD else None
        if seen is Pose.AHEAD and self._helmet_is_on and self._target() is Pose.HELMET:
            return Pose.HELMET
        return seen if seen in self.missing else None

    def _hold(self, pose: Pose, frame: _Frame) -> CaptureState:
        if self._holding and not 0 <= frame.at_s - self._holding[-1].at_s <= HOLD_GAP_S:
            self._holding = []
        if self._holding and self._pose(self._holding[-1].face.quality) is not pose:
            self._holding = []
        self._holding.append(frame)
        frames = len(self._holding) / HOLD_FRAMES
        held = min(1.0, frames, (frame.at_s - self._holding[0].at_s) / HOLD_S)
        waits_for_liveness = self._live is not None and len(self._live_scores) < LIVE_FRAMES
        if held < 1 or waits_for_liveness:
            return self._state(Guidance.HOLD_STILL, frame.face, held=held)
        return self._shoot(pose)

    def _shoot(self, pose: Pose) -> CaptureState:
        ranked = sorted(self._holding, key=lambda one: one.face.quality.overall, reverse=True)
        best = ranked[0]
        shot = Shot(pose, best.face, portrait(best.image, best.face.box))
        self._shots[pose] = shot
        self._candidates[pose] = tuple(one.face for one in ranked[:HOLD_FRAMES])
        if self._live_scores:
            self._live_of_shots.append(fmean(self._live_scores))
        self._holding = []
        guidance = self._towards(best.face.quality) if self.missing else Guidance.DONE
        return self._state(guidance, best.face, held=1.0, new=shot)

    def _target(self) -> Pose | None:
        missing = self.missing
        return missing[0] if missing else None

    def _towards(self, quality: Quality) -> Guidance:
        """The way from how the head is held to the pose that is asked for next."""
        target = self._target()
        if target is None:
            return Guidance.DONE
        if target is Pose.HELMET and self._helmet_is_on:
            return Guidance.LOOK_AHEAD
        yaw = quality.yaw_deg
        too_far_left = target is Pose.LEFT and yaw > SIDE_YAW_DEG[1]
        too_far_right = target is Pose.RIGHT and yaw < -SIDE_YAW_DEG[1]
        if too_far_left or too_far_right:
            return Guidance.TURN_RIGHT if too_far_left else Guidance.TURN_LEFT
        if target is Pose.UP and abs(yaw) > AHEAD_YAW_DEG:
            return Guidance.LOOK_AHEAD
        return _TOWARDS[target]

    def _state(
        self, guidance: Guidance, face: Face | None, *, held: float = 0.0, new: Shot | None = None
    ) -> CaptureState:
        taken = tuple(shot.pose for shot in self.shots)
        return CaptureState(guidance, taken, self.missing, self._target(), held, face, new)


def _named(poses: Iterable[Pose]) -> str:
    return "、".join(str(POSE_WORDS[pose]) for pose in poses)


def pose_of(quality: Quality, ahead_pitch_deg: float | None) -> Pose | None:
    """Which pose a head takes; None between the poses.

    ahead_pitch_deg   the pitch of the picture ahead; None before there is one
    """
    yaw, pitch = quality.yaw_deg, quality.pitch_deg
    if abs(yaw) <= AHEAD_YAW_DEG:
        if ahead_pitch_deg is not None and pitch >= ahead_pitch_deg + UP_GAIN_DEG:
            return Pose.UP
        return Pose.AHEAD if abs(pitch) <= AHEAD_PITCH_DEG else None
    least, most = SIDE_YAW_DEG
    if least <= abs(yaw) <= most:
        return Pose.LEFT if yaw > 0 else Pose.RIGHT
    return None


def portrait(image: Image, box: Box) -> Image:
    """The face with some surroundings, upright format, BGR of `PHOTO_PX`; what lies outside is repeated."""
    width, height = PHOTO_PX
    scale = width / (box.width * (1 + 2 * PHOTO_MARGIN))
    centre = (box.x + box.width / 2, box.y + box.height / 2)
    matrix = np.array(
        [[scale, 0, width / 2 - scale * centre[0]], [0, scale, height / 2 - scale * centre[1]]], np.float64
    )
    picture = cv2.warpAffine(image, matrix, PHOTO_PX, borderMode=cv2.BORDER_REPLICATE)
    return picture.astype(np.uint8, copy=False)


def _place(image: Image, face: Face) -> Guidance | None:
    """Whether the face is where the oval is."""
    height, width = image.shape[:2]
    if face.quality.eye_distance_px < MIN_EYE_SHARE * width and abs(face.quality.yaw_deg) <= SIDE_YAW_DEG[0]:
        return Guidance.COME_CLOSER
    if face.box.height > LARGEST_FACE_SHARE * height:
        return Guidance.STEP_BACK
    off_centre = abs((face.box.x + face.box.width / 2) / width - 0.5) > CENTRE_SHARE
    cut_off = face.box.y < 0 or face.box.y + face.box.height > height
    return Guidance.INTO_THE_OVAL if off_centre or cut_off else None
