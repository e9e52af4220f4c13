"""The page of one lane: asks the view ten times a second, sends only what changed."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from nicegui import ui
from nicegui.element import Element

from gate.screen import words
from gate.screen.content import Scene, scene
from gate.screen.override_dialog import OverrideDialog
from gate.settings import ScreenSettings
from gate.view import GateView

POLL_S = 0.1
_STYLE = (Path(__file__).parent / "lane_screen.css").read_text(encoding="utf-8")


class LaneScreen(Element, component="lane_screen.js"):
    """The browser's part; its properties are the scene."""

    def __init__(self, *, picture_url: str, settings: ScreenSettings) -> None:
        super().__init__()
        self._props["picture"] = picture_url
        self._props["languages"] = list(settings.languages)
        self._props["voice"] = settings.voice
        self._props["clear"] = settings.clear_after_s
        self._props["guard"] = settings.override_pin_file is not None
        self._props["words"] = {
            "allWell": asdict(words.ALL_WELL),
            "noPicture": asdict(words.NO_PICTURE),
            "lost": asdict(words.LOST),
            "lostHint": asdict(words.LOST_HINT),
            "guard": asdict(words.GUARD),
            "forGuard": asdict(words.FOR_GUARD),
        }

    def show(self, shown: Scene, *, monotonic_s: float) -> None:
        """Send the scene. Times become durations: the browser has a clock of its own."""
        data: dict[str, Any] = asdict(shown)
        if shown.answer is not None:
            data["answer"]["clear_in_ms"] = round(1000 * (shown.answer.shown_until_s - monotonic_s))
        data["beat"] = monotonic_s
        self._props["scene"] = data
        self.update()


def build_lane_page(view: GateView, lane_id: str, settings: ScreenSettings) -> None:
    """Build the page into the current NiceGUI client."""
    ui.add_css(_STYLE)
    head = view.head()
    screen = LaneScreen(picture_url=f"/lane/{lane_id}/picture", settings=settings)
    shown: Scene | None = None

    def refresh() -> None:
        nonlocal shown
        monotonic_s = view.monotonic()
        newest = scene(head, view.lane(lane_id), now=view.now(), monotonic_s=monotonic_s)
        # The clock's seconds are part of the scene, so that an untouched page still hears from the gate.
        if newest != shown:
            shown = newest
            screen.show(newest, monotonic_s=monotonic_s)

    # The first scene stands in the page's source for as long as the page lives: no name may be in it.
    first = scene(head, view.lane(lane_id), now=view.now(), monotonic_s=view.monotonic())
    screen.show(replace(first, answer=None), monotonic_s=view.monotonic())
    ui.timer(POLL_S, refresh)
    if settings.override_pin_file is not None:
        dialog = OverrideDialog(view, lane_id, languages=settings.languages)
        screen.on("guard", dialog.open)
