"""What somebody types about a finding, as a step. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sync.central.inspections import NOTE_MAX
from sync.central.typed_fields import TypedFields
from sync.inspections import Step
from sync.inspections.checklist import LONGEST_DEADLINE_D
from sync.inspections.finding import SETS_DEADLINE


@dataclass(frozen=True, slots=True)
class StepData:
    """`due_on` for the steps that set a deadline."""

    step: Step
    note: str
    due_on: date | None


def read_step(step: Step, typed: Mapping[str, str], today: date) -> StepData:
    """`typed`: `note` and, where the step sets a deadline, `due_on`. `today` at the site.

    Raises FieldsRefused.
    """
    fields = TypedFields(typed)
    note = fields.text("note", required=step is not Step.ACCEPTED, longest=NOTE_MAX)
    due_on = None
    if step in SETS_DEADLINE:
        due_on = fields.day("due_on", today, today + timedelta(days=LONGEST_DEADLINE_D))
    fields.finish()
    return StepData(step, note, due_on)
