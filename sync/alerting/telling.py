"""What screens and messages say about an alert's severity, level, state and steps."""

from __future__ import annotations

from sync.alerting.life import State, StepKind
from sync.alerting.rules import Level, Severity
from sync.words import Words

LEVELS = {
    Level.SITE: Words("工地", "site"),
    Level.SUB_DISTRICT: Words("街道", "sub-district"),
    Level.DISTRICT: Words("区级", "district"),
}
SEVERITIES = {
    Severity.HIGH: Words("紧急", "urgent"),
    Severity.NORMAL: Words("一般", "normal"),
    Severity.LOW: Words("提示", "minor"),
}
STATES = {
    State.OPEN: Words("待确认", "open"),
    State.ACKNOWLEDGED: Words("已确认", "acknowledged"),
    State.MEASURES: Words("处置中", "measures taken"),
    State.CLOSED: Words("已关闭", "closed"),
}
STEPS = {
    StepKind.RAISED: Words("发出预警", "raised"),
    StepKind.ACKNOWLEDGED: Words("确认", "acknowledged"),
    StepKind.MEASURE: Words("登记措施", "measure noted"),
    StepKind.CLOSED: Words("关闭", "closed"),
    StepKind.REOPENED: Words("撤销关闭", "closing taken back"),
    StepKind.TOLD: Words("通知", "told"),
}
