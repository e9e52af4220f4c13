"""A question before something that cannot be undone."""

from __future__ import annotations

from nicegui import ui

from sync.central.console import words_people
from sync.central.console.words import Words
from sync.pages import action


async def ask_sure(question: Words) -> bool:
    """Whether the person at the page means it."""
    with ui.dialog() as dialog, ui.card().classes("sg-dialog"):
        ui.label(question.zh)
        ui.label(question.en).classes("sg-note")
        with ui.element("div").classes("sg-bar"):
            action(words_people.CONFIRM, lambda: dialog.submit(True), main=True)
            action(words_people.CANCEL, lambda: dialog.submit(False)).props("autofocus")
    sure = bool(await dialog)
    if not dialog.is_deleted:  # as when the page was left instead of an answer
        dialog.delete()
    return sure
