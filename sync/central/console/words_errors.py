"""What exactly went wrong, in Chinese, where there is a text for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sync.central import cases, list_desk
from sync.central.errors import FieldRefused
from sync.central.lodging import LodgingRefused
from sync.central.pass_corrections import AnsweredMeanwhile
from sync.central.people_desk import VaultMissing
from sync.central.phone import words_inspect, words_lodging
from sync.central.rider_lines import LinesRefused
from sync.central.transport_steps import StepRefused
from sync.central.typed_fields import FieldsRefused
from sync.errors import SyncError
from sync.inspections import AnswersRefused, FindingRefused

FIELDS = {
    "contacts": "请先勾选接触者",
    "day": "日期写法不对，应如 2026-03-01",
    "days": "天数不对",
    "done_at": "检测时间不对：不能晚于现在；同一时间另有结果的，先撤销那一条",
    "due_on": "截止日期不对：须为今天或以后，一年以内",
    "kind": "没有这个检测或体检项目",
    "person": "请填工号，或填未登记人员的姓名，二选一",
    "reason": "请填写理由，不超过 500 字",
    "remarks": "姓名、住处或备注过长",
    "result": "该项目没有这种结果",
    "trips": "行程写法不对，每行应如：航班 示1234 2026-03-01 12A",
    "valid_until": "有效期不对：须为日期，且晚于检测时间",
    "window": "起止日期不对：不能颠倒、过长或从以后开始",
    "worker_id": "没有登记此工号",
    "worker_ids": "没有可以下达的人员：未选人，或都已有未完成的指令",
}
"""By the name of the field that `FieldRefused` tells."""

_TEXTS: tuple[tuple[type[SyncError], Callable[[Any], str]], ...] = (
    (FieldRefused, lambda error: FIELDS.get(error.field, "")),
    (FieldsRefused, lambda error: _each(words_lodging.SLIPS[slip].zh for slip in error.slips.values())),
    (
        LinesRefused,
        lambda error: _each(
            f"第 {at} 行：{words_lodging.SLIPS[slip].zh}" for at, slip in error.slips.items()
        ),
    ),
    (AnswersRefused, lambda error: _each(words_inspect.ANSWER_SLIPS[one].zh for one in error.slips.values())),
    (FindingRefused, lambda error: f"该问题现为“{words_inspect.STATES[error.state].zh}”，不能这样处理"),
    (LodgingRefused, lambda error: words_lodging.PROBLEMS[error.problem].zh),
    (StepRefused, lambda error: words_lodging.HINDRANCES[error.hindrance].zh),
    (AnsweredMeanwhile, lambda _: "该申请已有人答复，请重新载入"),
    (cases.CaseClosed, lambda _: "病例已结束，须先重新打开"),
    (cases.DecidedMeanwhile, lambda _: "部分接触者已有人确认，未作改动，请重新载入"),
    (list_desk.DecidedMeanwhile, lambda _: "该匹配已有人处理，请重新载入"),
    (VaultMissing, lambda _: "中心启动时没有证件密钥，此处不能处理证件号码"),
)


def in_chinese(error: SyncError) -> str:
    """Empty where only its kind is known in Chinese, or where the error says it itself."""
    return next((text(error) for kind, text in _TEXTS if isinstance(error, kind)), "")


def _each(said: Iterable[str]) -> str:
    return "；".join(dict.fromkeys(said))
