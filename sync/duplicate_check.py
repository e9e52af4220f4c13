"""Question and answer between kiosk and centre: is this person registered already?

They travel sealed as kind `duplicates` (`LocalStore.ask`), are answered from the registry and kept nowhere.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sync.people import DocumentType
from sync.records import Identifier, Name, Record
from sync.wire.templates import Templates

DUPLICATES = "duplicates"
"""The kind of the question."""


class DuplicateQuestion(Record):
    """A person about to be registered. Matches that are `worker_id` itself are no news and are left out.

    document_number  canonical form; empty: only the face is compared
    templates        of one face; empty: only the document is compared
    """

    worker_id: Identifier
    document_type: DocumentType | None = None
    document_number: str = Field(default="", max_length=64, repr=False)
    templates: Templates = Field(default=(), repr=False)


class DuplicateMatch(Record):
    """Somebody registered who may be the same person. `score`: best cosine of the faces, None without."""

    worker_id: Identifier
    name: Name
    employer: str = ""
    team: str = ""
    site_ids: tuple[Identifier, ...] = ()
    score: float | None = None
    found_by: Literal["face", "document"]


class DuplicateAnswer(Record):
    """checked: workers of the registry that were compared; matches: best first, a document before a face."""

    checked: int = Field(ge=0)
    matches: tuple[DuplicateMatch, ...] = ()
