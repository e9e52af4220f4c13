"""What people do at the kiosk's pages, done by a real browser: register, learn, take a consent back."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from gate.demo.kiosk import KIOSK_PASSWORD, KIOSK_USER
from gate.demo.people import DemoPerson

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTH_PX, HEIGHT_PX = 1280, 800
PATIENCE_MS = 120_000
LOOK_MS = 200
ASK_AGAIN_MS = 1000
SKIP_CLICK_MS = 5000
SKIP_AFTER_S = 12.0
"""The man in the car never turns as far as the kiosk asks: its operator goes on with what there is."""

_PROGRAMS = ("chromium", "chromium-browser")
_OPTIONS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


def what_is_missing() -> str:
    """Why no browser can be driven here; empty where it can."""
    try:
        import playwright.sync_api  # noqa: F401, PLC0415 - an extra
    except ImportError:
        return "the package playwright (pip install 'sitegate[demo]')"
    return "" if _chromium() else "a Chromium that runs (apt-get install chromium)"


def _chromium() -> str | None:
    """Ubuntu's package is only a pointer to a snap, which may not run: so it is tried."""
    for name in _PROGRAMS:
        path = shutil.which(name)
        if path and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
            return path
    return None


class KioskVisit:
    """A signed-in browser at the kiosk."""

    def __init__(self, page: Page, url: str) -> None:
        self._page = page
        self._url = url.rstrip("/")

    def register(self, newcomer: DemoPerson) -> float:
        """Identity, consent, capture; the monotonic time of the tap that confirms it, in s."""
        page = self._page
        page.goto(f"{self._url}/enrol")
        for label, text in (
            ("姓名", newcomer.name),
            ("证件号码", newcomer.document_number),
            ("班组", newcomer.team),
            ("工号", newcomer.worker_id),
        ):
            page.get_by_label(label).fill(text)
        self._press("下一步")
        page.wait_for_url("**/enrol/consent")
        self._sign()
        self._press("同意 I agree")
        page.wait_for_url("**/enrol/capture")
        self._wait_for_capture()
        page.get_by_role("button", name="确认登记").wait_for()
        pressed_s = time.monotonic()
        self._press("确认登记")
        return pressed_s

    def see_registered(self) -> None:
        """Until the kiosk says that the registration is done."""
        self._page.get_by_text("登记完成").wait_for()

    def learn(self, course_title: str, answers: Mapping[str, tuple[str, ...]]) -> bool:
        """Take a course by face, to its result; whether it was passed.

        answers  text of a question → texts of the options to tick
        """
        page = self._page
        page.goto(f"{self._url}/training")
        card = page.locator(".sg-courses > *", has_text=course_title)
        card.get_by_role("button", name="单人学习").click()
        self._press("开始学习")
        self._turn_pages()
        for question, options in answers.items():
            page.get_by_text(question).wait_for()
            for option in options:
                page.locator(".q-radio, .q-checkbox", has_text=option).click()
            self._press("提交答案")
        verdict = page.locator(".sg-verdict")
        verdict.wait_for()
        return "Passed" in verdict.inner_text()

    def withdraw_face(self, worker_id: str) -> list[str]:
        """Take the consent back; the lines of the receipt, once every gate confirmed or patience ended."""
        page = self._page
        page.goto(f"{self._url}/worker/{worker_id}")
        self._press("撤回人脸同意")
        page.get_by_label("请输入工号以确认").fill(worker_id)
        page.locator(".q-dialog .sg-danger").click()
        page.wait_for_url("**/receipt/**")
        deadline_s = time.monotonic() + PATIENCE_MS / 1000
        while True:
            page.get_by_text("闸机 gate").first.wait_for()
            rows = [row.inner_text().split() for row in page.locator(".sg-table tbody tr").all()]
            lines = [" ".join(words) for words in rows]
            waiting = [line for line in lines if line.startswith("闸机") and "尚未确认" in line]
            if not waiting or time.monotonic() > deadline_s:
                return lines
            page.wait_for_timeout(ASK_AGAIN_MS)
            self._press("刷新")

    def _press(self, text: str) -> None:
        self._page.locator("button:visible:not([disabled])", has_text=text).last.click()

    def _sign(self) -> None:
        box = self._page.locator("svg.sg-pad").bounding_box()
        if box is None:
            return
        mouse = self._page.mouse
        mouse.move(box["x"] + 30, box["y"] + 40)
        mouse.down()
        for step in range(12):
            mouse.move(box["x"] + 30 + 20 * step, box["y"] + 40 + 60 * (step % 2), steps=3)
        mouse.up()

    def _wait_for_capture(self) -> None:
        """Shots are taken by themselves; a pose that does not come is skipped, as an operator would."""
        from playwright.sync_api import TimeoutError as TooLate  # noqa: PLC0415 - an extra

        page = self._page
        skip_from_s = time.monotonic() + SKIP_AFTER_S
        while "/enrol/capture" in page.url:
            skip = page.locator("button:visible:not([disabled])", has_text="跳过").first
            if time.monotonic() > skip_from_s and skip.is_visible():
                with suppress(TooLate):  # the shot may come, and the button go, at this very moment
                    skip.click(timeout=SKIP_CLICK_MS, no_wait_after=True)
            page.wait_for_timeout(LOOK_MS)

    def _turn_pages(self) -> None:
        """To the questions. Pages hold their button back for a while; the last names it differently."""
        to_questions = "去答题"
        forward = self._page.locator(
            "button:visible:not([disabled])", has_text=re.compile(f"下一页|{to_questions}")
        )
        at_the_end = False
        while not at_the_end:
            forward.wait_for()
            at_the_end = to_questions in forward.inner_text()
            forward.click()
            self._page.wait_for_timeout(LOOK_MS)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A headless Chromium; one for everything, as Playwright runs once per thread."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - an extra

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=list(_OPTIONS))
        try:
            yield browser
        finally:
            browser.close()


def kiosk_visit(browser: Browser, url: str) -> KioskVisit:
    """Sign in at the kiosk."""
    page = browser.new_page(viewport={"width": WIDTH_PX, "height": HEIGHT_PX}, locale="zh-CN")
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{url.rstrip('/')}/login")
    page.get_by_label("用户名").fill(KIOSK_USER)
    page.get_by_label("密码").fill(KIOSK_PASSWORD)
    page.get_by_role("button").click()
    page.wait_for_selector(".sg-tiles")
    return KioskVisit(page, url)
