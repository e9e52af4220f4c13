"""Registering a worker step by step: identity, consent, capture, done; and undo for the last one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from enroll.consent_text import ConsentText
from enroll.drafts import Drafts, EnrolmentDraft
from enroll.duplicates import queue_decisions
from enroll.errors import EnrollError
from enroll.identity import BIRTH_UNKNOWN, Identity, check_identity, needs_guardian
from enroll.roster_config import RosterConfig
from sync.errors import UnknownWorker
from sync.people import Attachment, Consent, ConsentWithdrawal, DocumentType, Enrolment, Person
from sync.records import Worker, WorkerStatus
from sync.resident_number import check_document
from sync.store import LocalStore
from sync.words import Words

SIGNATURE_MAX_CHARACTERS = 20_000
_LEAST_STROKES_CHARACTERS = 30
"""A dot or a slip of the finger is shorter than any name."""

_SIGNATURE = re.compile(r"(?:[ML]-?[0-9]{1,4} -?[0-9]{1,4} ?)+")
WORKER_FIELDS = ("name", "employer", "team", "trade", "phone", "site_ids", "grant_from", "grant_until")
"""Of a worker's record what the identity page holds, but for the number."""

_ASK_FIRST = Words("请先征求同意", "Ask for the consent first")
_CAPTURE_FIRST = Words("请先拍摄人脸", "Take the pictures of the face first")
_IDENTITY_FIRST = Words("请先填写身份", "Fill in the identity first")
_NUMBER_GONE = Words(
    "此工号刚被他人使用，请返回换一个工号", "The number was taken meanwhile: choose another one"
)
_WORKER_GONE = Words("该工人已被移出名册，请重新登记", "No longer in the roster: register the worker anew")
_ONLY_LAST = Words("只能撤销最近一次登记", "Only the last registration can be undone")
_GUARDIAN = Words("请填写监护人姓名", "Write the guardian's name")
_PAPER = Words("请拍摄或选择签字页", "Photograph the signed page, or choose a file")
_SIGN = Words("请先签名，或改用纸质签字", "Sign in the field first, or on paper")
_SIGN_AGAIN = Words("签名无法识别，请重签", "The signature cannot be read: clear the field and sign again")

_LAST = "kiosk.last_enrolment"
_COUNTER = "kiosk.last_number."


class StepMissing(EnrollError, ValueError):
    """Something that a step before this one should have left is not there."""


class ConsentIncomplete(EnrollError, ValueError):
    """The consent lacks a signature, a scan or the guardian's name."""


class NothingToUndo(EnrollError, LookupError):
    """No registration of this kiosk that could be taken back."""


class Undone(StrEnum):
    """What an undo did."""

    REMOVED = "removed"
    SIGNED_OFF = "signed_off"


@dataclass(frozen=True, slots=True)
class Signature:
    """How somebody answered on consent.

    strokes  SVG path of the pen (`how` is screen); `scan` is a JPEG of the signed paper (`how` is paper)
    """

    how: Literal["screen", "paper"] = "screen"
    strokes: str = ""
    scan: bytes | None = None
    guardian_name: str = ""
    guardian_phone: str = ""


@dataclass(frozen=True, slots=True)
class LastEnrolment:
    """The registration that can be taken back."""

    enrolment_id: str
    worker_id: str
    by: str
    at: datetime


class Registration:
    """The steps over one store. Nothing but drafts is written before `commit`."""

    def __init__(
        self, store: LocalStore, drafts: Drafts, settings: RosterConfig, *, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._drafts = drafts
        self._settings = settings
        self._now = now
        self._zone = ZoneInfo(settings.site.timezone)

    def first_typed(self) -> dict[str, str]:
        """What the identity page begins with."""
        return {
            "document_type": "resident_id",
            "site_ids": self._settings.site.id,
            "grant_from": self._today().isoformat(),
            "worker_id": self.proposed_number(),
        }

    def proposed_number(self) -> str:
        """The next free worker number of this kiosk; one of somebody who was taken out is not given again."""
        prefix = self._prefix()
        kept = self._store.state(_COUNTER + prefix)
        last = max(self._store.last_number(prefix), kept if isinstance(kept, int) else 0)
        return f"{prefix}{last + 1:04d}"

    def registered_with(self, document_type: str, number: str) -> list[Worker]:
        """Workers who are registered with that document already; nobody for a number that is none."""
        try:
            kind = DocumentType(document_type)
            canonical = check_document(kind, number, self._today())
        except ValueError:
            return []
        found = self._store.persons_by_document(kind, canonical)
        return [worker for person in found if (worker := self._worker(person.worker_id)) is not None]

    def check(self, typed: Mapping[str, str], *, own_number: str = "") -> Identity:
        """Whether what was typed may go on; see `check_identity`. `own_number` is not taken by another."""
        number = typed.get("worker_id", "").strip()
        taken = number != own_number and self._worker(number) is not None
        return check_identity(typed, today=self._today(), zone=self._zone, number_is_taken=taken)

    def put_identity(self, draft_id: str, typed: Mapping[str, str]) -> Identity:
        """Keep what was typed; with no problem left, worker and person too. Raises DraftGone."""
        draft = self._drafts.get(draft_id)
        if own_number := _known_number(draft):
            # The number of somebody who is registered stays.
            typed = {**typed, "worker_id": own_number}
        identity = self.check(typed, own_number=own_number)
        changes: dict[str, object] = {"typed": dict(typed)}
        if identity.worker is not None:
            worker = identity.worker
            if draft.is_known and draft.worker is not None:
                # Status, flags and clearances are not on the page.
                typed_fields = {name: getattr(worker, name) for name in WORKER_FIELDS}
                worker = draft.worker.model_copy(update=typed_fields)
            changes |= {"worker": worker, "person": _with_guardian(identity.person, draft.person)}
            if self._consent_is_void(draft, worker, identity.person):
                changes |= {"consent": None, "templates": (), "photo": None, "scan": None}
        self._drafts.change(draft_id, **changes)
        return identity

    def put_consent(
        self, draft_id: str, text: ConsentText, *, granted: bool, signature: Signature, by: str
    ) -> Consent:
        """Keep the answer. Raises ConsentIncomplete, StepMissing, DraftGone.

        A refusal needs no signature; it takes an earlier capture away.
        """
        draft = self._drafts.get(draft_id)
        worker, person = _identified(draft)
        if granted:
            is_child = needs_guardian(_known_birth_date(person), self._today())
            _require_complete(signature, is_child=is_child)
        consent = Consent(
            worker_id=worker.worker_id,
            granted=granted,
            text_version=text.version,
            language="zh" if text.language == "zh" else "en",
            text_sha256=text.sha256,
            how=signature.how,
            signature=signature.strokes if signature.how == "screen" else "",
            guardian_name=signature.guardian_name,
            given_at=self._now(),
            recorded_by=by,
        )
        guardian = {"guardian_name": signature.guardian_name, "guardian_phone": signature.guardian_phone}
        kept = {} if granted else {"templates": (), "photo": None}
        scan = signature.scan if signature.how == "paper" else None
        self._drafts.change(
            draft_id, consent=consent, person=person.model_copy(update=guardian), scan=scan, **kept
        )
        return consent

    def commit(self, draft_id: str, *, by: str) -> Enrolment:
        """Register the worker in one transaction, and forget the draft.

        The enrolment has the draft's id: a commit that was cut off after the transaction registers nobody
        twice. Raises StepMissing, DraftGone, StoreError.
        """
        draft = self._drafts.get(draft_id)
        worker, person = _identified(draft)
        if draft.consent is None:
            raise StepMissing(
                "nobody was asked for the consent", next_step="Go back to the consent.", words=_ASK_FIRST
            )
        if draft.consent.granted and not draft.templates and not draft.without_face:
            raise StepMissing(
                "there is no face yet", next_step="Go back to the capture.", words=_CAPTURE_FIRST
            )
        if draft.consent.granted and draft.templates:
            _known_birth_date(person)
        if draft.is_known:
            worker = self._as_registered_now(worker)
        last = self.last()
        is_repeated = last is not None and last.enrolment_id == draft_id
        if not (is_repeated or draft.is_known) and self._worker(worker.worker_id) is not None:
            raise StepMissing(
                f"the number {worker.worker_id} was given to somebody else meanwhile",
                next_step="Go back to the identity and take another number.",
                words=_NUMBER_GONE,
            )
        now = self._now()
        granted = draft.consent.granted
        consent_on = draft.consent.given_at.astimezone(self._zone).date()
        enrolment = Enrolment(
            enrolment_id=draft_id,
            worker=worker.model_copy(update={"face_consent_on": consent_on if granted else None}),
            person=person,
            consent=draft.consent,
            templates=draft.templates if granted else (),
            enrolled_at=now,
            recorded_by=by,
            note=draft.capture_note,
        )
        if not is_repeated:
            # Written first: should the power go now, the worker is not there and undo finds nobody. Who was
            # registered before is not taken out by an undo.
            last_one: JsonValue = {
                "id": draft_id,
                "worker": worker.worker_id,
                "by": by,
                "at": now.isoformat(),
            }
            self._store.put_state(_LAST, None if draft.is_known else last_one)
            self._store.enrol(enrolment, attachments=self._attachments(draft, now))
        queue_decisions(self._store, draft.decisions, worker.worker_id)
        self._remember_number(worker.worker_id)
        self._drafts.cancel(draft_id)
        return enrolment

    def last(self) -> LastEnrolment | None:
        """The latest registration of this kiosk, while its worker is there."""
        kept = self._store.state(_LAST)
        if not isinstance(kept, dict) or self._worker(str(kept["worker"])) is None:
            return None
        return LastEnrolment(
            str(kept["id"]), str(kept["worker"]), str(kept["by"]), datetime.fromisoformat(str(kept["at"]))
        )

    def undo(self, enrolment_id: str, *, by: str) -> Undone:
        """Take the last registration back: without a trace, or, where the centre may have it, by signing off.

        Raises NothingToUndo, StoreError.
        """
        last = self.last()
        if last is None or last.enrolment_id != enrolment_id:
            raise NothingToUndo(
                "only the last registration can be undone",
                next_step="Look the worker up and sign him off.",
                words=_ONLY_LAST,
            )
        if self._store.forget_enrolment(last.worker_id, enrolment_id):
            self._store.put_state(_LAST, None)
            return Undone.REMOVED
        now = self._now()
        worker = self._store.worker(last.worker_id).model_copy(update={"status": WorkerStatus.LEFT})
        self._store.enrol(
            Enrolment(worker=worker, templates=(), enrolled_at=now, recorded_by=by, note="undone")
        )
        if worker.face_consent_on is not None:
            self._store.withdraw_consent(
                ConsentWithdrawal(
                    worker_id=worker.worker_id,
                    withdrawn_at=now,
                    reason="登记撤销 registration undone",
                    recorded_by=by,
                )
            )
        self._store.put_state(_LAST, None)
        return Undone.SIGNED_OFF

    def _as_registered_now(self, worker: Worker) -> Worker:
        """A draft may lie open for hours: what the page does not hold is as it is now. Raises StepMissing."""
        now = self._worker(worker.worker_id)
        if now is None:
            raise StepMissing(
                f"{worker.worker_id} was taken out of the roster meanwhile",
                next_step="Register the worker anew.",
                words=_WORKER_GONE,
            )
        return now.model_copy(update={name: getattr(worker, name) for name in WORKER_FIELDS})

    def _consent_is_void(self, draft: EnrolmentDraft, worker: Worker, person: Person | None) -> bool:
        """Whether an answer that was given is none of this person's, or lacks the guardian by now."""
        if draft.worker is None or draft.consent is None:
            return False
        if draft.worker.worker_id != worker.worker_id:
            return True  # consent and templates carry the number
        if draft.worker.name != worker.name and _document(draft.person) != _document(person):
            return True
        if person is None or not draft.consent.granted:
            return False
        if person.birth_date is None:
            return True
        return needs_guardian(person.birth_date, self._today()) and not draft.consent.guardian_name

    def _attachments(self, draft: EnrolmentDraft, now: datetime) -> list[Attachment]:
        kiosk, worker, consent = self._settings.kiosk, draft.worker, draft.consent
        assert worker is not None  # noqa: S101 - checked by the caller
        kept = []
        if draft.scan is not None:
            kept.append(
                Attachment(
                    worker_id=worker.worker_id, kind="consent_scan", content=draft.scan, created_at=now
                )
            )
        may_keep = consent is not None and consent.granted and kiosk.keep_photos == "with_consent"
        if may_keep and draft.photo is not None:
            kept.append(
                Attachment(
                    worker_id=worker.worker_id,
                    kind="photo",
                    content=draft.photo,
                    created_at=now,
                    keep_until=now + timedelta(days=kiosk.photo_days),
                )
            )
        return kept

    def _remember_number(self, worker_id: str) -> None:
        prefix = self._prefix()
        rest = worker_id.removeprefix(prefix)
        if worker_id.startswith(prefix) and rest.isascii() and rest.isdigit():
            kept = self._store.state(_COUNTER + prefix)
            self._store.put_state(_COUNTER + prefix, max(int(rest), kept if isinstance(kept, int) else 0))

    def _prefix(self) -> str:
        """Two kiosks that do not see each other must not give one number to two people."""
        settings = self._settings
        return settings.kiosk.number_prefix or f"{settings.site.id}-{settings.gate.id}-"

    def _worker(self, worker_id: str) -> Worker | None:
        try:
            return self._store.worker(worker_id)
        except UnknownWorker:
            return None

    def _today(self) -> date:
        return self._now().astimezone(self._zone).date()


def _document(person: Person | None) -> tuple[str, str] | None:
    return None if person is None else (person.document_type, person.document_number)


def _with_guardian(person: Person | None, before: Person | None) -> Person | None:
    """The identity page does not hold the guardian, whom the consent page asked for."""
    if person is None or before is None or _document(person) != _document(before):
        return person
    guardian = {"guardian_name": before.guardian_name, "guardian_phone": before.guardian_phone}
    return person.model_copy(update=guardian)


def _known_number(draft: EnrolmentDraft) -> str:
    return draft.worker.worker_id if draft.is_known and draft.worker is not None else ""


def _identified(draft: EnrolmentDraft) -> tuple[Worker, Person]:
    if draft.worker is None or draft.person is None:
        raise StepMissing(
            "the identity is not complete", next_step="Go back to the identity.", words=_IDENTITY_FIRST
        )
    return draft.worker, draft.person


def _known_birth_date(person: Person) -> date:
    """For a face it must be known whether a guardian has to sign. Raises StepMissing."""
    if person.birth_date is None:
        raise StepMissing(
            "for a face the birth date must be known: under 14 a guardian signs",
            next_step="Go back to the identity and fill it in.",
            words=BIRTH_UNKNOWN,
        )
    return person.birth_date


def _require_complete(signature: Signature, *, is_child: bool) -> None:
    if is_child and not signature.guardian_name.strip():
        raise ConsentIncomplete(
            "for a child a guardian must sign", next_step="Write the guardian's name.", words=_GUARDIAN
        )
    if signature.how == "paper":
        if signature.scan is None:
            raise ConsentIncomplete(
                "the signed paper is missing", next_step="Photograph it or add a file.", words=_PAPER
            )
        return
    strokes = signature.strokes
    if len(strokes) < _LEAST_STROKES_CHARACTERS:
        raise ConsentIncomplete(
            "the signature is missing", next_step="Sign in the field, or on paper.", words=_SIGN
        )
    if len(strokes) > SIGNATURE_MAX_CHARACTERS or not _SIGNATURE.fullmatch(strokes):
        raise ConsentIncomplete(
            "the signature cannot be read", next_step="Clear the field and sign again.", words=_SIGN_AGAIN
        )
