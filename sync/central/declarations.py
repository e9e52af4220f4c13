"""Declarations of workers and visitors: taken from phones and kiosks, one that counts per person and day.

A declaration does not touch the roster, unless it changes somebody's pass (`declared_passes`): 30,000 of
them in a morning would be 30,000 versions for every gate. What a missing one means at the gate is a rule of
its own (docs/declarations.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Column, ColumnElement, Connection, Table, bindparam, delete, insert, select, update

from sync.central import alert_sources, declared_passes, health, list_queue, tables
from sync.central.errors import CentralError, UnknownSite
from sync.central.notes import Handler, NoteContext, NoteRefused
from sync.central.person_vault import PersonVault
from sync.central.statements import insert_or, insert_unless_there
from sync.central.tables_declarations import declarations, declared_stays, trips
from sync.central.tables_phone import visitors
from sync.declarations import Declaration, VisitorPapers
from sync.forms import Checked, UnknownForm, check, form
from sync.tracing.seats import seat_row

ATTEMPTS = 5
"""Phones of one person at the same moment take turns; more than that is an id that came twice."""

_INSERT_TRIPS, _INSERT_STAY = insert(trips), insert(declared_stays)
_ONE = select(declarations).where(declarations.c.declaration_id == bindparam("wanted"))
"""Built once: on the way of every declaration and receipt."""

CLOCK_SLACK = timedelta(minutes=5)


class NotStored(CentralError, RuntimeError):
    """A version that finds no place among the others."""


@dataclass(frozen=True, slots=True)
class Declarer:
    """Whom declarations are about: a worker, or a visitor."""

    worker_id: str | None = None
    visitor_id: str | None = None

    def owns(self, table: Table) -> ColumnElement[bool]:
        """The clause for this person's rows."""
        if self.worker_id is not None:
            return table.c.worker_id == self.worker_id
        return table.c.visitor_id == self.visitor_id

    @property
    def columns(self) -> dict[str, str | None]:
        return {"worker_id": self.worker_id, "visitor_id": self.visitor_id}


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration as it is kept."""

    declaration_id: str
    form_id: str
    form_version: int
    site_id: str
    declarer: Declarer
    local_day: date
    declared_at: datetime
    marks: tuple[str, ...]
    answers: Mapping[str, Any]
    superseded: bool


@dataclass(frozen=True, slots=True)
class TripOnRecord:
    """A trip that was declared."""

    kind: str
    number: str
    travelled_on: date
    origin: str
    destination: str


def put(
    connection: Connection,
    declaration: Declaration,
    checked: Checked,
    declarer: Declarer,
    *,
    received_at: datetime,
    gate_id: str = "",
) -> dict[str, int]:
    """Keep a declaration; of one person and day the latest counts, whichever arrives first.

    Returns the new roster versions where it changed a pass.
    """
    versions: dict[str, int] = {}

    def insert_it(superseded_by: str | None) -> bool:
        row = declaration.model_dump(
            include={
                "declaration_id",
                "form_id",
                "form_version",
                "site_id",
                "local_day",
                "declared_at",
                "source",
                "recorded_by",
            }
        )
        row |= {
            **declarer.columns,
            "received_at": received_at,
            "gate_id": gate_id,
            "marks": " ".join(checked.marks),
            "answers": checked.answers,
            "superseded_by": superseded_by,
        }
        return insert_unless_there(connection, declarations.c.declaration_id, row)

    counts = put_latest(
        connection,
        declarations.c.declaration_id,
        lambda: declarer.owns(declarations) & (declarations.c.local_day == declaration.local_day),
        new=(declaration.declaration_id, declaration.declared_at),
        insert_it=insert_it,
        retire=lambda old_id: versions.update(_retire(connection, old_id, received_at)),
    )
    if counts:
        _put_trips(connection, declaration, checked, declarer)
        worker_id, visitor_id = declarer.worker_id, declarer.visitor_id
        alert_sources.declared(
            connection,
            declaration.site_id,
            f"worker:{worker_id}" if worker_id is not None else f"visitor:{visitor_id}",
            checked.marks,
            checked.answers,
            now=received_at,
        )
    if declarer.worker_id is not None:
        if counts:
            versions |= declared_passes.take(
                connection,
                declaration,
                checked.answers,
                declarer.worker_id,
                zone=lambda: site_zone(connection, declaration.site_id),
                now=received_at,
            )
        list_queue.ask(connection, [declarer.worker_id], received_at)
    elif declarer.visitor_id is not None:
        list_queue.ask_visitor(connection, declarer.visitor_id, received_at)
    return versions


def put_latest(
    connection: Connection,
    id_column: Column[str],
    same: Callable[[], ColumnElement[bool]],
    *,
    new: tuple[str, datetime],
    insert_it: Callable[[str | None], bool],
    retire: Callable[[str], None],
) -> bool:
    """Insert a version of something of which the one declared last counts; whether the new one does.

    same       makes the clause for all versions of it; a unique index allows one with `superseded_by` NULL
    new        id and time of the new version
    insert_it  called with the id of the version that counts instead, or None; False where another one counts
    retire     called with the id of the version that no longer counts
    """
    table = id_column.table
    for _ in range(ATTEMPTS):
        # The first of its day, nearly always: one statement.
        if insert_it(None):
            return True
        query = select(id_column, table.c.declared_at).where(same(), table.c.superseded_by.is_(None))
        held = connection.execute(query.with_for_update()).first()
        if held is None:
            continue  # another one took its place meanwhile
        if held.declared_at > new[1]:
            insert_it(held[0])
            return False
        connection.execute(update(table).where(id_column == held[0]).values(superseded_by=new[0]))
        retire(held[0])
    raise NotStored(
        f"{table.name} {new[0]} could not be stored beside the others of its day",
        next_step="look for a record that came under another's id",
    )


def hand_on(connection: Connection, worker_id: str, to: str, *, now: datetime) -> dict[str, int]:
    """Two records of one person become one: of each day the declaration that was made last counts.

    Entries of the pass are handed on already. Returns new roster versions where that changed a pass.
    """
    row, other = declarations.c, declarations.alias().c
    both = connection.execute(
        select(row.declaration_id, row.declared_at, other.declaration_id, other.declared_at).where(
            row.worker_id == worker_id,
            other.worker_id == to,
            other.local_day == row.local_day,
            row.superseded_by.is_(None),
            other.superseded_by.is_(None),
        )
    ).all()
    changed: dict[str, int] = {}
    for ours, our_time, theirs, their_time in both:
        old, new = (theirs, ours) if our_time >= their_time else (ours, theirs)
        connection.execute(update(declarations).where(row.declaration_id == old).values(superseded_by=new))
        changed.update(_retire(connection, old, now))
    for table in (declarations, trips, declared_stays):
        connection.execute(update(table).where(table.c.worker_id == worker_id).values(worker_id=to))
    return changed


def latest(connection: Connection, declarer: Declarer, form_id: str) -> Declared | None:
    """The newest declaration of this person that counts, of whatever day."""
    query = (
        select(declarations)
        .where(
            declarer.owns(declarations),
            declarations.c.form_id == form_id,
            declarations.c.superseded_by.is_(None),
        )
        .order_by(declarations.c.local_day.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else declared_of(row)


def one(connection: Connection, declaration_id: str) -> Declared | None:
    """Any version."""
    row = connection.execute(_ONE, {"wanted": declaration_id}).first()
    return None if row is None else declared_of(row)


def versions(connection: Connection, declarer: Declarer, day: date) -> list[Declared]:
    """All versions of one person's day, the newest first."""
    query = (
        select(declarations)
        .where(declarer.owns(declarations), declarations.c.local_day == day)
        .order_by(declarations.c.declared_at.desc())
    )
    return [declared_of(row) for row in connection.execute(query)]


def trips_since(connection: Connection, declarer: Declarer, since: date) -> list[TripOnRecord]:
    """Trips that this person declared, the newest first."""
    query = (
        select(trips)
        .where(declarer.owns(trips), trips.c.travelled_on >= since)
        .order_by(trips.c.travelled_on.desc(), trips.c.trip_id.desc())
    )
    return [
        TripOnRecord(row.kind, row.number, row.travelled_on, row.origin, row.destination)
        for row in connection.execute(query)
    ]


def put_visitor(connection: Connection, vault: PersonVault, papers: VisitorPapers, *, now: datetime) -> str:
    """The visitor with these papers, new or known; name and phone as they are said now."""
    number_hash = vault.hash(papers.document_type, papers.document_number)
    visitor_id = uuid4().hex
    values = {"name": papers.name, "phone": papers.phone, "updated_at": now}
    statement = insert_or(connection, visitors).values(
        visitor_id=visitor_id,
        document_type=papers.document_type.value,
        document_hash=number_hash,
        # Bound to the hash: the id of a visitor who is known already is not known here.
        document_sealed=vault.seal(papers.document_number, bound_to=number_hash),
        created_at=now,
        **values,
    )
    statement = statement.on_conflict_do_update(index_elements=["document_hash"], set_=values)
    return str(connection.scalar(statement.returning(visitors.c.visitor_id)))


def site_zone(connection: Connection, site_id: str) -> ZoneInfo:
    """Raises UnknownSite."""
    name = connection.scalar(select(tables.sites.c.timezone).where(tables.sites.c.site_id == site_id))
    if name is None:
        raise UnknownSite(f"no site {site_id}", next_step="check the id")
    return ZoneInfo(name)


def declaration_handler(vault: PersonVault | None) -> Handler:
    """Takes the declarations that kiosks send. Without `vault` none of a visitor."""

    def take(connection: Connection, context: NoteContext, text: str) -> Mapping[str, int]:
        declaration = Declaration.model_validate_json(text)
        checked = check_note(
            connection,
            context,
            declaration.site_id,
            (declaration.form_id, declaration.form_version, declaration.answers),
            (declaration.local_day, declaration.declared_at),
        )
        if declaration.worker_id is not None:
            declarer = Declarer(worker_id=declaration.worker_id)
        elif declaration.visitor is None:
            raise NoteRefused("a visitor without papers")
        elif vault is None:
            raise NoteRefused("the centre has no key for document numbers")
        else:
            visitor_id = put_visitor(connection, vault, declaration.visitor, now=context.received_at)
            declarer = Declarer(visitor_id=visitor_id)
        return put(
            connection,
            declaration,
            checked,
            declarer,
            received_at=context.received_at,
            gate_id=context.gate_id,
        )

    return take


def check_note(
    connection: Connection,
    context: NoteContext,
    site_id: str,
    filled: tuple[str, int, Mapping[str, Any]],
    when: tuple[date, datetime],
) -> Checked:
    """A form that a kiosk sent, checked again as of its day. Raises NoteRefused."""
    form_id, version, answers = filled
    day, declared_at = when
    if site_id != context.site_id:
        raise NoteRefused("of another site")
    if declared_at > context.received_at + CLOCK_SLACK:
        raise NoteRefused("declared in the future: the kiosk's clock is wrong")
    # A report of an earlier day may be handed in late; none is for a day to come.
    if day > declared_at.astimezone(site_zone(connection, site_id)).date():
        raise NoteRefused("for a day to come")
    try:
        checked = check(form(form_id, version), answers, today=day)
    except UnknownForm as error:
        raise NoteRefused(str(error)) from error
    if not checked.is_complete:
        paths = sorted({problem.path for problem in checked.problems})
        raise NoteRefused(f"not as the form asks: {', '.join(paths)}"[:200])
    return checked


def declared_of(row: Any) -> Declared:
    """A row of the table as a record."""
    return Declared(
        row.declaration_id,
        row.form_id,
        row.form_version,
        row.site_id,
        Declarer(row.worker_id, row.visitor_id),
        row.local_day,
        row.declared_at,
        tuple(row.marks.split()),
        row.answers,
        row.superseded_by is not None,
    )


def _retire(connection: Connection, declaration_id: str, now: datetime) -> dict[str, int]:
    """It no longer counts: nothing of it is left but the version itself."""
    for table in (trips, declared_stays):
        connection.execute(delete(table).where(table.c.declaration_id == declaration_id))
    return health.withdraw(connection, declared_passes.source_of(declaration_id), now=now)


def _put_trips(
    connection: Connection, declaration: Declaration, checked: Checked, declarer: Declarer
) -> None:
    """Trips and lodging as rows, so that contacts are found without opening answers.

    A form says so by the names of its fields: groups `trips`, and `lodging`, `lodging_place`, `lodging_room`.
    """
    of = {"declaration_id": declaration.declaration_id, **declarer.columns}
    rows = [
        {
            **of,
            "kind": trip["kind"],
            "number": trip.get("number", ""),
            "travelled_on": date.fromisoformat(trip["date"]),
            "carriage": trip.get("carriage", "").rstrip("车厢"),
            "seat": trip.get("seat", ""),
            "seat_row": seat_row(trip.get("seat", "")),
            "origin": trip.get("origin", ""),
            "destination": trip.get("destination", ""),
        }
        for trip in checked.answers.get("trips", [])
    ]
    if rows:
        connection.execute(_INSERT_TRIPS, rows)
    if place := checked.answers.get("lodging_place"):
        stay = {
            **of,
            "local_day": declaration.local_day,
            "kind": checked.answers.get("lodging", ""),
            "place": place,
            "room": checked.answers.get("lodging_room", ""),
        }
        connection.execute(_INSERT_STAY, stay)
