"""Real faces before a training screen: a store that knows people, and a camera that is told whom to show."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from enroll.roster_config import LivenessPart, RosterConfig
from enroll.settings import KioskSettings
from models.engine import FaceEngine
from models.face import Face, Image
from sync.records import Template
from sync.store import LocalStore
from tests.sync.samples import NOON, a_worker

SMALL_PX = 420
SHORT_COURSE = """
id: short-course
version: "1"
title: {zh: 短课程, en: Short course}
validity_days: 365
pass_mark: 50
min_seconds: 2
check_every_s: [1, 2]
pages:
  - {title: {zh: 安全帽, en: Helmet}, min_seconds: 1, text: {zh: 戴好安全帽, en: Wear your helmet}}
  - {title: {zh: 安全带, en: Harness}, min_seconds: 1, text: {zh: 系好安全带, en: Wear your harness}}
questions:
  - id: q1
    text: {zh: 先做什么, en: What first}
    options: [{zh: 戴帽, en: Helmet}, {zh: 不戴, en: Nothing}]
    right: [0]
  - id: q2
    kind: multiple
    text: {zh: 哪些要带, en: What do you take along}
    options: [{zh: 手套, en: Gloves}, {zh: 拖鞋, en: Slippers}, {zh: 背心, en: Vest}]
    right: [0, 2]
"""


def small(image: Image) -> Image:
    """Quick to look at, and the face still large."""
    shrink = SMALL_PX / max(image.shape[:2])
    return np.asarray(cv2.resize(image, None, fx=shrink, fy=shrink), np.uint8)


def side_by_side(*images: Image) -> Image:
    height = max(one.shape[0] for one in images)
    return np.hstack(
        [cv2.copyMakeBorder(one, 0, height - one.shape[0], 0, 0, cv2.BORDER_CONSTANT) for one in images]
    )


def register(store: LocalStore, engine: FaceEngine, worker_id: str, image: Image) -> None:
    """Enrol the one face of `image`."""
    (vector,) = engine.templates(engine.faces(image)[:1])
    template = Template(
        worker_id=worker_id,
        model=engine.embedder_name,
        model_version=engine.embedder_version,
        vector=vector.astype("<f4").tobytes(),
        quality=80,
        created_at=NOON,
    )
    store.put_worker(a_worker(worker_id), [template])


def short_settings(folder: Path, **kiosk: object) -> RosterConfig:
    """One short course, no check for photos of faces: the portraits are photos."""
    course = folder / "courses" / "short-course"
    course.mkdir(parents=True, exist_ok=True)
    (course / "manifest.yaml").write_text(SHORT_COURSE, encoding="utf-8")
    return RosterConfig(
        kiosk=KioskSettings(courses=folder / "courses", port=0, **kiosk), liveness=LivenessPart(mode="off")
    )


@dataclass(frozen=True, slots=True)
class ShownPicture:
    image: Image
    faces: tuple[Face, ...]
    captured_s: float


class ToldCamera:
    """Imitates the kiosk's camera: shows the person whose name stands in a file."""

    def __init__(self, told: Path, engine: FaceEngine, people: dict[str, Image]) -> None:
        self._told = told
        self._people = {name: (image, tuple(engine.faces(image))) for name, image in people.items()}

    def latest(self) -> ShownPicture | None:
        name = self._told.read_text(encoding="utf-8").strip()
        if name not in self._people:
            return None
        image, faces = self._people[name]
        return ShownPicture(image, faces, time.monotonic())

    def close(self) -> None:
        pass
