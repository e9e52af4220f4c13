from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enroll.errors import RowRefused
from enroll.roster_file import RosterRow
from enroll.roster_values import parse_instant, worker_from
from sync.people import FILE_FLAG_ID
from sync.records import Clearance, Flag, FlagLevel, Worker, WorkerStatus

SHANGHAI = ZoneInfo("Asia/Shanghai")


def made(known: Worker | None = None, **cells: str) -> Worker:
    row = RosterRow(2, {"worker_id": "W-1", "name": "示例甲", **cells})
    return worker_from(row, known, site_id="demo-site", zone=SHANGHAI, training_kind="training")


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=SHANGHAI)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("2026-03-31", at(2026, 3, 31), at(2026, 4, 1)),
        ("2026/3/31", at(2026, 3, 31), at(2026, 4, 1)),
        ("2026年3月31日", at(2026, 3, 31), at(2026, 4, 1)),
        ("2026-12-31", at(2026, 12, 31), at(2027, 1, 1)),
        ("2026-03-31 18:30", at(2026, 3, 31, 18, 30), at(2026, 3, 31, 18, 30)),
        ("2026-03-31T18:30:05", at(2026, 3, 31, 18, 30, 5), at(2026, 3, 31, 18, 30, 5)),
        ("2026-03-31T10:30:00+00:00", at(2026, 3, 31, 18, 30), at(2026, 3, 31, 18, 30)),
    ],
)
def test_a_date_is_local_and_counts_through_its_end(text: str, first: datetime, after: datetime) -> None:
    assert parse_instant(text, SHANGHAI, until=False) == first
    assert parse_instant(text, SHANGHAI, until=True) == after


@pytest.mark.parametrize(
    "text", ["2026-02-30", "31.03.2026", "tomorrow", "2026-03-31 25:00", "20261", "٢٠٢٦-01-01"]
)
def test_what_is_no_date_is_refused_with_the_column(text: str) -> None:
    with pytest.raises(RowRefused, match="grant_until"):
        made(grant_until=text)


@given(st.dates(min_value=date(1950, 1, 1), max_value=date(2200, 1, 1)))
def test_the_last_day_is_inside_and_the_next_one_outside(day: date) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    until = parse_instant(str(day), berlin, until=True)
    since = parse_instant(str(day), berlin, until=False)
    assert str((until - timedelta(seconds=1)).date()) == str(day) == str(since.date())
    assert (until.hour, until.minute) == (0, 0)


def test_a_full_row_becomes_a_worker() -> None:
    worker = made(
        employer="示例建设", team="一班", trade="木工", phone="000", site_ids="s-1; s-2；s-3", status="在场",
        grant_from="2026-01-01", grant_until="2026-06-30", training_until="2026-12-31", flag="提醒",
        flag_reason="bring papers",
    )  # fmt: skip
    assert worker.site_ids == ("s-1", "s-2", "s-3")
    assert worker.status is WorkerStatus.ACTIVE
    assert (worker.grant_from, worker.grant_until) == (at(2026, 1, 1), at(2026, 7, 1))
    assert worker.clearances == (Clearance(kind="training", valid_until=at(2027, 1, 1)),)
    assert worker.flags == (Flag(flag_id=FILE_FLAG_ID, level=FlagLevel.NOTIFY, reason="bring papers"),)


def test_a_sparse_row_takes_the_defaults_of_the_site() -> None:
    worker = made()
    assert (worker.site_ids, worker.status, worker.flags) == (("demo-site",), WorkerStatus.ACTIVE, ())


def test_a_column_that_is_absent_keeps_what_is_known_and_an_empty_cell_clears_it() -> None:
    known = made(
        team="一班", grant_until="2026-06-30", training_until="2026-06-30", flag="hold", status="left"
    )
    assert made(known) == known
    cleared = made(known, team="", grant_until="", training_until="", flag="", status="")
    assert cleared == made()


def test_flags_and_clearances_from_elsewhere_survive_an_import() -> None:
    guard = Flag(flag_id="by-guard", level=FlagLevel.BLOCK, reason="fight")
    medical = Clearance(kind="medical")
    known = made().model_copy(update={"flags": (guard,), "clearances": (medical,)})
    worker = made(known, flag="", training_until="2026-06-30")
    assert worker.flags == (guard,)
    assert [one.kind for one in worker.clearances] == ["medical", "training"]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"worker_id": ""}, "number is empty"),
        ({"worker_id": "W 1"}, "worker_id"),
        ({"worker_id": "W/1"}, "worker_id"),
        ({"name": ""}, "name"),
        ({"status": "maybe"}, "status"),
        ({"flag": "red"}, "flag"),
        ({"site_ids": "a b"}, "site_ids"),
        ({"grant_from": "2026-02-01", "grant_until": "2026-01-01"}, "before"),
    ],
)
def test_a_value_that_does_not_fit_names_its_column(cells: dict[str, str], said: str) -> None:
    with pytest.raises(RowRefused, match=said) as refused:
        made(**cells)
    assert refused.value.next_step


def test_a_row_with_surplus_cells_is_refused() -> None:
    row = RosterRow(2, {"worker_id": "W-1", "name": "a"}, surplus=1)
    with pytest.raises(RowRefused, match="more cells"):
        worker_from(row, None, site_id="s", zone=SHANGHAI, training_kind="training")
