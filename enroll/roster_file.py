"""Reading a roster, CSV of whatever encoding and delimiter or XLSX, into rows of plain cells.

The columns are documented in docs/roster.md.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from enroll.errors import RosterFileUnusable
from sync.workbook import SheetRow, WorkbookUnusable, read_workbook

MAX_FILE_BYTES = 64_000_000
"""A row has some hundred bytes: a hundred times the largest roster a gate holds."""

MAX_ROWS = 60_000
"""Twice the largest roster a gate holds; bounds the memory that a file can take."""

MAX_LINES_PER_ROW = 50
"""A quoted cell may hold line breaks, but hardly so many: more is a quote that was never closed."""

HEADER_WITHIN = 10
"""Titles and remarks may stand above the header, but not more of them."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "worker_id": ("工号",),
    "name": ("姓名",),
    "employer": ("单位",),
    "team": ("班组",),
    "trade": ("工种",),
    "phone": ("电话",),
    "site_ids": ("工地",),
    "status": ("状态",),
    "grant_from": ("有效期起",),
    "grant_until": ("有效期止",),
    "training_until": ("培训有效期",),
    "flag": ("标记",),
    "flag_reason": ("标记原因",),
    "photos": ("照片",),
    "document_type": ("证件类型",),
    "document_number": ("证件号码", "证件号", "身份证号", "身份证号码", "公民身份号码"),
    "birth_date": ("出生日期",),
    "sex": ("性别",),
    "address": ("住址",),
    "consent_on": ("人脸同意日期",),
    "consent_version": ("同意书版本",),
}
"""Column name and the other headers it is known by."""

REQUIRED = ("worker_id", "name")

DELIMITERS = (",", ";", "\t")
_WORKBOOK_MAGIC = b"PK\x03\x04"
_OLD_OFFICE_MAGIC = b"\xd0\xcf\x11\xe0"
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_EXCEL_TEXT = re.compile(r'="(.*)"', re.DOTALL)
_SAVE_AS_CSV = "In Excel: File, Save As, “CSV UTF-8 (comma delimited)”."


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One row: its number as a spreadsheet shows it (the header is row 1), and its cells by column.

    A column that the file does not have is not in `cells`; an empty cell is "". `surplus` counts filled
    cells beyond the last header. `problem` says why the row cannot be read, `remark` what else is to know.
    """

    number: int
    cells: dict[str, str]
    surplus: int = 0
    problem: str = ""
    remark: str = ""

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True)
class RosterFile:
    """All rows of one file; `ignored` are headers that mean nothing here.

    sha256  of the content: the same file is known again, whatever it is called
    sheets  of a workbook: all of them; `sheet` is the one that was read
    """

    path: Path
    rows: tuple[RosterRow, ...]
    ignored: tuple[str, ...] = field(default=())
    sha256: str = ""
    sheet: str = ""
    sheets: tuple[str, ...] = ()


def read_roster_file(path: Path, *, sheet: str = "") -> RosterFile:
    """Read XLSX, or CSV in UTF-8 with or without BOM, UTF-16 with BOM or GB18030; comma, semicolon or tab.

    sheet  of a workbook; empty: the first that is not hidden

    Raises:
        RosterFileUnusable: no such file, no table, no header with the required columns, too many rows.
    """
    try:
        with path.open("rb") as stream:
            return read_roster(path, stream, sheet=sheet)
    except OSError as error:
        if isinstance(error, RosterFileUnusable):
            raise
        raise RosterFileUnusable(
            f"{path} cannot be read: {error.strerror}", next_step="Check the path and its permissions."
        ) from error


def read_roster(path: Path, stream: BinaryIO, *, sheet: str = "") -> RosterFile:
    """The same from an open file; `path` only names it."""
    try:
        return _read(path, stream, sheet)
    except WorkbookUnusable as error:
        raise RosterFileUnusable(str(error), next_step=error.next_step) from error


def _read(path: Path, stream: BinaryIO, sheet: str) -> RosterFile:
    raw = stream.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise RosterFileUnusable(
            f"{path} is larger than {MAX_FILE_BYTES // 10**6} MB", next_step="Split the file."
        )
    sheets: tuple[str, ...] = ()
    if raw.startswith(_WORKBOOK_MAGIC):
        sheets, sheet, records = read_workbook(path, raw, sheet)
    else:
        sheet = ""
        records = _text_records(path, _decode(path, raw))
    header, body = _header(path, records)
    rows = []
    for record in body:
        if record.problem or any(cell.strip() for cell in record.cells):
            rows.append(_row(header, record))
        if len(rows) > MAX_ROWS:
            raise RosterFileUnusable(f"{path} has more than {MAX_ROWS} rows", next_step="Split the file.")
    ignored = tuple(column for column in header if column and column not in COLUMNS)
    return RosterFile(path, tuple(rows), ignored, hashlib.sha256(raw).hexdigest(), sheet, sheets)


def _row(header: Sequence[str], record: SheetRow) -> RosterRow:
    padded = chain(record.cells, [""] * len(header))
    return RosterRow(
        number=record.number,
        cells={
            column: _text(cell) for column, cell in zip(header, padded, strict=False) if column in COLUMNS
        },
        surplus=sum(bool(cell.strip()) for cell in record.cells[len(header) :]),
        problem=record.problem,
        remark=record.remark,
    )


def _header(path: Path, records: Iterator[SheetRow]) -> tuple[list[str], Iterator[SheetRow]]:
    """The columns, and the rows below them; a title may stand above."""
    first: list[str] | None = None
    for record in islice(records, HEADER_WITHIN):
        columns = [_column(cell) for cell in record.cells]
        if first is None:
            first = columns
        if set(REQUIRED) <= set(columns):
            _check_header(path, columns)
            return columns, records
    if not first:
        raise RosterFileUnusable(f"{path} is empty", next_step="The first row names the columns.")
    _check_header(path, first)
    return first, records


def _decode(path: Path, raw: bytes) -> str:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    elif raw.startswith(_OLD_OFFICE_MAGIC):
        raise RosterFileUnusable(
            f"{path} is an Excel workbook of before 2007, or one with a password",
            next_step="In Excel: take the password off, then File, Save As, “Excel Workbook (.xlsx)”.",
        )
    elif b"\0" in raw:
        raise RosterFileUnusable(f"{path} is no text file", next_step=_SAVE_AS_CSV)
    else:
        # GB18030 accepts almost any bytes, so it comes last; it is what Excel writes in China.
        encodings = ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise RosterFileUnusable(
        f"{path} is neither UTF-8 nor GB18030 nor UTF-16 with a byte order mark", next_step=_SAVE_AS_CSV
    )


def _delimiter(text: str) -> str:
    """The one that makes most known columns of the first lines."""
    lines = list(islice(io.StringIO(text), HEADER_WITHIN))
    known = {
        delimiter: max(
            (sum(_column(cell) in COLUMNS for cell in line.split(delimiter)) for line in lines), default=0
        )
        for delimiter in DELIMITERS
    }
    return max(DELIMITERS, key=lambda delimiter: known[delimiter])


def _text_records(path: Path, text: str) -> Iterator[SheetRow]:
    """Records of a CSV text, numbered as a spreadsheet does."""
    if not text.strip():
        raise RosterFileUnusable(f"{path} is empty", next_step="The first row names the columns.")
    separator = _SEPARATOR_LINE.match(text)
    lines = list(io.StringIO(text, newline=""))
    first = 1 if separator else 0
    delimiter = separator.group(1) if separator else _delimiter(text)
    return _quoted_records(lines, delimiter, first)


def _quoted_records(lines: list[str], delimiter: str, at: int) -> Iterator[SheetRow]:
    """A line whose quotes are broken is a row with a problem; reading goes on behind it.

    After one, rows are trusted again from the first with as many cells as the header: what comes before may
    be the rest of a cell.
    """
    number = at
    width: int | None = None
    in_doubt = False
    while at < len(lines):
        number += 1
        reader = csv.reader(islice(lines, at, at + MAX_LINES_PER_ROW), delimiter=delimiter, strict=True)
        problem = ""
        record: list[str] = []
        try:
            record = next(reader)
        except csv.Error as error:
            problem = f"line {at + 1} cannot be read ({error}): a quote is not closed, or stands alone"
        if width is None and not problem and any(cell.strip() for cell in record):
            width = len(record)
        if problem:
            in_doubt = True
        elif in_doubt and len(record) != width and any(cell.strip() for cell in record):
            problem = f"line {at + 1} seems to be the rest of a row with broken quotes"
        elif record:
            in_doubt = False
        if problem:
            # Cut at every delimiter, so that the report can name the worker.
            yield SheetRow(number, lines[at].replace('"', "").rstrip("\r\n").split(delimiter), problem)
            at += 1
        else:
            yield SheetRow(number, record)
            at += reader.line_num


def _column(header: str) -> str:
    """The column that a header means, or the header itself."""
    plain = _text(header).strip('"').strip().casefold().replace(" ", "_")
    return next((name for name, aliases in COLUMNS.items() if plain == name or plain in aliases), plain)


def _check_header(path: Path, header: list[str]) -> None:
    missing = [f"{column} ({COLUMNS[column][0]})" for column in REQUIRED if column not in header]
    if missing:
        raise RosterFileUnusable(
            f"{path}: the first row names no column {' and no column '.join(missing)}",
            next_step=f"Columns are {', '.join(COLUMNS)}; see docs/roster.md.",
        )
    twice = sorted({column for column in header if column in COLUMNS and header.count(column) > 1})
    if twice:
        raise RosterFileUnusable(
            f"{path}: column {', '.join(twice)} stands there twice", next_step="Keep one of them."
        )


def _text(cell: str) -> str:
    """A cell without what people add so that Excel keeps leading zeros: ="00123" or '00123."""
    plain = cell.strip()
    if excel := _EXCEL_TEXT.fullmatch(plain):
        return excel.group(1).strip()
    return plain.removeprefix("'")
