"""What kiosks send about workers, taken into the registry: enrolments and decisions about duplicates.

A kiosk speaks for its own site. It may add a worker there, change one who is registered there, and take one
off; other sites of the worker, flags and clearances that the centre has stay. The newest enrolment of a
worker counts, whatever the order in which they come.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from sync.central import duplicate_pairs, erasures, merged_numbers, persons, registry, tables
from sync.central.declarations import site_zone
from sync.central.erasures import UnknownErasure
from sync.central.notes import Handler, NoteContext, NoteRefused
from sync.central.person_vault import PersonVault
from sync.central.tables_people import enrolments
from sync.clearances import is_of_centre, longest_clearances
from sync.erasure import FACE, WHOLE_RECORD, ErasureReceipt
from sync.errors import RecordInvalid
from sync.passes import merged_grants
from sync.people import FILE_FLAG_ID, ConsentWithdrawal, DuplicateDecision, Enrolment
from sync.records import SCHEMA_VERSION, Flag, Template, Worker, WorkerStatus
from sync.store.roster import check_templates

NO_CONSENT = "templates without a consent for the face on record"
WITHDRAWN = "templates: the consent for the face was withdrawn"
ERASED = "the whole record was erased: register this worker anew, with a new consent"
OTHER_SITE = "the record is another site's: only this site was added"
KEPT_STATUS = "the status was changed elsewhere, of which the kiosk had not heard"


def handlers(vault: PersonVault) -> dict[str, Handler]:
    """The functions for what kiosks say about people, by kind of record."""

    def enrolment(connection: Connection, context: NoteContext, text: str) -> Mapping[str, int]:
        return take_enrolment(connection, context, text, vault)

    return {
        "enrolment": enrolment,
        "withdrawal": take_withdrawal,
        "duplicate": take_decision,
        "erased": take_erased,
    }


def take_enrolment(
    connection: Connection, context: NoteContext, text: str, vault: PersonVault
) -> Mapping[str, int]:
    """A worker was registered or changed at a kiosk.

    Raises NoteRefused: a newer schema, templates that are none, no consent, a number that is somebody else's.
    """
    _require_known_schema(text)
    enrolment = Enrolment.model_validate_json(text)
    worker_id = enrolment.worker.worker_id
    _require_sound(connection, enrolment)
    known = registry.held(connection, worker_id)
    latest = _latest(connection, worker_id)
    enrolled_at = min(enrolment.enrolled_at, context.received_at)
    withdrawn = persons.last_withdrawals(connection, worker_id)
    _require_not_erased(connection, enrolment, enrolled_at, withdrawn.get(WHOLE_RECORD))
    outdated = latest is not None and enrolled_at < latest.enrolled_at
    versions: Mapping[str, int] = {}
    withheld: list[str] = []
    if not outdated:
        merging = _Merging(connection, context, enrolment, known, latest, withdrawn.get(FACE), vault)
        worker, templates = merging.worker(), merging.templates()
        before = {} if known is None else {worker_id: known.site_ids}
        versions = registry.put_worker(
            connection, worker, templates, now=context.received_at, before=before, later=context.roster
        )
        withheld = merging.withheld
    if known is not None or not outdated:
        if enrolment.consent is not None:
            persons.put_consent(connection, enrolment.consent, withdrawn)
        if enrolment.person is not None and not outdated:
            persons.put_person(connection, vault, enrolment.person, now=context.received_at)
    has_news = not outdated and bool(enrolment.templates or enrolment.person)
    connection.execute(
        insert(enrolments).values(
            enrolment_id=enrolment.enrolment_id,
            worker_id=worker_id,
            site_id=context.site_id,
            gate_id=context.gate_id,
            enrolled_at=enrolled_at,
            received_at=context.received_at,
            recorded_by=enrolment.recorded_by,
            note=enrolment.note,
            templates=None if enrolment.templates is None else len(enrolment.templates),
            outdated=outdated,
            withheld="; ".join(withheld),
            checked_at=None if has_news else context.received_at,
        )
    )
    return versions


def take_withdrawal(connection: Connection, context: NoteContext, text: str) -> Mapping[str, int]:
    """Somebody took a consent back at a kiosk. Raises NoteRefused for a worker of other sites."""
    withdrawal = ConsentWithdrawal.model_validate_json(text)
    _require_concern(connection, context, [withdrawal.worker_id])
    return erasures.withdraw(
        connection, withdrawal, now=context.received_at, kiosk=(context.site_id, context.gate_id)
    ).versions


def take_decision(connection: Connection, context: NoteContext, text: str) -> Mapping[str, int]:
    """Somebody at a kiosk looked at two records that look like one person."""
    decision = DuplicateDecision.model_validate_json(text)
    if decision.worker_id == decision.other_worker_id:
        raise NoteRefused("two records are needed to be compared")
    _require_concern(connection, context, [decision.worker_id, decision.other_worker_id])
    duplicate_pairs.take(connection, decision, now=context.received_at)
    return {}


def take_erased(connection: Connection, context: NoteContext, text: str) -> Mapping[str, int]:
    """A kiosk says what it erased itself, as the items of a receipt."""
    receipt = ErasureReceipt.model_validate_json(text)
    try:
        erasures.kiosk_forgot(connection, (context.site_id, context.gate_id), receipt)
    except UnknownErasure as error:
        raise NoteRefused(str(error)) from error
    return {}


class _Merging:
    """What becomes of the record at the centre. `withheld` tells what of the enrolment was not taken."""

    def __init__(
        self,
        connection: Connection,
        context: NoteContext,
        enrolment: Enrolment,
        known: Worker | None,
        latest: Row[*tuple[Any, ...]] | None,
        face_withdrawn_at: datetime | None,
        vault: PersonVault,
    ) -> None:
        self.withheld: list[str] = []
        self._connection = connection
        self._site_id = context.site_id
        self._enrolment = enrolment
        self._sent = enrolment.worker
        self._known = known
        self._latest = latest
        self._face_withdrawn_at = face_withdrawn_at
        self._is_guest = False
        if known is None:
            if self._site_id not in self._sent.site_ids:
                raise NoteRefused(f"a kiosk registers people for its own site {self._site_id} only")
        elif self._site_id not in known.site_ids:
            self._require_same_person(known, vault)
            self._is_guest = bool(known.site_ids)

    def worker(self) -> Worker:
        """The record to keep, with what belongs to the centre."""
        known, sent = self._known, self._sent
        others = set() if known is None else set(known.site_ids) - {self._site_id}
        here = {self._site_id} & set(sent.site_ids)
        if refused := sorted(set(sent.site_ids) - others - here):
            self.withheld.append(f"sites of other kiosks: {', '.join(refused)}")
        changes: dict[str, object] = {
            "site_ids": tuple(sorted(others | here)),
            "flags": self._flags(),
            "clearances": longest_clearances(
                () if known is None else known.clearances,
                [one for one in sent.clearances if not is_of_centre(one)],
            ),
            "passes": merged_grants(() if known is None else known.passes, sent.passes),
            "face_consent_on": self._consent_day,
        }
        if self._is_guest and known is not None:
            self.withheld.append(OTHER_SITE)
            return known.model_copy(update=changes)
        return sent.model_copy(update={**changes, "status": self._status()})

    def templates(self) -> Sequence[Template] | None:
        """What replaces the templates here; None: nothing does. Raises NoteRefused without a consent."""
        sent = self._enrolment.templates
        if not sent:
            return None if self._is_guest else sent
        if self._consent_day is None:
            if self._face_withdrawn_at is None:
                raise NoteRefused(NO_CONSENT)
            self.withheld.append(WITHDRAWN)
            return ()
        if self._is_guest and _has_templates(self._connection, self._sent.worker_id):
            return None
        return sent

    def _flags(self) -> tuple[Flag, ...]:
        """The centre's, and one that a roster file set: it is taken, and lifted at the centre only."""
        by_id = {} if self._known is None else {one.flag_id: one for one in self._known.flags}
        by_id |= {one.flag_id: one for one in self._sent.flags if one.flag_id == FILE_FLAG_ID}
        return tuple(by_id.values())

    @cached_property
    def _consent_day(self) -> date | None:
        """Of the answer that was given last and was not taken back, where it is yes."""
        # An answer goes with its worker: of nobody there is none.
        before = None if self._known is None else persons.last_answer(self._connection, self._known.worker_id)
        sent = self._enrolment.consent
        if sent is not None and sent.kind == FACE:
            is_withdrawn = self._face_withdrawn_at is not None and sent.given_at <= self._face_withdrawn_at
            if not is_withdrawn and (before is None or sent.given_at >= before.given_at):
                return self._local_day(sent.given_at) if sent.granted else None
        known = None if self._known is None else self._known.face_consent_on
        if before is None:
            # Entered at the centre by hand or through the API; a withdrawal takes it away.
            return known
        return (known or self._local_day(before.given_at)) if before.granted else None

    def _local_day(self, at: datetime) -> date:
        """As the calendar of the kiosk's site has it."""
        return at.astimezone(site_zone(self._connection, self._site_id)).date()

    def _status(self) -> WorkerStatus:
        known = self._known
        if known is None or known.status in (WorkerStatus.ACTIVE, self._sent.status) or not known.site_ids:
            return self._sent.status
        before = self._enrolment.status_before
        if before not in (None, known.status):
            # The kiosk changed something else, or had not heard of what holds here.
            self.withheld.append(KEPT_STATUS)
            return known.status
        changed_at = registry.changed_at(self._connection, known.worker_id)
        by_kiosk = self._latest is not None and self._latest.received_at == changed_at
        if by_kiosk or self._enrolment.enrolled_at > changed_at:
            return self._sent.status
        self.withheld.append(KEPT_STATUS)
        return known.status

    def _require_same_person(self, known: Worker, vault: PersonVault) -> None:
        """A number is given once: whoever comes from another site under it must be that person."""
        person = self._enrolment.person
        on_record = persons.document_hash(self._connection, known.worker_id)
        if person is not None and on_record is not None:
            if vault.hash(person.document_type, person.document_number) == on_record:
                return
        elif not known.site_ids and on_record is None and _plain(known.name) == _plain(self._sent.name):
            return
        raise NoteRefused(
            f"the number {known.worker_id} is somebody's at another site, with another document or none: "
            "give this worker another number, or have the site added at the console"
        )


def _require_known_schema(text: str) -> None:
    try:
        version = json.loads(text).get("schema_version", SCHEMA_VERSION)
    except (ValueError, AttributeError) as error:
        raise NoteRefused("malformed") from error
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise NoteRefused(f"of a newer version ({str(version)[:20]}): update the centre, then send it again")


def _require_sound(connection: Connection, enrolment: Enrolment) -> None:
    """Everything in it is of one worker, who has not become another one."""
    worker_id = enrolment.worker.worker_id
    parts = (enrolment.person, enrolment.consent)
    if any(part is not None and part.worker_id != worker_id for part in parts):
        raise NoteRefused("papers or consent are of another worker than the record")
    templates = enrolment.templates or ()
    try:
        check_templates(worker_id, templates)
    except RecordInvalid as error:
        raise NoteRefused(str(error)) from error
    column = tables.templates.c
    foreign = connection.scalar(
        select(column.template_id).where(
            column.template_id.in_([one.template_id for one in templates]), column.worker_id != worker_id
        )
    )
    if foreign is not None:
        raise NoteRefused(f"template {foreign} belongs to another worker")
    stays = merged_numbers.merged_into(connection, worker_id)
    if stays is not None:
        raise NoteRefused(f"worker {worker_id} was merged into {stays}: change that one")


def _require_not_erased(
    connection: Connection, enrolment: Enrolment, enrolled_at: datetime, erased_at: datetime | None
) -> None:
    """A kiosk that has not heard of an erasure must not bring name, papers and face back."""
    if erased_at is None:
        return
    consent = enrolment.consent
    is_asked_anew = consent is not None and consent.given_at > erased_at
    # An erasure takes all answers along: what is on record was given since.
    is_known_anew = bool(persons.consents(connection, enrolment.worker.worker_id))
    if enrolled_at <= erased_at or not (is_asked_anew or is_known_anew):
        raise NoteRefused(ERASED)


def _require_concern(connection: Connection, context: NoteContext, worker_ids: Sequence[str]) -> None:
    """A kiosk speaks of workers whom its site has or had, and of numbers that nobody has."""
    link = tables.worker_sites.c
    known = connection.scalar(
        select(tables.workers.c.worker_id).where(tables.workers.c.worker_id.in_(worker_ids)).limit(1)
    )
    here = connection.scalar(
        select(link.worker_id).where(link.worker_id.in_(worker_ids), link.site_id == context.site_id).limit(1)
    )
    was_here = connection.scalar(
        select(enrolments.c.worker_id)
        .where(enrolments.c.worker_id.in_(worker_ids), enrolments.c.site_id == context.site_id)
        .limit(1)
    )
    if known is not None and here is None and was_here is None:
        raise NoteRefused(f"worker {worker_ids[0]} is registered at other sites only")


def _latest(connection: Connection, worker_id: str) -> Row[*tuple[Any, ...]] | None:
    """The newest enrolment that counted."""
    column = enrolments.c
    return connection.execute(
        select(column.enrolled_at, column.received_at)
        .where(column.worker_id == worker_id, column.outdated.is_(False))
        .order_by(column.enrolled_at.desc(), column.received_at.desc())
        .limit(1)
    ).first()


def _has_templates(connection: Connection, worker_id: str) -> bool:
    column = tables.templates.c
    found = select(column.template_id).where(column.worker_id == worker_id).limit(1)
    return connection.scalar(found) is not None


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())
