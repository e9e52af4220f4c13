"""Inspections: checklists as data, what counts as a finding, and the life of a finding. Pure."""

from sync.inspections.answers import (
    Answer,
    AnswerSlip,
    AnswersRefused,
    Fault,
    Score,
    faults,
    read_answers,
    score,
)
from sync.inspections.checklist import (
    Checklist,
    ChecklistInvalid,
    InspectorLevel,
    Item,
    ItemKind,
    read_checklist,
    shipped_checklists,
)
from sync.inspections.finding import FindingRefused, FindingState, Step, follow, is_overdue

__all__ = [
    "Answer",
    "AnswerSlip",
    "AnswersRefused",
    "Checklist",
    "ChecklistInvalid",
    "Fault",
    "FindingRefused",
    "FindingState",
    "InspectorLevel",
    "Item",
    "ItemKind",
    "Score",
    "Step",
    "faults",
    "follow",
    "is_overdue",
    "read_answers",
    "read_checklist",
    "score",
    "shipped_checklists",
]
