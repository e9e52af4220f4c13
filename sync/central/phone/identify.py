"""Who signs in on a phone: workers by their number or phone and the end of their document number, or by name
and the whole number; everybody else as a visitor."""

from __future__ import annotations

import hmac
import unicodedata
from datetime import datetime

from sqlalchemy import Connection, select

from sync.central.declarations import put_visitor
from sync.central.person_vault import PersonVault
from sync.central.phone.sessions import SignedIn
from sync.central.tables import workers
from sync.central.tables_people import persons
from sync.central.typed_fields import phone_of
from sync.declarations import VisitorPapers
from sync.records import WorkerStatus

TAIL_LENGTH = 6
_CANDIDATES_MAX = 20
"""Workers who share a phone; more than that is no phone of theirs."""


def worker_by_tail(
    connection: Connection, vault: PersonVault, number_or_phone: str, document_tail: str
) -> SignedIn | None:
    """The one active worker with this number or phone, and a document that ends like this."""
    tail = unicodedata.normalize("NFKC", document_tail).strip().upper()
    if len(tail) != TAIL_LENGTH or not number_or_phone:
        return None
    names = {number_or_phone, unicodedata.normalize("NFKC", number_or_phone)}
    if phone := phone_of(number_or_phone):
        by_phone = workers.c.phone.in_({phone, number_or_phone})
    else:
        by_phone = workers.c.worker_id.in_(names)
    query = (
        select(workers.c.worker_id, persons.c.number_sealed)
        .join(persons, persons.c.worker_id == workers.c.worker_id)
        .where(
            workers.c.worker_id.in_(names) | by_phone,
            workers.c.status == WorkerStatus.ACTIVE.value,
        )
        .limit(_CANDIDATES_MAX)
    )
    found = [
        row.worker_id
        for row in connection.execute(query)
        if _ends_so(vault.unseal(bytes(row.number_sealed), bound_to=row.worker_id), tail)
    ]
    return SignedIn(worker_id=found[0]) if len(found) == 1 else None


def by_papers(
    connection: Connection, vault: PersonVault, papers: VisitorPapers, *, now: datetime
) -> SignedIn:
    """The worker of that name with that document, else the visitor."""
    number_hash = vault.hash(papers.document_type, papers.document_number)
    query = (
        select(workers.c.worker_id)
        .join(persons, persons.c.worker_id == workers.c.worker_id)
        .where(
            persons.c.number_hash == number_hash,
            workers.c.name == papers.name,
            workers.c.status == WorkerStatus.ACTIVE.value,
        )
        .order_by(workers.c.worker_id)
    )
    worker_id = connection.scalars(query).first()
    if worker_id is not None:
        return SignedIn(worker_id=worker_id)
    return SignedIn(visitor_id=put_visitor(connection, vault, papers, now=now))


def _ends_so(number: str, tail: str) -> bool:
    return hmac.compare_digest(number[-TAIL_LENGTH:].encode(), tail.encode())
