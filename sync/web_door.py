"""The door of a web application with accounts: sign-in, session cookie, and nothing behind without one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
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

from sync.words import Words

LOGIN_PATH = "/login"
ASSETS_PATH = "/_nicegui/"
"""The program's own files: nothing of anybody."""

USER = Words("用户名", "User")
PASSWORD = Words("密码", "Password")
LOGIN = Words("登录", "Sign in")
LOGIN_WRONG = Words(
    "用户名或密码不对，或账号已暂时锁定。", "Wrong name or password, or the account is locked for now."
)
MAY_NOT = Words("您的角色不能查看此页", "Your role does not include this page")
ANOTHER_ACCOUNT = Words("换一个账号登录", "Sign in with another account")

_BODY_MAX_BYTES = 4096
_POLICY_VIOLATION = 1008
_SAFE_HEADERS = {
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
    "Referrer-Policy": "same-origin",  # with no-referrer the sign-in form would send `Origin: null`
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """How one application signs people in.

    longest_s  after so long a browser forgets the cookie; the session may end earlier
    is_secure  the cookie goes over TLS only
    elsewhere  where the pages are of somebody whom this application does not let in: words and path
    """

    title: Words
    cookie: str
    longest_s: int
    is_secure: bool = False
    elsewhere: tuple[Words, str] | None = None


class Admission(Enum):
    """Whom a session lets in at this moment."""

    NOBODY = "nobody"
    NOT_HERE = "not_here"
    YES = "yes"


class WebDoor:
    """ASGI layer around an application, web sockets included.

    sign_in  (user, password, address) → secret of a new session, or None where refused; in a thread
    admit    (secret, address) → whether the session holds at this moment; in a thread
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: DoorSettings,
        *,
        sign_in: Callable[[str, str, str], str | None],
        admit: Callable[[str, str], Admission],
    ) -> None:
        self._app = app
        self._settings = settings
        self._sign_in = sign_in
        self._admit = admit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        send = with_safe_headers(scope, send)
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
            return PlainTextResponse("Another page may not use this application.", status_code=403)
        if scope["path"] == LOGIN_PATH and scope["type"] == "http":
            return await self._login(Request(scope, receive))
        if scope["path"].startswith(ASSETS_PATH):
            return None
        connection = HTTPConnection(scope)
        secret = session_secret(connection, self._settings.cookie)
        admission = Admission.NOBODY
        if secret:
            admission = await run_in_threadpool(self._admit, secret, address_of(connection))
        if admission is Admission.NOT_HERE:
            ways = [(ANOTHER_ACCOUNT, LOGIN_PATH)]
            if self._settings.elsewhere:
                ways.insert(0, self._settings.elsewhere)
            return dead_end(self._settings.title, MAY_NOT, ways, status=403)
        return None if admission is Admission.YES else RedirectResponse(LOGIN_PATH, status_code=303)

    async def _login(self, request: Request) -> Response:
        if request.method != "POST":
            return login_page(self._settings.title)
        user_id, password = await _sent(request)
        attempt = partial(self._sign_in, user_id, password, address_of(request))
        secret = await run_in_threadpool(attempt)
        if secret is None:
            return login_page(self._settings.title, LOGIN_WRONG)
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(
            self._settings.cookie,
            secret,
            max_age=self._settings.longest_s,
            httponly=True,
            samesite="strict",
            secure=self._settings.is_secure,
        )
        return response


def session_secret(connection: HTTPConnection, name: str) -> str:
    """What the browser's cookie says; empty without one."""
    try:
        cookie = SimpleCookie(connection.headers.get("cookie", "")).get(name)
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


def login_page(title: Words, problem: Words | None = None) -> HTMLResponse:
    """The form; large enough for fingers in gloves."""
    complaint = f"<p role=alert class=bad>{escape(problem.zh)}<br>{escape(problem.en)}</p>" if problem else ""
    form = (
        f"<form method=post action={LOGIN_PATH}>"
        f"<label>{USER}<input name=user autocomplete=username autofocus required></label>"
        f"<label>{PASSWORD}<input name=password type=password autocomplete=current-password required>"
        f"</label>{complaint}<button>{LOGIN}</button></form>"
    )
    return _plain_page(title, LOGIN, form, status=403 if problem else 200)


def dead_end(title: Words, problem: Words, ways: Sequence[tuple[Words, str]], *, status: int) -> HTMLResponse:
    """A page that is not there for this reader: what is wrong, and where to go on."""
    links = "".join(f'<p><a href="{escape(path)}">{escape(str(said))}</a></p>' for said, path in ways)
    return _plain_page(title, problem, f"<p role=alert>{escape(str(problem))}</p>{links}", status=status)


def _plain_page(title: Words, about: Words, content: str, *, status: int) -> HTMLResponse:
    return HTMLResponse(
        "<!doctype html><html lang=zh-CN><meta charset=utf-8>"
        f"<title>{about} · {title}</title><meta name=viewport content='width=device-width'>"
        "<style>body{font:17px system-ui,'Noto Sans CJK SC',sans-serif;background:#eef1f4;color:#16202b;"
        "display:grid;place-items:center;min-height:100vh;margin:0}main{background:#fff;padding:2.2em 2.6em;"
        "border-radius:10px;width:19em;box-shadow:0 1px 4px #0003}h1{font-size:1.25em;margin:0 0 1.2em}"
        "label{display:block;margin:.9em 0 0}"
        "input{font:inherit;width:100%;box-sizing:border-box;padding:.5em;min-height:48px;"
        "border:1px solid #5d6b7a;border-radius:5px}button{font:inherit;margin-top:1.4em;padding:.6em 1.6em;"
        "min-height:48px;border:0;border-radius:5px;background:#0b5394;color:#fff}"
        ":focus-visible{outline:3px solid #d97700;outline-offset:2px}"
        ".bad{color:#a3130b;margin:1.2em 0 0}a{color:#0b5394;display:block;padding:.6em 0}</style>"
        f"<main><h1>{title}</h1>{content}</main>",
        status_code=status,
    )


def with_safe_headers(scope: Scope, send: Send) -> Send:
    """Every answer says that no other page may frame it; nothing but the program's own files is kept."""
    is_asset = scope["path"].startswith(ASSETS_PATH)

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _SAFE_HEADERS.items():
                headers[name] = value
            if not is_asset:
                headers["Cache-Control"] = "no-store"
        await send(message)

    return send_with_headers
