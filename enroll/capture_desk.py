"""The capture of one draft: camera or photo files → templates; duplicates looked up and decided."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import cv2

from enroll.capture import (
    MAX_TEMPLATES,
    PHOTO_JPEG_QUALITY,
    CaptureRules,
    CaptureSession,
    CaptureState,
    Pose,
    portrait,
)
from enroll.drafts import Drafts, EnrolmentDraft
from enroll.duplicates import Candidate, DuplicateDesk, Findings, decide
from enroll.errors import EnrollError, PhotoRefused
from enroll.kiosk_camera import CameraPicture
from enroll.photos import require_one_person, subject_of, templates_of
from enroll.roster_config import RosterConfig
from models.calibration import ImpostorTail
from models.engine import FaceEngine
from models.errors import ModelError
from models.face import Face, Image
from models.liveness import LivenessModel, load_liveness
from models.quality import QualityLimits
from models.verification import claim_threshold
from models.zoo import Zoo
from sync.people import Person
from sync.records import Template
from sync.store import LocalStore

log = logging.getLogger(__name__)

STALE_S = 2.0
"""A picture of the camera that is older shows nothing that happens now."""

FROM_CAMERA, FROM_FILE = "camera", "photo file"


class NoCapture(EnrollError, PermissionError):
    """No face may be captured: the identity is missing, or the consent."""


class Camera(Protocol):
    """`enroll.kiosk_camera.KioskCamera` is one."""

    @property
    def problem(self) -> str: ...

    def latest(self) -> CameraPicture | None: ...


@dataclass(frozen=True, slots=True)
class CaptureTools:
    """What captures share.

    live  None where liveness is off or its weights are missing
    now   the wall clock; monotonic: seconds that never run backwards, the camera's
    """

    engine: FaceEngine
    live: LivenessModel | None
    rules: CaptureRules
    duplicates: DuplicateDesk
    now: Callable[[], datetime]
    monotonic: Callable[[], float]


@dataclass(frozen=True, slots=True)
class FilePhoto:
    """A photo file that was accepted; `picture` is a JPEG of the face."""

    template: Template
    picture: bytes


class CaptureDesk:
    """One per open capture page; calls may come from any thread, one at a time is served.

    Raises NoCapture where the draft has no identity or no granted consent.
    """

    def __init__(
        self, tools: CaptureTools, drafts: Drafts, draft_id: str, camera: Camera, *, user_id: str
    ) -> None:
        self._tools = tools
        self._drafts = drafts
        self._draft_id = draft_id
        self._camera = camera
        self._user_id = user_id
        self._person: Person | None = None
        self._worker_id = self._allowed_worker()
        live = tools.live
        self._session = CaptureSession(tools.rules, live=live.score if live else None)
        self._seen_s = -1.0
        self._serving = threading.Lock()
        self._files: list[FilePhoto] = []
        self._ask_id: str | None = None

    @property
    def wanted(self) -> tuple[Pose, ...]:
        return self._tools.rules.wanted

    def thumbnails(self) -> dict[Pose, bytes]:
        """JPEG of each shot so far."""
        return {shot.pose: _jpeg(shot.picture) for shot in self._session.shots}

    @property
    def files(self) -> Sequence[FilePhoto]:
        """Accepted photo files."""
        return tuple(self._files)

    def step(self) -> tuple[CaptureState | None, str]:
        """Look at the newest picture: what it changed, None where it is no new one; and what is wrong
        with the camera, empty for nothing."""
        with self._serving:
            picture = self._camera.latest()
            if picture is None or self._tools.monotonic() - picture.captured_s > STALE_S:
                return None, self._camera.problem
            if picture.captured_s == self._seen_s:
                return None, ""
            self._seen_s = picture.captured_s
            return self._session.observe(picture.image, picture.faces, picture.captured_s), ""

    def start_over(self) -> None:
        """Forget shots and files."""
        with self._serving:
            self._session.start_over()
            self._files.clear()

    def retake(self, pose: Pose) -> None:
        with self._serving:
            self._session.retake(pose)

    def skip(self, pose: Pose) -> None:
        """Do without a pose that somebody cannot take."""
        with self._serving:
            self._session.skip(pose)

    def helmet_is_on(self) -> None:
        with self._serving:
            self._session.helmet_is_on()

    def vouch(self) -> None:
        """The operator sees a living person where liveness does not."""
        with self._serving:
            self._session.vouch()

    def add_file(self, name: str, raw: bytes) -> FilePhoto:
        """Take one photo file with the checks of a shot. Raises PhotoRefused."""
        with self._serving:
            if len(self._files) >= MAX_TEMPLATES:
                raise PhotoRefused(
                    f"{MAX_TEMPLATES} photos are enough", code="enough", next_step="Go on with these."
                )
            image, face = subject_of(name, raw, engine=self._tools.engine, limits=self._tools.rules.limits)
            (template,) = self._templates([face], FROM_FILE)
            require_one_person([*(one.template for one in self._files), template])
            accepted = FilePhoto(template, _jpeg(portrait(image, face.box)))
            self._files.append(accepted)
            return accepted

    def finish(self) -> EnrolmentDraft:
        """Put what the camera took into the draft. Raises CaptureIncomplete, NoCapture, DraftGone."""
        with self._serving:
            templates = self._templates(self._session.chosen_faces(), FROM_CAMERA)
            ahead = self._session.shots[0]
            return self._put(templates, _jpeg(ahead.picture), self._session.note())

    def finish_with_files(self) -> EnrolmentDraft:
        """Put the templates of the photo files into the draft. Raises PhotoRefused, NoCapture, DraftGone."""
        with self._serving:
            if not self._files:
                raise PhotoRefused("there is no photo yet", code="no_photo", next_step="Choose a photo file.")
            note = f"照片文件 photo file {len(self._files)}；活体 liveness 未检测 not checked"
            return self._put([one.template for one in self._files], self._files[0].picture, note)

    def skip_face(self) -> EnrolmentDraft:
        """Go on without a face: the worker gets a pass."""
        return self._drafts.put_capture(self._draft_id, (), None, "未拍人脸 no face captured")

    def look_for_duplicates(self, draft: EnrolmentDraft) -> Findings:
        """Here at once; the centre is asked at the same time, see `with_centre`."""
        self._ask_id = self._tools.duplicates.ask_centre(self._worker_id, draft.person, draft.templates)
        return self._tools.duplicates.look_here(self._worker_id, draft.person, draft.templates)

    def with_centre(self, findings: Findings) -> Findings | None:
        """None while the centre's answer may still come."""
        return self._tools.duplicates.with_centre(findings, self._ask_id)

    def decide(self, candidate: Candidate, *, same_person: bool | None, reason: str = "") -> EnrolmentDraft:
        """Keep a decision with the draft; a second one about the same record replaces the first.

        Raises DecisionIncomplete, DraftGone.
        """
        decision = decide(
            self._worker_id,
            candidate,
            same_person=same_person,
            reason=reason,
            decided_by=self._user_id,
            now=self._tools.now(),
        )
        others = [
            one
            for one in self._drafts.get(self._draft_id).decisions
            if one.other_worker_id != decision.other_worker_id
        ]
        return self._drafts.change(self._draft_id, decisions=(*others, decision))

    def note_checked(self, findings: Findings) -> EnrolmentDraft:
        """Write into the draft what was compared and whether the registry's check is outstanding."""
        draft = self._drafts.get(self._draft_id)
        note = f"{draft.capture_note}；{findings.note()}"
        return self._drafts.change(self._draft_id, capture_note=note)

    def is_new(self) -> bool:
        """Whether this person has no record here yet."""
        return not self._tools.duplicates.is_registered(self._worker_id)

    def _allowed_worker(self) -> str:
        draft = self._drafts.get(self._draft_id)
        if draft.worker is None:
            raise NoCapture("who this is was not said yet", next_step="Fill in the identity first.")
        if draft.consent is None or not draft.consent.granted:
            raise NoCapture(
                "there is no consent to keep a face", next_step="Ask for the consent, or hand out a pass."
            )
        return draft.worker.worker_id

    def _put(self, templates: Sequence[Template], photo: bytes, note: str) -> EnrolmentDraft:
        self._allowed_worker()  # the consent may have been taken back on another page
        return self._drafts.put_capture(self._draft_id, templates, photo, note)

    def _templates(self, faces: Sequence[Face], source: str) -> list[Template]:
        tools = self._tools
        return templates_of(
            faces, worker_id=self._worker_id, engine=tools.engine, source=source, now=tools.now()
        )


def capture_tools(
    store: LocalStore,
    settings: RosterConfig,
    engine: FaceEngine,
    *,
    now: Callable[[], datetime],
    monotonic: Callable[[], float],
) -> CaptureTools:
    """As the configuration says; missing liveness weights are logged and treated by `liveness_missing`."""
    live: LivenessModel | None = None
    if settings.liveness.mode != "off":
        try:
            zoo = Zoo.default(settings.recognition.weights_dir)
            live = load_liveness(zoo, threads=settings.recognition.threads)
        except ModelError as error:
            log.warning("captures without a check for photos held up: %s", error)
    poses = (Pose.AHEAD, Pose.LEFT, Pose.RIGHT, Pose.UP)
    rules = CaptureRules(
        wanted=(*poses, Pose.HELMET) if settings.kiosk.helmet_shot else poses,
        limits=QualityLimits(**settings.quality.model_dump()),
        same_person=claim_threshold(ImpostorTail.bundled(engine.embedder_name)),
        min_live=settings.liveness.min_score,
        needs_liveness=settings.liveness.mode != "off" and settings.kiosk.liveness_missing == "refuse",
    )
    duplicates = DuplicateDesk(
        store, settings, model=engine.embedder_name, model_version=engine.embedder_version
    )
    return CaptureTools(engine, live, rules, duplicates, now, monotonic)


def _jpeg(picture: Image) -> bytes:
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, PHOTO_JPEG_QUALITY])[1].tobytes()
