"""The door of the console: sign-in page, session cookie, and nothing behind it without one.

The API has its own door (bearer tokens) and takes no cookie, so no other page can use it through a browser.
The phone pages have theirs in `sync.central.phone.access`.
"""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from sync import web_door
from sync.central.accounts import SESSION_LONGEST, LoginRefused
from sync.central.accounts_access import Right
from sync.central.api import API_PATH
from sync.central.console import words
from sync.central.console.settings import ConsoleSettings
from sync.central.front_office import FrontOffice
from sync.central.phone.settings import PHONE_PATH
from sync.web_door import LOGIN_PATH, Admission, DoorSettings, WebDoor, address_of

__all__ = ["COOKIE", "LOGIN_PATH", "ConsoleAccess", "address_of", "is_below", "session_secret"]

COOKIE = "sitegate_console"

_OTHER_DOORS = (API_PATH, PHONE_PATH)


class ConsoleAccess(WebDoor):
    """ASGI layer around everything, web sockets included."""

    def __init__(self, app: ASGIApp, office: FrontOffice, settings: ConsoleSettings) -> None:
        self._accounts = office.accounts
        door = DoorSettings(
            title=words.TITLE,
            cookie=COOKIE,
            longest_s=round(SESSION_LONGEST.total_seconds()),
            is_secure=settings.is_encrypted,
            elsewhere=(words.PHONE_PAGES, f"{PHONE_PATH}/"),
        )
        super().__init__(app, door, sign_in=self._new_session, admit=self._look_up)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and any(is_below(scope["path"], other) for other in _OTHER_DOORS):
            await self._app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def _new_session(self, user_id: str, password: str, address: str) -> str | None:
        try:
            return self._accounts.login(user_id, password, address=address).secret
        except LoginRefused:
            return None

    def _look_up(self, secret: str, address: str) -> Admission:
        viewer = self._accounts.viewer_of_session(secret, address=address)
        if viewer is None:
            return Admission.NOBODY
        return Admission.YES if viewer.may(Right.USE_CONSOLE) else Admission.NOT_HERE


def is_below(path: str, top: str) -> bool:
    """Whether `path` is `top`, as somebody types it, or something under it."""
    return path == top or path.startswith(f"{top}/")


def session_secret(connection: HTTPConnection) -> str:
    """The console's session of this browser; empty without one."""
    return web_door.session_secret(connection, COOKIE)
