"""What a row of a laboratory's list says: who, when, which result. No message repeats a cell."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from sync.clearance_rules import YEARS, Kind, day_of, end_of_day
from sync.people import DocumentType
from sync.screening.entries import RowProblem, document_of, plain_name
from sync.screening.list_file import COLUMNS, Columns, ListRow

RESULT_COLUMNS: Columns = {
    **{name: COLUMNS[name] for name in ("name", "document_number", "document_type", "valid_until")},
    "result": ("结果", "检测结果", "检验结果", "结论", "体检结论"),
    "done_at": (
        "检测时间",
        "采样时间",
        "检测日期",
        "采样日期",
        "报告时间",
        "体检日期",
        "发证日期",
        "签订日期",
        "日期",
        "date",
    ),
    "done_by": ("检测机构", "检验机构", "医院", "机构", "发证机关", "laboratory"),
    "reference": ("报告编号", "编号", "样本编号", "证书编号", "合同编号", "number"),
}
"""Column name and the other headers it is known by; see `COLUMNS`."""

TEXT_CHARACTERS = 200
_MOMENT = re.compile(
    r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?:[ T]+(\d{1,2}):(\d{2})(?::\d{2}(?:\.\d+)?)?)?"
)


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A row that can be used. `name` in one spelling, to be held against the one on record.

    done_at      aware; midnight at the site where the row names a day alone
    valid_until  the first instant at which it no longer holds; None: as the rules have it
    """

    row: int
    document_type: DocumentType
    document_number: str
    name: str
    result: str
    done_at: datetime
    valid_until: datetime | None
    done_by: str
    reference: str


def result_of(row: ListRow, kind: Kind, *, zone: ZoneInfo, now: datetime) -> ResultRow | RowProblem:
    """Read one row; days and hours are those of `zone`."""
    document = RowProblem(row.number, row.problem) if row.problem else document_of(row, day_of(now, zone))
    if isinstance(document, RowProblem):
        return document
    meaning, done_at = kind.read(row["result"]), _moment(row["done_at"], zone)
    last = _moment(row["valid_until"], zone)
    problem = ""
    if meaning is None:
        problem = "the result is missing or no word that the rules know"
    elif done_at is None:
        problem = "the time is missing, or not like 2026-01-31 or 2026-01-31 08:30"
    elif done_at > now:
        problem = "it was done in the future"
    elif last is None and row["valid_until"]:
        problem = "valid_until: no day like 2026-01-31"
    if meaning is None or done_at is None or problem:
        return RowProblem(row.number, problem)
    return ResultRow(
        row.number,
        *document,
        plain_name(row["name"]),
        meaning.result,
        done_at,
        _end(last, zone),
        row["done_by"][:TEXT_CHARACTERS],
        row["reference"][:TEXT_CHARACTERS],
    )


def _end(last: datetime | None, zone: ZoneInfo) -> datetime | None:
    """A day alone is the last one on which it holds."""
    if last is None or last.time() != time():
        return last
    return end_of_day(last.date(), zone)


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    """None for what is none. Of an hour that comes twice where clocks go back, the first."""
    found = _MOMENT.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if found is None:
        return None
    try:
        year, month, day, hour, minute = (int(part or 0) for part in found.groups())
        return datetime(year, month, day, hour, minute, tzinfo=zone) if year in YEARS else None
    except ValueError:
        return None
