"""Cases: open one, see whom it met and why, confirm into flags, take back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from nicegui import ui

from sync.central.accounts_access import Viewer
from sync.central.case_desk import CaseFacts, CaseRow, ContactRow, ReasonRow
from sync.central.case_forms import case_data, trip_text
from sync.central.case_graph import chart, drawing, label_of
from sync.central.cases import CaseKind, ContactState
from sync.central.console import words
from sync.central.console import words_cases as said
from sync.central.console.confirming import ask_sure
from sync.central.console.frame import Visitor, choice, own_sites, table, text_field
from sync.central.console.listing import export_actions, search_bar
from sync.central.exports_cases import contact_pieces
from sync.pages import action, facts, heading, subheading
from sync.records import FlagLevel
from sync.tracing import TracingRules
from sync.tracing.telling import told

_COLUMNS = (
    ("opened", said.OPENED),
    ("name", said.CASE),
    ("kind", said.KIND),
    ("site", words.SITE),
    ("window", said.WINDOW),
    ("issues", said.CONTACTS),
    ("state", said.STATE),
)
_CONTACT_COLUMNS = (
    ("worker", words.WORKER),
    ("state", said.STATE),
    ("last", said.LAST_CONTACT),
    ("reason", said.RULES),
    ("detail", said.FACTS),
)
_CATEGORIES = {
    "case": (str(said.CASE_NODE), "#a3130b"),
    "place": (str(said.PLACE_NODE), "#7d8b99"),
    ContactState.PROPOSED.value: (str(said.STATES[ContactState.PROPOSED]), "#c77700"),
    ContactState.CONFIRMED.value: (str(said.STATES[ContactState.CONFIRMED]), "#0b5394"),
    ContactState.UNDONE.value: (str(said.STATES[ContactState.UNDONE]), "#14602b"),
}
_FACTS_SHOWN = 3
PATH = "/cases"


async def build_cases_page(visitor: Visitor, viewer: Viewer) -> None:
    office = visitor.office
    ui.label(str(said.NOTE)).classes("sg-note")
    sites = await own_sites(visitor)

    async def show() -> None:
        site_id, closed_too = str(site.value), bool(also_closed.value)
        found = await visitor.ask(lambda one: office.cases.rows(one, site_id=site_id, closed_too=closed_too))
        if found is not None:
            lines.rows = [_cells(row) for row in found]

    async def open_case(case_id: str) -> None:
        await show()
        await _CasePart(visitor, case_id, below, show).show()

    with search_bar():
        site = choice(words.SITE, sites)
        also_closed = ui.checkbox(str(said.CLOSED_TOO))
        action(words.SEARCH, show, main=True, icon="search")
        action(said.OPEN_CASE, lambda: _CaseForm(visitor, sites, open_case).open(), icon="add")
    lines = table(_COLUMNS, key="case_id", on_open=lambda row: open_case(str(row["case_id"])))
    below = ui.element("section")
    await show()
    if asked := visitor.asked.get("case", ""):
        await _CasePart(visitor, asked, below, show).show()


def case_link(case_id: str) -> str:
    """The address of one case."""
    return f"{PATH}?case={case_id}"


class _CasePart:
    """One case under the list: facts, drawing, contacts."""

    def __init__(
        self, visitor: Visitor, case_id: str, below: ui.element, on_change: Callable[[], Awaitable[None]]
    ) -> None:
        self._visitor = visitor
        self._desk = visitor.office.cases
        self._case_id = case_id
        self._below = below
        self._on_change = on_change
        self._contacts: ui.table

    async def show(self) -> None:
        found = await self._visitor.ask(lambda one: self._desk.one(one, self._case_id))
        self._below.clear()
        if found is not None:
            with self._below:
                self._show(found)

    def _show(self, found: CaseFacts) -> None:
        case = found.row.case
        subheading(words.Words(found.row.name, case.data.worker_id or ""))
        traced = case.traced_at.astimezone(found.zone) if case.traced_at else None
        facts(
            [
                (said.KIND, str(said.KINDS[case.data.kind])),
                (said.WINDOW, f"{case.data.from_day} – {case.data.until_day}"),
                (said.ONSET, f"{case.data.onset_on or ''}"),
                (said.TRIPS, trip_text(case.data.trips).replace("\n", "；")),
                (said.REMARKS, case.data.remarks),
                (said.OPENED, f"{case.opened_at.astimezone(found.zone):%Y-%m-%d %H:%M} · {case.opened_by}"),
                (said.TRACED, f"{traced:%Y-%m-%d %H:%M:%S}" if traced else ""),
            ]
        )
        with ui.element("div").classes("sg-bar sg-above"):
            if case.is_open:
                action(said.TRACE, self._trace, icon="refresh")
                form = _CaseForm(self._visitor, {}, lambda _: self._changed())
                action(said.CHANGE, lambda: form.open(found), icon="edit")
                action(said.CLOSE_CASE, lambda: self._do(lambda one: self._desk.close(one, self._case_id)))
            else:
                action(said.REOPEN, lambda: self._do(lambda one: self._desk.reopen(one, self._case_id)))
            export_actions(self._export, said.EXPORT)
        with ui.element("div").classes("sg-case"):
            self._draw(found)
            with ui.element("div"):
                self._list(found)
        self._show_actions(found)

    def _draw(self, found: CaseFacts) -> None:
        drawn = drawing(found)
        with ui.element("figure").classes("sg-figure"):
            ui.echart(chart(drawn, _CATEGORIES)).classes("sg-graph").props(
                f'role=img aria-label="{said.GRAPH}"'
            )
            with ui.element("figcaption").classes("sg-note"):
                ui.label(str(said.GRAPH))
                if drawn.left_out:
                    ui.label(f"{drawn.left_out} {said.GRAPH_PARTLY}")

    def _list(self, found: CaseFacts) -> None:
        rules = self._desk.rules
        self._contacts = table(_CONTACT_COLUMNS, key="contact_id")
        self._contacts.props("selection=multiple dense=false wrap-cells")
        self._contacts.rows = [_contact_cells(one, rules, found) for one in found.contacts]
        measure = rules.measure
        with ui.element("div").classes("sg-bar"):
            self._why = text_field(words.WHY).props("data-field=why maxlength=500").classes("sg-broad")
            if found.row.case.is_open:
                levels = {level.value: str(words.LEVELS[level]) for level in FlagLevel}
                self._level = (
                    ui.select(levels, value=measure.level.value, label=str(words.LEVEL))
                    .props("outlined dense options-dense")
                    .classes("sg-field")
                )
                if measure.pass_cause is not None:
                    ui.label(str(said.AS_PASS)).classes("sg-note")
                self._days = text_field(said.LEVEL_DAYS, kind="number", value=str(measure.days))
                self._days.classes("sg-broad")
                action(said.CONFIRM, self._confirm, main=True, icon="flag")
                action(said.DISMISS, self._dismiss)
            action(said.UNDO, self._undo, icon="undo")

    def _show_actions(self, found: CaseFacts) -> None:
        if not found.actions:
            return
        subheading(said.CONFIRMATIONS)
        for one in found.actions:
            at = one.done_at.astimezone(found.zone)
            text = (
                f"{at:%Y-%m-%d %H:%M} · {one.done_by} · {said.CONTACTS} {one.contacts} · "
                f"{said.FLAGGED} {one.flags} · {words.LEVELS[one.level]} · {one.why}"
            )
            with ui.element("div").classes("sg-bar"):
                ui.label(text)
                if one.undone_at is None:
                    action(said.UNDO_ALL, partial(self._undo_action, one.action_id), icon="undo")
                else:
                    ui.label(f"{said.UNDONE} {one.undone_by}").classes("sg-note")

    # -- what the buttons do -----------------------------------------------------------------------------

    def _chosen(self) -> list[str]:
        chosen = [str(row["contact_id"]) for row in self._contacts.selected]
        if not chosen:
            ui.notify(str(said.NONE_CHOSEN), type="warning")
        return chosen

    async def _confirm(self) -> None:
        chosen, why, level = self._chosen(), str(self._why.value), FlagLevel(str(self._level.value))
        days = int(self._days.value) if str(self._days.value).isdecimal() else 0
        sure = words.Words(f"{len(chosen)} {said.SURE_CONFIRM.zh}", f"{len(chosen)} {said.SURE_CONFIRM.en}")
        if chosen and await ask_sure(sure):
            done = await self._visitor.ask(
                lambda one: self._desk.confirm(one, self._case_id, chosen, level=level, days=days, why=why)
            )
            if done is not None:
                text = f"{said.FLAGGED} {done.flags}"
                text += f" · {said.WITHOUT_FLAG} {done.without_flag}" if done.without_flag else ""
                ui.notify(text, type="positive")
                await self._changed()

    async def _dismiss(self) -> None:
        chosen, why = self._chosen(), str(self._why.value)
        if chosen:
            await self._do(lambda one: self._desk.dismiss(one, self._case_id, chosen, why=why))

    async def _undo(self) -> None:
        chosen, why = self._chosen(), str(self._why.value)
        if chosen:
            await self._do(lambda one: self._desk.undo(one, self._case_id, chosen, why=why))

    async def _undo_action(self, action_id: str) -> None:
        why = str(self._why.value)
        if await ask_sure(said.SURE_UNDO):
            await self._do(lambda one: self._desk.undo_action(one, self._case_id, action_id, why=why))

    async def _trace(self) -> None:
        await self._do(lambda one: self._desk.trace(one, self._case_id))

    async def _do(self, work: Callable[[Viewer], object]) -> None:
        def worked(viewer: Viewer) -> bool:
            work(viewer)
            return True

        if await self._visitor.ask(worked):
            ui.notify(str(words.SAVED), type="positive")
            await self._changed()

    async def _changed(self) -> None:
        # In this order: whoever sees the list changed may go on typing below.
        await self.show()
        with self._below:
            await self._on_change()

    async def _export(self, file_format: str) -> None:
        rules = self._desk.rules
        found = await self._visitor.ask(lambda one: self._desk.export(one, self._case_id))
        if found is not None:
            self._visitor.download("contacts", file_format, lambda: contact_pieces(found, rules, file_format))


class _CaseForm:
    """A new case, or another look at a known one."""

    def __init__(
        self, visitor: Visitor, sites: dict[str, str], on_saved: Callable[[str], Awaitable[None]]
    ) -> None:
        self._visitor = visitor
        self._sites = sites
        self._on_saved = on_saved

    def open(self, known: CaseFacts | None = None) -> None:
        data = known.row.case.data if known else None
        stay = data.stays[0] if data and data.stays else None
        with ui.dialog(value=True) as dialog, ui.card().classes("sg-dialog"):
            heading(said.CHANGE if data else said.OPEN_CASE)
            fields: dict[str, Any] = {}
            kinds = {kind.value: str(text) for kind, text in said.KINDS.items()}
            if data is None:
                with ui.element("div").classes("sg-pair"):
                    fields["site_id"] = self._select(words.SITE, self._sites, next(iter(self._sites), ""))
                    fields["kind"] = self._select(said.KIND, kinds, CaseKind.CONFIRMED)
                    fields["worker_id"] = text_field(said.WORKER_ID).props("autofocus data-field=worker")
                    fields["name"] = text_field(said.PERSON)
            else:
                fields["kind"] = self._select(said.KIND, kinds, data.kind)
            with ui.element("div").classes("sg-bar sg-above"):
                for name, label, day in (
                    ("onset_on", said.ONSET, data.onset_on if data else None),
                    ("from_day", said.FIRST_DAY, data.from_day if data else None),
                    ("until_day", said.LAST_DAY, data.until_day if data else None),
                ):
                    fields[name] = text_field(label, kind="date", value=f"{day or ''}")
                    fields[name].props(f"data-field={name}")
            ui.label(str(said.FROM_RULES)).classes("sg-note")
            ui.label(str(said.OWN_PASS)).classes("sg-note")
            fields["trips"] = (
                ui.textarea(str(said.TRIPS), value=trip_text(data.trips) if data else "")
                .props(f'outlined dense autogrow hint="{said.TRIPS_HINT}"')
                .classes("sg-field sg-whole")
            )
            with ui.element("div").classes("sg-pair sg-above"):
                fields["place"] = text_field(said.PLACE, value=stay.label if stay else "")
                fields["room"] = text_field(said.ROOM, value=stay.room if stay else "")
            remarks = data.remarks if data else ""
            fields["remarks"] = text_field(said.REMARKS, value=remarks).classes("sg-whole")

            async def save() -> None:
                typed = {name: str(field.value or "") for name, field in fields.items()}
                case_id = await self._visitor.ask(lambda viewer: self._save(viewer, known, typed))
                if case_id is not None:
                    dialog.close()
                    ui.notify(str(words.SAVED), type="positive")
                    await self._on_saved(case_id)

            with ui.element("div").classes("sg-bar sg-above"):
                action(said.SAVE, save, main=True)
                action(words.CLOSE, dialog.close)
        dialog.on("hide", dialog.delete)

    def _save(self, viewer: Viewer, known: CaseFacts | None, typed: dict[str, str]) -> str:
        desk = self._visitor.office.cases
        if known is None:
            return desk.open(viewer, case_data(desk.rules, **typed))
        case = known.row.case
        same = {
            "site_id": case.data.site_id,
            "worker_id": case.data.worker_id or "",
            "name": case.data.name,
        }
        desk.change(viewer, case.case_id, case_data(desk.rules, **same, **typed))
        return case.case_id

    def _select(self, label: words.Words, options: dict[str, str], value: str) -> ui.select:
        made = ui.select(options, value=str(value), label=str(label))
        return made.props("outlined dense options-dense").classes("sg-field")


def _cells(row: CaseRow) -> dict[str, str]:
    case, counts = row.case, row.counts
    decided = {state: counts.get(state, 0) for state in ContactState if counts.get(state, 0)}
    return {
        "case_id": case.case_id,
        "opened": f"{case.opened_at:%Y-%m-%d}",
        "name": f"{row.name} {case.data.worker_id or ''}".strip(),
        "kind": str(said.KINDS[case.data.kind]),
        "site": row.site_name,
        "window": f"{case.data.from_day} – {case.data.until_day}",
        "issues": " · ".join(f"{said.STATES[state]} {count}" for state, count in decided.items()),
        "state": str(said.IS_OPEN if case.is_open else said.IS_CLOSED),
    }


def _contact_cells(one: ContactRow, rules: TracingRules, found: CaseFacts) -> dict[str, str]:
    name = str(said.OTHER_SITE) if one.is_hidden else f"{label_of(one)} {one.worker_id} {one.team}"
    decided = f" · {one.decided_by} · {one.why}" if one.decided_by else ""
    return {
        "contact_id": one.contact_id,
        "worker": name.strip(),
        "state": f"{said.STATES[one.state]}{' ⚑' if one.has_flag else ''}{decided}",
        "last": f"{one.last_day or ''}",
        "reason": "；".join(str(rules.words(reason.rule_id)) for reason in one.reasons),
        "detail": "；".join(_facts(reason, found) for reason in one.reasons),
    }


def _facts(reason: ReasonRow, found: CaseFacts) -> str:
    shown = "；".join(str(told(meeting, found.zone)) for meeting in reason.meetings[:_FACTS_SHOWN])
    more = reason.meetings_count - _FACTS_SHOWN
    shown += f" （{more} {said.MORE}）" if more > 0 else ""
    return shown if reason.holds else f"{shown} · {said.NO_LONGER}"
