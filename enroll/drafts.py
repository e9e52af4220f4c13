"""A registration that is not finished: it survives a reload and a restart, and is erased when abandoned."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from pydantic import AwareDatetime, Field

from enroll.errors import EnrollError
from sync.people import Consent, DuplicateDecision, Person
from sync.records import Identifier, Record, Template, Worker
from sync.store import LocalStore
from sync.store.drafts import DraftRow
from sync.wire.templates import Templates
from sync.words import Words

KEPT_FOR = timedelta(days=1)
"""Personal data of somebody who was never registered: gone after a day without a change."""

_PICTURES = ("photo", "scan")


class DraftGone(EnrollError, LookupError):
    """The draft was finished, cancelled or erased after a day."""


class EnrolmentDraft(Record):
    """What is known so far.

    typed     fields of the identity page as they were typed, before all of them are right
    worker    set, like `person`, when the identity page is passed; the templates carry its number
    consent   for the face; with a refusal there is no capture
    without_face  the capture was left out on purpose: the worker gets a pass
    decisions about look-alikes; they go to the centre after the worker (`enroll.duplicates.queue_decisions`)
    photo     JPEG of the capture; what becomes of it follows from consent and config
    scan      JPEG of the consent that was signed on paper
    is_known  the worker is registered already: the face is captured anew
    """

    draft_id: Identifier = Field(default_factory=lambda: uuid4().hex)
    started_by: str
    started_at: AwareDatetime
    changed_at: AwareDatetime
    typed: dict[str, str] = Field(default_factory=dict, repr=False)
    worker: Worker | None = None
    person: Person | None = None
    consent: Consent | None = None
    templates: Templates = Field(default=(), repr=False)
    without_face: bool = False
    capture_note: str = ""
    decisions: tuple[DuplicateDecision, ...] = ()
    photo: bytes | None = Field(default=None, repr=False)
    scan: bytes | None = Field(default=None, repr=False)
    is_known: bool = False


class Drafts:
    """One open draft per user of the kiosk; safe to use from any thread."""

    def __init__(self, store: LocalStore, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._changing = threading.Lock()

    def begin(self, user_id: str) -> EnrolmentDraft:
        """A fresh draft; an unfinished one of the same user is erased."""
        now = self._now()
        draft = EnrolmentDraft(started_by=user_id, started_at=now, changed_at=now)
        self._put(draft)
        return draft

    def current(self, user_id: str) -> EnrolmentDraft | None:
        """The user's unfinished draft."""
        return _read(self._store.draft_of(user_id))

    def get(self, draft_id: str) -> EnrolmentDraft:
        """Raises DraftGone."""
        draft = _read(self._store.draft(draft_id))
        if draft is None:
            raise DraftGone(
                "this registration was finished, cancelled or left for a day",
                next_step="Begin it again.",
                words=Words(
                    "此登记已完成、取消或放置超过一天，请重新开始",
                    "Finished, cancelled or too old: begin again",
                ),
            )
        return draft

    def change(self, draft_id: str, **changes: Any) -> EnrolmentDraft:
        """Replace fields of the draft. Raises DraftGone."""
        with self._changing:
            draft = self.get(draft_id).model_copy(update={**changes, "changed_at": self._now()})
            self._put(draft)
        return draft

    def put_capture(
        self, draft_id: str, templates: Sequence[Template], photo: bytes | None, note: str
    ) -> EnrolmentDraft:
        """What the capture found; it replaces an earlier one. No templates: left out. Raises DraftGone."""
        return self.change(
            draft_id,
            templates=tuple(templates),
            photo=photo,
            capture_note=note,
            without_face=not templates,
            decisions=(),
        )

    def cancel(self, draft_id: str) -> None:
        """Erase it; one that is gone already is no error."""
        self._store.delete_draft(draft_id)

    def erase_abandoned(self) -> int:
        """Erase what nobody went on with for `KEPT_FOR`; how many went."""
        return self._store.delete_drafts_before(self._now() - KEPT_FOR)

    def _put(self, draft: EnrolmentDraft) -> None:
        self._store.put_draft(
            DraftRow(
                draft.draft_id,
                draft.started_by,
                draft.changed_at,
                draft.model_dump_json(exclude=set(_PICTURES)),
                draft.photo,
                draft.scan,
            )
        )


def _read(row: DraftRow | None) -> EnrolmentDraft | None:
    if row is None:
        return None
    draft = EnrolmentDraft.model_validate_json(row.record)
    return draft.model_copy(update={"photo": row.photo, "scan": row.scan})
