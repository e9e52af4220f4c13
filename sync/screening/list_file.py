"""Reading a key-monitoring list, CSV or XLSX, row by row: a row that cannot be read costs no other.

Lists are put together from many offices' tables, so a file may change its encoding on the way: a text that
is not UTF-8 throughout is decoded line by line. One line is one row. Columns: docs/screening.md.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from sync.errors import SyncError
from sync.workbook import SheetRow, WorkbookUnusable, read_workbook

MAX_FILE_BYTES = 256_000_000
"""Three million rows of a name, a number, a telephone and a date."""

MAX_ROWS = 3_000_000
HEADER_WITHIN = 10
"""Titles and remarks may stand above the header, but not more of them."""

Columns = Mapping[str, tuple[str, ...]]

COLUMNS: Columns = {
    "name": ("姓名", "名字", "full_name"),
    "document_number": (
        "证件号码",
        "证件号",
        "身份证号",
        "身份证号码",
        "身份证",
        "公民身份号码",
        "id_number",
    ),
    "document_type": ("证件类型", "证件种类"),
    "phone": ("电话", "手机", "手机号", "手机号码", "联系电话", "电话号码", "mobile"),
    "birth_date": ("出生日期", "出生年月日", "生日", "born"),
    "category": ("类别", "人员类别"),
    "level": ("级别", "处置", "处置方式"),
    "valid_from": ("生效日期", "有效期起"),
    "valid_until": ("失效日期", "有效期止", "有效期至", "截止日期"),
}
"""Column name and the other headers it is known by."""

WHO = ("document_number", "phone", "birth_date")
"""A list names people by at least one of these; a birth date counts together with a name."""

DELIMITERS = (",", ";", "\t", "|")
_WORKBOOK_MAGIC = b"PK\x03\x04"
_OLD_OFFICE_MAGIC = b"\xd0\xcf\x11\xe0"
_SEPARATOR_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)
_EXCEL_TEXT = re.compile(r'="(.*)"')
_CJK = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")


class ListUnusable(SyncError, ValueError):
    """A file of which no row can be read as an entry of a list."""


@dataclass(frozen=True, slots=True)
class ListRow:
    """A row: its number as a spreadsheet shows it, its known cells, and why it cannot be read, if so."""

    number: int
    cells: dict[str, str]
    problem: str = ""

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True)
class ListFile:
    """An open list. `rows` can be gone through once; `encodings` fills meanwhile: encoding → lines."""

    rows: Iterator[ListRow]
    ignored: tuple[str, ...]
    encodings: Counter[str]


def read_list(name: str, raw: bytes, columns: Columns = COLUMNS) -> ListFile:
    """Open a list; `name` is what errors call it. `columns`: what may stand in it, as `COLUMNS`.

    Raises:
        ListUnusable: no table, or no header that says how people are named; from `rows` also: too many.
    """
    if len(raw) > MAX_FILE_BYTES:
        raise ListUnusable(
            f"{name} is larger than {MAX_FILE_BYTES // 10**6} MB", next_step="split the list into several"
        )
    encodings: Counter[str] = Counter()
    if raw.startswith(_WORKBOOK_MAGIC):
        try:
            records = read_workbook(Path(name), raw, "")[2]
        except WorkbookUnusable as error:
            raise ListUnusable(str(error), next_step=error.next_step) from error
    elif raw.startswith(_OLD_OFFICE_MAGIC):
        raise ListUnusable(
            f"{name} is an Excel workbook of before 2007, or one with a password",
            next_step="save it as “Excel Workbook (.xlsx)” without a password",
        )
    else:
        records = _text_records(_lines(name, raw, encodings), columns)
    header, body = _header(name, records, columns)
    ignored = tuple(column for column in header if column and column not in columns)
    return ListFile(_rows(name, header, body, columns), ignored, encodings)


def _rows(
    name: str, header: Sequence[str], records: Iterator[SheetRow], columns: Columns
) -> Iterator[ListRow]:
    count = 0
    known = [(at, column) for at, column in enumerate(header) if column in columns]
    try:
        for record in records:
            cells = record.cells
            if not record.problem and not any(cell.strip() for cell in cells):
                continue
            count += 1
            if count > MAX_ROWS:
                raise ListUnusable(f"{name} has more than {MAX_ROWS:,} rows", next_step="split the list")
            problem = record.problem
            if not problem and any(cell.strip() for cell in cells[len(header) :]):
                problem = f"more cells than the header has ({len(cells)} instead of {len(header)})"
            yield ListRow(
                record.number,
                {column: _text(cells[at]) for at, column in known if at < len(cells)},
                problem,
            )
    except WorkbookUnusable as error:
        raise ListUnusable(str(error), next_step=error.next_step) from error


def _header(name: str, records: Iterator[SheetRow], columns: Columns) -> tuple[list[str], Iterator[SheetRow]]:
    above = list(islice(records, HEADER_WITHIN))
    for at, record in enumerate(above):
        header = [_column(cell, columns) for cell in record.cells]
        if not set(WHO).isdisjoint(header):
            _check_header(name, header, columns)
            return header, chain(above[at + 1 :], records)
    raise ListUnusable(
        f"{name} has no header in its first {HEADER_WITHIN} rows that says how people are named",
        next_step="name a column 证件号码 document_number, 电话 phone, or 姓名 name and 出生日期 birth_date",
    )


def _check_header(name: str, header: Sequence[str], columns: Columns) -> None:
    if not {"document_number", "phone"} & set(header) and "name" not in header:
        raise ListUnusable(
            f"{name}: a birth date alone names nobody", next_step="add a column 姓名 (name) or 证件号码"
        )
    twice = sorted({column for column in header if column in columns and header.count(column) > 1})
    if twice:
        raise ListUnusable(
            f"{name}: column {', '.join(twice)} stands there twice", next_step="keep one of them"
        )


def _lines(name: str, raw: bytes, encodings: Counter[str]) -> Iterator[tuple[int, str | None]]:
    """Lines with their numbers from 1; None for one in no encoding that we know."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            text = raw.decode("utf-16")
        except UnicodeDecodeError as error:
            raise ListUnusable(f"{name} is damaged: no UTF-16", next_step="save it again as UTF-8") from error
        encodings["utf-16"] = 1
        yield from enumerate(io.StringIO(text), start=1)
        return
    if b"\0" in raw:
        raise ListUnusable(f"{name} is no text file", next_step="save it as CSV UTF-8 or as .xlsx")
    raw = raw.removeprefix(codecs.BOM_UTF8)
    try:
        raw.decode()
        is_utf8 = True
    except UnicodeDecodeError:
        is_utf8 = False
    for number, line in enumerate(io.BytesIO(raw), start=1):
        if is_utf8 or line.isascii():
            yield number, line.decode()
            continue
        encoding, decoded = _decoded(line)
        encodings[encoding] += 1
        yield number, decoded
    if is_utf8:
        encodings["utf-8"] = 1


def _decoded(line: bytes) -> tuple[str, str | None]:
    """The reading of one line of a file that is not UTF-8 as a whole.

    GB18030 accepts almost any bytes, so UTF-8 comes first. But two bytes of a Chinese character in GBK may by
    chance be a Greek or Cyrillic letter in UTF-8: who writes Chinese lists means the Chinese character.
    """
    readings: dict[str, str] = {}
    for encoding in ("utf-8", "gb18030"):
        try:
            readings[encoding] = line.decode(encoding)
        except UnicodeDecodeError:
            continue
    if not readings:
        return "unreadable", None
    if len(readings) == len(("utf-8", "gb18030")) and not _CJK.search(readings["utf-8"]):
        return "gb18030", readings["gb18030"]
    encoding = next(iter(readings))
    return encoding, readings[encoding]


def _text_records(lines: Iterable[tuple[int, str | None]], columns: Columns) -> Iterator[SheetRow]:
    above = list(islice(lines := iter(lines), HEADER_WITHIN))
    separator = _SEPARATOR_LINE.fullmatch(above[0][1] or "") if above else None
    if separator:
        above = above[1:]
    delimiter = separator[1] if separator else _delimiter([line or "" for _, line in above], columns)
    for number, text in chain(above, lines):
        if text is None:
            yield SheetRow(number, [], "neither UTF-8 nor GB18030: the bytes are damaged")
        elif '"' not in text:
            yield SheetRow(number, text.rstrip("\r\n").split(delimiter))
        else:
            yield _quoted(number, text, delimiter)


def _quoted(number: int, line: str, delimiter: str) -> SheetRow:
    try:
        return SheetRow(number, next(csv.reader([line], delimiter=delimiter, strict=True)))
    except csv.Error:
        return SheetRow(number, [], "a quote is not closed, stands alone, or a cell goes over several lines")


def _delimiter(lines: Sequence[str], columns: Columns) -> str:
    """The one that makes most known columns of the first lines."""

    def known(delimiter: str) -> int:
        return max(
            (sum(_column(cell, columns) in columns for cell in line.split(delimiter)) for line in lines),
            default=0,
        )

    return max(DELIMITERS, key=known)


def _column(header: str, columns: Columns) -> str:
    """The column that a header means, or the header itself."""
    plain = _text(header).strip('"').strip().casefold().replace(" ", "_")
    return next((name for name, aliases in columns.items() if plain == name or plain in aliases), plain)


def _text(cell: str) -> str:
    """A cell without what people add so that Excel keeps leading zeros: ="00123" or '00123."""
    plain = cell.strip()
    if excel := _EXCEL_TEXT.fullmatch(plain):
        return excel[1].strip()
    return plain.removeprefix("'")
