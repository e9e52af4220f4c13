"""Is this person registered already? A face or a document against the whole registry.

Asked by kiosks before they register somebody, and asked again afterwards for every enrolment that came: so a
kiosk that was without a connection, or two that registered one person at the same moment, are made up for.
What is found waits at the console for a decision.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, func, select, update
from sqlalchemy.exc import DBAPIError

from sync.central import audit, duplicate_pairs, persons, registry, roster_log, tables
from sync.central.asks import AskContext, AskHandler
from sync.central.audit import Action
from sync.central.database import Database
from sync.central.person_vault import PersonVault
from sync.central.registry_faces import RegistryFaces
from sync.central.tables_people import enrolments
from sync.central.tables_people import persons as papers
from sync.duplicate_check import DuplicateAnswer, DuplicateMatch, DuplicateQuestion
from sync.records import Template

log = logging.getLogger(__name__)

CHECKED_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody registered who may be the person asked about. `score`: best cosine, None without faces."""

    worker_id: str
    found_by: Literal["document", "face"]
    score: float | None


class DuplicateSearch:
    """Documents through their keyed hash, faces through `RegistryFaces`."""

    def __init__(self, database: Database, vault: PersonVault) -> None:
        self.faces = RegistryFaces(database)
        self._database = database
        self._vault = vault

    def find(
        self, worker_id: str, number_hash: str | None, templates: tuple[Template, ...]
    ) -> tuple[list[Found], int]:
        """Others like this worker, a document before a face; and how many faces were compared."""
        same: list[str] = []
        if number_hash is not None:
            with self._database.read() as connection:
                same = persons.with_document(connection, number_hash)
        same = [one for one in same if one != worker_id]
        scores = self.faces.scores(templates, same)
        found = [Found(one, "document", scores.get(one)) for one in same]
        compared = 0
        if templates:
            alike, compared = self.faces.search(templates, without=worker_id)
            found += [Found(one.worker_id, "face", one.score) for one in alike if one.worker_id not in same]
        return found, compared

    def answers(self) -> AskHandler:
        """The function that answers what kiosks ask."""

        def answer(database: Database, context: AskContext, text: str) -> str:
            question = DuplicateQuestion.model_validate_json(text)
            number_hash = None
            if question.document_type is not None and question.document_number:
                number_hash = self._vault.hash(question.document_type, question.document_number)
            found, compared = self.find(question.worker_id, number_hash, question.templates)
            with database.read() as connection:
                if number_hash is not None:
                    documents = connection.scalar(select(func.count()).select_from(papers)) or 0
                    compared = max(compared, documents)
                matches = _described(connection, found)
            if matches:
                with database.write() as connection:
                    _note_shown(connection, context, matches)
            return DuplicateAnswer(checked=compared, matches=matches).model_dump_json()

        return answer


def _described(connection: Connection, found: list[Found]) -> tuple[DuplicateMatch, ...]:
    people = {one.worker_id: one for one in registry.workers(connection, [one.worker_id for one in found])}
    return tuple(
        DuplicateMatch(
            worker_id=one.worker_id,
            name=people[one.worker_id].name,
            employer=people[one.worker_id].employer,
            team=people[one.worker_id].team,
            site_ids=people[one.worker_id].site_ids,
            score=one.score,
            found_by=one.found_by,
        )
        for one in found
        if one.worker_id in people
    )


def _note_shown(connection: Connection, context: AskContext, matches: tuple[DuplicateMatch, ...]) -> None:
    audit.note(
        connection,
        at=context.now,
        actor=f"kiosk {context.site_id}/{context.gate_id}",
        action=Action.SHOWED_DUPLICATES,
        site_id=context.site_id,
        detail={"workers": [one.worker_id for one in matches]},
    )


class DuplicateWatch:
    """Compares every enrolment that came, and keeps the faces ready where there are kiosks.

    What is not compared yet is known to the database, so a restart forgets nothing.
    """

    def __init__(self, database: Database, search: DuplicateSearch, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._search = search
        self._now = now
        self._failed: set[str] = set()

    def look(self) -> int:
        """Compare some of what waits; how many enrolments that were."""
        with self._database.read() as connection:
            gates = tables.gates.c
            has_kiosk = connection.scalar(select(gates.gate_id).where(gates.is_kiosk).limit(1)) is not None
            column = enrolments.c
            waiting = connection.execute(
                select(column.enrolment_id, column.worker_id)
                .where(column.checked_at.is_(None), column.enrolment_id.not_in(self._failed))
                .order_by(column.received_at)
                .limit(CHECKED_AT_ONCE)
            ).all()
        if has_kiosk:
            self._search.faces.follow()
        for enrolment_id, worker_id in waiting:
            try:
                self._check(enrolment_id, worker_id)
            except DBAPIError:
                raise
            except Exception:
                # One record that cannot be compared must not keep the others waiting.
                self._failed.add(enrolment_id)
                log.exception("an enrolment could not be compared with the registry")
        return len(waiting)

    def _check(self, enrolment_id: str, worker_id: str) -> None:
        with self._database.read() as connection:
            changes = roster_log.load_changes(connection, [worker_id])
            number_hash = persons.document_hash(connection, worker_id)
        templates = tuple(changes[0].templates) if changes else ()
        found, _ = self._search.find(worker_id, number_hash, templates) if changes else ([], 0)
        now = self._now()
        with self._database.write() as connection:
            column = enrolments.c
            is_ours = connection.execute(
                update(enrolments)
                .where(column.enrolment_id == enrolment_id, column.checked_at.is_(None))
                .values(checked_at=now)
            ).rowcount
            if not is_ours:
                return  # withdrawn meanwhile, or another process was quicker
            still_there = {
                one.worker.worker_id: bool(one.templates)
                for one in roster_log.load_changes(connection, [worker_id, *(one.worker_id for one in found)])
            }
            for one in found:
                have_faces = still_there.get(worker_id, False) and still_there.get(one.worker_id, False)
                if one.worker_id in still_there and (have_faces or one.found_by == "document"):
                    duplicate_pairs.note_found(
                        connection,
                        worker_id,
                        one.worker_id,
                        found_by=one.found_by,
                        score=one.score if have_faces else None,
                        now=now,
                    )
