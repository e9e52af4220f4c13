"""The page of the import: upload, check, import, reports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from nicegui import events, ui
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from enroll.accounts import Right
from enroll.errors import EnrollError
from enroll.import_desk import Progress, Uploaded
from enroll.import_report import report_pieces
from enroll.kiosk import words_roster as w
from enroll.kiosk.frame import KioskPage, KioskRoute, KioskVisitor, choice, tell
from enroll.kiosk.tables import cell, roster_style, table
from enroll.reason_words import in_chinese, said
from enroll.roster_template import csv_template, workbook_template
from sync.central.exports import CSV_TYPE, XLSX_TYPE
from sync.errors import SyncError
from sync.pages import action, heading, subheading
from sync.store.import_jobs import ImportedRow, ImportJob
from sync.words import Words

IMPORT_PATH = "/import"
TEMPLATE_PATH = "/import/template/{ending}"
REPORT_PATH = "/import/report/{job_id}/{ending}"
SHOWN_ROWS = 200
LOOK_EVERY_S = 1.0
MAX_UPLOAD_BYTES = 8 * 10**9


async def build_import_page(visitor: KioskVisitor) -> None:
    roster_style()
    heading(w.IMPORT)
    view = _View(visitor)
    await view.build()


class _View:
    """The page of one browser; it shows what the desk says, whoever began it."""

    def __init__(self, visitor: KioskVisitor) -> None:
        self._visitor = visitor
        self._desk = visitor.office.imports
        self._shown: tuple[object, ...] | None = None

    async def build(self) -> None:
        with ui.element("section").classes("sg-card"):
            with ui.element("div").classes("sg-bar"):
                subheading(w.STEP_FILE)
                ui.element("div").classes("sg-grow")
                for ending in ("xlsx", "csv"):
                    target = TEMPLATE_PATH.format(ending=ending)
                    with ui.link(target=target).classes("sg-button"):
                        ui.label(f"{w.TEMPLATE} .{ending}")
            self._file = ui.element("div").props("role=status")
            _upload(w.CHOOSE_FILE, ".xlsx,.csv,.txt", self._take_roster)
        with ui.element("section").classes("sg-card") as self._photos_card:
            subheading(w.STEP_PHOTOS)
            self._photos = ui.element("div").props("role=status")
            _upload(w.CHOOSE_ZIP, ".zip", self._take_photos)
        with ui.element("section").classes("sg-card") as self._run_card:
            subheading(w.STEP_CHECK)
            ui.label(str(w.CONSENT_RULE)).classes("sg-note")
            with ui.element("div").classes("sg-bar"):
                self._check = action(w.CHECK, self._begin_check, icon="fact_check")
                self._start = action(w.START, self._begin_import, main=True, icon="upload")
                self._stop = action(w.STOP, self._cancel, icon="stop")
                self._discard = action(w.DISCARD, self._throw_away, icon="delete")
        with ui.element("section").classes("sg-card") as self._progress_card:
            self._state = ui.label().classes("sg-strong").props("role=status")
            self._bar = ui.linear_progress(0, show_value=False, size="22px")
            self._bar.props('instant-feedback aria-label="进度 Progress"')
            self._counts = ui.label()
            self._problem = ui.label().classes("sg-bad").props("role=alert")
            self._rows = ui.element("div").classes("sg-scroll")
        with ui.element("section").classes("sg-card"):
            subheading(w.REPORTS)
            self._reports = ui.element("div").classes("sg-scroll")
        await self._look()
        ui.timer(LOOK_EVERY_S, self._look)

    async def _look(self) -> None:
        """Show what changed since the last look."""
        facts = await self._visitor.ask(lambda: (self._desk.uploaded(), self._desk.progress()))
        if facts is None:
            return
        uploaded, progress = facts
        running = progress is not None and progress.running
        self._show_progress(progress)
        key = (uploaded, None if running else progress, running)
        if key == self._shown:
            return
        self._shown = key
        self._show_upload(uploaded, running=running)
        unfinished = uploaded is not None and bool(uploaded.job_id)
        self._start.set_text(str(w.GO_ON if unfinished else w.START))
        self._check.set_visibility(uploaded is not None and not running)
        self._start.set_visibility(uploaded is not None and not running)
        self._stop.set_visibility(running)
        self._discard.set_visibility(uploaded is not None and not running)
        self._photos_card.set_visibility(uploaded is not None)
        self._run_card.set_visibility(uploaded is not None or running)
        await self._show_rows(progress)
        await self._show_reports()

    def _show_upload(self, uploaded: Uploaded | None, *, running: bool) -> None:
        self._file.clear()
        self._photos.clear()
        with self._file:
            if uploaded is None:
                ui.label(str(w.NO_FILE)).classes("sg-note")
                return
            ui.label(f"{uploaded.roster} · {uploaded.total} {w.ROWS}").classes("sg-strong")
            if uploaded.ignored:
                ui.label(f"{w.IGNORED}: {', '.join(uploaded.ignored)}").classes("sg-wait")
            if len(uploaded.sheets) > 1 and not running:
                sheets = {name: name for name in uploaded.sheets}
                choice(w.SHEET, sheets, uploaded.sheet).on_value_change(self._choose_sheet)
        with self._photos:
            if uploaded.photos:
                ui.label(f"{uploaded.photos} · {uploaded.photo_count} {w.PHOTOS_IN_ZIP}").classes("sg-strong")

    def _show_progress(self, progress: Progress | None) -> None:
        self._progress_card.set_visibility(progress is not None)
        if progress is None:
            return
        self._state.set_text(f"{_state_words(progress)} · {progress.done} / {progress.total}")
        self._bar.set_value(progress.done / progress.total if progress.total else 1.0)
        self._counts.set_text(counts_text(progress.counts))
        self._problem.set_visibility(bool(progress.problem))
        self._problem.set_text(str(said(progress.problem, progress.next_step)))

    async def _show_rows(self, progress: Progress | None) -> None:
        self._rows.clear()
        if progress is None or progress.running:
            return
        desk, store = self._desk, self._visitor.office.store

        def read() -> list[ImportedRow]:
            if progress.is_check:
                return desk.checked(limit=SHOWN_ROWS, remarks_only=True)
            jobs = store.import_jobs()
            return store.import_report(jobs[0].job_id, limit=SHOWN_ROWS, remarks_only=True) if jobs else []

        rows = await self._visitor.ask(read) or []
        with self._rows:
            _row_table(rows)

    async def _show_reports(self) -> None:
        jobs = await self._visitor.ask(self._desk.jobs)
        if jobs is None:
            return
        self._reports.clear()
        with self._reports:
            if not jobs:
                ui.label(str(w.NO_REPORTS)).classes("sg-note")
                return
            _report_table(jobs, self._visitor)

    async def _take_roster(self, event: events.UploadEventArguments) -> None:
        pieces = _pieces(event.file.iterate())
        by = self._visitor.user.user_id
        await self._act(lambda: self._desk.put_roster(event.file.name, pieces, by=by))

    async def _take_photos(self, event: events.UploadEventArguments) -> None:
        pieces = _pieces(event.file.iterate())
        await self._act(lambda: self._desk.put_photos(event.file.name, pieces))

    async def _choose_sheet(self, event: events.ValueChangeEventArguments[str]) -> None:
        await self._act(lambda: self._desk.choose_sheet(event.value))

    async def _begin_check(self) -> None:
        await self._act(self._desk.check)

    async def _begin_import(self) -> None:
        by = self._visitor.user.user_id
        await self._act(lambda: self._desk.start(by=by))

    async def _cancel(self) -> None:
        await self._act(self._desk.cancel)

    async def _throw_away(self) -> None:
        await self._act(self._desk.discard)

    async def _act(self, work: Callable[[], object]) -> None:
        def allowed() -> bool:
            self._visitor.user.require(Right.ENROL)
            try:
                work()
            except EnrollError as error:
                if error.words is None and (words := said(str(error), error.next_step)).zh:
                    error.words = words
                raise
            return True

        await self._visitor.ask(allowed)
        self._shown = None
        await self._look()


def counts_text(counts: dict[str, int]) -> str:
    """How many rows ended how, in words."""
    return " · ".join(f"{name} {counts[result]}" for result, name in w.RESULTS.items() if counts.get(result))


def _state_words(progress: Progress) -> Words:
    if progress.running:
        return w.CHECKING if progress.is_check else w.IMPORTING
    if progress.problem:
        return w.FAILED_EARLY
    if progress.done < progress.total:
        return w.STOPPED
    return w.CHECKED if progress.is_check else w.IMPORTED


def _upload(label: Words, accept: str, on_upload: Callable[..., Awaitable[None]]) -> None:
    def refused() -> None:
        tell(Words("文件太大或类型不符", "The file is too large, or of another kind"), bad=True)

    upload = ui.upload(
        label=str(label),
        auto_upload=True,
        max_files=1,
        max_file_size=MAX_UPLOAD_BYTES,
        on_upload=on_upload,
        on_rejected=refused,
    )
    upload.props(f'accept="{accept}" flat bordered').classes("sg-upload")
    # The list of what was sent stands above already; the next file may be chosen at once.
    upload.on("uploaded", upload.reset)


def _pieces(chunks: AsyncIterator[bytes]) -> Iterator[bytes]:
    """What arrives on the event loop, for a thread that reads it."""
    loop = asyncio.get_running_loop()

    def read() -> Iterator[bytes]:
        while True:
            try:
                yield asyncio.run_coroutine_threadsafe(_next(chunks), loop).result()
            except StopAsyncIteration:
                return

    return read()


async def _next(chunks: AsyncIterator[bytes]) -> bytes:
    return await anext(chunks)


def _row_table(rows: list[ImportedRow]) -> None:
    if not rows:
        ui.label(str(w.ALL_GOOD)).classes("sg-good")
        return
    if len(rows) == SHOWN_ROWS:
        ui.label(str(w.FIRST_SHOWN)).classes("sg-note")
    with table((w.ROW, w.NUMBER, w.RESULT, w.REASON, w.NEXT_STEP)):
        for row in rows:
            with ui.element("tr"):
                cell(str(row.row))
                cell(row.worker_id)
                cell(str(w.RESULTS[row.result]), "sg-bad" if row.result == "failed" else "")
                _bilingual_cell(row.reason)
                _bilingual_cell(row.next_step)


def _report_table(jobs: list[ImportJob], visitor: KioskVisitor) -> None:
    with table((w.FILE, w.STARTED, w.STATE, w.RESULT, w.REPORT)):
        for job in jobs:
            with ui.element("tr"):
                cell(job.file_name)
                cell(f"{job.started_at.astimezone(visitor.office.zone):%Y-%m-%d %H:%M} · {job.started_by}")
                cell(str(w.STATES[job.state]))
                cell(counts_text(job.counts))
                with ui.element("td"), ui.element("div").classes("sg-bar"):
                    for ending in ("xlsx", "csv"):
                        target = REPORT_PATH.format(job_id=job.job_id, ending=ending)
                        with ui.link(target=target).classes("sg-button"):
                            ui.label(f".{ending}")


def _bilingual_cell(text: str) -> None:
    with ui.element("td"):
        if chinese := in_chinese(text):
            ui.label(chinese)
        ui.label(text).classes("sg-en")


def _template(visitor: KioskVisitor) -> Response:
    as_workbook = visitor.parameters["ending"] == "xlsx"
    content = workbook_template() if as_workbook else csv_template()
    return Response(
        content,
        media_type=XLSX_TYPE if as_workbook else CSV_TYPE,
        headers=_attachment("roster-template", as_workbook),
    )


def _report(visitor: KioskVisitor) -> Response:
    store, job_id = visitor.office.store, visitor.parameters["job_id"]
    as_workbook = visitor.parameters["ending"] == "xlsx"
    try:
        job = store.import_job(job_id)
        visitor.audit("import_report", detail_of=job.job_id)
    except SyncError as error:
        return PlainTextResponse(str(error), status_code=404)
    pieces = report_pieces(store.whole_import_report(job_id), as_workbook=as_workbook)
    return StreamingResponse(
        pieces,
        media_type=XLSX_TYPE if as_workbook else CSV_TYPE,
        headers=_attachment(f"import-{job.started_at:%Y%m%d-%H%M}", as_workbook),
    )


def _attachment(name: str, as_workbook: bool) -> dict[str, str]:
    ending = "xlsx" if as_workbook else "csv"
    return {
        "content-disposition": f'attachment; filename="{name}.{ending}"',
        "cache-control": "no-store",
    }


IMPORT_PAGE = KioskPage(
    IMPORT_PATH, w.IMPORT, build_import_page, right=Right.ENROL, icon="upload_file", keeps_awake=True
)
IMPORT_ROUTES = (
    KioskRoute(TEMPLATE_PATH, _template, right=Right.ENROL),
    KioskRoute(REPORT_PATH, _report, right=Right.ENROL),
)
