"""Findings by state, one finding with everything that happened to it, and the inspections they come from."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

from nicegui import events, ui

from sync.central.accounts_access import Viewer
from sync.central.console import words
from sync.central.console import words_grid as said
from sync.central.console.frame import Visitor, choice, own_sites, table, text_field
from sync.central.console.listing import export_actions, search_bar
from sync.central.exports_inspections import finding_pieces, inspection_pieces
from sync.central.inspection_desk import FindingFacts, FindingFilter, FindingRow, InspectionRow, PhotoRow
from sync.central.inspection_forms import read_step
from sync.central.phone import words_inspect as both
from sync.clearance_rules.standing import day_of
from sync.inspections import Answer, FindingState, Item, Step
from sync.inspections.finding import SETS_DEADLINE
from sync.pages import action, facts, heading, picks_files, subheading

_UPLOAD_MAX_BYTES = 8 * 1024 * 1024
_OVERDUE = "overdue"
_EVERY = "every"
_SHOWN_FOR = timedelta(days=30)
_FINDING_COLUMNS = (
    ("due", both.DUE_ON),
    ("state", both.STATE),
    ("site", words.SITE),
    ("detail", both.ITEM),
    ("reason", both.SEEN),
    ("level", both.LEVEL),
    ("severity", both.SEVERITY),
    ("photos", both.PHOTOS),
)
_INSPECTION_COLUMNS = (
    ("time", words.TIME),
    ("site", words.SITE),
    ("detail", both.CHECKLIST),
    ("level", both.LEVEL),
    ("by", said.INSPECTOR),
    ("score", both.SCORE),
    ("unsettled", both.FINDINGS),
)


async def build_inspections_page(visitor: Visitor, viewer: Viewer) -> None:
    with ui.element("div").classes("sg-bar"):
        ui.label(str(said.ON_PHONE)).classes("sg-note")
    await _Lists(visitor, await own_sites(visitor)).show()


class _Lists:
    """Findings, one of them opened below, and inspections."""

    def __init__(self, visitor: Visitor, sites: dict[str, str]) -> None:
        self._visitor = visitor
        self._desk = visitor.office.inspections
        with search_bar():
            self._site = choice(words.SITE, sites, visitor.asked_of("site", sites))
            states = {one.value: str(text) for one, text in both.STATES.items()}
            options = {"": str(said.UNSETTLED), _OVERDUE: str(said.ONLY_OVERDUE), **states}
            self._state = choice(both.STATE, {})
            options[_EVERY] = str(said.EVERY_STATE)
            self._state.set_options(options, value=visitor.asked_of("state", options))
            action(words.SEARCH, self.show, main=True, icon="search")
        self._findings = table(_FINDING_COLUMNS, key="finding_id", on_open=self._open_finding)
        self._findings.props(f'no-data-label="{both.NO_FINDINGS}"')
        with ui.element("div").classes("sg-bar"):
            export_actions(self._export_findings, said.FINDINGS_EXPORT)
        self._below = ui.element("section")
        subheading(said.INSPECTED)
        self._inspected = table(_INSPECTION_COLUMNS, key="inspection_id", on_open=self._open_inspection)
        with ui.element("div").classes("sg-bar"):
            export_actions(self._export_inspections, said.INSPECTIONS_EXPORT)

    async def show(self) -> None:
        wanted = self._asked()
        found = await self._visitor.ask(lambda one: self._desk.findings(one, wanted))
        done = await self._ask_inspections(export=False)
        if found is not None:
            self._findings.rows = [_finding_cells(row) for row in found]
        if done is not None:
            self._inspected.rows = [_inspection_cells(row) for row in done]

    def _asked(self) -> FindingFilter:
        chosen = str(self._state.value)
        states: tuple[FindingState, ...] = ()
        if chosen == _EVERY:
            states = tuple(FindingState)
        elif chosen not in ("", _OVERDUE):
            states = (FindingState(chosen),)
        return FindingFilter(str(self._site.value), states, overdue=chosen == _OVERDUE)

    async def _ask_inspections(self, *, export: bool) -> list[InspectionRow] | None:
        site_id, since = str(self._site.value), (self._visitor.office.now() - _SHOWN_FOR).date()
        return await self._visitor.ask(
            lambda one: self._desk.inspections(one, site_id=site_id, since=since, export=export)
        )

    async def _open_finding(self, row: dict[str, Any]) -> None:
        await _FindingPart(self._visitor, str(row["finding_id"]), self._below, self.show).show()

    async def _open_inspection(self, row: dict[str, Any]) -> None:
        found = await self._visitor.ask(lambda one: self._desk.inspection(one, str(row["inspection_id"])))
        if found is not None:
            _show_inspection(found.row, found.answers)

    async def _export_findings(self, file_format: str) -> None:
        wanted = self._asked()
        found = await self._visitor.ask(lambda one: self._desk.findings(one, wanted, export=True))
        if found is not None:
            self._visitor.download("findings", file_format, lambda: finding_pieces(found, file_format))

    async def _export_inspections(self, file_format: str) -> None:
        found = await self._ask_inspections(export=True)
        if found is not None:
            self._visitor.download("inspections", file_format, lambda: inspection_pieces(found, file_format))


class _FindingPart:
    """One finding under the list."""

    def __init__(
        self, visitor: Visitor, finding_id: str, below: ui.element, on_change: Callable[[], Awaitable[None]]
    ) -> None:
        self._visitor = visitor
        self._desk = visitor.office.inspections
        self._finding_id = finding_id
        self._below = below
        self._on_change = on_change

    async def show(self) -> None:
        found = await self._visitor.ask(lambda one: self._desk.finding(one, self._finding_id))
        if found is None:
            return
        shown = await self._visitor.ask(
            lambda one: [(photo, self._desk.photo(one, photo.photo_id)) for photo in found.photos]
        )
        self._below.clear()
        with self._below, ui.element("div").classes("sg-card"):
            self._show(found, shown or [])

    def _show(self, found: FindingFacts, photos: list[tuple[PhotoRow, bytes]]) -> None:
        row = found.row
        subheading(row.item.words)
        facts(
            [
                (both.STATE, _state(row)),
                (both.DUE_ON, f"{row.due_on}"),
                (words.SITE, row.site_name),
                (both.CHECKLIST, f"{row.checklist.words} · {both.LEVELS[row.level]}"),
                (both.SEVERITY, str(both.SEVERITIES[row.severity])),
                (both.SEEN, row.found_note),
            ]
        )
        with ui.element("div").classes("sg-bar sg-above"):
            for photo, jpeg in photos:
                text = f"{both.STATES[photo.state]} · {photo.taken_at.astimezone(row.zone):%m-%d %H:%M}"
                with ui.element("figure").classes("sg-figure"):
                    source = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
                    ui.element("img").props(f'src="{source}" alt="{text}"').classes("sg-shot")
                    with ui.element("figcaption").classes("sg-note"):
                        ui.label(f"{text} · {photo.taken_by}")
        subheading(both.HISTORY)
        for one in found.steps:
            parts = [f"{one.at.astimezone(row.zone):%Y-%m-%d %H:%M}", str(both.HAPPENED[one.step]), one.by]
            parts += [f"{both.DUE_ON} {one.due_on}"] if one.due_on else []
            ui.label(" · ".join([*parts, one.note] if one.note else parts))
        self._actions(found)

    def _actions(self, found: FindingFacts) -> None:
        with ui.element("div").classes("sg-bar sg-above"):
            if found.may:
                self._note = text_field(both.NOTE).props("data-field=note maxlength=500").classes("sg-broad")
            if set(found.may) & SETS_DEADLINE:
                days = timedelta(days=found.row.checklist.deadline_days_of(found.row.item))
                day = day_of(self._visitor.office.now(), found.row.zone) + days
                self._due_on = text_field(both.NEW_DUE_ON, kind="date", value=day.isoformat())
                self._due_on.props("data-field=due_on")
        with ui.element("div").classes("sg-bar"):
            for step in found.may:
                main = step is found.may[0]
                action(both.DO[step], partial(self._take, found, step), main=main)
            if found.takes_photos:
                self._photo_action()

    def _photo_action(self) -> None:
        upload = ui.upload(
            auto_upload=True,
            max_file_size=_UPLOAD_MAX_BYTES,
            on_upload=self._put_photo,
            on_rejected=lambda: ui.notify(str(said.PHOTO_REFUSED), type="negative"),
        )
        # Its own buttons have no names: ours opens the files.
        upload.props('accept="image/*" aria-hidden=true').classes("sg-hidden-upload")
        picks_files(action(said.ADD_PHOTO, lambda: None, icon="photo_camera"), upload)

    async def _put_photo(self, event: events.UploadEventArguments) -> None:
        content = await event.file.read()
        done = await self._visitor.ask(lambda one: self._desk.put_photo(one, self._finding_id, content))
        if done is not None:
            await self._changed()

    async def _take(self, found: FindingFacts, step: Step) -> None:
        typed = {"note": str(self._note.value or "")}
        if step in SETS_DEADLINE:
            typed["due_on"] = str(self._due_on.value or "")

        def work(viewer: Viewer) -> FindingState:
            data = read_step(step, typed, day_of(self._visitor.office.now(), found.row.zone))
            return self._desk.change(viewer, self._finding_id, step, data.note, due_on=data.due_on)

        if await self._visitor.ask(work) is not None:
            await self._changed()

    async def _changed(self) -> None:
        ui.notify(str(words.SAVED), type="positive")
        # In this order: whoever sees the list changed may go on typing below.
        await self.show()
        with self._below:
            await self._on_change()


def _show_inspection(row: InspectionRow, answers: tuple[tuple[Item, Answer | None], ...]) -> None:
    with ui.dialog(value=True) as dialog, ui.card().classes("sg-dialog"):
        heading(row.checklist.words)
        facts(
            [
                (words.SITE, row.site_name),
                (words.TIME, f"{row.inspected_at.astimezone(row.zone):%Y-%m-%d %H:%M}"),
                (both.LEVEL, str(both.LEVELS[row.level])),
                (said.INSPECTOR, row.inspected_by),
                (both.SCORE, _score(row)),
            ]
        )
        subheading(both.ANSWER)
        with ui.element("div").classes("sg-answers"):
            facts([(item.words, _answer(item, answer)) for item, answer in answers])
        action(words.CLOSE, dialog.close, main=True).props("autofocus")
    dialog.on("hide", dialog.delete)


def _answer(item: Item, answer: Answer | None) -> str:
    if answer is None:
        return str(both.NOT_ANSWERED)
    said_words = {"yes": str(both.YES), "no": str(both.NO)}
    value = answer.value if isinstance(answer.value, str) else f"{answer.value:g}"
    mark = "✗ " if item.is_fault(answer.value) else ""
    return f"{mark}{said_words.get(value, value)}" + (f" · {answer.note}" if answer.note else "")


def _state(row: FindingRow) -> str:
    return f"{both.STATES[row.state]} · {both.OVERDUE}" if row.is_overdue else str(both.STATES[row.state])


def _score(row: InspectionRow) -> str:
    return f"{row.score.in_order} / {row.score.answered} ({row.score.percent} %)"


def _finding_cells(row: FindingRow) -> dict[str, Any]:
    return {
        "finding_id": row.finding_id,
        "due": f"{row.due_on}",
        "state": _state(row),
        "site": row.site_name,
        "detail": str(row.item.words),
        "reason": row.found_note,
        "level": str(both.LEVELS[row.level]),
        "severity": str(both.SEVERITIES[row.severity]),
        "photos": row.photos or "",
    }


def _inspection_cells(row: InspectionRow) -> dict[str, Any]:
    return {
        "inspection_id": row.inspection_id,
        "time": f"{row.inspected_at.astimezone(row.zone):%Y-%m-%d %H:%M}",
        "site": row.site_name,
        "detail": str(row.checklist.words),
        "level": str(both.LEVELS[row.level]),
        "by": row.inspected_by,
        "score": _score(row),
        "unsettled": row.unsettled or "",
    }
