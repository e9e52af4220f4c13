"""Key-monitoring lists: what there is, an import, whom they concern, near matches side by side."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from nicegui import ui

from sync.central.accounts_access import Viewer
from sync.central.console import words
from sync.central.console import words_lists as said
from sync.central.console.confirming import ask_sure
from sync.central.console.frame import Visitor, choice, table, text_field
from sync.central.console.listing import export_actions, search_bar
from sync.central.console.picked_file import PickedFile
from sync.central.console.words import Words
from sync.central.errors import SettingRefused
from sync.central.exports_lists import match_pieces
from sync.central.exports_tables import pieces_of
from sync.central.list_comparison import Comparison
from sync.central.list_desk import ListRow, MatchFacts, MatchRow
from sync.central.list_fetch import Feed
from sync.central.list_import import CHINA, ListSummary, ListTerms
from sync.central.list_jobs import JobState, ListJob
from sync.central.list_matches import FoundBy, MatchState
from sync.pages import action, facts, heading, subheading
from sync.records import FlagLevel
from sync.screening.entries import end_of
from sync.screening.list_file import MAX_FILE_BYTES

LOOK_EVERY_S = 1.0
PROBLEMS_SHOWN = 100
_LIST_COLUMNS = (
    ("name", said.LIST),
    ("detail", said.SOURCE),
    ("version", said.VERSION),
    ("level", said.LEVEL),
    ("until", said.VALID),
    ("entries", said.ENTRIES),
    ("matched", said.MATCHED),
    ("issues", said.FOUND),
)
_MATCH_COLUMNS = (
    ("state", said.STATE),
    ("worker", said.PERSON),
    ("site", said.WHERE),
    ("name", said.LIST),
    ("reason", said.BY),
    ("level", said.LEVEL),
    ("detail", said.DECIDED),
)
_PROBLEM_COLUMNS = (("row", said.ROW), ("reason", said.PROBLEM))


async def build_lists_page(visitor: Visitor, viewer: Viewer) -> None:
    await _ListsPage(visitor).build()


class _ListsPage:
    """The page with its parts: lists, the import that runs, matches."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self._desk = visitor.office.lists
        self._known: dict[str, ListRow] = {}
        self._shown_job: tuple[int, JobState] | None = None

    async def build(self) -> None:
        ui.label(str(said.NOTE)).classes("sg-note")
        with ui.element("div").classes("sg-bar sg-above"):
            action(said.IMPORT, lambda: self._open_import(None), main=True, icon="upload_file")
            action(words.REFRESH, self._show_all, icon="refresh")
        with ui.element("section").classes("sg-card sg-above").props("role=status") as self._job_card:
            self._job_state = ui.label().classes("sg-strong")
            self._job_part = ui.element("div")
        self._job_card.set_visibility(False)
        self._lists = table(_LIST_COLUMNS, key="list_id", on_open=self._open_list)
        self._lists.props(f'no-data-label="{said.NO_LISTS}"').classes("sg-above")
        self._list_actions = ui.element("div").classes("sg-bar")
        subheading(said.MATCHES)
        with search_bar():
            self._list = choice(said.LIST, {})
            states = {state.value: str(text) for state, text in said.STATES.items()}
            self._state = choice(said.STATE, states)
            self._state.set_options({**states, "": str(said.OPEN_AND_DECIDED)}, value="")
            action(words.SEARCH, self._show_matches, icon="search")
            export_actions(self._export, said.EXPORT)
        self._matches = table(_MATCH_COLUMNS, key="match_id", on_open=self._open_match)
        await self._show_all()
        await self._look_at_job()
        ui.timer(LOOK_EVERY_S, self._look_at_job)

    # -- lists -------------------------------------------------------------------------------------------

    async def _show_all(self) -> None:
        found = await self._visitor.ask(self._desk.lists)
        if found is not None:
            self._known = {one.summary.list_id: one for one in found}
            self._lists.rows = [_list_cells(one) for one in found]
            names = {one.summary.list_id: one.summary.name for one in found}
            chosen = str(self._list.value or "")
            self._list.set_options({"": str(words.ALL), **names}, value=chosen if chosen in names else "")
        await self._show_matches()

    async def _open_list(self, row: dict[str, Any]) -> None:
        known = self._known.get(str(row["list_id"]))
        if known is None:
            return
        self._list.value = known.summary.list_id
        self._list_actions.clear()
        with self._list_actions:
            ui.label(known.summary.name).classes("sg-strong")
            action(said.NEW_VERSION, lambda: self._open_import(known.summary), icon="upload_file")
            why = text_field(words.WHY).props("data-field=remove-why maxlength=500").classes("sg-broad")
            action(said.REMOVE, lambda: self._remove(known.summary.list_id, str(why.value)), icon="delete")
            if known.feed is not None:
                _show_feed(known.feed)
        await self._show_matches()

    async def _remove(self, list_id: str, why: str) -> None:
        def work(viewer: Viewer) -> bool:
            self._desk.remove(viewer, list_id, reason=why)
            return True

        if await ask_sure(said.SURE_REMOVE) and await self._visitor.ask(work):
            ui.notify(str(words.SAVED), type="positive")
            self._list_actions.clear()
            await self._show_all()

    # -- matches -----------------------------------------------------------------------------------------

    def _wanted(self) -> tuple[str, MatchState | None]:
        state = str(self._state.value or "")
        return str(self._list.value or ""), MatchState(state) if state else None

    async def _show_matches(self) -> None:
        list_id, state = self._wanted()
        found = await self._visitor.ask(lambda one: self._desk.matches(one, list_id=list_id, state=state))
        if found is not None:
            self._matches.rows = [_match_cells(one) for one in found]

    async def _export(self, file_format: str) -> None:
        list_id, state = self._wanted()
        found = await self._visitor.ask(lambda one: self._desk.export(one, list_id=list_id, state=state))
        if found is not None:
            self._visitor.download("list-matches", file_format, lambda: match_pieces(found, file_format))

    async def _open_match(self, row: dict[str, Any]) -> None:
        match_id = str(row["match_id"])
        found = await self._visitor.ask(lambda one: self._desk.one(one, match_id))
        if found is not None:
            _MatchDialog(self._visitor, found, self._show_all).open()

    # -- the import --------------------------------------------------------------------------------------

    def _open_import(self, known: ListSummary | None) -> None:
        _ImportDialog(self._visitor, known, self._look_at_job).open()

    async def _look_at_job(self) -> None:
        """Show the import that runs, or the last one, where it changed since the last look."""
        job = await self._visitor.ask(self._visitor.office.list_jobs.current)
        self._job_card.set_visibility(job is not None)
        if job is None:
            return
        check = f" · {said.CHECKED_ONLY}" if job.is_check and job.state is JobState.DONE else ""
        version = f" · {said.VERSION} {job.number}" if job.number else ""
        self._job_state.set_text(
            f"{job.terms.name} · {job.file_name} · {said.JOB_STATES[job.state]} · "
            f"{job.rows:,} {said.ROWS_READ}{version}{check}"
        )
        now_shown = (id(job), job.state)
        if now_shown == self._shown_job:
            return
        is_first, self._shown_job = self._shown_job is None, now_shown
        self._job_part.clear()
        with self._job_part:
            self._show_job(job)
        if job.state is not JobState.RUNNING and not is_first:
            await self._show_all()

    def _show_job(self, job: ListJob) -> None:
        if job.state is JobState.RUNNING:
            with ui.element("div").classes("sg-bar"):
                ui.linear_progress(show_value=False).props('indeterminate aria-label="进度 Progress"')
                action(said.STOP, self._stop, icon="stop")
        if job.problem:
            ui.label(f"{job.problem} {job.next_step}").classes("sg-bad").props("role=alert")
        report = job.report
        if report is None:
            return
        sums = said.report_words(report.entries, report.duplicates, report.broken, report.slips)
        ui.label(str(sums)).classes("sg-strong")
        if len(report.encodings) > 1:
            lines = ", ".join(f"{name} {count:,}" for name, count in report.encodings.items())
            ui.label(f"{said.ENCODINGS}: {lines}").classes("sg-wait")
        if report.ignored:
            ui.label(f"{said.IGNORED}: {', '.join(report.ignored)}").classes("sg-wait")
        if report.problems:
            problems = table(_PROBLEM_COLUMNS, key="row").classes("sg-above")
            problems.rows = [
                {"row": row, "reason": str(said.row_words(why))}
                for row, why in report.problems[:PROBLEMS_SHOWN]
            ]
            action(said.SAVE_REPORT, lambda: self._save_report(report.problems), icon="download")

    def _save_report(self, problems: list[tuple[int, str]]) -> None:
        def pieces() -> Iterator[bytes]:
            heads = (str(said.ROW), "说明", "Problem")
            rows = ((row, said.row_words(why).zh, why) for row, why in problems)
            return pieces_of(heads, rows, "csv", "report")

        self._visitor.download("list-report", "csv", pieces)

    async def _stop(self) -> None:
        await self._visitor.ask(self._visitor.office.list_jobs.stop)


class _ImportDialog:
    """A file and what is said about its list as a whole."""

    def __init__(
        self, visitor: Visitor, known: ListSummary | None, on_start: Callable[[], Awaitable[None]]
    ) -> None:
        self._visitor = visitor
        self._known = known
        self._on_start = on_start

    def open(self) -> None:
        known = self._known
        with ui.dialog(value=True) as self._dialog, ui.card().classes("sg-dialog"):
            heading(said.NEW_VERSION if known else said.IMPORT)
            ui.label(str(said.REPLACES)).classes("sg-note")
            with ui.element("div").classes("sg-pair"):
                self._list_id = self._field(said.LIST_ID, "list_id", known.list_id if known else "")
                self._name = self._field(said.LIST_NAME, "name", known.name if known else "")
                self._source = self._field(said.SOURCE, "source", known.source if known else "")
                self._category = self._field(said.CATEGORY, "category", known.category if known else "")
                levels = {level.value: str(words.LEVELS[level]) for level in FlagLevel}
                self._level = ui.select(
                    levels, value=known.level if known else FlagLevel.HOLD.value, label=str(said.LEVEL)
                )
                self._level.props("outlined dense options-dense").classes("sg-field")
                day = _until(known.valid_until) if known and known.valid_until else ""
                self._until = text_field(said.LAST_DAY, kind="date", value=day)
            self._file = PickedFile(
                said.FILE, nothing=said.NO_FILE, refused=said.FILE_REFUSED, max_bytes=MAX_FILE_BYTES
            )
            with ui.element("div").classes("sg-bar sg-above"):
                action(said.CHECK, lambda: self._start(is_check=True), icon="fact_check")
                action(said.START, lambda: self._start(is_check=False), main=True, icon="upload_file")
                action(words.CLOSE, self._dialog.close)
        self._dialog.on("hide", self._dialog.delete)

    def _field(self, label: Words, name: str, value: str) -> ui.input:
        return text_field(label, value=value).props(f"data-field={name} maxlength=200")

    async def _start(self, *, is_check: bool) -> None:
        file = self._file.chosen()
        if file is None:
            return
        name, raw = file
        typed = {
            field: str(getattr(self, f"_{field}").value or "").strip()
            for field in ("list_id", "name", "source", "category", "level", "until")
        }

        def work(viewer: Viewer) -> ListJob:
            terms = _terms(**typed)
            return self._visitor.office.list_jobs.start(viewer, terms, name, raw, is_check=is_check)

        if await self._visitor.ask(work) is not None:
            if not is_check:
                self._dialog.close()
            await self._on_start()


class _MatchDialog:
    """A person beside what the list says, and the decision."""

    def __init__(self, visitor: Visitor, found: MatchFacts, on_change: Callable[[], Awaitable[None]]) -> None:
        self._visitor = visitor
        self._found = found
        self._on_change = on_change

    def open(self) -> None:
        row = self._found.row
        with ui.dialog(value=True) as self._dialog, ui.card().classes("sg-dialog sg-wide"):
            heading(said.COMPARE)
            ui.label(f"{_state(row)} · {said.FOUND_BYS[FoundBy(row.found_by)]}").classes("sg-strong")
            with ui.element("div").classes("sg-pair"):
                self._show_person()
                self._show_entry()
            if row.decision:
                at = f"{row.decided_at.astimezone(CHINA):%Y-%m-%d %H:%M}" if row.decided_at else ""
                ui.label(f"{said.DECIDED}: {row.decided_by} {at} · {row.reason}")
            if row.state is not MatchState.GONE:
                self._show_choices()
            action(words.CLOSE, self._dialog.close)
        self._dialog.on("hide", self._dialog.delete)

    def _show_person(self) -> None:
        row = self._found.row
        with ui.element("section").classes("sg-card"):
            subheading(said.OWN)
            facts(
                [
                    (words.NAME, row.name),
                    (words.NUMBER, row.worker_id or str(said.VISITOR)),
                    (said.NUMBER, self._found.document),
                    (said.BIRTH, f"{self._found.birth_date or ''}"),
                    (said.PHONE, row.phone),
                    (words.TEAM, row.team),
                    (said.WHERE, ", ".join(row.seen_sites)),
                ]
            )

    def _show_entry(self) -> None:
        row, compared = self._found.row, self._found.comparison
        with ui.element("section").classes("sg-card"):
            subheading(said.SAYS)
            facts(
                [
                    (said.LIST, f"{row.list_name} · {said.VERSION} {row.number}"),
                    (said.FILE_ROW, str(row.row)),
                    *(_compared(compared) if compared else [(said.STATE, str(said.ENTRY_GONE))]),
                    (said.LEVEL, f"{words.LEVELS[row.level]} {row.category}"),
                    (said.VALID, _until(row.valid_until)),
                ]
            )
            ui.label(str(said.HASHED)).classes("sg-note sg-above")

    def _show_choices(self) -> None:
        row = self._found.row
        self._why = text_field(words.WHY).props("data-field=why maxlength=500").classes("sg-whole")
        with ui.element("div").classes("sg-bar"):
            if row.decision:
                action(said.UNDO, lambda: self._decide(None), icon="undo")
                return
            if row.state is MatchState.TO_CONFIRM:
                action(said.CONFIRM, lambda: self._decide(True), main=True, icon="flag")
            action(said.CLEAR, lambda: self._decide(False), icon="person_off")

    async def _decide(self, confirm: bool | None) -> None:
        row, why = self._found.row, str(self._why.value)
        if confirm and not await ask_sure(said.SURE_CONFIRM):
            return
        done = await self._visitor.ask(
            lambda one: self._visitor.office.lists.decide(
                one, row.match_id, confirm=confirm, reason=why, seen=row.state
            )
        )
        if done is not None:
            self._dialog.close()
            ui.notify(str(words.SAVED), type="positive")
            await self._on_change()


def _terms(*, list_id: str, name: str, source: str, category: str, level: str, until: str) -> ListTerms:
    """Raises SettingRefused."""
    try:
        ends = end_of(date.fromisoformat(until) if until else None, CHINA)
    except ValueError:
        raise SettingRefused("the last day is no date", next_step="choose a day") from None
    return ListTerms(list_id, name or list_id, source, FlagLevel(level), category, valid_until=ends)


def _show_feed(feed: Feed) -> None:
    """Where a list is fetched from, when that went well, and why it does not."""
    at = f"{said.LAST_GOOD} {feed.fetched_at.astimezone(CHINA):%Y-%m-%d %H:%M}" if feed.fetched_at else ""
    ui.label(f"{said.FETCHED_FROM} {feed.url} · {at or said.NEVER_GOOD}").classes("sg-note sg-whole")
    if feed.problem is not None:
        ui.label(f"{said.WHYS[feed.problem]}: {feed.detail}").classes("sg-bad sg-whole").props("role=alert")


def _list_cells(one: ListRow) -> dict[str, str]:
    known = one.summary
    at = f"{known.imported_at.astimezone(CHINA):%Y-%m-%d %H:%M}"
    signed = f" · {said.SIGNED}" if known.signed_by else ""
    if one.feed is not None and one.feed.problem is not None:
        signed += f" · {said.NOT_FETCHED}"
    share = (
        f"{known.matched_at.astimezone(CHINA):%Y-%m-%d %H:%M}"
        if known.matched_at
        else f"{said.IS_MATCHING} {one.matched_share:.0%}"
    )
    return {
        "list_id": known.list_id,
        "name": f"{known.name} {known.list_id if known.list_id != known.name else ''}".strip(),
        "detail": f"{known.source}{signed}",
        "version": f"{known.number} · {at} · {known.imported_by}",
        "level": f"{words.LEVELS[FlagLevel(known.level)]} {known.category}".strip(),
        "until": _until(known.valid_until),
        "entries": f"{known.entries:,}",
        "matched": share,
        "issues": " · ".join(
            f"{said.STATES[state]} {one.counts[state]}"
            for state in (MatchState.TO_CONFIRM, MatchState.FLAGGED, MatchState.CLEARED)
            if one.counts.get(state)
        )
        or "–",
    }


def _match_cells(one: MatchRow) -> dict[str, str]:
    who = f"{one.name} {one.worker_id or said.VISITOR} {one.team}".strip()
    differ = f" · {said.DIFFERENT_PAPERS}" if one.documents_differ else ""
    decided = f"{one.decided_by} · {one.reason}" if one.decision else ""
    return {
        "match_id": one.match_id,
        "state": _state(one),
        "worker": who,
        "site": ", ".join(one.seen_sites),
        "name": f"{one.list_name} · {said.FILE_ROW.zh} {one.row}",
        "reason": f"{said.FOUND_BYS[FoundBy(one.found_by)]}{differ}",
        "level": f"{words.LEVELS[one.level]} {one.category}".strip(),
        "detail": decided,
    }


def _state(row: MatchRow) -> str:
    if row.is_visitor and row.state is MatchState.FLAGGED:
        return str(said.VISITOR_FLAGGED)
    return str(said.STATES[row.state])


def _compared(compared: Comparison) -> list[tuple[Words, str]]:
    rows = [(said.NUMBER, str(said.AGREEMENTS[compared.number]))]
    if (slip := compared.slip) is not None:
        places = "、".join(str(place) for place in slip.places)
        rows.append((said.SLIP, str(said.place_words(places, slip.listed, slip.own))))
    return [
        *rows,
        (said.PHONE, str(said.AGREEMENTS[compared.phone])),
        (said.NAME_BIRTH, str(said.AGREEMENTS[compared.name_birth])),
    ]


def _until(at: datetime | None) -> str:
    """The last day that counts, in China."""
    if at is None:
        return str(said.NO_END)
    return f"{(at - timedelta(seconds=1)).astimezone(CHINA):%Y-%m-%d}"
