"""One lane at work: a thread that takes frames, asks the engine and the lane, and shows what came of it."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

import cv2

from gate.clock import Clock
from gate.lane import Lane, LaneUpdate, Standing, Verdict
from gate.lane_passes import LanePasses
from gate.pass_desk import PassCall
from gate.settings import LaneSettings
from gate.view import Answer, Health, LaneView, Phase
from models.errors import ModelError
from models.face import Face, Image
from models.sources.frame import Frame, FrameSource, SourceState
from sync.records import Outcome

log = logging.getLogger(__name__)

FRAME_TIMEOUT_S = 0.25
"""How long the loop waits for a frame before it looks after its other duties."""

PAUSE_AFTER_FAULT_S = 0.5
"""Between two tries after an unexpected error: the log must not flood."""

FORGET_AT_MOST = 64
"""Workers that wait to be served again; bounded, oldest dropped."""

SCREEN_WIDTH_PX = 640
SCREEN_JPEG_QUALITY = 75


class Engine(Protocol):
    def faces(self, image_bgr: Image) -> list[Face]: ...


class Watcher(Protocol):
    """What the runner tells of its work; gate/metrics.py counts it."""

    def frame_seen(self, lane_id: str) -> None: ...

    def frame_bad(self, lane_id: str) -> None: ...

    def frames_dropped(self, lane_id: str, count: int) -> None: ...


class LaneRunner:
    """Runs one lane until it is stopped or its file has ended.

    settle    turns a verdict into a recorded, possibly opened answer
    passes    the readers of QR passes and badges; `settle_pass` answers what they find
    health    what the screen says of the other parts
    """

    def __init__(
        self,
        settings: LaneSettings,
        source: FrameSource,
        engine: Engine,
        lane: Lane,
        *,
        settle: Callable[[Frame, Verdict], Answer | None],
        passes: LanePasses | None = None,
        settle_pass: Callable[[Frame | None, PassCall], Answer] | None = None,
        health: Callable[[str], Health],
        clock: Clock,
        watcher: Watcher,
    ) -> None:
        self.settings = settings
        self.source = source
        self._lane = lane
        self._to_forget: deque[tuple[float, str]] = deque(maxlen=FORGET_AT_MOST)
        self._engine = engine
        self._settle = settle
        self.passes = passes
        self._settle_pass = settle_pass
        self._health = health
        self._clock = clock
        self._watcher = watcher
        self._stop = threading.Event()
        self.ended = threading.Event()
        self._frame: Frame | None = None
        self._expected_number = 0
        self._frame_seen_s = float("-inf")
        self._jpeg: tuple[int, bytes] | None = None
        self._jpeg_lock = threading.Lock()
        self._answer: Answer | None = None
        self._update = LaneUpdate(Phase.IDLE)
        self.fault = ""
        self._thread = threading.Thread(target=self._run, name=f"lane {settings.id}", daemon=True)

    def start(self) -> None:
        self.source.start()
        if self.passes is not None:
            self.passes.start()
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Finish the frame in work and stop."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if self.passes is not None:
            self.passes.stop()
        self.source.stop()

    def show_answer(self, answer: Answer) -> None:
        """Put an answer on the screen that did not come from a frame (guard, exit button)."""
        self._answer = answer

    def forget(self, worker_id: str, *, after_s: float = 0.0) -> None:
        """Serve this worker again, at once or after so long; from any thread."""
        self._to_forget.append((self._clock.monotonic() + after_s, worker_id))

    def view(self) -> LaneView:
        """The newest snapshot for the screen; an answer past its time is gone."""
        now_s = self._clock.monotonic()
        last = self._answer
        # Not written back: the lane may just have put a new one there.
        answer = None if last is None or now_s >= last.shown_until_s else last
        update = self._update
        live = self.source.state in (SourceState.LIVE, SourceState.STARTING, SourceState.ENDED)
        phase = update.phase if live else Phase.FAULT
        if answer is not None:
            phase = Phase.ANSWER
        # The next person sees themselves, not the code of the one before.
        is_theirs = last is not None and phase in (Phase.IDLE, Phase.ANSWER) and now_s < last.online_until_s
        return LaneView(
            lane_id=self.settings.id,
            lane_name=self.settings.name,
            lane_name_en=self.settings.name_en,
            direction=self.settings.direction,
            phase=phase,
            advice=update.advice,
            face_box=self._box_fractions(update.face),
            answer=answer,
            health=self._health(self.settings.id),
            mirror=self.settings.source.mirror_screen,
            updated_s=now_s,
            takes_passes=self._takes_passes(),
            online=last.online if last is not None and is_theirs else None,
        )

    def picture(self) -> bytes | None:
        """The newest frame as JPEG, or None when it is older than the source's stall time."""
        frame = self._frame
        if frame is None or self._clock.monotonic() - self._frame_seen_s > self.settings.source.stall_s:
            return None
        with self._jpeg_lock:
            if self._jpeg is None or self._jpeg[0] != frame.number:
                self._jpeg = (frame.number, _jpeg(frame.image))
            return self._jpeg[1]

    def camera_problem(self) -> str:
        """Why there is no picture, in words for the operator; empty while there is one."""
        if self.fault:
            return self.fault
        if self.source.state is SourceState.LOST:
            return self.source.last_error or "no picture"
        return ""

    def _takes_passes(self) -> bool:
        reader = self.settings.pass_reader
        return reader.qr or reader.badge.driver != "none"

    def pass_reader_problem(self) -> str:
        """What is wrong with the badge reader, in words for the operator; empty while it works."""
        return "" if self.passes is None else self.passes.problem

    # -- the loop --------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if not self._step():
                    break
                self.fault = ""
            except ModelError as error:
                self._watcher.frame_bad(self.settings.id)
                self.fault = str(error)
            except Exception as error:  # a lane that dies silently is a gate that never opens again
                log.exception("lane %s", self.settings.id)
                self.fault = f"internal error: {type(error).__name__}"
                self._stop.wait(PAUSE_AFTER_FAULT_S)
        self.ended.set()

    def _step(self) -> bool:
        has_ended = self.source.state is SourceState.ENDED  # asked first: its last frame is still to be had
        frame = self.source.next_frame(FRAME_TIMEOUT_S)
        if frame is None:
            if has_ended:
                self._finish()
                return False
            if self.source.state is SourceState.LOST:
                self._update = LaneUpdate(Phase.IDLE)
                self._serve_pass(None, None, None, self._clock.monotonic())
            return True
        self._watcher.frame_seen(self.settings.id)
        if frame.number > self._expected_number:
            self._watcher.frames_dropped(self.settings.id, frame.number - self._expected_number)
        self._expected_number = frame.number + 1
        self._forget_who_is_due()
        if self.passes is not None:
            self.passes.look(frame)
        try:
            faces = self._engine.faces(frame.image)
        except ModelError:
            # Pictures without use for recognition do not shut out who has a pass.
            self._serve_pass(frame, None, None, frame.captured_s)
            raise
        self._frame, self._frame_seen_s = frame, self._clock.monotonic()
        update = self._lane.observe(frame.image, faces, frame.captured_s)
        verdict = self._serve_pass(frame, self._lane.standing(), update.verdict, frame.captured_s)
        if verdict is not None:
            self._answer = self._settle(frame, verdict)
        self._update = update
        return True

    def _serve_pass(
        self, frame: Frame | None, standing: Standing | None, verdict: Verdict | None, at_s: float
    ) -> Verdict | None:
        """Answer a pass whose time has come; the verdict that still wants an answer of its own."""
        if self.passes is None or self._settle_pass is None:
            return verdict
        call = self.passes.due(standing, verdict, at_s)
        if call is None:
            return verdict
        self._answer = self._settle_pass(frame, call)
        if self._answer.outcome is Outcome.ALLOW and call.reading.worker_id is not None:
            self._lane.answered_otherwise(call.reading.worker_id, at_s)
        return None if call.replaces_verdict else verdict

    def _forget_who_is_due(self) -> None:
        now_s = self._clock.monotonic()
        for _ in range(len(self._to_forget)):
            due_s, worker_id = self._to_forget.popleft()
            if due_s <= now_s:
                self._lane.forget(worker_id)
                if self.passes is not None:
                    self.passes.forget(worker_id)
            else:
                self._to_forget.append((due_s, worker_id))

    def _finish(self) -> None:
        frame = self._frame
        if frame is None:
            return
        verdict = self._lane.finish(frame.captured_s)
        # Nobody can be waited for any more: a pass that waits is answered now.
        verdict = self._serve_pass(frame, None, verdict, frame.captured_s)
        if verdict is not None:
            self._answer = self._settle(frame, verdict)
        self._update = LaneUpdate(Phase.IDLE)

    def _box_fractions(self, face: Face | None) -> tuple[float, float, float, float] | None:
        frame = self._frame
        if face is None or frame is None:
            return None
        height, width = frame.image.shape[:2]
        box = face.box
        return (box.x / width, box.y / height, box.width / width, box.height / height)


def _jpeg(image: Image) -> bytes:
    height, width = image.shape[:2]
    if width > SCREEN_WIDTH_PX:
        size = (SCREEN_WIDTH_PX, max(1, round(height * SCREEN_WIDTH_PX / width)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, SCREEN_JPEG_QUALITY])
    return data.tobytes() if done else b""
