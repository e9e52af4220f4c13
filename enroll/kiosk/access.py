"""The door of the kiosk: nobody sees a page without a session of `enroll.accounts`."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp

from enroll.accounts import SESSION_LONGEST, LoginRefused
from enroll.kiosk import words
from enroll.kiosk.office import KioskOffice
from sync.web_door import Admission, DoorSettings, WebDoor, session_secret

COOKIE = "sitegate_kiosk"


def kiosk_door(app: ASGIApp, office: KioskOffice) -> WebDoor:
    """`app` behind the sign-in of `office`."""

    def sign_in(user_id: str, password: str, address: str) -> str | None:
        try:
            return office.accounts.login(user_id, password)
        except LoginRefused:
            return None

    def admit(secret: str, address: str) -> Admission:
        viewer = office.accounts.viewer_of_session(secret)
        return Admission.NOBODY if viewer is None else Admission.YES

    settings = DoorSettings(
        title=words.TITLE,
        cookie=COOKIE,
        longest_s=round(SESSION_LONGEST.total_seconds()),
        is_secure=office.settings.kiosk.is_encrypted,
    )
    return WebDoor(app, settings, sign_in=sign_in, admit=admit)


def kiosk_secret(connection: HTTPConnection) -> str:
    """The kiosk's session of this browser; empty without one."""
    return session_secret(connection, COOKIE)
