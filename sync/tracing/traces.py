"""What is known of where people were: the input of the rules. A person is a key such as `worker:W-1`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sync.tracing.seats import carriage_number, seat_row


@dataclass(frozen=True, slots=True)
class Trip:
    """One person in one vehicle. `number` in the canonical form of declarations; empty seat: not said."""

    person: str
    kind: str
    number: str
    day: date
    carriage: str = ""
    seat: str = ""

    @property
    def vehicle(self) -> tuple[str, str, date]:
        return self.kind, self.number, self.day

    @property
    def row(self) -> int | None:
        return seat_row(self.seat)

    @property
    def carriage_number(self) -> str:
        return carriage_number(self.carriage)


@dataclass(frozen=True, slots=True)
class Stay:
    """One person living somewhere, both days included; `place` is what makes two stays the same place."""

    person: str
    place: str
    label: str
    from_day: date
    until_day: date
    room: str = ""


@dataclass(frozen=True, slots=True)
class WorkDay:
    """One person of one team at one site on one day."""

    person: str
    site_id: str
    employer: str
    team: str
    day: date

    @property
    def crew(self) -> tuple[str, str, str, date]:
        return self.site_id, self.employer, self.team, self.day


@dataclass(frozen=True, slots=True)
class Passing:
    """One person at one gate. `trusted`: the gate's clock was right. `day`: the calendar day at the site."""

    person: str
    site_id: str
    gate_id: str
    at: datetime
    day: date
    trusted: bool = True


@dataclass(frozen=True, slots=True)
class Traces:
    """Any number of people's."""

    trips: tuple[Trip, ...] = ()
    stays: tuple[Stay, ...] = ()
    work_days: tuple[WorkDay, ...] = ()
    passings: tuple[Passing, ...] = ()
