"""A small course and a way to drive a session through it; the learner is made up."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sync.training.course import Course, load_course
from sync.training.session import Moment, TrainingSession
from sync.training.watch import Observation, SeenFace, WatchLimits
from tests.sync.samples import NOON

THRESHOLD = 0.45
FRAME_S = 0.2

MANIFEST = """
id: small-course
version: 1
kind: training
title: {zh: 示例课程, en: Sample course}
validity_days: 365
pass_mark: 60
min_seconds: 10
check_every_s: [3, 5]
pages:
  - {title: {zh: 第一页}, min_seconds: 4, text: {zh: 戴好安全帽, en: Wear your helmet}}
  - {title: {zh: 第二页}, min_seconds: 5, file: two.md, image: helmet.svg}
questions:
  - {id: q1, text: {zh: 先做什么}, options: [{zh: 戴帽}, {zh: 不戴}], right: [0]}
  - {id: q2, kind: multiple, text: {zh: 哪些}, options: [{zh: 甲}, {zh: 乙}, {zh: 丙}], right: [0, 2]}
"""


def course_folder(folder: Path, manifest: str = MANIFEST) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.yaml").write_text(manifest, encoding="utf-8")
    (folder / "two.md").write_text("# 第二页\n系好安全带", encoding="utf-8")
    (folder / "helmet.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>", encoding="utf-8")
    return folder


def a_course(folder: Path) -> Course:
    return load_course(course_folder(folder / "small-course"))


LEARNER = Observation((SeenFace(100.0, 0.8, 0.9),), THRESHOLD)
STRANGER = Observation((SeenFace(100.0, 0.2, 0.9),), THRESHOLD)
NOBODY = Observation((), THRESHOLD)
TWO = Observation((SeenFace(100.0, 0.8, 0.9), SeenFace(90.0, 0.1, 0.9)), THRESHOLD)
PHOTO = Observation((SeenFace(100.0, 0.8, 0.05),), THRESHOLD)
BLURRED = Observation((SeenFace(100.0, None, None),), THRESHOLD)


class Classroom:
    """A clock and one session; `watch` shows the same picture for some seconds."""

    def __init__(self, course: Course, *, seed: int = 7, limits: WatchLimits | None = None) -> None:
        self.course = course
        self.at_s = 0.0
        extra = {} if limits is None else {"limits": limits}
        self.session = TrainingSession.begin(
            course,
            worker_id="W-1",
            worker_name="示例工人",
            seed=seed,
            moment=self.moment,
            login_score=0.8,
            **extra,
        )

    @property
    def moment(self) -> Moment:
        return Moment(NOON + timedelta(seconds=self.at_s), 1000.0 + self.at_s)

    def watch(self, seen: Observation | None, seconds: float) -> None:
        for _ in range(round(seconds / FRAME_S)):
            self.at_s += FRAME_S
            self.session.tick(self.moment, seen)

    def through_the_pages(self) -> None:
        while self.session.state.phase.value == "pages":
            self.watch(LEARNER, 6.0)
            self.session.next_page(self.moment)
