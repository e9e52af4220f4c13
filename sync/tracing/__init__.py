"""Who met a case: rules as data, applied to trips, stays and attendance. Pure; no rule knows a database."""

from sync.tracing.evaluation import Meeting, Reason, contacts
from sync.tracing.rules import RulesInvalid, TracingRules, read_rules, shipped_rules
from sync.tracing.traces import Passing, Stay, Traces, Trip, WorkDay

__all__ = [
    "Meeting",
    "Passing",
    "Reason",
    "RulesInvalid",
    "Stay",
    "Traces",
    "TracingRules",
    "Trip",
    "WorkDay",
    "contacts",
    "read_rules",
    "shipped_rules",
]
