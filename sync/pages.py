"""What the pages of console and kiosk are made of, and how they are served. Loads NiceGUI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from inspect import iscoroutine
from typing import Any

from fastapi import FastAPI
from nicegui import ui

from sync.words import Words

RECONNECT_TIMEOUT_S = 10.0
RESPONSE_TIMEOUT_S = 30.0
"""A page waits for its first query; NiceGUI's own limit of 3 s is short for a busy machine."""


def run_pages(app: FastAPI, title: Words) -> None:
    """Serve NiceGUI's pages with `app`; once per process, as NiceGUI takes its middleware only once."""
    ui.run_with(
        app,
        title=str(title),
        favicon="🚧",
        language="zh-CN",
        binding_refresh_interval=None,
        reconnect_timeout=RECONNECT_TIMEOUT_S,
        # A history of sent messages would keep names in memory and show them again after a reconnect.
        message_history_length=0,
        tailwind=False,
        show_welcome_message=False,
    )


def bilingual(text: Words) -> None:
    """zh, and en smaller under it."""
    with ui.element("span").classes("sg-words"):
        ui.label(text.zh)
        ui.label(text.en).classes("sg-en")


def heading(text: Words) -> None:
    ui.label(str(text)).classes("sg-title").props("role=heading aria-level=1")


def subheading(text: Words | str) -> None:
    ui.label(str(text)).classes("sg-subtitle").props("role=heading aria-level=2")


def action(
    label: Words | str, on_click: Callable[[], Any], *, main: bool = False, icon: str = ""
) -> ui.button:
    """A button that does not begin again while it works.

    Its colours are the style sheet's, whose contrast is checked.
    """
    button = ui.button(str(label), on_click=one_at_a_time(on_click), icon=icon or None, color=None)
    button.props("no-caps unelevated")
    return button.classes("sg-action" if main else "sg-action sg-plain")


def one_at_a_time(work: Callable[[], Any]) -> Callable[[], Awaitable[None] | None]:
    """`work`, left alone while what it began before is not done."""
    is_busy = False

    async def finish(begun: Coroutine[Any, Any, Any]) -> None:
        nonlocal is_busy
        try:
            await begun
        finally:
            is_busy = False

    def begin() -> Awaitable[None] | None:
        nonlocal is_busy
        if is_busy:
            return None
        begun = work()
        if not iscoroutine(begun):
            return None
        is_busy = True
        return finish(begun)

    return begin


def picks_files(button: ui.button, upload: ui.upload) -> None:
    """Let `button` open the file dialog of a hidden upload: a browser allows that only at a click itself."""
    button.on("click", js_handler=f"() => getElement({upload.id}).$refs.qRef.pickFiles()")


def text_field(label: Words, *, kind: str = "text", value: str = "") -> ui.input:
    """A labelled input; `kind` is the browser's input type."""
    field = ui.input(str(label), value=value).props(f"outlined type={kind}").classes("sg-field")
    if kind != "text":
        field.props("stack-label")
    return field


def facts(rows: Sequence[tuple[Words, str]]) -> None:
    """A list of names and values."""
    with ui.element("dl").classes("sg-facts"):
        for name, value in rows:
            with ui.element("dt"):
                ui.label(str(name))
            with ui.element("dd"):
                ui.label(value or "–")
