"""Import, workers and receipts at the kiosk in a real browser, on real photos."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect, sync_playwright

from sync.records import WorkerStatus
from sync.store import LocalStore
from tests.conftest import Weights
from tests.enroll.kiosk_samples import MANAGER, PASSWORD, SUPERVISOR, open_store
from tests.gate.screen_gallery import TIDY_CHROMIUM, chromium
from tests.sync.people_samples import an_enrolment

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]

PATIENCE_MS = 90_000
PICTURES = os.environ.get("SITEGATE_PICTURES", "")
"""A folder for pictures of the pages, to look at."""

TOO_SMALL = """() => [...document.querySelectorAll("main button, main a, .q-dialog button")]
  .filter((one) => one.offsetParent && one.offsetHeight < 48).map((one) => one.innerText)"""
UNNAMED = """() => [...document.querySelectorAll("main input:not([type=file]), .q-dialog input")]
  .filter((one) => one.offsetParent && !one.labels?.length && !one.ariaLabel).map((one) => one.outerHTML)"""
CUT = """() => document.documentElement.scrollWidth > document.documentElement.clientWidth"""

NUMBER = "11010519491231002X"
ROSTER = f"""工号,姓名,班组,电话,照片,证件号码,出生日期,人脸同意日期,同意书版本
W-1,张三,示例一班,13800000001,a.jpg,{NUMBER},,2026-01-05,2026-01
W-2,单雄,示例二班,,b.jpg,,1980-02-03,2026-01-05,2026-01
W-3,示例丙,示例二班,,none.jpg,,1981-02-03,2026-01-05,2026-01
W 4,示例丁,示例二班,,,,,,
"""


@dataclass(slots=True)
class Kiosk:
    """A running kiosk: its address, its store, one page."""

    url: str
    store: LocalStore
    page: Page

    def open(self, path: str) -> None:
        self.page.goto(self.url + path)
        self.page.wait_for_selector("main .sg-title")

    def press(self, text: str) -> None:
        self.page.locator("button:visible:not([disabled])", has_text=text).last.click()

    def agree(self) -> None:
        """Press the last button of the dialog."""
        self.page.locator(".q-dialog button").last.click()

    def look(self, name: str) -> None:
        """The page as it is: large enough to touch, named for a screen reader, nothing cut."""
        assert self.page.evaluate(TOO_SMALL) == []
        assert self.page.evaluate(UNNAMED) == []
        assert not self.page.evaluate(CUT)
        if PICTURES:
            self.page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)

    def sign_in(self, user: str) -> None:
        self.page.context.clear_cookies()
        self.page.goto(f"{self.url}/login")
        self.page.locator("input").first.fill(user)
        self.page.locator("input[type=password]").fill(PASSWORD)
        self.page.locator("input[type=password]").press("Enter")
        self.page.wait_for_selector(".sg-tiles")


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[Kiosk]:
    command = [sys.executable, "-m", "tests.enroll.kiosk_server", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None and server.stdout is not None
        url = server.stdout.readline().strip().rstrip("/")
        try:
            with sync_playwright() as playwright, open_store(tmp_path) as store:
                browser = playwright.chromium.launch(executable_path=chromium(), args=TIDY_CHROMIUM)
                page = browser.new_page(viewport={"width": 1280, "height": 800})
                page.set_default_timeout(PATIENCE_MS)
                expect.set_options(timeout=PATIENCE_MS)
                opened = Kiosk(url, store, page)
                opened.sign_in(MANAGER)
                yield opened
                browser.close()
        finally:
            server.stdin.close()


def upload(page: Page, place: int, name: str, content: bytes) -> None:
    files = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    page.locator("input[type=file]").nth(place).set_input_files(files)  # type: ignore[arg-type]


def photos(weights: Weights) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("照片/a.jpg", weights.path("obama").read_bytes())
        archive.writestr("照片/b.jpg", weights.path("biden").read_bytes())
    return buffer.getvalue()


def test_a_roster_is_checked_imported_and_reported(kiosk: Kiosk, weights: Weights) -> None:
    weights.require("yunet", "sface", "obama", "biden")
    page = kiosk.page
    kiosk.open("/import")
    kiosk.look("import-empty")
    with page.expect_download() as template:
        page.get_by_text(".xlsx").first.click()
    workbook = load_workbook(io.BytesIO(template.value.path().read_bytes()))
    assert workbook.worksheets[0]["A1"].value == "工号"
    upload(page, 0, "people.csv", b"\xd0\xcf\x11\xe0")
    expect(page.locator(".q-notification").first).to_contain_text("密码")
    upload(page, 0, "people.csv", ROSTER.encode("gb18030"))
    expect(page.get_by_text("people.csv · 4")).to_be_visible()
    upload(page, 1, "photos.zip", photos(weights))
    expect(page.get_by_text("photos.zip · 2")).to_be_visible()
    kiosk.press("先检查")
    expect(page.get_by_text("检查完毕")).to_be_visible()
    expect(page.locator(".sg-table").first).to_contain_text("没有这张照片")
    kiosk.look("import-checked")
    assert kiosk.store.count_workers() == 0
    kiosk.press("开始导入")
    expect(page.get_by_text("导入完毕")).to_be_visible()
    kiosk.open("/import")
    expect(page.locator(".sg-table").last).to_contain_text("已完成")
    kiosk.look("import-done")
    with page.expect_download() as report:
        page.locator(".sg-table a", has_text=".csv").click()
    lines = report.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[2] for line in lines[1:]] == ["added", "added", "failed", "failed"]
    assert len(kiosk.store.templates("W-1")) == 1


def test_a_stopped_import_survives_a_reload_and_goes_on(kiosk: Kiosk) -> None:
    page = kiosk.page
    rows = "\n".join(f"W-{number},示例{number}" for number in range(3000))
    kiosk.open("/import")
    upload(page, 0, "people.csv", f"工号,姓名\n{rows}".encode())
    expect(page.get_by_text("people.csv · 3000")).to_be_visible()
    kiosk.press("开始导入")
    kiosk.press("停止")
    expect(page.get_by_text("导入已停止").or_(page.get_by_text("导入完毕")).first).to_be_visible()
    kiosk.open("/import")
    kiosk.look("import-stopped")
    go_on = page.locator("button:visible", has_text="继续导入")
    expect(go_on.or_(page.get_by_text("已完成")).first).to_be_visible()
    if go_on.count():
        go_on.click()
    expect(page.locator(".sg-table").last).to_contain_text("已完成")
    assert kiosk.store.count_workers() == 3000


def a_roster(kiosk: Kiosk, weights: Weights) -> None:
    weights.require("yunet", "sface", "obama", "biden")
    kiosk.open("/import")
    upload(kiosk.page, 0, "people.csv", ROSTER.encode())
    expect(kiosk.page.get_by_text("people.csv · 4")).to_be_visible()
    upload(kiosk.page, 1, "photos.zip", photos(weights))
    expect(kiosk.page.get_by_text("photos.zip · 2")).to_be_visible()
    kiosk.press("开始导入")
    expect(kiosk.page.get_by_text("导入完毕")).to_be_visible()


def test_a_worker_is_found_changed_blocked_and_erased_with_a_receipt(kiosk: Kiosk, weights: Weights) -> None:
    a_roster(kiosk, weights)
    page, store = kiosk.page, kiosk.store
    kiosk.open("/workers")
    kiosk.look("workers")
    search = page.get_by_label("拼音")
    for query, name in (("zs", "张三"), ("shanxiong", "单雄"), ("二班", "单雄"), ("002x", "张三")):
        search.fill(query)
        expect(page.locator("tbody tr")).to_have_count(1)
        expect(page.locator("tbody tr")).to_contain_text(name)
    page.locator("tbody a").first.click()
    page.wait_for_selector(".sg-facts")
    kiosk.look("worker")
    kiosk.press("修改资料")
    page.get_by_label("电话").fill("call me")
    kiosk.agree()
    expect(page.get_by_text("电话只能包含数字")).to_be_visible()
    kiosk.look("worker-edit")
    page.get_by_label("电话").fill("0571 88888888")
    kiosk.agree()
    expect(page.locator(".sg-facts").first).to_contain_text("0571 88888888")
    kiosk.press("禁止进场")
    kiosk.agree()
    expect(page.get_by_text("请填写原因")).to_be_visible()
    page.get_by_label("原因").fill("示例原因")
    kiosk.agree()
    expect(page.locator(".sg-facts").first).to_contain_text("禁入")
    assert store.worker("W-1").status is WorkerStatus.BLOCKED
    kiosk.press("撤回人脸同意")
    expect(page.locator(".q-dialog .sg-facts")).to_contain_text("人脸特征")
    kiosk.look("worker-withdraw")
    page.get_by_label("请输入工号以确认").fill("W-2")
    kiosk.agree()
    expect(page.get_by_text("工号不一致")).to_be_visible()
    assert len(store.templates("W-1")) == 1
    page.get_by_label("请输入工号以确认").fill("W-1")
    kiosk.agree()
    expect(page.locator(".sg-table")).to_contain_text("人脸特征: 1")
    kiosk.look("receipt")
    assert store.templates("W-1") == []
    kiosk.open("/worker/W-1")
    expect(page.locator(".sg-table")).to_contain_text("2026-01-05")
    kiosk.press("删除全部档案")
    page.get_by_label("请输入工号以确认").fill("W-1")
    kiosk.agree()
    expect(page.locator(".sg-table")).to_contain_text("证件与个人信息")
    assert (store.worker("W-1").name, store.person("W-1")) == ("W-1", None)
    actions = {line.action for line in store.audit(200, subject="worker:W-1")}
    assert {"worker_looked_at", "worker_edited", "worker_blocked", "erased_face", "erased_record"} <= actions


def test_a_supervisor_may_look_and_change_nothing(kiosk: Kiosk, weights: Weights) -> None:
    a_roster(kiosk, weights)
    kiosk.sign_in(SUPERVISOR)
    kiosk.open("/worker/W-1")
    expect(kiosk.page.locator("button", has_text="修改资料")).to_have_count(0)
    expect(kiosk.page.locator("button", has_text="删除全部档案")).to_have_count(0)
    kiosk.open("/import")
    expect(kiosk.page.locator("input[type=file]")).to_have_count(0)
    kiosk.open("/workers/ageing")
    expect(kiosk.page.get_by_text("没有人需要重拍")).to_be_visible()
    kiosk.look("ageing-empty")


def test_what_the_centre_refused_is_shown_with_a_step(kiosk: Kiosk) -> None:
    kiosk.open("/refused")
    kiosk.look("refused-none")
    kiosk.store.enrol(an_enrolment())
    (row,) = kiosk.store.outbox_pending(10)
    kiosk.store.outbox_park({row.item_id: "templates without a consent for the face on record"})
    kiosk.open("/refused")
    expect(kiosk.page.locator(".sg-table")).to_contain_text("请重新取得人脸同意并重新采集")
    kiosk.look("refused")
