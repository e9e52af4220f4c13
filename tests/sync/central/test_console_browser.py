"""The console in a real browser: what each role finds, does, and does not see."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from sync.central.accounts_access import Role
from sync.central.console.access import COOKIE
from sync.central.database import Database
from sync.central.front_office import FrontOffice
from tests.gate.screen_gallery import TIDY_CHROMIUM, chromium
from tests.sync.central.console_samples import (
    ADMIN,
    FORMULA_NAME,
    MANAGER_A,
    PASSWORD,
    QUICK_HASHER,
    SUPERVISOR_A,
    B,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]

TIMEOUT_MS = 60_000
CLICKS = 3
REASON = "班长证明"
PAGES = ("/", "/on-site", "/gates", "/attendance", "/workers")
ROOT = Path(__file__).parents[3]

CONTRASTS = """() => {
  const light = (colour) => colour.slice(0, 3).map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const ground = (part) => {
    for (let one = part; one; one = one.parentElement) {
      const colour = numbers(getComputedStyle(one).backgroundColor);
      if (colour.length < 4 || colour[3] > 0.99) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const part = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || !part.offsetParent || part.closest("[disabled], script, style")) continue;
    const [a, b] = [light(numbers(getComputedStyle(part).color)), light(ground(part))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(text + " " + ratio.toFixed(2));
  }
  return poor;
}"""

MENU_COLUMNS = """() => new Set([...document.querySelectorAll("nav .sg-link")]
  .map((link) => Math.round(link.getBoundingClientRect().left))).size"""


@contextmanager
def console(folder: Path, server: str = "tests.sync.central.console_server") -> Iterator[str]:
    """A console process over the fictional centre in `folder`; gives its address without the last slash."""
    command = [sys.executable, "-m", server, str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip().rstrip("/")
        finally:
            process.stdin.close()
            process.wait(30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=TIDY_CHROMIUM)
        yield running
        running.close()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with console(tmp_path_factory.mktemp("console")) as address:
        yield address


Enter = Callable[[str], Page]


@pytest.fixture
def enter(browser: Browser, url: str) -> Iterator[Enter]:
    """Signs a user in; gives the page, which is the access log."""
    contexts = []

    def signed_in(user_id: str) -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        contexts.append(context)
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        page.goto(url)
        sign_in(page, user_id, PASSWORD)
        page.wait_for_selector(".sg-table tbody .sg-open")
        return page

    yield signed_in
    for context in contexts:
        context.close()


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("SITEGATE_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def sign_in(page: Page, user_id: str, password: str) -> None:
    page.fill("[name=user]", user_id)
    page.fill("[name=password]", password)
    page.keyboard.press("Enter")


def rows(page: Page) -> int:
    return page.locator(".sg-table tbody .sg-open").count()


def field(page: Page, label: str) -> str:
    """The selector of an input by its label."""
    return f".sg-field:has-text('{label}') input"


def open_row(page: Page, text: str) -> None:
    """A page that connects anew on a busy machine has no answer to a click: then it is clicked again."""
    for _ in range(CLICKS):
        with suppress(PlaywrightTimeout):
            page.click(f"tr:has-text('{text}') .sg-open", timeout=TIMEOUT_MS / CLICKS)
        with suppress(PlaywrightTimeout):
            page.wait_for_selector(".sg-dialog .sg-title", timeout=TIMEOUT_MS / CLICKS)
            return
    raise AssertionError(f"{text} does not open")


def cookie_of(page: Page) -> dict[str, object]:
    return next(dict(one) for one in page.context.cookies() if one.get("name") == COOKIE)


def test_nothing_is_shown_without_signing_in(url: str) -> None:
    for path in (*PAGES, "/audit", "/download/made-up", "/nowhere"):
        answer = httpx.get(url + path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/login"), path
    assert httpx.get(f"{url}/api/v1/sites").status_code == 401
    assert httpx.get(f"{url}/api/v1/openapi.json").json()["info"]["title"] == "Sitegate centre"
    made_up = httpx.get(url, cookies={COOKIE: "made-up"})
    assert made_up.headers["location"] == "/login"


def test_a_centre_without_a_site_says_what_comes_first(browser: Browser, tmp_path: Path) -> None:
    with Database.open(f"sqlite:///{tmp_path / 'central.db'}") as database:
        accounts = FrontOffice(database, hasher=QUICK_HASHER).accounts
        accounts.add_user(ADMIN, password=PASSWORD, role=Role.ADMIN)
    with console(tmp_path) as url, browser.new_context() as context:
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        page.goto(url)
        sign_in(page, ADMIN, PASSWORD)
        page.wait_for_selector(".sg-header")
        for path in ("/", "/gates", "/attendance", "/declarations", "/dashboard"):
            page.goto(url + path)
            expect(page.locator(".sg-code")).to_contain_text("sitegate central site add")


def test_another_page_cannot_use_the_console(url: str) -> None:
    answer = httpx.post(f"{url}/login", data={"user": ADMIN}, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403


def test_a_wrong_password_is_told_and_the_right_one_opens(browser: Browser, url: str) -> None:
    with browser.new_context() as context:
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        page.goto(f"{url}/workers")
        sign_in(page, MANAGER_A, "not the password")
        page.wait_for_selector("[role=alert]")
        sign_in(page, MANAGER_A, PASSWORD)
        page.wait_for_selector(".sg-header")
        cookie = cookie_of(page)
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")


def test_signing_out_ends_the_session_on_the_server(enter: Enter, url: str) -> None:
    page = enter(MANAGER_A)
    secret = str(cookie_of(page)["value"])
    assert httpx.get(url, cookies={COOKIE: secret}).status_code == 200
    page.click(".sg-out")
    page.wait_for_selector("[name=password]")
    assert httpx.get(url, cookies={COOKIE: secret}).status_code == 303


def test_a_manager_sees_the_own_site_and_no_word_of_another(enter: Enter, url: str) -> None:
    page = enter(MANAGER_A)
    for path in PAGES:
        page.goto(url + path)
        page.wait_for_selector(".sg-title")
        page.wait_for_function("() => document.querySelector('.sg-main').innerText.includes('滨江示例工地')"
                               " || location.pathname === '/workers'")  # fmt: skip
        content = page.content()
        for word in ("样六顺", "B-001", "北山示例工地"):
            assert word not in content, (path, word)
    page.goto(f"{url}/audit")
    page.wait_for_selector("text=Your role does not include this page")
    page.wait_for_selector("text=请管理员调整角色")  # and what to do about it
    assert page.locator(".sg-table").count() == 0
    page.goto(f"{url}/person/B-001")
    page.wait_for_selector("text=没有找到，或不属于您的工地")
    page.goto(f"{url}/nothing-here")
    page.click("text=回到首页")
    page.wait_for_selector(".sg-title")


def test_the_log_is_filtered_by_keyboard_and_paged(enter: Enter) -> None:
    page = enter(ADMIN)
    assert rows(page) == 11
    page.fill(field(page, "Name or number"), "A-004")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=2 条 records")
    assert rows(page) == 2
    assert FORMULA_NAME in page.inner_text(".sg-table")
    page.fill(field(page, "Name or number"), "")
    page.fill(field(page, "From"), "2026-03-02T07:05")
    page.fill(field(page, "Until"), "2026-03-02T07:08")
    page.keyboard.press("Enter")
    page.wait_for_selector(".sg-table >> text=拒绝 Denied")
    assert rows(page) == 2


def test_one_event_is_opened_and_closed_by_keyboard(enter: Enter) -> None:
    page = enter(ADMIN)
    page.focus("tr:has-text('A-003') .sg-open")
    page.keyboard.press("Enter")
    page.wait_for_selector(".sg-dialog .sg-title")
    text = page.inner_text(".sg-dialog")
    for words in ("flag_hold", "Another person stood in the zone", "0.731 / 0.452", "样三和"):
        assert words in text
    page.keyboard.press("Escape")
    page.wait_for_selector(".sg-dialog", state="detached")


def test_an_export_is_what_is_shown_and_is_fetched_once(enter: Enter, url: str) -> None:
    page = enter(MANAGER_A)
    page.fill(field(page, "Team"), "木工二班")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=3 条 records")
    with page.expect_download() as waiting:
        page.click(".sg-action:has-text('CSV')")
    download = waiting.value
    text = Path(download.path()).read_text(encoding="utf-8-sig")
    found = list(csv.DictReader(StringIO(text, newline="")))
    assert len(found) == 3
    assert found[0]["姓名 Name"] == f"'{FORMULA_NAME}"
    assert "木工" not in download.url
    cookies = {COOKIE: str(cookie_of(page)["value"])}
    assert httpx.get(download.url, cookies=cookies).status_code == 404


def test_a_supervisor_flags_a_worker_with_a_reason_and_takes_it_back(enter: Enter, url: str) -> None:
    page = enter(SUPERVISOR_A)
    page.goto(f"{url}/workers")
    open_row(page, "A-001")
    page.click(".sg-action:has-text('Add a flag')")
    page.wait_for_selector("text=a flag needs a reason")
    page.fill("[data-field=why]", REASON)
    page.click(".sg-action:has-text('Add a flag')")
    page.wait_for_selector(f".sg-flag:has-text('{REASON}')")
    page.wait_for_selector(".q-notification:has-text('Saved')")
    assert page.evaluate(CONTRASTS) == []
    page.fill("[data-field=why]", "核对完成")
    page.click(".sg-flag .sg-action")
    page.wait_for_selector("text=No flags")


def test_a_manager_adds_a_missing_passage_and_a_supervisor_cannot(enter: Enter, url: str) -> None:
    page = enter(SUPERVISOR_A)
    page.goto(f"{url}/attendance")
    open_row(page, "A-002")
    page.wait_for_selector("text=no way out")
    assert page.locator("[data-field=why]").count() == 0
    page = enter(MANAGER_A)
    page.goto(f"{url}/attendance")
    open_row(page, "A-002")
    page.fill("[data-field=why]", REASON)
    page.fill(".sg-dialog " + field(page, "Time"), "2026-03-01T17:10")
    page.click(".sg-dialog .sg-action:has-text('Save')")
    page.wait_for_selector(f".sg-dialog >> text={REASON}")
    assert re.search(r"10\.00", page.inner_text(".sg-dialog .sg-table"))
    page.click(".sg-dialog .sg-action:has-text('Withdraw')")
    page.wait_for_selector(".sg-dialog >> text=withdrawn")


def test_an_administrator_finds_every_look_in_the_audit_log(enter: Enter, url: str) -> None:
    open_row(enter(MANAGER_A), "A-005")
    page = enter(ADMIN)
    page.goto(f"{url}/audit")
    page.wait_for_selector("text=looked_at_event")
    text = page.inner_text(".sg-table")
    assert "event:site-a-gate-1-6" in text
    assert "127.0.0.1" in text
    assert f"{B}-gate" not in text


def test_every_page_reads_well_and_asks_only_its_own_centre(enter: Enter, url: str, shots: Path) -> None:
    page = enter(ADMIN)
    asked: list[str] = []
    problems: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: problems.append(str(error)))
    for path in (*PAGES, "/audit"):
        page.goto(url + path)
        page.wait_for_selector(".sg-title")
        page.wait_for_timeout(500)  # the picture, once transitions are over
        name = path.strip("/") or "log"
        page.screenshot(path=shots / f"console-{name}.png")
        assert page.evaluate(CONTRASTS) == [], path
        assert page.evaluate(MENU_COLUMNS) == 1, path  # however many areas there are
        wide = "() => document.documentElement.scrollWidth - innerWidth"
        assert page.evaluate(wide) <= 0, path
        if path in {"/", "/attendance", "/workers"}:
            open_row(page, "A-002")
            page.wait_for_timeout(600)
            page.screenshot(path=shots / f"console-{name}-one.png")
            assert page.evaluate(CONTRASTS) == [], path
    outside = {one for one in asked if not one.startswith((url, url.replace("http", "ws"), "data:", "blob:"))}
    assert outside == set()
    assert problems == []


def test_the_menu_is_grouped_and_the_current_entry_in_sight_on_a_low_screen(enter: Enter, url: str) -> None:
    page = enter(ADMIN)
    page.set_viewport_size({"width": 1280, "height": 560})
    page.goto(f"{url}/audit")
    current = page.locator(".sg-nav [aria-current=page]")
    expect(current).to_be_in_viewport(timeout=TIMEOUT_MS)
    expect(page.locator(".sg-out")).to_be_in_viewport()
    groups = page.locator(".sg-nav [role=group]")
    assert [one.get_attribute("aria-label") for one in groups.all()] == [
        "现场 Site",
        "人员 People",
        "核查 Checks",
        "管理 Office",
    ]
    expect(groups.last.locator("[aria-current=page]")).to_have_count(1)


def test_on_a_phone_the_menu_waits_behind_a_button_that_the_keyboard_reaches(enter: Enter, url: str) -> None:
    page = enter(SUPERVISOR_A)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{url}/workers")
    button, links = page.locator(".sg-menu-button"), page.locator(".sg-nav .sg-link")
    expect(button).to_have_attribute("aria-expanded", "false", timeout=TIMEOUT_MS)
    expect(links.first).to_be_hidden()
    expect(page.locator(".sg-title")).to_be_in_viewport()
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true", timeout=TIMEOUT_MS)
    expect(links.first).to_be_visible()
    assert page.evaluate(CONTRASTS) == []
    page.keyboard.press("Tab")
    expect(links.first).to_be_focused()
    assert "Audit" not in page.locator(".sg-nav").inner_text()  # not of this role
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(links.first).to_be_hidden(timeout=TIMEOUT_MS)


def test_a_decision_explains_itself_and_what_held_at_any_moment(enter: Enter, shots: Path) -> None:
    page = enter(SUPERVISOR_A)
    open_row(page, "A-003")
    dialog = page.locator(".sg-dialog")
    story = dialog.inner_text()
    for part in ("Decided by", "(flag_hold)", "Noted beside it", "36.6 °C", "2026-03-09 00:00"):
        assert part in story
    page.screenshot(path=shots / "console-event.png")
    page.click("button:has-text('What holds at a moment')")
    standing = page.locator(".sg-dialog").last
    standing.locator(".sg-fact:has-text('Key-monitoring list')").wait_for()
    assert "证件待核" in standing.inner_text()
    page.screenshot(path=shots / "console-standing.png")
    standing.locator("input[type=datetime-local]").fill("")
    standing.locator("button:has-text('Look')").click()
    page.wait_for_selector("text=Choose day and time")
