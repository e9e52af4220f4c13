"""What stands in the exported file of alerts: one row per alert, zh and en."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sync.alerting.telling import SEVERITIES, STATES
from sync.central.alert_desk import AlertRow
from sync.central.exports import Cell, wall
from sync.central.exports_tables import pieces_of

ALERT_HEADING = (
    "预警 Alert", "级别 Severity", "工地 Site", "对象 Subject", "姓名 Name", "状态 State", "次数 Times",
    "发生 Raised", "最近 Latest", "确认 Acknowledged", "关闭 Closed", "期限 Due", "逾期 Late", "编号 Id",
)  # fmt: skip


def alert_pieces(found: Iterable[AlertRow], file_format: str) -> Iterator[bytes]:
    """As `csv` or `xlsx`; times are those of the site."""
    return pieces_of(ALERT_HEADING, _cells(found), file_format, "alerts")


def _cells(found: Iterable[AlertRow]) -> Iterator[tuple[Cell, ...]]:
    for one in found:
        alert = one.alert
        yield (
            str(one.words),
            "" if one.severity is None else str(SEVERITIES[one.severity]),
            one.site_name,
            alert.subject,
            one.name,
            str(STATES[alert.state]),
            alert.times,
            wall(alert.raised_at, one.zone),
            wall(alert.last_at, one.zone),
            wall(alert.acknowledged_at, one.zone),
            wall(alert.closed_at, one.zone),
            wall(one.due_at, one.zone),
            one.is_late,
            alert.alert_id,
        )
