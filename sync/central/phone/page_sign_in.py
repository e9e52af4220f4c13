"""Signing in and out: staff with their account, workers with their number or phone and their document."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from sync.central import audit
from sync.central.accounts import LoginRefused
from sync.central.audit import Action
from sync.central.phone import sessions, words
from sync.central.phone.identify import identify
from sync.central.phone.settings import PHONE_PATH
from sync.central.phone.shell import (
    PERSON_COOKIE,
    SEE_OTHER,
    STAFF_COOKIE,
    PhoneShell,
    SentForm,
    address_of,
    own_path,
    sent_text,
)

_FORBIDDEN = 403


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
        way, now, address = own_path(sent_text(form, "next")), shell.now(), address_of(request)
        by_identity, by_address = f"identity:{number.casefold()}", f"address:{address}"
        limits, guessing = shell.settings, shell.guessing
        secret = None
        with database.write() as connection:
            is_locked = guessing.is_locked(connection, [by_identity, by_address], now=now)
            worker_id = None if is_locked else identify(connection, number, tail)
            if worker_id is not None:
                guessing.succeeded(connection, by_identity)
                lasts = timedelta(minutes=limits.session_minutes)
                secret = sessions.begin(
                    connection, worker_id=worker_id, now=now, lasts=lasts, address=address
                )
            elif not is_locked:
                guessing.failed(connection, by_identity, limit=limits.failures_per_identity, now=now)
                guessing.failed(connection, by_address, limit=limits.failures_per_address, now=now)
            audit.note(
                connection,
                at=now,
                # What was typed may be a phone number: it stays out of the log.
                actor=f"worker:{worker_id}" if worker_id else "phone",
                action=Action.LOGIN if worker_id else Action.LOGIN_FAILED,
                detail={"via": "phone", "address": address, "locked": is_locked},
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
        response = RedirectResponse(way, status_code=SEE_OTHER)
        shell.keep_person(response, secret)
        return response

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
