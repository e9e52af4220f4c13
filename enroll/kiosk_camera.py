"""The kiosk's camera: newest picture and its faces, for all open pages, running only while one looks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import cv2

from models.clock import Clock, SystemClock
from models.errors import ModelError
from models.face import Face, Image
from models.sources.capture import OpenCapture
from models.sources.frame import Frame, FrameSource, SourceState
from models.sources.opening import open_source
from models.sources.settings import SourceSettings
from sync.backoff import Backoff

log = logging.getLogger(__name__)

DETECT_EVERY_S = 0.1
"""Ten looks a second follow a head that turns; more takes the processor from the gate on the box."""

IDLE_S = 10.0
"""Nobody looked for so long: the camera is given back, its lamp goes out."""

RETRY_S = 2.0
"""Pause after a camera that cannot even be opened for reading, before a look tries it again."""

PREVIEW_WIDTH_PX = 640
PREVIEW_JPEG_QUALITY = 75
STOP_TIMEOUT_S = 4.0

_FRAME_WAIT_S = 0.2


class FindsFaces(Protocol):
    """`models.engine.FaceEngine` is one."""

    def faces(self, image_bgr: Image) -> list[Face]: ...


@dataclass(frozen=True, slots=True)
class CameraPicture:
    """One frame that was searched. captured_s: monotonic seconds; faces: nearest first."""

    image: Image
    faces: tuple[Face, ...]
    captured_s: float


class KioskCamera:
    """Starts at the first look, stops when nobody looks any more; safe to use from any thread.

    engine        opens the face engine, at the first look
    open_capture  opens the device (`models.sources.open_source`)
    """

    def __init__(
        self,
        source: SourceSettings,
        *,
        engine: Callable[[], FindsFaces],
        clock: Clock | None = None,
        detect_every_s: float = DETECT_EVERY_S,
        idle_s: float = IDLE_S,
        open_capture: OpenCapture | None = None,
    ) -> None:
        # A person stands before it: a recording plays as a camera would, never as fast as it goes.
        self._settings = source.model_copy(update={"pace": "realtime"})
        self._engine = engine
        self._clock = clock or SystemClock()
        self._detect_every_s = detect_every_s
        self._idle_s = idle_s
        self._open_capture = open_capture
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._looked_s = 0.0
        self._failed_s: float | None = None
        self._problem = ""
        self._picture: CameraPicture | None = None
        self._frame: Frame | None = None
        self._preview: tuple[int, bytes] | None = None

    @property
    def mirror(self) -> bool:
        """Whether people see themselves as in a mirror."""
        return self._settings.mirror_screen

    @property
    def problem(self) -> str:
        """Why there is no picture, for the operator; empty while there is one or it is only starting."""
        return self._problem

    @property
    def is_running(self) -> bool:
        """Whether the device is held."""
        return self._thread is not None

    def latest(self) -> CameraPicture | None:
        """The newest searched frame; None while there is none. Looking keeps the camera running."""
        self._look()
        return self._picture

    def preview(self) -> bytes | None:
        """JPEG of the newest frame, small, mirrored where people expect it; None while there is none."""
        self._look()
        frame, made = self._frame, self._preview
        if frame is None:
            return None
        if made is None or made[0] != frame.number:
            made = (frame.number, _jpeg(frame.image, mirror=self.mirror))
            self._preview = made
        return made[1]

    def close(self) -> None:
        """Give the device back; a later look does not start it again."""
        self._closing.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(STOP_TIMEOUT_S)

    def _look(self) -> None:
        now_s = self._clock.monotonic()
        with self._lock:
            self._looked_s = now_s
            resting = self._failed_s is not None and now_s - self._failed_s < RETRY_S
            if self._thread is None and not resting and not self._closing.is_set():
                self._thread = threading.Thread(target=self._run, name="kiosk camera", daemon=True)
                self._thread.start()

    # the camera's thread

    def _run(self) -> None:
        failed_s: float | None = None
        problem = ""
        try:
            engine = self._engine()
            source = open_source(
                self._settings, clock=self._clock, waits=Backoff, open_capture=self._open_capture
            )
            try:
                source.start()
                self._watch(source, engine)
            finally:
                source.stop()
        except ModelError as error:
            failed_s, problem = self._clock.monotonic(), " ".join((f"{error}.", error.next_step)).strip()
            log.warning("the kiosk's camera cannot be used: %s", error)
        except Exception as error:
            failed_s, problem = self._clock.monotonic(), f"the camera failed ({type(error).__name__})"
            log.exception("the kiosk's camera failed")
        with self._lock:
            self._show_nothing(problem)
            self._failed_s = failed_s
            self._thread = None

    def _watch(self, source: FrameSource, engine: FindsFaces) -> None:
        """Until nobody looks any more."""
        searched_s = -self._detect_every_s
        while not self._is_over():
            frame = source.next_frame(_FRAME_WAIT_S)
            if frame is None:
                self._explain(source)
                continue
            self._problem = ""
            self._frame = frame
            if frame.captured_s - searched_s >= self._detect_every_s:
                searched_s = frame.captured_s
                self._picture = CameraPicture(frame.image, tuple(engine.faces(frame.image)), frame.captured_s)

    def _is_over(self) -> bool:
        return self._closing.is_set() or self._clock.monotonic() - self._looked_s > self._idle_s

    def _explain(self, source: FrameSource) -> None:
        """No frame came: what the source says of it."""
        if source.state is SourceState.LOST:
            self._show_nothing(source.last_error)
        elif source.state is SourceState.ENDED:
            self._show_nothing(source.last_error or "the recording has ended")
            self._closing.wait(_FRAME_WAIT_S)  # an ended source answers at once

    def _show_nothing(self, problem: str) -> None:
        self._problem = problem
        self._picture = self._frame = self._preview = None


def _jpeg(image: Image, *, mirror: bool) -> bytes:
    height, width = image.shape[:2]
    shrink = min(1.0, PREVIEW_WIDTH_PX / width)
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    shown = cv2.flip(small, 1) if mirror else small
    return cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, PREVIEW_JPEG_QUALITY])[1].tobytes()
