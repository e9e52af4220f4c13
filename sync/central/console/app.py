"""The one application: API under `/api/v1`, phone pages under `/m`, the console around. Loads NiceGUI."""

from __future__ import annotations

import functools

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from nicegui import app as nicegui_app
from nicegui import ui
from starlette.types import ASGIApp, Receive, Scope, Send

from sync.central import figure_words
from sync.central.accounts_access import Right, Viewer
from sync.central.api import API_PATH, api_app
from sync.central.api_files import attachment
from sync.central.console import (
    words,
    words_alerts,
    words_cases,
    words_clearances,
    words_declarations,
    words_lists,
    words_lodging,
    words_passes,
    words_people,
    words_person,
    words_real_name,
    words_training,
)
from sync.central.console.access import ConsoleAccess, is_below, session_secret
from sync.central.console.downloads import Downloads
from sync.central.console.frame import ConsolePage, MenuGroup, Visitor, page_frame
from sync.central.console.page_alerts import build_alerts_page
from sync.central.console.page_attendance import build_attendance_page
from sync.central.console.page_audit import build_audit_page
from sync.central.console.page_buses import build_buses_page
from sync.central.console.page_cases import build_cases_page
from sync.central.console.page_clearances import build_clearances_page
from sync.central.console.page_dashboard import build_dashboard_page
from sync.central.console.page_declarations import build_declarations_page
from sync.central.console.page_duplicates import build_duplicates_page
from sync.central.console.page_erasures import build_erasures_page
from sync.central.console.page_gates import build_gates_page
from sync.central.console.page_grid import build_grid_page
from sync.central.console.page_houses import build_houses_page
from sync.central.console.page_inspections import build_inspections_page
from sync.central.console.page_lists import build_lists_page
from sync.central.console.page_log import build_log_page
from sync.central.console.page_on_site import build_on_site_page
from sync.central.console.page_passes import build_passes_page
from sync.central.console.page_person import build_person_page
from sync.central.console.page_real_name import build_real_name_page
from sync.central.console.page_trainings import build_trainings_page
from sync.central.console.page_workers import build_workers_page
from sync.central.console.settings import ConsoleSettings
from sync.central.figure_links import DASHBOARD
from sync.central.front_office import FrontOffice
from sync.central.phone import words_inspect
from sync.central.phone.app import phone_app
from sync.central.phone.settings import PHONE_PATH
from sync.pages import RESPONSE_TIMEOUT_S, heading, run_pages
from sync.web_door import dead_end


def _open_alerts(office: FrontOffice, viewer: Viewer) -> int:
    return office.alerts.open_count(viewer)


PAGES: tuple[ConsolePage, ...] = (
    ConsolePage("/", words.LOG, build_log_page, MenuGroup.SITE),
    ConsolePage(DASHBOARD, figure_words.TITLE, build_dashboard_page, MenuGroup.SITE),
    ConsolePage("/on-site", words.ON_SITE, build_on_site_page, MenuGroup.SITE),
    ConsolePage("/gates", words.GATES, build_gates_page, MenuGroup.SITE),
    ConsolePage("/attendance", words.ATTENDANCE, build_attendance_page, MenuGroup.SITE),
    ConsolePage("/workers", words.WORKERS, build_workers_page, MenuGroup.PEOPLE),
    ConsolePage("/person/{worker_id}", words_person.PERSON, build_person_page, None),
    ConsolePage("/duplicates", words_people.DUPLICATES, build_duplicates_page, MenuGroup.PEOPLE),
    ConsolePage("/trainings", words_training.TRAININGS, build_trainings_page, MenuGroup.PEOPLE),
    ConsolePage("/clearances", words_clearances.CLEARANCES, build_clearances_page, MenuGroup.PEOPLE),
    ConsolePage("/houses", words_lodging.HOUSES, build_houses_page, MenuGroup.PEOPLE, Right.MANAGE_LODGING),
    ConsolePage("/buses", words_lodging.BUSES, build_buses_page, MenuGroup.PEOPLE, Right.MANAGE_BUSES),
    ConsolePage(
        "/alerts",
        words_alerts.ALERTS,
        build_alerts_page,
        MenuGroup.CHECKS,
        Right.HANDLE_ALERTS,
        badge=_open_alerts,
    ),
    ConsolePage(
        "/declarations",
        words_declarations.DECLARATIONS,
        build_declarations_page,
        MenuGroup.CHECKS,
        Right.READ_DECLARATIONS,
    ),
    ConsolePage("/passes", words_passes.PASSES, build_passes_page, MenuGroup.CHECKS, Right.SEE_PASSES),
    ConsolePage("/lists", words_lists.LISTS, build_lists_page, MenuGroup.CHECKS, Right.MANAGE_LISTS),
    ConsolePage("/cases", words_cases.CASES, build_cases_page, MenuGroup.CHECKS, Right.TRACE_CASES),
    ConsolePage("/grid", words_inspect.GRID, build_grid_page, MenuGroup.CHECKS, Right.INSPECT),
    ConsolePage(
        "/inspections", words_inspect.INSPECTIONS, build_inspections_page, MenuGroup.CHECKS, Right.INSPECT
    ),
    ConsolePage("/erasures", words_people.ERASURES, build_erasures_page, MenuGroup.OFFICE),
    ConsolePage(
        "/real-name",
        words_real_name.REAL_NAME,
        build_real_name_page,
        MenuGroup.OFFICE,
        Right.UPLOAD_REAL_NAME,
    ),
    ConsolePage("/audit", words.AUDIT, build_audit_page, MenuGroup.OFFICE, Right.READ_AUDIT),
)
"""Within each group in the order of the menu."""


class _Served:
    """What the one application of this process shows at present."""

    def __init__(self) -> None:
        self.office: FrontOffice
        self.settings: ConsoleSettings
        self.downloads = Downloads()


_served = _Served()


def central_app(office: FrontOffice, settings: ConsoleSettings) -> ASGIApp:
    """API, phone pages and console behind their doors, over `office` from now on."""
    _served.office, _served.settings = office, settings
    others = side_by_side(_console(), api_app(office), phone_app(office, settings))
    return ConsoleAccess(others, office, settings)


def side_by_side(console: ASGIApp, api: ASGIApp, phone: ASGIApp) -> ASGIApp:
    """Whatever is under `API_PATH` goes to the API with the rest of the path, `PHONE_PATH` to the phone."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_below(scope["path"], API_PATH):
            await api({**scope, "root_path": scope.get("root_path", "") + API_PATH}, receive, send)
        elif scope["type"] == "http" and is_below(scope["path"], PHONE_PATH):
            await phone(scope, receive, send)
        else:
            await console(scope, receive, send)

    return answer


@functools.cache
def _console() -> FastAPI:
    """Built once: NiceGUI keeps one application per process and takes its middleware only once."""
    app = FastAPI(openapi_url=None)
    app.get("/download/{ticket}")(_download)
    for page in PAGES:
        _serve(page)
    run_pages(app, words.TITLE)
    nicegui_app.exception_handler(404)(_no_such_page)
    return app


def _no_such_page(request: Request, error: Exception) -> Response:
    return dead_end(words.TITLE, words.NO_SUCH_PAGE, [(words.TO_THE_START, "/")], status=404)


def _serve(page: ConsolePage) -> None:
    async def build(request: Request) -> None:
        visitor = Visitor.of(request, _served.office, _served.settings, _served.downloads)
        viewer = await visitor.ask(lambda viewer: viewer)
        if viewer is None:
            return
        badges = await visitor.ask(lambda viewer: _badges(visitor.office, viewer)) or {}
        with page_frame(visitor, viewer, page, PAGES, badges):
            heading(page.words)
            await _tell_of_no_site(visitor)
            if viewer.may(page.right):
                await page.build(visitor, viewer)
            else:
                ui.label(str(words.MAY_NOT)).classes("sg-note")
                ui.label(str(words.TELL_AN_ADMIN)).classes("sg-note")

    title = f"{page.words.zh} · {words.TITLE.zh}"
    ui.page(page.path, title=title, response_timeout=RESPONSE_TIMEOUT_S)(build)


async def _tell_of_no_site(visitor: Visitor) -> None:
    """What to do first: without a site every page is empty, and none would say why."""
    if await visitor.ask(visitor.office.workers.sites) == []:
        ui.label(str(words.NO_SITE_YET)).classes("sg-note")
        ui.label(words.ADD_A_SITE).classes("sg-code")


def _badges(office: FrontOffice, viewer: Viewer) -> dict[str, int]:
    """What waits behind the links of the menu, by path."""
    return {
        page.path: page.badge(office, viewer)
        for page in PAGES
        if page.badge is not None and viewer.may(page.right)
    }


def _download(ticket: str, request: Request) -> Response:
    download = _served.downloads.take(session_secret(request), ticket)
    if download is None:
        return PlainTextResponse("gone: ask for the export again", status_code=404)
    return attachment(download.pieces(), download.name, download.file_format)
