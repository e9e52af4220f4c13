"""The workers whom a kiosk knows: looked for, changed, blocked, signed off, captured again, erased.

Every change goes to the centre as an enrolment note without templates; every look leaves an audit line.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from enroll.drafts import Drafts, EnrolmentDraft
from enroll.errors import EnrollError
from enroll.face_retention import FaceRetention
from enroll.identity import GRANT_OVER, Identity, check_identity
from enroll.name_search import NameIndex
from enroll.registration import WORKER_FIELDS
from enroll.roster_config import RosterConfig
from enroll.roster_values import last_day
from enroll.template_ageing import MATCHES, Ageing, ageing, measured
from sync.erasure import WHOLE_RECORD
from sync.people import Consent, ConsentWithdrawal, DocumentType, Enrolment, Person
from sync.records import Template, Worker, WorkerStatus
from sync.store import LocalStore
from sync.store.erasing import FACE_PICTURES
from sync.store.notes import NoteState
from sync.store.people import GivenConsent, Withdrawn
from sync.words import Words

PAGE_SIZE = 25
LOOK_BACK = timedelta(days=30)
"""Matches that say how well the templates fit now."""

AGEING_CANDIDATES = 300
"""Workers with the scores nearest to the threshold whose first matches are looked at too."""

ENDING_FROM = 4
"""So many last characters of a document are enough to look for; fewer name too many people."""

_GRANTS = ("grant_from", "grant_until")
_NO_PAPERS = {"document_type": DocumentType.OTHER.value, "document_number": "0"}
"""Stands in for papers in the check, and is not kept."""
_REASON_MISSING = Words("请填写原因", "A reason is needed")


class ReasonMissing(EnrollError, ValueError):
    """A block or an erasure without a reason."""


@dataclass(frozen=True, slots=True)
class Found:
    """One page of what was looked for; `total` counts all pages."""

    workers: tuple[Worker, ...]
    persons: Mapping[str, Person] = field(repr=False)
    with_face: frozenset[str]
    total: int
    page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE_SIZE))


@dataclass(frozen=True, slots=True)
class WorkerFile:
    """Everything that the kiosk has of one worker."""

    worker: Worker
    person: Person | None
    templates: tuple[Template, ...]
    consents: tuple[GivenConsent, ...]
    withdrawals: tuple[Withdrawn, ...]
    sync: NoteState
    last_seen_at: datetime | None
    ageing: Ageing | None
    face_goes_at: datetime | None = None

    @property
    def consent(self) -> Consent | None:
        """The consent to the face that holds now."""
        for one in self.consents:
            if one.consent.kind == "face":
                return one.consent if one.consent.granted and one.withdrawn_at is None else None
        return None


@dataclass(frozen=True, slots=True)
class Aged:
    """A worker who should be captured again."""

    worker: Worker
    ageing: Ageing


@dataclass(frozen=True, slots=True)
class Edited:
    """The outcome of an edit: `problems` by field, empty where it was kept."""

    problems: Mapping[str, Words]
    changed: bool = False


class WorkerBook:
    """All of it over one store; safe to use from any thread.

    now  the clock
    """

    def __init__(
        self, store: LocalStore, drafts: Drafts, settings: RosterConfig, *, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._drafts = drafts
        self._retention = FaceRetention(store, settings, now=now)
        self._now = now
        self._zone = ZoneInfo(settings.site.timezone)
        self._lock = threading.Lock()
        self._index = NameIndex()
        self._version: int | None = None

    def search(self, query: str, *, status: WorkerStatus | None = None, page: int = 1, by: str) -> Found:
        """Workers by name, pinyin, number, employer, team, trade, phone or the end of a document."""
        endings = [word.upper() for word in query.split() if len(word) >= ENDING_FROM]
        also = {
            person.worker_id for ending in endings[:1] for person in self._store.persons_by_number_end(ending)
        }
        with self._lock:
            self._follow()
            ids = self._index.find(query, status=status, also=also if len(endings) == 1 else ())
        page = min(max(page, 1), max(1, -(-len(ids) // PAGE_SIZE)))
        shown = ids[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        workers = {worker.worker_id: worker for worker in self._store.workers_by_id(shown)}
        found = tuple(workers[one] for one in shown if one in workers)
        self._store.put_audit(by, "workers_listed", detail={"shown": len(found), "found": len(ids)})
        with_face = frozenset(self._store.with_templates(shown))
        return Found(found, self._store.persons(shown), with_face, len(ids), page)

    def look(self, worker_id: str, *, by: str) -> WorkerFile:
        """Everything of one worker; the look is written down. Raises UnknownWorker."""
        store = self._store
        worker = store.worker(worker_id)
        store.put_audit(by, "worker_looked_at", subject=f"worker:{worker_id}")
        events = store.events(worker_id=worker_id, limit=1)
        templates = tuple(store.templates(worker_id))
        return WorkerFile(
            worker=worker,
            person=store.person(worker_id),
            templates=templates,
            consents=tuple(store.consents(worker_id)),
            withdrawals=tuple(store.withdrawals(worker_id)),
            sync=store.subject_state(f"worker:{worker_id}"),
            last_seen_at=events[0].occurred_at if events else None,
            ageing=self._ageing_of(worker_id, templates),
            face_goes_at=self._retention.goes_at(worker_id),
        )

    def typed(self, file: WorkerFile) -> dict[str, str]:
        """What stands in the fields of the edit form; the last day of the permission included."""
        worker, person = file.worker, file.person
        until = worker.grant_until
        typed = {
            "worker_id": worker.worker_id,
            "name": worker.name,
            "employer": worker.employer,
            "team": worker.team,
            "trade": worker.trade,
            "phone": worker.phone,
            "site_ids": " ".join(worker.site_ids),
            "grant_from": worker.grant_from.astimezone(self._zone).date().isoformat()
            if worker.grant_from
            else "",
            "grant_until": last_day(until, self._zone).isoformat() if until else "",
            "document_type": DocumentType.RESIDENT_ID.value,
        }
        if person is not None:
            typed |= {
                "document_type": person.document_type.value,
                "document_number": person.document_number,
                "birth_date": person.birth_date.isoformat() if person.birth_date else "",
                "sex": person.sex.value,
                "address": person.address,
            }
        return typed

    def edit(self, worker_id: str, typed: Mapping[str, str], *, by: str) -> Edited:
        """Check what was typed and keep it, where all of it is right; see `check_identity`.

        A worker who was registered without papers may stay so. Raises UnknownWorker, StoreError.
        """
        file = self._quiet_look(worker_id)
        before = self.typed(file)
        fields = {**before, **typed, "worker_id": worker_id}
        without_papers = file.person is None and not fields.get("document_number", "").strip()
        unchanged = {name for name in _GRANTS if fields[name] == before[name]}
        if without_papers:
            fields |= _NO_PAPERS
        identity = self._checked(fields)
        if identity.problems.get("grant_until") is GRANT_OVER and "grant_until" in unchanged:
            # It ended long ago, which is no reason against correcting a telephone number.
            identity = self._checked({**fields, "grant_until": ""})
        if identity.worker is None or identity.person is None:
            return Edited(identity.problems)
        changes = {name: getattr(identity.worker, name) for name in WORKER_FIELDS if name not in unchanged}
        worker = file.worker.model_copy(update=changes)
        person = None if without_papers else identity.person
        if person is not None and file.person is not None:
            guardian = {
                "guardian_name": file.person.guardian_name,
                "guardian_phone": file.person.guardian_phone,
            }
            person = person.model_copy(update=guardian)
        if other := self._other_with(person):
            return Edited({"document_number": Words(f"已登记给工号 {other}", f"Registered for {other}")})
        person = None if person == file.person else person
        if worker == file.worker and person is None:
            return Edited({})
        self._keep(worker, person, by=by, note="edited")
        self._store.put_audit(
            by,
            "worker_edited",
            subject=f"worker:{worker_id}",
            detail={"fields": sorted(name for name in typed if typed[name] != before.get(name, ""))},
        )
        return Edited({}, changed=True)

    def block(self, worker_id: str, reason: str, *, by: str) -> None:
        """The gate refuses the worker from now on. Raises ReasonMissing, UnknownWorker."""
        self._set_status(worker_id, WorkerStatus.BLOCKED, _required(reason), by=by)

    def unblock(self, worker_id: str, reason: str, *, by: str) -> None:
        """Raises ReasonMissing, UnknownWorker."""
        self._set_status(worker_id, WorkerStatus.ACTIVE, _required(reason), by=by)

    def leave(self, worker_id: str, *, by: str) -> None:
        """The worker has left the site. Raises UnknownWorker."""
        self._set_status(worker_id, WorkerStatus.LEFT, "", by=by)

    def take_back(self, worker_id: str, *, by: str) -> None:
        """A worker who had left is back. Raises UnknownWorker."""
        self._set_status(worker_id, WorkerStatus.ACTIVE, "", by=by)

    def recapture(self, worker_id: str, *, by: str) -> EnrolmentDraft:
        """Begin to capture the face of a worker anew: a draft with the known identity and consent.

        Without a consent that holds, or without a birth date, the draft has no consent, and the worker is to
        be asked first.
        """
        file = self._quiet_look(worker_id)
        has_birth_date = file.person is not None and file.person.birth_date is not None
        draft = self._drafts.begin(by)
        self._store.put_audit(by, "recapture_started", subject=f"worker:{worker_id}")
        return self._drafts.change(
            draft.draft_id,
            typed=self.typed(file),
            worker=file.worker,
            person=file.person,
            consent=file.consent if has_birth_date else None,
            is_known=True,
        )

    def aged(self, *, by: str) -> list[Aged]:
        """Workers whose recent matches were poor, the nearest to the threshold first."""
        store = self._store
        latest = store.latest_scores(self._now() - LOOK_BACK, per_worker=MATCHES)
        found = [(worker_id, one) for worker_id, scores in latest.items() if (one := measured(scores))]
        found.sort(key=lambda pair: pair[1].margin)
        aged: dict[str, Ageing] = {}
        for worker_id, _ in found[:AGEING_CANDIDATES]:
            if one := self._ageing_of(worker_id, store.templates(worker_id), latest[worker_id]):
                aged[worker_id] = one
        workers = [one for one in store.workers_by_id(list(aged)) if one.status is WorkerStatus.ACTIVE]
        store.put_audit(by, "ageing_listed", detail={"shown": len(workers)})
        workers.sort(key=lambda worker: aged[worker.worker_id].margin)
        return [Aged(worker, aged[worker.worker_id]) for worker in workers]

    def will_go(self, worker_id: str, kind: str) -> dict[str, int]:
        """What an erasure would take here, by name as in `ErasedHere`."""
        store = self._store
        kinds = [one.kind for one in store.attachments(worker_id)]
        pictures = sum(kind_of in FACE_PICTURES for kind_of in kinds)
        going = {"templates": len(store.templates(worker_id)), "pictures": pictures}
        if kind == WHOLE_RECORD:
            going |= {
                "persons": int(store.person(worker_id) is not None),
                "consents": len(store.consents(worker_id)),
                "papers": len(kinds) - pictures,
            }
        return going

    def erase(self, worker_id: str, kind: str, reason: str, *, by: str) -> ConsentWithdrawal:
        """Withdraw the consent to the face, or erase the whole record; `kind` is one of `sync.erasure`.

        Raises:
            UnknownWorker, StoreError.
        """
        withdrawal = ConsentWithdrawal(
            worker_id=worker_id, kind=kind, withdrawn_at=self._now(), reason=reason.strip(), recorded_by=by
        )
        self._store.withdraw_consent(withdrawal)
        self._store.put_audit(
            by, f"erased_{kind}", subject=f"worker:{worker_id}", detail={"receipt": withdrawal.withdrawal_id}
        )
        return withdrawal

    def _checked(self, fields: Mapping[str, str]) -> Identity:
        return check_identity(fields, today=self._now().astimezone(self._zone).date(), zone=self._zone)

    def _ageing_of(
        self,
        worker_id: str,
        templates: list[Template] | tuple[Template, ...],
        latest: list[tuple[float, float]] | None = None,
    ) -> Ageing | None:
        if not templates:
            return None
        made_at = max(template.created_at for template in templates)
        since = max(made_at, self._now() - LOOK_BACK)
        if latest is None or made_at > self._now() - LOOK_BACK:
            # Matches against templates that were replaced since say nothing.
            latest = self._store.latest_scores_of(worker_id, since, MATCHES)
        return ageing(latest, self._store.first_scores(worker_id, made_at, MATCHES))

    def _quiet_look(self, worker_id: str) -> WorkerFile:
        """Without an audit line: the change that follows leaves its own."""
        store = self._store
        return WorkerFile(
            worker=store.worker(worker_id),
            person=store.person(worker_id),
            templates=(),
            consents=tuple(store.consents(worker_id)),
            withdrawals=(),
            sync=NoteState(False),
            last_seen_at=None,
            ageing=None,
        )

    def _set_status(self, worker_id: str, status: WorkerStatus, reason: str, *, by: str) -> None:
        worker = self._store.worker(worker_id)
        if worker.status is not status:
            self._keep(worker.model_copy(update={"status": status}), None, by=by, note=reason)
        self._store.put_audit(
            by,
            f"worker_{status.value}",
            subject=f"worker:{worker_id}",
            detail={"reason": reason, "before": worker.status.value},
        )

    def _keep(self, worker: Worker, person: Person | None, *, by: str, note: str) -> None:
        self._store.enrol(
            Enrolment(worker=worker, person=person, enrolled_at=self._now(), recorded_by=by, note=note)
        )

    def _other_with(self, person: Person | None) -> str | None:
        if person is None:
            return None
        found = self._store.persons_by_document(person.document_type, person.document_number)
        return next((one.worker_id for one in found if one.worker_id != person.worker_id), None)

    def _follow(self) -> None:
        """Bring the index up to the store's roster; the caller holds the lock."""
        version = self._store.roster_version()
        if version == self._version:
            return
        changed = None if self._version is None else self._store.roster_changes(self._version)
        if changed is None:
            self._index = NameIndex()
            for worker in self._store.workers(limit=None):
                self._index.put(worker)
        else:
            here = {worker.worker_id: worker for worker in self._store.workers_by_id(changed)}
            for worker_id in changed:
                if worker_id in here:
                    self._index.put(here[worker_id])
                else:
                    self._index.remove(worker_id)
        self._version = version


def _required(reason: str) -> str:
    if not reason.strip():
        raise ReasonMissing("a reason is needed", next_step="Say why in a few words.", words=_REASON_MISSING)
    return reason.strip()
