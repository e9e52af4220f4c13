"""Inspections, findings and the grid over a real database: three levels, deadlines, alerts, visits."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, timedelta

import pytest
from PIL import Image
from sqlalchemy import Connection, Table, select

from sync.central import checklists, inspections, site_registry, tables_grid
from sync.central.accounts_access import NotAllowed, NotFound, Role, Viewer
from sync.central.errors import AlreadyThere, SettingRefused
from sync.central.exports_inspections import finding_pieces, grid_pieces, inspection_pieces
from sync.central.finding_watch import FindingWatch
from sync.central.front_office import FrontOffice
from sync.central.inspection_desk import FindingFilter, FindingRow, inspection_counts
from sync.central.inspection_rules import InspectionSettings
from sync.central.inspections import PhotosRefused
from sync.central.tables import audit
from sync.central.tables_alerts import alerts
from sync.central.tables_grid import finding_photos, grid_officers
from sync.central.typed_fields import FieldsRefused, Slip
from sync.inspections import (
    AnswersRefused,
    FindingRefused,
    FindingState,
    InspectorLevel,
    Step,
    shipped_checklists,
)
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import NOW, A, B, Clock
from tests.sync.central.lodging_samples import CHECKER, FOREIGNER, MANAGER, SUPERVISOR, TODAY
from tests.sync.central.phone_samples import count
from tests.sync.central.test_lodging import a_photo
from tests.sync.central.two_writers import meanwhile

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

ADMIN = Viewer("admin", "", Role.ADMIN, None)
INSPECTOR = Viewer("inspector-a", "", Role.INSPECTOR, frozenset({A}))
FOREIGN_INSPECTOR = Viewer("inspector-b", "", Role.INSPECTOR, frozenset({B}))
ON_ONE = pytest.mark.parametrize("office", ["sqlite"], indirect=True)
"""For what is the same on both databases: the other tests run on both."""

SELF, SUB, DISTRICT = InspectorLevel.SELF, InspectorLevel.SUB_DISTRICT, InspectorLevel.DISTRICT
IN_ORDER = {
    "person_named": "yes",
    "duty_today": "yes",
    "room_ready": "yes",
    "beds_free": "2",
    "masks_days": "9",
    "disinfectant": "yes",
    "trained": "100",
    "drill": "yes",
}
TWO_FAULTS = IN_ORDER | {"room_ready": "no", "room_ready-note": "堆放杂物", "masks_days": "3"}


def inspect(
    office: FrontOffice,
    viewer: Viewer = INSPECTOR,
    level: InspectorLevel = SUB,
    typed: dict[str, str] | None = None,
    *,
    site_id: str = A,
    checklist_id: str = "four_in_place",
) -> str:
    answers = TWO_FAULTS if typed is None else typed
    with office.database.write() as connection:
        return inspections.record(
            connection, viewer, site_id, checklist_id, 1, level, answers, now=office.now()
        )


def the_finding(office: FrontOffice, item_id: str, level: InspectorLevel = SUB) -> FindingRow:
    """Whatever its state."""
    rows = office.inspections.findings(ADMIN, FindingFilter(states=tuple(FindingState)))
    (found,) = [row for row in rows if row.item.item_id == item_id and row.level is level]
    return found


def test_a_finding_goes_from_the_inspector_to_the_site_and_back_until_it_is_accepted(
    office: FrontOffice, clock: Clock
) -> None:
    desk = office.inspections
    inspection_id = inspect(office)
    facts = desk.inspection(MANAGER, inspection_id)
    assert (facts.row.score.percent, facts.row.unsettled, len(facts.findings)) == (75, 2, 2)
    assert [one.note for item, one in facts.answers if one and item.item_id == "room_ready"] == ["堆放杂物"]
    room, masks = the_finding(office, "room_ready"), the_finding(office, "masks_days")
    assert (room.due_on, masks.due_on) == (TODAY + timedelta(days=1), TODAY + timedelta(days=3))
    assert (room.found_note, room.severity.value, room.is_overdue) == ("堆放杂物", "high", False)

    assert desk.finding(MANAGER, room.finding_id).may == (Step.MENDED,)
    with pytest.raises(NotAllowed):
        desk.change(MANAGER, room.finding_id, Step.ACCEPTED, "")
    with pytest.raises(SettingRefused):
        desk.change(MANAGER, room.finding_id, Step.MENDED, "  ")
    assert desk.change(MANAGER, room.finding_id, Step.MENDED, "已清空") is FindingState.MENDED
    with pytest.raises(SettingRefused):
        desk.finding(MANAGER, "a\0b")
    with pytest.raises(FindingRefused):  # a second phone, with the page of before
        desk.change(MANAGER, room.finding_id, Step.MENDED, "已清空")
    with pytest.raises(SettingRefused):
        desk.change(INSPECTOR, room.finding_id, Step.REJECTED, "门锁着", due_on=TODAY - timedelta(days=1))
    tomorrow = TODAY + timedelta(days=2)
    assert (
        desk.change(INSPECTOR, room.finding_id, Step.REJECTED, "门锁着", due_on=tomorrow) is FindingState.OPEN
    )
    desk.change(MANAGER, room.finding_id, Step.MENDED, "已配钥匙")
    assert desk.change(SUPERVISOR, room.finding_id, Step.ACCEPTED, "") is FindingState.CLOSED
    history = desk.finding(INSPECTOR, room.finding_id)
    assert [(one.step.value, one.by, one.due_on) for one in history.steps] == [
        ("found", "inspector-a", TODAY + timedelta(days=1)),
        ("mended", "manager-a", None),
        ("rejected", "inspector-a", tomorrow),
        ("mended", "manager-a", None),
        ("accepted", "supervisor-a", None),
    ]
    assert history.may == (Step.REOPENED,)
    assert [row.item.item_id for row in desk.findings(MANAGER, FindingFilter(site_id=A))] == ["masks_days"]
    text = b"".join(finding_pieces(desk.findings(MANAGER, FindingFilter(), export=True), "csv")).decode()
    assert "口罩" in text and "滨江示例工地" in text
    pieces = inspection_pieces(desk.inspections(MANAGER, since=TODAY, export=True), "csv")
    assert "四到位" in b"".join(pieces).decode()
    with office.database.read() as connection:
        told = set(connection.scalars(select(audit.c.action)))
    assert told >= {"inspected_site", "changed_finding", "looked_at_finding", "exported_findings"}


def test_the_same_thing_found_again_is_one_finding_and_a_mended_one_is_open_again(
    office: FrontOffice,
) -> None:
    inspect(office)
    room = the_finding(office, "room_ready")
    again = inspect(office)
    assert [row.finding_id for row in office.inspections.inspection(ADMIN, again).findings].count(
        room.finding_id
    ) == 1
    office.inspections.change(MANAGER, room.finding_id, Step.MENDED, "已清空")
    inspect(office)
    assert the_finding(office, "room_ready").state is FindingState.OPEN
    steps = [one.step for one in office.inspections.finding(ADMIN, room.finding_id).steps]
    assert steps == [Step.FOUND, Step.SEEN_AGAIN, Step.MENDED, Step.REJECTED]
    inspect(office, SUPERVISOR, DISTRICT)  # what the district finds, the sub-district does not close
    with pytest.raises(NotAllowed):
        office.inspections.change(
            INSPECTOR, the_finding(office, "room_ready", DISTRICT).finding_id, Step.ACCEPTED, ""
        )
    assert len(office.inspections.findings(MANAGER, FindingFilter())) == 4


@ON_ONE
def test_who_may_inspect_what(office: FrontOffice) -> None:
    for viewer, level in ((MANAGER, SUB), (INSPECTOR, SELF), (SUPERVISOR, SUB), (CHECKER, SELF)):
        with pytest.raises(NotAllowed):
            inspect(office, viewer, level)
    for viewer, level in ((MANAGER, SELF), (SUPERVISOR, DISTRICT), (ADMIN, SELF)):
        inspect(office, viewer, level)
    room = the_finding(office, "room_ready", DISTRICT)
    with pytest.raises(NotFound):
        inspect(office, INSPECTOR, SUB, site_id=B)
    with pytest.raises(NotFound):
        inspect(office, checklist_id="none")
    with pytest.raises(AnswersRefused):
        inspect(office, typed={})
    with pytest.raises(NotFound):
        office.inspections.finding(FOREIGNER, room.finding_id)
    with pytest.raises(NotFound):
        office.inspections.change(FOREIGNER, room.finding_id, Step.MENDED, "x")
    with pytest.raises(NotFound):
        office.inspections.inspection(FOREIGNER, room.inspection_id)
    assert office.inspections.findings(FOREIGNER, FindingFilter()) == []
    with pytest.raises(NotAllowed):
        office.inspections.findings(CHECKER, FindingFilter())


def test_a_deadline_that_passes_raises_one_alert_and_a_new_deadline_another(
    office: FrontOffice, clock: Clock
) -> None:
    watch = FindingWatch(office.database, InspectionSettings(), now=office.now)
    inspect(office)
    room = the_finding(office, "room_ready")
    # The last day at the site ends at 16:00 UTC.
    clock.at = NOW.replace(day=3, hour=15, minute=59)
    assert watch.look() == 0 and not the_finding(office, "room_ready").is_overdue
    clock.at = NOW.replace(day=3, hour=16, minute=0)
    assert (watch.look(), watch.look()) == (1, 0)
    with office.database.read() as connection:
        (alert,) = connection.execute(select(alerts)).all()
        counts = inspection_counts(connection, ADMIN, now=clock.at)
    assert (alert.rule_id, alert.site_id, alert.subject) == (
        "finding_overdue",
        A,
        f"finding:{room.finding_id}",
    )
    assert (counts[A].open, counts[A].overdue, counts[A].severe, counts[A].mended) == (2, 1, 1, 0)
    assert counts[B].open == 0
    late = office.inspections.findings(MANAGER, FindingFilter(overdue=True))
    assert [row.finding_id for row in late] == [room.finding_id] and late[0].is_overdue
    office.inspections.change(INSPECTOR, room.finding_id, Step.MOVED, "等待材料", due_on=date(2026, 3, 5))
    assert watch.look() == 0
    clock.moves(days=2)
    assert watch.look() == 2  # and the other one
    office.inspections.change(MANAGER, room.finding_id, Step.MENDED, "已清空")
    assert not the_finding(office, "room_ready").is_overdue


def test_photos_are_pixels_only_bounded_in_size_and_number_and_go_by_themselves(
    office: FrontOffice, clock: Clock
) -> None:
    inspect(office)
    room, desk = the_finding(office, "room_ready"), office.inspections
    with pytest.raises(FieldsRefused):
        desk.put_photo(INSPECTOR, room.finding_id, b"no picture")
    photo_id = desk.put_photo(INSPECTOR, room.finding_id, a_photo())
    desk.change(MANAGER, room.finding_id, Step.MENDED, "已清空")
    clock.moves(minutes=5)
    desk.put_photo(MANAGER, room.finding_id, a_photo())
    with Image.open(io.BytesIO(desk.photo(SUPERVISOR, photo_id))) as picture:
        assert max(picture.size) == desk.settings.photo_max_px and not dict(picture.getexif())
    photos = desk.finding(MANAGER, room.finding_id).photos
    assert [one.state for one in photos] == [FindingState.OPEN, FindingState.MENDED]
    with pytest.raises(NotFound):
        desk.photo(FOREIGNER, photo_id)
    with pytest.raises(NotAllowed):
        desk.photo(CHECKER, photo_id)
    for _ in range(desk.settings.photos_per_finding - len(photos)):
        desk.put_photo(INSPECTOR, room.finding_id, a_photo())
    with pytest.raises(PhotosRefused):
        desk.put_photo(INSPECTOR, room.finding_id, a_photo())
    clock.moves(days=desk.settings.photos_kept_days)
    FindingWatch(office.database, desk.settings, now=office.now).look()
    assert count(office.database, finding_photos) == 0
    desk.settings = replace(desk.settings, photos_kept_days=0)
    with pytest.raises(PhotosRefused):
        desk.put_photo(INSPECTOR, room.finding_id, a_photo())


def test_a_checklist_keeps_what_it_asked_when_it_was_used(office: FrontOffice) -> None:
    inspection_id = inspect(office)
    shipped = shipped_checklists()["four_in_place"]
    other = shipped.model_copy(update={"zh": "四到位（改）"})
    newer = other.model_copy(update={"version": 2, "items": shipped.items[:3]})
    with office.database.write() as connection:
        with pytest.raises(AlreadyThere):
            checklists.add(connection, other, by="test", now=NOW)
        checklists.add(connection, shipped, by="test", now=NOW)  # the same again: nothing to say
        checklists.add(connection, newer, by="test", now=NOW)
        assert checklists.offered(connection)["four_in_place"] == newer
        checklists.remove(connection, "eight_ones", by="test", now=NOW)
        checklists.remove(connection, "four_in_place", by="test", now=NOW)
        assert checklists.offered(connection) == {}
        with pytest.raises(NotFound):
            checklists.remove(connection, "eight_ones", by="test", now=NOW)
        checklists.add(connection, newer, by="test", now=NOW)
        assert list(checklists.offered(connection)) == ["four_in_place"]
    facts = office.inspections.inspection(ADMIN, inspection_id)
    assert facts.row.checklist.zh == "四到位" and len(facts.answers) == 9


@ON_ONE
def test_what_a_site_does_every_day_is_due_until_it_is_done(office: FrontOffice, clock: Clock) -> None:
    def due() -> tuple[int, list[str]]:
        with office.database.read() as connection:
            counts = inspection_counts(connection, MANAGER, now=clock.at)
        offers = office.inspections.offers(MANAGER, A)
        return counts[A].checks_due, [one.checklist.checklist_id for one in offers if one.is_due]

    daily = {item.item_id: "yes" for item in shipped_checklists()["eight_ones"].items} | {"not_measured": "0"}
    assert due() == (1, ["eight_ones"])
    inspect(office, SUPERVISOR, DISTRICT, daily, checklist_id="eight_ones")
    assert due() == (1, ["eight_ones"])  # an inspector's visit is not the site's own round
    inspect(office, MANAGER, SELF, daily, checklist_id="eight_ones")
    assert due() == (0, [])
    clock.moves(days=1)
    assert due() == (1, ["eight_ones"])


def test_a_site_has_one_officer_at_a_time_who_visits_and_follows_up(
    office: FrontOffice, clock: Clock
) -> None:
    with office.database.write() as connection:
        site_registry.set_site_place(connection, A, district="示例区", sub_district="示例街道")
    first = {"name": "示例网格员", "phone": "138 0000 0002", "grid": "示例网格 3"}
    with pytest.raises(NotAllowed):
        office.grid.name_officer(MANAGER, A, first)
    with pytest.raises(FieldsRefused) as refused:
        office.grid.name_officer(SUPERVISOR, A, {"name": "", "phone": "12"})
    assert refused.value.slips == {"name": Slip.REQUIRED, "phone": Slip.NO_PHONE}
    office.grid.name_officer(SUPERVISOR, A, first)
    office.grid.name_officer(SUPERVISOR, A, first | {"grid": "示例网格 4"})
    visit = {"purpose": "routine", "notes": "通道堵塞", "follow_up_on": f"{TODAY + timedelta(days=2)}"}
    office.grid.record_visit(INSPECTOR, A, visit)
    with pytest.raises(FieldsRefused) as refused:
        office.grid.record_visit(INSPECTOR, A, {"purpose": "x", "notes": " ", "follow_up_on": "2020-01-01"})
    assert set(refused.value.slips) == {"purpose", "notes", "follow_up_on"}
    with pytest.raises(NotFound):
        office.grid.record_visit(INSPECTOR, B, visit)
    facts = office.grid.site(MANAGER, A)
    assert facts.row.officer is not None and facts.row.officer.data.phone == "13800000002"
    assert (facts.row.officer.data.grid, len(facts.officers)) == ("示例网格 4", 1)
    assert (facts.row.place.sub_district, facts.row.follow_ups, facts.row.late) == ("示例街道", 1, 0)
    assert (facts.visits[0].officer, facts.visits[0].recorded_by) == ("示例网格员", "inspector-a")
    clock.moves(days=3)
    late = office.grid.site(INSPECTOR, A)
    assert late.row.late == 1 and late.visits[0].is_overdue
    with pytest.raises(NotFound):
        office.grid.settle(FOREIGN_INSPECTOR, late.visits[0].visit_id, "x")
    office.grid.settle(INSPECTOR, late.visits[0].visit_id, "已疏通")
    office.grid.settle(INSPECTOR, late.visits[0].visit_id, "again")
    settled = office.grid.site(ADMIN, A).visits[0]
    assert (settled.settled_note, settled.is_overdue) == ("已疏通", False)
    office.grid.name_officer(INSPECTOR, A, {"name": "样二员", "phone": "13800000003"})
    with office.database.read() as connection:
        kept = connection.execute(select(grid_officers.c.name, grid_officers.c.phone)).all()
    assert sorted(kept) == [("样二员", "13800000003"), ("示例网格员", "")]  # the phone goes with the office
    office.grid.end_officer(SUPERVISOR, A)
    with pytest.raises(NotFound):
        office.grid.end_officer(SUPERVISOR, A)
    rows = office.grid.sites(ADMIN, export=True)
    assert [(row.site_id, row.officer) for row in rows] == [(B, None), (A, None)]
    assert "示例街道" in b"".join(grid_pieces(rows, "csv")).decode()


def test_nothing_of_the_grid_is_kept_by_worker_so_an_erasure_has_nothing_to_take_here() -> None:
    kept = [one for one in vars(tables_grid).values() if isinstance(one, Table)]
    assert kept
    assert all("worker_id" not in table.columns for table in kept)


@pytest.mark.parametrize("office", ["postgresql"], indirect=True)
def test_two_who_find_the_same_thing_at_once_make_one_finding(office: FrontOffice) -> None:
    inspect(office, typed=IN_ORDER)

    def inspects(connection: Connection) -> str:
        now = office.now()
        return inspections.record(connection, INSPECTOR, A, "four_in_place", 1, SUB, TWO_FAULTS, now=now)

    meanwhile(office.database, inspects, inspects)
    room = office.inspections.finding(INSPECTOR, the_finding(office, "room_ready").finding_id)
    assert [one.step for one in room.steps] == [Step.FOUND, Step.SEEN_AGAIN]
