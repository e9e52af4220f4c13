"""The HTTP API of the centre: registry, events, presence and attendance, with bearer tokens.

What may be personal is asked for in a body, never in an address: addresses end in the logs of proxies.
"""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import StreamingResponse
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sync.central import (
    api_alerts,
    api_clearances,
    api_lists,
    api_passes,
    api_people,
    api_problems,
    audit,
)
from sync.central.access_log import BoundedCount, EventFacts, LogPage
from sync.central.api_access import Asking, Office, Short
from sync.central.api_files import attachment
from sync.central.api_models import (
    EventExport,
    EventQuery,
    EventSearch,
    FileFormat,
    FlagWrite,
    Made,
    PassageAdded,
    Reason,
    RecordCancelled,
    WorkerDaysOut,
    WorkerSearch,
    WorkerWrite,
)
from sync.central.audit import AuditLine
from sync.central.exports_tables import attendance_pieces, event_pieces
from sync.central.front_office import FrontOffice
from sync.central.gate_board import GateCard
from sync.central.presence import OnSite
from sync.central.worker_desk import Site, WorkerFacts, WorkerPage
from sync.records import Flag, Identifier

API_PATH = "/api/v1"


def api_app(office: FrontOffice) -> FastAPI:
    """The API as an application of its own; the console mounts it at `API_PATH`."""
    app = FastAPI(
        title="Sitegate centre",
        version="1",
        openapi_url="/openapi.json",
        docs_url=None,  # both pages load their parts from elsewhere
        redoc_url=None,
    )
    app.state.office = office
    api_problems.install(app)
    app.include_router(router)
    app.include_router(api_people.router)
    app.include_router(api_alerts.router)
    app.include_router(api_lists.router)
    app.include_router(api_clearances.router)
    app.include_router(api_passes.router)
    app.add_middleware(NoStore)
    return app


class NoStore:
    """Answers with personal data are kept by no cache."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_unstored(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Cache-Control"] = "no-store"
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        await self._app(scope, receive, send_unstored)


router = APIRouter()


@router.get("/sites", tags=["registry"])
def sites(office: Office, viewer: Asking) -> list[Site]:
    """The sites of this account."""
    return office.workers.sites(viewer)


@router.get("/gates", tags=["registry"])
def gates(office: Office, viewer: Asking, site_id: Short = "") -> list[GateCard]:
    """Gates and how they stand, those that need somebody first."""
    return office.gates.gates(viewer, site_id=site_id)


@router.post("/workers/search", tags=["registry"])
def search_workers(office: Office, viewer: Asking, search: WorkerSearch) -> WorkerPage:
    """A page of workers in order of their numbers."""
    return office.workers.page(
        viewer,
        text=search.text,
        site_id=search.site_id,
        team=search.team,
        after=search.after,
        only_flagged=search.only_flagged,
        rows=search.rows,
    )


@router.get("/workers/{worker_id}", tags=["registry"])
def worker(office: Office, viewer: Asking, worker_id: str) -> WorkerFacts:
    """One worker with clearances and flags."""
    return office.workers.one(viewer, worker_id)


@router.put("/workers/{worker_id}", tags=["registry"], status_code=204, response_class=Response)
def put_worker(office: Office, viewer: Asking, worker_id: Identifier, worker: WorkerWrite) -> None:
    """Add or replace a worker; flags and templates stay."""
    office.workers.put(viewer, worker.as_worker(worker_id))


@router.post("/workers/{worker_id}/flags", tags=["registry"], status_code=201)
def flag_worker(office: Office, viewer: Asking, worker_id: str, flag: FlagWrite) -> Flag:
    """Put a worker on the key-monitoring list; the gates know within seconds."""
    return office.workers.flag(
        viewer,
        worker_id,
        level=flag.level,
        reason=flag.reason,
        category=flag.category,
        valid_until=flag.valid_until,
    )


@router.post(
    "/workers/{worker_id}/flags/{flag_id}/removal",
    tags=["registry"],
    status_code=204,
    response_class=Response,
)
def unflag_worker(office: Office, viewer: Asking, worker_id: str, flag_id: str, why: Reason) -> None:
    """Take a flag away, with the reason."""
    office.workers.unflag(viewer, worker_id, flag_id, reason=why.reason)


@router.post("/events/search", tags=["events"])
def search_events(office: Office, viewer: Asking, search: EventSearch) -> LogPage:
    """A page of events, newest first."""
    return office.access_log.page(viewer, search.as_filter(), cursor=search.cursor, rows=search.rows)


@router.post("/events/count", tags=["events"])
def count_events(office: Office, viewer: Asking, query: EventQuery) -> BoundedCount:
    """How many there are, up to a bound."""
    return office.access_log.count(viewer, query.as_filter())


@router.post("/events/export", tags=["events"], response_class=StreamingResponse)
def export_events(office: Office, viewer: Asking, export: EventExport) -> StreamingResponse:
    """All events of the query as CSV or XLSX."""
    rows = office.access_log.export(viewer, export.as_filter())
    return attachment(event_pieces(rows, export.format), "events", export.format)


@router.get("/events/{event_id}", tags=["events"])
def event(office: Office, viewer: Asking, event_id: str) -> EventFacts:
    """One event with all its facts."""
    return office.access_log.one(viewer, event_id)


@router.get("/presence", tags=["attendance"])
def presence(office: Office, viewer: Asking, site_id: Short = "", team: Short = "") -> OnSite:
    """Who is on the site now."""
    return office.presence.now(viewer, site_id=site_id, team=team)


@router.get("/attendance/{site_id}", tags=["attendance"])
def days(
    office: Office, viewer: Asking, site_id: str, first: date, last: date, team: Short = ""
) -> list[WorkerDaysOut]:
    """Days and hours of everybody who passed; both days included."""
    return [WorkerDaysOut.of(one) for one in office.attendance.days(viewer, site_id, first, last, team=team)]


@router.get("/attendance/{site_id}/export", tags=["attendance"], response_class=StreamingResponse)
def export_days(
    office: Office,
    viewer: Asking,
    site_id: str,
    first: date,
    last: date,
    team: Short = "",
    format: FileFormat = FileFormat.CSV,
) -> StreamingResponse:
    """The same as a file, one row per stay."""
    found = office.attendance.export(viewer, site_id, first, last, team=team)
    zone = office.attendance.zone(viewer, site_id)
    return attachment(attendance_pieces(found, zone, format), "attendance", format)


@router.post("/attendance/corrections/passages", tags=["attendance"], status_code=201)
def add_passage(office: Office, viewer: Asking, passage: PassageAdded) -> Made:
    """A passage that nobody recorded; kept apart from the device records."""
    made = office.attendance.add(
        viewer,
        passage.site_id,
        passage.worker_id,
        at=passage.at,
        direction=passage.direction,
        reason=passage.reason,
    )
    return Made(id=made)


@router.post("/attendance/corrections/cancellations", tags=["attendance"], status_code=201)
def cancel_record(office: Office, viewer: Asking, record: RecordCancelled) -> Made:
    """A device record that shall not count; it stays in the access log."""
    return Made(id=office.attendance.cancel(viewer, record.event_id, reason=record.reason))


@router.delete(
    "/attendance/corrections/{correction_id}", tags=["attendance"], status_code=204, response_class=Response
)
def withdraw_correction(office: Office, viewer: Asking, correction_id: str) -> None:
    """Take a correction back; it stays readable."""
    office.attendance.withdraw(viewer, correction_id)


@router.get("/audit", tags=["audit"])
def audit_lines(
    office: Office, viewer: Asking, before: int | None = None, actor: Short = "", subject: Short = ""
) -> list[AuditLine]:
    """The audit log, newest first; for administrators."""
    return audit.lines(office.database, viewer, now=office.now(), before=before, actor=actor, subject=subject)
