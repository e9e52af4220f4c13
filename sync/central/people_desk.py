"""Papers, consents and pairs of look-alikes as the console and the API see them.

Document numbers are masked; whoever may see one asks for it, which leaves a line in the audit log. A record
of a site that the viewer does not see is shown by its number alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, exists, func, or_, select

from sync.central import audit, duplicate_pairs, persons, registry, tables
from sync.central.access_log import workers_in_scope
from sync.central.accounts_access import NotAllowed, Right, Viewer, in_scope, no_such
from sync.central.audit import Action
from sync.central.database import Database
from sync.central.errors import CentralError, SettingRefused
from sync.central.person_vault import PersonVault, masked
from sync.central.persons import GivenConsent, Origin
from sync.central.tables_people import duplicates
from sync.central.worker_desk import RosterChanged
from sync.clearance_rules import ClearanceRules, shipped_rules
from sync.people import DocumentType, Person, Sex
from sync.records import WorkerStatus

ROWS_MAX = 200
MASK = "•••"


class VaultMissing(CentralError, RuntimeError):
    """This process was started without the key that opens document numbers."""


@dataclass(frozen=True, slots=True)
class Papers:
    """Who a worker is by their papers. Birth date, address and guardian only where `is_revealed`."""

    document_type: DocumentType
    document_number: str
    sex: Sex
    birth_date: date | None
    address: str
    guardian_name: str
    guardian_phone: str
    is_revealed: bool


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """Behind one worker: papers (None: none on record), consents and what kiosks sent, newest first."""

    papers: Papers | None
    consents: tuple[GivenConsent, ...]
    origins: tuple[Origin, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """One of two records that look like one person; of a site not seen only the number and `is_hidden`.

    exists  False where the record is gone from the registry
    """

    worker_id: str
    exists: bool
    is_hidden: bool = False
    name: str = ""
    employer: str = ""
    team: str = ""
    trade: str = ""
    status: WorkerStatus | None = None
    site_ids: tuple[str, ...] = ()
    document: str = ""
    templates: int = 0
    face_consent_on: date | None = None
    registered_at: datetime | None = None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records, how they were found and what was decided; `decision` as in `duplicate_pairs`."""

    found_by: str
    score: float | None
    found_at: datetime
    decision: str
    decided_by: str
    decided_at: datetime | None
    reason: str
    merged_into: str
    sides: tuple[Side, Side]


class PeopleDesk:
    """Looking at and deciding about people.

    vault  None: document numbers cannot be shown, nor records merged
    rules  by which results of two records that are merged are judged; None: the shipped ones
    """

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime],
        vault: PersonVault | None,
        rules: ClearanceRules | None = None,
        on_roster_change: RosterChanged | None = None,
    ) -> None:
        self._database = database
        self._now = now
        self._vault = vault
        self._rules = rules or shipped_rules()
        self._on_roster_change = on_roster_change

    def facts(self, viewer: Viewer, worker_id: str, *, reveal: bool = False) -> PersonFacts:
        """What is on record behind a worker; with `reveal` in the clear, which is written down.

        Raises NotFound; NotAllowed where the role may not see papers in the clear; VaultMissing.
        """
        viewer.require(Right.USE_CONSOLE)
        if reveal:
            viewer.require(Right.READ_PAPERS)
        with self._database.write() as connection:
            self._require_visible(connection, viewer, worker_id)
            action = Action.REVEALED_PAPERS if reveal else Action.LOOKED_AT_WORKER
            audit.note_by(connection, viewer, action, at=self._now(), subject=f"worker:{worker_id}")
        with self._database.read() as connection:
            person = self._person(connection, worker_id)
            return PersonFacts(
                papers=None if person is None else papers_shown(person, reveal=reveal),
                consents=tuple(persons.consents(connection, worker_id)),
                origins=tuple(
                    one for one in persons.origins(connection, worker_id) if viewer.sees(one.site_id)
                ),
            )

    def pairs(self, viewer: Viewer, *, only_open: bool = True) -> list[Pair]:
        """Pairs that concern the viewer's sites, the newest first, at most `ROWS_MAX`."""
        viewer.require(Right.USE_CONSOLE)
        audit.note_look(self._database, viewer, Action.LOOKED_AT_DUPLICATES, at=self._now())
        query = select(duplicates).order_by(duplicates.c.found_at.desc(), duplicates.c.worker_id)
        if only_open:
            query = query.where(duplicates.c.decision == duplicate_pairs.OPEN)
        if viewer.site_ids is not None:
            link = tables.worker_sites.c
            query = query.where(
                exists().where(
                    or_(
                        link.worker_id == duplicates.c.worker_id,
                        link.worker_id == duplicates.c.other_worker_id,
                    ),
                    in_scope(viewer, link.site_id),
                )
            )
        with self._database.read() as connection:
            return [
                Pair(
                    found_by=row.found_by,
                    score=row.score,
                    found_at=row.found_at,
                    decision=row.decision,
                    decided_by=row.decided_by,
                    decided_at=row.decided_at,
                    reason=row.reason,
                    merged_into=row.merged_into or "",
                    sides=(
                        self._side(connection, viewer, row.worker_id),
                        self._side(connection, viewer, row.other_worker_id),
                    ),
                )
                for row in connection.execute(query.limit(ROWS_MAX)).all()
            ]

    def decide(
        self, viewer: Viewer, worker_id: str, other_worker_id: str, *, same_person: bool | None, reason: str
    ) -> None:
        """Decide about a pair; None opens it again.

        Raises NotAllowed, NotFound, UnknownPair; SettingRefused without a reason.
        """
        with self._database.write() as connection:
            self._require_both(connection, viewer, worker_id, other_worker_id, reason)
            duplicate_pairs.decide(
                connection,
                worker_id,
                other_worker_id,
                same_person=same_person,
                reason=reason.strip(),
                by=viewer.user_id,
                now=self._now(),
            )
            decision = {True: "same", False: "different", None: "open"}[same_person]
            self._note(
                connection, viewer, Action.DECIDED_DUPLICATE, worker_id, other_worker_id, decision, reason
            )

    def merge(self, viewer: Viewer, keep: str, remove: str, *, reason: str) -> None:
        """Make one record of a pair. It cannot be undone; the audit log tells of it.

        Raises NotAllowed (also where either works at a site that the viewer does not see), NotFound,
        UnknownPair, MergeRefused, SettingRefused, VaultMissing.
        """
        with self._database.write() as connection:
            self._require_both(connection, viewer, keep, remove, reason)
            versions = duplicate_pairs.merge(
                connection,
                keep,
                remove,
                vault=self._opened_vault(),
                rules=self._rules,
                reason=reason.strip(),
                by=viewer.user_id,
                now=self._now(),
            )
            self._note(connection, viewer, Action.MERGED_WORKERS, keep, remove, "merged", reason)
        self._announce(versions)

    # -- inside ------------------------------------------------------------------------------------------

    def _require_both(
        self, connection: Connection, viewer: Viewer, worker_id: str, other_worker_id: str, reason: str
    ) -> None:
        viewer.require(Right.WRITE_WORKERS)
        if not reason.strip():
            raise SettingRefused("a decision needs a reason", next_step="say what it was decided by")
        for one in (worker_id, other_worker_id):
            self._require_visible(connection, viewer, one)
        found = registry.workers(connection, [worker_id, other_worker_id])
        if any(not viewer.sees(site_id) for one in found for site_id in one.site_ids):
            raise NotAllowed(
                "one of the two is registered outside your sites",
                next_step="ask an administrator, who sees both, to decide",
            )

    def _require_visible(self, connection: Connection, viewer: Viewer, worker_id: str) -> None:
        workers = tables.workers.c.worker_id
        if connection.scalar(select(workers).where(workers == worker_id, workers_in_scope(viewer))) is None:
            raise no_such("worker", worker_id[:64])

    def _side(self, connection: Connection, viewer: Viewer, worker_id: str) -> Side:
        found = registry.workers(connection, [worker_id])
        if not found:
            return Side(worker_id, exists=False)
        worker = found[0]
        if viewer.site_ids is not None and not any(viewer.sees(one) for one in worker.site_ids):
            return Side(worker_id, exists=True, is_hidden=True)
        templates = select(func.count()).where(tables.templates.c.worker_id == worker_id)
        registered = select(tables.workers.c.created_at).where(tables.workers.c.worker_id == worker_id)
        person = self._person(connection, worker_id)
        origins = [one for one in persons.origins(connection, worker_id) if viewer.sees(one.site_id)]
        return Side(
            worker_id,
            exists=True,
            name=worker.name,
            employer=worker.employer,
            team=worker.team,
            trade=worker.trade,
            status=worker.status,
            site_ids=tuple(one for one in worker.site_ids if viewer.sees(one)),
            document="" if person is None else masked(person.document_number),
            templates=connection.scalar(templates) or 0,
            face_consent_on=worker.face_consent_on,
            registered_at=connection.scalar(registered),
            origin=origins[-1] if origins else None,
        )

    def _person(self, connection: Connection, worker_id: str) -> Person | None:
        return None if self._vault is None else persons.person(connection, self._vault, worker_id)

    def _opened_vault(self) -> PersonVault:
        if self._vault is None:
            raise VaultMissing(
                "document numbers cannot be opened here",
                next_step="start the centre with its key folder: --keys",
            )
        return self._vault

    def _note(
        self,
        connection: Connection,
        viewer: Viewer,
        action: Action,
        worker_id: str,
        other_worker_id: str,
        decision: str,
        reason: str,
    ) -> None:
        audit.note_by(
            connection,
            viewer,
            action,
            at=self._now(),
            subject=f"worker:{worker_id}",
            detail={"other": other_worker_id, "decision": decision, "reason": reason.strip()},
        )

    def _announce(self, versions: Mapping[str, int]) -> None:
        if self._on_roster_change is not None and versions:
            self._on_roster_change(versions)


def papers_shown(person: Person, *, reveal: bool) -> Papers:
    """The papers masked, or in the clear with `reveal`."""

    def shown(text: str) -> str:
        return text if reveal or not text else MASK

    return Papers(
        document_type=person.document_type,
        document_number=person.document_number if reveal else masked(person.document_number),
        sex=person.sex,
        birth_date=person.birth_date if reveal else None,
        address=shown(person.address),
        guardian_name=shown(person.guardian_name),
        guardian_phone=shown(person.guardian_phone),
        is_revealed=reveal,
    )
