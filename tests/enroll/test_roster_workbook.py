"""Workbooks as people make them: merged and hidden cells, dates, zeros, sheets, broken files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from enroll.errors import RosterFileUnusable
from enroll.roster_file import RosterFile, read_roster_file


def read(tmp_path: Path, fill: Callable[[Worksheet], None], *, sheet: str = "") -> RosterFile:
    book = Workbook()
    active = book.active
    assert active is not None
    active.title = "工人"
    fill(active)
    other = book.create_sheet("旧")
    other.append(["worker_id", "name"])
    other.append(["W-old", "示例旧"])
    book.create_sheet("秘").sheet_state = "hidden"
    book.save(tmp_path / "people.xlsx")
    return read_roster_file(tmp_path / "people.xlsx", sheet=sheet)


def plain(sheet: Worksheet) -> None:
    sheet.append(["worker_id", "name"])
    sheet.append(["W-1", "示例甲"])


def test_numbers_dates_and_words_come_as_a_person_reads_them(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet.append(["工号", "姓名", "有效期起", "有效期止", "电话", "班组"])
        evening = datetime(2026, 3, 31, 18)  # noqa: DTZ001 - a workbook knows no zones
        sheet.append([123, "示例甲", date(2026, 3, 1), evening, 13800000000, 7.5])
        sheet["A2"].number_format = "00000"
        sheet.append(["'007", "示例乙", "2026-03-01", None, "0571-8", True])

    first, second = read(tmp_path, fill).rows
    assert first.cells == {
        "worker_id": "00123",
        "name": "示例甲",
        "grant_from": "2026-03-01",
        "grant_until": "2026-03-31 18:00:00",
        "phone": "13800000000",
        "team": "7.5",
    }
    assert (second["worker_id"], second["grant_until"], second["team"]) == ("007", "", "TRUE")


def test_a_number_that_excel_has_rounded_and_a_formula_in_error_make_the_row_unusable(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet.append(["worker_id", "name", "身份证号"])
        sheet.append(["W-1", "示例甲", 110105194912310000])
        sheet.append(["W-2", "示例乙", None])
        sheet["C3"] = "#N/A"
        sheet["C3"].data_type = "e"
        sheet.append(["W-3", "示例丙", "11010519491231002X"])

    rounded, broken, good = read(tmp_path, fill).rows
    assert "C2" in rounded.problem
    assert "15 digits" in rounded.problem
    assert "C3" in broken.problem
    assert not good.problem


def test_cells_merged_downwards_all_show_their_value_and_a_merged_title_stands_alone(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet.append(["示例工地花名册", None, None])
        sheet.merge_cells("A1:C1")
        sheet.append(["工号", "姓名", "班组"])
        for number, team in ((1, "一班"), (2, None), (3, "二班")):
            sheet.append([f"W-{number}", "示例", team])
        sheet.merge_cells("C3:C4")

    rows = read(tmp_path, fill).rows
    assert [(row.number, row["team"]) for row in rows] == [(3, "一班"), (4, "一班"), (5, "二班")]


def test_hidden_rows_are_read_and_said_and_empty_ones_passed_over(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        plain(sheet)
        sheet.append([None, " "])
        sheet.append(["W-2", "示例乙"])
        sheet.row_dimensions[4].hidden = True
        sheet["A300"] = "W-3"

    rows = read(tmp_path, fill).rows
    assert [(row.number, row["worker_id"]) for row in rows] == [(2, "W-1"), (4, "W-2"), (300, "W-3")]
    assert [bool(row.remark) for row in rows] == [False, True, False]


def test_the_first_shown_sheet_is_read_or_the_named_one(tmp_path: Path) -> None:
    file = read(tmp_path, plain)
    assert (file.sheets, file.sheet) == (("工人", "旧"), "工人")
    assert read(tmp_path, plain, sheet="旧").rows[0]["worker_id"] == "W-old"
    with pytest.raises(RosterFileUnusable, match="无") as refused:
        read(tmp_path, plain, sheet="无")
    assert "旧" in refused.value.next_step


def test_a_workbook_that_would_unpack_beyond_measure_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.workbook.MAX_UNPACKED_BYTES", 10_000)
    with pytest.raises(RosterFileUnusable, match="unpacks"):
        read(tmp_path, lambda sheet: sheet.append(["x" * 20_000]))


def test_another_zip_and_a_cut_workbook_are_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "x")
    read(tmp_path, plain)
    whole = (tmp_path / "people.xlsx").read_bytes()
    for content in (buffer.getvalue(), whole[:2000], whole[: len(whole) // 2] + whole[-500:]):
        (tmp_path / "broken.xlsx").write_bytes(content)
        with pytest.raises(RosterFileUnusable, match="Excel workbook") as refused:
            read_roster_file(tmp_path / "broken.xlsx")
        assert refused.value.next_step
