"""The guard's dialog: who, why, PIN. The PIN lives only in its field and is wiped with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Literal

from nicegui import ui

from gate.errors import GateError
from gate.reasons import Language, Words
from gate.screen import words
from gate.view import GateView
from sync.errors import SyncError

_log = logging.getLogger(__name__)

IDLE_CLOSE_S = 60.0
"""A dialog left open would cover the answers of the next workers and keep the guard's name there."""

DONE_SHOWN_S = 2.0
MAX_CHARACTERS = 100
_KEYS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "⌫", "0", "✕")


class OverrideDialog:
    """One per page. Build it inside a NiceGUI client."""

    def __init__(self, view: GateView, lane_id: str, *, languages: Sequence[Language]) -> None:
        self._view = view
        self._lane_id = lane_id
        self._languages = languages
        self._is_opening = False
        self._touched_s = view.monotonic()
        with ui.dialog() as self._dialog, ui.element("div").classes("sg-override"):
            self._dialog.props("transition-duration=100").on("hide", self._wipe)
            ui.label(self._say(words.OVERRIDE)).classes("sg-override-title")
            with ui.element("div").classes("sg-override-who"):
                self._guard = self._field(words.OVERRIDE_GUARD, "guard")
                self._reason = self._field(words.OVERRIDE_REASON, "reason")
                with ui.element("div").classes("sg-override-presets"):
                    for preset in words.OVERRIDE_PRESETS:
                        self._preset(preset)
            with ui.element("div").classes("sg-override-pin"):
                self._pin = self._field(words.OVERRIDE_PIN, "pin", password=True).props("inputmode=numeric")
                self._pin.on("keydown.enter", self._submit)
                with ui.element("div").classes("sg-override-pad"):
                    for key in _KEYS:
                        self._pad_key(key)
            self._message = ui.label().classes("sg-override-message").props("role=alert")
            with ui.element("div").classes("sg-override-actions"):
                ui.button(self._say(words.OVERRIDE_CANCEL), on_click=self._dialog.close, color=None).classes(
                    "sg-cancel"
                )
                self._submit_button = ui.button(
                    self._say(words.OVERRIDE_OPEN), on_click=self._submit, color=None
                ).classes("sg-submit")
        self._aimed_at = self._guard
        ui.timer(1.0, self._close_when_idle)

    def open(self) -> None:
        """Show an empty dialog."""
        self._wipe()
        self._dialog.open()
        self._touch()

    def _say(self, text: Words) -> str:
        return "  ".join(text.of(language) for language in self._languages)

    def _field(self, label: Words, name: str, *, password: bool = False) -> ui.input:
        field = ui.input(self._say(label), password=password, on_change=self._touch)
        field.props(f"outlined autocomplete=off maxlength={MAX_CHARACTERS} data-field={name}")
        if name in ("guard", "pin"):
            field.on("focus", lambda: self._aim_pad(field))
        return field.classes("sg-field")

    def _aim_pad(self, field: ui.input) -> None:
        """The marked field gets the digits, so that a PIN is not typed into the guard's number by mistake."""
        self._aimed_at = field
        for other in (self._guard, self._pin):
            other.classes(remove="sg-aimed")
        field.classes(add="sg-aimed")

    def _preset(self, preset: Words) -> None:
        text = " ".join(preset.of(language) for language in self._languages)

        def choose() -> None:
            self._reason.set_value(text)
            self._aim_pad(self._pin if self._guard.value else self._guard)

        ui.button(text, on_click=choose, color=None).classes("sg-preset")

    def _pad_key(self, key: str) -> None:
        label = {"⌫": "delete", "✕": "clear"}.get(key, key)
        button = ui.button(key, on_click=lambda: self._press(key), color=None)
        button.classes("sg-key").props(f'aria-label="{label}"')

    def _press(self, key: str) -> None:
        value = str(self._aimed_at.value or "")
        if key == "⌫":
            value = value[:-1]
        elif key == "✕":
            value = ""
        elif len(value) < MAX_CHARACTERS:
            value += key
        self._aimed_at.set_value(value)
        self._touch()

    def _touch(self) -> None:
        self._touched_s = self._view.monotonic()

    def _close_when_idle(self) -> None:
        if self._dialog.value and self._view.monotonic() - self._touched_s > IDLE_CLOSE_S:
            self._dialog.close()

    def _wipe(self) -> None:
        for field in (self._guard, self._reason, self._pin):
            field.set_value("")
        self._aim_pad(self._guard)
        self._tell("", "")

    def _tell(self, text: str, kind: Literal["", "bad", "good"]) -> None:
        self._message.set_text(text)
        self._message.classes(remove="sg-bad sg-good", add=f"sg-{kind}" if kind else "")

    def _missing(self, guard: str, reason: str, pin: str) -> Words | None:
        if not guard:
            return words.OVERRIDE_NEEDS_GUARD
        if not reason:
            return words.OVERRIDE_NEEDS_REASON
        return None if pin else words.OVERRIDE_NEEDS_PIN

    async def _submit(self) -> None:
        guard, reason, pin = (str(f.value or "").strip() for f in (self._guard, self._reason, self._pin))
        missing = self._missing(guard, reason, pin)
        if missing is not None:
            self._tell(self._say(missing), "bad")
            return
        if self._is_opening:
            return
        self._is_opening = True
        self._pin.set_value("")
        try:
            await asyncio.to_thread(self._view.override, self._lane_id, pin=pin, guard=guard, reason=reason)
        except (GateError, SyncError) as error:
            self._tell(f"{self._say(words.OVERRIDE_REFUSED)}: {error} {error.next_step}".strip(), "bad")
            return
        except Exception:  # noqa: BLE001 - shown to the guard and logged with its traceback
            # The guard must see that the door stays shut, whatever went wrong; the log says what it was.
            _log.exception("guard override on %s failed", self._lane_id)
            self._tell(self._say(words.OVERRIDE_FAILED), "bad")
            return
        finally:
            self._is_opening = False
        self._tell(self._say(words.OVERRIDE_DONE), "good")
        await asyncio.sleep(DONE_SHOWN_S)
        self._dialog.close()
