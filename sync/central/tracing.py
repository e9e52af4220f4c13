"""Where a case and everybody who may have met it were: the rows that the rules of `sync.tracing` look at.

Each query is bounded by what the case itself did (its vehicles, houses, teams, passages), so that it goes
through an index however many rows there are; which of the candidates met the case is for the rules to say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select, tuple_

from sync.central.statements import chunks
from sync.central.tables import events
from sync.central.tables_declarations import declarations, declared_stays, trips
from sync.central.tables_lodging import bus_riders, buses, houses
from sync.central.tables_lodging import stays as house_stays
from sync.records import Outcome, Passage
from sync.tracing import Passing, Reason, Stay, Traces, TracingRules, Trip, WorkDay, contacts
from sync.tracing.rules import SameGate, SameTeam, SharedLodging, SharedTrip

DORMITORY = "dormitory"
"""A declared lodging whose place (`3 号楼`) means something only together with the site."""

_RANGES_PER_QUERY = 40
_ZONES_APART = timedelta(hours=14)
"""A calendar day at a site begins or ends at most so far from the one in UTC."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The case as it is traced. `told_trips`, `told_stays`: besides what was declared.

    person  its key; rows of `worker_id` are its own
    """

    person: str
    site_id: str
    worker_id: str | None
    window: tuple[date, date]
    told_trips: tuple[Trip, ...] = ()
    told_stays: tuple[Stay, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody on a list who is not registered; `site_id` is whose list it is."""

    name: str
    phone: str
    site_id: str


@dataclass(frozen=True, slots=True)
class Found:
    """What tracing one case found. `named`: by person key; `candidates`: rows that the rules looked at."""

    reasons: tuple[Reason, ...]
    named: Mapping[str, Named]
    candidates: int


def worker_key(worker_id: str) -> str:
    return f"worker:{worker_id}"


def person_key(worker_id: str | None, visitor_id: str | None) -> str:
    """The key of a worker or visitor."""
    return worker_key(worker_id) if worker_id is not None else f"visitor:{visitor_id}"


def trace(connection: Connection, subject: Subject, rules: TracingRules) -> Found:
    """Everybody who met the case, by the rules."""
    query = _Query(connection, subject, rules)
    own = query.own()
    others = query.others(own)
    reasons = contacts(subject.person, own, others, rules, subject.window)
    rows = len(others.trips) + len(others.stays) + len(others.work_days) + len(others.passings)
    met = {reason.person for reason in reasons}
    named = {person: one for person, one in query.named.items() if person in met}
    return Found(tuple(reasons), named, rows)


class _Query:
    """One case over one connection; collects names of people on lists as it goes."""

    def __init__(self, connection: Connection, subject: Subject, rules: TracingRules) -> None:
        self._connection = connection
        self._subject = subject
        self._first, self._last = subject.window
        self._vehicles = {rule.vehicle for rule in rules.rules if isinstance(rule, SharedTrip)}
        self._lodging = any(isinstance(rule, SharedLodging) for rule in rules.rules)
        self._teams = any(isinstance(rule, SameTeam) for rule in rules.rules)
        self._within_s = max((rule.within_s for rule in rules.rules if isinstance(rule, SameGate)), default=0)
        self.named: dict[str, Named] = {}

    def own(self) -> Traces:
        """Of the case: what it declared, what lists and gates say, what was told."""
        subject = self._subject
        told = tuple(trip for trip in subject.told_trips if self._first <= trip.day <= self._last)
        if subject.worker_id is None:
            return Traces(told, tuple(self._told_stays()))
        declared = self._trips(trips.c.worker_id == subject.worker_id, self._in_window(trips.c.travelled_on))
        rides = self._rides(
            bus_riders.c.worker_id == subject.worker_id, self._in_window(buses.c.travelled_on)
        )
        lived = self._house_stays(house_stays.c.worker_id == subject.worker_id)
        said = self._declared_stays(declared_stays.c.worker_id == subject.worker_id)
        days, passings = self._attendance(subject.worker_id)
        return Traces((*declared, *rides, *told), (*lived, *said, *self._told_stays()), days, passings)

    def others(self, own: Traces) -> Traces:
        """Of everybody who was in the same vehicles, houses, teams, or at the same gates."""
        vehicles = sorted({trip.vehicle for trip in own.trips if trip.number and trip.kind in self._vehicles})
        stays = own.stays if self._lodging else ()
        return Traces(
            tuple(self._in_vehicles(vehicles)),
            tuple(self._in_places({(stay.place, stay.label) for stay in stays})),
            tuple(self._in_teams(own.work_days)) if self._teams else (),
            tuple(self._at_gates(own.passings)) if self._within_s else (),
        )

    # -- trips -------------------------------------------------------------------------------------------

    def _in_vehicles(self, vehicles: Sequence[tuple[str, str, date]]) -> Iterator[Trip]:
        columns = trips.c
        for some in chunks(vehicles):
            yield from self._trips(tuple_(columns.kind, columns.number, columns.travelled_on).in_(some))
        by_bus = [(number, day) for kind, number, day in vehicles if kind == "bus"]
        for some_buses in chunks(by_bus):
            yield from self._rides(tuple_(buses.c.number, buses.c.travelled_on).in_(some_buses))

    def _trips(self, *clauses: ColumnElement[bool]) -> list[Trip]:
        row = trips.c
        query = select(
            row.worker_id, row.visitor_id, row.kind, row.number, row.travelled_on, row.carriage, row.seat
        ).where(*clauses)
        return [
            Trip(person_key(worker_id, visitor_id), *rest)
            for worker_id, visitor_id, *rest in self._connection.execute(query)
        ]

    def _rides(self, *clauses: ColumnElement[bool]) -> list[Trip]:
        rider = bus_riders.c
        query = (
            select(
                rider.worker_id,
                rider.name,
                rider.phone,
                buses.c.site_id,
                buses.c.number,
                buses.c.travelled_on,
                rider.seat,
            )
            .join_from(bus_riders, buses, buses.c.bus_id == rider.bus_id)
            .where(*clauses, rider.absent.is_(False), buses.c.cancelled_at.is_(None))
        )
        return [
            Trip(self._on_list(row), "bus", row.number, row.travelled_on, seat=str(row.seat))
            for row in self._connection.execute(query)
        ]

    # -- lodging -----------------------------------------------------------------------------------------

    def _in_places(self, places: Iterable[tuple[str, str]]) -> Iterator[Stay]:
        ids = sorted({place.removeprefix("house:") for place, _ in places if place.startswith("house:")})
        for some in chunks(ids):
            yield from self._house_stays(house_stays.c.house_id.in_(some))
        labels = sorted({label for place, label in places if not place.startswith("house:")})
        for some_labels in chunks(labels):
            yield from self._declared_stays(declared_stays.c.place.in_(some_labels))

    def _house_stays(self, clause: ColumnElement[bool]) -> list[Stay]:
        stay = house_stays.c
        query = (
            select(
                stay.worker_id,
                stay.name,
                stay.phone,
                houses.c.site_id,
                stay.house_id,
                houses.c.address,
                stay.from_day,
                stay.until_day,
                stay.room,
            )
            .join_from(house_stays, houses, houses.c.house_id == stay.house_id)
            .where(clause, stay.from_day <= self._last)
            .where(or_(stay.until_day.is_(None), stay.until_day >= self._first))
        )
        return [
            Stay(
                self._on_list(row),
                f"house:{row.house_id}",
                row.address,
                row.from_day,
                row.until_day or self._last,
                row.room,
            )
            for row in self._connection.execute(query)
        ]

    def _declared_stays(self, clause: ColumnElement[bool]) -> list[Stay]:
        stay = declared_stays.c
        query = (
            select(
                stay.worker_id,
                stay.visitor_id,
                stay.local_day,
                stay.kind,
                stay.place,
                stay.room,
                declarations.c.site_id,
            )
            .join_from(declared_stays, declarations, declarations.c.declaration_id == stay.declaration_id)
            .where(clause, self._in_window(stay.local_day))
        )
        return [
            Stay(
                person_key(row.worker_id, row.visitor_id),
                _declared_place(row.kind, row.site_id, row.place),
                row.place,
                row.local_day,
                row.local_day,
                row.room,
            )
            for row in self._connection.execute(query)
        ]

    def _told_stays(self) -> Iterator[Stay]:
        """A told place may be a declared one, a dormitory of the case's site, or the address of a house."""
        for stay in self._subject.told_stays:
            for place in (
                _declared_place("", "", stay.label),
                _declared_place(DORMITORY, self._subject.site_id, stay.label),
                *(f"house:{house_id}" for house_id in self._houses_at(stay.label)),
            ):
                yield Stay(stay.person, place, stay.label, stay.from_day, stay.until_day, stay.room)

    def _houses_at(self, address: str) -> list[str]:
        return list(self._connection.scalars(select(houses.c.house_id).where(houses.c.address == address)))

    # -- attendance --------------------------------------------------------------------------------------

    def _attendance(self, worker_id: str) -> tuple[tuple[WorkDay, ...], tuple[Passing, ...]]:
        event = events.c
        rows = self._connection.execute(
            select(
                event.site_id,
                event.gate_id,
                event.occurred_at,
                event.local_day,
                event.clock_trusted,
                event.employer,
                event.team,
                event.outcome,
                event.passage,
            ).where(
                event.worker_id == worker_id,
                event.occurred_at.between(*_span(self._first, self._last)),
                self._in_window(event.local_day),
            )
        ).all()
        person = self._subject.person
        days = {
            WorkDay(person, row.site_id, row.employer, row.team, row.local_day)
            for row in rows
            if row.team and _went_in(row)
        }
        return tuple(sorted(days, key=lambda one: one.crew)), tuple(
            Passing(person, row.site_id, row.gate_id, row.occurred_at, row.local_day, row.clock_trusted)
            for row in rows
        )

    def _in_teams(self, own: Sequence[WorkDay]) -> Iterator[WorkDay]:
        days: dict[tuple[str, str, str], list[date]] = defaultdict(list)
        for one in own:
            days[one.site_id, one.employer, one.team].append(one.day)
        event = events.c
        for (site_id, employer, team), worked in sorted(days.items()):
            query = (
                select(event.worker_id, event.local_day)
                .distinct()
                .where(
                    event.site_id == site_id,
                    event.team == team,
                    event.occurred_at.between(*_span(min(worked), max(worked))),
                    event.employer == employer,
                    event.local_day.in_(worked),
                    event.worker_id.is_not(None),
                    event.outcome == Outcome.ALLOW.value,
                    event.passage != Passage.NOT_PASSED.value,
                )
            )
            for worker_id, day in self._connection.execute(query):
                yield WorkDay(worker_key(worker_id), site_id, employer, team, day)

    def _at_gates(self, own: Sequence[Passing]) -> Iterator[Passing]:
        """Whoever was recognised there, let in or not."""
        spans: dict[tuple[str, str], list[tuple[datetime, datetime]]] = defaultdict(list)
        reach = timedelta(seconds=self._within_s)
        for one in sorted(own, key=lambda passing: passing.at):
            at_gate = spans[one.site_id, one.gate_id]
            if at_gate and one.at - reach <= at_gate[-1][1]:
                at_gate[-1] = (at_gate[-1][0], one.at + reach)
            else:
                at_gate.append((one.at - reach, one.at + reach))
        for (site_id, gate_id), ranges in sorted(spans.items()):
            for start in range(0, len(ranges), _RANGES_PER_QUERY):
                query = _at_gate(site_id, gate_id, ranges[start : start + _RANGES_PER_QUERY])
                for row in self._connection.execute(query):
                    yield Passing(
                        worker_key(row.worker_id), site_id, gate_id, row.occurred_at, row.local_day,
                        row.clock_trusted,
                    )  # fmt: skip

    # -- inside ------------------------------------------------------------------------------------------

    def _in_window(self, day: ColumnElement[Any]) -> ColumnElement[bool]:
        return day.between(self._first, self._last)

    def _on_list(self, row: Any) -> str:
        """The key of somebody on a list, who may not be registered."""
        if row.worker_id is not None:
            return worker_key(row.worker_id)
        digest = sha256("\0".join((row.name, row.phone)).encode()).hexdigest()
        key = f"named:{digest[:32]}"
        self.named.setdefault(key, Named(row.name, row.phone, row.site_id))
        return key


def _at_gate(site_id: str, gate_id: str, ranges: Sequence[tuple[datetime, datetime]]) -> Select[Any]:
    event = events.c
    return select(event.worker_id, event.occurred_at, event.local_day, event.clock_trusted).where(
        or_(
            *(
                and_(event.site_id == site_id, event.gate_id == gate_id, event.occurred_at.between(*span))
                for span in ranges
            )
        ),
        event.worker_id.is_not(None),
    )


def _declared_place(kind: str, site_id: str, place: str) -> str:
    return f"{DORMITORY}:{site_id}:{place}" if kind == DORMITORY else f"place:{place}"


def _span(first: date, last: date) -> tuple[datetime, datetime]:
    """Surely holds these calendar days, whatever the zone of a site."""
    return (
        datetime.combine(first, time(), UTC) - _ZONES_APART,
        datetime.combine(last, time(), UTC) + timedelta(days=1) + _ZONES_APART,
    )


def _went_in(row: Any) -> bool:
    return bool(row.outcome == Outcome.ALLOW.value and row.passage != Passage.NOT_PASSED.value)
