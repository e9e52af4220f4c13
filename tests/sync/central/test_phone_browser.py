"""The phone pages in a real browser at the size of a phone: a worker's morning, and a look at every page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.gate.screen_gallery import TIDY_CHROMIUM, chromium
from tests.sync.central.console_samples import MANAGER_A, PASSWORD
from tests.sync.central.phone_samples import ANN
from tests.sync.central.test_console_browser import CONTRASTS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]

PATIENCE_MS = 60_000
PHONE_PX = {"width": 390, "height": 844}
TOO_SMALL = """() => [...document.querySelectorAll(
  "main button:not(.first), a.button, label.pick, select, textarea, " +
  "input:not([type=hidden], [type=radio], [type=checkbox])")]
  .filter((one) => one.offsetParent && one.offsetHeight < 48).map((one) => one.outerHTML)"""
UNNAMED = """() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
  .filter((one) => one.offsetParent && !one.labels?.length && !one.ariaLabel).map((one) => one.outerHTML)"""
ROOT = Path(__file__).parents[3]
PICTURES = os.environ.get("SITEGATE_PICTURES", "")
"""A folder for pictures of the pages, to look at."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("phones")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.sync.central.phone_server", str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield process.stdout.readline().strip().rstrip("/")
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=TIDY_CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=PHONE_PX)
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def is_well_made(page: Page, name: str) -> None:
    """Contrast, targets, labels, nothing wider than the phone."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"phone-{name}.png", full_page=True)
    assert page.evaluate(CONTRASTS) == []
    assert page.evaluate(TOO_SMALL) == []
    assert page.evaluate(UNNAMED) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE_PX["width"]


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/m/declare?site=site-a")
    is_well_made(page, "sign-in")
    page.get_by_label("工号或手机号").fill(ANN)
    page.get_by_label("证件号码后六位").fill("123456")
    page.get_by_role("button", name=re.compile("登录")).click()


def test_a_worker_declares_a_trip_after_a_slip_and_a_reload(page: Page, address: str) -> None:
    sign_in(page, address)
    expect(page.get_by_label("到过哪里")).to_be_hidden()  # asked of those who were there
    is_well_made(page, "declare")
    page.get_by_label("身体健康").check()
    for name in ("affected", "contact"):
        page.locator(f"[name={name}][value=no]").check()
    page.locator("[name=travelled][value=yes]").check()
    page.get_by_label("交通方式").select_option("train")
    page.get_by_label("航班、车次").fill("g")
    page.locator("[name=lodging][value=home]").check()
    page.get_by_label("住址或楼号").fill("示例路 1 号")
    page.get_by_label("以上内容真实").check()
    page.get_by_role("button", name=re.compile("提交申报")).click()
    expect(page.locator("#problems")).to_contain_text("车次")
    is_well_made(page, "problems")
    page.reload()
    expect(page.get_by_label("住址或楼号")).to_have_value("示例路 1 号")
    page.get_by_label("航班、车次").fill("g 123")
    page.get_by_label("乘坐日期").fill("2026-03-01")
    page.get_by_label("出发地").fill("示例市")
    page.get_by_label("到达地").fill("样例县")
    page.get_by_label("车厢").fill("8")
    page.get_by_role("button", name=re.compile("提交申报")).click()
    expect(page.get_by_role("status").first).to_contain_text("申报成功")
    expect(page.locator("main")).to_contain_text("G123")
    is_well_made(page, "receipt")
    page.get_by_role("link", name=re.compile("修改今天的申报")).click()
    expect(page.get_by_label("航班、车次")).to_have_value("G123")


def test_a_site_manager_reports_and_sees_who_is_missing(page: Page, address: str) -> None:
    page.goto(f"{address}/m/staff/sign-in")
    page.get_by_label("用户名").fill(MANAGER_A)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name=re.compile("登录")).click()
    is_well_made(page, "home")
    page.get_by_role("link", name=re.compile("项目每日上报")).click()
    is_well_made(page, "site-report")
    page.locator("a.button").first.click()
    is_well_made(page, "site-report-form")
    for name, figure in (("headcount", "12"), ("returned", "1"), ("unwell", "0")):
        page.locator(f"[name={name}]").fill(figure)
    page.locator("[name='supplies.masks.stock']").fill("100")
    page.locator("[name='supplies.masks.daily_use']").fill("30")
    page.get_by_role("button", name=re.compile("提交")).last.click()
    expect(page.locator("main")).to_contain_text("2026-03-05")
    is_well_made(page, "site-report-receipt")
    page.goto(f"{address}/m/missing")
    expect(page.locator("main")).to_contain_text("样二宁")
    is_well_made(page, "missing")
    page.goto(f"{address}/m/poster/site-a")
    expect(page.locator(".poster svg")).to_be_visible()
    is_well_made(page, "poster")
