"""What the pages of forms share: a choice, the form of it, its receipt, one after the other in one place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from nicegui import ui

from enroll.declaration_desk import DeclarationDesk, FormToFill
from enroll.kiosk import words_declare as w
from enroll.kiosk.form_view import FormView
from enroll.kiosk.frame import KioskVisitor
from sync.forms import Checked, Entered
from sync.pages import action, heading
from sync.words import Words

T = TypeVar("T")


class FormPage:
    """One open page. `enroll/declaration_desk.py` decides."""

    def __init__(self, visitor: KioskVisitor) -> None:
        office = visitor.office
        self.visitor = visitor
        self.desk = DeclarationDesk(
            office.store, site_id=office.settings.site.id, zone=office.zone, now=office.now
        )
        self._room = ui.element("div")

    @contextmanager
    def anew(self, title: Words) -> Iterator[None]:
        """Instead of what stands there."""
        self._room.clear()
        with self._room:
            heading(title)
            yield

    def show_form(
        self,
        title: Words,
        who: str,
        to_fill: FormToFill,
        *,
        send: Callable[[Entered], tuple[Checked, T | None]],
        on_sent: Callable[[Checked, T], None],
        on_back: Callable[[], Awaitable[None] | None],
    ) -> None:
        """`send` runs in a thread; where it makes nothing, the form says what is wrong."""

        async def press() -> None:
            sent = await self.visitor.ask(lambda: send(view.entered))
            if sent is None:
                return
            checked, made = sent
            if made is None:
                view.complain(checked)
            else:
                on_sent(checked, made)

        with self.anew(title):
            ui.label(f"{who} · {to_fill.day}").classes("sg-subtitle")
            if to_fill.declared_at is not None:
                ui.label(f"{w.TODAY_AT} {to_fill.declared_at:%H:%M}").classes("sg-good")
                ui.label(str(w.CHANGE)).classes("sg-note")
            elif to_fill.entered:
                ui.label(str(w.CARRIED)).classes("sg-note")
            view = FormView(to_fill.form, to_fill.entered)
            with ui.element("div").classes("sg-bar"):
                action(w.BACK, on_back, icon="arrow_back")
                action(w.SEND, press, main=True, icon="send")

    def show_sent(self, who: str, at: datetime) -> None:
        """A green tick and the time."""
        with ui.element("div").classes("sg-card").props("role=status"):
            ui.icon("check_circle", size="96px").classes("sg-good")
            ui.label(f"{who} · {at.astimezone(self.visitor.office.zone):%Y-%m-%d %H:%M:%S}").classes(
                "sg-subtitle"
            )
            ui.label(str(w.SAVED_HERE)).classes("sg-note")
