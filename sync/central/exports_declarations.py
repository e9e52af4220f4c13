"""The declarations of a day as a file: who declared, who did not, what needs a look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sync.central.declaration_desk import PersonDay
from sync.central.exports import Cell, csv_pieces, xlsx_pieces

HEADING = (
    "工号 Worker", "姓名 Name", "班组 Team", "单位 Employer", "电话 Phone", "访客 Visitor",
    "申报时间 Declared at", "关注 To be looked at",
)  # fmt: skip


def declaration_pieces(rows: Iterable[PersonDay], file_format: str) -> Iterator[bytes]:
    """As `csv` or `xlsx`; without a time nothing was declared."""
    cells = _cells(rows)
    if file_format == "xlsx":
        return xlsx_pieces(HEADING, cells, title="declarations")
    return csv_pieces(HEADING, cells)


def _cells(rows: Iterable[PersonDay]) -> Iterator[tuple[Cell, ...]]:
    for one in rows:
        yield (
            one.worker_id,
            one.name,
            one.team,
            one.employer,
            one.phone,
            one.is_visitor,
            one.declared_at.replace(tzinfo=None, microsecond=0) if one.declared_at else None,
            " ".join(one.marks),
        )
