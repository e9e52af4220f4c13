"""Clearances: what is due and not done, what ends soon; tests ordered, results entered and imported."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nicegui import ui

from sync.central.accounts_access import Right, Viewer
from sync.central.clearance_desk import BatchRow, ClearancePage, ImportRow, ResultRow, Show, Wanted
from sync.central.clearance_state import DueCount, Line
from sync.central.console import words
from sync.central.console import words_clearances as said
from sync.central.console.confirming import ask_sure
from sync.central.console.frame import Visitor, choice, site_options, table, text_field
from sync.central.console.listing import export_actions, search_bar
from sync.central.console.page_clearance_forms import EnterDialog, ImportDialog, OrderDialog
from sync.central.console.words_lists import row_words
from sync.central.exports_clearances import STATES, clearance_pieces
from sync.clearance_rules import ClearanceRules
from sync.pages import action, facts, heading, subheading

PERSON_PATH = "/person"

_COUNT_COLUMNS = (
    ("site", words.SITE),
    ("kind", said.KIND),
    ("due", said.DUE),
    ("done", said.DONE),
    ("missing", said.MISSING),
    ("percent", said.PERCENT),
    ("overdue", said.OVERDUE),
    ("soon", said.SOON),
)
_COLUMNS = (
    ("worker", words.NAME),
    ("team", words.TEAM),
    ("site", words.SITE),
    ("kind", said.KIND),
    ("state", words.STATUS),
    ("until", said.HOLDS_UNTIL),
    ("reason", said.ORDERED),
)
_BATCH_COLUMNS = (
    ("time", words.TIME),
    ("kind", said.KIND),
    ("site", words.SITE),
    ("by", said.DUE_ON),
    ("done", said.DONE),
    ("reason", words.REASON),
    ("state", words.STATUS),
)
_RESULT_COLUMNS = (
    ("worker", words.NAME),
    ("kind", said.KIND),
    ("result", said.RESULT),
    ("time", said.DONE_ON),
    ("until", said.HOLDS_UNTIL),
    ("detail", said.DONE_BY),
)
_IMPORT_COLUMNS = (
    ("time", words.TIME),
    ("name", said.FILE_NAME),
    ("kind", said.KIND),
    ("taken", said.WAS_TAKEN),
    ("state", words.STATUS),
)
_MINUTE = "%Y-%m-%d %H:%M"


async def build_clearances_page(visitor: Visitor, viewer: Viewer) -> None:
    ui.label(str(said.NOTE)).classes("sg-note")
    await _Clearances(visitor, viewer).build()


class _Clearances:
    """The lists, and what can be done with whom is ticked."""

    def __init__(self, visitor: Visitor, viewer: Viewer) -> None:
        self._visitor = visitor
        self._desk = visitor.office.clearances
        self._rules = self._desk.rules
        self._may_manage = viewer.may(Right.MANAGE_TESTS)

    async def build(self) -> None:
        sites = await self._visitor.ask(self._visitor.office.workers.sites) or []
        self._sites = site_options(sites)
        self._zones = {site.site_id: ZoneInfo(site.timezone) for site in sites}
        kinds = {one.kind: str(one.words) for one in self._rules.kinds}
        with search_bar():
            asked = self._visitor.asked_of
            self._site = choice(words.SITE, self._sites, asked("site", self._sites))
            self._kind = choice(said.KIND, kinds, asked("kind", kinds))
            shows = {show.value: str(text) for show, text in said.SHOWS.items()}
            first = asked("show", shows) or Show.NOT_DONE.value
            self._show = ui.select(shows, value=first, label=str(said.SHOW))
            self._show.props("outlined dense options-dense").classes("sg-field")
            self._team = text_field(words.TEAM)
            self._days = text_field(said.DAYS, kind="number")
            for field in (self._team, self._days):
                field.on("keydown.enter", self.show)
            action(words.SEARCH, self.show, main=True, icon="search")
            export_actions(self._export)
        subheading(said.COUNTS)
        self._counts = table(_COUNT_COLUMNS, key="key")
        subheading(said.LIST)
        self._total = ui.label().classes("sg-note").props("role=status")
        self._lines = table(_COLUMNS, key="key", on_open=_open_person)
        if self._may_manage:
            self._lines.props("selection=multiple")
            with ui.element("div").classes("sg-bar"):
                action(said.ORDER, self._order, main=True, icon="assignment")
                action(said.ENTER, self._enter, icon="edit")
                action(said.IMPORT, self._import, icon="upload_file")
        self._below = ui.element("section")
        await self.show()

    async def show(self) -> None:
        """Read everything anew."""
        wanted = self._wanted()
        found = await self._visitor.ask(lambda one: self._desk.page(one, wanted))
        if found is None:
            return
        self._show_page(found)
        site_id = wanted.site_id
        batches = await self._visitor.ask(lambda one: self._desk.batches(one, site_id))
        results: list[ResultRow] = []
        imports: list[ImportRow] = []
        if self._may_manage:
            imports = await self._visitor.ask(lambda one: self._desk.imports(one, site_id)) or []
            if site_id:
                results = await self._visitor.ask(lambda one: self._desk.results(one, site_id)) or []
        self._below.clear()
        with self._below:
            self._show_batches(batches or [])
            if self._may_manage:
                self._show_results(results, site_id)
                self._show_imports(imports)

    def _wanted(self) -> Wanted:
        days = str(self._days.value or "").strip()
        return Wanted(
            str(self._site.value or ""),
            str(self._kind.value or ""),
            str(self._team.value).strip(),
            Show(str(self._show.value)),
            float(days) if days.isdecimal() else None,
        )

    def _show_page(self, page: ClearancePage) -> None:
        self._counts.rows = [self._count_cells(one) for one in page.counts]
        self._lines.rows = [self._line_cells(one) for one in page.lines]
        self._lines.selected = []
        self._total.set_text(f"{said.TOTAL} {page.total} · {said.SHOWN} {len(page.lines)}")

    def _count_cells(self, one: DueCount) -> dict[str, str]:
        return {
            "key": f"{one.site_id} {one.kind}",
            "site": self._sites.get(one.site_id, one.site_id),
            "kind": str(self._rules.words(one.kind)),
            "due": f"{one.due:,}",
            "done": f"{one.done:,}",
            "missing": f"{one.missing:,}",
            "percent": f"{one.missing_percent:.1f} %",
            "overdue": f"{one.overdue:,}",
            "soon": f"{one.ends_soon:,}",
        }

    def _line_cells(self, one: Line) -> dict[str, str]:
        return {
            "key": f"{one.worker_id} {one.site_id} {one.standing.kind}",
            "worker_id": one.worker_id,
            "site_id": one.site_id,
            "worker": f"{one.name} · {one.worker_id}",
            "team": one.team,
            "site": self._sites.get(one.site_id, one.site_id),
            "kind": str(self._rules.words(one.standing.kind)),
            "state": str(STATES[one.standing.state]),
            "until": until_text(one.standing.until, one.zone) if one.standing.state.is_held else
            last_day_text(one.standing.until, one.zone),
            "reason": _order_text(one),
        }  # fmt: skip

    def _show_batches(self, batches: list[BatchRow]) -> None:
        subheading(said.ORDERS)

        def open_batch(row: dict[str, Any]) -> None:
            found = next(one for one in batches if one.batch_id == row["batch_id"])
            _batch_dialog(self._visitor, found, self._rules, self._may_manage, self.show)

        made = table(_BATCH_COLUMNS, key="batch_id", on_open=open_batch)
        made.rows = [
            {
                "batch_id": one.batch_id,
                "time": f"{one.ordered_at.astimezone(one.zone):{_MINUTE}}",
                "kind": str(self._rules.words(one.kind)),
                "site": self._sites.get(one.site_id, one.site_id),
                "by": last_day_text(one.due_by, one.zone),
                "done": f"{one.done} / {one.people}",
                "reason": one.why,
                "state": str(said.TAKEN_BACK) if one.undone_at else "",
            }
            for one in batches
        ]

    def _show_results(self, results: list[ResultRow], site_id: str) -> None:
        subheading(said.RESULTS)
        if not site_id:
            ui.label(str(said.CHOOSE_SITE)).classes("sg-note")
            return
        zone = self._zones[site_id]

        def open_result(row: dict[str, Any]) -> None:
            found = next(one for one in results if one.result_id == row["result_id"])
            _result_dialog(self._visitor, found, self._rules, zone, self.show)

        made = table(_RESULT_COLUMNS, key="result_id", on_open=open_result)
        made.rows = [{"result_id": one.result_id, **result_cells(one, self._rules, zone)} for one in results]

    def _show_imports(self, imports: list[ImportRow]) -> None:
        subheading(said.IMPORTS)

        def open_import(row: dict[str, Any]) -> None:
            found = next(one for one in imports if one.import_id == row["import_id"])
            _import_dialog(self._visitor, found, self._zones[found.site_id], self.show)

        made = table(_IMPORT_COLUMNS, key="import_id", on_open=open_import)
        made.rows = [
            {
                "import_id": one.import_id,
                "time": f"{one.imported_at.astimezone(self._zones[one.site_id]):{_MINUTE}}",
                "name": one.file_name,
                "kind": str(self._rules.words(one.kind)),
                "taken": f"{one.taken} / {one.rows}",
                "state": str(said.TAKEN_BACK) if one.undone_at else "",
            }
            for one in imports
        ]

    # -- what the buttons do -----------------------------------------------------------------------------

    def _order(self) -> None:
        chosen = self._lines.selected
        site_id = str(chosen[0]["site_id"]) if chosen else str(self._site.value or "")
        workers = sorted({str(row["worker_id"]) for row in chosen if row["site_id"] == site_id})
        OrderDialog(self._visitor, self._sites, site_id, workers, self.show).open()

    def _enter(self) -> None:
        chosen = self._lines.selected
        worker_id = str(chosen[0]["worker_id"]) if chosen else ""
        site_id = str(chosen[0]["site_id"]) if chosen else str(self._site.value or "")
        EnterDialog(self._visitor, self._sites, site_id, worker_id, self.show).open()

    def _import(self) -> None:
        ImportDialog(self._visitor, self._sites, str(self._site.value or ""), self.show).open()

    async def _export(self, file_format: str) -> None:
        wanted, rules = self._wanted(), self._rules
        found = await self._visitor.ask(lambda one: self._desk.export(one, wanted))
        if found is not None:
            self._visitor.download(
                "clearances", file_format, lambda: clearance_pieces(found, rules, file_format)
            )


def result_cells(one: ResultRow, rules: ClearanceRules, zone: ZoneInfo) -> dict[str, str]:
    """A result as a row of a table."""
    kind = rules.kind(one.kind)
    meaning = kind.result(one.result) if kind else None
    grants = meaning is not None and meaning.grants
    return {
        "worker": f"{one.name} · {one.worker_id}",
        "kind": str(rules.words(one.kind)),
        "result": str(meaning.words) if meaning else one.result,
        "time": f"{one.done_at.astimezone(zone):{_MINUTE}}",
        "until": until_text(one.valid_until, zone) if grants else "",
        "detail": " · ".join(part for part in (one.done_by, one.reference) if part),
    }


def until_text(until: datetime | None, zone: ZoneInfo) -> str:
    """The last day of what holds, or that it has no end."""
    return str(said.NO_END) if until is None else last_day_text(until, zone)


def last_day_text(until: datetime | None, zone: ZoneInfo) -> str:
    """What ends at midnight is told by its last day, everything else by the minute."""
    if until is None:
        return ""
    local = until.astimezone(zone)
    if local.time() == time():
        return f"{local.date() - timedelta(days=1)}"
    return f"{local:{_MINUTE}}"


def _order_text(one: Line) -> str:
    if one.order is None:
        return ""
    state = f"{said.OVERDUE} · " if one.is_overdue else f"{said.DONE} · " if one.order.done_at else ""
    return f"{state}{said.ORDERED_UNTIL} {last_day_text(one.order.due_by, one.zone)} · {one.order.why}"


def _open_person(row: dict[str, Any]) -> None:
    ui.navigate.to(f"{PERSON_PATH}/{row['worker_id']}", new_tab=True)


def _batch_dialog(
    visitor: Visitor,
    one: BatchRow,
    rules: ClearanceRules,
    may_manage: bool,
    on_change: Callable[[], Awaitable[None]],
) -> None:
    with ui.dialog(value=True) as dialog, ui.card().classes("sg-dialog"):
        heading(said.ORDERS)
        undone = f"{one.undone_by} {one.undone_at.astimezone(one.zone):{_MINUTE}}" if one.undone_at else ""
        facts(
            [
                (said.KIND, str(rules.words(one.kind))),
                (words.SITE, one.site_id),
                (said.DUE_ON, last_day_text(one.due_by, one.zone)),
                (words.REASON, one.why),
                (said.AT_GATE, str(said.AT_GATES[one.at_gate])),
                (words.WHO, f"{one.ordered_by} {one.ordered_at.astimezone(one.zone):{_MINUTE}}"),
                (said.DONE, f"{one.done} / {one.people}"),
                (said.TAKEN_BACK, undone),
            ]
        )

        async def take_back() -> None:
            desk = visitor.office.clearances
            if not await ask_sure(said.SURE_TAKE_BACK):
                return
            if await visitor.ask(lambda viewer: desk.take_back(viewer, one.batch_id)) is not None:
                dialog.close()
                ui.notify(str(words.SAVED), type="positive")
                await on_change()

        with ui.element("div").classes("sg-bar sg-above"):
            if may_manage and one.undone_at is None:
                action(said.TAKE_BACK, take_back, icon="undo")
            action(words.CLOSE, dialog.close, main=True).props("autofocus")
    dialog.on("hide", dialog.delete)


def _result_dialog(
    visitor: Visitor,
    one: ResultRow,
    rules: ClearanceRules,
    zone: ZoneInfo,
    on_change: Callable[[], Awaitable[None]],
) -> None:
    cells = result_cells(one, rules, zone)
    with ui.dialog(value=True) as dialog, ui.card().classes("sg-dialog"):
        heading(said.RESULT)
        facts(
            [
                *((label, cells[name]) for name, label in _RESULT_COLUMNS),
                (said.ENTERED, f"{one.entered_by} {one.entered_at.astimezone(zone):{_MINUTE}}"),
            ]
        )
        why = text_field(words.WHY).props("data-field=why maxlength=500").classes("sg-whole")

        async def drop() -> None:
            reason, desk = str(why.value), visitor.office.clearances

            def work(viewer: Viewer) -> bool:
                desk.drop_result(viewer, one.result_id, why=reason)
                return True

            if await visitor.ask(work):
                dialog.close()
                ui.notify(str(words.SAVED), type="positive")
                await on_change()

        with ui.element("div").classes("sg-bar sg-above"):
            action(said.DROP, drop, icon="undo")
            action(words.CLOSE, dialog.close, main=True).props("autofocus")
    dialog.on("hide", dialog.delete)


def _import_dialog(
    visitor: Visitor, one: ImportRow, zone: ZoneInfo, on_change: Callable[[], Awaitable[None]]
) -> None:
    with ui.dialog(value=True) as dialog, ui.card().classes("sg-dialog"):
        heading(said.IMPORTS)
        facts(
            [
                (said.FILE_NAME, one.file_name),
                (words.SITE, one.site_id),
                (words.WHO, f"{one.imported_by} {one.imported_at.astimezone(zone):{_MINUTE}}"),
                (said.WAS_TAKEN, f"{one.taken} / {one.rows}"),
            ]
        )
        problems = table((("row", said.ROW), ("reason", said.WHY_NOT)), key="row")
        problems.rows = [{"row": at, "reason": str(row_words(why))} for at, why in one.problems]

        async def undo() -> None:
            desk = visitor.office.clearances
            if not await ask_sure(said.SURE_UNDO):
                return
            if await visitor.ask(lambda viewer: desk.drop_import(viewer, one.import_id)) is not None:
                dialog.close()
                ui.notify(str(words.SAVED), type="positive")
                await on_change()

        with ui.element("div").classes("sg-bar sg-above"):
            if one.undone_at is None:
                action(said.UNDO_IMPORT, undo, icon="undo")
            action(words.CLOSE, dialog.close, main=True).props("autofocus")
    dialog.on("hide", dialog.delete)
