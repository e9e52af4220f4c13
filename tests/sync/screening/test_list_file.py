"""Lists as offices send them: whatever encoding, broken rows reported, the others read."""

from __future__ import annotations

from datetime import UTC, date, datetime
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from openpyxl import Workbook

from sync.records import FlagLevel
from sync.screening.entries import ListEntry, RowProblem, entry_of
from sync.screening.list_file import ListUnusable, read_list
from tests.sync.people_samples import A_RESIDENT_NUMBER

TODAY = date(2026, 1, 1)


def read(raw: bytes | str) -> list[ListEntry | RowProblem]:
    opened = read_list("list.csv", raw.encode() if isinstance(raw, str) else raw)
    return [entry_of(row, today=TODAY) for row in opened.rows]


def entry(**cells: str) -> ListEntry:
    (one,) = read(f"{','.join(cells)}\n{','.join(cells.values())}\n")
    assert isinstance(one, ListEntry), one
    return one


def problem(**cells: str) -> str:
    (one,) = read(f"{','.join(cells)}\n{','.join(cells.values())}\n")
    assert isinstance(one, RowProblem), one
    return one.problem


def test_a_file_may_change_its_encoding_on_the_way() -> None:
    raw = "姓名,出生日期\n示例甲,1990-01-01\n".encode() + "示例乙,1991-02-03\n".encode("gb18030")
    opened = read_list("list.csv", raw)
    assert [row["name"] for row in opened.rows] == ["示例甲", "示例乙"]
    assert opened.encodings == {"utf-8": 2, "gb18030": 1}


def test_chinese_that_could_by_chance_be_greek_stays_chinese() -> None:
    name = "模模"
    assert name.encode("gb18030").decode() != name  # valid UTF-8, of other letters
    raw = "姓名,电话\n".encode("gb18030") + f"{name},13800000001\n".encode("gb18030")
    assert [row["name"] for row in read_list("list.csv", raw).rows] == [name]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_any_usual_encoding_and_delimiter_is_read_below_a_title(encoding: str) -> None:
    raw = "重点人员\n\n姓名\t手机号\n示例甲\t138 0000 0001\n".encode(encoding)
    (row,) = read_list("list.csv", raw).rows
    assert (row["name"], row["phone"], row.number) == ("示例甲", "138 0000 0001", 4)


def test_broken_rows_are_reported_by_number_and_cost_no_other() -> None:
    raw = (
        "name,phone\n"
        "甲,13800000001\n"
        '"乙,13800000002\n'  # a quote that is not closed
        "丙,13800000003,extra\n"
        "丁,12\n".encode()
        + b"\xff\xff\xff,13800000005\n"
        + "己,13800000006\n".encode()
    )
    found = read(raw)
    assert [one.row for one in found if isinstance(one, ListEntry)] == [2, 7]
    assert [one.row for one in found if isinstance(one, RowProblem)] == [3, 4, 5, 6]


def test_a_file_without_a_header_or_table_is_refused_with_the_next_step() -> None:
    for raw in (
        b"",
        b"a,b\n1,2\n",
        b"birth_date\n1990-01-01\n",
        b"phone,phone\n1,2\n",
        b"x\0y",
        b"PK\x03\x04x",
    ):
        with pytest.raises(ListUnusable) as refused:
            read(raw)
        assert refused.value.next_step


def test_a_workbook_is_read_and_a_number_that_excel_cut_off_is_reported() -> None:
    book = Workbook()
    book.active.append(["证件号码", "类别"])
    book.active.append([A_RESIDENT_NUMBER, "示例"])
    book.active.append([110105194912310021, "示例"])
    stream = BytesIO()
    book.save(stream)
    good, bad = read(stream.getvalue())
    assert isinstance(good, ListEntry)
    assert good.number == A_RESIDENT_NUMBER
    assert isinstance(bad, RowProblem)
    assert "15 digits" in bad.problem


@pytest.mark.parametrize(
    "written",
    ["１１０１０５１９４９１２３１００２ｘ", "110105 19491231 002x", "110105491231002"],
)
def test_a_number_is_the_same_however_it_is_written(written: str) -> None:
    one = entry(document_number=written)
    assert one.number == A_RESIDENT_NUMBER
    assert one.birth_date == date(1949, 12, 31)


def test_a_number_with_a_slip_is_kept_for_near_matches_only() -> None:
    one = entry(document_number="110105194912310021")
    assert (one.number, one.near_form, one.is_checked) == ("", "110105194912310021", False)
    assert one.remark


def test_a_number_that_no_slip_explains_is_reported_without_being_repeated() -> None:
    said = problem(document_number="1101051949123100", document_type="身份证")
    assert "16 characters" in said
    assert "1101051949123100" not in said


@pytest.mark.parametrize(
    ("written", "number"),
    [("e12345678", "E12345678"), ("H1234567801", "H12345678"), ("０１２３４５６７", "01234567")],
)
def test_other_papers_are_known_by_their_shape(written: str, number: str) -> None:
    one = entry(document_number=written)
    assert (one.number, one.near_form, one.is_checked) == (number, number, False)


def test_telephones_names_and_dates_have_one_spelling() -> None:
    assert entry(phone="+86 138-0000-0001").phone == "13800000001"
    assert entry(phone="００８６" + "１３８００００" + "０００１").phone == "13800000001"
    one = entry(name="Ａ 示例·甲", birth_date="1990年1月2日")
    assert (one.name, one.birth_date) == ("a示例甲", date(1990, 1, 2))
    assert problem(name="示例甲", birth_date="1990-13-02") == "birth date: no day like 2026-01-31"
    assert "neither" in problem(name="示例甲", birth_date="")


def test_a_row_has_terms_of_its_own_and_its_last_day_is_included() -> None:
    cells = {"phone": "13800000001", "level": "禁止", "valid_until": "2026-03-01"}
    opened = read_list("list.csv", f"{','.join(cells)}\n{','.join(cells.values())}\n".encode())
    (one,) = (entry_of(row, today=TODAY, zone=ZoneInfo("Asia/Shanghai")) for row in opened.rows)
    assert isinstance(one, ListEntry)
    assert one.level is FlagLevel.BLOCK
    assert one.valid_until == datetime(2026, 3, 1, 16, tzinfo=UTC)
    assert "level" in problem(phone="13800000001", level="sometimes")
    assert problem(phone="13800000001", valid_from="2026-03-01", valid_until="2026-02-01")


def test_days_at_the_ends_of_the_calendar_cost_no_other_row() -> None:
    """`9999-12-31` is how registers write that something never ends."""
    zone = ZoneInfo("Asia/Shanghai")
    text = "phone,valid_from,valid_until\n13800000001,,99991231\n13800000002,0001-01-01,\n"
    endless, ancient = (
        entry_of(row, today=TODAY, zone=zone) for row in read_list("list.csv", text.encode()).rows
    )
    assert isinstance(endless, ListEntry) and endless.valid_until is None
    assert isinstance(ancient, RowProblem) and ancient.problem == "valid_from: no day like 2026-01-31"
