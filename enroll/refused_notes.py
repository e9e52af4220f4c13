"""What the centre refused for ever: of what kind, about whom, why, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sync.words import Words

_KINDS = {
    "enrolment": Words("登记", "Registration"),
    "withdrawal": Words("撤回同意", "Withdrawal"),
    "duplicate": Words("重复判定", "Decision about a duplicate"),
    "training": Words("培训记录", "Training record"),
    "declaration": Words("个人申报", "Declaration"),
    "site_report": Words("工地日报", "Daily report"),
    "erased": Words("删除回执", "Confirmation of an erasure"),
}

_STEPS: tuple[tuple[str, Words], ...] = (
    (
        "not registered as a kiosk",
        Words("请管理员在中心把本机登记为登记机。", "Ask the operator to register this box as a kiosk."),
    ),
    (
        "templates without a consent",
        Words("请重新取得人脸同意并重新采集。", "Take the consent for the face again, then the face."),
    ),
    (
        "the whole record was erased",
        Words("请重新登记此人并重新取得同意。", "Register this person anew, with a new consent."),
    ),
    (
        "the number ",
        Words("请换一个工号登记，或请中心添加本工地。", "Use another number, or have the site added."),
    ),
    ("worker ", Words("请改用中心保留的那份记录。", "Change the record that the centre keeps.")),
    ("of a newer version", Words("请管理员升级中心。", "Ask the operator to update the centre.")),
    (
        "declared in the future",
        Words("请校准本机时钟后重新填报。", "Set this machine's clock, then declare again."),
    ),
    (
        "not as the form asks",
        Words("请核对内容后重新填报。", "Look the answers through, then declare again."),
    ),
)
"""By how the centre's reason begins."""

_ASK = Words(
    "请改正后重新提交；若仍被拒绝，请联系管理员。",
    "Correct it and send it again; if it is refused again, ask the operator.",
)


@dataclass(frozen=True, slots=True)
class RefusedNote:
    """`worker_id` is empty for what is about nobody (a daily report); `reason` is the centre's text."""

    record_id: str
    kind: Words
    worker_id: str
    reason: str
    step: Words


def refused_notes(rows: Iterable[tuple[str, str, str, str]]) -> list[RefusedNote]:
    """The rows of `LocalStore.notes_refused` in words."""
    return [
        RefusedNote(
            record_id,
            _KINDS.get(kind, Words(kind, kind)),
            subject.removeprefix("worker:") if subject.startswith("worker:") else "",
            reason,
            next((step for start, step in _STEPS if reason.startswith(start)), _ASK),
        )
        for kind, record_id, subject, reason in rows
    ]
