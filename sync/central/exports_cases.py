"""What stands in the exported file of a case: one row per contact, zh and en."""

from __future__ import annotations

from collections.abc import Iterator

from sync.central.case_desk import CaseFacts
from sync.central.exports import Cell, wall
from sync.central.exports_tables import pieces_of
from sync.tracing import TracingRules
from sync.tracing.telling import told

CONTACT_HEADING = (
    "工号 Worker", "姓名 Name", "电话 Phone", "班组 Team", "工地 Sites", "状态 State",
    "最后接触 Last contact", "依据 Rules", "待核实 To be checked", "事实 Facts", "发现时间 Found",
    "决定时间 Decided", "决定人 Decided by", "说明 Why", "已标记 Flagged",
)  # fmt: skip


def contact_pieces(facts: CaseFacts, rules: TracingRules, file_format: str) -> Iterator[bytes]:
    """The contacts as `csv` or `xlsx`."""
    return pieces_of(CONTACT_HEADING, _cells(facts, rules), file_format, "contacts")


def _cells(facts: CaseFacts, rules: TracingRules) -> Iterator[tuple[Cell, ...]]:
    zone = facts.zone
    for one in facts.contacts:
        holding = [reason for reason in one.reasons if reason.holds]
        yield (
            one.worker_id,
            one.name,
            one.phone,
            one.team,
            " ".join(one.site_ids),
            one.state.value,
            one.last_day,
            "; ".join(rules.words(reason.rule_id).zh for reason in holding),
            not any(reason.certain for reason in holding),
            "; ".join(told(meeting, zone).zh for reason in holding for meeting in reason.meetings),
            wall(one.found_at, zone),
            wall(one.decided_at, zone),
            one.decided_by,
            one.why,
            one.has_flag,
        )
