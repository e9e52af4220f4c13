"""The rules of alerts: data from a file, refused where it contradicts itself."""

from __future__ import annotations

import functools
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sync.errors import SyncError
from sync.records import Identifier
from sync.rule_file import checked, text_of
from sync.words import Words

SHIPPED_FILE = Path(__file__).parent / "data" / "alert-rules.yaml"

LONGEST_MIN = 60 * 24 * 60
"""Sixty days: a deadline beyond that is none."""

_LONGEST_WORDS = 120


class AlertRulesInvalid(SyncError, ValueError):
    """A file of rules that cannot be used as it is."""


class Level(StrEnum):
    """Who is told, the nearest first."""

    SITE = "site"
    SUB_DISTRICT = "sub_district"
    DISTRICT = "district"

    @property
    def rank(self) -> int:
        return list(Level).index(self)


class Severity(StrEnum):
    """The worst first."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Said(_Part):
    """One text in both languages."""

    zh: str = Field(min_length=1, max_length=_LONGEST_WORDS)
    en: str = Field(min_length=1, max_length=_LONGEST_WORDS)

    @property
    def words(self) -> Words:
        return Words(self.zh, self.en)


class MeasureKind(Said):
    """Something that an officer can have done."""

    measure_id: Identifier


class Ladder(_Part):
    """Minutes after a missed deadline at which each level is told; None: never."""

    sub_district: int | None = Field(default=None, ge=0, le=LONGEST_MIN)
    district: int | None = Field(default=None, ge=0, le=LONGEST_MIN)

    @model_validator(mode="after")
    def _climbs(self) -> Self:
        if self.sub_district is not None and self.district is not None and self.district < self.sub_district:
            raise ValueError("the district would be told before the sub-district")
        return self

    def steps(self) -> list[tuple[Level, timedelta]]:
        """The levels above the site and how long after a missed deadline each is told, in that order."""
        told = ((Level.SUB_DISTRICT, self.sub_district), (Level.DISTRICT, self.district))
        return [(level, timedelta(minutes=after)) for level, after in told if after is not None]


class AlertRule(Said):
    """What one kind of alert asks for. `guard`: words at the site's gates; `send`: out by the channels."""

    rule_id: Identifier
    severity: Severity
    acknowledge_min: int = Field(ge=1, le=LONGEST_MIN)
    close_min: int = Field(ge=1, le=LONGEST_MIN)
    offers: tuple[Identifier, ...] = ()
    all_of: tuple[Identifier, ...] = ()
    one_of: tuple[Identifier, ...] = ()
    ladder: Identifier
    guard: Said | None = None
    send: bool = True

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.close_min < self.acknowledge_min:
            raise ValueError("it would have to be closed before it has to be acknowledged")
        if extra := sorted({*self.all_of, *self.one_of} - set(self.offers)):
            raise ValueError(f"asks for measures that it does not offer: {', '.join(extra)}")
        if both := sorted({*self.all_of} & {*self.one_of}):
            raise ValueError(f"all_of and one_of both name {', '.join(both)}")
        return self

    @property
    def acknowledge_within(self) -> timedelta:
        return timedelta(minutes=self.acknowledge_min)

    @property
    def close_within(self) -> timedelta:
        return timedelta(minutes=self.close_min)


class AlertRules(_Part):
    """One profile."""

    profile: Identifier
    version: int = Field(ge=1)
    measures: tuple[MeasureKind, ...] = Field(min_length=1)
    ladders: dict[Identifier, Ladder]
    rules: tuple[AlertRule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        known = [one.measure_id for one in self.measures]
        for what, ids in (("measure_id", known), ("rule_id", [rule.rule_id for rule in self.rules])):
            if twice := sorted({one for one in ids if ids.count(one) > 1}):
                raise ValueError(f"the same {what} twice: {', '.join(twice)}")
        for rule in self.rules:
            if unknown := sorted(set(rule.offers) - set(known)):
                raise ValueError(f"{rule.rule_id}: offers measures that are not listed: {', '.join(unknown)}")
            if rule.ladder not in self.ladders:
                raise ValueError(f"{rule.rule_id}: there is no ladder {rule.ladder}")
        return self

    def rule(self, rule_id: str) -> AlertRule | None:
        """None for one that this profile does not have: such an alert waits without deadlines."""
        return next((rule for rule in self.rules if rule.rule_id == rule_id), None)

    def words(self, rule_id: str) -> Words:
        """The rule in words; its id where another profile had it."""
        rule = self.rule(rule_id)
        return rule.words if rule is not None else Words(rule_id, rule_id)

    def measure_words(self, measure_id: str) -> Words:
        """The measure in words; its id where another profile had it."""
        found = (one.words for one in self.measures if one.measure_id == measure_id)
        return next(found, Words(measure_id, measure_id))


def read_rules(path: Path) -> AlertRules:
    """Rules from a file. Raises AlertRulesInvalid, with file and place."""
    return parsed_rules(text_of(path, AlertRulesInvalid), source=str(path))


def parsed_rules(text: str, *, source: str) -> AlertRules:
    """Rules from a text. Raises AlertRulesInvalid, with `source` and the place in it."""
    return checked(AlertRules, text, source=source, refusal=AlertRulesInvalid)


@functools.cache
def shipped_rules() -> AlertRules:
    """The epidemic profile that comes with the program."""
    return read_rules(SHIPPED_FILE)
