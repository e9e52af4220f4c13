"""The rules about clearances: data from a file, refused where it contradicts itself."""

from __future__ import annotations

import functools
import unicodedata
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sync.clearance_rules.standing import Person
from sync.errors import SyncError
from sync.records import FlagLevel, Identifier
from sync.words import Words

_SHIPPED = Path(__file__).parent / "data" / "clearance-rules.yaml"

LONGEST_D = 3660
_HOURS_PER_DAY = 24


class RulesInvalid(SyncError, ValueError):
    """A file of rules that cannot be used as it is."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ResultKind(_Part):
    """One way a test or an examination ends.

    grants   whoever has it holds the clearance
    also     what laboratories write for it besides `result`, `zh` and `en`
    finding  what it tells the pass: what that ends, ends
    occurs   the cause of a colour that it is
    """

    result: Identifier
    zh: str
    en: str
    grants: bool = False
    also: tuple[str, ...] = ()
    finding: Literal["test_negative", "cleared_by_medic"] | None = None
    occurs: str | None = None

    @property
    def words(self) -> Words:
        return Words(self.zh, self.en)

    @property
    def spellings(self) -> frozenset[str]:
        return frozenset(spelling(text) for text in (self.result, self.zh, self.en, *self.also))

    @model_validator(mode="after")
    def _means_one_thing(self) -> Self:
        if self.occurs is not None and (self.grants or self.finding):
            raise ValueError(f"{self.result}: what makes a colour grants and ends nothing")
        return self


class Kind(_Part):
    """One kind of clearance. `holds_days`: through the last of so many days after the day itself."""

    kind: Identifier
    zh: str
    en: str
    holds_days: int | None = Field(default=None, ge=0, le=LONGEST_D)
    holds_hours: float | None = Field(default=None, gt=0, le=LONGEST_D * _HOURS_PER_DAY)
    warn_days: float = Field(default=7, ge=0, le=365)
    results: tuple[ResultKind, ...] = ()

    @property
    def words(self) -> Words:
        return Words(self.zh, self.en)

    def result(self, code: str) -> ResultKind | None:
        """The result by its own code."""
        return next((one for one in self.results if one.result == code), None)

    def read(self, text: str) -> ResultKind | None:
        """The result that a laboratory's word means; None for a word that is not known."""
        word = spelling(text)
        return next((one for one in self.results if word in one.spellings), None)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.holds_days is not None and self.holds_hours is not None:
            raise ValueError(f"{self.kind}: holds_days and holds_hours contradict each other; keep one")
        hours = self.holds_hours if self.holds_days is None else (self.holds_days + 1) * _HOURS_PER_DAY
        if hours is not None and self.warn_days * _HOURS_PER_DAY >= hours:
            raise ValueError(f"{self.kind}: warn_days is as long as it holds: it would always end soon")
        if self.results and not any(one.grants for one in self.results):
            raise ValueError(f"{self.kind}: no result grants it, so nobody could ever have it")
        seen: set[str] = set()
        for one in self.results:
            if not seen.isdisjoint(one.spellings):
                raise ValueError(f"{self.kind}: {one.result} is written like another result")
            seen |= one.spellings
        return self


class Requirement(_Part):
    """Who needs a kind: at `sites` (none: at all), whoever is of one of the others (none: everybody)."""

    kind: Identifier
    sites: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    trades: tuple[str, ...] = ()
    workers: tuple[str, ...] = ()

    def concerns(self, person: Person, site_id: str) -> bool:
        """Whether this person needs it at that site."""
        if self.sites and site_id not in self.sites:
            return False
        everybody = not (self.teams or self.trades or self.workers)
        return (
            everybody
            or person.team in self.teams
            or person.trade in self.trades
            or person.worker_id in self.workers
        )


class OrderMeasure(_Part):
    """The flag of somebody who was ordered to a test and has none yet."""

    level: FlagLevel
    category: str = Field(min_length=1, max_length=40)


class DeclarationRule(_Part):
    """Which declaration gives the clearance of the day: one without these marks."""

    kind: Identifier
    not_with: tuple[str, ...] = ()


class ClearanceRules(_Part):
    """One profile."""

    profile: Identifier
    version: int = Field(ge=1)
    kinds: tuple[Kind, ...] = Field(min_length=1)
    required: tuple[Requirement, ...] = ()
    order: OrderMeasure
    declaration: DeclarationRule

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        ids = [one.kind for one in self.kinds]
        if len(set(ids)) < len(ids):
            raise ValueError("a kind is described twice")
        unknown = sorted({one.kind for one in self.required} - set(ids))
        if unknown:
            raise ValueError(f"required, but not described: {', '.join(unknown)}")
        if len(set(self.required)) < len(self.required):
            raise ValueError("the same is required twice")
        if self.kind(self.declaration.kind) is None:
            raise ValueError(f"declaration: no kind {self.declaration.kind}")
        return self

    def kind(self, kind: str) -> Kind | None:
        """None where the profile does not know it."""
        return next((one for one in self.kinds if one.kind == kind), None)

    def words(self, kind: str) -> Words:
        """The name of a kind; its id where another profile had it."""
        found = self.kind(kind)
        return Words(kind, kind) if found is None else found.words

    @property
    def with_results(self) -> tuple[Kind, ...]:
        """What can be ordered and have a result entered."""
        return tuple(one for one in self.kinds if one.results)

    def needed(self, person: Person, site_id: str) -> tuple[str, ...]:
        """The kinds that a person needs at a site, in the order of the profile."""
        asked = {one.kind for one in self.required if one.concerns(person, site_id)}
        return tuple(one.kind for one in self.kinds if one.kind in asked)


def spelling(text: str) -> str:
    """One spelling of a laboratory's word: width, capitals and spaces do not count; signs do."""
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()


def read_rules(path: Path) -> ClearanceRules:
    """Rules from a file. Raises RulesInvalid, with file and place."""
    try:
        return ClearanceRules.model_validate(YAML(typ="safe").load(path))
    except OSError as error:
        raise RulesInvalid(f"{path}: {error.strerror}", next_step="name a file that can be read") from error
    except YAMLError as error:
        raise RulesInvalid(f"{path} is no YAML: {error}", next_step="correct the file") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RulesInvalid(f"{path}: {place}: {first['msg']}", next_step="correct the file") from error


@functools.cache
def shipped_rules() -> ClearanceRules:
    """The epidemic profile that comes with the program."""
    return read_rules(_SHIPPED)
