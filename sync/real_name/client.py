"""Asking the platform over HTTP: signed requests out, answers in. One thread at a time."""

from __future__ import annotations

import functools
import json
import secrets
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import httpx

from sync.addresses import is_loopback
from sync.real_name.dialect import Dialect
from sync.real_name.errors import (
    AccessRefused,
    AnswerLost,
    NotSent,
    PlatformBusy,
    RealNameError,
    RequestRefused,
)
from sync.real_name.records import (
    Attendance,
    RealNameWorker,
    Row,
    Team,
    attendance_data,
    passage_key,
    team_data,
    workers_data,
)
from sync.real_name.signing import AppSecret, SecretUnusable

TIMEOUT_S = 20.0
NONCE_BYTES = 16
PAGES_MAX = 500
MESSAGE_MAX = 300


class UrlRefused(RealNameError, ValueError):
    """Not an address that requests may be sent to."""


@dataclass(frozen=True, slots=True)
class Result:
    """How far the platform is with a request.

    refused  row, counted from 0, → why; empty where it does not say which rows
    """

    state: Literal["waiting", "done", "failed"]
    message: str = ""
    refused: Mapping[int, str] | None = None
    team_no: str = ""


def check_url(url: str, *, allow_plain: bool) -> str:
    """The address, if it is one and keeps what it carries to itself. Raises UrlRefused."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise UrlRefused(
            "the platform's address is http(s)://host/path", next_step="copy it from the platform"
        )
    if parts.scheme == "http" and not allow_plain and not is_loopback(parts.hostname):
        raise UrlRefused(
            "names and times would cross the network in the clear",
            next_step="use https://, or say --allow-plain where the platform has nothing else",
        )
    return url


class PlatformClient:
    """One application at one platform."""

    def __init__(
        self,
        url: str,
        app_id: str,
        secret: AppSecret,
        dialect: Dialect,
        *,
        now: Callable[[], datetime],
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._url = url
        self._app_id = app_id
        self._secret = secret
        self._dialect = dialect
        self._now = now
        self._http = httpx.Client(timeout=timeout_s, verify=_certificates())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    # -- what is sent: each returns the serial under which the result is asked for -------------------------

    def add_team(self, team: Team) -> str:
        """Raises NotSent, AnswerLost, RequestRefused, PlatformBusy, as all of these do."""
        return self._add(self._dialect.methods.team_add, team_data(team, self._dialect))

    def add_workers(self, team: Team, workers: list[RealNameWorker], *, are_known: bool = False) -> str:
        """`are_known`: the platform has them, and something about them changed."""
        methods = self._dialect.methods
        data = workers_data(team, workers, self._dialect, self._secret)
        return self._add(methods.worker_update if are_known else methods.worker_add, data)

    def add_attendance(self, team: Team, passages: list[Attendance]) -> str:
        data = attendance_data(team, passages, self._dialect, self._secret)
        return self._add(self._dialect.methods.attendance_add, data)

    # -- what is asked ---------------------------------------------------------------------------------------

    def result(self, serial: str) -> Result:
        """What became of a request."""
        names, statuses = self._dialect.answer, self._dialect.statuses
        data = _mapping(self._call(self._dialect.methods.result, {names.serial: serial}))
        status = str(data.get(names.status, ""))
        told = _unpacked(data.get(names.result))
        if status in statuses.done:
            number = told.get(self._dialect.fields_.team.team_no, "") if isinstance(told, dict) else ""
            return Result("done", team_no=str(number))
        if status in statuses.failed:
            return Result("failed", _message(told), self._refused_rows(told))
        return Result("waiting")

    def team_number(self, team: Team) -> str:
        """The platform's number of a team; "" where it has none by that name."""
        names = self._dialect.fields_.team
        data = team_data(team, self._dialect)
        for row in self._pages(self._dialect.methods.team_query, data):
            same = str(row.get(names.corp_code, team.corp_code)) == team.corp_code
            if same and row.get(names.team_name) == team.team_name:
                return str(row.get(names.team_no, ""))
        return ""

    def has_worker(self, team: Team, worker: RealNameWorker) -> bool:
        """Whether the project has the worker."""
        names = self._dialect.fields_
        data = {
            names.workers.project_code: team.project_code,
            names.worker.document_type: self._dialect.document_types[worker.document_type],
            names.worker.document_number: self._secret.encrypt(worker.document_number),
        }
        return next(self._pages(self._dialect.methods.worker_query, data), None) is not None

    def passages(self, team: Team, day: date) -> set[tuple[str, str, str]]:
        """What the platform has of a team's day: see `passage_key`."""
        names = self._dialect.fields_
        data = {
            names.attendances.project_code: team.project_code,
            names.attendances.team_no: team.team_no,
            names.attendance.moment: day.strftime(self._dialect.day),
        }
        found = set()
        for row in self._pages(self._dialect.methods.attendance_query, data):
            try:
                found.add(passage_key(row, self._dialect, self._secret))
            except (KeyError, SecretUnusable) as error:
                raise AnswerLost(
                    "the platform's list of passages cannot be read",
                    next_step="see the dialect's field names",
                ) from error
        return found

    # -- inside ----------------------------------------------------------------------------------------------

    def _add(self, method: str, data: Row) -> str:
        serial = _mapping(self._call(method, data)).get(self._dialect.answer.serial)
        if not serial:
            raise AnswerLost(
                f"{method} was answered without a serial", next_step="compare the dialect's names"
            )
        return str(serial)

    def _pages(self, method: str, data: Row) -> Iterator[Row]:
        page, answer = self._dialect.fields_.page, self._dialect.answer
        seen = 0
        for number in range(PAGES_MAX):
            asked = {page.page_index: number, page.page_rows: self._dialect.protocol.page_rows, **data}
            told = _mapping(self._call(method, asked))
            rows, total = told.get(answer.rows) or [], str(told.get(answer.total) or 0)
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise AnswerLost(f"{method} answered no rows", next_step="compare the dialect's names")
            yield from rows
            seen += len(rows)
            if not rows or not total.isdecimal() or seen >= int(total):
                return

    def _refused_rows(self, told: object) -> dict[int, str]:
        names = self._dialect.answer
        rows = told if isinstance(told, list) else []
        found = {}
        for row in rows:
            number = row.get(names.row_number) if isinstance(row, dict) else None
            if isinstance(number, int) and number >= 1:
                found[number - 1] = str(row.get(names.row_message, ""))[:MESSAGE_MAX]
        return found

    def _call(self, method: str, data: Row) -> object:
        names, dialect = self._dialect.parameters, self._dialect
        parameters = {
            names.method: method,
            names.version: dialect.protocol.version,
            names.app_id: self._app_id,
            names.format: dialect.protocol.format,
            names.timestamp: self._now().astimezone(dialect.zone).strftime(dialect.timestamp),
            names.nonce: secrets.token_hex(NONCE_BYTES),
            names.data: json.dumps(data, ensure_ascii=False, separators=(",", ":")),
        }
        signature = self._secret.sign(parameters, secret_name=names.secret)
        try:
            response = self._http.post(self._url, data={**parameters, names.signature: signature})
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            raise NotSent(
                "the real-name platform is not reached", next_step="check network and address"
            ) from error
        except httpx.HTTPError as error:
            raise AnswerLost(
                f"the real-name platform gave no answer to {method}: {type(error).__name__}",
                next_step="what became of the request is asked for",
            ) from error
        return self._read(method, response)

    def _read(self, method: str, response: httpx.Response) -> object:
        names, codes = self._dialect.answer, self._dialect.codes
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise PlatformBusy(str(response.status_code), "too many requests")
        try:
            answer = response.json() if response.is_success else None
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or names.code not in answer:
            raise AnswerLost(
                f"the real-name platform answered {method} with HTTP {response.status_code}, nothing usable",
                next_step="what became of the request is asked for",
            )
        code = str(answer[names.code])
        if code in codes.taken:
            return answer.get(names.data)
        message = str(answer.get(names.message, ""))[:MESSAGE_MAX]
        if code in codes.busy:
            raise PlatformBusy(code, message)
        if code in codes.access:
            raise AccessRefused(code, message, next_step="compare application id, secret and project code")
        raise RequestRefused(code, message)


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Read once: a client is made for every look."""
    return ssl.create_default_context()


def _mapping(told: object) -> dict[str, Any]:
    return told if isinstance(told, dict) else {}


def _unpacked(told: object) -> object:
    """`result` is text; where it holds JSON, what it says."""
    if isinstance(told, str) and told.lstrip().startswith(("{", "[")):
        try:
            return json.loads(told)
        except ValueError:
            return told
    return told


def _message(told: object) -> str:
    if isinstance(told, list):
        return ""
    return ("" if told is None else str(told))[:MESSAGE_MAX]
