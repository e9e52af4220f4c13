"""What an inspection asks: data from a file, refused where it contradicts itself."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sync.alerting import Severity
from sync.errors import SyncError
from sync.records import Identifier
from sync.words import Words

_SHIPPED = Path(__file__).with_name("data")

LONGEST_DEADLINE_D = 365
_LONGEST_TITLE = 60
_LONGEST_ITEM_ZH = 80
_LONGEST_ITEM_EN = 120
_MOST_ITEMS = 40
"""So that the longest checklist is a page of less than 60 KB on a phone."""


class ChecklistInvalid(SyncError, ValueError):
    """A checklist that cannot be used as it is."""


class InspectorLevel(StrEnum):
    """Who inspects, the nearest first: the site itself, its sub-district, the district."""

    SELF = "self"
    SUB_DISTRICT = "sub_district"
    DISTRICT = "district"

    @property
    def rank(self) -> int:
        return list(InspectorLevel).index(self)


ALL_LEVELS = tuple(InspectorLevel)


class ItemKind(StrEnum):
    """How an item is answered."""

    YES_NO = "yes_no"
    NUMBER = "number"
    TEXT = "text"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Item(_Part):
    """One thing to look at.

    optional       may be left open, and does not count then
    finding_if     of yes_no: the answer that is a finding; without it `no`
    low, high      of a number: what can be typed at all
    finding_below  of a number: less is a finding; finding_above: more is one
    deadline_days  after the day of the inspection, 0: the same day; None: as the checklist says
    """

    item_id: Identifier
    zh: str = Field(min_length=1, max_length=_LONGEST_ITEM_ZH)
    en: str = Field(min_length=1, max_length=_LONGEST_ITEM_EN)
    kind: ItemKind
    levels: tuple[InspectorLevel, ...] = Field(default=ALL_LEVELS, min_length=1)
    optional: bool = False
    finding_if: Literal["yes", "no"] | None = None
    low: float = Field(default=0, ge=-1e6, le=1e6)
    high: float = Field(default=1e6, ge=-1e6, le=1e6)
    finding_below: float | None = None
    finding_above: float | None = None
    severity: Severity | None = None
    deadline_days: int | None = Field(default=None, ge=0, le=LONGEST_DEADLINE_D)

    @property
    def words(self) -> Words:
        return Words(self.zh, self.en)

    def is_fault(self, value: str | float) -> bool:
        """Whether this answer is a finding."""
        if self.kind is ItemKind.YES_NO:
            return value == (self.finding_if or "no")
        if self.kind is ItemKind.TEXT:
            return False
        below = self.finding_below is not None and float(value) < self.finding_below
        above = self.finding_above is not None and float(value) > self.finding_above
        return below or above

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        told = self.model_fields_set
        bounds = sorted(told & {"low", "high", "finding_below", "finding_above"})
        if self.kind is not ItemKind.NUMBER and bounds:
            raise ValueError(f"{self.item_id}: {', '.join(bounds)} is for numbers, this is {self.kind}")
        if self.kind is not ItemKind.YES_NO and self.finding_if is not None:
            raise ValueError(f"{self.item_id}: finding_if is for yes_no, this is {self.kind}")
        if self.kind is ItemKind.TEXT and told & {"severity", "deadline_days"}:
            raise ValueError(f"{self.item_id}: a text is never a finding, so it has no severity or deadline")
        if self.low >= self.high:
            raise ValueError(f"{self.item_id}: low is not below high")
        below, above = self.finding_below, self.finding_above
        if below is not None and above is not None and below > above:
            raise ValueError(f"{self.item_id}: every number is below finding_below or above finding_above")
        if below is not None and not self.low < below <= self.high:
            raise ValueError(f"{self.item_id}: finding_below is not within low and high: always or never one")
        if above is not None and not self.low <= above < self.high:
            raise ValueError(f"{self.item_id}: finding_above is not within low and high: always or never one")
        if len(set(self.levels)) < len(self.levels):
            raise ValueError(f"{self.item_id}: a level is named twice")
        return self


class Checklist(_Part):
    """One checklist in one version.

    every_days  how often the site itself is to go through it; None: as asked
    """

    checklist_id: Identifier
    version: int = Field(ge=1, le=9999)
    zh: str = Field(min_length=1, max_length=_LONGEST_TITLE)
    en: str = Field(min_length=1, max_length=_LONGEST_TITLE)
    levels: tuple[InspectorLevel, ...] = Field(default=ALL_LEVELS, min_length=1)
    every_days: int | None = Field(default=None, ge=1, le=LONGEST_DEADLINE_D)
    severity: Severity = Severity.NORMAL
    deadline_days: int = Field(ge=0, le=LONGEST_DEADLINE_D)
    items: tuple[Item, ...] = Field(min_length=1, max_length=_MOST_ITEMS)

    @property
    def words(self) -> Words:
        return Words(self.zh, self.en)

    def items_for(self, level: InspectorLevel) -> tuple[Item, ...]:
        """What an inspector of that level is asked."""
        return tuple(item for item in self.items if level in item.levels)

    def item(self, item_id: str) -> Item | None:
        return next((item for item in self.items if item.item_id == item_id), None)

    def severity_of(self, item: Item) -> Severity:
        return item.severity or self.severity

    def deadline_days_of(self, item: Item) -> int:
        return self.deadline_days if item.deadline_days is None else item.deadline_days

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        ids = [item.item_id for item in self.items]
        if twice := sorted({one for one in ids if ids.count(one) > 1}):
            raise ValueError(f"the same item_id twice: {', '.join(twice)}")
        if len(set(self.levels)) < len(self.levels):
            raise ValueError("a level is named twice")
        if self.every_days is not None and InspectorLevel.SELF not in self.levels:
            raise ValueError("every_days is for the site itself, and its level is not among the levels")
        for item in self.items:
            foreign = sorted(set(item.levels) - set(self.levels))
            if foreign and "levels" in item.model_fields_set:
                raise ValueError(f"{item.item_id}: the checklist has no level {', '.join(foreign)}")
        for level in self.levels:
            if all(item.kind is ItemKind.TEXT for item in self.items_for(level)):
                raise ValueError(f"for the level {level} nothing is asked that could be a finding")
        return self


def read_checklist(path: Path) -> Checklist:
    """A checklist from a file. Raises ChecklistInvalid, with file and place."""
    try:
        return Checklist.model_validate(YAML(typ="safe").load(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ChecklistInvalid(f"{path} cannot be read as UTF-8 text", next_step="check the file") from error
    except YAMLError as error:
        raise ChecklistInvalid(f"{path} is no YAML: {error}", next_step="correct the file") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file as a whole"
        raise ChecklistInvalid(f"{path}: {place}: {first['msg']}", next_step="correct the file") from error


@functools.cache
def shipped_checklists() -> Mapping[str, Checklist]:
    """The samples that come with the program, by id."""
    found = [read_checklist(path) for path in sorted(_SHIPPED.glob("*.yaml"))]
    return {one.checklist_id: one for one in found}
