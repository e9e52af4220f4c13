from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enroll.errors import RosterFileUnusable
from enroll.roster_file import COLUMNS, DELIMITERS, RosterFile, read_roster_file

CHINESE = "工号,姓名,单位,照片\nW-1,示例甲,示例建设,a.jpg\n"


def read(tmp_path: Path, content: bytes) -> RosterFile:
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    return read_roster_file(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_every_encoding_delimiter_and_line_end_gives_the_same_rows(
    tmp_path: Path, encoding: str, delimiter: str, line_end: str
) -> None:
    text = CHINESE.replace(",", delimiter).replace("\n", line_end)
    (row,) = read(tmp_path, text.encode(encoding)).rows
    assert row.cells == {"worker_id": "W-1", "name": "示例甲", "employer": "示例建设", "photos": "a.jpg"}
    assert row.number == 2


def test_utf_16_of_either_byte_order_is_read(tmp_path: Path) -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        assert read(tmp_path, ("\ufeff" + CHINESE).encode(encoding)).rows[0]["name"] == "示例甲"


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_is_known_by_its_names_in_any_case(tmp_path: Path, column: str) -> None:
    others = [name for name in ("worker_id", "name") if name != column]
    for header in (column, column.upper(), column.replace("_", " "), f' "{column}" ', *COLUMNS[column]):
        content = ",".join([header, *others]) + "\nvalue,x,y\n"
        assert read(tmp_path, content.encode()).rows[0][column] == "value"


def test_excel_quoting_is_undone(tmp_path: Path) -> None:
    content = 'sep=;\r\nworker_id;name;team\r\n="00123";"He said ""hi""; twice";\'007\r\n"W\n2";x;\r\n'
    first, second = read(tmp_path, content.encode()).rows
    assert first.cells == {"worker_id": "00123", "name": 'He said "hi"; twice', "team": "007"}
    assert (first.number, second.number) == (3, 4)
    assert second["worker_id"] == "W\n2"


def test_empty_rows_are_skipped_and_the_others_keep_their_numbers(tmp_path: Path) -> None:
    rows = read(tmp_path, b"worker_id,name\n\nW-1,a\n,\nW-2\n").rows
    assert [(row.number, row["worker_id"], row["name"]) for row in rows] == [(3, "W-1", "a"), (5, "W-2", "")]


def test_cells_beyond_the_header_are_counted_and_unknown_columns_named(tmp_path: Path) -> None:
    file = read(tmp_path, "worker_id,name,备注\nW-1,a,x\nW-2,b,x,y,\n".encode())
    assert [row.surplus for row in file.rows] == [0, 1]
    assert file.ignored == ("备注",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"name,team\na,b\n", "worker_id"),
        (b"worker_id\nW-1\n", "姓名"),
        ("worker_id,name,姓名\n1,a,b\n".encode(), "twice"),
        (b"\xd0\xcf\x11\xe0", "password"),
        (b"PK\x03\x04 a workbook", "Excel workbook"),
        (b"worker_id,name\nW-1,\xff\xff\xff", "UTF-8"),
        ("worker_id,name\n".encode("utf-16-le"), "no text"),
        (b"\xff\xfe\x00", "UTF-16"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_roster_says_why(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(RosterFileUnusable, match=said) as refused:
        read(tmp_path, content)
    assert refused.value.next_step


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(RosterFileUnusable, match="No such file"):
        read_roster_file(tmp_path / "none.csv")


CELL = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8).filter(
    lambda cell: not cell.strip().startswith(("'", '="'))
)
"""Cells without the signs by which Excel is told to keep leading zeros: those are taken off."""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=5),
    delimiter=st.sampled_from(DELIMITERS),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_the_csv_module_writes_is_read_back(
    tmp_path: Path, cells: list[tuple[str, str]], delimiter: str, encoding: str
) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows([("worker_id", "name"), *cells])
    rows = read(tmp_path, buffer.getvalue().encode(encoding)).rows
    filled = [(first.strip(), second.strip()) for first, second in cells if first.strip() or second.strip()]
    assert [(row["worker_id"], row["name"]) for row in rows] == filled


def test_a_row_with_broken_quotes_is_named_by_its_line_and_the_others_are_read(tmp_path: Path) -> None:
    content = b'worker_id,name,team\nW-1,a,x\nW-2,"open,y\nW-3,c,z\nW-4,"d"e,z\nW-5,"two\nlines",z\nW-6,f,z\n'
    rows = read(tmp_path, content).rows
    assert [(row.number, row["worker_id"], bool(row.problem)) for row in rows] == [
        (2, "W-1", False),
        (3, "W-2", True),
        (4, "W-3", False),
        (5, "W-4", True),
        (6, "W-5", False),
        (7, "W-6", False),
    ]
    assert "line 3" in rows[1].problem
    assert rows[4]["name"] == "two\nlines"


def test_the_rest_of_a_cell_with_broken_quotes_is_never_taken_for_a_worker(tmp_path: Path) -> None:
    content = b'worker_id,name,team\nW-1,"a\nW-9,x\n"b"c,d\nW-2,b,y\n'
    rows = read(tmp_path, content).rows
    assert [row["worker_id"] for row in rows if not row.problem] == ["W-2"]


def test_a_title_above_the_header_is_passed_over(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "示例工地花名册,,\n\n工号;姓名;班组\nW-1;示例甲;一班\n".encode()).rows
    assert (row.number, row["team"]) == (4, "一班")


def test_more_rows_than_a_roster_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("enroll.roster_file.MAX_ROWS", 3)
    assert len(read(tmp_path, b"worker_id,name\n" + b"W-1,a\n" * 3).rows) == 3
    with pytest.raises(RosterFileUnusable, match="more than 3 rows"):
        read(tmp_path, b"worker_id,name\n" + b"W-1,a\n" * 4)
