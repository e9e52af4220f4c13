"""What stands in the exported files of passes: people by colour, requests for correction; zh and en."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC

from sync.central.exports import Cell, wall
from sync.central.exports_tables import pieces_of
from sync.central.pass_desk import CorrectionRow, PassRow
from sync.screening.pass_rules import PassRules

PASS_HEADING = (
    "工号 Worker", "姓名 Name", "班组 Team", "单位 Employer", "颜色 Colour", "原因 Cause", "起 Since (UTC)",
    "止 Until (UTC)",
)  # fmt: skip
CORRECTION_HEADING = (
    "工号 Worker", "姓名 Name", "申请时间 Asked (UTC)", "期限 Due (UTC)", "当时颜色 Colour then",
    "原因 Cause", "说明 Said", "处理 Answer", "处理时间 Answered (UTC)", "处理人 Answered by", "理由 Reason",
)  # fmt: skip


def pass_pieces(rows: Iterable[PassRow], rules: PassRules, file_format: str) -> Iterator[bytes]:
    """People with a colour as `csv` or `xlsx`."""
    return pieces_of(PASS_HEADING, _pass_cells(rows, rules), file_format, "passes")


def correction_pieces(rows: Iterable[CorrectionRow], rules: PassRules, file_format: str) -> Iterator[bytes]:
    """Requests for correction as `csv` or `xlsx`."""
    return pieces_of(CORRECTION_HEADING, _correction_cells(rows, rules), file_format, "corrections")


def _pass_cells(rows: Iterable[PassRow], rules: PassRules) -> Iterator[tuple[Cell, ...]]:
    for row in rows:
        status = row.status
        yield (
            row.worker_id,
            row.name,
            row.team,
            row.employer,
            "" if status.colour is None else status.colour.value,
            rules.words(status.cause).zh if status.cause else "",
            wall(status.since, UTC),
            wall(status.until, UTC),
        )


def _correction_cells(rows: Iterable[CorrectionRow], rules: PassRules) -> Iterator[tuple[Cell, ...]]:
    for row in rows:
        one = row.correction
        yield (
            one.worker_id,
            row.name,
            wall(one.asked_at, UTC),
            wall(one.due_at, UTC),
            one.colour,
            rules.words(one.cause).zh if one.cause else "",
            one.said,
            one.answer.value,
            wall(one.answered_at, UTC),
            one.answered_by,
            one.reason,
        )
