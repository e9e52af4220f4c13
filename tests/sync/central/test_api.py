"""The HTTP API: tokens, scope, problems, files."""

from __future__ import annotations

import asyncio
import csv
from io import BytesIO, StringIO
from typing import Any

import httpx
import openpyxl
import pytest

from sync.central.api import api_app
from sync.central.front_office import FrontOffice
from sync.records import FlagLevel
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import ADMIN, MANAGER_A, MANAGER_B, SUPERVISOR_A, A, B

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

ADDRESS = "192.0.2.5"
REASON = "门口停电，班长证明"


class Caller:
    """The API as one user sees it."""

    def __init__(self, office: FrontOffice, user_id: str = "") -> None:
        token = office.accounts.issue_token(user_id, purpose="test").secret if user_id else ""
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._app = api_app(office)

    def ask(self, way: str, path: str, **more: Any) -> httpx.Response:
        """One request, answered by the application itself."""

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False, client=(ADDRESS, 1))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://centre", headers=self._headers
            ) as client:
                return await client.request(way, path, **more)

        return asyncio.run(asked())

    def get(self, path: str, status: int = 200, **query: Any) -> Any:
        return self._read(self.ask("GET", path, params=query), status)

    def post(self, path: str, status: int = 200, **body: Any) -> Any:
        return self._read(self.ask("POST", path, json=body), status)

    def put(self, path: str, status: int = 204, **body: Any) -> Any:
        return self._read(self.ask("PUT", path, json=body), status)

    def _read(self, answer: Any, status: int) -> Any:
        assert answer.status_code == status, answer.text
        assert answer.headers["cache-control"] == "no-store"
        if status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == status
        return answer.json() if answer.content else None


@pytest.fixture
def manager(office: FrontOffice) -> Caller:
    return Caller(office, MANAGER_A)


def paths(office: FrontOffice) -> dict[str, Any]:
    described: dict[str, Any] = api_app(office).openapi()["paths"]
    return described


def test_without_a_valid_token_nothing_is_answered(office: FrontOffice) -> None:
    stranger = Caller(office)
    for path, ways in paths(office).items():
        for way in ways:
            answer = stranger.ask(way.upper(), path.replace("{", "").replace("}", ""), json={})
            assert answer.status_code == 401, (way, path)
            assert answer.headers["www-authenticate"] == "Bearer"
    answer = stranger.ask("GET", "/sites", headers={"Authorization": "Bearer sgc_made-up"})
    assert answer.status_code == 401
    assert "made-up" not in answer.text


def test_every_road_is_described(office: FrontOffice) -> None:
    for ways in paths(office).values():
        for way in ways.values():
            assert way["description"]
            assert way["security"]


def test_a_manager_reads_the_log_page_by_page(manager: Caller) -> None:
    first = manager.post("/events/search", rows=6)
    second = manager.post("/events/search", rows=6, cursor=first["next_cursor"])
    assert len(first["rows"] + second["rows"]) == 10
    assert second["next_cursor"] == ""
    assert manager.post("/events/count") == {"count": 10, "is_exact": True}
    assert manager.post("/events/search", worker="DROP TABLE")["rows"][0]["worker_id"] == "A-005"
    facts = manager.get(f"/events/{A}-gate-1-8")
    assert facts["record"]["reasons"] == ["flag_hold", "clearance_ends_soon", "tailgating"]


def test_another_sites_data_is_not_there(manager: Caller, office: FrontOffice) -> None:
    assert [site["site_id"] for site in manager.get("/sites")] == [A]
    assert {gate["site_id"] for gate in manager.get("/gates")} == {A}
    assert manager.get("/gates", site_id=B) == []
    assert manager.post("/events/search", site_id=B)["rows"] == []
    assert manager.post("/events/count", site_id=B)["count"] == 0
    assert manager.post("/workers/search", site_id=B)["rows"] == []
    assert manager.get("/presence", site_id=B)["total"] == 0
    foreign = manager.get(f"/events/{B}-gate-1-1", 404)
    missing = manager.get("/events/nowhere", 404)
    assert foreign["detail"].replace(f"{B}-gate-1-1", "nowhere") == missing["detail"]
    span = {"first": "2026-03-01", "last": "2026-03-31"}
    manager.get(f"/attendance/{B}", 404, **span)
    manager.get(f"/attendance/{B}/export", 404, **span)
    manager.get("/workers/B-001", 404)
    manager.post("/workers/B-001/flags", 404, level="block", reason=REASON)
    manager.post("/attendance/corrections/cancellations", 404, event_id=f"{B}-gate-1-1", reason=REASON)
    manager.put("/workers/N-1", 404, name="样", site_ids=[B])
    assert Caller(office, MANAGER_B).get("/workers/B-001")["worker"]["name"] == "样六顺"


def test_roles_bound_what_may_be_written(office: FrontOffice, manager: Caller) -> None:
    supervisor, admin = Caller(office, SUPERVISOR_A), Caller(office, ADMIN)
    supervisor.put("/workers/N-1", 403, name="样八", site_ids=[A])
    supervisor.post("/attendance/corrections/cancellations", 403, event_id=f"{A}-gate-1-3", reason=REASON)
    manager.get("/audit", 403)
    flag = supervisor.post("/workers/A-001/flags", 201, level="block", reason=REASON)
    supervisor.post(f"/workers/A-001/flags/{flag['flag_id']}/removal", 204, reason="核对完成")
    manager.put("/workers/N-1", name="样八", site_ids=[A], team="木工二班")
    assert manager.get("/workers/N-1")["worker"]["team"] == "木工二班"
    actions = {line["action"] for line in admin.get("/audit")}
    assert {"flagged_worker", "unflagged_worker", "wrote_worker", "looked_at_worker"} <= actions
    (line, *_) = (one for one in admin.get("/audit", actor=SUPERVISOR_A) if one["action"] == "flagged_worker")
    assert line["detail"]["via"] == "api"
    assert line["detail"]["address"] == ADDRESS


def test_attendance_is_corrected_beside_the_records(manager: Caller) -> None:
    span = {"first": "2026-03-01", "last": "2026-03-31"}
    made = manager.post(
        "/attendance/corrections/passages",
        201,
        site_id=A,
        worker_id="A-002",
        at="2026-03-01T17:10:00+08:00",
        direction="out",
        reason=REASON,
    )
    by_worker = {one["worker_id"]: one for one in manager.get(f"/attendance/{A}", **span)}
    assert by_worker["A-002"]["worked_s"] == 10 * 3600
    assert by_worker["A-002"]["days"][0]["is_corrected"]
    assert manager.ask("DELETE", f"/attendance/corrections/{made['id']}").status_code == 204
    by_worker = {one["worker_id"]: one for one in manager.get(f"/attendance/{A}", **span)}
    assert by_worker["A-002"]["days"][0]["issues"] == ["missing_out"]


@pytest.mark.parametrize(
    "body",
    [
        {"since": "2026-03-01T00:00:00"},
        {"outcome": "maybe"},
        {"wroker": "A-001"},
        {"rows": 100_000},
        {"worker": "x" * 1000},
        {"worker": "\u0000"},
        {"cursor": "made up"},
    ],
)
def test_a_request_that_is_not_as_described_is_told_without_repeating_it(
    manager: Caller, body: dict[str, Any]
) -> None:
    problem = manager.post("/events/search", 422, **body)
    assert not any(str(value) in str(problem) for value in body.values() if len(str(value)) > 3)


def test_an_export_is_as_filtered_and_runs_no_formula(manager: Caller) -> None:
    query = {"team": "木工二班"}
    answer = manager.ask("POST", "/events/export", json=query)
    assert answer.headers["content-disposition"] == 'attachment; filename="events.csv"'
    rows = list(csv.DictReader(StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert len(rows) == 3
    assert rows[0]["姓名 Name"].startswith("'=HYPERLINK")
    assert rows[0]["时间 Time"] == "2026-03-02 12:00:00"
    answer = manager.ask("POST", "/events/export", json=query | {"format": "xlsx"})
    sheet = openpyxl.load_workbook(BytesIO(answer.content)).worksheets[0]
    assert sheet.max_row == 4
    assert sheet["J2"].data_type == "s"
    assert sheet["J2"].value.startswith("=HYPERLINK")


def test_attendance_leaves_as_a_file(manager: Caller) -> None:
    query = {"first": "2026-03-01", "last": "2026-03-31", "format": "csv"}
    answer = manager.ask("GET", f"/attendance/{A}/export", params=query)
    rows = list(csv.DictReader(StringIO(answer.content.decode("utf-8-sig"), newline="")))
    first = rows[0]
    assert (first["工号 Worker"], first["小时 Hours"]) == ("A-001", "10.5")
    assert first["进场 In"] == "2026-03-01 07:00:00"
    open_end = next(row for row in rows if row["工号 Worker"] == "A-002")
    assert (open_end["出场 Out"], open_end["问题 Issues"]) == ("", "missing_out")


def test_a_flag_level_that_does_not_exist_is_refused(manager: Caller) -> None:
    problem = manager.post("/workers/A-001/flags", 422, level="jail", reason=REASON)
    assert problem["next_step"].endswith("/api/v1/openapi.json describes them")
    assert problem["fields"][0]["field"] == "body.level"
    assert all(level.value in problem["fields"][0]["problem"] for level in FlagLevel)
