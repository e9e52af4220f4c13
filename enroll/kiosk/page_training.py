"""The training page: choose a course, log in by face, slides, questions, result. The desk decides."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol
from urllib.parse import quote

import cv2
from nicegui import ui
from starlette.responses import FileResponse, PlainTextResponse, Response

from enroll.accounts import Right
from enroll.kiosk import words_training as words
from enroll.kiosk.frame import KioskPage, KioskRoute, KioskVisitor, action, heading, subheading, tell
from enroll.training_desk import Lesson
from enroll.training_faces import FaceLogin, Recognised
from models.face import Face, Image
from sync.training.course import Course, QuestionKind
from sync.training.course import Page as Slide
from sync.training.errors import CourseUnusable, StepRefused
from sync.training.record import Result, TrainingRecord
from sync.training.session import Moment, Phase

LOOK_EVERY_S = 0.25
"""How often the page takes the camera's newest picture."""

PREVIEW_EVERY_S = 0.5
PREVIEW_WIDTH_PX = 320
PREVIEW_QUALITY = 60
STALE_AFTER_S = 2.0
"""A picture that is older than this is none."""


class Shot(Protocol):
    """The newest picture of the kiosk's camera and the faces in it, nearest first."""

    @property
    def image(self) -> Image: ...
    @property
    def faces(self) -> Sequence[Face]: ...
    @property
    def captured_s(self) -> float: ...


class _Stage:
    """What one open page shows: courses, log-in or a lesson."""

    def __init__(self, visitor: KioskVisitor) -> None:
        self.visitor = visitor
        self.desk = visitor.office.training
        self.login: FaceLogin | None = None
        self.course: Course | None = None
        self.for_class = False
        self.seen: dict[str, Recognised] = {}
        self.lesson: Lesson | None = None
        self.preview_s = 0.0
        self.asked_to_stop = False

    def moment(self) -> Moment:
        return Moment(self.visitor.office.now(), time.monotonic())

    def shot(self) -> Shot | None:
        """The newest picture; None without a camera or when it has stopped."""
        camera: Any = self.visitor.office.camera
        shot: Shot | None = None if camera is None else camera.latest()
        return None if shot is None or time.monotonic() - shot.captured_s > STALE_AFTER_S else shot
