"""The gate of the demo's day: who comes is refused, and the screen says why and what to do next."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from gate.cli.screen_thread import START_S, start_screen, wait_screen_ended
from gate.clock import SystemClock
from gate.demo.people import DemoPerson
from gate.demo.pictures import Box, Pictures
from gate.demo.visit import HEIGHT_PX, PATIENCE_MS, WIDTH_PX
from gate.errors import GateError
from gate.service import Recorded
from gate.settings import Settings
from gate.startup import build_service

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

_LOOK_MS, _AGAIN_MS = 2000.0, 100.0


def watch_refusals(
    browser: Browser, settings: Settings, people: Mapping[DemoPerson, str], pictures: Pictures
) -> dict[str, tuple[Recorded, str]]:
    """Let the gate run on footage that is played again and again until every screen was photographed.

    people  who comes → name of the picture of the screen
    Returns the last decision and the words of the screen, by worker. Raises GateError.
    """
    service = build_service(settings, clock=SystemClock())
    seen: dict[str, Recorded] = {}

    def note(recorded: Recorded) -> None:
        if recorded.event.worker_id is not None:
            seen[recorded.event.worker_id] = recorded

    service.listeners.append(note)
    stop = threading.Event()
    lane_id = settings.lanes[0].id
    try:
        url = start_screen(service, settings.screen, stop).result(START_S).rstrip("/")
        service.start()
        with browser.new_context(viewport={"width": WIDTH_PX, "height": HEIGHT_PX}) as context:
            context.set_default_timeout(PATIENCE_MS)
            page = context.new_page()
            page.goto(f"{url}/lane/{lane_id}")
            page.wait_for_selector(".sg-screen[data-live=true]")
            words = _photographed(page, people, pictures)
    finally:
        stop.set()
        service.stop()
        wait_screen_ended()
    return {worker_id: (seen[worker_id], said) for worker_id, said in words.items()}


def _photographed(page: Page, people: Mapping[DemoPerson, str], pictures: Pictures) -> dict[str, str]:
    """An answer stands for three seconds: a picture counts only if it was still there afterwards."""
    from playwright.sync_api import TimeoutError as TooLate  # noqa: PLC0415 - an extra

    by_name = {one.name: one for one in people}
    words: dict[str, str] = {}
    deadline_s = time.monotonic() + PATIENCE_MS / 1000
    while by_name:
        if time.monotonic() > deadline_s:
            raise GateError(
                "the gate's screen was not caught with its answer", next_step="see gate.log under var/demo"
            )
        with suppress(TooLate):
            name = page.locator(".sg-screen[data-event] .sg-name").inner_text(timeout=_LOOK_MS)
            one = by_name.get(name)
            if one is None:
                page.wait_for_timeout(_AGAIN_MS)
                continue
            event_id = page.locator(".sg-screen").get_attribute("data-event", timeout=_LOOK_MS)
            said = " ".join(page.locator(".sg-panel").inner_text(timeout=_LOOK_MS).split())
            png = page.screenshot()
            if page.locator(f".sg-screen[data-event='{event_id}'] .sg-name", has_text=name).count():
                pictures.keep(png, people[one], blurred=_box(page.locator(".sg-picture")))
                words[one.worker_id] = said
                del by_name[name]
    return words


def _box(part: Locator) -> Box | None:
    box = part.bounding_box(timeout=_LOOK_MS)
    if box is None:
        return None
    left, top = round(box["x"]), round(box["y"])
    return left, top, left + round(box["width"]), top + round(box["height"])
