"""What stands in the exported files of grid, inspections and findings: the columns, zh and en."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sync.central.exports import Cell, wall
from sync.central.exports_tables import pieces_of
from sync.central.grid import SiteGrid
from sync.central.inspection_desk import FindingRow, InspectionRow

FINDING_HEADING = (
    "工地 Site", "检查表 Checklist", "版本 Version", "级别 Level", "检查项 Item", "说明 What was seen",
    "严重程度 Severity", "状态 State", "期限 Due", "逾期 Overdue", "发现时间 Found", "检查人 Inspector",
    "更新时间 Changed", "照片 Photos", "编号 Finding",
)  # fmt: skip
INSPECTION_HEADING = (
    "工地 Site", "检查表 Checklist", "版本 Version", "级别 Level", "时间 Time", "检查人 Inspector",
    "检查项 Answered", "符合 In order", "得分 %", "未结问题 Unsettled findings", "编号 Inspection",
)  # fmt: skip
GRID_HEADING = (
    "区 District", "街道 Sub-district", "工地 Site", "网格 Grid", "网格员 Officer", "电话 Phone",
    "最近走访 Last visit", "待跟进 Follow-ups", "逾期跟进 Overdue", "未整改问题 Open findings",
    "逾期问题 Overdue findings", "待复查 To re-inspect",
)  # fmt: skip


def finding_pieces(rows: Iterable[FindingRow], file_format: str) -> Iterator[bytes]:
    """Findings as `csv` or `xlsx`."""
    return pieces_of(FINDING_HEADING, _finding_cells(rows), file_format, "findings")


def inspection_pieces(rows: Iterable[InspectionRow], file_format: str) -> Iterator[bytes]:
    """Inspections as `csv` or `xlsx`."""
    return pieces_of(INSPECTION_HEADING, _inspection_cells(rows), file_format, "inspections")


def grid_pieces(rows: Iterable[SiteGrid], file_format: str) -> Iterator[bytes]:
    """Sites and their officers as `csv` or `xlsx`."""
    return pieces_of(GRID_HEADING, _grid_cells(rows), file_format, "grid")


def _finding_cells(rows: Iterable[FindingRow]) -> Iterator[tuple[Cell, ...]]:
    for row in rows:
        yield (
            row.site_name,
            row.checklist.zh,
            row.checklist.version,
            row.level.value,
            row.item.zh,
            row.found_note,
            row.severity.value,
            row.state.value,
            row.due_on,
            row.is_overdue,
            wall(row.found_at, row.zone),
            row.found_by,
            wall(row.changed_at, row.zone),
            row.photos,
            row.finding_id,
        )


def _inspection_cells(rows: Iterable[InspectionRow]) -> Iterator[tuple[Cell, ...]]:
    for row in rows:
        yield (
            row.site_name,
            row.checklist.zh,
            row.checklist.version,
            row.level.value,
            wall(row.inspected_at, row.zone),
            row.inspected_by,
            row.score.answered,
            row.score.in_order,
            row.score.percent,
            row.unsettled,
            row.inspection_id,
        )


def _grid_cells(rows: Iterable[SiteGrid]) -> Iterator[tuple[Cell, ...]]:
    for row in rows:
        officer = row.officer.data if row.officer is not None else None
        yield (
            row.place.district,
            row.place.sub_district,
            row.site_name,
            officer.grid if officer is not None else "",
            officer.name if officer is not None else "",
            officer.phone if officer is not None else "",
            wall(row.last_visit_at, row.zone),
            row.follow_ups,
            row.late,
            row.counts.open,
            row.counts.overdue,
            row.counts.mended,
        )
