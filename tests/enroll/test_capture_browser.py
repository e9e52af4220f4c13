"""The capture page in a real browser, with a real video as the kiosk's camera."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

from tests.conftest import Weights
from tests.enroll.capture_server import enlarged
from tests.enroll.kiosk_samples import MANAGER, PASSWORD
from tests.gate.screen_gallery import TIDY_CHROMIUM, chromium

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]

PATIENCE_MS = 90_000
VIEW: ViewportSize = {"width": 1280, "height": 800}
TOO_SMALL = """() => [...document.querySelectorAll("main button")]
  .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 48).map((one) => one.innerText)"""


@pytest.fixture(scope="module")
def video(weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A man who talks, looks about and stays in the picture; 704 x 576."""
    weights.require("yunet", "sface")
    return enlarged(weights.path("carphone"), tmp_path_factory.mktemp("video") / "man.mp4", times=4)


@contextmanager
def capture_page(folder: Path, video: Path, *options: str) -> Iterator[Page]:
    command = [sys.executable, "-m", "tests.enroll.capture_server", str(folder), str(video), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None and server.stdout is not None
        url = server.stdout.readline().strip().rstrip("/")
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium(), args=TIDY_CHROMIUM)
                page = browser.new_page(viewport=VIEW)
                page.set_default_timeout(PATIENCE_MS)
                expect.set_options(timeout=PATIENCE_MS)
                page.goto(f"{url}/login")
                page.locator("input").first.fill(MANAGER)
                page.locator("input[type=password]").fill(PASSWORD)
                page.locator("input[type=password]").press("Enter")
                page.wait_for_selector(".sg-tiles")
                page.goto(f"{url}/enrol/capture")
                yield page
                browser.close()
        finally:
            server.stdin.close()


def skip_what_is_not_done(page: Page) -> None:
    """The man never turns as far as is asked: the operator goes on with what there is."""
    page.evaluate(
        """() => setInterval(() => {
          for (const one of document.querySelectorAll("button"))
            if (one.offsetParent && one.innerText.includes("跳过")) one.click();
        }, 200)"""
    )


def test_a_face_is_taken_by_itself_and_the_way_goes_on(tmp_path: Path, video: Path) -> None:
    with capture_page(tmp_path, video) as page:
        status = page.locator(".sg-guidance")
        assert status.get_attribute("aria-live") == "polite"
        expect(page.locator("#sg-camera")).to_be_visible(timeout=PATIENCE_MS)
        page.wait_for_function(
            "document.getElementById('sg-camera').naturalWidth === 640", timeout=PATIENCE_MS
        )
        assert page.evaluate(TOO_SMALL) == []
        assert page.evaluate("document.documentElement.scrollHeight") <= VIEW["height"]
        if shots := os.environ.get("SITEGATE_SCREENSHOTS"):
            page.screenshot(path=Path(shots) / "kiosk-capture.png")
        skip_what_is_not_done(page)
        page.wait_for_url("**/enrol/done", timeout=PATIENCE_MS)
        expect(page.locator(".sg-main")).to_contain_text("组特征")
        expect(page.locator(".sg-main")).to_contain_text("正面 Ahead")
        expect(page.locator(".sg-main")).to_contain_text("中心待比对")


def test_somebody_registered_already_is_shown_and_decided_upon(tmp_path: Path, video: Path) -> None:
    with capture_page(tmp_path, video, "--known") as page:
        skip_what_is_not_done(page)
        dialog = page.locator(".q-dialog")
        expect(dialog).to_contain_text("示例老王", timeout=PATIENCE_MS)
        assert dialog.locator("img").count() == 2
        page.locator("button", has_text="不是同一人").click()
        expect(page.get_by_text("请说明原因").first).to_be_visible(timeout=PATIENCE_MS)
        page.locator("button", has_text="双胞胎").click()
        page.locator("button", has_text="不是同一人").click()
        page.wait_for_url("**/enrol/done", timeout=PATIENCE_MS)


def test_a_photo_file_takes_the_place_of_the_camera(tmp_path: Path, video: Path, weights: Weights) -> None:
    # a camera that is not there: the page says so, and photos go on
    with capture_page(tmp_path, tmp_path / "absent.mp4") as page:
        expect(page.locator(".sg-guidance")).to_contain_text("摄像头没有画面", timeout=PATIENCE_MS)
        bad = tmp_path / "bad.jpg"
        bad.write_bytes(b"no picture")
        with page.expect_file_chooser(timeout=PATIENCE_MS) as choosing:
            page.locator("button", has_text="使用照片文件").click()
        choosing.value.set_files(bad)
        expect(page.get_by_text("文件不是图片").first).to_be_visible(timeout=PATIENCE_MS)
        page.locator("input[type=file]").set_input_files(weights.path("obama"))
        page.locator("button", has_text="用这些照片").click()
        page.wait_for_url("**/enrol/done", timeout=PATIENCE_MS)
        expect(page.locator(".sg-main")).to_contain_text("照片文件")
