"""The upload to the real-name platform: how far each site is, what was rejected and why, files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from functools import partial
from zoneinfo import ZoneInfo

from nicegui import ui

from sync.central.accounts_access import Right, Viewer
from sync.central.console import words
from sync.central.console import words_real_name as said
from sync.central.console.confirming import ask_sure
from sync.central.console.frame import Visitor, table, text_field
from sync.central.console.listing import EXPORT_FORMATS, search_bar
from sync.central.exports_real_name import JSON, What
from sync.central.real_name import State
from sync.central.real_name_desk import RequestRow, SiteState, Trouble
from sync.pages import action, facts, subheading

_TROUBLES = (
    ("time", said.CHANGED),
    ("kind", said.KIND),
    ("state", said.STATE),
    ("reason", said.REASON),
    ("name", words.NAME),
    ("worker_id", words.NUMBER),
    ("team", words.TEAM),
    ("passed", said.PASSED),
    ("source", said.SOURCE),
)
_REQUESTS = (
    ("time", said.CHANGED),
    ("kind", said.KIND),
    ("rows", said.ROWS),
    ("state", said.STATE),
    ("number", said.SERIAL),
    ("asked", said.TIMES_ASKED),
    ("detail", said.REASON),
)
_SHOWN_STATES = (State.WAITING, State.SENT, State.ACCEPTED, State.REJECTED, State.HELD, State.OVERTAKEN)


async def build_real_name_page(visitor: Visitor, viewer: Viewer) -> None:
    """One site at a time."""
    ui.label(str(said.NOTE)).classes("sg-note")
    states = await visitor.ask(visitor.office.real_name.states)
    if not states:
        ui.label(str(said.NONE_SET_UP)).classes("sg-note sg-strong").props("role=status")
        return
    sites = {one.link.site_id: one.site_name for one in states}
    today = await visitor.ask(lambda _: visitor.office.declarations.today(next(iter(sites))))
    page = _Page(visitor, viewer, sites, f"{today}")
    await page.show()


class _Page:
    """What one open page shows."""

    def __init__(self, visitor: Visitor, viewer: Viewer, sites: Mapping[str, str], today: str) -> None:
        self._visitor = visitor
        self._desk = visitor.office.real_name
        first = next(iter(sites))
        with search_bar():
            self._site = (
                ui.select(dict(sites), value=first, label=str(words.SITE), on_change=self.show)
                .props("outlined dense options-dense")
                .classes("sg-field")
            )
            action(words.REFRESH, self.show, main=True, icon="refresh")
            action(said.ASK_AGAIN, self._ask_again, icon="help_outline")
        self._facts = ui.element("section")
        self._counts = ui.element("div").classes("sg-counts sg-above").props("role=status")
        subheading(said.TROUBLES)
        self._nothing = ui.label(str(said.NO_TROUBLES)).classes("sg-note")
        self._troubles = table(_TROUBLES, key="key")
        self._troubles.props("selection=multiple wrap-cells")
        with ui.element("div").classes("sg-bar") as self._retrying:
            action(said.RETRY_CHOSEN, self._retry_chosen, main=True, icon="replay")
            action(said.RETRY_ALL, self._retry_all, icon="replay")
        if viewer.may(Right.READ_PAPERS):
            subheading(said.EXPORT)
            with search_bar():
                whats = {one.value: str(text) for one, text in said.WHATS.items()}
                self._what = (
                    ui.select(whats, value=What.ATTENDANCE.value, label=str(said.WHAT))
                    .props("outlined dense options-dense")
                    .classes("sg-field")
                )
                self._first = text_field(words.SINCE, kind="date", value=today).props(
                    "dense data-field=first"
                )
                self._last = text_field(words.UNTIL, kind="date", value=today).props("dense data-field=last")
                for file_format in (*EXPORT_FORMATS, JSON):
                    label = f"{said.EXPORT} {file_format.upper()}"
                    action(label, partial(self._export, file_format), icon="download")
        subheading(said.REQUESTS)
        self._requests = table(_REQUESTS, key="key")

    async def show(self) -> None:
        """Ask for everything again."""
        site_id = str(self._site.value)
        states = await self._visitor.ask(self._desk.states)
        troubles = await self._visitor.ask(lambda one: self._desk.troubles(one, site_id))
        requests = await self._visitor.ask(lambda one: self._desk.requests(one, site_id))
        zone = await self._visitor.ask(lambda one: self._visitor.office.attendance.zone(one, site_id))
        state = next((one for one in states or [] if one.link.site_id == site_id), None)
        if state is None or troubles is None or requests is None or zone is None:
            return
        self._show_facts(state, zone)
        self._show_counts(state)
        self._nothing.set_visibility(not troubles)
        self._troubles.set_visibility(bool(troubles))
        self._retrying.set_visibility(any(one.can_go_again for one in troubles))
        self._troubles.selected = []
        self._troubles.rows = [_trouble_cells(one, zone) for one in troubles]
        self._requests.rows = [_request_cells(number, one, zone) for number, one in enumerate(requests)]

    def _show_facts(self, state: SiteState, zone: ZoneInfo) -> None:
        link = state.link
        self._facts.clear()
        with self._facts:
            facts(
                [
                    (said.PROJECT, link.project_code + ("" if link.is_on else f" · {said.IS_OFF}")),
                    (said.PLATFORM, link.url),
                    (said.FROM_DAY, f"{link.from_day}"),
                    (said.LOOKED, _wall(state.looked_at, zone)),
                    (said.PROBLEM, state.problem or str(said.NO_PROBLEM)),
                    *([(said.NEXT_LOOK, _wall(state.next_look_at, zone))] if state.problem else []),
                    (said.OLDEST, _wall(state.oldest_waiting, zone)),
                ]
            )

    def _show_counts(self, state: SiteState) -> None:
        self._counts.clear()
        with self._counts:
            for label, counts in (
                (said.TEAMS, state.teams),
                (said.PEOPLE, state.people),
                (said.PASSAGES, state.passages),
            ):
                for one in _SHOWN_STATES:
                    if counts.get(one.value):
                        text = said.STATES[one]
                        _count(counts[one.value], f"{label.zh}{text.zh} {label.en}: {text.en}")
            if state.for_worker:
                _count(state.for_worker, str(said.FOR_WORKER))
            _count(state.open_requests, str(said.RESULTS_DUE))

    # -- what the buttons do -----------------------------------------------------------------------------

    async def _retry_chosen(self) -> None:
        chosen = [str(row["key"]) for row in self._troubles.selected]
        if chosen:
            await self._retry(chosen)
        else:
            ui.notify(str(said.NONE_CHOSEN), type="warning")

    async def _retry_all(self) -> None:
        if await ask_sure(said.RETRY_ALL):
            await self._retry(None)

    async def _retry(self, ids: Collection[str] | None) -> None:
        site_id = str(self._site.value)
        count = await self._visitor.ask(lambda one: self._desk.retry(one, site_id, ids))
        if count is not None:
            ui.notify(f"{count} {said.GO_AGAIN}", type="positive")
            await self.show()

    async def _ask_again(self) -> None:
        site_id = str(self._site.value)
        count = await self._visitor.ask(lambda one: self._desk.ask_again(one, site_id))
        if count is not None:
            ui.notify(f"{count} {said.ASKED}", type="positive")
            await self.show()

    async def _export(self, file_format: str) -> None:
        site_id, what = str(self._site.value), What(str(self._what.value))
        try:
            first, last = (date.fromisoformat(str(day.value)) for day in (self._first, self._last))
        except ValueError:  # an emptied field
            ui.notify(str(said.DAYS_MISSING), type="warning")
            return
        pieces = await self._visitor.ask(
            lambda one: self._desk.export(one, site_id, what, first, last, file_format)
        )
        if pieces is not None:
            self._visitor.download(f"real-name-{what}", file_format, pieces)


def _count(number: int, text: str) -> None:
    with ui.element("div").classes("sg-count"):
        ui.label(f"{number:,}").classes("sg-big")
        ui.label(text)


def _trouble_cells(one: Trouble, zone: ZoneInfo) -> dict[str, str]:
    source = "" if one.at is None else str(said.MANAGER if one.is_correction else said.DEVICE)
    return {
        "key": one.item_id,
        "time": _wall(one.changed_at, zone),
        "kind": str(said.KINDS[one.kind]),
        "state": str(said.STATES[one.state]),
        "reason": said.reason_text(one.state, one.reason),
        "name": one.name,
        "worker_id": one.worker_id,
        "team": one.team,
        "passed": _wall(one.at, zone),
        "source": source,
    }


def _request_cells(number: int, one: RequestRow, zone: ZoneInfo) -> dict[str, str]:
    return {
        "key": f"{number}",
        "time": _wall(one.sent_at, zone),
        "kind": str(said.KINDS[one.kind]),
        "rows": f"{one.rows}",
        "state": str(said.REQUEST_STATES[one.state]),
        "number": one.serial,
        "asked": f"{one.asked}",
        "detail": one.message,
    }


def _wall(at: datetime | None, zone: ZoneInfo) -> str:
    return "" if at is None else f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
