"""Training in a real phone browser: Chromium's fake camera plays a video of a real face."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect, sync_playwright

from models.images import decode
from tests.conftest import Weights
from tests.gate.screen_gallery import TIDY_CHROMIUM, chromium
from tests.sync.central.phone_samples import ANN, DOCUMENTS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]

PATIENCE_MS = 60_000
WIDTH, HEIGHT = 480, 640


def camera_file(weights: Weights, folder: Path) -> Path:
    """A video as Chromium's fake camera takes it: the portrait, upright."""
    portrait = decode(weights.path("obama"))
    shrink = min(WIDTH / portrait.shape[1], HEIGHT / portrait.shape[0])
    small = cv2.resize(portrait, None, fx=shrink, fy=shrink)
    frame = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    frame[: small.shape[0], : small.shape[1]] = small
    path = folder / "camera.mjpeg"
    path.write_bytes(cv2.imencode(".jpg", frame)[1].tobytes() * 30)
    return path


@pytest.fixture
def url(tmp_path: Path, weights: Weights) -> Iterator[str]:
    weights.require("yunet", "sface", "obama", "obama2")
    command = [sys.executable, "-m", "tests.sync.central.phone_training_server", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None and server.stdout is not None
        try:
            yield server.stdout.readline().strip().rstrip("/")
        finally:
            server.stdin.close()


def test_a_course_is_taken_on_a_phone_whose_camera_sees_the_worker(
    url: str, tmp_path: Path, weights: Weights
) -> None:
    camera = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={camera_file(weights, tmp_path)}",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=[*TIDY_CHROMIUM, *camera])
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{url}/m/training/short-course")
        page.locator("input[name=number]").fill(ANN)
        page.locator("input[name=tail]").fill(DOCUMENTS[ANN][-6:])
        page.locator("main form button").first.click()
        page.get_by_role("button", name="下一页").click()
        expect(page.get_by_text("安全带", exact=False).first).to_be_visible(timeout=PATIENCE_MS)
        page.get_by_role("button", name="去答题").click()
        page.get_by_label("戴帽").check()
        page.get_by_role("button", name="提交答案").click()
        expect(page.get_by_role("heading", name="合格 Passed")).to_be_visible(timeout=PATIENCE_MS)
        browser.close()


def test_a_phone_without_a_camera_says_so(url: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=TIDY_CHROMIUM)
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{url}/m/training/short-course")
        page.locator("input[name=number]").fill(ANN)
        page.locator("input[name=tail]").fill(DOCUMENTS[ANN][-6:])
        page.locator("main form button").first.click()
        expect(page.locator("#look-state")).to_contain_text("不能使用摄像头", timeout=PATIENCE_MS)
        browser.close()
