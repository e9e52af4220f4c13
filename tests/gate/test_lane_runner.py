"""A lane at work: frames that break something, a camera that goes away, a screen that never lags behind."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

import numpy as np

from gate.decision import OnlineStep
from gate.lane import Lane, LaneUpdate, Verdict
from gate.lane_runner import LaneRunner
from gate.reasons import Reason, Words
from gate.settings import LaneSettings, RecognitionSettings
from gate.view import Answer, Health, Phase
from models.errors import ImageUnusable
from models.face import Face, Image
from models.gallery import Gallery
from models.roster_watch import Threshold
from models.sources.frame import Frame, SourceState
from sync.records import Outcome
from tests.gate.faces import FRAME, direction, face
from tests.gate.manual_clock import ManualClock


class PlayedSource:
    """A camera of which a test decides what it delivers; imitates the contract of `FrameSource`."""

    def __init__(self, frames: Sequence[Image | None], clock: ManualClock) -> None:
        self._images = deque(frames)
        self._clock = clock
        self._number = 0
        self.state = SourceState.LIVE
        self.reconnects = 0
        self.last_error = ""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def next_frame(self, timeout_s: float) -> Frame | None:
        if not self._images:
            self.state = SourceState.ENDED
            return None
        self._clock.advance(0.04)
        image = self._images.popleft()
        if image is None:
            self.state, self.last_error = SourceState.LOST, "unplugged"
            return None
        self.state, self.last_error = SourceState.LIVE, ""
        self._number += 1
        return Frame(image, self._clock.now(), self._clock.monotonic(), self._number - 1)


class Eyes:
    """Sees worker `anna` in every picture, cannot look at red ones and stumbles over blue ones."""

    def faces(self, image_bgr: Image) -> list[Face]:
        if tuple(image_bgr[0, 0]) == (0, 0, 255):
            raise ImageUnusable("no picture")
        if tuple(image_bgr[0, 0]) == (255, 0, 0):
            raise ZeroDivisionError
        return [face(direction(1))]


class Watcher:
    def __init__(self) -> None:
        self.seen = self.bad = self.dropped = 0

    def frame_seen(self, lane_id: str) -> None:
        self.seen += 1

    def frame_bad(self, lane_id: str) -> None:
        self.bad += 1

    def frames_dropped(self, lane_id: str, count: int) -> None:
        self.dropped += count


RED, BLUE = np.full_like(FRAME, (0, 0, 255)), np.full_like(FRAME, (255, 0, 0))


class Post:
    def __init__(self, *frames: Image | None) -> None:
        self.clock = ManualClock()
        self.verdicts: list[Verdict] = []
        self.watcher = Watcher()
        gallery = Gallery()
        gallery.replace("anna", direction(1)[np.newaxis])
        settings = LaneSettings()
        lane = Lane(
            settings,
            RecognitionSettings(),
            search=gallery.search,
            threshold=lambda: Threshold(0.5, "test"),
            advise=lambda quality: None,
            live=lambda image, face: None,
        )
        self.source = PlayedSource(frames, self.clock)
        self.runner = LaneRunner(
            settings, self.source, Eyes(), lane,
            settle=self.settle, health=lambda lane_id: Health(), clock=self.clock, watcher=self.watcher,
        )  # fmt: skip

    def settle(self, frame: Frame, verdict: Verdict) -> Answer:
        self.verdicts.append(verdict)
        return Answer("e1", Outcome.ALLOW, (Reason.OK,), "示*", self.clock.monotonic() + 3.0)

    def run(self) -> None:
        self.runner.start()
        assert self.runner.ended.wait(20)
        self.runner.stop()


def test_three_frames_make_an_answer_that_is_gone_after_its_time() -> None:
    post = Post(*[FRAME] * 3)
    post.run()
    assert len(post.verdicts) == 1
    assert post.runner.view().phase is Phase.ANSWER
    post.clock.advance(3.1)
    assert post.runner.view().answer is None


def test_the_code_for_the_phone_outlasts_the_answer_and_gives_way_to_the_next_person() -> None:
    step = OnlineStep(Words("扫码", "Scan"), "https://gates.example.org/m/declare?site=demo-site")
    post = Post(*[FRAME] * 3)
    post.run()
    at_s = post.clock.monotonic()
    post.runner.show_answer(
        Answer("e2", Outcome.DENY, (Reason.DECLARATION_MISSING,), "示*", at_s + 3.0, (), step, at_s + 23.0)
    )
    for later_s, phase, shown in (
        (2.0, Phase.ANSWER, step),
        (20.0, Phase.IDLE, step),
        (2.0, Phase.IDLE, None),
    ):
        post.clock.advance(later_s)
        view = post.runner.view()
        assert (view.phase, view.online) == (phase, shown), later_s
    post.runner.show_answer(
        Answer("e3", Outcome.DENY, (Reason.DECLARATION_MISSING,), "示*", at_s, (), step, at_s + 99.0)
    )
    assert post.runner.view().online == step
    post.runner._update = LaneUpdate(Phase.DECIDING)
    assert post.runner.view().online is None


def test_frames_that_cannot_be_looked_at_are_counted_and_the_lane_goes_on() -> None:
    post = Post(FRAME, RED, FRAME, RED, FRAME)
    post.run()
    assert (post.watcher.bad, len(post.verdicts)) == (2, 1)


def test_an_unexpected_error_is_named_and_the_lane_goes_on() -> None:
    post = Post(BLUE, FRAME, FRAME, FRAME)
    post.run()
    assert len(post.verdicts) == 1
    assert post.runner.fault == ""


def test_a_camera_unplugged_before_the_third_frame_decides_nothing() -> None:
    post = Post(FRAME, FRAME, *[None] * 30, FRAME)
    post.run()
    assert post.verdicts == [], "votes from before the loss are too old"


def test_a_lost_camera_is_a_fault_on_the_screen_and_leaves_no_old_picture() -> None:
    post = Post(FRAME)
    post.run()
    post.source.state, post.source.last_error = SourceState.LOST, "unplugged"
    assert post.runner.view().phase is Phase.FAULT
    assert post.runner.camera_problem() == "unplugged"
    assert post.runner.picture() is not None
    post.clock.advance(3.5)
    assert post.runner.picture() is None


def test_a_worker_the_door_did_not_see_passing_may_be_forgotten_from_another_thread() -> None:
    post = Post(*[FRAME] * 200)
    done = threading.Event()

    def forget() -> None:
        for _ in range(50):
            post.runner.forget("anna")
        done.set()

    thread = threading.Thread(target=forget)
    thread.start()
    post.run()
    thread.join()
    assert done.is_set()
    assert len(post.verdicts) >= 1
