"""Who may look: the page shows a face, so a request is answered only for the kiosk.

On a loopback address the machine's own browser is the kiosk; the Host header is checked so that a
web page elsewhere cannot reach the gate through a name of its own that resolves to 127.0.0.1 (DNS
rebinding). On any other address a browser must once enter the token of `screen.token_file`; it is
then known by a cookie, never by a URL.
"""

from __future__ import annotations

import hmac
import stat
from hashlib import sha256
from html import escape
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from gate.errors import ConfigError
from gate.reasons import Words
from gate.screen import words
from gate.settings import ScreenSettings
from sync.addresses import is_loopback
from sync.web_door import with_safe_headers

LOGIN_PATH = "/login"
ALIVE_PATH = "/alive"
COOKIE = "sitegate_screen"
COOKIE_MAX_AGE_S = 365 * 24 * 3600
TOKEN_MIN_CHARACTERS = 16
"""Long enough that guessing over the network is hopeless without a lock-out."""

_LOGIN_BODY_MAX_BYTES = 4096
_POLICY_VIOLATION = 1008


def read_token(path: Path) -> str:
    """The screen token. Raises ConfigError when the file is missing, readable by others or too short."""
    where = f"screen.token_file {path}"
    advice = f"make one: umask 077; python3 -c 'import secrets; print(secrets.token_urlsafe(24))' > {path}"
    try:
        mode = path.stat().st_mode
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{where} cannot be read: {error}", next_step=advice) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(f"{where} is open to other users", next_step=f"chmod 600 {path}")
    if len(token) < TOKEN_MIN_CHARACTERS:
        raise ConfigError(f"{where} holds fewer than {TOKEN_MIN_CHARACTERS} characters", next_step=advice)
    return token


class ScreenAccess:
    """ASGI layer around the whole screen, web sockets included."""

    def __init__(self, app: ASGIApp, settings: ScreenSettings) -> None:
        """Raises ConfigError when a token is needed and its file is not fit."""
        self.app = app
        self._local = is_loopback(settings.host)
        self._local_names = {"localhost", "127.0.0.1", "::1", settings.host}
        self._token = read_token(settings.token_file) if settings.token_file else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._wrong_address(headers)
        if refusal is None and self._token and not self._is_known(headers):
            refusal = await self._ask_for_token(scope, receive)
        if refusal is None:
            await self.app(scope, receive, with_safe_headers(scope, send))
        elif scope["type"] == "websocket":
            await WebSocketClose(code=_POLICY_VIOLATION)(scope, receive, send)
        else:
            await refusal(scope, receive, with_safe_headers(scope, send))

    def _wrong_address(self, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        if self._local and urlsplit(f"//{host}").hostname not in self._local_names:
            return PlainTextResponse("The gate screen answers on this machine only.", status_code=421)
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return PlainTextResponse("Another page may not use the gate screen.", status_code=403)
        return None

    def _is_known(self, headers: Headers) -> bool:
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and hmac.compare_digest(
            cookie.value.encode(), self._cookie_value().encode()
        )

    def _cookie_value(self) -> str:
        """Follows from the token, so that a browser stays known over restarts and a new token ends it."""
        return hmac.new(self._token.encode(), b"sitegate screen", sha256).hexdigest()

    async def _ask_for_token(self, scope: Scope, receive: Receive) -> Response:
        if scope["type"] == "websocket":
            return Response(status_code=401)
        request = Request(scope, receive)
        if request.url.path != LOGIN_PATH:
            return RedirectResponse(LOGIN_PATH, status_code=303)
        if request.method != "POST":
            return _login_page()
        if not hmac.compare_digest((await _sent_token(request)).encode(), self._token.encode()):
            return _login_page(words.LOGIN_WRONG)
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(
            COOKIE, self._cookie_value(), max_age=COOKIE_MAX_AGE_S, httponly=True, samesite="strict"
        )
        return response


async def _sent_token(request: Request) -> str:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LOGIN_BODY_MAX_BYTES:
            return ""
    return parse_qs(body.decode("utf-8", errors="replace")).get("token", [""])[0].strip()


def _login_page(problem: Words | None = None) -> HTMLResponse:
    complaint = f"<p role=alert>{escape(problem.zh)} {escape(problem.en)}</p>" if problem else ""
    return HTMLResponse(
        "<!doctype html><html lang=zh-CN><meta charset=utf-8><title>Sitegate</title>"
        "<meta name=viewport content='width=device-width'>"
        "<body style='font:24px sans-serif;margin:10vh auto;max-width:20em'>"
        f"<form method=post action={LOGIN_PATH}><label>{words.LOGIN.zh} {words.LOGIN.en}"
        "<input name=token type=password autocomplete=off autofocus style='font:inherit;width:100%'></label>"
        f"{complaint}<p><button style='font:inherit;padding:.5em 2em'>OK</button></form>",
        status_code=403 if problem else 401,
    )
