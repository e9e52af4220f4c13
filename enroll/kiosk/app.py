"""The one application of the kiosk's process. Loads NiceGUI."""

from __future__ import annotations

import functools
from collections.abc import Callable

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from nicegui import run, ui
from starlette.types import ASGIApp

from enroll.kiosk import words
from enroll.kiosk.access import kiosk_door
from enroll.kiosk.frame import KioskPage, KioskRoute, page_frame, visitor_of
from enroll.kiosk.office import KioskOffice
from enroll.kiosk.pages import PAGES, ROUTES
from sync.pages import RESPONSE_TIMEOUT_S, heading, run_pages
from sync.web_door import LOGIN_PATH


class _Served:
    """What the one application of this process shows at present."""

    office: KioskOffice


_served = _Served()


def kiosk_app(office: KioskOffice) -> ASGIApp:
    """The kiosk behind its door, over `office` from now on."""
    _served.office = office
    return kiosk_door(_application(), office)


@functools.cache
def _application() -> FastAPI:
    """Built once: NiceGUI keeps one application per process and takes its middleware only once."""
    app = FastAPI(openapi_url=None)
    for route in ROUTES:
        app.get(route.path)(_answer(route))
    for page in PAGES:
        _serve(page)
    run_pages(app, words.TITLE)
    return app


def _serve(page: KioskPage) -> None:
    async def build(request: Request) -> Response | None:
        visitor = await run.io_bound(lambda: visitor_of(request, _served.office, touch=True))
        if visitor is None:
            return RedirectResponse(LOGIN_PATH, status_code=303)
        with page_frame(visitor, page, PAGES):
            if visitor.user.may(page.right):
                await page.build(visitor)
            else:
                heading(words.MAY_NOT)
        return None

    ui.page(page.path, title=f"{page.words.zh} · {words.TITLE.zh}", response_timeout=RESPONSE_TIMEOUT_S)(
        build
    )


def _answer(route: KioskRoute) -> Callable[[Request], Response]:
    # Not a coroutine: what a route reads and encodes belongs into a worker thread.
    def answer(request: Request) -> Response:
        visitor = visitor_of(request, _served.office, touch=False)
        if visitor is None or not visitor.user.may(route.right):
            return PlainTextResponse(str(words.MAY_NOT), status_code=403)
        return route.answer(visitor)

    return answer
