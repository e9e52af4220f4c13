"""What every phone page stands on: templates, one-time forms, who is signed in.

An area is a module with `def router(shell: PhoneShell) -> APIRouter`, listed in `app.py`. Its handlers are
plain functions (they run off the event loop):

    def router(shell):
        area = APIRouter()

        @area.get("/house/{house_id}")
        def page(request: Request, house_id: str) -> Response:
            viewer = shell.require_staff(request, Right.FLAG)       # or shell.require_person(request)
            return shell.render(request, "house_own.html", house=...)

        @area.post("/house/{house_id}")
        def send(request: Request, house_id: str, form: SentForm) -> Response:
            viewer = shell.require_staff(request, Right.FLAG)
            return shell.once(form, viewer.user_id, lambda connection: save(connection, ...) or "/m/...")

In a template every form holds `{{ form_token() }}`, and words are written `{{ WORDS | both }}`.
"""

from __future__ import annotations

import functools
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Protocol
from urllib.parse import quote, urlsplit

from fastapi import Depends
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from sqlalchemy import Connection, select, update
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sync.central.accounts import SESSION_LONGEST
from sync.central.accounts_access import Right, Viewer
from sync.central.console.settings import ConsoleSettings
from sync.central.errors import CentralError
from sync.central.front_office import FrontOffice
from sync.central.phone import sessions, words
from sync.central.phone.sessions import PhonePerson
from sync.central.phone.settings import PHONE_PATH
from sync.central.phone.site_book import SiteBook
from sync.central.phone.throttle import Guessing
from sync.central.statements import insert_unless_there
from sync.central.tables_phone import form_tokens
from sync.web_door import address_of

STAFF_COOKIE = "sitegate_phone_staff"
PERSON_COOKIE = "sitegate_phone"
TOKEN_FIELD = "form_token"  # noqa: S105 - the name of a field
SEE_OTHER = 303

_TOKEN_BYTES = 18
_TOKEN_LENGTHS = range(16, 65)
_TIDY_EVERY = timedelta(minutes=10)
_WORDS_REMEMBERED = 4096
_TEMPLATES = Path(__file__).with_name("templates")


class Bilingual(Protocol):
    """Anything said in both languages."""

    @property
    def zh(self) -> str: ...
    @property
    def en(self) -> str: ...


class SignInFirst(CentralError, PermissionError):
    """Nobody is signed in; `path` is the sign-in page that leads back here."""

    def __init__(self, path: str) -> None:
        super().__init__("nobody is signed in", next_step="sign in")
        self.path = path


class PhoneRefused(CentralError, ValueError):
    """What was sent cannot be taken; `words` say why on the page."""

    def __init__(self, problem: Bilingual, *, status: int = 422) -> None:
        super().__init__(problem.en)
        self.words = problem
        self.status = status


class PhoneShell:
    """One per application."""

    def __init__(self, office: FrontOffice, settings: ConsoleSettings) -> None:
        self.office = office
        self.settings = settings.phone
        self.guessing = Guessing(locked_for=timedelta(minutes=self.settings.locked_minutes))
        self._is_encrypted = settings.is_encrypted
        self._tidied_at: datetime | None = None
        self._tidying = threading.Lock()
        self.sites = SiteBook(office.database)
        self._templates = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["both"] = both
        self._templates.globals["words"] = words
        self._templates.globals["form_token"] = form_token
        self._templates.globals["shifted"] = shifted

    def now(self) -> datetime:
        return self.office.now()

    # -- pages -------------------------------------------------------------------------------------------

    def render(self, request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """A page; the template also knows who is signed in, as far as the handler asked."""
        page = self._templates.get_template(template).render(
            {
                "here": request.url.path,
                "viewer": getattr(request.state, "viewer", None),
                "person": getattr(request.state, "person", None),
                **context,
            }
        )
        return HTMLResponse(page, status_code=status)

    def once(self, form: FormData, who: str, work: Callable[[Connection], str]) -> RedirectResponse:
        """Do `work` in one transaction, once per form; it returns the path of the page that shows the result.

        The same form sent again by the same `who` (a user id, an address) leads to the first result;
        two sendings at the same moment wait for each other. Where `work` raises, the form may be sent again.

        Raises PhoneRefused where the form carries no token.
        """
        with self._taking(form) as (connection, token):
            return _leading_to(self._once(connection, token, who, work))

    def once_by_person(
        self, request: Request, form: FormData, work: Callable[[Connection, PhonePerson], str], *, path: str
    ) -> RedirectResponse:
        """The same by a worker or visitor, who is looked up in the same transaction.

        path  what `work` will return, which saves a statement

        Raises PhoneRefused, SignInFirst.
        """
        if PERSON_COOKIE not in request.cookies:
            raise SignInFirst(sign_in_path(request))  # without the lock of a transaction
        with self._taking(form) as (connection, token):
            person = self.require_person(request, connection)

            def work_of_person(connection: Connection) -> str:
                return work(connection, person)

            return _leading_to(self._once(connection, token, person.subject, work_of_person, path))

    @contextmanager
    def _taking(self, form: FormData) -> Iterator[tuple[Connection, str]]:
        """The transaction for a form, and the form's token."""
        token = form.get(TOKEN_FIELD)
        if not isinstance(token, str) or len(token) not in _TOKEN_LENGTHS:
            raise PhoneRefused(words.FORM_STALE)
        self._tidy(self.now())
        with self.office.database.write() as connection:
            yield connection, token

    def _once(
        self, connection: Connection, token: str, who: str, work: Callable[[Connection], str], path: str = ""
    ) -> str:
        token_hash = sha256(f"{who}\n{token}".encode()).hexdigest()
        row = {"token_hash": token_hash, "used_at": self.now(), "result": path}
        if not insert_unless_there(connection, form_tokens.c.token_hash, row):
            query = select(form_tokens.c.result).where(form_tokens.c.token_hash == token_hash)
            return str(connection.scalar(query))
        led_to = work(connection)
        if led_to != path:
            connection.execute(
                update(form_tokens).where(form_tokens.c.token_hash == token_hash).values(result=led_to)
            )
        return led_to

    def public_url(self, request: Request) -> str:
        """What a poster's address starts with, without a slash at the end."""
        return self.settings.public_url or str(request.base_url).rstrip("/")

    # -- staff -------------------------------------------------------------------------------------------

    def require_staff(self, request: Request, right: Right | None = None) -> Viewer:
        """The account that is signed in. Raises SignInFirst, NotAllowed."""
        viewer = self.staff(request)
        if viewer is None:
            raise SignInFirst(sign_in_path(request, staff=True))
        if right is not None:
            viewer.require(right)
        return viewer

    def staff(self, request: Request) -> Viewer | None:
        """The account that is signed in, if any."""
        secret = request.cookies.get(STAFF_COOKIE, "")
        viewer = (
            self.office.accounts.viewer_of_session(secret, address=address_of(request)) if secret else None
        )
        request.state.viewer = replace(viewer, via="phone") if viewer is not None else None
        found: Viewer | None = request.state.viewer
        return found

    def keep_staff(self, response: Response, secret: str) -> None:
        """Put a session of an account into the browser."""
        self._set_cookie(response, STAFF_COOKIE, secret, SESSION_LONGEST)

    # -- workers and visitors ----------------------------------------------------------------------------

    def require_person(self, request: Request, connection: Connection | None = None) -> PhonePerson:
        """The worker or visitor who is signed in. Raises SignInFirst. Reads with `connection` if given."""
        person = self.person(request, connection)
        if person is None:
            raise SignInFirst(sign_in_path(request))
        return person

    def require_worker(self, request: Request) -> PhonePerson:
        """The same, but a registered worker: `worker_id` is set. Raises SignInFirst."""
        person = self.require_person(request)
        if person.worker_id is None:
            raise SignInFirst(sign_in_path(request))
        return person

    def person(self, request: Request, connection: Connection | None = None) -> PhonePerson | None:
        """The worker or visitor who is signed in, if any."""
        secret = request.cookies.get(PERSON_COOKIE, "")
        person = None
        if secret:
            with nullcontext(connection) if connection else self.office.database.read() as reading:
                person = sessions.find(reading, secret, now=self.now())
        request.state.person = person
        return person

    def keep_person(self, response: Response, secret: str) -> None:
        """Put a session of a worker or visitor into the browser."""
        self._set_cookie(response, PERSON_COOKIE, secret, timedelta(minutes=self.settings.session_minutes))

    def _set_cookie(self, response: Response, name: str, secret: str, lasts: timedelta) -> None:
        response.set_cookie(
            name,
            secret,
            max_age=round(lasts.total_seconds()),
            path=PHONE_PATH,
            httponly=True,
            samesite="lax",  # a code on a poster, read in another program, must find the session
            secure=self._is_encrypted,
        )

    def _tidy(self, now: datetime) -> None:
        with self._tidying:
            if self._tidied_at is not None and now - self._tidied_at < _TIDY_EVERY:
                return
            self._tidied_at = now
        with self.office.database.write() as connection:
            sessions.tidy(connection, now=now)
            self.guessing.tidy(connection, now=now)


async def _sent_form(request: Request) -> AsyncIterator[FormData]:
    async with request.form() as form:
        yield form


SentForm = Annotated[FormData, Depends(_sent_form)]
"""For a handler's argument: the fields and files of a form; its size was checked at the door."""


def _leading_to(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=SEE_OTHER)


def sent_text(form: FormData, name: str) -> str:
    """One field as text without spaces around it; empty where it is missing or a file."""
    value = form.get(name, "")
    return value.replace("\0", "").strip() if isinstance(value, str) else ""


def sign_in_path(request: Request, *, staff: bool = False) -> str:
    """The sign-in page that leads back to what was asked for."""
    query = f"?{request.url.query}" if request.url.query else ""
    back = quote(request.url.path + query, safe="")
    return f"{PHONE_PATH}/{'staff/sign-in' if staff else 'sign-in'}?next={back}"


def own_path(path: str, otherwise: str = f"{PHONE_PATH}/") -> str:
    """`path` if it is one of the phone pages: a link must not lead elsewhere after the sign-in."""
    parts = urlsplit(path)
    is_ours = path.startswith(f"{PHONE_PATH}/") and not parts.scheme and not parts.netloc
    return path if is_ours and "\\" not in path and path.isprintable() else otherwise


def form_token() -> Markup:
    """The hidden field by which a form is taken once."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(
        TOKEN_FIELD, secrets.token_urlsafe(_TOKEN_BYTES)
    )


def shifted(day: date, days: float) -> date:
    """A day so many days later, for the bounds of an input."""
    return day + timedelta(days=days)


def both(said: Bilingual) -> Markup:
    """Chinese, English beside it and marked as such."""
    return _both(said.zh, said.en)


@functools.lru_cache(maxsize=_WORDS_REMEMBERED)
def _both(zh: str, en: str) -> Markup:
    if not en:
        return Markup.escape(zh)
    return Markup('{} <span class="en" lang="en">{}</span>').format(zh, en)
