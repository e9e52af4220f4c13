"""The web application behind the screen: routes and pages. Loads NiceGUI."""

from __future__ import annotations

import functools
import uuid
import zlib
from html import escape

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from nicegui import ui

from gate.reasons import Words
from gate.screen import words
from gate.screen.access import ALIVE_PATH, LOGIN_PATH
from gate.screen.lane_page import build_lane_page
from gate.settings import ScreenSettings
from gate.view import GateView

RECONNECT_TIMEOUT_S = 3.0
"""How long a browser's page is kept on the gate after its connection is gone."""


class _Served:
    """What the one application of this process shows at present."""

    def __init__(self) -> None:
        self.view: GateView
        self.settings: ScreenSettings
        self.run_id = ""


_served = _Served()


def screen_app(view: GateView, settings: ScreenSettings) -> FastAPI:
    """The ASGI application, showing `view` from now on."""
    _served.view, _served.settings, _served.run_id = view, settings, uuid.uuid4().hex
    return _application()


@functools.cache
def _application() -> FastAPI:
    """Built once: NiceGUI keeps one application per process and takes its middleware only once."""
    app = FastAPI(openapi_url=None)
    app.get("/")(_index)
    app.get(ALIVE_PATH)(_alive)
    app.get(LOGIN_PATH)(_index)
    app.get("/lane/{lane_id}/picture")(_picture)
    ui.page("/lane/{lane_id}", title="Sitegate")(_lane)
    ui.run_with(
        app,
        title="Sitegate",
        favicon="🚧",
        language="zh-CN",
        binding_refresh_interval=None,
        reconnect_timeout=RECONNECT_TIMEOUT_S,
        # A history of sent messages would keep names in memory and show them again after a reconnect.
        message_history_length=0,
        # The page has its own style sheet; Tailwind would be compiled in the kiosk's browser at each load.
        tailwind=False,
        show_welcome_message=False,
    )
    return app


def _index() -> Response:
    """The lane where there is one, else the choice."""
    lanes = _served.view.lanes()
    if len(lanes) == 1:
        return RedirectResponse(f"/lane/{lanes[0]}", status_code=303)
    views = [_served.view.lane(lane_id) for lane_id in lanes]
    links = "".join(
        f"<p><a href='/lane/{escape(view.lane_id)}'>{escape(view.lane_name)} {escape(view.lane_name_en)} · "
        f"{words.DIRECTIONS[view.direction].zh} {words.DIRECTIONS[view.direction].en}</a>"
        for view in views
    )
    return _plain_page(words.LANES, links)


def _alive() -> Response:
    """Asked by a page that lost its connection; the id changes when the gate restarts."""
    return PlainTextResponse(_served.run_id)


def _picture(lane_id: str, request: Request) -> Response:
    """The newest picture as JPEG; 304 when the page has it, 204 when there is none.

    Not a coroutine: encoding in the view may take milliseconds, and belongs into a worker thread.
    """
    try:
        jpeg = _served.view.picture(lane_id)
    except LookupError:
        return Response(status_code=404)
    if jpeg is None:
        return Response(status_code=204)
    etag = f'"{zlib.crc32(jpeg):08x}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"ETag": etag})
    return Response(jpeg, media_type="image/jpeg", headers={"ETag": etag})


def _lane(lane_id: str) -> Response | None:
    try:
        _served.view.lane(lane_id)
    except LookupError:
        return _plain_page(words.NO_SUCH_LANE, "<p><a href='/'>←</a>", status_code=404)
    build_lane_page(_served.view, lane_id, _served.settings)
    return None


def _plain_page(title: Words, body: str, *, status_code: int = 200) -> Response:
    return HTMLResponse(
        "<!doctype html><html lang=zh-CN><meta charset=utf-8><title>Sitegate</title>"
        "<meta name=viewport content='width=device-width'>"
        "<body style='font:32px sans-serif;margin:8vh 8vw'>"
        f"<h1 style='font-size:48px'>{title.zh} {title.en}</h1>{body}",
        status_code=status_code,
    )
