"""Who needs which clearance, how long it holds, what is due: rules as data, applied to one person. Pure."""

from sync.clearance_rules.results import Result, with_results
from sync.clearance_rules.rules import (
    ClearanceRules,
    Kind,
    Requirement,
    ResultKind,
    RulesInvalid,
    read_rules,
    shipped_rules,
)
from sync.clearance_rules.standing import (
    YEARS,
    Person,
    Standing,
    State,
    day_of,
    end_of_day,
    standing,
    valid_until,
)

__all__ = [
    "YEARS",
    "ClearanceRules",
    "Kind",
    "Person",
    "Requirement",
    "Result",
    "ResultKind",
    "RulesInvalid",
    "Standing",
    "State",
    "day_of",
    "end_of_day",
    "read_rules",
    "shipped_rules",
    "standing",
    "valid_until",
    "with_results",
]
