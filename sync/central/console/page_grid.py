"""The grid: each site with its officer, its visits and what is to be followed up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from nicegui import ui

from sync.central.accounts_access import Right, Viewer
from sync.central.console import words
from sync.central.console import words_grid as said
from sync.central.console.confirming import ask_sure
from sync.central.console.frame import Visitor, table, text_field
from sync.central.console.listing import export_actions
from sync.central.exports_inspections import grid_pieces
from sync.central.grid import Purpose, SiteGrid, SiteGridFacts, Visit
from sync.central.phone import words_inspect as both
from sync.pages import action, facts, subheading

_COLUMNS = (
    ("district", said.DISTRICT),
    ("name", said.SUB_DISTRICT),
    ("site", words.SITE),
    ("worker", both.OFFICER),
    ("phone", both.PHONE),
    ("time", said.LAST_VISIT),
    ("follow", both.FOLLOW_UP),
    ("issues", both.FINDINGS),
)


async def build_grid_page(visitor: Visitor, viewer: Viewer) -> None:
    desk = visitor.office.grid
    with ui.element("div").classes("sg-bar"):
        ui.label(str(said.GRID_NOTE)).classes("sg-note")

    async def show() -> None:
        found = await visitor.ask(desk.sites)
        if found is not None:
            lines.rows = [_cells(row) for row in found]

    async def open_site(row: dict[str, Any]) -> None:
        await _SitePart(visitor, str(row["site_id"]), below, show, viewer.may(Right.MANAGE_GRID)).show()

    async def export(file_format: str) -> None:
        found = await visitor.ask(lambda one: desk.sites(one, export=True))
        if found is not None:
            visitor.download("grid", file_format, lambda: grid_pieces(found, file_format))

    lines = table(_COLUMNS, key="site_id", on_open=open_site)
    with ui.element("div").classes("sg-bar"):
        export_actions(export, said.EXPORT)
    below = ui.element("section")
    await show()


class _SitePart:
    """One site under the list; with `manages` its officer and visits can be changed."""

    def __init__(
        self,
        visitor: Visitor,
        site_id: str,
        below: ui.element,
        on_change: Callable[[], Awaitable[None]],
        manages: bool,
    ) -> None:
        self._visitor = visitor
        self._desk = visitor.office.grid
        self._site_id = site_id
        self._below = below
        self._on_change = on_change
        self._manages = manages

    async def show(self) -> None:
        found = await self._visitor.ask(lambda one: self._desk.site(one, self._site_id))
        self._below.clear()
        if found is not None:
            with self._below, ui.element("div").classes("sg-card"):
                self._show(found)

    def _show(self, found: SiteGridFacts) -> None:
        subheading(found.row.site_name)
        self._show_officer(found)
        subheading(both.VISITS)
        if self._manages:
            self._visit_form()
        if not found.visits:
            ui.label(str(both.NO_VISITS)).classes("sg-note")
        for visit in found.visits:
            self._show_visit(visit, found)

    def _show_officer(self, found: SiteGridFacts) -> None:
        officer = found.row.officer
        data = officer.data if officer is not None else None
        facts(
            [
                (both.OFFICER, data.name if data is not None else str(both.NO_OFFICER)),
                (both.GRID_NAME, data.grid if data is not None else ""),
                (both.PHONE, data.phone if data is not None else ""),
            ]
        )
        if self._manages:
            fields: dict[str, ui.input] = {}
            with ui.element("div").classes("sg-bar sg-above"):
                for name, label, value in (
                    ("name", said.NAME, data.name if data is not None else ""),
                    ("phone", both.PHONE, data.phone if data is not None else ""),
                    ("grid", both.GRID_NAME, data.grid if data is not None else ""),
                ):
                    fields[name] = text_field(label, value=value).props(
                        f"data-field=officer-{name} maxlength=100"
                    )
                action(said.NAME_OFFICER, lambda: self._name(fields), main=True)
                if officer is not None:
                    action(said.END_OFFICER, self._end)
        former = [one for one in found.officers if one.until is not None]
        if former:
            subheading(said.FORMER)
        for one in former:
            since, until = (at.astimezone(found.row.zone) for at in (one.since, one.until or one.since))
            term = f"{said.SINCE} {since:%Y-%m-%d} · {said.UNTIL} {until:%Y-%m-%d}"
            ui.label(f"{one.data.name} {one.data.grid} · {term}")

    def _visit_form(self) -> None:
        options = {purpose.value: str(text) for purpose, text in both.PURPOSES.items()}
        with ui.element("div").classes("sg-bar"):
            purpose = ui.select(options, value=Purpose.ROUTINE.value, label=str(both.PURPOSE))
            purpose.props("outlined dense options-dense").classes("sg-field")
            notes = text_field(both.NOTE).props("data-field=visit-notes maxlength=1000").classes("sg-broad")
            follow = text_field(both.FOLLOW_UP_ON, kind="date").props("data-field=visit-follow")

            async def save() -> None:
                typed = {
                    "purpose": str(purpose.value),
                    "notes": str(notes.value or ""),
                    "follow_up_on": str(follow.value or ""),
                }
                await self._do(lambda one: self._desk.record_visit(one, self._site_id, typed))

            action(both.VISIT, save, icon="add")

    def _show_visit(self, visit: Visit, found: SiteGridFacts) -> None:
        at = visit.visited_at.astimezone(found.row.zone)
        with ui.element("div").classes("sg-bar"):
            ui.label(f"{at:%Y-%m-%d %H:%M} · {both.PURPOSES[visit.data.purpose]} · {visit.recorded_by}")
            ui.label(visit.data.notes)
            if visit.data.follow_up_on is None:
                return
            if visit.settled_at is not None:
                ui.label(f"{both.SETTLED} {visit.settled_by} {visit.settled_note}").classes("sg-good")
                return
            text = f"{both.FOLLOW_UP} {visit.data.follow_up_on}"
            late = f"{text} · {both.OVERDUE}" if visit.is_overdue else text
            ui.label(late).classes("sg-bad" if visit.is_overdue else "sg-wait")
            if self._manages:
                note = text_field(both.NOTE).props("maxlength=500")
                action(both.SETTLE, partial(self._settle, visit.visit_id, note))

    async def _name(self, fields: dict[str, ui.input]) -> None:
        typed = {name: str(field.value or "") for name, field in fields.items()}
        await self._do(lambda one: self._desk.name_officer(one, self._site_id, typed))

    async def _end(self) -> None:
        if await ask_sure(said.SURE_END):
            await self._do(lambda one: self._desk.end_officer(one, self._site_id))

    async def _settle(self, visit_id: str, note: ui.input) -> None:
        text = str(note.value or "")
        await self._do(lambda one: self._desk.settle(one, visit_id, text))

    async def _do(self, work: Callable[[Viewer], None]) -> None:
        def worked(viewer: Viewer) -> bool:
            work(viewer)
            return True

        if await self._visitor.ask(worked):
            ui.notify(str(words.SAVED), type="positive")
            # In this order: whoever sees the list changed may go on typing below.
            await self.show()
            with self._below:
                await self._on_change()


def _cells(row: SiteGrid) -> dict[str, Any]:
    officer, counts = row.officer, row.counts
    follow = f"{row.follow_ups}" if row.follow_ups else ""
    found = f"{counts.open + counts.mended}" if counts.open + counts.mended else ""
    return {
        "site_id": row.site_id,
        "district": row.place.district,
        "name": row.place.sub_district,
        "site": row.site_name,
        "worker": f"{officer.data.name} {officer.data.grid}" if officer else str(both.NO_OFFICER),
        "phone": officer.data.phone if officer else "",
        "time": f"{row.last_visit_at.astimezone(row.zone):%Y-%m-%d %H:%M}" if row.last_visit_at else "",
        "follow": f"{follow} · {said.LATE} {row.late}" if row.late else follow,
        "issues": f"{found} · {said.LATE} {counts.overdue}" if counts.overdue else found,
    }
