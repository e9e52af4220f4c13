"""Declaring at the kiosk: find the worker, fill in the form. `enroll/declaration_desk.py` decides."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from nicegui import ui

from enroll.accounts import Right
from enroll.declaration_desk import DeclarationDesk, FormToFill
from enroll.kiosk import words_declare as w
from enroll.kiosk.form_view import FormView
from enroll.kiosk.frame import KioskPage, KioskVisitor
from enroll.worker_book import Found
from sync.declarations import Declaration
from sync.pages import action, heading, text_field
from sync.records import Worker, WorkerStatus


async def build_declare_page(visitor: KioskVisitor) -> None:
    page = _Page(visitor)
    worker_id = visitor.parameters.get("worker_id", "")
    if worker_id:
        worker = await visitor.ask(lambda: visitor.office.store.worker(worker_id))
        if worker is not None:
            await page.open(worker)
            return
    page.show_search()


class _Page:
    """Search, form, receipt: one after the other in the same place."""

    def __init__(self, visitor: KioskVisitor) -> None:
        self._visitor = visitor
        office = visitor.office
        self._desk = DeclarationDesk(
            office.store, site_id=office.settings.site.id, zone=office.zone, now=office.now
        )
        self._room = ui.element("div")

    def show_search(self) -> None:
        self._room.clear()
        with self._room:
            heading(w.DECLARE)
            ui.label(str(w.WHO)).classes("sg-note")
            with ui.element("div").classes("sg-bar").props("role=search"):
                query = text_field(w.FIND)
                found = ui.element("div")

                async def search() -> None:
                    await self._search(str(query.value or ""), found)

                query.on("keydown.enter", search)
                action(w.SEARCH, search, main=True, icon="search")
            found.move(self._room)

    async def _search(self, query: str, room: ui.element) -> None:
        def look() -> Found:
            book, by = self._visitor.office.book, self._visitor.user.user_id
            return book.search(query, status=WorkerStatus.ACTIVE, by=by)

        found = await self._visitor.ask(look) if query.strip() else None
        room.clear()
        if found is None:
            return
        with room:
            if not found.workers:
                ui.label(str(w.NOBODY)).classes("sg-note")
            for worker in found.workers:
                label = f"{worker.name} · {worker.worker_id} · {worker.team}"
                action(label, partial(self.open, worker), icon="person")

    async def open(self, worker: Worker) -> None:
        """The form of this worker."""
        to_fill = await self._visitor.ask(lambda: self._desk.declaration(worker.worker_id))
        if to_fill is None:
            return
        self._room.clear()
        with self._room:
            heading(w.DECLARE)
            ui.label(f"{worker.name} · {worker.worker_id} · {to_fill.day}").classes("sg-subtitle")
            about(to_fill)
            view = FormView(to_fill.form, to_fill.entered)

            async def send() -> None:
                await self._send(worker, view)

            with ui.element("div").classes("sg-bar"):
                action(w.BACK, self.show_search, icon="arrow_back")
                action(w.SEND, send, main=True, icon="send")

    async def _send(self, worker: Worker, view: FormView) -> None:
        by = self._visitor.user.user_id
        sent = await self._visitor.ask(lambda: self._desk.declare(worker.worker_id, view.entered, by=by))
        if sent is None:
            return
        checked, declaration = sent
        if declaration is None:
            view.complain(checked)
            return
        self._receipt(worker, declaration, is_marked=bool(checked.marks))

    def _receipt(self, worker: Worker, declaration: Declaration, *, is_marked: bool) -> None:
        self._room.clear()
        with self._room:
            heading(w.DECLARED)
            receipt(worker.name, declaration.declared_at.astimezone(self._visitor.office.zone))
            if is_marked:
                ui.label(str(w.NOT_WELL)).classes("sg-bad").props("role=alert")
            action(w.NEXT, self.show_search, main=True, icon="person_add")


def about(to_fill: FormToFill) -> None:
    """Whether there is one of today, or figures of the last time stand in it."""
    if to_fill.declared_at is not None:
        ui.label(f"{w.TODAY_AT} {to_fill.declared_at:%H:%M}").classes("sg-good")
        ui.label(str(w.CHANGE)).classes("sg-note")
    elif to_fill.entered:
        ui.label(str(w.CARRIED)).classes("sg-note")


def receipt(who: str, at: datetime) -> None:
    """A green tick and the time."""
    with ui.element("div").classes("sg-card").props("role=status"):
        ui.icon("check_circle", size="96px").style("color: #14652b")
        ui.label(f"{who} · {at:%Y-%m-%d %H:%M:%S}").classes("sg-subtitle")
        ui.label(str(w.SAVED_HERE)).classes("sg-note")


DECLARE_PAGE = KioskPage("/declare", w.DECLARE, build_declare_page, right=Right.DECLARE, icon="fact_check")
