"""What the centre refused for ever: of what kind, about whom, why, and what to do about it."""

from __future__ import annotations

import re
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

_REASONS: tuple[tuple[str, str], ...] = (
    (r"not registered as a kiosk .*", "本机未在中心登记为登记机"),
    (r"the centre could not take it; its log says why", "中心处理出错，原因见中心日志"),
    (r"unsealable", "内容无法解密，本机密钥可能已更换"),
    (r"malformed(: .*)?", r"记录格式有误\1"),
    (r"of a newer version \((.*)\): .*", r"记录的版本（\1）比中心新"),
    (r"templates without a consent for the face on record", "有人脸特征，但没有人脸同意的记录"),
    (r"the whole record was erased: .*", "此人的全部档案已删除"),
    (r"the number (.+) is somebody's at another site.*", r"工号 \1 已属于其他工地的另一人"),
    (r"a kiosk registers people for its own site (.+) only", r"登记机只能为本工地 \1 登记人员"),
    (r"papers or consent are of another worker than the record", "证件或同意书属于另一人"),
    (r"template (\S+) belongs to another worker", r"人脸特征 \1 属于另一人"),
    (r"template (\S+) .*", r"人脸特征 \1 不可用"),
    (r"worker (.+) was merged into (.+): change that one", r"工号 \1 已合并到 \2"),
    (r"worker (.+) is registered at other sites only", r"工号 \1 只在其他工地登记"),
    (r"two records are needed to be compared", "比对需要两条不同的记录"),
    (r"no withdrawal (.+)", "中心没有对应的撤回请求"),
    (r"a visitor without papers", "访客没有证件信息"),
    (r"the centre has no key for document numbers", "中心缺少证件号码的密钥"),
    (r"of another site", "记录属于其他工地"),
    (r"declared in the future: .*", "填报时间晚于中心时间，本机时钟有误"),
    (r"for a day to come", "填报日期晚于今天"),
    (r"no form (\S+) of version (\S+) in this program", r"中心没有表单 \1 第 \2 版"),
    (r"not as the form asks: (.*)", r"填报内容不符合表单要求：\1"),
    (r"the record names another site or kiosk", "记录写的是其他工地或其他登记机"),
    (r"another record has this number in the chain of its key", "同一编号已有另一条培训记录"),
    (r"the record does not follow the one before it of the same key", "培训记录与前一条不衔接"),
    (r"signed with the key of another gate", "签名使用了其他设备的密钥"),
    (r"training record (\d+): the signature is wrong", r"培训记录 \1 签名有误，可能被改动"),
    (r"training record (\d+) cannot be read", r"培训记录 \1 无法读取"),
    (r"training record (\d+): (.*)", r"培训记录 \1 内容前后矛盾：\2"),
)
"""What the centre says, and the same in Chinese; the first that fits counts."""

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
    """`worker_id` is empty for what is about nobody (a daily report).

    reason  the centre's own words as `en`; `zh` is empty where they are not known here
    """

    record_id: str
    kind: Words
    worker_id: str
    reason: Words
    step: Words


def refused_notes(rows: Iterable[tuple[str, str, str, str]]) -> list[RefusedNote]:
    """The rows of `LocalStore.notes_refused` in words."""
    return [
        RefusedNote(
            record_id,
            _KINDS.get(kind, Words(kind, kind)),
            subject.removeprefix("worker:") if subject.startswith("worker:") else "",
            Words(reason_in_chinese(reason), reason),
            next((step for start, step in _STEPS if reason.startswith(start)), _ASK),
        )
        for kind, record_id, subject, reason in rows
    ]


def reason_in_chinese(reason: str) -> str:
    """Empty for a reason that is not known here."""
    for pattern, chinese in _REASONS:
        if match := re.fullmatch(pattern, reason, re.DOTALL):
            return match.expand(chinese)
    return ""


def reason_words(reason: str) -> str:
    """The centre's reason as a page shows it: Chinese first, its own words beside."""
    return f"{reason_in_chinese(reason)} {reason}".strip()
