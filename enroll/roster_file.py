"""Reading a roster CSV of whatever encoding, delimiter and header language into rows of plain cells.

The columns are documented in docs/roster.md.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from enroll.errors import RosterFileUnusable

MAX_FILE_BYTES = 64_000_000
"""A row has some hundred bytes: a hundred times the largest roster a gate holds."""

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
}
"""Column name and the other headers it is known by."""

REQUIRED = ("worker_id", "name")

DELIMITERS = (",", ";", "\t")
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_EXCEL_TEXT = re.compile(r'="(.*)"', re.DOTALL)
_SAVE_AS_CSV = "In Excel: File, Save As, “CSV UTF-8 (comma delimited)”."


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One row: its number as a spreadsheet shows it (the header is row 1), and its cells by column.

    A column that the file does not have is not in `cells`; an empty cell is "". `surplus` counts filled
    cells beyond the last header.
    """

    number: int
    cells: dict[str, str]
    surplus: int = 0

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True)
class RosterFile:
    """All rows of one file; `ignored` are headers that mean nothing here."""

    path: Path
    rows: tuple[RosterRow, ...]
    ignored: tuple[str, ...] = field(default=())


def read_roster_file(path: Path) -> RosterFile:
    """Read a CSV file: UTF-8 with or without BOM, UTF-16 with BOM, or GB18030; comma, semicolon or tab.

    Raises:
        RosterFileUnusable: no such file, no text, no header with the required columns, broken quoting.
    """
    text = _decode(path, _read(path))
    separator = _SEPARATOR_LINE.match(text)
    records = list(_records(path, text, separator.group(1) if separator else _delimiter(text)))
    skipped = 1 if separator else 0
    if len(records) <= skipped:
        raise RosterFileUnusable(f"{path} is empty", next_step="The first row names the columns.")
    header = [_column(cell) for cell in records[skipped]]
    _check_header(path, header)
    rows = tuple(
        RosterRow(
            number=number,
            cells={
                column: _text(cell)
                for column, cell in zip(header, [*record, *[""] * len(header)], strict=False)
                if column in COLUMNS
            },
            surplus=sum(bool(cell.strip()) for cell in record[len(header) :]),
        )
        for number, record in enumerate(records[skipped + 1 :], start=skipped + 2)
        if any(cell.strip() for cell in record)
    )
    ignored = tuple(column for column in header if column and column not in COLUMNS)
    return RosterFile(path, rows, ignored)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise RosterFileUnusable(
                f"{path} is larger than {MAX_FILE_BYTES // 10**6} MB", next_step="Split the file."
            )
        return path.read_bytes()
    except OSError as error:
        if isinstance(error, RosterFileUnusable):
            raise
        raise RosterFileUnusable(
            f"{path} cannot be read: {error.strerror}", next_step="Check the path and its permissions."
        ) from error


def _decode(path: Path, raw: bytes) -> str:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    elif raw.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise RosterFileUnusable(f"{path} is an Excel workbook, not a CSV file", next_step=_SAVE_AS_CSV)
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
    """The one that makes most known columns of the header."""
    header = text.lstrip("\r\n").splitlines()[:1] or [""]
    known = {
        delimiter: sum(_column(cell) in COLUMNS for cell in header[0].split(delimiter))
        for delimiter in DELIMITERS
    }
    return max(DELIMITERS, key=lambda delimiter: known[delimiter])


def _records(path: Path, text: str, delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise RosterFileUnusable(
            f"{path}, line {reader.line_num}: {error}",
            next_step='Close every quoted cell; a quote inside one is written twice ("").',
        ) from error


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
