"""A gate view that plays what it is told, with drawn pictures: for tests and for the documented screenshots.

`python -m tests.gate.scripted_view` serves one lane, for tests that stop and kill the gate process.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import cv2
import numpy as np

from gate.decision import OnlineStep
from gate.errors import OverrideRefused
from gate.reasons import Reason
from gate.screen import run_screen
from gate.settings import ScreenSettings
from gate.view import Answer, Health, LaneView, Phase, ScreenHead
from models.face import Advice, Image
from sync.records import Direction, Outcome
from sync.wire.messages import Notice

LANE = "lane-1"
PIN = "482913"
NAME = "张*样"
"""Obviously made up: 样 is the 样 of 样例, example."""

FACE_BOX = (0.36, 0.22, 0.26, 0.56)
WIDTH_PX, HEIGHT_PX = 640, 360


def drawn_person(*, with_face: bool = True) -> bytes:
    """A cartoon worker before a cartoon wall, as JPEG."""
    picture: Image = np.full((HEIGHT_PX, WIDTH_PX, 3), (196, 176, 150), dtype=np.uint8)
    cv2.rectangle(picture, (0, 250), (WIDTH_PX, HEIGHT_PX), (150, 140, 130), -1)
    cv2.rectangle(picture, (40, 40), (160, 250), (170, 150, 120), -1)
    if with_face:
        middle = (314, 190)
        cv2.ellipse(picture, (314, 370), (150, 100), 0, 180, 360, (40, 150, 240), -1)
        cv2.ellipse(picture, middle, (68, 88), 0, 0, 360, (150, 185, 225), -1)
        cv2.ellipse(picture, (314, 140), (82, 66), 0, 180, 360, (40, 200, 250), -1)
        cv2.rectangle(picture, (222, 134), (406, 150), (40, 200, 250), -1)
        for x in (288, 340):
            cv2.circle(picture, (x, 184), 7, (50, 40, 30), -1)
        cv2.ellipse(picture, (314, 226), (26, 12), 0, 0, 180, (70, 60, 160), 5)
    done, data = cv2.imencode(".jpg", picture)
    assert done
    return data.tobytes()


class ScriptedView:
    """Implements `GateView`; tests set `state`, `jpeg` and read `overrides`."""

    def __init__(self, *, lanes: Sequence[str] = (LANE,), wall: datetime | None = None) -> None:
        self._lanes = lanes
        self._wall = wall
        self._answers = 0
        self.overrides: list[tuple[str, str, str]] = []
        self.override_fault: Exception | None = None
        self.jpeg: bytes | None = None
        self.state: LaneView
        self.reset()

    def reset(self) -> None:
        self.overrides = []
        self.override_fault = None
        self.jpeg = drawn_person(with_face=False)
        self.state = LaneView(
            lane_id=LANE,
            lane_name="一号通道",
            lane_name_en="Lane 1",
            direction=Direction.IN,
            phase=Phase.IDLE,
            advice=None,
            face_box=None,
            answer=None,
            health=Health(),
            mirror=True,
            updated_s=0.0,
        )

    def person_arrives(self, phase: Phase = Phase.DECIDING, advice: Advice | None = None) -> None:
        self.jpeg = drawn_person()
        self.state = replace(
            self.state, phase=phase, advice=advice, face_box=FACE_BOX, answer=None, online=None
        )

    def answers(
        self,
        outcome: Outcome,
        *reasons: Reason,
        name: str = NAME,
        shown_s: float = 3.0,
        event_id: str = "",
        online: OnlineStep | None = None,
    ) -> None:
        self._answers += 1
        event_id = event_id or f"event-{self._answers}"  # a page shows an answer once
        answer = Answer(event_id, outcome, reasons, name, self.monotonic() + shown_s)
        self.jpeg = drawn_person()
        self.state = replace(
            self.state, phase=Phase.ANSWER, advice=None, face_box=FACE_BOX, answer=answer, online=online
        )

    def has_health(self, health: Health, phase: Phase = Phase.IDLE) -> None:
        self.state = replace(self.state, phase=phase, health=health)

    def has_notices(self, *notices: Notice) -> None:
        self.state = replace(self.state, notices=notices)

    def head(self) -> ScreenHead:
        return ScreenHead("滨江示例工地", "Riverside demo site", "一号门", "Gate 1", "Asia/Shanghai", "0.1.0")

    def lanes(self) -> Sequence[str]:
        return self._lanes

    def lane(self, lane_id: str) -> LaneView:
        if lane_id not in self._lanes:
            raise LookupError(f"no lane {lane_id}")
        return replace(self.state, lane_id=lane_id)

    def picture(self, lane_id: str) -> bytes | None:
        if lane_id not in self._lanes:
            raise LookupError(f"no lane {lane_id}")
        return self.jpeg

    def override(self, lane_id: str, *, pin: str, guard: str, reason: str) -> str:
        if self.override_fault is not None:
            raise self.override_fault
        if pin != PIN:
            raise OverrideRefused("wrong PIN", next_step="4 attempts are left")
        self.overrides.append((lane_id, guard, reason))
        return "event-override"

    def now(self) -> datetime:
        return self._wall or datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def main() -> None:
    """Serve until stdin ends; print the URL. The lane shows an answer that the gate never takes away."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--answer", action="store_true")
    arguments = parser.parse_args()
    view = ScriptedView()
    if arguments.answer:
        view.answers(Outcome.ALLOW, Reason.OK, shown_s=1000)
    stop = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    settings = ScreenSettings(port=arguments.port)
    run_screen(view, settings, on_ready=lambda url: print(url, flush=True), stop=stop)


if __name__ == "__main__":
    main()
