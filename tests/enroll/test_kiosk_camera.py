"""The kiosk's camera runs while somebody looks, says why there is no picture, and comes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import pytest

from enroll.kiosk_camera import KioskCamera
from models.errors import WeightMissing
from models.face import Face, Image
from models.sources.settings import SourceSettings
from tests.enroll.test_capture import face

PATIENCE_S = 60.0
PICTURE = np.full((480, 1280, 3), 90, np.uint8)
PICTURE[:, :640] = 200


def wait_until(condition: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up_s, "waited in vain"
        time.sleep(0.01)


class Device:
    """Imitates a USB camera and `cv2.VideoCapture` of it; it can be pulled out."""

    def __init__(self) -> None:
        self.plugged = True
        self.open_now = False

    def open(self) -> Device:
        self.open_now = self.plugged
        return self

    def isOpened(self) -> bool:
        return self.plugged

    def grab(self) -> bool:
        time.sleep(0.01)
        return self.plugged

    def retrieve(self) -> tuple[bool, Any]:
        return True, PICTURE

    def get(self, propId: int, /) -> float:  # noqa: N803
        return 0.0

    def release(self) -> None:
        self.open_now = False


class Engine:
    def faces(self, image_bgr: Image) -> list[Face]:
        return [face()]


SETTINGS = SourceSettings(stall_s=0.5, reconnect_min_s=0.01, reconnect_max_s=0.05)


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.fixture
def camera(device: Device) -> Iterator[KioskCamera]:
    made = KioskCamera(SETTINGS, engine=Engine, idle_s=600, open_capture=device.open)
    yield made
    made.close()


def test_the_first_look_starts_the_camera_and_every_page_sees_its_pictures(
    camera: KioskCamera, device: Device
) -> None:
    assert not camera.is_running
    assert not device.open_now
    wait_until(lambda: camera.latest() is not None)
    picture = camera.latest()
    assert picture is not None
    assert len(picture.faces) == 1
    assert camera.problem == ""
    wait_until(lambda: (newest := camera.latest()) is not None and newest.captured_s > picture.captured_s)


def test_the_preview_is_a_small_mirror(camera: KioskCamera) -> None:
    wait_until(lambda: camera.preview() is not None)
    preview = camera.preview()
    assert preview is not None
    shown = cv2.imdecode(np.frombuffer(preview, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown.shape == (240, 640, 3)
    assert shown[:, :300].mean() < 100 < shown[:, 340:].mean()


def test_a_camera_that_nobody_looks_at_is_given_back_and_starts_again(device: Device) -> None:
    camera = KioskCamera(SETTINGS, engine=Engine, idle_s=0.2, open_capture=device.open)
    wait_until(lambda: camera.latest() is not None)
    wait_until(lambda: not camera.is_running)
    wait_until(lambda: not device.open_now)
    wait_until(lambda: camera.latest() is not None)
    camera.close()


def test_a_lost_camera_is_said_and_comes_back(camera: KioskCamera, device: Device) -> None:
    wait_until(lambda: camera.latest() is not None)
    device.plugged = False
    wait_until(lambda: camera.latest() is None and "camera 0" in camera.problem)
    assert camera.preview() is None
    device.plugged = True
    wait_until(lambda: camera.latest() is not None)
    assert camera.problem == ""


def test_missing_weights_are_said_with_the_next_step() -> None:
    def missing() -> Engine:
        raise WeightMissing("yunet is not in the cache", next_step="Run `sitegate models fetch`.")

    camera = KioskCamera(SETTINGS, engine=missing)
    assert camera.latest() is None
    wait_until(lambda: "sitegate models fetch" in camera.problem)
    camera.close()


def test_a_closed_camera_stays_closed(camera: KioskCamera, device: Device) -> None:
    wait_until(lambda: camera.latest() is not None)
    camera.close()
    wait_until(lambda: not camera.is_running)
    assert camera.latest() is None
    assert not camera.is_running
