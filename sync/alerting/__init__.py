"""Alerts: rules as data, deadlines, who is told when, what may follow what. Pure: no clock, no database."""

from sync.alerting.life import FOLLOWS, Life, State, StepKind, missing, told
from sync.alerting.rules import (
    AlertRule,
    AlertRules,
    AlertRulesInvalid,
    Level,
    Severity,
    parsed_rules,
    read_rules,
    shipped_rules,
)

__all__ = [
    "FOLLOWS",
    "AlertRule",
    "AlertRules",
    "AlertRulesInvalid",
    "Level",
    "Life",
    "Severity",
    "State",
    "StepKind",
    "missing",
    "parsed_rules",
    "read_rules",
    "shipped_rules",
    "told",
]
