"""Clearances and passes over the API: as at the console, its rights, scope and lines; bad fields named."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any

import pytest

from sync.central import audit, pass_corrections
from sync.central.accounts_access import Role, Viewer
from sync.central.front_office import FrontOffice
from sync.health_pass import PassColour, PassStatus
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import ADMIN, MANAGER_A, MANAGER_B, NOW, SUPERVISOR_A, A, B
from tests.sync.central.test_api import ADDRESS, Caller

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

ON_ONE = pytest.mark.parametrize("office", ["sqlite"], indirect=True)
ORDER = {"site_id": A, "kind": "test", "due_on": "2026-03-03", "reason": "示例"}
RESULT = {
    "site_id": A,
    "worker_id": "A-001",
    "kind": "test",
    "result": "negative",
    "done_at": "2026-03-02T10:00:00+08:00",
}
COLOURS = "/workers/A-002/pass/colours"


def lines_of(office: FrontOffice, worker_id: str) -> list[audit.AuditLine]:
    admin = Viewer("look", "", Role.ADMIN, None)
    return audit.lines(office.database, admin, now=NOW, subject=f"worker:{worker_id}")


def test_a_zero_is_refused_wherever_it_stands(office: FrontOffice) -> None:
    manager = Caller(office, MANAGER_A)
    manager.get("/workers/A%00/clearances", 422)
    manager.get("/tests/orders", 422, site_id="\0")
    manager.post("/tests/orders", 422, **ORDER, worker_ids=["A-001", "A\0"])
    manager.post("/clearances/search", 422, site_id="\0")


def test_a_test_is_ordered_done_and_taken_back(office: FrontOffice) -> None:
    manager = Caller(office, MANAGER_A)
    made = manager.post("/tests/orders", 201, **ORDER, worker_ids=["A-001", "A-004"])
    assert (made["people"], made["already"]) == (2, 0)
    result = manager.post("/tests/results", 201, **RESULT, done_by="示例医院")["id"]
    found = manager.post("/clearances/search", site_id=A, kind="test", show="due")
    assert [(one["worker_id"], one["is_done"], one["order"]["order_id"]) for one in found["lines"]] == [
        ("A-001", True, made["order_id"]),
        ("A-004", False, made["order_id"]),
    ]
    assert (found["total"], found["counts"][0]["due"], found["counts"][0]["done"]) == (2, 2, 1)
    one = manager.get("/workers/A-001/clearances")
    assert {(line["kind"], line["state"]) for line in one} == {("test", "holds"), ("training", "missing")}
    (row,) = manager.get("/tests/orders", site_id=A)
    assert (row["order_id"], row["people"], row["done"]) == (made["order_id"], 2, 1)
    (kept,) = manager.get("/tests/results", site_id=A)
    assert (kept["result_id"], kept["done_by"], kept["entered_by"]) == (result, "示例医院", MANAGER_A)
    manager.post("/tests/results", 409, **RESULT)
    file = manager.ask("POST", "/clearances/export", json={"site_id": A, "kind": "test", "show": "due"})
    assert [row["工号 Worker"] for row in csv.DictReader(StringIO(file.content.decode("utf-8-sig")))] == [
        "A-001",
        "A-004",
    ]
    manager.post(f"/tests/results/{result}/removal", 204, reason="录入错误")
    assert manager.post(f"/tests/orders/{made['order_id']}/cancellation") == {"people": 2, "done": 0}
    assert manager.post("/clearances/search", site_id=A, kind="test", show="due")["lines"] == []
    told = lines_of(office, "A-001")
    assert [line.action for line in told] == ["dropped_result", "looked_at_clearances", "entered_result"]
    assert (told[0].detail["via"], told[0].detail["address"]) == ("api", ADDRESS)


def test_a_pass_is_set_cleared_corrected_and_taken_back(office: FrontOffice) -> None:
    admin, manager = Caller(office, ADMIN), Caller(office, MANAGER_A)
    red = admin.post(COLOURS, 201, colour="red", reason="示例")["id"]
    assert [one["worker_id"] for one in manager.post("/passes/search", colour="red")] == ["A-002"]
    assert manager.get("/passes/numbers", site_id=A)["colours"] == {"green": 0, "yellow": 0, "red": 1}
    word = admin.post("/workers/A-002/pass/clearings", 201, reason="示例医嘱")["id"]
    assert manager.get("/workers/A-002/pass")["status"]["colour"] is None
    entries = f"/workers/A-002/pass/entries/{word}"
    admin.post(f"{entries}/removal", 204, reason="示例误")
    assert manager.get("/workers/A-002/pass")["status"]["colour"] == "red"
    admin.post(f"{entries}/return", 204, reason="示例")
    with office.database.write() as connection:
        status = PassStatus(PassColour.RED, "by_hand_red")
        asked = pass_corrections.ask(connection, "A-002", "没有去过", status, now=NOW)
    (request,) = manager.post("/passes/corrections/search")
    assert request["correction"]["correction_id"] == asked
    path = f"/workers/A-002/pass/corrections/{asked}/answer"
    admin.post(path, 422, answer="", reason="示例")
    admin.post(path.replace("A-002", "A-001"), 404, answer="changed", reason="示例")
    admin.post(path, 204, answer="changed", reason="示例核实")
    admin.post(path, 422, answer="stays", reason="示例")
    (old,) = manager.post("/passes/corrections/search", all_of_them=True)
    assert old["correction"]["answered_by"] == ADMIN
    admin.post(f"/workers/A-002/pass/entries/{red}/removal", 204, reason="示例误")
    assert manager.get("/passes/copies") == []
    requests = manager.ask("POST", "/passes/corrections/export", json={"all_of_them": True})
    people = manager.ask("POST", "/passes/export", json={"text": "A-00"})
    assert "没有去过" in requests.content.decode() and "A-002" in people.content.decode()
    actions = {line.action for line in lines_of(office, "A-002")}
    assert {"set_colour", "cleared_colour", "took_back_colour", "put_back_colour"} <= actions
    assert {"answered_correction", "looked_at_colour"} <= actions


@ON_ONE
def test_rights_and_sites_bound_both_as_at_the_console(office: FrontOffice) -> None:
    supervisor, manager, other = (Caller(office, one) for one in (SUPERVISOR_A, MANAGER_A, MANAGER_B))
    assert supervisor.post("/clearances/search", site_id=A)["total"] > 0
    supervisor.post("/tests/orders", 403, **ORDER, whole_site=True)
    supervisor.post("/tests/results", 403, **RESULT)
    supervisor.get("/tests/results", 403, site_id=A)
    manager.post(COLOURS, 403, colour="red", reason="示例")
    manager.post("/workers/A-002/pass/clearings", 403, reason="示例")
    order = manager.post("/tests/orders", 201, **ORDER, team="木工二班")["order_id"]
    result = manager.post("/tests/results", 201, **RESULT)["id"]
    other.post("/clearances/search", 404, site_id=A)
    other.get("/workers/A-001/clearances", 404)
    other.get("/workers/A-001/pass", 404)
    other.post("/tests/orders", 404, **ORDER, whole_site=True)
    other.post("/tests/results", 404, **RESULT)
    other.post("/tests/results", 404, **RESULT | {"site_id": B})
    other.get("/tests/results", 404, site_id=A)
    other.post(f"/tests/orders/{order}/cancellation", 404)
    other.post(f"/tests/results/{result}/removal", 404, reason="示例")
    assert other.get("/tests/orders", site_id=A) == other.post("/passes/search", site_id=A) == []


BAD: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("/tests/orders", ORDER | {"kind": "training", "whole_site": True}, "body.kind"),
    ("/tests/orders", ORDER | {"due_on": "2026-03-01", "whole_site": True}, "body.due_on"),
    ("/tests/orders", ORDER | {"due_on": "soon", "whole_site": True}, "body.due_on"),
    ("/tests/orders", ORDER | {"reason": " ", "whole_site": True}, "body.reason"),
    ("/tests/orders", ORDER | {"at_gate": "never", "whole_site": True}, "body.at_gate"),
    ("/tests/orders", ORDER, "body"),  # nobody, and not said that everybody is meant
    ("/tests/orders", ORDER | {"worker_ids": ["A-001"], "whole_site": True}, "body"),
    ("/tests/results", RESULT | {"kind": "x-ray"}, "body.kind"),
    ("/tests/results", RESULT | {"result": "maybe"}, "body.result"),
    ("/tests/results", RESULT | {"done_at": "2027-01-01T00:00:00Z"}, "body.done_at"),
    ("/tests/results", RESULT | {"done_at": "0001-01-01T00:00:00+08:00"}, "body.done_at"),
    ("/tests/results", RESULT | {"done_at": "2026-03-02T10:00:00"}, "body.done_at"),
    ("/tests/results", RESULT | {"valid_until": "2026-03-02T09:00:00+08:00"}, "body.valid_until"),
    ("/tests/results", RESULT | {"done_by": "\0"}, "body.done_by"),
    ("/clearances/search", {"kind": "x-ray"}, "body.kind"),
    ("/clearances/search", {"days": 1e9}, "body.days"),
    ("/clearances/search", {"show": "some"}, "body.show"),
    ("/passes/search", {"colour": "blue"}, "body.colour"),
    (COLOURS, {"colour": "red", "days": 0, "reason": "示例"}, "body.days"),
    (COLOURS, {"colour": "red", "reason": " "}, "body.reason"),
)


@ON_ONE
def test_a_bad_field_is_named(office: FrontOffice) -> None:
    admin = Caller(office, ADMIN)
    for path, body, field in BAD:
        problem = admin.post(path, 422, **body)
        assert [one["field"] for one in problem["fields"]] == [field], body
        assert problem["fields"][0]["problem"]
