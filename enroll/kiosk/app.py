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
from enroll.kiosk.frame import KioskPage, KioskRoute, heading, page_frame, visitor_of
from enroll.kiosk.office import KioskOffice
from enroll.kiosk.pages import PAGES, ROUTES
from sync.web_door import LOGIN_PATH

RECONNECT_TIMEOUT_S = 10.0
RESPONSE_TIMEOUT_S = 30.0
"""A page waits for its first query; NiceGUI's own limit of 3 s is short for a busy machine."""


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
    ui.run_with(
        app,
        title=str(words.TITLE),
        favicon="🚧",
        language="zh-CN",
        binding_refresh_interval=None,
        reconnect_timeout=RECONNECT_TIMEOUT_S,
        # A history of sent messages would keep names in memory and show them again after a reconnect.
        message_history_length=0,
        tailwind=False,
        show_welcome_message=False,
    )
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
