"""The door of the phone pages: origin, request rate, size, and safe headers around everything."""

from __future__ import annotations

from html import escape
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sync.central.phone import words
from sync.central.phone.settings import PhoneSettings
from sync.central.phone.throttle import RateLimit
from sync.words import Words

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_SAFE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
    "Referrer-Policy": "same-origin",  # with no-referrer forms would send `Origin: null`
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}


class _BodyTooLarge(Exception):
    """More was sent than the door lets through."""


class PhoneAccess:
    """ASGI layer; `app` answers below it."""

    def __init__(self, app: ASGIApp, settings: PhoneSettings) -> None:
        self._app = app
        self._settings = settings
        self._rate = RateLimit(per_s=settings.requests_per_s, burst=settings.requests_burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        send = _with_safe_headers(send)
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        started = False

        async def send_noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, _bounded(receive, self._limit_bytes(scope)), send_noted)
        except _BodyTooLarge:
            if started:
                raise
            await plain_page(words.TOO_LARGE, 413)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        client = scope.get("client")
        if not self._rate.admits(client[0] if client else ""):
            return plain_page(words.TOO_MANY, 429, headers={"Retry-After": "5"})
        if scope["method"] not in _SAFE_METHODS and not _is_from_here(headers):
            return plain_page(words.FOREIGN_PAGE, 403)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._limit_bytes(scope):
            return plain_page(words.TOO_LARGE, 413)
        return None

    def _limit_bytes(self, scope: Scope) -> int:
        kind = Headers(scope=scope).get("content-type", "")
        has_files = kind.startswith(("multipart/form-data", "image/"))
        return self._settings.upload_max_bytes if has_files else self._settings.form_max_bytes


def plain_page(problem: Words, status: int, *, headers: dict[str, str] | None = None) -> HTMLResponse:
    """A page of one sentence, for what is refused before any page of ours is reached."""
    return HTMLResponse(
        "<!doctype html><html lang=zh-CN><meta charset=utf-8><meta name=viewport "
        f"content='width=device-width'><title>{escape(problem.zh)}</title>"
        "<body style='font:18px system-ui,sans-serif;margin:2em'>"
        f"<p role=alert>{escape(problem.zh)}<br><span lang=en>{escape(problem.en)}</span></p>",
        status_code=status,
        headers=headers,
    )


def _is_from_here(headers: Headers) -> bool:
    """Browsers name the page that sends a form; one that names none must not say it is another site's."""
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc == headers.get("host", "")
    return headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


def _bounded(receive: Receive, limit_bytes: int) -> Receive:
    seen = 0

    async def receive_bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit_bytes:
            raise _BodyTooLarge
        return message

    return receive_bounded


def _with_safe_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _SAFE_HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return send_with_headers
