"""A worker takes a course at the kiosk in a real browser: the camera decides when it may go on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.conftest import Weights
from tests.enroll.kiosk_samples import MANAGER, PASSWORD
from tests.gate.screen_gallery import TIDY_CHROMIUM, chromium

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]

PATIENCE_MS = 60_000
TOO_SMALL = """() => [...document.querySelectorAll("main button, main .q-radio, main .q-checkbox")]
  .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 48).map((one) => one.innerText)"""


@pytest.fixture
def told(tmp_path: Path) -> Path:
    return tmp_path / "told"


@pytest.fixture
def page(tmp_path: Path, told: Path, weights: Weights) -> Iterator[Page]:
    weights.require("yunet", "sface", "obama", "obama2", "biden")
    command = [sys.executable, "-m", "tests.enroll.training_server", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None and server.stdout is not None
        url = server.stdout.readline().strip().rstrip("/")
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium(), args=TIDY_CHROMIUM)
                page = browser.new_page(viewport={"width": 1280, "height": 800})
                page.set_default_timeout(PATIENCE_MS)
                page.goto(f"{url}/login")
                page.locator("input").first.fill(MANAGER)
                page.locator("input[type=password]").fill(PASSWORD)
                page.locator("input[type=password]").press("Enter")
                page.wait_for_selector(".sg-tiles")
                page.goto(f"{url}/training")
                yield page
                browser.close()
        finally:
            server.stdin.close()


def button(page: Page, text: str) -> None:
    page.locator("button:not([disabled])", has_text=text).click()


def test_a_course_is_taken_to_a_pass_and_pauses_for_somebody_else(page: Page, told: Path) -> None:
    button(page, "单人学习")
    expect(page.get_by_text("没有摄像头画面")).to_be_visible(timeout=PATIENCE_MS)
    told.write_text("one", encoding="utf-8")
    button(page, "开始学习")
    told.write_text("other", encoding="utf-8")
    expect(page.get_by_text("不是同一个人").first).to_be_visible(timeout=PATIENCE_MS)
    told.write_text("one", encoding="utf-8")
    button(page, "下一页")
    assert page.evaluate(TOO_SMALL) == []
    button(page, "去答题")
    page.locator(".q-radio").first.click()
    assert page.evaluate(TOO_SMALL) == []
    button(page, "提交答案")
    page.locator(".q-checkbox").nth(0).click()
    page.locator(".q-checkbox").nth(2).click()
    button(page, "提交答案")
    expect(page.locator(".sg-verdict")).to_contain_text("合格 Passed", timeout=PATIENCE_MS)
    expect(page.get_by_role("link", name="下载证书")).to_be_visible(timeout=PATIENCE_MS)
    button(page, "返回课程")
    expect(page.locator(".sg-table")).to_contain_text("短课程", timeout=PATIENCE_MS)
    button(page, "核验全部记录")
    expect(page.get_by_text("签名和链条完整")).to_be_visible(timeout=PATIENCE_MS)
    with page.context.expect_event(
        "response", lambda answer: "/certificate/" in answer.url, timeout=PATIENCE_MS
    ) as opened:
        page.get_by_role("link", name="打开").click()
    assert opened.value.headers["content-type"] == "application/pdf"
    assert page.request.get(opened.value.url).body().startswith(b"%PDF")
