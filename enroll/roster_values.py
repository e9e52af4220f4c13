"""Cells of a roster row → values of a worker record. Pure: text in, values out, or `RowRefused`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from enroll.errors import RowRefused
from enroll.roster_file import RosterRow
from sync.people import FILE_FLAG_ID
from sync.records import Clearance, Flag, FlagLevel, Worker, WorkerStatus

STATUS_WORDS: Mapping[str, WorkerStatus] = {
    **{status.value: status for status in WorkerStatus},
    "在场": WorkerStatus.ACTIVE,
    "禁入": WorkerStatus.BLOCKED,
    "离场": WorkerStatus.LEFT,
}
FLAG_WORDS: Mapping[str, FlagLevel] = {
    **{level.value: level for level in FlagLevel},
    "禁止": FlagLevel.BLOCK,
    "暂缓": FlagLevel.HOLD,
    "提醒": FlagLevel.NOTIFY,
}

CORRECT_ROW = "Correct the row in the file and import it again; the other rows are not affected."

_FULL_WIDTH = {0xFF01 + step: 0x21 + step for step in range(94)} | {0x3000: 0x20}
_LINE_BREAK = re.compile(r"[\r\n\v\f\u2028\u2029]")
_TEXT_COLUMNS = ("name", "employer", "team", "trade", "phone")
_LIST_SEPARATOR = re.compile(r"[;；]")
_LOCAL_TIME = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?", re.ASCII
)

Word = TypeVar("Word")


def listed(cell: str) -> tuple[str, ...]:
    """The entries of a cell that holds several, separated by semicolons."""
    return tuple(part.strip() for part in _LIST_SEPARATOR.split(cell) if part.strip())


def plain_width(text: str) -> str:
    """Full-width digits, letters and signs, which Chinese keyboards also make, as plain ones."""
    return text.translate(_FULL_WIDTH).strip()


def worker_from(
    row: RosterRow, known: Worker | None, *, site_id: str, zone: ZoneInfo, training_kind: str
) -> Worker:
    """The worker that a row describes, on top of what is `known` of that worker.

    A column that the file does not have leaves the known value; an empty cell clears it. Flags and
    clearances that do not come from roster files stay: a later import replaces `FILE_FLAG_ID` only.

    Raises:
        RowRefused: a value that does not fit; the message names the column.
    """
    _require_usable(row)
    cells = row.cells
    values: dict[str, Any] = dict(known) if known else {"site_ids": (site_id,)}
    values["worker_id"] = plain_width(row["worker_id"])
    values.update({column: cells[column] for column in _TEXT_COLUMNS if column in cells})
    if "phone" in cells:
        values["phone"] = plain_width(cells["phone"])
    if "site_ids" in cells:
        values["site_ids"] = listed(cells["site_ids"]) or (site_id,)
    if "status" in cells:
        values["status"] = cell_word(row, "status", STATUS_WORDS) or WorkerStatus.ACTIVE
    for column in ("grant_from", "grant_until"):
        if column in cells:
            values[column] = _instant(row, column, zone)
    if "training_until" in cells:
        values["clearances"] = _with_training(values, _instant(row, "training_until", zone), training_kind)
    if "flag" in cells:
        values["flags"] = _with_flag(values, row)
    try:
        worker = Worker.model_validate(values)
    except ValidationError as error:
        raise RowRefused(
            "; ".join(f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors()),
            next_step="Correct the cell; docs/roster.md says what each column takes.",
        ) from error
    if worker.grant_from and worker.grant_until and worker.grant_from >= worker.grant_until:
        raise RowRefused("grant_until lies before grant_from", next_step="Correct one of the two dates.")
    return worker


def parse_instant(text: str, zone: ZoneInfo, *, until: bool) -> datetime:
    """`YYYY-MM-DD`, with a time if wanted, in the site's time zone unless it names an offset of its own.

    A date alone is its first instant; with `until` the first instant after that day, so that the day
    itself still counts.

    Raises:
        ValueError: no such date.
    """
    if not (parts := _LOCAL_TIME.fullmatch(text)):
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)
    day = date(*(int(part) for part in parts.groups()[:3]))
    if parts.group(4) is None:
        return datetime.combine(day + timedelta(days=1) if until else day, time(), tzinfo=zone)
    hour, minute, second = (int(part or 0) for part in parts.groups()[3:])
    return datetime.combine(day, time(hour, minute, second), tzinfo=zone)


def last_day(until: datetime, zone: ZoneInfo) -> date:
    """The last day on which something counts that ends with `until`, the first instant that does not."""
    return (until - timedelta(microseconds=1)).astimezone(zone).date()


def _require_usable(row: RosterRow) -> None:
    if row.problem:
        raise RowRefused(row.problem, next_step=CORRECT_ROW)
    if not row["worker_id"]:
        raise RowRefused("the worker number is empty", next_step="Give every worker a number of their own.")
    if row.surplus:
        raise RowRefused(
            "the row has more cells than the header has columns",
            next_step="Put a cell that holds the delimiter into quotes.",
        )
    if _LINE_BREAK.search(row["name"]):
        raise RowRefused(
            "the name holds a line break",
            next_step="Write it in one line; look for a quote that is not closed.",
        )


def _instant(row: RosterRow, column: str, zone: ZoneInfo) -> datetime | None:
    if not row[column]:
        return None
    try:
        return parse_instant(plain_width(row[column]), zone, until=column.endswith("_until"))
    except (ValueError, OverflowError) as error:
        raise RowRefused(
            f"{column}: {row[column]!r} is no date",
            next_step="Write YYYY-MM-DD, with a time if needed: 2026-03-31 or 2026-03-31 18:00.",
        ) from error


def cell_word(row: RosterRow, column: str, words: Mapping[str, Word]) -> Word | None:
    """What a word in a cell means, in any case and width; None for an empty cell.

    Raises:
        RowRefused: none of the words.
    """
    text = plain_width(row[column]).casefold()
    if text and text not in words:
        raise RowRefused(
            f"{column}: {row[column]!r} is unknown", next_step=f"Use one of: {', '.join(words)}."
        )
    return words.get(text)


def _with_training(
    values: Mapping[str, Any], until: datetime | None, training_kind: str
) -> tuple[Clearance, ...]:
    others = tuple(one for one in values.get("clearances", ()) if one.kind != training_kind)
    return (*others, Clearance(kind=training_kind, valid_until=until)) if until else others


def _with_flag(values: Mapping[str, Any], row: RosterRow) -> tuple[Flag, ...]:
    others = tuple(one for one in values.get("flags", ()) if one.flag_id != FILE_FLAG_ID)
    level = cell_word(row, "flag", FLAG_WORDS)
    if level is None:
        return others
    return (*others, Flag(flag_id=FILE_FLAG_ID, level=level, reason=row["flag_reason"]))
