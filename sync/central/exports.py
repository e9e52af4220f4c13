"""Rows to CSV and XLSX, a piece at a time: a million rows never stand in memory.

What people typed (names, teams, notes) may begin like a formula; a spreadsheet must show it, not run it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, tzinfo
from io import StringIO
from tempfile import SpooledTemporaryFile

Cell = str | int | float | bool | date | datetime | None
"""A time must be naive: the wall clock of the site, as a person reads it."""

CSV_TYPE = "text/csv; charset=utf-8"
JSON_TYPE = "application/json; charset=utf-8"
PDF_TYPE = "application/pdf"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

XLSX_SHEET_ROWS = 1_000_000
"""Below the format's limit of 1,048,576 rows with the heading; more rows go on in another sheet."""

_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
"""OWASP, CSV Injection: full-width forms included, which Chinese spreadsheets take as well."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that XML 1.0 cannot hold."""

_ROWS_PER_PIECE = 500
_FILE_PIECE_BYTES = 64 * 1024
_IN_MEMORY_BYTES = 4 * 1024 * 1024


def wall(at: datetime | None, zone: tzinfo) -> datetime | None:
    """The wall clock of `zone` to the second, as a `Cell`; an empty one for what never was."""
    return None if at is None else at.astimezone(zone).replace(tzinfo=None, microsecond=0)


def csv_pieces(heading: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """UTF-8 with a byte order mark (without it a spreadsheet garbles Chinese), CRLF lines."""
    text = StringIO()
    writer = csv.writer(text)
    text.write("\ufeff")
    writer.writerow([_for_csv(name) for name in heading])
    for number, row in enumerate(rows, start=1):
        writer.writerow([_for_csv(cell) for cell in row])
        if number % _ROWS_PER_PIECE == 0:
            yield _taken(text)
    yield _taken(text)


def xlsx_pieces(heading: Sequence[str], rows: Iterable[Sequence[Cell]], *, title: str) -> Iterator[bytes]:
    """A workbook, written row by row to a temporary file (a zip ends with its index) and sent from it."""
    from openpyxl import Workbook  # noqa: PLC0415 - loaded only for an export
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415

    book = Workbook(write_only=True)
    sheet = None
    for number, row in enumerate(rows):
        if number % XLSX_SHEET_ROWS == 0:
            sheet = book.create_sheet(f"{title} {number // XLSX_SHEET_ROWS + 1}")
            sheet.freeze_panes = "A2"
            sheet.append([_plain(name) for name in heading])
        cells = []
        for value in row:
            cell = WriteOnlyCell(sheet, _plain(value))
            if isinstance(value, str):
                # openpyxl takes text that begins with "=" for a formula; as a string it is shown as it is.
                cell.data_type = "s"
            cells.append(cell)
        assert sheet is not None  # noqa: S101 - row 0 made it
        sheet.append(cells)
    if sheet is None:
        book.create_sheet(f"{title} 1").append([_plain(name) for name in heading])
    with SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as file:
        book.save(file)
        file.seek(0)
        while piece := file.read(_FILE_PIECE_BYTES):
            yield piece


def _taken(text: StringIO) -> bytes:
    piece = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return piece


def _for_csv(cell: Cell) -> str | int | float | None:
    if isinstance(cell, bool):
        return int(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, str):
        plain = _CONTROL.sub("", cell)
        return f"'{plain}" if plain.lstrip(" ").startswith(_FORMULA_STARTS) else plain
    return cell


def _plain(cell: Cell) -> Cell:
    return _CONTROL.sub("", cell) if isinstance(cell, str) else cell
