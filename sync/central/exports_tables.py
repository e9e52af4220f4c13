"""What stands in the exported files: the columns of the access log and of attendance, zh and en."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sync.central.access_log import LogRow
from sync.central.attendance import Mark
from sync.central.attendance_log import WorkerDays
from sync.central.exports import CSV_TYPE, JSON_TYPE, PDF_TYPE, XLSX_TYPE, Cell, csv_pieces, xlsx_pieces

EVENT_HEADING = (
    "时间 Time", "时区 Time zone", "工地 Site", "闸机 Gate", "通道 Lane", "方向 Direction", "结果 Decision",
    "原因 Reason", "工号 Worker", "姓名 Name", "班组 Team", "单位 Employer", "通行 Passage", "方式 Method",
    "补传 Backlog", "时钟可信 Clock trusted", "编号 Event",
)  # fmt: skip
ATTENDANCE_HEADING = (
    "工号 Worker", "姓名 Name", "班组 Team", "单位 Employer", "日期 Day", "进场 In", "出场 Out", "小时 Hours",
    "问题 Issues", "更正人 Corrected by",
)  # fmt: skip
_HOUR = timedelta(hours=1)


def event_pieces(rows: Iterable[LogRow], file_format: str) -> Iterator[bytes]:
    """The access log as `csv` or `xlsx`."""
    return pieces_of(EVENT_HEADING, _event_cells(rows), file_format, "access log")


def attendance_pieces(found: Iterable[WorkerDays], zone: ZoneInfo, file_format: str) -> Iterator[bytes]:
    """Attendance as `csv` or `xlsx`: one row per stay; an end that is missing is an empty cell."""
    return pieces_of(ATTENDANCE_HEADING, _attendance_cells(found, zone), file_format, "attendance")


def media_type(file_format: str) -> str:
    return {"xlsx": XLSX_TYPE, "json": JSON_TYPE, "pdf": PDF_TYPE}.get(file_format, CSV_TYPE)


def pieces_of(
    heading: tuple[str, ...], rows: Iterable[tuple[Cell, ...]], file_format: str, title: str
) -> Iterator[bytes]:
    """Any table as `csv` or `xlsx`."""
    return xlsx_pieces(heading, rows, title=title) if file_format == "xlsx" else csv_pieces(heading, rows)


def _event_cells(rows: Iterable[LogRow]) -> Iterator[tuple[Cell, ...]]:
    for row in rows:
        yield (
            _wall(row.occurred_at),
            str(row.occurred_at.tzinfo),
            row.site_name,
            row.gate_name,
            row.lane_id,
            row.direction.value,
            row.outcome.value,
            row.main_reason,
            row.worker_id,
            row.worker_name,
            row.team,
            row.employer,
            row.passage.value,
            row.method,
            row.replayed,
            row.clock_trusted,
            row.event_id,
        )


def _attendance_cells(found: Iterable[WorkerDays], zone: ZoneInfo) -> Iterator[tuple[Cell, ...]]:
    for one in found:
        for day in one.days:
            for period in day.periods:
                ends = [mark for mark in (period.began, period.ended) if mark is not None]
                yield (
                    one.worker_id,
                    one.name,
                    one.team,
                    one.employer,
                    day.day,
                    _end(period.began, zone),
                    _end(period.ended, zone),
                    round(period.duration / _HOUR, 2),
                    " ".join(period.issues),
                    " ".join(sorted({mark.added_by for mark in ends if mark.added_by})),
                )


def _end(mark: Mark | None, zone: ZoneInfo) -> datetime | None:
    return None if mark is None else _wall(mark.at.astimezone(zone))


def _wall(at: datetime) -> datetime:
    """The wall clock of the site without its zone, as a spreadsheet wants it; to the second."""
    return at.replace(tzinfo=None, microsecond=0)
