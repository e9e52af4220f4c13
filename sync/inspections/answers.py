"""What was typed into a checklist → answers; which of them are findings; how much was in order. Pure."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sync.alerting import Severity
from sync.errors import SyncError
from sync.inspections.checklist import Checklist, InspectorLevel, Item, ItemKind

NOTE_SUFFIX = "-note"
LONGEST_NOTE = 300
LONGEST_TEXT = 500

Answers = Mapping[str, "Answer"]
"""By item; an item that was left open is not among them."""


class AnswerSlip(StrEnum):
    """Why an answer cannot be taken."""

    REQUIRED = "required"
    NOT_OFFERED = "not_offered"
    NO_NUMBER = "no_number"
    OUT_OF_RANGE = "out_of_range"
    TOO_LONG = "too_long"


class AnswersRefused(SyncError, ValueError):
    """Some answers cannot be taken; `slips` by item."""

    def __init__(self, slips: Mapping[str, AnswerSlip]) -> None:
        said = ", ".join(f"{item_id}: {slip}" for item_id, slip in slips.items())
        super().__init__(f"cannot be taken: {said}", next_step="correct the marked items and send again")
        self.slips = dict(slips)


@dataclass(frozen=True, slots=True)
class Answer:
    """`value`: `yes` or `no`, a number, or text; `note`: what was seen."""

    value: str | float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer that is a finding. `deadline_days` after the day of the inspection."""

    item: Item
    answer: Answer
    severity: Severity
    deadline_days: int


@dataclass(frozen=True, slots=True)
class Score:
    """How many of what could be a finding were answered, and how many of those were in order."""

    answered: int
    in_order: int

    @property
    def percent(self) -> int:
        """Rounded down: 100 means all; 0 where nothing was answered."""
        return self.in_order * 100 // self.answered if self.answered else 0


def read_answers(checklist: Checklist, level: InspectorLevel, typed: Mapping[str, str]) -> dict[str, Answer]:
    """`typed` by item id, notes by `<item id>-note`; other fields are passed over. Raises AnswersRefused."""
    answers: dict[str, Answer] = {}
    slips: dict[str, AnswerSlip] = {}
    for item in checklist.items_for(level):
        note = _plain(typed.get(item.item_id + NOTE_SUFFIX, ""))
        value = _value(item, _plain(typed.get(item.item_id, "")))
        if len(note) > LONGEST_NOTE:
            value = AnswerSlip.TOO_LONG
        if isinstance(value, AnswerSlip):
            slips[item.item_id] = value
        elif value is not None:
            answers[item.item_id] = Answer(value, note)
    if slips:
        raise AnswersRefused(slips)
    return answers


def faults(checklist: Checklist, answers: Answers) -> list[Fault]:
    """The findings among the answers, in the order of the checklist."""
    return [
        Fault(item, answers[item.item_id], checklist.severity_of(item), checklist.deadline_days_of(item))
        for item in checklist.items
        if item.item_id in answers and item.is_fault(answers[item.item_id].value)
    ]


def score(checklist: Checklist, answers: Answers) -> Score:
    """Text does not count, nor does what was left open."""
    counted = [item for item in checklist.items if item.kind is not ItemKind.TEXT and item.item_id in answers]
    return Score(len(counted), sum(not item.is_fault(answers[item.item_id].value) for item in counted))


def _value(item: Item, raw: str) -> str | float | AnswerSlip | None:
    if not raw:
        return None if item.optional or item.kind is ItemKind.TEXT else AnswerSlip.REQUIRED
    if item.kind is ItemKind.YES_NO:
        return raw if raw in ("yes", "no") else AnswerSlip.NOT_OFFERED
    if item.kind is ItemKind.TEXT:
        return raw if len(raw) <= LONGEST_TEXT else AnswerSlip.TOO_LONG
    try:
        number = float(unicodedata.normalize("NFKC", raw).replace(",", "."))
    except ValueError:
        return AnswerSlip.NO_NUMBER
    if not math.isfinite(number):
        return AnswerSlip.NO_NUMBER
    return number if item.low <= number <= item.high else AnswerSlip.OUT_OF_RANGE


def _plain(text: str) -> str:
    kept = (one for one in unicodedata.normalize("NFC", text) if one in "\n\t" or one.isprintable())
    return "".join(kept).strip()
