"""What is known of workers and visitors that a key-monitoring list may know too, in its spelling."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from sync.central import tables
from sync.central.person_vault import PersonDataUnreadable, PersonVault
from sync.central.tables_people import persons
from sync.central.tables_phone import visitors
from sync.screening.entries import birth_date_in, has_check_character, plain_name, plain_phone

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Subject:
    """A worker, or a visitor under the visitor's id. `is_checked`: the number has a check character."""

    worker_id: str
    name: str
    phone: str
    number: str = ""
    is_checked: bool = False
    birth_date: date | None = None


class Subjects:
    """Reads them; a number that cannot be opened is told once, and the person goes on without it."""

    def __init__(self, vault: PersonVault) -> None:
        self._vault = vault
        self._unreadable: set[str] = set()

    def workers(
        self, connection: Connection, which: ColumnElement[bool], *, limit: int | None = None
    ) -> list[Subject]:
        """In order of their numbers."""
        workers = tables.workers.c
        query = (
            select(
                workers.worker_id,
                workers.name,
                workers.phone,
                persons.c.number_sealed,
                persons.c.document_type,
                persons.c.birth_date,
            )
            .outerjoin_from(tables.workers, persons, persons.c.worker_id == workers.worker_id)
            .where(which)
            .order_by(workers.worker_id)
            .limit(limit)
        )
        return [
            self._subject(row.worker_id, row, row.number_sealed, bound_to=row.worker_id, born=row.birth_date)
            for row in connection.execute(query)
        ]

    def visitors(self, connection: Connection, which: ColumnElement[bool]) -> list[Subject]:
        """Who declared without being registered."""
        query = select(visitors).where(which).order_by(visitors.c.visitor_id)
        return [
            self._subject(row.visitor_id, row, row.document_sealed, bound_to=row.document_hash, born=None)
            for row in connection.execute(query)
        ]

    def _subject(
        self, person_id: str, row: Any, sealed: bytes | None, *, bound_to: str, born: date | None
    ) -> Subject:
        number = ""
        if sealed is not None:
            try:
                number = self._vault.unseal(bytes(sealed), bound_to=bound_to)
            except PersonDataUnreadable as error:
                if person_id not in self._unreadable:
                    log.error("lists: the number of %s: %s; %s", person_id, error, error.next_step)
                self._unreadable.add(person_id)
        is_checked = has_check_character(row.document_type, number)
        return Subject(
            worker_id=person_id,
            name=plain_name(row.name),
            phone=plain_phone(row.phone),
            number=number,
            is_checked=is_checked,
            birth_date=born or (birth_date_in(number) if is_checked else None),
        )
