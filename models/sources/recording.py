"""A video file or folder read as fast as it goes: every frame, one after the other."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import cv2

from models.clock import Clock
from models.errors import SourceError
from models.sources.capture import Capture, OpenCapture
from models.sources.frame import Frame, SourceState
from models.sources.picture import usable_picture

SHORTEST_GAP_S = 0.001
LONGEST_GAP_S = 60.0
"""Between two frames of a recording; a shorter or longer step of its time stamps is taken for damage."""


class MediaClock:
    """Time stamps of a recording in seconds from its start, rising whatever the file says.

    Files lie: time stamps that stand still, jump or are absent count as one frame's length.
    """

    def __init__(self, fps: float) -> None:
        self._frame_s = 1.0 / fps
        self._longest_gap_s = max(LONGEST_GAP_S, 2 * self._frame_s)
        self._now_s: float | None = None
        self._last_stamp_s = 0.0

    def of(self, capture: Capture) -> float:
        """Seconds of the frame that was grabbed last."""
        stamp_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
        if self._now_s is None:
            self._now_s = 0.0
        else:
            gap_s = stamp_s - self._last_stamp_s
            # written so that NaN fails it too
            self._now_s += gap_s if SHORTEST_GAP_S <= gap_s <= self._longest_gap_s else self._frame_s
        self._last_stamp_s = stamp_s
        return self._now_s

    def begin_again(self) -> None:
        """The recording starts over and time goes on."""
        self._last_stamp_s = math.inf


def open_recording(open_capture: OpenCapture, name: str) -> Capture:
    """Raises SourceError when the file cannot be read as a recording."""
    capture = open_capture()
    if not capture.isOpened():
        capture.release()
        raise SourceError(
            f"{name} cannot be read",
            next_step="check that the file is a whole video that FFmpeg can read",
        )
    return capture


class EveryFrameSource:
    """Delivers every frame of a recording without waiting; no thread, nothing dropped.

    `captured_s` and `captured_at` follow the media clock from the moment of `start()`, so that whoever
    counts seconds sees the same intervals however fast this machine is.
    """

    def __init__(
        self, open_capture: OpenCapture, *, clock: Clock, name: str, loop: bool = False, fps: float = 25.0
    ) -> None:
        self._open_capture = open_capture
        self._clock = clock
        self._name = name
        self._loop = loop
        self._media = MediaClock(fps)
        self._capture: Capture | None = None
        self._started_at: datetime = clock.now()
        self._number = 0
        self._state = SourceState.STARTING
        self._last_error = ""
        self._bad_frames = 0
        self._usable_this_round = False

    @property
    def state(self) -> SourceState:
        return self._state

    @property
    def reconnects(self) -> int:
        return 0

    @property
    def last_error(self) -> str:
        return self._last_error

    @property
    def bad_frames(self) -> int:
        """Frames that were no usable picture and were left out."""
        return self._bad_frames

    def start(self) -> None:
        """Raises SourceError when the recording cannot be read."""
        self._capture = open_recording(self._open_capture, self._name)
        self._started_at = self._clock.now()
        self._state = SourceState.LIVE

    def next_frame(self, timeout_s: float) -> Frame | None:
        """The next frame, or None at the end; never waits."""
        del timeout_s
        while self._capture is not None:
            if not self._capture.grab():
                self._begin_again_or_end()
                continue
            captured_s = self._media.of(self._capture)
            try:
                ok, raw = self._capture.retrieve()
            except cv2.error:
                ok, raw = False, None
            image = usable_picture(raw) if ok else None
            if image is None:
                self._bad_frames += 1
                continue
            frame = Frame(image, self._started_at + timedelta(seconds=captured_s), captured_s, self._number)
            self._number += 1
            self._usable_this_round = True
            return frame
        return None

    def stop(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None
        self._state = SourceState.ENDED

    def _begin_again_or_end(self) -> None:
        may_begin_again = self._loop and self._usable_this_round  # else next_frame would never return
        self.stop()
        if self._number == 0:
            self._last_error = f"{self._name} holds no usable picture"
        if may_begin_again:
            self._usable_this_round = False
            self._media.begin_again()
            self._capture = open_recording(self._open_capture, self._name)
            self._state = SourceState.LIVE
