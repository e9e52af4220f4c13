"""What a form is made of, as its YAML file says it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field as Setting
from pydantic import StringConstraints, model_validator

from sync.errors import SyncError
from sync.records import Identifier, Record

FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
TEXT_MAX = 200


class FormInvalid(SyncError, ValueError):
    """A description that contradicts itself."""


class UnknownForm(SyncError, LookupError):
    """No form by that id and version is part of this program."""


class Kind(StrEnum):
    """What can be answered, and the type of the answer once it is checked."""

    TEXT = "text"  # str
    LONG_TEXT = "long_text"  # str, several lines
    NUMBER = "number"  # int, or float where `decimals` > 0
    DATE = "date"  # ISO date
    CHOICE = "choice"  # the option's value
    CHOICES = "choices"  # list of values
    YES_NO = "yes_no"  # bool
    CONFIRM = "confirm"  # True, or the form is not complete
    GROUPS = "groups"  # list of answers to `fields`, as many as there are
    TABLE = "table"  # answers to `fields` for each of `options`


class Said(Record):
    """In both languages."""

    zh: Annotated[str, StringConstraints(min_length=1)]
    en: Annotated[str, StringConstraints(min_length=1)]

    def __str__(self) -> str:
        return f"{self.zh} {self.en}"


class Option(Said):
    """`alone`: goes with no other option, e.g. "none of these". `unit` of the row of a table.

    mark  put on answers with this option: what somebody should look at, e.g. unwell
    """

    value: FieldName
    alone: bool = False
    mark: FieldName | None = None
    unit: Said | None = None


class Condition(Record):
    """Holds where the answer to `field` is `equals` (in a list: is among them)."""

    field: FieldName
    equals: bool | str


class Field(Record):
    """One question. `when` None: always asked.

    pattern      name of one of `rules.PATTERNS`
    least, most  of a number; of a date in days from today, e.g. least -14, most 0
    carried      the answer of the last time is put in for the next
    required     must be answered where it is asked; of `groups`: at least one
    mark         put on answers that say yes to this
    """

    name: FieldName
    kind: Kind
    label: Said
    hint: Said | None = None
    unit: Said | None = None
    required: bool = True
    when: Condition | None = None
    options: tuple[Option, ...] = ()
    fields: tuple[Field, ...] = ()
    pattern: str = ""
    least: float | None = None
    most: float | None = None
    decimals: int = Setting(default=0, ge=0, le=3)
    max_length: int = Setting(default=TEXT_MAX, ge=1, le=2000)
    max_groups: int = Setting(default=8, ge=1, le=30)
    carried: bool = False
    mark: FieldName | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        needs_options = self.kind in (Kind.CHOICE, Kind.CHOICES, Kind.TABLE)
        needs_fields = self.kind in (Kind.GROUPS, Kind.TABLE)
        if needs_options is not bool(self.options) or needs_fields is not bool(self.fields):
            raise ValueError(f"{self.name}: options or fields do not fit the kind {self.kind}")
        values = [option.value for option in self.options]
        if len(set(values)) != len(values):
            raise ValueError(f"{self.name}: an option is there twice")
        if any(one.kind in (Kind.GROUPS, Kind.TABLE) for one in self.fields):
            raise ValueError(f"{self.name}: no groups within groups")
        _check_names(self.fields)
        return self


class Section(Record):
    """Fields under one heading."""

    title: Said
    fields: tuple[Field, ...]


class Rule(Record):
    """A plausibility rule: `name` of one of `rules.RULES`, with the fields it looks at.

    group  name of the groups or table whose every entry is looked at; empty: the form itself
    """

    name: str
    group: str = ""
    fields: tuple[FieldName, ...]


class Form(Record):
    """A form of one version. A changed question is a new version; old answers keep theirs."""

    form_id: Identifier
    version: int = Setting(ge=1)
    title: Said
    intro: Said | None = None
    sections: tuple[Section, ...]
    rules: tuple[Rule, ...] = ()

    @property
    def fields(self) -> Iterator[Field]:
        return (field for section in self.sections for field in section.fields)

    def field(self, name: str) -> Field:
        """Raises UnknownForm."""
        for field in self.fields:
            if field.name == name:
                return field
        raise UnknownForm(f"form {self.form_id} {self.version} has no field {name}")

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        fields = tuple(self.fields)
        _check_names(fields)
        scopes = {"": fields, **{field.name: field.fields for field in fields if field.fields}}
        for rule in self.rules:
            known = {field.name for field in scopes.get(rule.group, ())}
            if missing := set(rule.fields) - known:
                raise ValueError(f"rule {rule.name} names fields that are not there: {sorted(missing)}")
        return self


def _check_names(fields: tuple[Field, ...]) -> None:
    """Names are unique; a condition names an earlier field, and an answer that it can have."""
    before: dict[str, Field] = {}
    for field in fields:
        if field.name in before:
            raise ValueError(f"{field.name} is there twice")
        if field.when is not None:
            asked = before.get(field.when.field)
            if asked is None:
                raise ValueError(f"{field.name}: its condition names no earlier field")
            if asked.kind is Kind.YES_NO:
                fits = isinstance(field.when.equals, bool)
            else:
                fits = field.when.equals in [option.value for option in asked.options]
            if not fits:
                raise ValueError(f"{field.name}: {asked.name} is never {field.when.equals!r}")
        before[field.name] = field
