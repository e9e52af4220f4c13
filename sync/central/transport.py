"""Return transport: a bus with its riders, what was done before it may enter, and who is held.

Every function takes an open connection and is part of its transaction; what may follow what is in
`transport_steps`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, Select, delete, exists, insert, or_, select, update

from sync.central import audit, transport_steps
from sync.central.access_log import require_plain, workers_in_scope
from sync.central.accounts_access import Right, Viewer, in_scope, no_such
from sync.central.audit import Action
from sync.central.lodging import same_name
from sync.central.lodging_forms import BusData
from sync.central.person_vault import PersonVault
from sync.central.rider_lines import LinesRefused, RiderLine, parts_of, read_lines
from sync.central.statements import chunks
from sync.central.tables import sites, worker_sites, workers
from sync.central.tables_lodging import bus_riders, buses
from sync.central.tables_people import persons
from sync.central.transport_steps import Hindrance, Manifest, Mark, Outcome, Rider, Step, StepRefused
from sync.central.typed_fields import Slip
from sync.records import WorkerStatus

LIST_ROWS = 100
PICK_ROWS = 50
_SEAT_SLIPS = {
    Hindrance.SEAT_TAKEN: Slip.SEAT_TAKEN,
    Hindrance.NO_SUCH_SEAT: Slip.OUT_OF_RANGE,
    Hindrance.BUS_FULL: Slip.BUS_FULL,
    Hindrance.RIDER_TWICE: Slip.SAME_PERSON,
}


@dataclass(frozen=True, slots=True)
class RiderFacts:
    """A rider as kept."""

    rider: Rider
    worker_id: str
    phone: str
    document_type: str
    measured_at: datetime | None
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Bus:
    """A journey with everything on it; riders by seat."""

    bus_id: str
    site_id: str
    site_name: str
    zone: ZoneInfo
    number: str
    travelled_on: date
    origin: str
    destination: str
    driver_name: str
    driver_phone: str
    manifest: Manifest
    riders: tuple[RiderFacts, ...]
    created_at: datetime
    created_by: str

    @property
    def next_step(self) -> Step | None:
        """The first step that may be taken now."""
        free = (step for step in Step if not transport_steps.hindrances(self.manifest, step))
        return next(free, None)


@dataclass(frozen=True, slots=True)
class PickedWorker:
    """Somebody who could ride along."""

    worker_id: str
    name: str
    team: str


def add_bus(connection: Connection, viewer: Viewer, data: BusData, *, now: datetime) -> str:
    """A bus without riders; returns its id. Raises NotAllowed, NotFound: a site the viewer does not see."""
    viewer.require(Right.MANAGE_BUSES)
    viewer.require_site(data.site_id)
    bus_id = uuid4().hex
    connection.execute(
        insert(buses).values(bus_id=bus_id, created_at=now, created_by=viewer.user_id, **asdict(data))
    )
    _note(connection, viewer, Action.WROTE_BUS, bus_id, data.site_id, now, did="added")
    return bus_id


def look(connection: Connection, viewer: Viewer, bus_id: str, *, now: datetime) -> Bus:
    """One bus, with its line in the audit log. Raises NotAllowed, NotFound."""
    found = _bus(connection, viewer, bus_id)
    _note(connection, viewer, Action.LOOKED_AT_BUS, bus_id, found.site_id, now)
    return found


def recent(
    connection: Connection, viewer: Viewer, *, site_id: str = "", since: date | None = None, now: datetime
) -> list[Bus]:
    """The newest `LIST_ROWS` buses, with a line in the audit log. Raises NotAllowed."""
    _note(connection, viewer, Action.LOOKED_AT_BUSES, "", site_id[:64], now)
    return _some(connection, viewer, site_id, since, rows=LIST_ROWS)


def export(
    connection: Connection, viewer: Viewer, *, site_id: str = "", since: date | None = None, now: datetime
) -> list[Bus]:
    """The same for a file: all of them. Raises NotAllowed."""
    _note(connection, viewer, Action.EXPORTED_BUSES, "", site_id[:64], now)
    return _some(connection, viewer, site_id, since)


def board_lines(
    connection: Connection,
    viewer: Viewer,
    bus_id: str,
    text: str,
    vault: PersonVault | None,
    *,
    now: datetime,
) -> int:
    """Add the riders of a pasted list, all of them or none; returns how many.

    Raises NotAllowed, NotFound, StepRefused (the bus is checked already), LinesRefused: by number of line.
    """
    bus = _bus(connection, viewer, bus_id, for_update=True)
    lines = parts_of(text)
    names = _workers(connection, viewer, {part for parts in lines for part in parts})
    read = read_lines(lines, names, now.astimezone(bus.zone).date())
    return _board(connection, viewer, bus, read, names, vault, now)


def board_workers(
    connection: Connection,
    viewer: Viewer,
    bus_id: str,
    worker_ids: Iterable[str],
    vault: PersonVault | None,
    *,
    now: datetime,
) -> int:
    """Add workers who were picked; whoever is on the bus already is left out. Returns how many.

    Raises NotAllowed, NotFound, StepRefused, LinesRefused: the bus is full.
    """
    bus = _bus(connection, viewer, bus_id, for_update=True)
    names = _workers(connection, viewer, set(worker_ids))
    aboard = {facts.worker_id for facts in bus.riders}
    read = [RiderLine(worker_id=one) for one in sorted(names) if one not in aboard]
    return _board(connection, viewer, bus, dict(enumerate(read, start=1)), names, vault, now)


def to_pick(
    connection: Connection, viewer: Viewer, bus_id: str, text: str, *, now: datetime
) -> list[PickedWorker]:
    """Workers of the bus's site by a part of name, number or team, who are not on it. Raises NotFound."""
    require_plain(text)
    bus = _bus(connection, viewer, bus_id)
    _note(connection, viewer, Action.LOOKED_AT_WORKERS, bus_id, bus.site_id, now, filter=text)
    columns = (workers.c.name, workers.c.worker_id, workers.c.team)
    query = (
        select(workers.c.worker_id, workers.c.name, workers.c.team)
        .where(
            exists().where(
                worker_sites.c.worker_id == workers.c.worker_id, worker_sites.c.site_id == bus.site_id
            ),
            workers.c.status == WorkerStatus.ACTIVE.value,
            ~exists().where(bus_riders.c.worker_id == workers.c.worker_id, bus_riders.c.bus_id == bus_id),
            or_(*(column.icontains(text.strip(), autoescape=True) for column in columns)),
        )
        .order_by(workers.c.team, workers.c.worker_id)
        .limit(PICK_ROWS)
    )
    return [PickedWorker(row.worker_id, row.name, row.team) for row in connection.execute(query)]


def reseat(
    connection: Connection, viewer: Viewer, bus_id: str, rider_id: str, seat: int, *, now: datetime
) -> None:
    """Raises NotAllowed, NotFound, StepRefused: taken, no such seat, or too late."""
    bus = _bus(connection, viewer, bus_id, for_update=True)
    _keep(connection, viewer, bus, transport_steps.reseated(bus.manifest, rider_id, seat), now, "reseated")


def mark_absent(
    connection: Connection, viewer: Viewer, bus_id: str, rider_id: str, absent: bool, *, now: datetime
) -> None:
    """Somebody on the list did not come along, or did. Raises NotAllowed, NotFound, StepRefused."""
    bus = _bus(connection, viewer, bus_id, for_update=True)
    after = transport_steps.marked_absent(bus.manifest, rider_id, absent)
    _keep(connection, viewer, bus, after, now, "absent" if absent else "present")


def remove(connection: Connection, viewer: Viewer, bus_id: str, rider_id: str, *, now: datetime) -> None:
    """Take somebody off the list who was entered by mistake. Raises NotAllowed, NotFound, StepRefused."""
    bus = _bus(connection, viewer, bus_id, for_update=True)
    after = transport_steps.removed(bus.manifest, rider_id)
    connection.execute(delete(bus_riders).where(bus_riders.c.rider_id == rider_id))
    _keep(connection, viewer, bus, after, now, "removed")


def measure(
    connection: Connection, viewer: Viewer, bus_id: str, readings: dict[str, float], *, now: datetime
) -> None:
    """Keep temperatures (°C by rider id); once nobody on board is without one, the step is taken.

    Raises NotAllowed, NotFound, StepRefused.
    """
    bus = _bus(connection, viewer, bus_id, for_update=True)
    after = bus.manifest
    for rider_id, temperature_c in readings.items():
        after = transport_steps.measured(after, rider_id, temperature_c)
    if not transport_steps.hindrances(after, Step.MEASURED):
        after = transport_steps.taken(after, Step.MEASURED, Mark(viewer.user_id, now))
    _keep(connection, viewer, bus, after, now, "measured")
    for some in chunks(sorted(readings)):
        connection.execute(
            update(bus_riders)
            .where(bus_riders.c.rider_id.in_(some))
            .values(measured_at=now, measured_by=viewer.user_id)
        )


def take(
    connection: Connection, viewer: Viewer, bus_id: str, step: Step, *, fever_c: float, now: datetime
) -> Bus:
    """Take a step; on entering, what becomes of each rider is kept: at `fever_c` and above they are held.

    Raises NotAllowed, NotFound, StepRefused: with what is missing.
    """
    bus = _bus(connection, viewer, bus_id, for_update=True)
    after = transport_steps.taken(bus.manifest, step, Mark(viewer.user_id, now))
    _keep(connection, viewer, bus, after, now, step.value)
    if step is Step.ENTERED:
        for rider_id, outcome in after.outcomes(fever_c).items():
            _set_outcome(connection, rider_id, outcome.value)
    return _bus(connection, viewer, bus_id)


def take_back(connection: Connection, viewer: Viewer, bus_id: str, step: Step, *, now: datetime) -> None:
    """A step that was taken by mistake, if none rests on it. Raises NotAllowed, NotFound, StepRefused."""
    bus = _bus(connection, viewer, bus_id, for_update=True)
    _keep(connection, viewer, bus, transport_steps.taken_back(bus.manifest, step), now, f"took back {step}")
    if step is Step.ENTERED:
        for facts in bus.riders:
            _set_outcome(connection, facts.rider.rider_id, "")


def cancel(connection: Connection, viewer: Viewer, bus_id: str, *, now: datetime) -> None:
    """The bus does not come. Raises NotAllowed, NotFound, StepRefused: it has entered."""
    bus = _bus(connection, viewer, bus_id, for_update=True)
    if Step.ENTERED in bus.manifest.marks:
        raise StepRefused(Hindrance.ENTERED_ALREADY)
    connection.execute(
        update(buses).where(buses.c.bus_id == bus_id).values(cancelled_at=now, cancelled_by=viewer.user_id)
    )
    _note(connection, viewer, Action.WROTE_BUS, bus_id, bus.site_id, now, did="cancelled")


# --- Inside -------------------------------------------------------------------------------------------------


def _bus(connection: Connection, viewer: Viewer, bus_id: str, *, for_update: bool = False) -> Bus:
    """Changes to one bus wait for each other: a seat is given once."""
    viewer.require(Right.MANAGE_BUSES)
    query = _query().where(buses.c.bus_id == bus_id)
    row = connection.execute(query.with_for_update(of=buses) if for_update else query).first()
    if row is None or not viewer.sees(row.site_id):
        raise no_such("bus", bus_id)
    return _of_row(row, _riders(connection, [bus_id]).get(bus_id, []))


def _some(
    connection: Connection, viewer: Viewer, site_id: str, since: date | None, *, rows: int | None = None
) -> list[Bus]:
    viewer.require(Right.MANAGE_BUSES)
    require_plain(site_id)
    query = _query().where(in_scope(viewer, buses.c.site_id))
    if site_id:
        query = query.where(buses.c.site_id == site_id)
    if since is not None:
        query = query.where(buses.c.travelled_on >= since)
    newest = query.order_by(buses.c.travelled_on.desc(), buses.c.created_at.desc()).limit(rows)
    found = connection.execute(newest).all()
    riders: dict[str, list[RiderFacts]] = {}
    for some in chunks([row.bus_id for row in found]):
        riders |= _riders(connection, some)
    return [_of_row(row, riders.get(row.bus_id, [])) for row in found]


def _query() -> Select[Any]:
    return select(buses, sites.c.name.label("site_name"), sites.c.timezone).join(
        sites, sites.c.site_id == buses.c.site_id
    )


def _riders(connection: Connection, bus_ids: Sequence[str]) -> dict[str, list[RiderFacts]]:
    query = select(bus_riders).where(bus_riders.c.bus_id.in_(bus_ids)).order_by(bus_riders.c.seat)
    found: dict[str, list[RiderFacts]] = {}
    for row in connection.execute(query):
        rider = Rider(
            row.rider_id,
            _key(row.worker_id or "", row.document_hash or "", row.name, row.phone),
            row.name,
            row.seat,
            row.absent,
            row.temperature_c,
            row.highest_c,
        )
        facts = RiderFacts(
            rider,
            row.worker_id or "",
            row.phone,
            row.document_type,
            row.measured_at,
            Outcome(row.outcome) if row.outcome else None,
        )
        found.setdefault(row.bus_id, []).append(facts)
    return found


def _of_row(row: Row[Any], riders: list[RiderFacts]) -> Bus:
    marks = {
        step: Mark(getattr(row, f"{step}_by"), getattr(row, f"{step}_at"))
        for step in Step
        if getattr(row, f"{step}_at") is not None
    }
    aboard = tuple(facts.rider for facts in riders)
    return Bus(
        row.bus_id,
        row.site_id,
        row.site_name,
        ZoneInfo(row.timezone),
        row.number,
        row.travelled_on,
        row.origin,
        row.destination,
        row.driver_name,
        row.driver_phone,
        Manifest(row.seats, aboard, marks, row.cancelled_at is not None),
        tuple(riders),
        row.created_at,
        row.created_by,
    )


def _workers(connection: Connection, viewer: Viewer, worker_ids: set[str]) -> dict[str, str]:
    """Names of those that are workers' numbers, within the viewer's sites."""
    return {
        row.worker_id: row.name
        for some in chunks(sorted(worker_ids))
        for row in connection.execute(
            select(workers.c.worker_id, workers.c.name).where(
                workers.c.worker_id.in_(some), workers_in_scope(viewer)
            )
        )
    }


def _board(
    connection: Connection,
    viewer: Viewer,
    bus: Bus,
    read: dict[int, RiderLine],
    names: dict[str, str],
    vault: PersonVault | None,
    now: datetime,
) -> int:
    slips: dict[int, Slip] = {}
    rows: list[dict[str, object]] = []
    after = bus.manifest
    # Whoever named a seat gets it; the others sit where it is free then.
    for number, line in sorted(read.items(), key=lambda one: (one[1].seat is None, one[0])):
        if line.worker_id and line.name and not same_name(line.name, names[line.worker_id]):
            slips[number] = Slip.UNKNOWN_WORKER
            continue
        if line.document and vault is None:
            slips[number] = Slip.NO_VAULT
            continue
        hashed = vault.hash(line.document_type, line.document) if vault and line.document_type else ""
        worker_id = line.worker_id or _worker_of(connection, viewer, line, hashed)
        name, rider_id = names.get(worker_id, line.name), uuid4().hex
        try:
            seat = line.seat if line.seat is not None else transport_steps.free_seat(after)
            key = _key(worker_id, hashed, name, line.phone)
            after = transport_steps.boarded(after, Rider(rider_id, key, name, seat))
        except StepRefused as refused:
            if refused.hindrance not in _SEAT_SLIPS:
                raise
            slips[number] = _SEAT_SLIPS[refused.hindrance]
            continue
        rows.append(
            {
                "rider_id": rider_id,
                "bus_id": bus.bus_id,
                "worker_id": worker_id or None,
                "name": name,
                "document_type": line.document_type or "",
                "document_sealed": vault.seal(line.document, bound_to=rider_id) if vault and hashed else None,
                "document_hash": hashed or None,
                "phone": line.phone,
                "seat": seat,
                "added_at": now,
                "added_by": viewer.user_id,
            }
        )
    if slips:
        raise LinesRefused(dict(sorted(slips.items())))
    if rows:
        connection.execute(insert(bus_riders), rows)
        _keep(connection, viewer, bus, after, now, f"{len(rows)} boarded")
    return len(rows)


def _worker_of(connection: Connection, viewer: Viewer, line: RiderLine, hashed: str) -> str:
    """The worker with that document, or with that phone, if the name is the same too."""
    query = select(workers.c.worker_id, workers.c.name).where(workers_in_scope(viewer))
    if hashed:
        query = query.join(persons, persons.c.worker_id == workers.c.worker_id)
        query = query.where(persons.c.number_hash == hashed)
    else:
        query = query.where(workers.c.phone == line.phone)
    for row in connection.execute(query.order_by(workers.c.worker_id)):
        if same_name(row.name, line.name):
            return str(row.worker_id)
    return ""


def _key(worker_id: str, document_hash: str, name: str, phone: str) -> str:
    if worker_id:
        return f"worker:{worker_id}"
    return f"document:{document_hash}" if document_hash else f"person:{name}:{phone}"


def _keep(connection: Connection, viewer: Viewer, bus: Bus, after: Manifest, now: datetime, did: str) -> None:
    """Write what differs from `bus`, with its line in the audit log."""
    values: dict[str, object] = {}
    for step in Step:
        mark = after.marks.get(step)
        if mark != bus.manifest.marks.get(step):
            values |= {f"{step}_at": mark.at if mark else None, f"{step}_by": mark.by if mark else ""}
    if values:
        connection.execute(update(buses).where(buses.c.bus_id == bus.bus_id).values(values))
    before = {rider.rider_id: rider for rider in bus.manifest.riders}
    for rider in after.riders:
        if rider.rider_id in before and before[rider.rider_id] != rider:
            connection.execute(
                update(bus_riders)
                .where(bus_riders.c.rider_id == rider.rider_id)
                .values(
                    seat=rider.seat,
                    absent=rider.absent,
                    temperature_c=rider.temperature_c,
                    highest_c=rider.highest_c,
                )
            )
    _note(connection, viewer, Action.WROTE_BUS, bus.bus_id, bus.site_id, now, did=did)


def _set_outcome(connection: Connection, rider_id: str, outcome: str) -> None:
    connection.execute(update(bus_riders).where(bus_riders.c.rider_id == rider_id).values(outcome=outcome))


def _note(
    connection: Connection,
    viewer: Viewer,
    action: Action,
    bus_id: str,
    site_id: str,
    now: datetime,
    **detail: str,
) -> None:
    subject = f"bus:{bus_id}" if bus_id else ""
    audit.note_by(connection, viewer, action, at=now, site_id=site_id, subject=subject, detail=detail)
