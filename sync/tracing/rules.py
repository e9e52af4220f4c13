"""The rules by which contacts are found: data from a file, refused where it contradicts itself."""

from __future__ import annotations

import functools
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sync.errors import SyncError
from sync.records import FlagLevel, Identifier
from sync.words import Words

_SHIPPED = Path(__file__).parent / "data" / "contact-rules.yaml"

Vehicle = Literal["flight", "train", "bus", "ship", "car"]
VEHICLES: tuple[Vehicle, ...] = ("flight", "train", "bus", "ship", "car")

LONGEST_WINDOW_D = 60
"""As far back as declarations ask for trips."""


class RulesInvalid(SyncError, ValueError):
    """A file of rules that cannot be used as it is."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Rule(_Part):
    rule_id: Identifier
    zh: str
    en: str

    @property
    def words(self) -> Words:
        return Words(self.zh, self.en)


class SharedTrip(_Rule):
    """The same vehicle on the same day. `rows`: at most so many rows apart; None: anywhere in it.

    A seat or carriage that was not declared counts as near: a person decides.
    """

    kind: Literal["shared_trip"]
    vehicle: Vehicle
    rows: int | None = Field(default=None, ge=0, le=100)
    same_carriage: bool = False


class SharedLodging(_Rule):
    """The same house or declared place, on overlapping days. `same_room`: and the same room."""

    kind: Literal["shared_lodging"]
    same_room: bool = False


class SameTeam(_Rule):
    """Two of one team who were at the site on the same day, by the gates."""

    kind: Literal["same_team"]


class SameGate(_Rule):
    """Two who passed the same gate at most `within_s` apart."""

    kind: Literal["same_gate"]
    within_s: int = Field(ge=1, le=3600)


Rule = Annotated[SharedTrip | SharedLodging | SameTeam | SameGate, Field(discriminator="kind")]


class Window(_Part):
    """How long somebody infects others, in days around the onset."""

    days_before_onset: int = Field(ge=0, le=LONGEST_WINDOW_D)
    days_after_onset: int = Field(ge=0, le=LONGEST_WINDOW_D)

    def around(self, onset_on: date) -> tuple[date, date]:
        """First and last day."""
        return (
            onset_on - timedelta(days=self.days_before_onset),
            onset_on + timedelta(days=self.days_after_onset),
        )


class Measure(_Part):
    """What confirming a contact does by default; `days` after the last contact.

    With `pass_cause` the pass of a contact becomes red (level block) or yellow (hold), for that cause of the
    rules of passes; without it, or with notify, there is a flag of `category` and no colour.
    """

    level: FlagLevel
    category: str = Field(min_length=1, max_length=40)
    days: int = Field(ge=1, le=365)
    pass_cause: Identifier | None = None


class TracingRules(_Part):
    """One profile."""

    profile: Identifier
    version: int = Field(ge=1)
    window: Window
    measure: Measure
    rules: tuple[Rule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        ids = [rule.rule_id for rule in self.rules]
        if len(set(ids)) < len(ids):
            raise ValueError("two rules have the same rule_id")
        if self.window.days_before_onset + self.window.days_after_onset > LONGEST_WINDOW_D:
            raise ValueError(f"the window is longer than {LONGEST_WINDOW_D} days")
        for rule in self.rules:
            if isinstance(rule, SharedTrip) and rule.same_carriage and rule.vehicle != "train":
                raise ValueError(f"{rule.rule_id}: only a train has carriages")
        return self

    def words(self, rule_id: str) -> Words:
        """The name of a rule; its id where an older profile had it."""
        return next((rule.words for rule in self.rules if rule.rule_id == rule_id), Words(rule_id, rule_id))


def read_rules(path: Path) -> TracingRules:
    """Rules from a file. Raises RulesInvalid, with file and place."""
    try:
        return TracingRules.model_validate(YAML(typ="safe").load(path))
    except YAMLError as error:
        raise RulesInvalid(f"{path} is no YAML: {error}", next_step="correct the file") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RulesInvalid(f"{path}: {place}: {first['msg']}", next_step="correct the file") from error


@functools.cache
def shipped_rules() -> TracingRules:
    """The epidemic profile that comes with the program."""
    return read_rules(_SHIPPED)
