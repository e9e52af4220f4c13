"""Rows of an XLSX workbook as text, the way a person reads them: dates, leading zeros, merged cells."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from io import BytesIO
from pathlib import Path
from typing import Any, cast
from xml.etree.ElementTree import ParseError, iterparse

from sync.errors import SyncError

MAX_UNPACKED_BYTES = 400_000_000
"""A workbook is a zip: a million rows of 5 cells, all that a sheet holds, unpack to about 300 MB."""

MAX_MERGED = 20_000
"""Merged ranges that are looked at."""

EXACT_BELOW = 10**15
"""Excel keeps 15 digits of a number; the rest of a longer one was lost when it was typed."""

_ZERO_FORMAT = re.compile(r"0+")
_SAVE_AGAIN = "Open it in Excel or WPS and save it as “Excel Workbook (.xlsx)”."
_NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


class WorkbookUnusable(SyncError, ValueError):
    """No workbook, or one of which no row can be read."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row as text; `problem`: why it cannot be used, `remark`: what a person may want to know."""

    number: int
    cells: list[str]
    problem: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class _Layout:
    """What stands behind the cells of a sheet. `copies`: row → column → the cell whose value shows there."""

    hidden: frozenset[int]
    copies: dict[int, dict[int, tuple[int, int]]]


def read_workbook(path: Path, raw: bytes, sheet: str) -> tuple[tuple[str, ...], str, Iterator[SheetRow]]:
    """All sheet names, the one that is read, and its rows; `sheet` empty: the first that is not hidden.

    Only values count: a formula gives what it last showed.

    Raises:
        WorkbookUnusable: no workbook, one too large to unpack, or no such sheet.
    """
    from openpyxl import load_workbook  # noqa: PLC0415 - a CSV needs none of it
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    _check_size(path, raw)
    try:
        book = load_workbook(BytesIO(raw), read_only=True, data_only=True, keep_links=False)
        visible = [one for one in book.worksheets if one.sheet_state == "visible"]
        names = tuple(one.title for one in visible)
        if sheet and sheet not in names:
            raise WorkbookUnusable(
                f"{path} has no sheet {sheet}", next_step=f"It has: {', '.join(names)} (--sheet)."
            )
        chosen = next((one for one in visible if one.title == sheet or not sheet), None)
        if chosen is None:
            raise WorkbookUnusable(f"{path} has no sheet to read", next_step=_SAVE_AGAIN)
        layout = _layout(raw, chosen._worksheet_path)
    except (InvalidFileException, zipfile.BadZipFile, ParseError, KeyError, ValueError, OSError) as error:
        if isinstance(error, WorkbookUnusable):
            raise
        raise _damaged(path) from error
    return names, chosen.title, _rows(path, chosen, layout)


def _check_size(path: Path, raw: bytes) -> None:
    try:
        with zipfile.ZipFile(BytesIO(raw)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise _damaged(path) from error
    if size > MAX_UNPACKED_BYTES:
        raise WorkbookUnusable(
            f"{path} unpacks to {size // 10**6} MB, more than any list of people has",
            next_step="Keep only the list in the workbook, without pictures.",
        )


def _layout(raw: bytes, part: str) -> _Layout:
    """openpyxl does not tell these when it reads row by row, so they are taken from the XML."""
    from openpyxl.utils.cell import range_boundaries  # noqa: PLC0415

    hidden: set[int] = set()
    copies: dict[int, dict[int, tuple[int, int]]] = {}
    merged = 0
    with zipfile.ZipFile(BytesIO(raw)) as archive, archive.open(part) as file:
        # The size was checked, and expat itself refuses entities that multiply (since 2.4.1).
        for _, element in iterparse(file, events=("end",)):  # noqa: S314
            if element.tag == f"{_NAMESPACE}row":
                if element.get("hidden") in ("1", "true"):
                    hidden.add(int(element.get("r", "0")))
                element.clear()
            elif element.tag == f"{_NAMESPACE}mergeCell" and merged < MAX_MERGED:
                merged += 1
                left, top, right, bottom = cast(
                    "tuple[int, int, int, int]", range_boundaries(element.get("ref", ""))
                )
                # Cells below a merged one show its value; those beside it belong to a title and stay empty.
                if left == right:
                    for row in range(top + 1, min(bottom, top + MAX_MERGED) + 1):
                        copies.setdefault(row, {})[left] = (top, left)
    return _Layout(frozenset(hidden), copies)


def _rows(path: Path, sheet: Any, layout: _Layout) -> Iterator[SheetRow]:
    shown: dict[tuple[int, int], str] = {}
    sources = {source for row in layout.copies.values() for source in row.values()}
    # What a program wrote about the size of a sheet is often wrong.
    sheet.reset_dimensions()
    try:
        for number, cells in enumerate(sheet.iter_rows(), start=1):
            texts: list[str] = []
            problems: list[str] = []
            for column, cell in enumerate(cells, start=1):
                text, problem = _shown(cell)
                if (number, column) in sources:
                    shown[number, column] = text
                texts.append(text)
                if problem:
                    problems.append(f"cell {cell.coordinate}: {problem}")
            for column, source in layout.copies.get(number, {}).items():
                texts += [""] * (column - len(texts))
                texts[column - 1] = texts[column - 1] or shown.get(source, "")
            remark = "the row is hidden in the sheet" if number in layout.hidden else ""
            yield SheetRow(number, texts, "; ".join(problems), remark)
    except (zipfile.BadZipFile, ParseError, KeyError, ValueError, OSError, EOFError) as error:
        raise _damaged(path) from error


def _shown(cell: Any) -> tuple[str, str]:
    """The text of a cell, and why it cannot be trusted."""
    value = cell.value
    if value is None:
        return "", ""
    if cell.data_type == "e":
        return "", f"the formula shows {value}"
    if isinstance(value, bool):
        return str(value).upper(), ""
    if isinstance(value, (int, float)):
        return _number(value, str(cell.number_format))
    if isinstance(value, datetime):
        return (str(value.date()) if value.time() == time() else value.isoformat(" ", "seconds")), ""
    return (value.isoformat() if isinstance(value, (date, time)) else str(value)), ""


def _number(value: float, number_format: str) -> tuple[str, str]:
    if abs(value) >= EXACT_BELOW:
        return str(value), "Excel keeps 15 digits of a number; format the cell as text and type it again"
    if value != int(value):
        return repr(value), ""
    digits = str(int(value))
    # A number shown as 00123 is meant so.
    return (digits.zfill(len(number_format)) if _ZERO_FORMAT.fullmatch(number_format) else digits), ""


def _damaged(path: Path) -> WorkbookUnusable:
    return WorkbookUnusable(
        f"{path} is no Excel workbook that can be read: damaged, or another kind of zip file",
        next_step=_SAVE_AGAIN,
    )
