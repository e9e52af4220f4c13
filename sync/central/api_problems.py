"""Every error of the API as problem JSON (RFC 9457): what, where, and the next step. No input is repeated."""

from __future__ import annotations

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from sync.central.accounts_access import NotAllowed
from sync.central.alerts import ActedMeanwhile
from sync.central.errors import AlreadyThere, CentralError, DatabaseUnreachable, FieldRefused
from sync.errors import SyncError

PROBLEM_TYPE = "application/problem+json"

_log = logging.getLogger(__name__)


class NotSignedIn(CentralError, PermissionError):
    """No token, or one that is unknown, expired or revoked."""


_STATUS: tuple[tuple[type[Exception], HTTPStatus], ...] = (
    (NotSignedIn, HTTPStatus.UNAUTHORIZED),
    (NotAllowed, HTTPStatus.FORBIDDEN),
    (AlreadyThere, HTTPStatus.CONFLICT),
    (ActedMeanwhile, HTTPStatus.CONFLICT),
    (DatabaseUnreachable, HTTPStatus.SERVICE_UNAVAILABLE),
    (LookupError, HTTPStatus.NOT_FOUND),
    (ValueError, HTTPStatus.UNPROCESSABLE_ENTITY),
)


def status_of(error: Exception) -> HTTPStatus:
    """The HTTP status of one of our errors."""
    return next(
        (status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR
    )


def problem(status: int, detail: str, *, next_step: str = "", **more: object) -> JSONResponse:
    """One problem document."""
    title = HTTPStatus(status).phrase
    body: dict[str, object] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if next_step:
        body["next_step"] = next_step
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
    return JSONResponse(body | more, status_code=status, headers=headers, media_type=PROBLEM_TYPE)


def install(app: FastAPI) -> None:
    """Let `app` answer every error as a problem."""
    app.exception_handler(SyncError)(_ours)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(DBAPIError)(_database)
    app.exception_handler(Exception)(_unexpected)


def _ours(request: Request, error: SyncError) -> JSONResponse:
    status = status_of(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("%s %s: %s", request.method, request.url.path, error)
    if isinstance(error, FieldRefused):
        fields = [{"field": f"body.{error.field}", "problem": str(error)}]
        return problem(status, str(error), next_step=error.next_step, fields=fields)
    return problem(status, str(error), next_step=error.next_step)


def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    # Without `input`: what was sent may be personal, and answers end in logs of others.
    fields = [
        {"field": ".".join(str(part) for part in one["loc"]), "problem": one["msg"]} for one in error.errors()
    ]
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "the request is not as described",
        next_step="correct the fields named here; /api/v1/openapi.json describes them",
        fields=fields,
    )


def _http(request: Request, error: HTTPException) -> JSONResponse:
    return problem(error.status_code, str(error.detail))


def _database(request: Request, error: DBAPIError) -> JSONResponse:
    # The statement and its parameters stay out of answer and log: they hold names.
    _log.error("%s %s: the database failed: %s", request.method, request.url.path, type(error.orig).__name__)
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "the database does not answer", next_step="try again")


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    _log.error("%s %s failed: %s", request.method, request.url.path, type(error).__name__)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "a fault of the centre; its log says more")
