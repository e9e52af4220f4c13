"""Attendance: a month of a site, one worker's days, corrections beside the device records."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from nicegui import ui

from sync.central import attendance
from sync.central.accounts_access import Right, Viewer
from sync.central.attendance import Correction, Day, Mark
from sync.central.attendance_log import DayRecords, WorkerDays
from sync.central.console import words
from sync.central.console.frame import Visitor, one_of, site_options, table, text_field
from sync.central.console.listing import export_actions, search_bar
from sync.central.exports_tables import attendance_pieces
from sync.central.worker_desk import Site
from sync.pages import action, heading, subheading
from sync.records import Direction

_COLUMNS = (
    ("worker_id", words.NUMBER),
    ("name", words.NAME),
    ("team", words.TEAM),
    ("employer", words.EMPLOYER),
    ("days", words.DAYS),
    ("hours", words.HOURS),
    ("issues", words.TO_CHECK),
)
_DAY_COLUMNS = (
    ("day", words.DAY),
    ("came", words.CAME),
    ("left", words.LEFT),
    ("hours", words.HOURS),
    ("issues", words.ISSUES),
)


async def build_attendance_page(visitor: Visitor, viewer: Viewer) -> None:
    sites = await visitor.ask(visitor.office.workers.sites) or []
    if sites:
        await _MonthPage(visitor, sites, viewer.may(Right.CORRECT_ATTENDANCE)).build()


class _MonthPage:
    """One site, one month."""

    def __init__(self, visitor: Visitor, sites: list[Site], may_correct: bool) -> None:
        self._visitor = visitor
        self._log = visitor.office.attendance
        self._sites = {site.site_id: site for site in sites}
        self._may_correct = may_correct

    async def build(self) -> None:
        first_site = next(iter(self._sites.values()))
        today = self._visitor.office.now().astimezone(ZoneInfo(first_site.timezone))
        with search_bar():
            self._site = one_of(words.SITE, site_options(list(self._sites.values())), first_site.site_id)
            self._month = text_field(words.MONTH, kind="month", value=f"{today:%Y-%m}")
            self._team = text_field(words.TEAM)
            self._team.on("keydown.enter", self.show)
            action(words.SEARCH, self.show, main=True, icon="search")
            export_actions(self._export)
        self._table = table(_COLUMNS, key="worker_id", on_open=self._open)
        await self.show()

    def _asked(self) -> tuple[str, date, date, str] | None:
        try:
            year, number = str(self._month.value).split("-")
            first, last = attendance.month(int(year), int(number))
        except ValueError:
            ui.notify(f"{words.MONTH}?", type="negative")
            return None
        return str(self._site.value), first, last, str(self._team.value).strip()

    async def show(self) -> None:
        asked = self._asked()
        if asked is None:
            return
        site_id, first, last, team = asked
        found = await self._visitor.ask(
            lambda viewer: self._log.days(viewer, site_id, first, last, team=team)
        )
        if found is not None:
            self._table.rows = [_cells(one) for one in found]

    async def _export(self, file_format: str) -> None:
        asked = self._asked()
        if asked is None:
            return
        site_id, first, last, team = asked
        found = await self._visitor.ask(
            lambda viewer: self._log.export(viewer, site_id, first, last, team=team)
        )
        if found is not None:
            zone = ZoneInfo(self._sites[site_id].timezone)
            self._visitor.download(
                "attendance", file_format, lambda: attendance_pieces(found, zone, file_format)
            )

    async def _open(self, row: dict[str, Any]) -> None:
        asked = self._asked()
        if asked is None:
            return
        site_id, first, last, _ = asked
        zone = ZoneInfo(self._sites[site_id].timezone)
        shown = _WorkerDialog(self._visitor, site_id, str(row["worker_id"]), first, last, zone)
        await shown.open(may_correct=self._may_correct, on_change=self.show)


class _WorkerDialog:
    """One worker's month, and what a manager may do about it."""

    def __init__(
        self, visitor: Visitor, site_id: str, worker_id: str, first: date, last: date, zone: ZoneInfo
    ) -> None:
        self._visitor = visitor
        self._log = visitor.office.attendance
        self._site_id, self._worker_id, self._zone = site_id, worker_id, zone
        self._first, self._last = first, last

    async def open(self, *, may_correct: bool, on_change: Callable[[], Awaitable[None]]) -> None:
        self._may_correct, self._on_change = may_correct, on_change
        with ui.dialog(value=True) as dialog, ui.card().classes("sg-dialog"):
            self._content = ui.element("div")
            action(words.CLOSE, dialog.close, main=True).props("autofocus")
        dialog.on("hide", dialog.delete)
        await self._show()

    async def _show(self) -> None:
        found = await self._visitor.ask(
            lambda viewer: self._log.worker(viewer, self._site_id, self._worker_id, self._first, self._last)
        )
        if found is None:
            return
        self._content.clear()
        with self._content:
            heading(words.ATTENDANCE)
            ui.label(f"{found.worker.name} {found.worker.worker_id} · {found.worker.team}")
            days = table(_DAY_COLUMNS, key="key")
            days.rows = [row for day in found.worker.days for row in self._day_cells(day)]
            if self._may_correct:
                self._why = text_field(words.WHY).props("data-field=why")
            self._show_records(found)
            self._show_corrections(found)
            if self._may_correct:
                self._show_form()

    def _show_records(self, found: DayRecords) -> None:
        cancelled = {note.event_id for note in found.corrections if not note.withdrawn_by}
        subheading(words.DEVICE_RECORDS)
        for mark in found.marks:
            with ui.element("div").classes("sg-bar"):
                off = f" · {words.CORRECTION_KINDS[attendance.CorrectionKind.CANCEL]}"
                note = off if mark.mark_id in cancelled else ""
                ui.label(f"{self._time(mark.at)} · {words.DIRECTIONS[mark.direction]} · {mark.gate_id}{note}")
                if self._may_correct and not note:
                    action(words.CANCEL_RECORD, partial(self._cancel, mark))

    def _show_corrections(self, found: DayRecords) -> None:
        if not found.corrections:
            return
        subheading(words.CORRECTIONS)
        for note in found.corrections:
            with ui.element("div").classes("sg-bar"):
                ui.label(self._told(note))
                if self._may_correct and not note.withdrawn_by:
                    action(words.WITHDRAW, partial(self._withdraw, note))

    def _show_form(self) -> None:
        subheading(words.ADD_PASSAGE)
        with ui.element("div").classes("sg-bar"):
            self._at = text_field(words.TIME, kind="datetime-local")
            directions = {code.value: str(text) for code, text in words.DIRECTIONS.items()}
            self._direction = (
                ui.select(directions, value=Direction.OUT.value, label=str(words.DIRECTION))
                .props("outlined dense")
                .classes("sg-field")
            )
            action(words.SAVE, self._add)

    async def _add(self) -> None:
        try:
            at = datetime.fromisoformat(str(self._at.value)).replace(tzinfo=self._zone)
        except ValueError:
            ui.notify(f"{words.TIME}?", type="negative")
            return
        direction, why = Direction(self._direction.value), str(self._why.value)
        await self._done(
            lambda viewer: self._log.add(
                viewer, self._site_id, self._worker_id, at=at, direction=direction, reason=why
            )
        )

    async def _cancel(self, mark: Mark) -> None:
        why = str(self._why.value)
        await self._done(lambda viewer: self._log.cancel(viewer, mark.mark_id, reason=why))

    async def _withdraw(self, note: Correction) -> None:
        def withdraw(viewer: Viewer) -> str:
            self._log.withdraw(viewer, note.correction_id)
            return note.correction_id

        await self._done(withdraw)

    async def _done(self, work: Callable[[Viewer], str]) -> None:
        if await self._visitor.ask(work) is not None:
            ui.notify(str(words.SAVED), type="positive")
            await self._show()
            await self._on_change()

    def _day_cells(self, day: Day) -> list[dict[str, str]]:
        return [
            {
                "key": f"{day.day}-{number}",
                "day": f"{day.day:%m-%d}",
                "came": self._end(period.began),
                "left": str(words.STILL_THERE) if period.is_open else self._end(period.ended),
                "hours": _hours(period.duration),
                "issues": ", ".join(str(words.ISSUE_WORDS[issue]) for issue in period.issues),
            }
            for number, period in enumerate(day.periods)
        ]

    def _end(self, mark: Mark | None) -> str:
        if mark is None:
            return "?"
        added = words.CORRECTION_KINDS[attendance.CorrectionKind.ADD]
        return self._time(mark.at) + (f" ({added})" if mark.added_by else "")

    def _told(self, note: Correction) -> str:
        what = f"{words.CORRECTION_KINDS[note.kind]} "
        if note.at is not None and note.direction is not None:
            what += f"{self._time(note.at)} {words.DIRECTIONS[note.direction]}"
        else:
            what += note.event_id
        gone = f" · {words.WITHDRAWN} ({note.withdrawn_by})" if note.withdrawn_by else ""
        return f"{what} · {note.reason} · {note.made_by}, {self._time(note.made_at)}{gone}"

    def _time(self, at: datetime) -> str:
        return f"{at.astimezone(self._zone):%m-%d %H:%M}"


def _cells(one: WorkerDays) -> dict[str, str]:
    return {
        "worker_id": one.worker_id,
        "name": one.name,
        "team": one.team,
        "employer": one.employer,
        "days": str(len(one.days)),
        "hours": _hours(one.worked),
        "issues": str(one.open_issues or words.ALL_PAIRED),
    }


def _hours(duration: timedelta) -> str:
    return f"{duration / timedelta(hours=1):.2f}"
