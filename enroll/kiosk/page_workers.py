"""The page of all workers: search, and those who should be captured again."""

from __future__ import annotations

from nicegui import ui

from enroll.kiosk import words
from enroll.kiosk import words_roster as w
from enroll.kiosk.frame import KioskPage, KioskVisitor, choice
from enroll.kiosk.tables import cell, roster_style, table
from enroll.worker_book import Aged, Found
from sync.pages import action, heading, text_field
from sync.people import Person
from sync.records import Worker, WorkerStatus

WORKERS_PATH = "/workers"
AGEING_PATH = "/workers/ageing"
WORKER_PATH = "/worker/{worker_id}"

_ENDING = 4


async def build_workers_page(visitor: KioskVisitor) -> None:
    roster_style()
    heading(w.WORKERS)
    await _List(visitor).build()


class _List:
    """The list of one browser. What is looked for stands in the address, for a reload and the way back."""

    def __init__(self, visitor: KioskVisitor) -> None:
        self._visitor = visitor
        parameters = visitor.parameters
        self._query = parameters.get("q", "")
        status = parameters.get("status", "")
        self._status = status if status in set(WorkerStatus) else ""
        page = parameters.get("page", "1")
        self._page = int(page) if page.isascii() and page.isdigit() else 1

    async def build(self) -> None:
        with ui.element("div").classes("sg-bar").props("role=search"):
            field = text_field(w.SEARCH, value=self._query).props("debounce=250 clearable autofocus")
            field.classes("sg-grow").on_value_change(lambda event: self._look_for(event.value or ""))
            states = {"": str(w.ALL_STATES), **{key.value: str(text) for key, text in w.STATUS.items()}}
            choice(w.STATUS_WORD, states, self._status).on_value_change(
                lambda event: self._of_status(event.value or "")
            )
            with ui.link(target=AGEING_PATH).classes("sg-button"):
                ui.label(str(w.AGEING))
        self._list = ui.element("div").props("role=region aria-live=polite")
        await self._show()

    async def _look_for(self, query: str) -> None:
        self._query, self._page = query, 1
        await self._show()

    async def _of_status(self, status: str) -> None:
        self._status, self._page = status, 1
        await self._show()

    async def _turn(self, pages: int) -> None:
        self._page += pages
        await self._show()

    async def _show(self) -> None:
        book, query, by = self._visitor.office.book, self._query, self._visitor.user.user_id
        status = WorkerStatus(self._status) if self._status else None
        found = await self._visitor.ask(lambda: book.search(query, status=status, page=self._page, by=by))
        if found is None or query != self._query:
            return
        self._page = found.page
        self._list.clear()
        with self._list:
            _found_table(found, is_search=bool(query or status))
            with ui.element("div").classes("sg-bar"):
                ui.label(f"{found.total} {w.PEOPLE} · {found.page} / {found.pages}")
                ui.element("div").classes("sg-grow")
                before = action(w.PREVIOUS, lambda: self._turn(-1), icon="chevron_left")
                before.set_enabled(found.page > 1)
                after = action(w.FOLLOWING, lambda: self._turn(1), icon="chevron_right")
                after.set_enabled(found.page < found.pages)


def _found_table(found: Found, *, is_search: bool) -> None:
    if not found.workers:
        ui.label(str(words.NOTHING if is_search else w.NOBODY_YET)).classes("sg-note")
        return
    with table((w.NUMBER, w.NAME, w.TEAM, w.DOCUMENT_END, w.FACE, w.STATUS_WORD)):
        for worker in found.workers:
            with ui.element("tr"):
                worker_link(worker, worker.worker_id)
                worker_link(worker, worker.name)
                cell(" · ".join(part for part in (worker.employer, worker.team) if part))
                cell(_ending(found.persons.get(worker.worker_id)))
                cell(str(w.FACE_YES if worker.worker_id in found.with_face else w.FACE_NO))
                cell(str(w.STATUS[worker.status]), _COLOURS[worker.status])


_COLOURS = {
    WorkerStatus.ACTIVE: "sg-good",
    WorkerStatus.BLOCKED: "sg-bad",
    WorkerStatus.LEFT: "sg-note",
}


def worker_link(worker: Worker, text: str) -> None:
    """A cell that leads to the record."""
    with (
        ui.element("td"),
        ui.link(target=WORKER_PATH.format(worker_id=worker.worker_id)).classes("sg-row-link"),
    ):
        ui.label(text)


def _ending(person: Person | None) -> str:
    return f"…{person.document_number[-_ENDING:]}" if person is not None else ""


async def build_ageing_page(visitor: KioskVisitor) -> None:
    roster_style()
    heading(w.AGEING)
    ui.label(str(w.AGEING_WHY)).classes("sg-note")
    book, by = visitor.office.book, visitor.user.user_id
    aged = await visitor.ask(lambda: book.aged(by=by))
    if aged is None:
        return
    if not aged:
        ui.label(str(w.AGEING_NONE)).classes("sg-good")
    else:
        _aged_table(aged)
    with ui.element("div").classes("sg-bar"):
        action(w.BACK_TO_LIST, lambda: ui.navigate.to(WORKERS_PATH), icon="arrow_back")


def _aged_table(aged: list[Aged]) -> None:
    with table((w.NUMBER, w.NAME, w.TEAM, w.RECENT, w.FIRST, w.THRESHOLD)):
        for one in aged:
            with ui.element("tr"):
                worker_link(one.worker, one.worker.worker_id)
                worker_link(one.worker, one.worker.name)
                cell(one.worker.team)
                cell(f"{one.ageing.recent:.2f}", "sg-bad")
                cell("–" if one.ageing.first is None else f"{one.ageing.first:.2f}")
                cell(f"{one.ageing.threshold:.2f}")


WORKERS_PAGE = KioskPage(WORKERS_PATH, w.WORKERS, build_workers_page, icon="groups")
AGEING_PAGE = KioskPage(AGEING_PATH, w.AGEING, build_ageing_page, in_menu=False)
