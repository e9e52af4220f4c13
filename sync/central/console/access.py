"""The door of the console: sign-in page, session cookie, and nothing behind it without one.

The API has its own door (bearer tokens) and takes no cookie, so no other page can use it through a browser.
The phone pages have theirs in `sync.central.phone.access`.
"""

from __future__ import annotations

from functools import partial
from html import escape
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from sync.central.accounts import SESSION_LONGEST, LoginRefused
from sync.central.accounts_access import Right
from sync.central.api import API_PATH
from sync.central.console import words
from sync.central.console.settings import ConsoleSettings
from sync.central.console.words import Words
from sync.central.front_office import FrontOffice
from sync.central.phone.settings import PHONE_PATH

LOGIN_PATH = "/login"
COOKIE = "sitegate_console"

_ASSETS = "/_nicegui/"
_OTHER_DOORS = (f"{API_PATH}/", f"{PHONE_PATH}/")
_BODY_MAX_BYTES = 4096
_POLICY_VIOLATION = 1008
_SAFE_HEADERS = {
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
    "Referrer-Policy": "same-origin",  # with no-referrer the sign-in form would send `Origin: null`
    "X-Content-Type-Options": "nosniff",
}


class ConsoleAccess:
    """ASGI layer around everything, web sockets included."""

    def __init__(self, app: ASGIApp, office: FrontOffice, settings: ConsoleSettings) -> None:
        self._app = app
        self._accounts = office.accounts
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"].startswith(_OTHER_DOORS):
            await self._app(scope, receive, send)
            return
        send = _with_safe_headers(scope, send)
        refusal = await self._refusal(scope, receive)
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose(code=_POLICY_VIOLATION)(scope, receive, send)
        else:
            await refusal(scope, receive, send)

    async def _refusal(self, scope: Scope, receive: Receive) -> Response | None:
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != headers.get("host", ""):
            return PlainTextResponse("Another page may not use the console.", status_code=403)
        if scope["path"] == LOGIN_PATH and scope["type"] == "http":
            return await self._login(Request(scope, receive))
        if scope["path"].startswith(_ASSETS):  # the program's own files: nothing of anybody
            return None
        connection = HTTPConnection(scope)
        secret = session_secret(connection)
        viewer = (
            await run_in_threadpool(self._accounts.viewer_of_session, secret, address=address_of(connection))
            if secret
            else None
        )
        if viewer is None:
            return RedirectResponse(LOGIN_PATH, status_code=303)
        return None if viewer.may(Right.USE_CONSOLE) else PlainTextResponse(str(words.MAY_NOT), 403)

    async def _login(self, request: Request) -> Response:
        if request.method != "POST":
            return _login_page()
        user_id, password = await _sent(request)
        attempt = partial(self._accounts.login, user_id, password, address=address_of(request))
        try:
            session = await run_in_threadpool(attempt)
        except LoginRefused:
            return _login_page(words.LOGIN_WRONG)
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(
            COOKIE,
            session.secret,
            max_age=round(SESSION_LONGEST.total_seconds()),
            httponly=True,
            samesite="strict",
            secure=self._settings.is_encrypted,
        )
        return response


def session_secret(connection: HTTPConnection) -> str:
    """What the browser's cookie says; empty without one."""
    try:
        cookie = SimpleCookie(connection.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return cookie.value if cookie is not None else ""


def address_of(connection: HTTPConnection) -> str:
    """Where a request comes from; behind a trusted proxy the server has put the real address there."""
    return connection.client.host if connection.client else ""


async def _sent(request: Request) -> tuple[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_MAX_BYTES:
            return "", ""
    fields = parse_qs(body.decode("utf-8", errors="replace"))
    user_id, password = (fields.get(name, [""])[0] for name in ("user", "password"))
    return user_id.strip().replace("\0", ""), password


def _login_page(problem: Words | None = None) -> HTMLResponse:
    complaint = f"<p role=alert class=bad>{escape(problem.zh)}<br>{escape(problem.en)}</p>" if problem else ""
    return HTMLResponse(
        "<!doctype html><html lang=zh-CN><meta charset=utf-8>"
        f"<title>{words.LOGIN} · {words.TITLE}</title><meta name=viewport content='width=device-width'>"
        "<style>body{font:17px system-ui,'Noto Sans CJK SC',sans-serif;background:#eef1f4;color:#16202b;"
        "display:grid;place-items:center;min-height:100vh;margin:0}main{background:#fff;padding:2.2em 2.6em;"
        "border-radius:10px;width:19em;box-shadow:0 1px 4px #0003}h1{font-size:1.25em;margin:0 0 1.2em}"
        "label{display:block;margin:.9em 0 0}"
        "input{font:inherit;width:100%;box-sizing:border-box;padding:.5em;"
        "border:1px solid #5d6b7a;border-radius:5px}button{font:inherit;margin-top:1.4em;padding:.6em 1.6em;"
        "border:0;border-radius:5px;background:#0b5394;color:#fff}:focus-visible{outline:3px solid #d97700;"
        "outline-offset:2px}.bad{color:#a3130b;margin:1.2em 0 0}</style>"
        f"<main><h1>{words.TITLE}</h1><form method=post action={LOGIN_PATH}>"
        f"<label>{words.USER}<input name=user autocomplete=username autofocus required></label>"
        f"<label>{words.PASSWORD}<input name=password type=password autocomplete=current-password required>"
        f"</label>{complaint}<button>{words.LOGIN}</button></form></main>",
        status_code=403 if problem else 200,
    )


def _with_safe_headers(scope: Scope, send: Send) -> Send:
    is_asset = scope["path"].startswith(_ASSETS)

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _SAFE_HEADERS.items():
                headers[name] = value
            if not is_asset:
                headers["Cache-Control"] = "no-store"
        await send(message)

    return send_with_headers
