"""Attendance from the database, and what managers may correct."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from sync.central import attendance, tables
from sync.central.accounts_access import NotAllowed, NotFound, Role, Viewer
from sync.central.attendance import Issue
from sync.central.attendance_log import WorkerDays
from sync.central.errors import SettingRefused
from sync.central.front_office import FrontOffice
from sync.records import Direction, FlagLevel, Worker
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import A, B, at

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

MANAGER = Viewer("manager-a", "", Role.SITE_MANAGER, frozenset({A}))
SUPERVISOR = Viewer("supervisor-a", "", Role.SUPERVISOR, frozenset({A}))
FIRST, SECOND = date(2026, 3, 1), date(2026, 3, 2)
REASON = "门口停电，班长证明"


def march(office: FrontOffice, **more: str) -> dict[str, WorkerDays]:
    first, last = attendance.month(2026, 3)
    return {one.worker_id: one for one in office.attendance.days(MANAGER, A, first, last, **more)}


def test_a_month_adds_up_per_worker_and_shows_what_is_missing(office: FrontOffice) -> None:
    found = march(office)
    assert set(found) == {"A-001", "A-002", "A-004", "A-005"}
    assert found["A-001"].worked == timedelta(hours=10, minutes=30)
    assert found["A-001"].name == "样一安"
    assert found["A-002"].days[0].issues == (Issue.MISSING_OUT,)
    assert found["A-002"].open_issues == 1
    assert found["A-004"].worked == timedelta(hours=4, minutes=58)
    assert set(march(office, team="木工二班")) == {"A-004"}


def test_a_correction_closes_the_day_and_leaves_the_device_record(office: FrontOffice) -> None:
    office.attendance.add(MANAGER, A, "A-002", at=at("03-01 17:10"), direction=Direction.OUT, reason=REASON)
    day = march(office)["A-002"].days[0]
    assert (day.worked, day.issues, day.is_corrected) == (timedelta(hours=10), (), True)
    records = office.attendance.worker(MANAGER, A, "A-002", FIRST, SECOND)
    assert [mark.mark_id for mark in records.marks] == [f"{A}-gate-1-3"]
    (note,) = records.corrections
    assert (note.made_by, note.reason) == ("manager-a", REASON)
    with office.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.events)) == 11


def test_a_cancelled_record_counts_no_more_but_is_still_shown(office: FrontOffice) -> None:
    made = office.attendance.cancel(MANAGER, f"{A}-gate-1-3", reason=REASON)
    assert "A-002" not in march(office)
    records = office.attendance.worker(MANAGER, A, "A-002", FIRST, SECOND)
    assert [mark.mark_id for mark in records.marks] == [f"{A}-gate-1-3"]
    office.attendance.withdraw(MANAGER, made)
    assert march(office)["A-002"].days[0].issues == (Issue.MISSING_OUT,)
    (note,) = office.attendance.worker(MANAGER, A, "A-002", FIRST, SECOND).corrections
    assert note.withdrawn_by == "manager-a"
    with pytest.raises(NotFound):
        office.attendance.withdraw(MANAGER, made)


def test_corrections_need_the_right_a_reason_and_a_past(office: FrontOffice) -> None:
    out = {"at": at("03-01 17:10"), "direction": Direction.OUT}
    with pytest.raises(NotAllowed, match="correct_attendance"):
        office.attendance.add(SUPERVISOR, A, "A-002", **out, reason=REASON)  # type: ignore[arg-type]
    with pytest.raises(SettingRefused, match="reason"):
        office.attendance.add(MANAGER, A, "A-002", **out, reason=" ")  # type: ignore[arg-type]
    with pytest.raises(SettingRefused, match="still to come"):
        office.attendance.add(
            MANAGER, A, "A-002", at=at("03-02 17:10"), direction=Direction.OUT, reason=REASON
        )
    with pytest.raises(NotFound):
        office.attendance.add(MANAGER, A, "B-001", **out, reason=REASON)  # type: ignore[arg-type]


def test_another_sites_attendance_is_not_there(office: FrontOffice) -> None:
    out = {"at": at("03-01 17:10"), "direction": Direction.OUT}
    for ask in (
        lambda: office.attendance.days(MANAGER, B, FIRST, SECOND),
        lambda: office.attendance.export(MANAGER, B, FIRST, SECOND),
        lambda: office.attendance.worker(MANAGER, B, "B-001", FIRST, SECOND),
        lambda: office.attendance.add(MANAGER, B, "B-001", **out, reason=REASON),  # type: ignore[arg-type]
        lambda: office.attendance.cancel(MANAGER, f"{B}-gate-1-1", reason=REASON),
        lambda: office.attendance.days(MANAGER, "nowhere", FIRST, SECOND),
    ):
        with pytest.raises(NotFound):
            ask()


def test_a_correction_of_another_site_cannot_be_withdrawn(office: FrontOffice) -> None:
    other = Viewer("manager-b", "", Role.SITE_MANAGER, frozenset({B}))
    made = office.attendance.cancel(other, f"{B}-gate-1-1", reason=REASON)
    with pytest.raises(NotFound):
        office.attendance.withdraw(MANAGER, made)


@pytest.mark.parametrize("last", [date(2026, 2, 1), date(2026, 9, 1)])
def test_a_span_that_is_none_or_too_long_is_refused(office: FrontOffice, last: date) -> None:
    with pytest.raises(SettingRefused, match="is no span"):
        office.attendance.days(MANAGER, A, FIRST, last)


# -- workers -----------------------------------------------------------------------------------------------


def test_workers_are_listed_in_pages_within_the_sites(office: FrontOffice) -> None:
    first = office.workers.page(MANAGER, rows=3)
    second = office.workers.page(MANAGER, rows=3, after=first.next_after)
    assert [row.worker_id for row in first.rows + second.rows] == [f"A-00{n}" for n in range(1, 6)]
    assert second.next_after == ""
    assert [row.worker_id for row in office.workers.page(MANAGER, only_flagged=True).rows] == ["A-003"]
    assert office.workers.page(MANAGER, site_id=B).rows == ()
    assert office.workers.page(MANAGER, text="样六").rows == ()


def test_a_flag_reaches_the_roster_and_goes_again(office: FrontOffice) -> None:
    told: list[dict[str, int]] = []
    desk = type(office.workers)(
        office.database, now=office.now, on_roster_change=lambda versions: told.append(dict(versions))
    )
    flag = desk.flag(SUPERVISOR, "A-001", level=FlagLevel.BLOCK, reason=REASON)
    assert desk.one(SUPERVISOR, "A-001").worker.flags == (flag,)
    desk.unflag(SUPERVISOR, "A-001", flag.flag_id, reason="核对完成")
    assert desk.one(SUPERVISOR, "A-001").worker.flags == ()
    assert [list(versions) for versions in told] == [[A], [A]]
    with pytest.raises(SettingRefused, match="reason"):
        desk.flag(SUPERVISOR, "A-001", level=FlagLevel.BLOCK, reason="  ")


def test_another_sites_worker_can_be_neither_seen_nor_flagged_nor_taken_over(office: FrontOffice) -> None:
    desk = office.workers
    with pytest.raises(NotFound):
        desk.one(MANAGER, "B-001")
    with pytest.raises(NotFound):
        desk.flag(MANAGER, "B-001", level=FlagLevel.BLOCK, reason=REASON)
    with pytest.raises(NotFound):
        desk.unflag(MANAGER, "B-001", "flag-1", reason=REASON)
    with pytest.raises(NotAllowed, match="outside your sites"):
        desk.put(MANAGER, Worker(worker_id="B-001", name="样七", site_ids=(A,)))
    with pytest.raises(NotFound):
        desk.put(MANAGER, Worker(worker_id="N-1", name="样七", site_ids=(A, B)))
    with pytest.raises(NotAllowed):
        desk.put(SUPERVISOR, Worker(worker_id="N-1", name="样七", site_ids=(A,)))


def test_writing_a_worker_keeps_the_flags(office: FrontOffice) -> None:
    office.workers.put(MANAGER, Worker(worker_id="A-003", name="样三新", site_ids=(A,)))
    worker = office.workers.one(MANAGER, "A-003").worker
    assert worker.name == "样三新"
    assert [flag.flag_id for flag in worker.flags] == ["flag-1"]
