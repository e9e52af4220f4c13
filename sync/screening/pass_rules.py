"""What occurrences and findings do to a health pass: a file, refused where it contradicts itself."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sync.errors import SyncError
from sync.health_pass import PassColour, Step, Transition
from sync.records import Identifier
from sync.rule_file import checked, text_of
from sync.words import Words

SHIPPED_FILE = Path(__file__).parent / "data" / "pass-rules.yaml"
NAME_LENGTH = 32
LONGEST_DAYS = 3650
LONGEST_FILE = 100_000

BY_HAND: Mapping[PassColour, str] = {PassColour.RED: "by_hand_red", PassColour.YELLOW: "by_hand_yellow"}
"""Causes that every file must have: what the console sets."""

GRANTED = "granted"
"""The finding that every file must have: a green by hand."""


class PassRulesInvalid(SyncError, ValueError):
    """A file of rules that cannot be used as it is."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Said(_Part):
    """A sentence in both languages."""

    zh: str = Field(min_length=1, max_length=100)
    en: str = Field(min_length=1, max_length=200)

    @property
    def words(self) -> Words:
        return Words(self.zh, self.en)


class StepRule(_Part):
    """A colour for so many days of 24 hours; without `days` until a finding ends it."""

    colour: Literal["red", "yellow"]
    days: float | None = Field(default=None, gt=0, le=LONGEST_DAYS)


class CauseRule(Said):
    """One kind of occurrence. `next`: what the person is told to do."""

    cause: Identifier = Field(max_length=NAME_LENGTH)
    next: Said
    steps: tuple[StepRule, ...] = Field(min_length=1, max_length=9)
    ended_by: tuple[Identifier, ...] = ()

    @model_validator(mode="after")
    def _steps_come(self) -> Self:
        if any(step.days is None for step in self.steps[:-1]):
            raise ValueError(f"{self.cause}: a step after one without days never comes")
        pairs = zip(self.steps, self.steps[1:], strict=False)
        if any(one.colour == "yellow" and after.colour == "red" for one, after in pairs):
            raise ValueError(
                f"{self.cause}: a pass gets better with time, not worse: red comes before yellow"
            )
        if self.steps[-1].days is None and not self.ended_by:
            raise ValueError(f"{self.cause}: the last step has no days, and nothing ends it (ended_by)")
        return self

    @property
    def transition(self) -> Transition:
        steps = tuple(Step(PassColour(step.colour), step.days) for step in self.steps)
        return Transition(steps, frozenset(self.ended_by))


class FindingRule(Said):
    """One kind of finding: what it counts against, and the green that it gives."""

    finding: Identifier = Field(max_length=NAME_LENGTH)
    covers: Literal["earlier", "known"] = "known"
    green_days: float | None = Field(default=None, gt=0, le=LONGEST_DAYS)
    green_until: Literal["end_of_day"] | None = None

    @model_validator(mode="after")
    def _one_green(self) -> Self:
        if self.green_days is not None and self.green_until is not None:
            raise ValueError(f"{self.finding}: green_days or green_until, not both")
        return self

    @property
    def gives_green(self) -> bool:
        return self.green_days is not None or self.green_until is not None


class DeclaredRule(_Part):
    """An answer of a form that is an occurrence."""

    form: Identifier
    field: Identifier
    equals: bool | str
    cause: Identifier
    day: Identifier | None = None

    def holds(self, form_id: str, answers: Mapping[str, Any]) -> bool:
        """Whether these checked answers say so; one of several choices is enough."""
        given = answers.get(self.field)
        return form_id == self.form and (
            self.equals in given if isinstance(given, list | tuple) else given == self.equals
        )


class CopyRule(_Part):
    """Within how many seconds nobody gets from one gate to another: of one site, and of two."""

    same_site_s: int = Field(ge=1, le=3600)
    other_site_s: int = Field(ge=1, le=86_400)


class PassRules(_Part):
    """One profile."""

    profile: Identifier
    version: int = Field(ge=1)
    correction_days: int = Field(ge=1, le=60)
    copies: CopyRule
    causes: tuple[CauseRule, ...] = Field(min_length=1)
    findings: tuple[FindingRule, ...] = Field(min_length=1)
    declared: tuple[DeclaredRule, ...] = ()
    declared_well: Identifier | None = None
    too_hot_at_gate: Identifier | None = None
    cases: Mapping[Literal["confirmed", "suspected"], Identifier] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        causes = [one.cause for one in self.causes]
        findings = [one.finding for one in self.findings]
        names = [*causes, *findings]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"named twice: {', '.join(twice)}")
        for rule in self.causes:
            if unknown := sorted(set(rule.ended_by) - set(findings)):
                raise ValueError(f"{rule.cause}: ended by a finding that is not there: {', '.join(unknown)}")
        named = [(f"declared {one.field}", one.cause) for one in self.declared]
        named += [(f"cases {kind}", cause) for kind, cause in self.cases.items()]
        named += [("too_hot_at_gate", self.too_hot_at_gate)] if self.too_hot_at_gate is not None else []
        for place, cause in named:
            if cause not in causes:
                raise ValueError(f"{place}: no cause {cause}")
        if missing := sorted({*BY_HAND.values()} - set(causes)):
            raise ValueError(f"the console sets these causes, they must be there: {', '.join(missing)}")
        for colour, cause in BY_HAND.items():
            if self.cause(cause).steps[0].colour != colour.value:
                raise ValueError(f"{cause}: its first step must be {colour.value}")
        if GRANTED not in findings or not self.finding(GRANTED).gives_green:
            raise ValueError(f"a finding {GRANTED} that gives green must be there: the console grants it")
        if self.declared_well is not None and self.declared_well not in findings:
            raise ValueError(f"declared_well: no finding {self.declared_well}")
        return self

    def cause(self, name: str) -> CauseRule:
        """Raises KeyError."""
        return {one.cause: one for one in self.causes}[name]

    def finding(self, name: str) -> FindingRule:
        """Raises KeyError."""
        return {one.finding: one for one in self.findings}[name]

    def words(self, name: str) -> Words:
        """A cause or finding in words; its own name where these rules do not know it."""
        known: dict[str, Said] = {one.cause: one for one in self.causes}
        known |= {one.finding: one for one in self.findings}
        return known[name].words if name in known else Words(name, "")

    def next_step(self, cause: str) -> Words | None:
        """What somebody with a pass of that cause is told to do."""
        return next((one.next.words for one in self.causes if one.cause == cause), None)


def read_pass_rules(path: Path) -> PassRules:
    """Rules from a file. Raises PassRulesInvalid, with file and place."""
    return parsed_rules(text_of(path, PassRulesInvalid), source=str(path))


@functools.lru_cache(maxsize=8)
def parsed_rules(text: str, *, source: str) -> PassRules:
    """Rules from the text of a file. Raises PassRulesInvalid, with `source` and the place in it."""
    if len(text) > LONGEST_FILE:
        raise PassRulesInvalid(f"{source} is longer than {LONGEST_FILE} characters", next_step="shorten it")
    return checked(PassRules, text, source=source, refusal=PassRulesInvalid)


@functools.cache
def shipped_pass_rules() -> PassRules:
    """The epidemic profile that comes with the program."""
    return read_pass_rules(SHIPPED_FILE)
