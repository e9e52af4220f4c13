"""Tables that a screen reader can read: a heading per column, one row per record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nicegui import ui

from sync.pages import bilingual
from sync.words import Words

_STYLE = (Path(__file__).parent / "roster.css").read_text(encoding="utf-8")


def roster_style() -> None:
    """The style of the pages with tables; call it once per page."""
    ui.add_css(_STYLE)


def table(titles: Sequence[Words]) -> ui.element:
    """The body of a new table; rows go inside."""
    with ui.element("div").classes("sg-scroll"), ui.element("table").classes("sg-table"):
        with ui.element("thead"), ui.element("tr"):
            for title in titles:
                with ui.element("th").props("scope=col"):
                    bilingual(title)
        return ui.element("tbody")


def cell(text: str, classes: str = "") -> None:
    """One cell of text."""
    with ui.element("td").classes(classes):
        ui.label(text)
