"""Is this person registered already? Looked up here and, when connected, at the centre; a person decides.

Which threshold, and what it finds and misses: docs/decisions/duplicates.md.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from enroll.errors import EnrollError
from enroll.roster_config import RosterConfig
from models.duplicate_search import duplicate_threshold
from models.roster_watch import RosterWatch
from sync.duplicate_check import DUPLICATES, DuplicateAnswer, DuplicateMatch, DuplicateQuestion
from sync.errors import RecordInvalid, UnknownWorker
from sync.people import DuplicateDecision, Person
from sync.records import Template
from sync.store import LocalStore


class DecisionIncomplete(EnrollError, ValueError):
    """Two people who look alike were called different without a reason."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may be the same person.

    is_here  this kiosk knows the record, else only the centre does
    photo    JPEG where this kiosk has one
    """

    match: DuplicateMatch
    is_here: bool
    photo: bytes | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found here and, once it answered, at the centre.

    checked_here       workers of this kiosk's roster that were compared
    checked_at_centre  workers of the registry; None while its check is outstanding
    problem            why it is, in words for the operator; empty while its answer is on the way
    """

    candidates: tuple[Candidate, ...]
    checked_here: int
    threshold: float
    threshold_source: str
    checked_at_centre: int | None = None
    problem: str = ""

    def note(self) -> str:
        """What stands on the record about this check."""
        here = f"本机比对 compared here with {self.checked_here}"
        if self.checked_at_centre is None:
            return f"{here}；中心待比对 the registry's check is outstanding"
        return f"{here}；中心比对 at the centre with {self.checked_at_centre}"


class DuplicateDesk:
    """One per kiosk; safe to use from any thread. Model and version are those of the templates."""

    def __init__(self, store: LocalStore, settings: RosterConfig, *, model: str, model_version: str) -> None:
        self._store = store
        self._settings = settings
        self._watch = RosterWatch(store, settings.recognition, model=model, model_version=model_version)
        self._model = (model, model_version)
        self._following = threading.Lock()

    def look_here(self, worker_id: str, person: Person | None, templates: Sequence[Template]) -> Findings:
        """Compare with this kiosk's roster: the same face, and the same document."""
        probes = vectors_of(templates, *self._model)
        with self._following:
            self._watch.follow()
        threshold, source = self._threshold()
        found = {
            one.worker_id: self._candidate(one.worker_id, one.score, by_document=False)
            for one in self._watch.gallery.lookalikes(probes, at_least=threshold, besides=worker_id)
        }
        if person is not None:
            same_papers = self._store.persons_by_document(person.document_type, person.document_number)
            for other in same_papers:
                if other.worker_id != worker_id:
                    score = self._likeness(other.worker_id, probes)
                    found[other.worker_id] = self._candidate(other.worker_id, score, by_document=True)
        candidates = tuple(sorted((one for one in found.values() if one is not None), key=_order))
        return Findings(candidates, len(self._watch.gallery), threshold, source)

    def ask_centre(self, worker_id: str, person: Person | None, templates: Sequence[Template]) -> str | None:
        """Ask the whole registry; the id for `with_centre`, None for a kiosk without a centre."""
        if not self._settings.centre.enabled:
            return None
        question = DuplicateQuestion(
            worker_id=worker_id,
            document_type=person.document_type if person else None,
            document_number=person.document_number if person else "",
            templates=tuple(templates),
        )
        return self._store.ask(DUPLICATES, question.model_dump_json())

    def with_centre(self, findings: Findings, ask_id: str | None) -> Findings | None:
        """The findings with the centre's answer, or with why there is none; None while it may still come."""
        if ask_id is None:
            return replace(findings, problem="this kiosk works without a centre")
        reply = self._store.reply(ask_id)
        if reply is None:
            return None
        if reply.problem:
            return replace(findings, problem=reply.problem)
        try:
            answer = DuplicateAnswer.model_validate_json(reply.answer)
        except ValueError:
            return replace(findings, problem="the centre's answer cannot be read")
        known = {one.match.worker_id: one for one in findings.candidates}
        for match in answer.matches:
            known.setdefault(match.worker_id, self._from_centre(match))
        return replace(
            findings,
            candidates=tuple(sorted(known.values(), key=_order)),
            checked_at_centre=answer.checked,
        )

    def is_registered(self, worker_id: str) -> bool:
        """Whether the roster here has that number already."""
        try:
            self._store.worker(worker_id)
        except UnknownWorker:
            return False
        return True

    def _threshold(self) -> tuple[float, str]:
        fixed = self._settings.kiosk.duplicate_threshold
        if fixed is not None:
            return fixed, "fixed by config"
        tail = self._watch.tail
        return duplicate_threshold(tail, len(self._watch.gallery)), tail.source

    def _likeness(self, worker_id: str, probes: NDArray[np.float32]) -> float | None:
        """Best cosine with the templates of a worker; None without any."""
        known = vectors_of(self._store.templates(worker_id), *self._model)
        return float((known @ probes.T).max()) if len(known) and len(probes) else None

    def _candidate(self, worker_id: str, score: float | None, *, by_document: bool) -> Candidate | None:
        """None for somebody who was removed a moment ago."""
        try:
            worker = self._store.worker(worker_id)
        except UnknownWorker:
            return None
        match = DuplicateMatch(
            worker_id=worker_id,
            name=worker.name,
            employer=worker.employer,
            team=worker.team,
            site_ids=worker.site_ids,
            score=score,
            found_by="document" if by_document else "face",
        )
        return Candidate(match, is_here=True, photo=self._photo(worker_id))

    def _from_centre(self, match: DuplicateMatch) -> Candidate:
        is_here = self.is_registered(match.worker_id)
        return Candidate(match, is_here, self._photo(match.worker_id) if is_here else None)

    def _photo(self, worker_id: str) -> bytes | None:
        pictures = self._store.attachments(worker_id)
        return next((one.content for one in pictures if one.kind == "photo"), None)


def decide(
    worker_id: str,
    candidate: Candidate,
    *,
    same_person: bool | None,
    reason: str = "",
    decided_by: str,
    now: datetime,
) -> DuplicateDecision:
    """The record of a decision. Raises DecisionIncomplete: different people need a reason."""
    if same_person is False and not reason.strip():
        raise DecisionIncomplete(
            "a reason is missing",
            next_step="Say how the two were told apart, e.g. twins, other papers seen.",
        )
    match = candidate.match
    try:
        return DuplicateDecision(
            worker_id=worker_id,
            other_worker_id=match.worker_id,
            found_by=match.found_by,
            score=match.score,
            same_person=same_person,
            reason=reason,
            decided_at=now,
            decided_by=decided_by,
        )
    except ValueError as error:
        raise RecordInvalid("the reason is too long", next_step="Use at most 500 characters.") from error


def queue_decisions(store: LocalStore, decisions: Sequence[DuplicateDecision], worker_id: str) -> None:
    """Send decisions about a worker to the centre; after `enrol`, so that it knows the worker by then.

    Doing it again is harmless; decisions made under another number, which was changed since, are left out.
    """
    for one in decisions:
        if one.worker_id == worker_id and not store.note_state(one.decision_id).waiting:
            store.put_note("duplicate", one, record_id=one.decision_id, subject=f"worker:{worker_id}")


def vectors_of(templates: Sequence[Template], model: str, model_version: str) -> NDArray[np.float32]:
    """Those of one embedder, (k, 128)."""
    vectors = [
        np.frombuffer(one.vector, dtype="<f4")
        for one in templates
        if (one.model, one.model_version) == (model, model_version)
    ]
    return np.stack(vectors).astype(np.float32) if vectors else np.zeros((0, 128), np.float32)


def _order(candidate: Candidate) -> tuple[bool, float, str]:
    """The same document first, then the most alike."""
    match = candidate.match
    return match.found_by != "document", -(match.score if match.score is not None else -1), match.worker_id
