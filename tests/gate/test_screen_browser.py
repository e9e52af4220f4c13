"""The gate screen in a real browser: what a worker, a guard and a bystander can see."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import zxingcpp
from playwright.sync_api import Browser, Page, sync_playwright

from gate.reasons import Reason
from gate.settings import ScreenSettings
from gate.view import Health, Phase
from models.face import Advice
from sync.errors import StoreReadOnly
from sync.records import Outcome
from tests.gate.screen_gallery import (
    COPIED,
    DECLARE,
    FEVER,
    ORIENTATIONS,
    SITUATIONS,
    TIDY_CHROMIUM,
    chromium,
    opened,
    served,
    situation_shown,
)
from tests.gate.scripted_view import LANE, NAME, PIN, ScriptedView

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]

HEADLINE_MIN_PX = 64.0
ANSWER_GONE_MS = 3000
LOST_SHOWN_MS = 3000
SLACK_MS = 30_000
"""For a busy machine; the product's own limits are the two above."""

BLANK_CANVAS = """() => {
  const canvas = document.querySelector("canvas");
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return pixels.every((value, index) => value === 0 || (index % 4 === 3 && value === 255));
}"""
IS_CUT = """() => [...document.querySelectorAll(".sg-panel, .sg-name, .sg-place-line, .sg-footer")]
  .filter((part) => part.scrollWidth > part.clientWidth + 1
    || (part.matches(".sg-panel") && part.scrollHeight > part.clientHeight + 1))
  .map((part) => part.className)"""


def has_chinese_font() -> bool:
    """As fontconfig sees it, which is what Chromium draws with."""
    asked = shutil.which("fc-list")
    return asked is None or bool(subprocess.check_output([asked, ":lang=zh-cn", "family"]))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=TIDY_CHROMIUM)
        yield running
        running.close()


@pytest.fixture(scope="module")
def served_view() -> Iterator[tuple[ScriptedView, str]]:
    view = ScriptedView()
    with served(view, ScreenSettings(port=0)) as url:
        yield view, url


@pytest.fixture
def view(served_view: tuple[ScriptedView, str]) -> ScriptedView:
    served_view[0].reset()
    return served_view[0]


@pytest.fixture
def url(served_view: tuple[ScriptedView, str]) -> str:
    return served_view[1]


@pytest.fixture
def page(browser: Browser, view: ScriptedView, url: str) -> Iterator[Page]:
    with opened(browser, url, "landscape") as shown:
        yield shown


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("SITEGATE_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def headline_px(page: Page) -> float:
    return float(
        page.eval_on_selector(".sg-title", "(title) => parseFloat(getComputedStyle(title).fontSize)")
    )


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_every_situation_is_shown_big_and_whole(
    browser: Browser, view: ScriptedView, url: str, shots: Path, orientation: str
) -> None:
    with opened(browser, url, orientation) as page:
        for name in SITUATIONS:
            situation_shown(page, view, name)
            page.screenshot(path=shots / f"screen-{name}-{orientation}.png")
            assert page.evaluate(IS_CUT) == [], name
            assert headline_px(page) >= HEADLINE_MIN_PX, name


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_no_reason_and_no_advice_is_cut_off(
    browser: Browser, view: ScriptedView, url: str, orientation: str
) -> None:
    with opened(browser, url, orientation) as page:
        is_shown = "(id) => document.querySelector('.sg-screen').dataset.event === id"
        for number, reason in enumerate(Reason):
            view.answers(Outcome.DENY, reason, Reason.OUTSIDE_SCHEDULE, event_id=f"event-{number}")
            page.wait_for_function(is_shown, arg=f"event-{number}")
            assert page.evaluate(IS_CUT) == [], reason
            assert headline_px(page) >= HEADLINE_MIN_PX, reason
        for advice in Advice:
            view.person_arrives(advice=advice)
            page.wait_for_selector(f".sg-icon[data-name={advice.value}]", state="attached")
            assert page.evaluate(IS_CUT) == [], advice
            assert headline_px(page) >= HEADLINE_MIN_PX, advice


@pytest.mark.skipif(not has_chinese_font(), reason="no Chinese font here (apt-get install fonts-noto-cjk)")
def test_chinese_words_are_drawn_and_not_boxes(page: Page) -> None:
    widths = page.evaluate(
        """() => {
          const canvas = document.createElement("canvas");
          const pen = canvas.getContext("2d", { willReadFrequently: true });
          const drawn = (text) => {
            pen.clearRect(0, 0, 300, 150);
            pen.font = "80px " + getComputedStyle(document.querySelector(".sg-title")).fontFamily;
            pen.fillText(text, 10, 110);
            return pen.getImageData(0, 0, 300, 150).data.join();
          };
          return [drawn("通"), drawn("行"), drawn("\\uE0F0")];
        }"""
    )
    assert len(set(widths)) == 3, "a missing glyph looks like every other missing glyph"


def test_an_answer_reaches_the_eye_at_once(page: Page, view: ScriptedView) -> None:
    took_ms = []
    for number in range(5):
        name = f"样{number}"
        begin = time.perf_counter()
        view.answers(Outcome.ALLOW, Reason.OK, name=name, event_id=f"event-{number}")
        page.wait_for_function("(name) => document.body.innerText.includes(name)", arg=name)
        took_ms.append(1000 * (time.perf_counter() - begin))
    assert min(took_ms) < 2000, took_ms


def test_nothing_personal_is_left_when_the_time_is_up(page: Page, view: ScriptedView) -> None:
    view.answers(Outcome.ALLOW, Reason.OK)
    page.wait_for_selector(".sg-name")
    assert NAME in page.inner_text(".sg-screen")
    view.jpeg = None  # the person has gone, and with it the camera
    page.wait_for_selector(".sg-name", state="detached", timeout=ANSWER_GONE_MS + SLACK_MS)
    page.wait_for_selector(".sg-screen[data-live=false]")
    assert NAME not in page.content()
    assert page.evaluate(BLANK_CANVAS)


def test_the_browser_forgets_a_name_even_if_the_gate_does_not_take_it_away(
    page: Page, view: ScriptedView
) -> None:
    view.answers(Outcome.DENY, Reason.TRAINING_EXPIRED, shown_s=1000)
    page.wait_for_selector(".sg-name")
    page.wait_for_selector(".sg-name", state="detached", timeout=ANSWER_GONE_MS + SLACK_MS)
    assert NAME not in page.content()


def test_a_new_answer_is_shown_for_its_own_time(page: Page, view: ScriptedView) -> None:
    view.answers(Outcome.ALLOW, Reason.OK, name="样甲", shown_s=1.0)
    page.wait_for_selector("text=样甲")
    view.answers(Outcome.DENY, Reason.NOT_REGISTERED, name="样乙", shown_s=1000, event_id="event-2")
    page.wait_for_selector("text=样乙")
    page.wait_for_timeout(1300)  # the first one's timer must not end the second
    assert page.is_visible("text=样乙")


def test_the_answer_is_spoken_in_both_languages(browser: Browser, view: ScriptedView, url: str) -> None:
    with browser.new_context() as context:
        context.add_init_script(
            """window.said = [];
            window.speechSynthesis.speak = (line) => window.said.push([line.lang, line.text]);"""
        )
        page = context.new_page()
        page.goto(f"{url}/lane/{LANE}")
        page.wait_for_selector(".sg-screen")
        view.answers(Outcome.DENY, Reason.TRAINING_EXPIRED)
        page.wait_for_function("() => window.said.length === 2")
        assert page.evaluate("() => window.said") == [
            ["zh-CN", "安全培训已过期，请复训"],
            ["en-US", "Your safety training has expired."],
        ]


def test_the_page_talks_to_nobody_but_the_gate(browser: Browser, view: ScriptedView, url: str) -> None:
    asked: list[str] = []
    with browser.new_context() as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("websocket", lambda socket: asked.append(socket.url.replace("ws://", "http://")))
        page.goto(f"{url}/lane/{LANE}")
        page.wait_for_selector(".sg-screen[data-live=true]")
        for name in SITUATIONS:
            situation_shown(page, view, name)
    assert len(asked) > 10
    assert {address for address in asked if not address.startswith((url, "data:", "blob:"))} == set()


def test_the_picture_is_mirrored_for_a_camera_that_faces_the_worker(page: Page, view: ScriptedView) -> None:
    assert page.is_visible(".sg-picture.sg-mirror")
    view.state = replace(view.state, mirror=False)
    page.wait_for_selector(".sg-picture:not(.sg-mirror)")


def test_a_lost_camera_leaves_no_old_picture_standing(page: Page, view: ScriptedView) -> None:
    view.jpeg = None
    page.wait_for_selector("text=无画面")
    assert page.evaluate(BLANK_CANVAS)


# -- the guard ---------------------------------------------------------------------------------------------


def fill_override(page: Page, *, guard: str = "G-07", pin: str = PIN) -> None:
    page.click(".sg-guard")
    page.wait_for_selector(".sg-override")
    page.fill("[data-field=guard]", guard)
    page.click("[data-field=pin]")
    page.wait_for_selector(".sg-aimed [data-field=pin]")
    for digit in pin:
        page.click(f".sg-key >> text='{digit}'")


def open_the_door(page: Page) -> None:
    page.click(".sg-submit")


def test_a_guard_opens_with_number_reason_and_pin(page: Page, view: ScriptedView) -> None:
    fill_override(page)
    page.click(".sg-preset >> nth=0")
    open_the_door(page)
    page.wait_for_selector(".sg-good >> text=Opened by guard")
    assert view.overrides == [(LANE, "G-07", "证件已核对 ID checked")]
    page.wait_for_selector(".sg-override", state="detached")
    page.click(".sg-guard")
    page.wait_for_selector(".sg-override")
    assert page.input_value("[data-field=guard]") == ""
    assert page.input_value("[data-field=pin]") == ""


def test_a_guard_without_a_reason_is_asked_for_one(page: Page, view: ScriptedView) -> None:
    fill_override(page)
    open_the_door(page)
    page.wait_for_selector(".sg-bad >> text=Choose or write a reason")
    assert view.overrides == []


def test_a_wrong_pin_is_said_and_leaves_the_field_empty(page: Page, view: ScriptedView) -> None:
    fill_override(page, pin="111")
    page.fill("[data-field=reason]", "停电核对")
    open_the_door(page)
    page.wait_for_selector(".sg-bad >> text=wrong PIN")
    page.wait_for_selector(".sg-bad >> text=4 attempts are left")
    page.wait_for_function("() => document.querySelector('[data-field=pin]').value === ''")
    assert view.overrides == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (StoreReadOnly("the disk is read-only", next_step="remount it"), "the disk is read-only remount it"),
        (RuntimeError("something nobody thought of"), "a fault, see the gate"),
    ],
)
def test_a_fault_while_opening_is_said_to_the_guard(
    page: Page, view: ScriptedView, fault: Exception, words: str
) -> None:
    view.override_fault = fault
    fill_override(page)
    page.click(".sg-preset >> nth=1")
    open_the_door(page)
    page.wait_for_selector(f".sg-bad >> text={words}")


def test_fire_stands_before_an_open_dialog(page: Page, view: ScriptedView) -> None:
    fill_override(page)
    view.has_health(Health(fire=True))
    page.wait_for_selector(".sg-screen[data-tone=fire]")
    on_top = "() => !!document.elementFromPoint(innerWidth / 2, innerHeight / 2).closest('.sg-screen')"
    assert page.evaluate(on_top)


def test_the_pin_stands_in_no_address_no_log_and_not_in_the_page(
    page: Page, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    fill_override(page)
    page.click(".sg-preset >> nth=0")
    open_the_door(page)
    page.wait_for_selector(".sg-good")
    assert not any(PIN in address for address in asked)
    assert PIN not in caplog.text
    assert PIN not in page.content()


# -- the gate goes and comes back ----------------------------------------------------------------------------


class GateProcess:
    """A screen in a process of its own, always on the same port."""

    def __init__(self) -> None:
        self.port = 0
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        command = [sys.executable, "-m", "tests.gate.scripted_view", "--port", str(self.port), "--answer"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
        )
        assert self.process.stdout is not None
        url = self.process.stdout.readline().strip().rstrip("/")
        self.port = int(url.rsplit(":", 1)[1])
        return url

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def end(self) -> None:
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self.process = None


@pytest.fixture
def gate_process() -> Iterator[GateProcess]:
    process = GateProcess()
    yield process
    process.end()


def take_away(gate: GateProcess) -> Callable[[], object]:
    gate.end()
    return gate.start


def freeze(gate: GateProcess) -> Callable[[], object]:
    gate.send(signal.SIGSTOP)
    return lambda: gate.send(signal.SIGCONT)


@pytest.mark.parametrize("loss", [take_away, freeze])
def test_a_lost_gate_is_said_within_three_seconds_and_found_again(
    browser: Browser, gate_process: GateProcess, loss: Callable[[GateProcess], Callable[[], object]]
) -> None:
    with opened(browser, gate_process.start(), "landscape") as page:
        page.wait_for_selector(".sg-name")
        bring_back = loss(gate_process)
        begin = time.perf_counter()
        page.wait_for_selector(".sg-screen[data-tone=lost]")
        assert 1000 * (time.perf_counter() - begin) < LOST_SHOWN_MS + SLACK_MS
        assert page.is_visible("text=连接中断")
        assert NAME not in page.content()
        page.wait_for_selector(".sg-screen[data-live=false]", state="attached")
        assert page.evaluate(BLANK_CANVAS)
        bring_back()
        page.wait_for_selector(".sg-screen[data-live=true]:not([data-tone=lost])", timeout=60_000)


def test_the_code_to_the_form_is_read_by_a_phone_a_metre_away_and_stays_when_the_name_is_gone(
    browser: Browser, view: ScriptedView, url: str, shots: Path
) -> None:
    for orientation in ORIENTATIONS:
        with opened(browser, url, orientation) as page:
            situation_shown(page, view, "declare")
            assert as_a_phone_sees_it(page.screenshot()) == [DECLARE.address]
            view.state = replace(view.state, phase=Phase.IDLE, answer=None)
            page.wait_for_selector(".sg-screen[data-tone=idle]", state="attached")
            page.screenshot(path=shots / f"screen-code-stays-{orientation}.png")
            assert NAME not in page.content()
            assert as_a_phone_sees_it(page.screenshot()) == [DECLARE.address]
            view.has_notices(FEVER, COPIED)
            page.wait_for_selector(".sg-notices li")
            assert page.evaluate(IS_CUT) == []
            page.screenshot(path=shots / f"screen-code-and-notices-{orientation}.png")
            assert as_a_phone_sees_it(page.screenshot()) == [DECLARE.address]
            view.person_arrives(Phase.APPROACHING, Advice.TURN_LEFT)
            page.wait_for_selector(".sg-screen[data-tone=approach] .sg-notices", state="attached")
            assert page.evaluate(IS_CUT) == []
            assert page.locator(".sg-code").count() == 0


def as_a_phone_sees_it(png: bytes) -> list[str]:
    """Codes in the screenshot of a 10-inch screen (0.168 mm per pixel) as a phone sees it from 1 m.

    4000 pixels over 70°, the width of a usual main camera, are 0.35 mm per pixel there; and a little blur.
    """
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    seen = cv2.resize(image, None, fx=0.168 / 0.35, fy=0.168 / 0.35, interpolation=cv2.INTER_AREA)
    return [one.text for one in zxingcpp.read_barcodes(cv2.GaussianBlur(seen, (0, 0), 1.0))]
