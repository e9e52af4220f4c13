"""Declaring at the kiosk: find the worker, fill in the form. `enroll/declaration_desk.py` decides."""

from __future__ import annotations

from functools import partial

from nicegui import ui

from enroll.accounts import Right
from enroll.kiosk import words
from enroll.kiosk import words_declare as w
from enroll.kiosk.form_page import FormPage
from enroll.kiosk.frame import KioskPage, KioskVisitor, choice
from enroll.kiosk.words_enrol import DOCUMENT_NUMBER, DOCUMENT_TYPE, DOCUMENT_TYPES, NAME
from enroll.worker_book import Found
from sync.declarations import Declaration, VisitorPapers
from sync.forms import Checked
from sync.pages import action, text_field
from sync.people import DocumentType
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


class _Page(FormPage):
    """Search, form, receipt."""

    def show_search(self) -> None:
        with self.anew(w.DECLARE):
            ui.label(str(w.WHO)).classes("sg-note")
            with ui.element("div").classes("sg-bar").props("role=search"):
                query = text_field(w.FIND).classes("sg-grow")

                async def search() -> None:
                    await self._search(str(query.value or ""), found)

                query.on("keydown.enter", search)
                action(w.SEARCH, search, main=True, icon="search")
            found = ui.element("div")
            action(w.VISITOR, self.show_visitor, icon="badge")

    def show_visitor(self) -> None:
        """Who is not registered: name, phone, document."""
        with self.anew(w.VISITOR):
            ui.label(str(w.VISITOR_WHO)).classes("sg-note")
            kinds = {kind.value: str(text) for kind, text in DOCUMENT_TYPES.items()}
            with ui.element("div").classes("sg-form"):
                fields: dict[str, ui.input | ui.select] = {
                    "name": text_field(NAME),
                    "phone": text_field(w.VISITOR_PHONE, kind="tel"),
                    "document_type": choice(DOCUMENT_TYPE, kinds, DocumentType.RESIDENT_ID.value),
                    "document_number": text_field(DOCUMENT_NUMBER),
                }

            async def forward() -> None:
                given = {name: str(field.value or "") for name, field in fields.items()}
                checked = await self.visitor.ask(lambda: self.desk.visitor_papers(given))
                if checked is None:
                    return
                papers, problems = checked
                for name, field in fields.items():
                    field.error = str(problems[name]) if name in problems else None
                if papers is not None:
                    self._open_visitor(papers)

            with ui.element("div").classes("sg-bar"):
                action(w.BACK, self.show_search, icon="arrow_back")
                action(words.NEXT, forward, main=True, icon="arrow_forward")

    def _open_visitor(self, papers: VisitorPapers) -> None:
        desk, by = self.desk, self.visitor.user.user_id
        self.show_form(
            w.DECLARE,
            papers.name,
            desk.declaration_of_visitor(),
            send=lambda entered: desk.declare_visitor(papers, entered, by=by),
            on_sent=partial(self._receipt, papers.name),
            on_back=self.show_visitor,
        )

    async def _search(self, query: str, room: ui.element) -> None:
        def look() -> Found:
            book, by = self.visitor.office.book, self.visitor.user.user_id
            return book.search(query, status=WorkerStatus.ACTIVE, by=by)

        found = await self.visitor.ask(look) if query.strip() else None
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
        desk, by = self.desk, self.visitor.user.user_id
        to_fill = await self.visitor.ask(lambda: desk.declaration(worker.worker_id))
        if to_fill is not None:
            self.show_form(
                w.DECLARE,
                f"{worker.name} · {worker.worker_id}",
                to_fill,
                send=lambda entered: desk.declare(worker.worker_id, entered, by=by),
                on_sent=partial(self._receipt, worker.name),
                on_back=self.show_search,
            )

    def _receipt(self, name: str, checked: Checked, declaration: Declaration) -> None:
        with self.anew(w.DECLARED):
            self.show_sent(name, declaration.declared_at)
            if checked.marks:
                ui.label(str(w.NOT_WELL)).classes("sg-bad").props("role=alert")
            action(w.NEXT, self.show_search, main=True, icon="person_add")


DECLARE_PAGE = KioskPage("/declare", w.DECLARE, build_declare_page, right=Right.DECLARE, icon="fact_check")
