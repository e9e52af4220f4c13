"""The access log: filters, pages, one event, exports."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from nicegui import ui

from sync.central.access_log import EventFacts, EventFilter, LogPage, LogRow
from sync.central.accounts_access import Viewer
from sync.central.console import words, words_explaining
from sync.central.console.explaining import StandingDialog, show_story
from sync.central.console.frame import Visitor, choice, site_options, table, tell_error, text_field
from sync.central.console.listing import export_actions, search_bar
from sync.central.errors import SettingRefused
from sync.central.exports_tables import event_pieces
from sync.central.worker_desk import Site
from sync.pages import action, facts, heading
from sync.records import Direction, Outcome

_COLUMNS = (
    ("time", words.TIME),
    ("site", words.SITE),
    ("gate", words.GATE),
    ("direction", words.DIRECTION),
    ("outcome", words.DECISION),
    ("worker", words.NAME),
    ("number", words.NUMBER),
    ("team", words.TEAM),
    ("reason", words.REASON),
    ("passage", words.PASSAGE),
)
_OUTCOME_CELL = """
<q-td :props="props"><span :class="'sg-mark sg-' + props.row.tone">
<q-icon :name="props.row.icon" size="18px" aria-hidden="true"></q-icon>{{ props.value }}</span></q-td>"""
_TONES = {Outcome.ALLOW: "good", Outcome.HOLD: "wait", Outcome.DENY: "bad"}


async def build_log_page(visitor: Visitor, viewer: Viewer) -> None:
    sites = await visitor.ask(visitor.office.workers.sites) or []
    await _LogPage(visitor, sites).build()


class _LogPage:
    """One open page: its inputs, and the cursors of the pages before this one."""

    def __init__(self, visitor: Visitor, sites: list[Site]) -> None:
        self._visitor = visitor
        self._log = visitor.office.access_log
        self._sites = {site.site_id: site for site in sites}
        self._asked = EventFilter()
        self._cursors = [""]

    async def build(self) -> None:
        with search_bar():
            asked, sites = self._visitor.asked, site_options(list(self._sites.values()))
            self._site = choice(words.SITE, sites, self._visitor.asked_of("site", sites))
            self._gate = text_field(words.GATE)
            self._worker = text_field(words.WORKER)
            self._team = text_field(words.TEAM)
            self._since = text_field(words.SINCE, kind="datetime-local", value=asked.get("since", ""))
            self._until = text_field(words.UNTIL, kind="datetime-local", value=asked.get("until", ""))
            outcomes = {code.value: str(text) for code, text in words.OUTCOMES.items()}
            self._outcome = choice(words.DECISION, outcomes, self._visitor.asked_of("outcome", outcomes))
            directions = {code.value: str(text) for code, text in words.DIRECTIONS.items()}
            self._direction = choice(
                words.DIRECTION, directions, self._visitor.asked_of("direction", directions)
            )
            reasons = {code: str(text) for code, text in words.REASONS.items()}
            self._reason = choice(words.REASON, reasons, self._visitor.asked_of("reason", reasons))
            for field in (self._gate, self._worker, self._team, self._since, self._until):
                field.on("keydown.enter", self._search)
            action(words.SEARCH, self._search, main=True, icon="search")
            export_actions(self._export)
        self._table = table(_COLUMNS, key="event_id", on_open=self._open)
        self._table.add_slot("body-cell-outcome", _OUTCOME_CELL)
        with ui.element("div").classes("sg-bar"):
            self._newer = action(words.NEWER, self._go_newer, icon="chevron_left")
            self._older = action(words.OLDER, self._go_older, icon="chevron_right")
            self._count = ui.label().classes("sg-note").props("role=status")
        self._next_cursor = ""
        await self._search()

    def _wanted(self) -> EventFilter:
        zone = ZoneInfo(self._zone_name())
        return EventFilter(
            site_id=self._site.value,
            gate_id=self._gate.value.strip(),
            worker=self._worker.value.strip(),
            team=self._team.value.strip(),
            since=_typed(self._since.value, zone),
            until=_typed(self._until.value, zone),
            outcome=Outcome(self._outcome.value) if self._outcome.value else None,
            direction=Direction(self._direction.value) if self._direction.value else None,
            reason=self._reason.value,
        )

    def _zone_name(self) -> str:
        site = self._sites.get(self._site.value)
        return site.timezone if site else self._visitor.settings.timezone

    async def _search(self) -> None:
        try:
            self._asked = self._wanted()
        except SettingRefused as error:
            tell_error(error)
            return
        self._cursors = [""]
        await self._show()
        asked = self._asked
        found = await self._visitor.ask(lambda viewer: self._log.count(viewer, asked))
        if found is not None:
            self._count.text = words.count(found)

    async def _show(self) -> None:
        asked, cursor = self._asked, self._cursors[-1]
        page: LogPage | None = await self._visitor.ask(
            lambda viewer: self._log.page(viewer, asked, cursor=cursor)
        )
        if page is None:
            return
        self._next_cursor = page.next_cursor
        self._table.rows = [_cells(row) for row in page.rows]
        self._newer.set_enabled(len(self._cursors) > 1)
        self._older.set_enabled(bool(page.next_cursor))

    async def _go_older(self) -> None:
        self._cursors.append(self._next_cursor)
        await self._show()

    async def _go_newer(self) -> None:
        self._cursors.pop()
        await self._show()

    async def _export(self, file_format: str) -> None:
        asked = self._asked
        rows = await self._visitor.ask(lambda viewer: self._log.export(viewer, asked))
        if rows is not None:
            self._visitor.download("events", file_format, lambda: event_pieces(rows, file_format))

    async def _open(self, row: dict[str, Any]) -> None:
        event_id = str(row["event_id"])
        found = await self._visitor.ask(lambda viewer: self._log.one(viewer, event_id))
        if found is not None:
            _show_event(self._visitor, found)


def _typed(text: str, zone: ZoneInfo) -> datetime | None:
    """What the browser's time input gives, as an instant at the site."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError as error:
        raise SettingRefused(f"{text[:32]!r} is no time", next_step="choose day and time") from error


def _cells(row: LogRow) -> dict[str, str]:
    return {
        "event_id": row.event_id,
        "time": f"{row.occurred_at:%Y-%m-%d %H:%M:%S}" + _doubts(row),
        "site": row.site_name,
        "gate": row.gate_name,
        "direction": str(words.DIRECTIONS[row.direction]),
        "outcome": str(words.OUTCOMES[row.outcome]),
        "tone": _TONES[row.outcome],
        "icon": words.OUTCOME_ICONS[row.outcome],
        "worker": _name(row),
        "number": row.worker_id,
        "team": row.team,
        "reason": words.reason(row.main_reason),
        "passage": str(words.PASSAGES[row.passage]),
    }


def _doubts(row: LogRow) -> str:
    marks = [words.BACKLOG] if row.replayed else []
    if not row.clock_trusted:
        marks.append(words.CLOCK_DOUBTFUL)
    return "".join(f" · {mark}" for mark in marks)


def _name(row: LogRow) -> str:
    if not row.worker_id:
        return str(words.STRANGER)
    return row.worker_name if row.worker_known else f"{row.worker_name} ({words.UNKNOWN_WORKER})".strip()


def _show_event(visitor: Visitor, found: EventFacts) -> None:
    row, record = found.row, found.record
    match, zone = record.match, row.occurred_at.tzinfo
    with ui.dialog(value=True) as dialog, ui.card().classes("sg-dialog"):
        heading(words.EVENT)
        with ui.element("span").classes(f"sg-mark sg-{_TONES[row.outcome]}"):
            ui.icon(words.OUTCOME_ICONS[row.outcome], size="22px")
            ui.label(f"{words.OUTCOMES[row.outcome]} · {_name(row)} {row.worker_id}")
        show_story(record, visitor.office.clearances.rules, zone)
        shown = [
            (words.TIME, f"{row.occurred_at:%Y-%m-%d %H:%M:%S %Z}" + _doubts(row)),
            (words.RECEIVED, f"{found.received_at.astimezone(row.occurred_at.tzinfo):%Y-%m-%d %H:%M:%S}"),
            (words.SITE, f"{row.site_name} ({row.site_id})"),
            (words.GATE, f"{row.gate_name} ({row.gate_id})"),
            (words.LANE, f"{row.lane_id} · {words.DIRECTIONS[row.direction]}"),
            (words.TEAM, row.team),
            (words.EMPLOYER, row.employer),
            (words.METHOD, words.method(row.method)),
            (words.PASSAGE, str(words.PASSAGES[row.passage])),
            (words.LIVENESS, record.liveness),
        ]
        if match is not None:
            shown += [
                (words.SCORE, f"{match.score:.3f} / {match.threshold:.3f} {match.threshold_source}"),
                (words.MARGIN, "" if match.margin is None else f"{match.margin:.3f}"),
                (words.FRAMES, f"{match.frames} / {match.agreeing}"),
                (words.ROSTER_SIZE, f"{match.roster_size:,}"),
                (words.MODEL, match.model),
            ]
        if record.decided_in_ms is not None:
            shown.append((words.DECIDED_IN, f"{record.decided_in_ms:.0f} ms"))
        if record.guard:
            shown.append((words.GUARD, record.guard))
        shown.append((words.RECORD_ID, f"{row.event_id} · #{record.sequence}"))
        facts(shown)
        with ui.element("div").classes("sg-bar"):
            action(words.CLOSE, dialog.close, main=True).props("autofocus")
            if row.worker_id and row.worker_known:
                standing = StandingDialog(
                    visitor, row.worker_id, zone, lane=(row.site_id, row.gate_id, row.lane_id)
                )
                action(words_explaining.STANDING, lambda: standing.open(row.occurred_at), icon="fact_check")
    dialog.on("hide", dialog.delete)
