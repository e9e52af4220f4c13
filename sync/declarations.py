"""Declarations as kiosks send them and the centre keeps them. Answers are those of a checked form."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self
from uuid import uuid4

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from sync.people import DocumentType
from sync.records import SCHEMA_VERSION, Identifier, Name, Record

WORKER_FORM, SITE_FORM = "worker-declaration", "site-report"

Source = Literal["phone", "kiosk"]
Employer = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)]


class VisitorPapers(Record):
    """Who declares without being registered. `document_number` in its canonical form."""

    name: Name
    phone: Annotated[str, StringConstraints(strip_whitespace=True, max_length=20)] = ""
    document_type: DocumentType
    document_number: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(repr=False)


class _FormFilled(Record):
    schema_version: int = SCHEMA_VERSION
    form_id: Identifier
    form_version: int = Field(ge=1)
    site_id: Identifier
    local_day: date
    declared_at: AwareDatetime
    source: Source
    recorded_by: Annotated[str, StringConstraints(max_length=100)] = ""
    answers: dict[str, Any] = Field(repr=False)


class Declaration(_FormFilled):
    """What one worker or visitor declared for one day; a later one of the same day takes its place."""

    declaration_id: Identifier = Field(default_factory=lambda: uuid4().hex)
    worker_id: Identifier | None = None
    visitor: VisitorPapers | None = None
    visitor_id: Identifier | None = None  # of a visitor whom the centre knows; never from a kiosk

    @model_validator(mode="after")
    def _is_about_one_person(self) -> Self:
        if sum(one is not None for one in (self.worker_id, self.visitor, self.visitor_id)) != 1:
            raise ValueError("a declaration is about one worker or visitor")
        return self


class SiteReport(_FormFilled):
    """What one employer of a site reported for one day; a later one of the same day takes its place."""

    report_id: Identifier = Field(default_factory=lambda: uuid4().hex)
    employer: Employer = ""
