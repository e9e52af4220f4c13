"""The first page: what can be done here, as large tiles."""

from __future__ import annotations

from nicegui import ui

from enroll.kiosk import words
from enroll.kiosk.frame import KioskPage, KioskVisitor
from sync.pages import bilingual, heading


def build_tiles(visitor: KioskVisitor, pages: tuple[KioskPage, ...]) -> None:
    """One tile per page of the menu that the visitor may use."""
    heading(words.HOME)
    with ui.element("div").classes("sg-tiles"):
        for page in pages:
            if page.in_menu and visitor.user.may(page.right):
                with ui.link(target=page.path).classes("sg-tile"):
                    ui.icon(page.icon or "chevron_right").props("aria-hidden=true")
                    bilingual(page.words)
