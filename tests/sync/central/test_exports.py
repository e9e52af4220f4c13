"""Files that people open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, datetime
from io import BytesIO, StringIO

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.central import exports
from sync.central.exports import Cell, csv_pieces, xlsx_pieces

HEADING = ("时间 Time", "姓名 Name", "分数 Score")
SEVEN = datetime.fromisoformat("2026-03-02T07:00:00")
FORMULAS = (
    '=HYPERLINK("http://x","样")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "＝1+1",
    "  =1",
    "\r=1",
    "\x00=1",
)


def csv_rows(rows: Sequence[Sequence[Cell]]) -> list[list[str]]:
    data = b"".join(csv_pieces(HEADING, rows))
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(StringIO(data.decode("utf-8-sig"), newline="")))


def workbook(rows: Sequence[Sequence[Cell]]) -> openpyxl.Workbook:
    return openpyxl.load_workbook(BytesIO(b"".join(xlsx_pieces(HEADING, rows, title="log"))))


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_name_that_is_a_formula_is_only_text_in_csv(formula: str) -> None:
    (_, row) = csv_rows([[SEVEN, formula, 0.7]])
    assert row[1].startswith("'")
    assert row[0] == "2026-03-02 07:00:00"


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_name_that_is_a_formula_is_only_text_in_xlsx(formula: str) -> None:
    cell = workbook([[None, formula, 1]]).worksheets[0]["B2"]
    assert cell.data_type == "s"


@given(st.text())
def test_no_text_at_all_makes_a_formula(text: str) -> None:
    (_, row) = csv_rows([[None, text.replace("\r", "").replace("\n", ""), None]])
    assert not row[1].lstrip(" ").startswith(("=", "+", "-", "@", "\t", "＝", "＋", "－", "＠"))


def test_a_number_stays_a_number_even_below_zero() -> None:
    assert csv_rows([[date(2026, 3, 2), "样甲", -0.5]])[1] == ["2026-03-02", "样甲", "-0.5"]


def test_times_stay_times_in_xlsx() -> None:
    sheet = workbook([[SEVEN, "样甲", 0.5]]).worksheets[0]
    assert sheet["A1"].value == HEADING[0]
    assert sheet["A2"].value == SEVEN
    assert sheet["C2"].value == 0.5


def test_more_rows_than_a_sheet_holds_go_on_in_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "XLSX_SHEET_ROWS", 2)
    sheets = workbook([[None, f"样{number}", number] for number in range(5)]).worksheets
    assert [sheet.max_row for sheet in sheets] == [3, 3, 2]
    assert [sheet.title for sheet in sheets] == ["log 1", "log 2", "log 3"]


def test_an_export_of_nothing_has_its_heading() -> None:
    assert csv_rows([]) == [list(HEADING)]
    assert workbook([]).worksheets[0]["B1"].value == HEADING[1]


def test_csv_leaves_while_it_is_being_read() -> None:
    taken = 0

    def rows() -> object:
        nonlocal taken
        for taken in range(1, 10_001):
            yield [None, "样", taken]

    pieces = csv_pieces(HEADING, rows())  # type: ignore[arg-type]
    next(pieces)
    assert taken < 1000
