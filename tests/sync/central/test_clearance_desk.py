"""Lists of what is due and done at the console: scope, rights, counts, orders with undo, results, exports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from sync.central import audit, registry
from sync.central.accounts_access import NotAllowed, NotFound, Role, Viewer
from sync.central.audit import Action
from sync.central.clearance_desk import ClearanceDesk, Show, Wanted
from sync.central.clearance_forms import result_typed
from sync.central.clearance_state import DueCount, counted, lines
from sync.central.errors import SettingRefused
from sync.central.exports_clearances import clearance_pieces
from sync.central.front_office import FrontOffice
from sync.central.people_desk import VaultMissing
from sync.central.tests_due import AtGate, NewResult
from sync.clearance_rules import State, shipped_rules
from sync.records import Clearance
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import NOW, SHANGHAI, A, B, Clock, at
from tests.sync.central.lodging_samples import MANAGER, SUPERVISOR, TODAY, VAULT

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

ADMIN = Viewer("admin", "", Role.ADMIN, None)
CHECKER = Viewer("checker", "", Role.CHECKER, frozenset({A}))
ON_ONE = pytest.mark.parametrize("office", ["sqlite"], indirect=True)


def desk_of(office: FrontOffice, told: list[Mapping[str, int]] | None = None) -> ClearanceDesk:
    heard = told if told is not None else []
    return ClearanceDesk(office.database, now=office.now, vault=VAULT, on_roster_change=heard.append)


def due_counts(connection: Connection, viewer: Viewer, day: date) -> list[DueCount]:
    return counted(lines(connection, viewer, shipped_rules(), day))


def trained(office: FrontOffice, worker_id: str, days: float) -> None:
    with office.database.write() as connection:
        worker = registry.worker(connection, worker_id)
        held = Clearance(kind="training", valid_until=NOW + timedelta(days=days))
        registry.put_worker(connection, worker.model_copy(update={"clearances": (held,)}), now=NOW)


def order(desk: ClearanceDesk, *worker_ids: str, viewer: Viewer = MANAGER, **more: object) -> str:
    terms = {"site_id": A, "kind": "test", "due_on": TODAY, "why": "示例", **more}
    return desk.order(viewer, worker_ids=worker_ids, **terms).batch_id  # type: ignore[arg-type]


def listed(desk: ClearanceDesk, wanted: Wanted, viewer: Viewer = MANAGER) -> list[tuple[str, str]]:
    return [(one.worker_id, one.standing.kind) for one in desk.page(viewer, wanted).lines]


def test_due_and_not_done_is_counted_and_listed_within_the_viewers_sites(office: FrontOffice) -> None:
    desk = desk_of(office)
    trained(office, "A-001", 100)
    trained(office, "A-002", 3)
    trained(office, "A-003", -3)
    order(desk, "A-001", "A-004")
    desk.enter(MANAGER, A, NewResult("A-001", "test", "negative", at("03-02 10:00")))
    page = desk.page(MANAGER, Wanted(A))
    assert page.counts == (DueCount(A, "test", 2, 1), DueCount(A, "training", 5, 2, ends_soon=1))
    assert page.counts[1].missing_percent == 60
    assert [(one.worker_id, one.standing.kind, one.standing.state) for one in page.lines] == [
        ("A-003", "training", State.EXPIRED),
        ("A-004", "training", State.MISSING),
        ("A-004", "test", State.MISSING),
        ("A-005", "training", State.MISSING),
    ]
    assert listed(desk, Wanted(show=Show.ENDS_SOON)) == [("A-002", "training")]
    assert ("A-001", "training") in listed(desk, Wanted(show=Show.ENDS_SOON, days=200))
    assert listed(desk, Wanted(kind="test", show=Show.DUE)) == [("A-001", "test"), ("A-004", "test")]
    assert listed(desk, Wanted(team="木工二班", kind="test")) == [("A-004", "test")]
    assert [one.site_id for one in desk.page(ADMIN, Wanted(kind="training")).counts] == [A, B]
    with pytest.raises(NotFound):
        desk.page(MANAGER, Wanted(B))
    with office.database.read() as connection:
        by_day = due_counts(connection, MANAGER, TODAY)
        assert [(one.kind, one.due, one.done) for one in by_day] == [("test", 2, 1), ("training", 5, 2)]
        # Before the order there was none to be done; after its deadline only what is still open.
        yesterday = due_counts(connection, MANAGER, TODAY - timedelta(days=1))
        assert [one.kind for one in yesterday] == ["training"]
        later = due_counts(connection, MANAGER, TODAY + timedelta(days=1))
        assert ("test", 1, 0, 1) in [(one.kind, one.due, one.done, one.overdue) for one in later]


def test_a_team_is_ordered_told_and_taken_back(office: FrontOffice, clock: Clock) -> None:
    told: list[Mapping[str, int]] = []
    desk = desk_of(office, told)
    done = desk.order(
        MANAGER, site_id=A, kind="medical", due_on=TODAY, why="示例", at_gate=AtGate.FROM_NOW, team="木工二班"
    )
    assert done.people == 2
    assert set(told[-1]) == {A}
    clock.moves(days=1)
    (batch,) = desk.batches(SUPERVISOR)
    assert (batch.there, batch.done, batch.due_by) == (2, 0, at("03-03 00:00"))
    assert listed(desk, Wanted(show=Show.OVERDUE)) == [("A-003", "medical"), ("A-004", "medical")]
    assert desk.batches(Viewer("b", "", Role.SUPERVISOR, frozenset({B}))) == []
    assert desk.take_back(MANAGER, done.batch_id).people == 2
    assert listed(desk, Wanted(show=Show.OVERDUE)) == []
    assert desk.batches(MANAGER)[0].undone_by == MANAGER.user_id


@ON_ONE
def test_what_cannot_be_ordered_or_entered_is_refused_with_the_reason(office: FrontOffice) -> None:
    desk = desk_of(office)
    for viewer, error in ((SUPERVISOR, NotAllowed), (CHECKER, NotAllowed)):
        with pytest.raises(error):
            order(desk, "A-001", viewer=viewer)
    for changes, said in (
        ({"why": " "}, "reason"),
        ({"due_on": TODAY - timedelta(days=1)}, "no day"),
        ({"due_on": date(2030, 1, 1)}, "no day"),
        ({"kind": "training"}, "no test"),
    ):
        with pytest.raises(SettingRefused, match=said):
            order(desk, "A-001", **changes)
    for worker_id in ("B-001", "nobody"):
        with pytest.raises(NotFound):
            order(desk, "A-001", worker_id)
        with pytest.raises(NotFound):
            desk.enter(MANAGER, A, NewResult(worker_id, "test", "negative", NOW))
    assert desk.batches(ADMIN) == []
    with pytest.raises(NotFound):
        desk.page(MANAGER, Wanted(worker_id="B-001"))
    with pytest.raises(SettingRefused, match="no such result"):
        desk.enter(MANAGER, A, NewResult("A-001", "test", "maybe", NOW))
    with pytest.raises(SettingRefused, match="nobody is chosen"):
        order(desk, team="没有的班组")
    with pytest.raises(SettingRefused, match="so many days"):
        desk.page(MANAGER, Wanted(days=1e9))
    typed = {"worker_id": "A-001", "kind": "test", "result": "negative", "done_by": "", "reference": ""}
    for done_on, last_day in (("9999-12-31", ""), ("2026-03-01", "9999-12-31"), ("0001-01-01", "")):
        with pytest.raises(SettingRefused, match="no day"):
            result_typed(done_on=done_on, done_time="", last_day=last_day, zone=SHANGHAI, **typed)


@ON_ONE
def test_results_are_looked_at_and_taken_back_by_whoever_manages_them(office: FrontOffice) -> None:
    desk = desk_of(office)
    result_id = desk.enter(
        MANAGER, A, NewResult("A-001", "test", "negative", at("03-02 10:00"), done_by="示例医院")
    )
    (row,) = desk.results(MANAGER, A)
    assert (row.name, row.done_by, row.entered_by) == ("样一安", "示例医院", MANAGER.user_id)
    with pytest.raises(NotAllowed):
        desk.results(SUPERVISOR, A)
    with pytest.raises(NotFound):
        desk.drop_result(Viewer("b", "", Role.SITE_MANAGER, frozenset({B})), result_id, why="示例")
    desk.drop_result(MANAGER, result_id, why="录入错误")
    assert desk.results(MANAGER, A) == []
    told = audit.lines(office.database, ADMIN, now=NOW, subject="worker:A-001")
    assert [line.action for line in told] == [Action.DROPPED_RESULT, Action.ENTERED_RESULT]
    assert told[0].detail["why"] == "录入错误"


@ON_ONE
def test_an_order_counts_on_its_own_days_also_long_after(office: FrontOffice, clock: Clock) -> None:
    desk = desk_of(office)
    order(desk, "A-001", due_on=TODAY + timedelta(days=5))
    order(desk, "A-004")
    desk.enter(MANAGER, A, NewResult("A-001", "test", "negative", at("03-02 10:00")))
    clock.moves(days=60)

    def tests_on(day: date) -> list[DueCount]:
        with office.database.read() as connection:
            return [one for one in due_counts(connection, MANAGER, day) if one.kind == "test"]

    assert tests_on(TODAY) == [DueCount(A, "test", 2, 1, overdue=0)]
    assert tests_on(TODAY + timedelta(days=5)) == [DueCount(A, "test", 2, 1, overdue=1)]
    assert tests_on(TODAY + timedelta(days=6)) == [DueCount(A, "test", 1, 0, overdue=1)]
    assert tests_on(TODAY - timedelta(days=1)) == []


@ON_ONE
def test_the_export_has_every_line_and_runs_no_formula(office: FrontOffice) -> None:
    desk = desk_of(office)
    order(desk, "A-004")
    found = desk.export(MANAGER, Wanted(A, show=Show.ALL))
    text = b"".join(clearance_pieces(found, desk.rules, "csv")).decode("utf-8-sig")
    assert len(text.splitlines()) == 1 + 6
    assert "'=HYPERLINK" in text
    assert b"".join(clearance_pieces(found, desk.rules, "xlsx")).startswith(b"PK")
    assert audit.lines(office.database, ADMIN, now=NOW)[1].action == Action.EXPORTED_CLEARANCES


@ON_ONE
def test_an_import_is_seen_before_it_is_taken_and_can_be_taken_back(office: FrontOffice) -> None:
    desk = desk_of(office)
    raw = "证件号码,结果,日期\n11010519491231002X,阴性,2026-03-02\n".encode()
    asked: dict[str, Any] = {"site_id": A, "kind": "test", "file_name": "lab.csv", "raw": raw}
    assert desk.preview(MANAGER, **asked).broken == 1
    with pytest.raises(NotAllowed):
        desk.preview(SUPERVISOR, **asked)
    report = desk.import_file(MANAGER, **asked)
    (row,) = desk.imports(MANAGER, A)
    assert (row.rows, row.taken, row.problems) == (1, 0, tuple(report.problems))
    assert desk.drop_import(MANAGER, report.import_id) == 0
    with pytest.raises(NotFound):
        desk.drop_import(Viewer("b", "", Role.SITE_MANAGER, frozenset({B})), report.import_id)
    with pytest.raises(VaultMissing):
        ClearanceDesk(office.database, now=office.now).preview(MANAGER, **asked)
