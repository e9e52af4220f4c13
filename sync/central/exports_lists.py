"""What stands in the exported file of list matches: one row per match, zh and en."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sync.central.exports import Cell, wall
from sync.central.exports_tables import pieces_of
from sync.central.list_desk import MatchRow
from sync.central.list_import import CHINA

MATCH_HEADING = (
    "名单 List", "名单编号 List id", "版本 Version", "名单行号 Row",
    "工号 Worker", "姓名 Name", "班组 Team", "电话 Phone",
    "访客 Visitor", "工地 Sites", "依据 Found by", "证件不符 Documents differ", "状态 State", "级别 Level",
    "类别 Category", "有效期至 Until", "发现时间 Found", "决定人 Decided by", "决定时间 Decided", "说明 Why",
)  # fmt: skip


def match_pieces(rows: Iterable[MatchRow], file_format: str) -> Iterator[bytes]:
    """As `csv` or `xlsx`; times are those of China."""
    return pieces_of(MATCH_HEADING, _cells(rows), file_format, "list matches")


def _cells(rows: Iterable[MatchRow]) -> Iterator[tuple[Cell, ...]]:
    for one in rows:
        yield (
            one.list_name,
            one.list_id,
            one.number,
            one.row,
            one.worker_id,
            one.name,
            one.team,
            one.phone,
            one.is_visitor,
            " ".join(one.seen_sites),
            one.found_by,
            one.documents_differ,
            one.state.value,
            one.level.value,
            one.category,
            wall(one.valid_until, CHINA),
            wall(one.found_at, CHINA),
            one.decided_by,
            wall(one.decided_at, CHINA),
            one.reason,
        )
