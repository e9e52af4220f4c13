"""Signing in and out: staff with their account, workers with their number or phone and their document."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, timedelta

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from sync.central import audit
from sync.central.accounts import LoginRefused
from sync.central.audit import Action
from sync.central.person_vault import PersonVault
from sync.central.phone import sessions, words
from sync.central.phone.identify import by_papers, worker_by_tail
from sync.central.phone.sessions import SignedIn
from sync.central.phone.settings import PHONE_PATH
from sync.central.phone.shell import (
    PERSON_COOKIE,
    SEE_OTHER,
    STAFF_COOKIE,
    PhoneRefused,
    PhoneShell,
    SentForm,
    own_path,
    sent_text,
)
from sync.central.typed_fields import phone_of
from sync.declarations import VisitorPapers
from sync.people import DocumentType
from sync.resident_number import DocumentNumberInvalid, check_document
from sync.web_door import address_of
from sync.words import Words

_FORBIDDEN, _UNPROCESSABLE, _UNAVAILABLE = 403, 422, 503
_VISITOR_FIELDS = ("name", "phone", "document_type", "document_number")
_NAME_MAX = 100


def router(shell: PhoneShell) -> APIRouter:
    """Sign-in and sign-out."""
    area = APIRouter()
    accounts, database = shell.office.accounts, shell.office.database

    @area.get("/staff/sign-in")
    def staff_page(request: Request, next: str = "") -> Response:
        return shell.render(request, "staff_sign_in.html", next=own_path(next), problem=None)

    @area.post("/staff/sign-in")
    def staff_sign_in(request: Request, form: SentForm) -> Response:
        way = own_path(sent_text(form, "next"))
        user_id, password = sent_text(form, "user"), str(form.get("password", ""))
        try:
            session = accounts.login(user_id, password, address=address_of(request))
        except LoginRefused:
            return shell.render(
                request, "staff_sign_in.html", status=_FORBIDDEN, next=way, problem=words.STAFF_WRONG
            )
        response = RedirectResponse(way, status_code=SEE_OTHER)
        shell.keep_staff(response, session.secret)
        return response

    @area.post("/staff/sign-out")
    def staff_sign_out(request: Request) -> Response:
        accounts.logout(request.cookies.get(STAFF_COOKIE, ""))
        response = RedirectResponse(f"{PHONE_PATH}/", status_code=SEE_OTHER)
        response.delete_cookie(STAFF_COOKIE, path=PHONE_PATH)
        return response

    @area.get("/sign-in")
    def person_page(request: Request, next: str = "") -> Response:
        return shell.render(request, "sign_in.html", next=own_path(next), problem=None, number="")

    @area.post("/sign-in")
    def person_sign_in(request: Request, form: SentForm) -> Response:
        number, tail = sent_text(form, "number"), sent_text(form, "tail")
        way = own_path(sent_text(form, "next"))
        vault = _vault(shell)
        secret = _sign_in(
            shell,
            f"identity:{_one_spelling(number)}",
            address_of(request),
            lambda connection: worker_by_tail(connection, vault, number, tail),
        )
        if secret is None:
            return shell.render(
                request,
                "sign_in.html",
                status=_FORBIDDEN,
                next=way,
                number=number,
                problem=words.WORKER_WRONG,
            )
        return _signed_in(shell, secret, way)

    @area.get("/visitor")
    def visitor_page(request: Request, next: str = "") -> Response:
        return _visitor_page(request, own_path(next), {}, {})

    @area.post("/visitor")
    def visitor_sign_in(request: Request, form: SentForm) -> Response:
        vault, now = _vault(shell), shell.now()
        way = own_path(sent_text(form, "next"))
        typed = {name: sent_text(form, name) for name in _VISITOR_FIELDS}
        papers, problems = _papers(typed, now.date())
        if papers is None:
            return _visitor_page(request, way, typed, problems)
        secret = _sign_in(
            shell,
            f"document:{vault.hash(papers.document_type, papers.document_number)}",
            address_of(request),
            lambda connection: by_papers(connection, vault, papers, now=now),
        )
        if secret is None:
            return _visitor_page(request, way, typed, {"name": words.WORKER_WRONG})
        return _signed_in(shell, secret, way)

    def _visitor_page(
        request: Request, way: str, typed: Mapping[str, str], problems: Mapping[str, Words]
    ) -> Response:
        return shell.render(
            request,
            "visitor.html",
            status=_UNPROCESSABLE if problems else 200,
            next=way,
            typed=typed,
            problems=problems,
            document_types=words.DOCUMENT_TYPES,
        )

    @area.post("/sign-out")
    def person_sign_out(request: Request) -> Response:
        person = shell.person(request)
        if person is not None:
            with database.write() as connection:
                sessions.end(connection, person.session_hash)
        response = RedirectResponse(f"{PHONE_PATH}/", status_code=SEE_OTHER)
        response.delete_cookie(PERSON_COOKIE, path=PHONE_PATH)
        return response

    return area


def _one_spelling(number: str) -> str:
    """The same for every way to write a number or phone: each must not bring guesses of its own."""
    return phone_of(number) or unicodedata.normalize("NFKC", number).casefold()


def _vault(shell: PhoneShell) -> PersonVault:
    vault = shell.office.vault
    if vault is None:
        raise PhoneRefused(words.NO_PAPERS_HERE, status=_UNAVAILABLE)
    return vault


def _sign_in(
    shell: PhoneShell, identity: str, address: str, find: Callable[[Connection], SignedIn | None]
) -> str | None:
    """The secret of a new session, unless nobody is found or too much was guessed."""
    now, limits, guessing = shell.now(), shell.settings, shell.guessing
    by_address = f"address:{address}"
    with shell.office.database.write() as connection:
        is_locked = guessing.is_locked(connection, [identity, by_address], now=now)
        found = None if is_locked else find(connection)
        secret = None
        if found is not None:
            guessing.succeeded(connection, identity)
            lasts = timedelta(minutes=limits.session_minutes)
            secret = sessions.begin(connection, found, now=now, lasts=lasts, address=address)
        elif not is_locked:
            guessing.failed(connection, identity, limit=limits.failures_per_identity, now=now)
            guessing.failed(connection, by_address, limit=limits.failures_per_address, now=now)
        # What was typed may be a phone number: it stays out of the log.
        who = "phone" if found is None else f"worker:{found.worker_id}" if found.worker_id else "visitor"
        audit.note(
            connection,
            at=now,
            actor=who,
            action=Action.LOGIN_FAILED if found is None else Action.LOGIN,
            detail={"via": "phone", "address": address, "locked": is_locked},
        )
    return secret


def _signed_in(shell: PhoneShell, secret: str, way: str) -> Response:
    response = RedirectResponse(way, status_code=SEE_OTHER)
    shell.keep_person(response, secret)
    return response


def _papers(typed: Mapping[str, str], today: date) -> tuple[VisitorPapers | None, dict[str, Words]]:
    """What a visitor typed as a record, or what is wrong with which field."""
    problems: dict[str, Words] = {}
    name = " ".join(typed["name"].split())
    if not name or len(name) > _NAME_MAX:
        problems["name"] = words.NAME_WRONG
    phone = phone_of(typed["phone"])
    if not phone:
        problems["phone"] = words.PHONE_WRONG
    number = ""
    try:
        document_type = DocumentType(typed["document_type"])
        number = check_document(document_type, typed["document_number"], today)
    except (ValueError, DocumentNumberInvalid):
        problems["document_number"] = words.DOCUMENT_WRONG
    if problems:
        return None, problems
    papers = VisitorPapers(name=name, phone=phone, document_type=document_type, document_number=number)
    return papers, {}
