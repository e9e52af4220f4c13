"""Workers: find, look at, put on and take off the key-monitoring list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from nicegui import ui

from sync.central.accounts_access import Right, Viewer
from sync.central.console import words, words_explaining, words_passes, words_person
from sync.central.console.explaining import StandingDialog
from sync.central.console.frame import Visitor, choice, own_sites, table, text_field
from sync.central.console.listing import Paging, search_bar
from sync.central.console.page_clearances import PERSON_PATH
from sync.central.console.worker_papers import WorkerPapers
from sync.central.worker_desk import WorkerPage, WorkerRow
from sync.pages import action, facts, heading, subheading
from sync.records import Flag, FlagLevel
from sync.screening.pass_rules import PassRules

_COLUMNS = (
    ("worker_id", words.NUMBER),
    ("name", words.NAME),
    ("team", words.TEAM),
    ("employer", words.EMPLOYER),
    ("trade", words.TRADE),
    ("status", words.STATUS),
    ("flags", words.FLAGS),
)


async def build_workers_page(visitor: Visitor, viewer: Viewer) -> None:
    sites = await own_sites(visitor)
    desk = visitor.office.workers

    async def show(start: str) -> str | None:
        part, site_id, of_team = str(text.value), str(site.value), str(team.value).strip()
        flagged = bool(only_flagged.value)
        page: WorkerPage | None = await visitor.ask(
            lambda viewer: desk.page(
                viewer, text=part, site_id=site_id, team=of_team, after=start, only_flagged=flagged
            )
        )
        if page is None:
            return None
        found.rows = [_cells(row) for row in page.rows]
        return page.next_after

    paging = Paging(show)

    async def open_worker(row: dict[str, Any]) -> None:
        await _WorkerDialog(visitor, str(row["worker_id"]), viewer).open(viewer.may(Right.FLAG), paging.first)

    with search_bar():
        text = text_field(words.WORKER)
        site = choice(words.SITE, sites)
        team = text_field(words.TEAM)
        only_flagged = ui.checkbox(str(words.ONLY_FLAGGED))
        for field in (text, team):
            field.on("keydown.enter", paging.first)
        action(words.SEARCH, paging.first, main=True, icon="search")
    found = table(_COLUMNS, key="worker_id", on_open=open_worker)
    with ui.element("div").classes("sg-bar"):
        paging.actions()
    await paging.first()


class _WorkerDialog:
    """One worker."""

    def __init__(self, visitor: Visitor, worker_id: str, viewer: Viewer) -> None:
        self._visitor = visitor
        self._viewer = viewer
        self._desk = visitor.office.workers
        self._worker_id = worker_id
        self._zone = ZoneInfo(visitor.settings.timezone)

    async def open(self, may_flag: bool, on_change: Callable[[], Awaitable[None]]) -> None:
        self._may_flag, self._on_change = may_flag, on_change
        with ui.dialog(value=True) as dialog, ui.card().classes("sg-dialog"):
            self._content = ui.element("div")
            action(words.CLOSE, dialog.close, main=True).props("autofocus")
        dialog.on("hide", dialog.delete)
        await self._show()

    def _day(self, at: datetime | None) -> str:
        return "–" if at is None else f"{at.astimezone(self._zone):%Y-%m-%d}"

    async def _show(self) -> None:
        found = await self._visitor.ask(lambda viewer: self._desk.one(viewer, self._worker_id))
        if found is None:
            return
        rules = await self._visitor.ask(lambda _: self._visitor.office.passes.rules())
        if rules is None:
            return
        worker, kinds = found.worker, self._visitor.office.clearances.rules
        self._content.clear()
        with self._content:
            heading(words.Words(worker.name, worker.worker_id))
            ui.link(str(words_person.PERSON), f"{PERSON_PATH}/{worker.worker_id}", new_tab=True).classes(
                "sg-open"
            )
            facts(
                [
                    (words.STATUS, str(words.STATUSES[worker.status])),
                    (words.SITE, ", ".join(worker.site_ids)),
                    (words.TEAM, worker.team),
                    (words.EMPLOYER, worker.employer),
                    (words.TRADE, worker.trade),
                    (words.CLEARANCES, ", ".join(str(kinds.words(one.kind)) for one in worker.clearances)),
                    (words.CONSENT, str(worker.face_consent_on or "")),
                    (words.TEMPLATES, str(found.templates)),
                    (words.GONE_SINCE, self._day(found.gone_since)),
                ]
            )
            subheading(words.FLAGS)
            if not worker.flags:
                ui.label(str(words.NO_FLAGS)).classes("sg-note")
            if self._may_flag:
                self._why = text_field(words.WHY).props("data-field=why")
            for flag in worker.flags:
                self._show_flag(flag, rules)
            if self._may_flag:
                self._show_form()
            standing = StandingDialog(self._visitor, worker.worker_id, self._zone)
            action(
                words_explaining.STANDING,
                lambda: standing.open(self._visitor.office.now()),
                icon="fact_check",
            )
            papers = WorkerPapers(self._visitor, self._worker_id, self._viewer, self._erased)
        await papers.show()

    async def _erased(self) -> None:
        await self._show()
        await self._on_change()

    def _show_flag(self, flag: Flag, rules: PassRules) -> None:
        with ui.element("div").classes("sg-bar sg-flag"):
            text = " · ".join(part for part in words_passes.flag_words(flag, rules) if part)
            with ui.element("span").classes("sg-mark sg-bad"):
                ui.icon("flag", size="18px")
                ui.label(str(words.LEVELS[flag.level]))
            ui.label(text)
            if self._may_flag:
                action(words.REMOVE_FLAG, lambda: self._remove(flag))

    def _show_form(self) -> None:
        with ui.element("div").classes("sg-bar"):
            levels = {level.value: str(text) for level, text in words.LEVELS.items()}
            self._level = (
                ui.select(levels, value=FlagLevel.HOLD.value, label=str(words.LEVEL))
                .props("outlined dense")
                .classes("sg-field")
            )
            self._category = text_field(words.CATEGORY)
            action(words.ADD_FLAG, self._add)

    async def _add(self) -> None:
        level, why, category = (
            FlagLevel(self._level.value),
            str(self._why.value),
            str(self._category.value),
        )
        await self._done(
            lambda viewer: (
                self._desk.flag(viewer, self._worker_id, level=level, reason=why, category=category).flag_id
            )
        )

    async def _remove(self, flag: Flag) -> None:
        why = str(self._why.value)

        def remove(viewer: Viewer) -> str:
            self._desk.unflag(viewer, self._worker_id, flag.flag_id, reason=why)
            return flag.flag_id

        await self._done(remove)

    async def _done(self, work: Callable[[Viewer], str]) -> None:
        if await self._visitor.ask(work) is not None:
            ui.notify(str(words.SAVED), type="positive")
            await self._show()
            await self._on_change()


def _cells(row: WorkerRow) -> dict[str, str]:
    return {
        "worker_id": row.worker_id,
        "name": row.name,
        "team": row.team,
        "employer": row.employer,
        "trade": row.trade,
        "status": str(words.STATUSES[row.status]),
        "flags": ", ".join(str(words.LEVELS[level]) for level in row.flags),
    }
