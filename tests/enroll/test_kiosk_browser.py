"""The kiosk in a real browser: signing in, a registration from the first tap to the last, undo, refusal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from enroll.accounts import KioskAccounts
from enroll.drafts import Drafts
from enroll.kiosk.access import COOKIE
from enroll.registration import Signature
from sync.store.kiosk_accounts import KioskRole
from tests.enroll.kiosk_samples import (
    ADMIN,
    MANAGER,
    PASSWORD,
    QUICK_HASHER,
    SIGNATURE,
    SUPERVISOR,
    an_office,
    open_store,
    typed,
)
from tests.gate.screen_gallery import TIDY_CHROMIUM, chromium
from tests.sync.central.test_console_browser import CONTRASTS
from tests.sync.samples import a_template, a_worker
from tests.sync.test_store_faults import child

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]

ROOT = Path(__file__).parents[2]
TIMEOUT_MS = 60_000
SMALLEST_TARGET_PX = 48
DESCRIBED_TAPS = "**6 taps**"
"""What docs/kiosk.md promises, from the first page to a registered worker, beside the capture's own."""

SMALL_TARGETS = """(smallest) => [...document.querySelectorAll("button, a, input, [role=combobox]")]
  .filter((part) => part.offsetParent && !part.closest(".q-chip, [aria-hidden=true]"))
  .map((part) => [part, (part.closest(".q-field__control, label") || part).getBoundingClientRect()])
  .filter(([part, box]) => box.width && Math.round(Math.min(box.height, box.width)) < smallest)
  .map(([part, box]) => [part.outerHTML.slice(0, 80), box.width, box.height].join(" "))"""
UNNAMED = """() => [...document.querySelectorAll("button, a, input, svg[role=img]")]
  .filter((part) => (part.offsetParent || part.tagName === "svg") && !part.closest("[aria-hidden=true]"))
  .filter((part) => !(part.innerText || "").trim() && !part.getAttribute("aria-label")
    && !part.getAttribute("aria-labelledby") && !(part.labels || []).length && !part.closest("label"))
  .map((part) => part.outerHTML.slice(0, 120))"""


@contextmanager
def kiosk(folder: Path) -> Iterator[str]:
    """A kiosk process over the store in `folder`; gives its address without the last slash."""
    command = [sys.executable, "-m", "tests.enroll.kiosk_server", str(folder), "--reader"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip().rstrip("/")
        finally:
            process.stdin.close()
            process.wait(60)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=TIDY_CHROMIUM)
        yield running
        running.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kiosk")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with kiosk(folder) as address:
        yield address


Enter = Callable[[str], Page]


@pytest.fixture
def enter(browser: Browser, url: str) -> Iterator[Enter]:
    """Signs a user in; gives the first page."""
    contexts = []

    def signed_in(user_id: str) -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN")
        contexts.append(context)
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        page.goto(url)
        page.get_by_label("用户名").fill(user_id)
        page.get_by_label("密码").fill(PASSWORD)
        page.get_by_role("button").click()
        page.wait_for_selector(".sg-title")
        return page

    yield signed_in
    for context in contexts:
        context.close()


class Taps:
    """Counts what a finger does."""

    def __init__(self) -> None:
        self.count = 0

    def on(self, target: Locator) -> None:
        target.click()
        self.count += 1

    def sign(self, page: Page) -> None:
        box = page.locator("svg.sg-pad").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 30, box["y"] + 40)
        page.mouse.down()
        for step in range(12):
            page.mouse.move(box["x"] + 30 + 20 * step, box["y"] + 40 + 60 * (step % 2), steps=3)
        page.mouse.up()
        self.count += 1


def button(page: Page, words: str) -> Locator:
    return page.get_by_role("button", name=words)


def looks_right(page: Page, name: str) -> None:
    """Large enough for gloves, every control with a name, contrast AA; a picture where one is asked for."""
    assert page.evaluate(SMALL_TARGETS, SMALLEST_TARGET_PX) == []
    assert page.evaluate(UNNAMED) == []
    assert page.evaluate(CONTRASTS) == []
    if shots := os.environ.get("SITEGATE_SCREENSHOTS"):
        page.screenshot(path=Path(shots) / f"kiosk-{name}.png")


def capture(folder: Path) -> str:
    """What the capture page would do for the manager's draft; gives the worker's number."""
    with open_store(folder) as store:
        drafts = Drafts(store, now=lambda: datetime.now(UTC))
        draft = drafts.current(MANAGER)
        assert draft is not None
        assert draft.worker is not None
        worker_id = draft.worker.worker_id
        drafts.put_capture(draft.draft_id, [a_template(worker_id, seed=seed) for seed in range(3)], None, "")
    return worker_id


def test_nothing_is_seen_without_signing_in_nor_from_another_page(url: str) -> None:
    for path in ("/", "/enrol", "/enrol/done", "/enrol/photo"):
        answer = httpx.get(url + path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    foreign = httpx.get(f"{url}/login", headers={"Origin": "http://elsewhere.example"})
    assert foreign.status_code == 403
    login = httpx.post(f"{url}/login", data={"user": MANAGER, "password": "wrong"})
    assert login.status_code == 403
    assert COOKIE not in login.cookies
    assert login.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in login.headers["content-security-policy"]


def test_a_supervisor_looks_and_does_not_register(enter: Enter, url: str) -> None:
    page = enter(SUPERVISOR)
    expect(page.get_by_role("link", name="登记工人")).to_have_count(0)
    page.goto(f"{url}/enrol")
    expect(page.get_by_text("您的角色不能使用此页")).to_be_visible()
    button(page, "退出").click()
    page.get_by_label("用户名").wait_for()


def test_a_worker_is_registered_with_as_many_taps_as_documented(enter: Enter, url: str, folder: Path) -> None:
    page, taps = enter(MANAGER), Taps()
    looks_right(page, "home")
    taps.on(page.locator(".sg-tile", has_text="登记工人"))
    taps.on(button(page, "读取证件"))
    expect(page.get_by_label("姓名")).not_to_have_value("")
    expect(page.get_by_label("出生日期")).not_to_have_value("")
    looks_right(page, "identity")
    taps.on(button(page, "下一步"))
    page.wait_for_url("**/enrol/consent")
    expect(page.get_by_text("人脸识别通行同意书")).to_be_visible()
    looks_right(page, "consent")
    taps.sign(page)
    taps.on(button(page, "同意 I agree"))
    page.wait_for_url("**/enrol/capture")
    worker_id = capture(folder)
    page.goto(f"{url}/enrol/done")
    button(page, "确认登记").wait_for()
    looks_right(page, "check")
    taps.on(button(page, "确认登记"))
    expect(page.get_by_text("登记完成")).to_be_visible()
    expect(page.get_by_text("仅保存在本机")).to_be_visible()
    looks_right(page, "done")
    with open_store(folder) as store:
        (given,) = store.consents(worker_id)
        assert len(store.templates(worker_id)) == 3
        assert given.consent.signature.startswith("M30 40 L")
        acted = {line.action for line in store.audit(50, subject=f"worker:{worker_id}")}
    assert acted == {"registration_opened", "enrolled"}
    assert f"**{taps.count} taps**" == DESCRIBED_TAPS
    assert DESCRIBED_TAPS in (ROOT / "docs/kiosk.md").read_text(encoding="utf-8")

    page.reload()
    button(page, "撤销本次登记").click()
    button(page, "确定撤销").click()
    expect(page.get_by_text("已撤销：本机")).to_be_visible()
    with open_store(folder) as store:
        assert worker_id not in {worker.worker_id for worker in store.workers()}
        assert store.person(worker_id) is None


def test_a_refusal_leads_to_a_pass_and_a_draft_survives_a_reload(
    enter: Enter, url: str, folder: Path
) -> None:
    page = enter(MANAGER)
    page.goto(f"{url}/enrol")
    page.get_by_label("姓名").fill("示例工人丁")
    number = page.get_by_label("证件号码")
    number.fill("110105194912310021")
    expect(page.get_by_text("校验位不符")).to_be_visible()
    button(page, "下一步").click()
    expect(page.get_by_text("请更正标红的内容")).to_be_visible()
    number.fill("11010519491231002x")
    expect(page.get_by_label("出生日期")).to_have_value("1949-12-31")
    page.get_by_label("班组").fill("示例班组")
    page.get_by_label("班组").blur()
    with open_store(folder) as store:
        drafts = Drafts(store, now=lambda: datetime.now(UTC))
        for _ in range(TIMEOUT_MS // 100):
            draft = drafts.current(MANAGER)
            if draft is not None and draft.typed.get("team"):
                break
            page.wait_for_timeout(100)
    page.reload()
    expect(page.get_by_label("姓名")).to_have_value("示例工人丁")
    expect(page.get_by_label("班组")).to_have_value("示例班组")
    page.get_by_label("姓名").press("Enter")
    page.wait_for_url("**/enrol/consent")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_text("Consent to entry by face recognition")).to_be_visible()
    button(page, "同意 I agree").click()
    expect(page.get_by_text("请先签名")).to_be_visible()
    button(page, "不同意").click()
    page.wait_for_url("**/enrol/done")
    expect(page.get_by_text("不同意：用二维码或工牌")).to_be_visible()
    button(page, "确认登记").click()
    expect(page.get_by_text("登记完成")).to_be_visible()
    expect(button(page, "二维码通行证")).to_be_visible()
    button(page, "下一位").click()
    page.get_by_label("证件号码").fill("11010519491231002X")
    expect(page.get_by_text("该证件已经登记过")).to_be_visible()
    expect(page.get_by_text("示例工人丁")).to_be_visible()
    looks_right(page, "same-document")
    button(page, "取消").click()
    button(page, "放弃").click()
    page.wait_for_selector(".sg-tiles")
    with open_store(folder) as store:
        (worker,) = [one for one in store.workers() if one.name == "示例工人丁"]
        assert store.templates(worker.worker_id) == []
        assert Drafts(store, now=lambda: datetime.now(UTC)).current(MANAGER) is None


def test_the_consent_may_be_signed_on_paper(enter: Enter, url: str, folder: Path) -> None:
    page = enter(MANAGER)
    page.goto(f"{url}/enrol")
    button(page, "读取证件").click()
    expect(page.get_by_label("姓名")).not_to_have_value("")
    button(page, "下一步").click()
    page.wait_for_url("**/enrol/consent")
    page.get_by_role("button", name="纸质签字").click()
    button(page, "同意 I agree").click()
    expect(page.get_by_text("请拍摄或选择签字页")).to_be_visible()
    looks_right(page, "paper")
    picture = page.screenshot(type="jpeg")
    files = [{"name": "page.jpg", "mimeType": "image/jpeg", "buffer": picture}]
    page.set_input_files("input[type=file]", files)  # type: ignore[arg-type]
    expect(page.get_by_text("签字页已保存")).to_be_visible()
    button(page, "同意 I agree").click()
    page.wait_for_url("**/enrol/capture")
    with open_store(folder) as store:
        drafts = Drafts(store, now=lambda: datetime.now(UTC))
        draft = drafts.current(MANAGER)
        assert draft is not None
        assert draft.scan is not None
        assert draft.scan.startswith(b"\xff\xd8")
        drafts.cancel(draft.draft_id)


def test_an_administrator_reads_who_did_what(enter: Enter, url: str) -> None:
    page = enter(ADMIN)
    page.get_by_role("link", name="操作记录").first.click()
    expect(page.get_by_role("cell", name="login", exact=True).first).to_be_visible()
    looks_right(page, "audit")


def test_a_site_report_is_sent_after_a_correction_and_a_declaration_asks_for_what_is_missing(
    enter: Enter, url: str, folder: Path
) -> None:
    worker = a_worker("W-810", name="示例工人庚")
    with open_store(folder) as store:
        store.put_worker(worker)
    page = enter(MANAGER)
    page.goto(f"{url}/site-report")
    button(page, "填写今天的上报").first.click()
    expect(page.get_by_label("在岗人数")).to_be_visible()
    looks_right(page, "site-report")
    for label, typed_in in (("在岗人数", "10"), ("从疫情地区返回", "0"), ("身体不适", "11")):
        page.get_by_label(label).first.fill(typed_in)
    button(page, "提交").click()
    expect(page.get_by_text("尚未提交")).to_be_visible()
    page.get_by_label("身体不适").first.fill("1")
    button(page, "提交").click()
    expect(page.get_by_text("上报成功")).to_be_visible()
    looks_right(page, "site-report-sent")
    with open_store(folder) as store:
        (note,) = [item for item in store.outbox_pending(limit=50) if item.kind == "site_report"]
    assert note.record_id

    page.goto(f"{url}/declare")
    page.get_by_label("姓名").fill("示例工人庚")
    button(page, "查找").click()
    button(page, worker.worker_id).click()
    expect(button(page, "提交")).to_be_visible()
    looks_right(page, "declare")
    button(page, "提交").click()
    expect(page.get_by_text("尚未提交")).to_be_visible()
    button(page, "返回").click()
    expect(page.get_by_text("请选择申报人")).to_be_visible()
    button(page, "访客申报").click()
    expect(page.get_by_role("heading", name="访客申报")).to_be_visible()  # the labels are on both pages
    page.get_by_label("姓名").fill("示例访客")
    page.get_by_label("证件号码").fill("110105194912310021")
    button(page, "下一步").click()
    expect(page.get_by_text("请填写手机号")).to_be_visible()
    looks_right(page, "declare-visitor")
    page.get_by_label("手机号").fill("13800000000")
    page.get_by_label("证件号码").fill("11010519491231002X")
    button(page, "下一步").click()
    expect(button(page, "提交")).to_be_visible()
    expect(page.get_by_text("示例访客")).to_be_visible()


@pytest.mark.parametrize(("path", "afterwards"), [("/enrol", "证件号码"), ("/workers/ageing", "返回列表")])
def test_a_page_that_cannot_use_the_store_says_so_and_tries_again(
    enter: Enter, url: str, folder: Path, path: str, afterwards: str
) -> None:
    page = enter(ADMIN)
    with child(folder / "kiosk.db", folder / "kiosk.key") as other:
        assert other.ask("lock") == "locked"
        page.goto(url + path)
        said = page.get_by_role("alert").filter(has_text="数据库正被其他程序占用")
        expect(said).to_be_visible()
        expect(page.get_by_text(afterwards)).to_have_count(0)
        looks_right(page, f"locked-{path.rpartition('/')[2]}")
        assert other.ask("unlock") == "released"
        button(page, "重试").click()
        expect(page.get_by_text(afterwards).first).to_be_visible()
        expect(said).to_have_count(0)


def test_a_page_leads_to_the_sign_in_when_its_session_has_ended(enter: Enter, folder: Path) -> None:
    with open_store(folder) as store:
        accounts = KioskAccounts(
            store, now=lambda: datetime.now(UTC), idle=timedelta(minutes=1), hasher=QUICK_HASHER
        )
        accounts.add_user("guest", password=PASSWORD, role=KioskRole.SITE_MANAGER, by="test")
        page = enter("guest")
        expect(page.locator(".sg-tiles")).to_be_visible()
        accounts.remove_user("guest", by="test")
    expect(page.get_by_label("用户名")).to_be_visible()


def test_a_capture_that_was_left_out_and_one_of_a_known_worker_are_registered_too(
    enter: Enter, url: str, folder: Path
) -> None:
    page = enter(MANAGER)
    with an_office(folder) as office:
        draft_id = office.drafts.begin(MANAGER).draft_id
        passport = {"document_type": "passport", "document_number": "E00000001", "name": "示例工人戊"}
        office.registration.put_identity(draft_id, typed(office, **passport))
        office.registration.put_consent(
            draft_id,
            office.consent_texts.current("zh"),
            granted=True,
            signature=Signature(strokes=SIGNATURE),
            by=MANAGER,
        )
        office.drafts.put_capture(draft_id, [], None, "")
        page.goto(f"{url}/enrol/done")
        expect(page.get_by_text("未拍摄：用二维码或工牌")).to_be_visible()
        button(page, "确认登记").click()
        expect(page.get_by_text("登记完成")).to_be_visible()
        (worker,) = [one for one in office.store.workers() if one.name == "示例工人戊"]

        office.book.recapture(worker.worker_id, by=MANAGER)
        capture(folder)
        page.goto(f"{url}/enrol/done")
        button(page, "确认登记").click()
        page.wait_for_url(f"**/worker/{worker.worker_id}")
        assert len(office.store.templates(worker.worker_id)) == 3
