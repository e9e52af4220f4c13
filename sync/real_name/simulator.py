"""The platform in software: checks every request as the real one does, answers by serial, fails on demand.

In memory only. `Platform` is the logic without a network, `PlatformServer` serves it over HTTP, for tests,
demos and `sitegate central real-name simulate`.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

from sync.people import DocumentType
from sync.real_name.dialect import Dialect
from sync.real_name.records import Row, passage_key
from sync.real_name.signing import AppSecret, SecretUnusable
from sync.resident_number import ResidentNumberInvalid, check_document

_log = logging.getLogger(__name__)

PARAMETER_WRONG, SIGNATURE_WRONG, NO_ACCESS = "-1", "-2", "-3"
TIMESTAMP_WITHIN = timedelta(minutes=10)
BODY_BYTES_MAX = 8 * 1024 * 1024
FIRST_TEAM_NO = 1500001
NAME_MAX = 50


@dataclass(slots=True)
class Faults:
    """What goes wrong next. Numbers count down, one request that adds something each.

    busy        refused: too many requests
    errors      HTTP 500, nothing taken
    lost        taken, and the connection ends without an answer
    silent      taken, and no answer comes until the server stops
    pending     how often a result is still waiting when it is asked for
    refused     document number → reason
    names_rows  a refusal says which rows; else the request fails as a whole with the first reason
    """

    busy: int = 0
    errors: int = 0
    lost: int = 0
    silent: int = 0
    pending: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    names_rows: bool = True


@dataclass(slots=True)
class _Job:
    status: str
    result: str
    pending: int


class _Refused(Exception):
    """`code` and words of a refusal."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _RowRefused(Exception):
    """Why one row is not taken."""


class Platform:
    """Everything of one application. Thread-safe."""

    def __init__(
        self,
        app_id: str,
        secret: AppSecret,
        dialect: Dialect,
        *,
        project_codes: frozenset[str],
        now: Callable[[], datetime],
    ) -> None:
        self.faults = Faults()
        self.teams: dict[tuple[str, str, str], str] = {}
        """Project, enterprise, name → number."""
        self.workers: dict[tuple[str, str], Row] = {}
        """Project, document number → the row as it came, with `teamSysNo`."""
        self.attendance: dict[tuple[str, str, str, str], Row] = {}
        """Project, document number, moment, direction → the row, with `teamSysNo`; in order of arrival."""
        self.calls: list[str] = []
        """The methods of all requests that were in order."""
        self._app_id = app_id
        self._secret = secret
        self._dialect = dialect
        self._projects = project_codes
        self._now = now
        self._nonces: dict[str, datetime] = {}
        self._jobs: dict[str, _Job] = {}
        self._lock = threading.Lock()
        methods = dialect.methods
        self._adding: dict[str, Callable[[Row], _Job]] = {
            methods.team_add: self._add_team,
            methods.worker_add: self._add_workers,
            methods.worker_update: self._update_workers,
            methods.attendance_add: self._add_attendance,
        }
        self._asking: dict[str, Callable[[Row], Row]] = {
            methods.team_query: self._query_teams,
            methods.worker_query: self._query_workers,
            methods.attendance_query: self._query_attendance,
            methods.result: self._query_result,
        }

    def adds(self, parameters: Mapping[str, str]) -> bool:
        """Whether the request changes something, so that a fault concerns it."""
        return parameters.get(self._dialect.parameters.method, "") in self._adding

    def answer(self, parameters: Mapping[str, str]) -> Row:
        """The answer to one request."""
        names = self._dialect.answer
        with self._lock:
            try:
                method, data = self._checked(parameters)
                if method in self._asking:
                    told = self._asking[method](data)
                else:
                    if self.faults.busy:
                        self.faults.busy -= 1
                        raise _Refused(min(self._dialect.codes.busy), "访问超过限制")
                    serial = f"{method.lower().replace('.', '-')}-{len(self._jobs) + 1:06d}"
                    self._jobs[serial] = self._adding[method](data)
                    told = {names.serial: serial}
            except _Refused as refused:
                return {names.code: refused.code, names.message: str(refused), names.data: None}
            except (KeyError, ValueError):  # a field that is missing, or no number where one belongs
                return {names.code: PARAMETER_WRONG, names.message: "请求参数错误", names.data: None}
        return {names.code: min(self._dialect.codes.taken), names.message: "成功", names.data: told}

    # -- the request -----------------------------------------------------------------------------------------

    def _checked(self, parameters: Mapping[str, str]) -> tuple[str, Row]:
        names = self._dialect.parameters
        signed = {name: value for name, value in parameters.items() if name != names.signature}
        signature = parameters.get(names.signature, "")
        if parameters.get(names.app_id) != self._app_id:
            raise _Refused(NO_ACCESS, "无API访问权限")
        if not self._secret.signed_by(signed, signature, secret_name=names.secret):
            raise _Refused(SIGNATURE_WRONG, "签名校验错误")
        self._check_time(parameters.get(names.timestamp, ""), parameters.get(names.nonce, ""))
        method = parameters.get(names.method, "")
        if method not in self._adding and method not in self._asking:
            raise _Refused(PARAMETER_WRONG, f"没有接口 {method}")
        try:
            data = json.loads(parameters.get(names.data, ""))
        except ValueError:
            data = None
        if not isinstance(data, dict):
            raise _Refused(PARAMETER_WRONG, "data 不是 JSON 对象")
        if method != self._dialect.methods.result:
            project = data.get(self._dialect.fields_.team.project_code)
            if project not in self._projects:
                raise _Refused(NO_ACCESS, "没有该项目的权限")
        self.calls.append(method)
        return method, data

    def _check_time(self, timestamp: str, nonce: str) -> None:
        now = self._now()
        try:
            at = datetime.strptime(timestamp, self._dialect.timestamp).replace(tzinfo=self._dialect.zone)
        except ValueError:
            raise _Refused(PARAMETER_WRONG, "timestamp 格式错误") from None
        if abs(now - at) > TIMESTAMP_WITHIN:
            raise _Refused(PARAMETER_WRONG, "timestamp 超出允许误差")
        self._nonces = {one: seen for one, seen in self._nonces.items() if now - seen <= 2 * TIMESTAMP_WITHIN}
        if not nonce or nonce in self._nonces:
            raise _Refused(PARAMETER_WRONG, "nonce 重复使用")
        self._nonces[nonce] = now

    # -- adding ----------------------------------------------------------------------------------------------

    def _add_team(self, data: Row) -> _Job:
        names = self._dialect.fields_.team
        key = (
            data[names.project_code],
            str(data.get(names.corp_code, "")),
            str(data.get(names.team_name, "")),
        )
        if not all(key):
            return self._failed("班组名称和企业代码必填")
        if key in self.teams:
            return self._failed("班组名称重复")
        self.teams[key] = str(FIRST_TEAM_NO + len(self.teams))
        return self._done(json.dumps({names.team_no: self.teams[key]}))

    def _add_workers(self, data: Row) -> _Job:
        return self._rows(data, self._dialect.fields_.workers.rows, self._take_worker)

    def _update_workers(self, data: Row) -> _Job:
        def take(outer: Row, row: Row) -> None:
            self._take_worker(outer, row, is_update=True)

        return self._rows(data, self._dialect.fields_.workers.rows, take)

    def _add_attendance(self, data: Row) -> _Job:
        return self._rows(data, self._dialect.fields_.attendances.rows, self._take_passage)

    def _rows(self, data: Row, rows_name: str, take: Callable[[Row, Row], None]) -> _Job:
        rows = data.get(rows_name)
        if not isinstance(rows, list) or not rows:
            raise _Refused(PARAMETER_WRONG, f"{rows_name} 为空")
        if len(rows) > self._dialect.protocol.rows_max:
            raise _Refused(PARAMETER_WRONG, f"{rows_name} 长度不超过 {self._dialect.protocol.rows_max}")
        team_no = str(data.get(self._dialect.fields_.team.team_no, ""))
        if team_no not in self.teams.values():
            return self._failed("班组不存在")
        before = dict(self.workers), dict(self.attendance)
        refused: list[Row] = []
        names = self._dialect.answer
        for number, row in enumerate(rows, start=1):
            try:
                take(data, row)
            except _RowRefused as reason:
                refused.append({names.row_number: number, names.row_message: str(reason)})
        if not refused:
            return self._done("")
        if self.faults.names_rows:
            return self._failed(json.dumps(refused, ensure_ascii=False))
        self.workers, self.attendance = before
        return self._failed(str(refused[0][names.row_message]))

    def _take_worker(self, outer: Row, row: Row, *, is_update: bool = False) -> None:
        names = self._dialect.fields_
        number = self._document(row, names.worker.document_type, names.worker.document_number)
        name = str(row.get(names.worker.name, ""))
        if not name or len(name) > NAME_MAX:
            raise _RowRefused("工人姓名必填")
        missing = [one for one in self._dialect.worker_always if one not in row]
        if missing:
            raise _RowRefused(f"{missing[0]} 必填")
        if len(str(row.get(names.worker.photo, ""))) > self._dialect.protocol.photo_bytes_max:
            raise _RowRefused("照片超过 50KB")
        key = (outer[names.workers.project_code], number)
        if not is_update and key in self.workers:
            raise _RowRefused("工人已存在")
        if is_update and key not in self.workers:
            raise _RowRefused("工人不存在")
        self.workers[key] = {**row, names.workers.team_no: str(outer[names.workers.team_no])}

    def _take_passage(self, outer: Row, row: Row) -> None:
        names = self._dialect.fields_
        number = self._document(row, names.attendance.document_type, names.attendance.document_number)
        project = outer[names.attendances.project_code]
        if (project, number) not in self.workers:
            raise _RowRefused("工人不存在")
        team_no = str(outer[names.attendances.team_no])
        if self.workers[project, number][names.workers.team_no] != team_no:
            raise _RowRefused("工人不在该班组")
        if row.get(names.attendance.direction) not in self._dialect.directions.values():
            raise _RowRefused("刷卡进出方向错误")
        try:
            text = str(row.get(names.attendance.moment, ""))
            at = datetime.strptime(text, self._dialect.moment).replace(tzinfo=self._dialect.zone)
        except ValueError:
            raise _RowRefused("刷卡时间格式错误") from None
        if at > self._now() + TIMESTAMP_WITHIN:
            raise _RowRefused("刷卡时间晚于当前时间")
        key = (project, *passage_key(row, self._dialect, self._secret))
        if key in self.attendance:
            raise _RowRefused("考勤记录重复")
        self.attendance[key] = {**row, names.attendances.team_no: team_no}

    def _document(self, row: Row, type_name: str, number_name: str) -> str:
        """The number in the clear, which must be one of its kind."""
        kinds = {code: kind for kind, code in self._dialect.document_types.items()}
        kind = kinds.get(str(row.get(type_name, "")))
        if kind is None:
            raise _RowRefused("证件类型错误")
        try:
            number = self._secret.decrypt(str(row.get(number_name, "")))
        except SecretUnusable:
            raise _RowRefused("证件号码解密失败") from None
        if kind is DocumentType.RESIDENT_ID:
            try:
                check_document(kind, number, self._now().date())
            except ResidentNumberInvalid:
                raise _RowRefused("身份证号码错误") from None
        if number in self.faults.refused:
            raise _RowRefused(self.faults.refused[number])
        return number

    # -- asking ----------------------------------------------------------------------------------------------

    def _query_result(self, data: Row) -> Row:
        names = self._dialect.answer
        job = self._jobs.get(str(data.get(names.serial, "")))
        if job is None:
            raise _Refused(PARAMETER_WRONG, "请求序列编码不存在")
        if job.pending:
            job.pending -= 1
            return {names.status: min(self._dialect.statuses.waiting), names.result: ""}
        return {names.status: job.status, names.result: job.result}

    def _query_teams(self, data: Row) -> Row:
        names = self._dialect.fields_.team
        rows = [
            {names.corp_code: corp, names.team_name: name, names.team_no: number}
            for (project, corp, name), number in self.teams.items()
            if project == data[names.project_code] and data.get(names.team_name, name) == name
        ]
        return self._page(rows, data)

    def _query_workers(self, data: Row) -> Row:
        names = self._dialect.fields_
        number = self._secret.decrypt(str(data[names.worker.document_number]))
        row = self.workers.get((data[names.workers.project_code], number))
        return self._page([] if row is None else [row], data)

    def _query_attendance(self, data: Row) -> Row:
        names = self._dialect.fields_
        day, team_no = data.get(names.attendance.moment), data.get(names.attendances.team_no)
        rows = [
            row
            for (project, _, moment, _), row in self.attendance.items()
            if project == data[names.attendances.project_code]
            and row[names.attendances.team_no] == str(team_no)
            and moment.startswith(str(day))
        ]
        return self._page(rows, data)

    def _page(self, rows: list[Row], data: Row) -> Row:
        page, names = self._dialect.fields_.page, self._dialect.answer
        size = int(data.get(page.page_rows, self._dialect.protocol.page_rows))
        start = int(data.get(page.page_index, 0)) * size
        return {names.rows: rows[start : start + size], names.total: len(rows)}

    def _done(self, result: str) -> _Job:
        return _Job(min(self._dialect.statuses.done), result, self.faults.pending)

    def _failed(self, result: str) -> _Job:
        return _Job(min(self._dialect.statuses.failed), result, self.faults.pending)


class PlatformServer:
    """The platform on a port of this machine; 0 takes a free one."""

    def __init__(self, platform: Platform, host: str = "127.0.0.1", port: int = 0) -> None:
        self._stopping = threading.Event()
        self._server = ThreadingHTTPServer((host, port), _handler(platform, self._stopping))
        self._server.daemon_threads = True
        self.url = f"http://{host}:{self._server.server_address[1]}/open.api"
        self._thread = threading.Thread(target=self._server.serve_forever, name="platform", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _handler(platform: Platform, stopping: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            if length > BODY_BYTES_MAX:
                self.send_error(413)
                return
            parameters = dict(parse_qsl(self.rfile.read(length).decode(), keep_blank_values=True))
            faults, adds = platform.faults, platform.adds(parameters)
            if adds and faults.errors:
                faults.errors -= 1
                self.send_error(500)
                return
            answer = platform.answer(parameters)
            if adds and faults.lost:
                faults.lost -= 1
                self.close_connection = True
                return
            if adds and faults.silent:
                faults.silent -= 1
                stopping.wait()
                return
            self._send(answer)

        def _send(self, answer: Mapping[str, Any]) -> None:
            body = json.dumps(answer, ensure_ascii=False).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            _log.debug(format, *args)

    return Handler
