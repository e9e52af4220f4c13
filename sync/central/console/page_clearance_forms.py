"""The dialogs of the page of clearances: order tests, enter one result, import a laboratory's list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from nicegui import ui

from sync.central.accounts_access import Viewer
from sync.central.clearance_forms import order_terms, result_typed
from sync.central.console import words
from sync.central.console import words_clearances as said
from sync.central.console.frame import Visitor, table, text_field
from sync.central.console.picked_file import PickedFile
from sync.central.console.words import Words
from sync.central.console.words_lists import row_words
from sync.central.tests_due import AtGate
from sync.central.tests_import import ImportReport
from sync.pages import action, heading

MAX_UPLOAD_BYTES = 10_000_000
_Changed = Callable[[], Awaitable[None]]


class _Dialog:
    """What the three have in common: the site, the kind, where they stand."""

    def __init__(self, visitor: Visitor, sites: Mapping[str, str], site_id: str, on_change: _Changed) -> None:
        self._visitor = visitor
        self._desk = visitor.office.clearances
        self._sites = dict(sites)
        self._first_site = site_id or next(iter(sites), "")
        self._on_change = on_change
        self._kinds = {one.kind: str(one.words) for one in self._desk.rules.with_results}

    def _select(self, label: Words, options: Mapping[str, str], value: str) -> ui.select:
        made = ui.select(dict(options), value=value, label=str(label))
        return made.props("outlined dense options-dense").classes("sg-field")

    async def _saved(self, told: str) -> None:
        self._dialog.close()
        ui.notify(told, type="positive")
        await self._on_change()

    _dialog: ui.dialog


class OrderDialog(_Dialog):
    """Order a test for whom is ticked, or for a site, a team or a trade."""

    def __init__(
        self,
        visitor: Visitor,
        sites: Mapping[str, str],
        site_id: str,
        worker_ids: Sequence[str],
        on_change: _Changed,
    ) -> None:
        super().__init__(visitor, sites, site_id, on_change)
        self._worker_ids = worker_ids

    def open(self) -> None:
        chosen = self._worker_ids
        with ui.dialog(value=True) as self._dialog, ui.card().classes("sg-dialog"):
            heading(said.ORDER)
            ui.label(f"{said.FOR_CHOSEN}: {len(chosen)}" if chosen else str(said.FOR_ALL)).classes("sg-note")
            with ui.element("div").classes("sg-pair"):
                site = self._select(words.SITE, self._sites, self._first_site)
                kind = self._select(said.KIND, self._kinds, next(iter(self._kinds)))
                if chosen:
                    site.props("readonly")
                team, trade = text_field(said.TEAM_EMPTY), text_field(said.TRADE_EMPTY)
                for field in (team, trade):
                    field.set_visibility(not chosen)
                due_on = text_field(said.DUE_ON, kind="date").props("data-field=due_on")
                at_gates = {one.value: str(text) for one, text in said.AT_GATES.items()}
                at_gate = self._select(said.AT_GATE, at_gates, AtGate.NOTHING.value)
            why = text_field(words.WHY).props("data-field=why maxlength=500").classes("sg-whole")

            async def save() -> None:
                typed = {
                    name: str(field.value or "")
                    for name, field in (
                        ("site_id", site),
                        ("kind", kind),
                        ("team", team),
                        ("trade", trade),
                        ("due_on", due_on),
                        ("at_gate", at_gate),
                        ("why", why),
                    )
                }
                done = await self._visitor.ask(
                    lambda viewer: self._desk.order(viewer, worker_ids=chosen, **order_terms(**typed))
                )
                if done is not None:
                    already = f" · {said.ORDER_ALREADY} {done.already}" if done.already else ""
                    await self._saved(f"{said.ORDER_DONE} {done.people}{already}")

            with ui.element("div").classes("sg-bar sg-above"):
                action(said.ORDER, save, main=True)
                action(words.CLOSE, self._dialog.close)
        self._dialog.on("hide", self._dialog.delete)


class EnterDialog(_Dialog):
    """One result of one worker."""

    def __init__(
        self,
        visitor: Visitor,
        sites: Mapping[str, str],
        site_id: str,
        worker_id: str,
        on_change: _Changed,
    ) -> None:
        super().__init__(visitor, sites, site_id, on_change)
        self._worker_id = worker_id

    def open(self) -> None:
        with ui.dialog(value=True) as self._dialog, ui.card().classes("sg-dialog"):
            heading(said.ENTER)
            with ui.element("div").classes("sg-pair"):
                site = self._select(words.SITE, self._sites, self._first_site)
                worker = text_field(said.WORKER_ID, value=self._worker_id).props("data-field=worker")
                first = next(iter(self._kinds))
                kind = self._select(said.KIND, self._kinds, first)
                options = self._results(first)
                result = self._select(said.RESULT, options, next(iter(options)))
                done_on = text_field(said.DONE_ON, kind="date").props("data-field=done_on")
                done_time = text_field(said.DONE_TIME, kind="time")
                last_day = text_field(said.VALID_TO, kind="date")
                done_by = text_field(said.DONE_BY).props("maxlength=200")
                reference = text_field(said.REFERENCE).props("maxlength=200")

            def other_kind() -> None:
                known = self._results(str(kind.value))
                result.set_options(known, value=next(iter(known)))

            kind.on_value_change(other_kind)

            async def save() -> None:
                typed = {
                    name: str(field.value or "")
                    for name, field in (
                        ("worker_id", worker),
                        ("kind", kind),
                        ("result", result),
                        ("done_on", done_on),
                        ("done_time", done_time),
                        ("last_day", last_day),
                        ("done_by", done_by),
                        ("reference", reference),
                    )
                }
                site_id = str(site.value or "")

                def work(viewer: Viewer) -> str:
                    zone = self._visitor.office.attendance.zone(viewer, site_id)
                    return self._desk.enter(viewer, site_id, result_typed(zone=zone, **typed))

                if await self._visitor.ask(work) is not None:
                    await self._saved(str(words.SAVED))

            with ui.element("div").classes("sg-bar sg-above"):
                action(words.SAVE, save, main=True)
                action(words.CLOSE, self._dialog.close)
        self._dialog.on("hide", self._dialog.delete)

    def _results(self, kind: str) -> dict[str, str]:
        found = self._desk.rules.kind(kind)
        return {one.result: str(one.words) for one in found.results} if found else {}


class ImportDialog(_Dialog):
    """A laboratory's list: looked through first, then taken."""

    def open(self) -> None:
        with ui.dialog(value=True) as self._dialog, ui.card().classes("sg-dialog"):
            heading(said.IMPORT)
            ui.label(said.IMPORT_NOTE.zh)
            ui.label(said.IMPORT_NOTE.en).classes("sg-note")
            with ui.element("div").classes("sg-pair sg-above"):
                self._site = self._select(words.SITE, self._sites, self._first_site)
                self._kind = self._select(said.KIND, self._kinds, next(iter(self._kinds)))
            self._file = PickedFile(
                said.FILE, nothing=said.NO_FILE, refused=said.FILE_REFUSED, max_bytes=MAX_UPLOAD_BYTES
            )
            with ui.element("div").classes("sg-bar sg-above"):
                action(said.CHECK, lambda: self._run(is_check=True), icon="fact_check")
                action(said.START, lambda: self._run(is_check=False), main=True, icon="upload_file")
                action(words.CLOSE, self._dialog.close)
            self._report = ui.element("section").classes("sg-whole")
        self._dialog.on("hide", self._dialog.delete)

    async def _run(self, *, is_check: bool) -> None:
        file = self._file.chosen()
        if file is None:
            return
        name, raw = file
        site_id, kind = str(self._site.value or ""), str(self._kind.value)
        work = self._desk.preview if is_check else self._desk.import_file
        self._report.clear()
        with self._report:
            ui.label(str(said.AT_WORK)).props("role=status")
        report = await self._visitor.ask(
            lambda viewer: work(viewer, site_id=site_id, kind=kind, file_name=name, raw=raw)
        )
        self._report.clear()
        if report is None:
            return
        with self._report:
            self._show(report, kind, is_check=is_check)
        if not is_check:
            self._file.forget()
            await self._on_change()

    def _show(self, report: ImportReport, kind: str, *, is_check: bool) -> None:
        found = self._desk.rules.kind(kind)
        told = [
            f"{report.rows} {said.ROWS}",
            f"{said.TAKEN if is_check else said.WAS_TAKEN} {report.taken}",
            f"{said.BROKEN} {report.broken}",
        ]
        if report.already:
            told.insert(2, f"{said.ALREADY} {report.already}")
        for code, count in sorted(report.results.items()):
            meaning = found.result(code) if found else None
            told.append(f"{meaning.words if meaning else code} {count}")
        ui.label(" · ".join(told)).props("role=status")
        if report.ignored:
            ui.label(f"{said.IGNORED}: {', '.join(report.ignored)}").classes("sg-note")
        if report.problems:
            problems = table((("row", said.ROW), ("reason", said.WHY_NOT)), key="row")
            problems.rows = [{"row": at, "reason": str(row_words(why))} for at, why in report.problems]
