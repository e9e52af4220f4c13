"""Records of registering people: identity, consent, enrolment. Kept at the kiosk, sent to the centre sealed.

They hold what a gate need not know (document numbers, consents): the roster that gates get has `Worker`.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal
from uuid import uuid4

from pydantic import AwareDatetime, Field, StringConstraints

from sync.records import SCHEMA_VERSION, Identifier, Name, Record, Worker, WorkerStatus
from sync.wire.templates import Templates

FILE_FLAG_ID = "roster-file"
"""The one flag that a kiosk sets, by a roster file; all others are the centre's and the guard's."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


class DocumentType(StrEnum):
    """Papers by which somebody is known. RESIDENT_ID is the Chinese resident number of GB 11643-1999."""

    RESIDENT_ID = "resident_id"
    FOREIGN_PERMANENT = "foreign_permanent"
    HONGKONG_MACAO_PERMIT = "hongkong_macao_permit"
    TAIWAN_PERMIT = "taiwan_permit"
    PASSPORT = "passport"
    OTHER = "other"


class Sex(StrEnum):
    """As the document states it."""

    FEMALE = "female"
    MALE = "male"
    UNSTATED = "unstated"


class Person(Record):
    """Who a worker is by their papers. `document_number` is in its canonical form (upper case, no spaces)."""

    worker_id: Identifier
    document_type: DocumentType
    document_number: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
    birth_date: date | None = None
    sex: Sex = Sex.UNSTATED
    address: Text = ""
    guardian_name: Text = ""
    guardian_phone: Text = ""


class Consent(Record):
    """What somebody was asked and answered; a refusal is kept too. `kind` is `face` for templates of a face.

    text_sha256  of exactly the text that was shown, so that it can be proved later
    signature    strokes as an SVG path (`how` is screen); a scan is an attachment (`how` is paper)
    """

    consent_id: Identifier = Field(default_factory=lambda: uuid4().hex)
    worker_id: Identifier
    kind: Identifier = "face"
    granted: bool
    text_version: Text
    language: Literal["zh", "en"] = "zh"
    text_sha256: str = ""
    how: Literal["screen", "paper", "import"] = "screen"
    signature: Annotated[str, StringConstraints(max_length=20_000)] = Field(default="", repr=False)
    guardian_name: Text = ""
    given_at: AwareDatetime
    recorded_by: Text = ""


class ConsentWithdrawal(Record):
    """Somebody takes a consent back; with the one for faces goes everything derived from the face."""

    withdrawal_id: Identifier = Field(default_factory=lambda: uuid4().hex)
    worker_id: Identifier
    kind: Identifier = "face"
    withdrawn_at: AwareDatetime
    reason: Text = ""
    recorded_by: Text = ""


class Enrolment(Record):
    """A worker was registered or changed at a kiosk; what is None stays as it is.

    templates      of the face; an empty tuple takes them away. The centre keeps flags, and clearances of its
                   own; of the worker's flags it takes a new `FILE_FLAG_ID`.
    status_before  of the worker at the kiosk, put in by its store: an edit by somebody who had not heard of a
                   block lifts none
    """

    enrolment_id: Identifier = Field(default_factory=lambda: uuid4().hex)
    schema_version: int = SCHEMA_VERSION
    worker: Worker
    person: Person | None = None
    consent: Consent | None = None
    templates: Templates | None = Field(default=None, repr=False)
    status_before: WorkerStatus | None = None
    enrolled_at: AwareDatetime
    recorded_by: Text = ""
    note: Text = ""


class DuplicateDecision(Record):
    """What a person decided about two records that look like one person, or one document with two faces.

    same_person  None: left open, to be decided at the centre
    """

    decision_id: Identifier = Field(default_factory=lambda: uuid4().hex)
    worker_id: Identifier
    other_worker_id: Identifier
    found_by: Literal["face", "document"]
    score: float | None = None
    same_person: bool | None
    reason: Text = ""
    decided_at: AwareDatetime
    decided_by: Text = ""


class Attachment(Record):
    """A picture that stays in the kiosk's sealed store: photo, scan of a signed paper."""

    attachment_id: Identifier = Field(default_factory=lambda: uuid4().hex)
    worker_id: Identifier
    kind: Literal["photo", "consent_scan", "document_scan", "training_picture"]
    media_type: str = "image/jpeg"
    content: bytes = Field(repr=False)
    created_at: AwareDatetime
    keep_until: AwareDatetime | None = None


__all__ = [
    "FILE_FLAG_ID",
    "Attachment",
    "Consent",
    "ConsentWithdrawal",
    "DocumentType",
    "DuplicateDecision",
    "Enrolment",
    "Name",
    "Person",
    "Sex",
]
