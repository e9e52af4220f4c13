"""A source that runs on by itself: one capture thread, one slot for the newest frame.

A watching thread opens the device, waits for frames and opens it again after a loss. The capture thread only
grabs and stores. A read that never returns cannot be interrupted from Python, so that its thread is left
behind, at most `MOST_ABANDONED` of them, and a new one begins with a new connection.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import cv2

from models.clock import Clock
from models.errors import SourceError
from models.sources.capture import STREAM_OPEN_TIMEOUT_S, Capture, OpenCapture
from models.sources.frame import Frame, SourceState
from models.sources.picture import usable_picture
from models.sources.recording import MediaClock, open_recording

log = logging.getLogger(__name__)

FAILED_GRABS_UNTIL_LOST = 5
"""In a row. A stream may fail once on a damaged packet; a device that is gone fails every time."""

FAILED_GRAB_PAUSE_S = 0.02
STOP_TIMEOUT_S = 1.0
"""How long `stop()` waits for each thread; one that is stuck in a driver is left to end by itself."""

MOST_ABANDONED = 2
"""Threads stuck in a driver at a time; beyond that the source waits until one of them comes back."""

_CAPTURE_ERRORS = (cv2.error, OSError, RuntimeError, ValueError, MemoryError)


class Waits(Protocol):
    """How long to wait before the next attempt."""

    def next_s(self) -> float:
        """Seconds to wait now."""
        ...

    def reset(self) -> None:
        """The attempt succeeded: begin with the short waits again."""
        ...


MakeWaits = Callable[[float, float], Waits]
"""From the shortest and the longest pause in seconds."""


@dataclass(eq=False, slots=True)
class _Connection:
    """One opening of the device and the thread that reads it."""

    thread: threading.Thread | None = None
    stopped: threading.Event = field(default_factory=threading.Event)
    over: bool = False
    frames: int = 0
    bad_frames: int = 0
    error: str = ""


class LiveSource:
    """Newest frame only, from a camera, a stream, or a recording played in real time.

    recorded   the end of the media is an end (or, with `loop`, a beginning), not a loss
    stall_s    seconds without a usable frame after which the source is lost and opened again
    waits      the pauses between attempts
    """

    def __init__(
        self,
        open_capture: OpenCapture,
        *,
        clock: Clock,
        name: str,
        waits: Waits,
        recorded: bool = False,
        loop: bool = False,
        fps: float = 25.0,
        stall_s: float = 3.0,
    ) -> None:
        self._open_capture = open_capture
        self._clock = clock
        self._name = name
        self._recorded = recorded
        self._loop = loop
        self._fps = fps
        self._stall_s = stall_s
        self._waits = waits
        self._changed = threading.Condition()
        self._stopping = False
        self._slot: Frame | None = None
        self._number = 0
        self._state = SourceState.STARTING
        self._reconnects = 0
        self._bad_frames = 0
        self._last_error = ""
        self._connection: _Connection | None = None
        self._abandoned: list[threading.Thread] = []
        self._watcher: threading.Thread | None = None

    @property
    def state(self) -> SourceState:
        return self._state

    @property
    def reconnects(self) -> int:
        return self._reconnects

    @property
    def last_error(self) -> str:
        return self._last_error

    @property
    def bad_frames(self) -> int:
        """Frames that were no usable picture and were left out."""
        return self._bad_frames

    def start(self) -> None:
        """Returns at once for a device, which may come later; a recording must be readable now.

        Raises SourceError when a recording cannot be read.
        """
        if self._recorded:
            open_recording(self._open_capture, self._name).release()
        self._watcher = threading.Thread(target=self._watch, name=f"watch {self._name}", daemon=True)
        self._watcher.start()

    def next_frame(self, timeout_s: float) -> Frame | None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._slot is not None or self._stopping or self._state is SourceState.ENDED,
                timeout_s,
            )
            frame, self._slot = self._slot, None
            return frame

    def stop(self) -> None:
        """Returns within about two seconds even when the driver hangs."""
        with self._changed:
            self._stopping = True
            self._slot = None
            self._state = SourceState.ENDED
            connection = self._connection
            self._changed.notify_all()
        if connection is not None:
            connection.stopped.set()
        for thread in (self._watcher, connection.thread if connection else None):
            if thread is not None and thread is not threading.current_thread():
                thread.join(STOP_TIMEOUT_S)

    # watching thread

    def _watch(self) -> None:
        media = MediaClock(self._fps)
        was_lost = False
        while not self._stopping:
            connection = self._connect(media, was_lost=was_lost)
            ended_well = self._wait_for_its_end(connection)
            if self._stopping:
                return
            if ended_well and not self._loop:
                self._end()
                return
            if ended_well:
                media.begin_again()
                continue
            was_lost = True
            self._lose(connection)
            self._pause()

    def _connect(self, media: MediaClock, *, was_lost: bool) -> _Connection:
        connection = _Connection()
        connection.thread = threading.Thread(
            target=self._capture,
            args=(connection, media, was_lost),
            name=f"capture {self._name}",
            daemon=True,
        )
        with self._changed:
            self._connection = connection
            if self._stopping:
                connection.stopped.set()
        connection.thread.start()
        return connection

    def _wait_for_its_end(self, connection: _Connection) -> bool:
        """True when a recording was played to its end, False when the source is lost."""
        with self._changed:
            # a recording keeps its own pace, which may be a picture a minute
            patience_s = None if self._recorded else self._stall_s + STREAM_OPEN_TIMEOUT_S
            seen = 0
            while not self._stopping and not connection.over:
                moved = self._changed.wait_for(
                    lambda: self._stopping or connection.over or connection.frames > seen,  # noqa: B023
                    patience_s,
                )
                if not moved and patience_s is not None:
                    connection.error = (
                        f"no usable picture for {patience_s:g} s"
                        f" ({connection.bad_frames} unusable since it was opened)"
                    )
                    return False
                if connection.frames > seen:
                    patience_s = None if self._recorded else self._stall_s
                    self._waits.reset()
                seen = connection.frames
        if self._recorded and self._loop and not connection.frames:
            connection.error = connection.error or "holds no usable picture"
        return self._recorded and connection.over and not connection.error

    def _lose(self, connection: _Connection) -> None:
        connection.stopped.set()
        error = f"{self._name}: {connection.error}"
        with self._changed:
            if self._stopping:
                return
            news = error != self._last_error
            self._connection = None
            self._slot = None
            self._state = SourceState.LOST
            self._last_error = error
        if news:  # said once, not at every attempt of a long night
            log.warning("%s; it will be opened again", error)
        if connection.thread is not None:
            self._abandoned.append(connection.thread)

    def _pause(self) -> None:
        """Until the next attempt is due and not too many threads are stuck."""
        pause_s = self._waits.next_s()
        with self._changed:
            while not self._stopping:
                self._changed.wait_for(lambda: self._stopping, pause_s)
                self._abandoned = [thread for thread in self._abandoned if thread.is_alive()]
                if len(self._abandoned) < MOST_ABANDONED:
                    return
                pause_s = self._waits.next_s()

    def _end(self) -> None:
        with self._changed:
            self._state = SourceState.ENDED
            if self._number == 0:
                self._last_error = f"{self._name} holds no usable picture"
            self._changed.notify_all()

    # capture thread

    def _capture(self, connection: _Connection, media: MediaClock, was_lost: bool) -> None:
        capture: Capture | None = None
        error = ""
        try:
            capture = self._open_capture()
            if capture.isOpened():
                error = self._read(connection, capture, media, was_lost)
            else:
                error = "cannot be opened"
        except SourceError as lost:
            error = str(lost)
        except _CAPTURE_ERRORS as lost:
            # only the kind: drivers put addresses with passwords into their texts
            error = f"the driver failed ({type(lost).__name__})"
        finally:
            if capture is not None:
                capture.release()
            with self._changed:
                connection.error = connection.error or error
                connection.over = True
                self._changed.notify_all()

    def _read(self, connection: _Connection, capture: Capture, media: MediaClock, was_lost: bool) -> str:
        """Why reading ended; empty at the end of a recording or when told to stop."""
        failed = 0
        began_s: float | None = None
        while not connection.stopped.is_set():
            if not capture.grab():
                if self._recorded:
                    return ""
                failed += 1
                if failed >= FAILED_GRABS_UNTIL_LOST or not capture.isOpened():
                    return "gives no more pictures"
                connection.stopped.wait(FAILED_GRAB_PAUSE_S)
                continue
            failed = 0
            if self._recorded:
                due_s = media.of(capture)
                began_s = time.monotonic() - due_s if began_s is None else began_s
                connection.stopped.wait(max(0.0, began_s + due_s - time.monotonic()))
            captured_at, captured_s = self._clock.now(), self._clock.monotonic()
            image = usable_picture(self._retrieved(capture))
            with self._changed:
                if self._connection is not connection or self._stopping:
                    return ""
                if image is None:
                    connection.bad_frames += 1
                    self._bad_frames += 1
                    continue
                self._slot = Frame(image, captured_at, captured_s, self._number)
                self._number += 1
                if connection.frames == 0 and was_lost:
                    self._reconnects += 1
                connection.frames += 1
                self._state = SourceState.LIVE
                self._last_error = ""
                self._changed.notify_all()
        return ""

    @staticmethod
    def _retrieved(capture: Capture) -> Any:
        try:
            ok, raw = capture.retrieve()
        except cv2.error:
            return None  # counted as an unusable frame
        return raw if ok else None
