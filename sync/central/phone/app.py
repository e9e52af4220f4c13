"""The application of the phone pages. It needs no NiceGUI, so a process of its own can serve it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from sync.central.api_problems import status_of
from sync.central.console.settings import ConsoleSettings
from sync.central.front_office import FrontOffice
from sync.central.phone import (
    page_buses,
    page_checks,
    page_declare,
    page_home,
    page_inspect,
    page_lodging,
    page_missing,
    page_pass,
    page_sign_in,
    page_site_report,
    page_training,
    page_verify,
    words,
)
from sync.central.phone.access import PhoneAccess
from sync.central.phone.settings import PHONE_PATH
from sync.central.phone.shell import SEE_OTHER, Bilingual, PhoneRefused, PhoneShell, SignInFirst
from sync.errors import SyncError
from sync.words import Words

AREAS: tuple[Callable[[PhoneShell], APIRouter], ...] = (
    page_home.router,
    page_sign_in.router,
    page_declare.router,
    page_pass.router,
    page_site_report.router,
    page_missing.router,
    page_lodging.router,
    page_checks.router,
    page_inspect.router,
    page_buses.router,
    page_training.router,
    page_verify.router,
)
"""Every area adds its router here; paths are below `PHONE_PATH`."""

_log = logging.getLogger(__name__)


def phone_app(office: FrontOffice, settings: ConsoleSettings) -> ASGIApp:
    """All phone pages behind their door; every path starts with `PHONE_PATH`."""
    app = FastAPI(openapi_url=None)
    shell = PhoneShell(office, settings)
    app.mount(f"{PHONE_PATH}/static", StaticFiles(directory=Path(__file__).with_name("static")))
    for area in AREAS:
        app.include_router(area(shell), prefix=PHONE_PATH)
    _install_problems(app, shell)
    return PhoneAccess(app, settings.phone)


def _install_problems(app: FastAPI, shell: PhoneShell) -> None:
    """Every error as a page in both languages; what was sent is repeated nowhere."""

    def page(request: Request, problem: Bilingual, status: int) -> Response:
        return shell.render(request, "problem.html", status=status, problem=problem)

    def page_of_status(request: Request, status: int) -> Response:
        return page(request, _words_of(status), status)

    @app.exception_handler(SignInFirst)
    def _sign_in(request: Request, error: SignInFirst) -> Response:
        return RedirectResponse(error.path, status_code=SEE_OTHER)

    @app.exception_handler(PhoneRefused)
    def _refused(request: Request, error: PhoneRefused) -> Response:
        return page(request, error.words, error.status)

    @app.exception_handler(SyncError)
    def _ours(request: Request, error: SyncError) -> Response:
        status = status_of(error)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("%s %s: %s", request.method, request.url.path, error)
        return page_of_status(request, status)

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> Response:
        return page_of_status(request, HTTPStatus.UNPROCESSABLE_ENTITY)

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        return page_of_status(request, error.status_code)

    @app.exception_handler(DBAPIError)
    def _database(request: Request, error: DBAPIError) -> Response:
        # Without statement and parameters: they hold names.
        kind = type(error.orig).__name__
        _log.error("%s %s: the database failed: %s", request.method, request.url.path, kind)
        return page_of_status(request, HTTPStatus.SERVICE_UNAVAILABLE)

    @app.exception_handler(Exception)
    def _unexpected(request: Request, error: Exception) -> Response:
        _log.error("%s %s failed: %s", request.method, request.url.path, type(error).__name__)
        return page_of_status(request, HTTPStatus.INTERNAL_SERVER_ERROR)


def _words_of(status: int) -> Words:
    fallback = words.FAULT if status >= HTTPStatus.INTERNAL_SERVER_ERROR else words.PROBLEMS[422]
    return words.PROBLEMS.get(status, fallback)
