"""What stands above and below a list: the bar of filters, the way through its parts, its files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from functools import partial

from nicegui import ui

from sync.central.console import words
from sync.central.console.words import Words
from sync.pages import action

EXPORT_FORMATS = ("csv", "xlsx")


def search_bar() -> AbstractContextManager[ui.element]:
    """The filters of a list go inside."""
    return ui.element("div").classes("sg-bar").props("role=search")


def export_actions(export: Callable[[str], Awaitable[None]], label: Words | None = None) -> None:
    """A button for each kind of file; `export` gets the kind."""
    for file_format in EXPORT_FORMATS:
        text = file_format.upper() if label is None else f"{label} {file_format.upper()}"
        action(text, partial(export, file_format), icon="download")


class Paging:
    """The first part of a list, and the next one.

    show  shows the part after what is named ("": the first), and says where the next one starts: "" where
          there is none, None where nothing could be read
    """

    def __init__(self, show: Callable[[str], Awaitable[str | None]]) -> None:
        self._show = show
        self._after = ""

    def actions(self, further: Words = words.NEXT) -> None:
        """The two buttons."""
        action(words.FIRST, self.first, icon="first_page")
        self._further = action(further, self.next, icon="chevron_right")

    async def first(self) -> None:
        await self._go("")

    async def next(self) -> None:
        await self._go(self._after)

    async def _go(self, start: str) -> None:
        after = await self._show(start)
        if after is not None:
            self._after = after
            self._further.set_enabled(bool(after))
