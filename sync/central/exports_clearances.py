"""What stands in the exported file of clearances: one row per worker, site and kind, zh and en."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sync.central.clearance_state import Line
from sync.central.exports import Cell, wall
from sync.central.exports_tables import pieces_of
from sync.clearance_rules import ClearanceRules, State
from sync.words import Words

CLEARANCE_HEADING = (
    "工地 Site", "工号 Worker", "姓名 Name", "班组 Team", "工种 Trade", "单位 Employer", "事项 Kind",
    "状态 State", "有效期至 Until", "应办 Due", "已办 Done", "指令截止 Due by", "逾期 Overdue", "原因 Why",
)  # fmt: skip
STATES: Mapping[State, Words] = {
    State.HOLDS: Words("有效", "valid"),
    State.ENDS_SOON: Words("即将到期", "ends soon"),
    State.NOT_YET: Words("未生效", "not yet"),
    State.EXPIRED: Words("已过期", "expired"),
    State.MISSING: Words("未办", "missing"),
}


def clearance_pieces(found: Iterable[Line], rules: ClearanceRules, file_format: str) -> Iterator[bytes]:
    """Lines as `csv` or `xlsx`; times are those of the site."""
    return pieces_of(CLEARANCE_HEADING, _cells(found, rules), file_format, "clearances")


def _cells(found: Iterable[Line], rules: ClearanceRules) -> Iterator[tuple[Cell, ...]]:
    for one in found:
        yield (
            one.site_id,
            one.worker_id,
            one.name,
            one.team,
            one.trade,
            one.employer,
            str(rules.words(one.standing.kind)),
            str(STATES[one.standing.state]),
            wall(one.standing.until, one.zone),
            one.is_due,
            one.is_due and one.is_done,
            wall(one.order.due_by if one.order else None, one.zone),
            one.is_overdue,
            one.order.why if one.order else "",
        )
