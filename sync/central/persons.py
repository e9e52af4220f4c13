"""Who workers are by their papers, and what they agreed to: written by what kiosks send, read by the console.

Every function takes an open connection and is part of its transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from sync.central import tables
from sync.central.person_vault import PersonVault
from sync.central.statements import insert_unless_there, upsert
from sync.central.tables_people import enrolments, erasures, persons
from sync.erasure import FACE
from sync.people import Consent, Person


@dataclass(frozen=True, slots=True)
class GivenConsent:
    """A consent or a refusal as the centre keeps it, and when it was taken back."""

    consent_id: str
    kind: str
    granted: bool
    given_at: datetime
    withdrawn_at: datetime | None
    text_version: str
    language: str
    how: str
    guardian_name: str
    recorded_by: str


@dataclass(frozen=True, slots=True)
class Origin:
    """One record that a kiosk sent about a worker. `templates` None: the face was left as it was."""

    enrolment_id: str
    site_id: str
    gate_id: str
    enrolled_at: datetime
    recorded_by: str
    templates: int | None
    outdated: bool
    withheld: str


def put_person(connection: Connection, vault: PersonVault, person: Person, *, now: datetime) -> None:
    """Keep who a worker is by their papers; replaces what was there."""
    upsert(
        connection,
        persons,
        [
            {
                "worker_id": person.worker_id,
                "document_type": person.document_type.value,
                "number_sealed": vault.seal(person.document_number, bound_to=person.worker_id),
                "number_hash": vault.hash(person.document_type, person.document_number),
                "birth_date": person.birth_date,
                "sex": person.sex.value,
                "address": person.address,
                "guardian_name": person.guardian_name,
                "guardian_phone": person.guardian_phone,
                "updated_at": now,
            }
        ],
    )


def person(connection: Connection, vault: PersonVault, worker_id: str) -> Person | None:
    """None where no papers of that worker are on record. Raises PersonDataUnreadable."""
    row = connection.execute(select(persons).where(persons.c.worker_id == worker_id)).mappings().first()
    if row is None:
        return None
    number = vault.unseal(bytes(row["number_sealed"]), bound_to=worker_id)
    fields = {name: row[name] for name in Person.model_fields if name in row}
    return Person.model_validate({**fields, "document_number": number})


def document_hash(connection: Connection, worker_id: str) -> str | None:
    """Keyed hash of the document on record."""
    return connection.scalar(select(persons.c.number_hash).where(persons.c.worker_id == worker_id))


def with_document(connection: Connection, number_hash: str) -> list[str]:
    """Numbers of the workers who are on record with that document, in their order."""
    return list(
        connection.scalars(
            select(persons.c.worker_id)
            .where(persons.c.number_hash == number_hash)
            .order_by(persons.c.worker_id)
        )
    )


def put_consent(connection: Connection, consent: Consent, withdrawn: Mapping[str, datetime]) -> bool:
    """Keep an answer once; False for one that is there. One given before a withdrawal is withdrawn too.

    withdrawn  as `last_withdrawals` says
    """
    consents = tables.consents
    row = {
        "consent_id": consent.consent_id,
        "worker_id": consent.worker_id,
        "kind": consent.kind,
        "granted": consent.granted,
        "given_at": consent.given_at,
        "withdrawn_at": None,
        "document": "",
        "recorded_by": consent.recorded_by,
        "text_version": consent.text_version,
        "language": consent.language,
        "text_sha256": consent.text_sha256,
        "how": consent.how,
        "signature": consent.signature,
        "guardian_name": consent.guardian_name,
    }
    withdrawn_at = withdrawn.get(consent.kind)
    if withdrawn_at is not None and consent.given_at <= withdrawn_at:
        row["withdrawn_at"] = withdrawn_at
    return insert_unless_there(connection, consents.c.consent_id, row)


def last_withdrawals(connection: Connection, worker_id: str) -> dict[str, datetime]:
    """When the worker last took a consent back, by the kind of consent."""
    taken_back = erasures.c
    rows = connection.execute(
        select(taken_back.kind, func.max(taken_back.withdrawn_at).label("at"))
        .where(taken_back.worker_id == worker_id)
        .group_by(taken_back.kind)
    )
    return {row.kind: row.at for row in rows}


def withdraw_older(connection: Connection, worker_id: str, at: datetime) -> None:
    """Mark the answers about the face that were given until a withdrawal at `at`."""
    column = tables.consents.c
    connection.execute(
        update(tables.consents)
        .where(
            column.worker_id == worker_id,
            column.kind == FACE,
            column.withdrawn_at.is_(None),
            column.given_at <= at,
        )
        .values(withdrawn_at=at)
    )


def last_answer(connection: Connection, worker_id: str) -> Row[*tuple[Any, ...]] | None:
    """What was answered last about the face and was not taken back: given_at, granted."""
    column = tables.consents.c
    return connection.execute(
        select(column.given_at, column.granted)
        .where(column.worker_id == worker_id, column.kind == FACE, column.withdrawn_at.is_(None))
        .order_by(column.given_at.desc(), column.consent_id)
        .limit(1)
    ).first()


def face_consent(connection: Connection, worker_id: str) -> datetime | None:
    """When the consent for the face was given that holds now; None: there is none, or a later refusal."""
    latest = last_answer(connection, worker_id)
    if latest is None or not latest.granted:
        return None
    given_at: datetime = latest.given_at
    return given_at


def consents(connection: Connection, worker_id: str) -> list[GivenConsent]:
    """What the worker was asked and answered, newest first."""
    columns = tables.consents.c
    names = tuple(GivenConsent.__dataclass_fields__)
    rows = connection.execute(
        select(*(columns[name] for name in names))
        .where(columns.worker_id == worker_id)
        .order_by(columns.given_at.desc(), columns.consent_id)
    )
    return [GivenConsent(*row) for row in rows]


def origins(connection: Connection, worker_id: str, *, limit: int = 20) -> list[Origin]:
    """What kiosks sent about a worker, newest first."""
    names = tuple(Origin.__dataclass_fields__)
    rows = connection.execute(
        select(*(enrolments.c[name] for name in names))
        .where(enrolments.c.worker_id == worker_id)
        .order_by(enrolments.c.enrolled_at.desc(), enrolments.c.enrolment_id)
        .limit(limit)
    )
    return [Origin(*row) for row in rows]


def forget(connection: Connection, worker_id: str) -> None:
    """Delete papers and consents of a worker; what kiosks said of them loses names and remarks."""
    for table in (persons, tables.consents):
        connection.execute(table.delete().where(table.c.worker_id == worker_id))
    connection.execute(
        update(enrolments)
        .where(enrolments.c.worker_id == worker_id)
        .values(recorded_by="", note="", withheld="")
    )
