"""The situations of the gate screen and their pictures; as a program it renews docs/images.

python -m tests.gate.screen_gallery
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from gate.decision import OnlineStep
from gate.online_step import DECLARE_HERE
from gate.reasons import Reason
from gate.screen import run_screen
from gate.settings import ScreenSettings
from gate.view import Health, Phase
from models.face import Advice
from sync.alerting import shipped_rules
from sync.phone_addresses import declare_address
from sync.records import Outcome
from sync.wire.messages import Notice
from tests.gate.scripted_view import LANE, ScriptedView

ORIENTATIONS = {"landscape": (1280, 800), "portrait": (800, 1280)}

DECLARE = OnlineStep(DECLARE_HERE, declare_address("https://gates.example.org", "riverside"))

FEVER, COPIED = (
    Notice(notice_id=rule.rule_id, zh=rule.guard.zh, en=rule.guard.en, alerts=2, since=datetime.now(UTC))
    for rule in shipped_rules().rules
    if rule.guard is not None and rule.rule_id in ("fever_at_gate", "pass_copied")
)

SITUATIONS: dict[str, Callable[[ScriptedView], None]] = {
    "idle": lambda view: None,
    "approaching": lambda view: view.person_arrives(Phase.APPROACHING, Advice.COME_CLOSER),
    "deciding": lambda view: view.person_arrives(Phase.DECIDING),
    "allow": lambda view: view.answers(Outcome.ALLOW, Reason.OK),
    "hold": lambda view: view.answers(Outcome.HOLD, Reason.FLAG_HOLD),
    "deny": lambda view: view.answers(Outcome.DENY, Reason.TRAINING_EXPIRED, Reason.OUTSIDE_SCHEDULE),
    "declare": lambda view: view.answers(Outcome.DENY, Reason.DECLARATION_MISSING, online=DECLARE),
    "unknown": lambda view: view.answers(Outcome.DENY, Reason.NOT_REGISTERED, name=""),
    "fault": lambda view: view.has_health(
        Health(
            camera="no frame for 12 s, reconnecting to rtsp://camera-1 (attempt 4)",
            clock="not synchronised",
            centre="offline since 07:30, 12 events wait",
            door_held_open=True,
        ),
        Phase.FAULT,
    ),
    "notices": lambda view: view.has_notices(FEVER, COPIED),
    "fire": lambda view: view.has_health(Health(fire=True)),
}
"""Name of the picture → what happens at the lane."""

TIDY_CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
BROWSER_TIMEOUT_MS = 60_000
_COLOURS = 128
_DOCUMENTED = (
    ("idle", "landscape"),
    ("approaching", "landscape"),
    ("allow", "landscape"),
    ("deny", "landscape"),
    ("deny", "portrait"),
    ("declare", "landscape"),
    ("notices", "landscape"),
    ("fault", "landscape"),
    ("fire", "landscape"),
)


@cache
def chromium() -> str | None:
    """The machine's browser, if it runs (Ubuntu's package is only a pointer to a snap)."""
    for name in ("chromium", "chromium-browser"):
        path = shutil.which(name)
        if path and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
            return path
    return None


@contextmanager
def served(view: ScriptedView, settings: ScreenSettings) -> Iterator[str]:
    """Serve `view` from this process; gives the URL without the slash at its end."""
    ready, stop = threading.Event(), threading.Event()
    urls: list[str] = []

    def on_ready(url: str) -> None:
        urls.append(url.rstrip("/"))
        ready.set()

    thread = threading.Thread(
        target=run_screen, args=(view, settings), kwargs={"on_ready": on_ready, "stop": stop}
    )
    thread.start()
    try:
        assert ready.wait(60), "the screen did not start"
        yield urls[0]
    finally:
        stop.set()
        thread.join(20)


@contextmanager
def opened(browser: Browser, url: str, orientation: str) -> Iterator[Page]:
    """The page of the lane in a browser window of the given orientation, its picture running."""
    width_px, height_px = ORIENTATIONS[orientation]
    with browser.new_context(viewport={"width": width_px, "height": height_px}) as context:
        context.set_default_timeout(BROWSER_TIMEOUT_MS)
        page = context.new_page()
        page.goto(f"{url}/lane/{LANE}")
        page.wait_for_selector(".sg-screen[data-live=true]")
        yield page


def situation_shown(page: Page, view: ScriptedView, name: str) -> None:
    """Bring the lane into the situation and wait until the page shows it."""
    tones = {
        "approaching": "approach",
        "deciding": "busy",
        "declare": "deny",
        "unknown": "deny",
        "notices": "idle",
    }
    view.reset()
    SITUATIONS[name](view)
    answer = view.state.answer
    event = "" if answer is None else f"[data-event='{answer.event_id}']"
    page.wait_for_selector(f".sg-screen[data-tone={tones.get(name, name)}]{event}", state="attached")
    if view.state.notices:
        page.wait_for_selector(".sg-notices li")
    page.wait_for_timeout(250)  # two pictures later the drawn face and its frame are there


def small_png(png: bytes) -> bytes:
    """A palette is enough for flat colours and keeps the repository small."""
    out = BytesIO()
    picture = Image.open(BytesIO(png)).convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[2] / "docs" / "images")
    parser.add_argument("--all", action="store_true", help="every situation in both orientations")
    arguments = parser.parse_args()
    everything = tuple((name, orientation) for name in SITUATIONS for orientation in ORIENTATIONS)
    arguments.out.mkdir(parents=True, exist_ok=True)
    view = ScriptedView(wall=datetime(2026, 3, 2, 23, 42, 15, tzinfo=UTC))
    with sync_playwright() as playwright, served(view, ScreenSettings(port=0)) as url:
        browser = playwright.chromium.launch(executable_path=chromium(), args=TIDY_CHROMIUM)
        for orientation in ORIENTATIONS:
            with opened(browser, url, orientation) as page:
                for name, _ in (
                    pair for pair in (everything if arguments.all else _DOCUMENTED) if pair[1] == orientation
                ):
                    situation_shown(page, view, name)
                    path = arguments.out / f"screen-{name}-{orientation}.png"
                    path.write_bytes(small_png(page.screenshot()))
                if arguments.all or orientation == "landscape":
                    view.reset()
                    page.click(".sg-guard")
                    page.wait_for_selector(".sg-override")
                    page.wait_for_timeout(400)
                    path = arguments.out / f"screen-override-{orientation}.png"
                    path.write_bytes(small_png(page.screenshot()))
        browser.close()


if __name__ == "__main__":
    main()
