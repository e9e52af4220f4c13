"""The forms of lodging and return transport: typed fields → what they say, or slips by field. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sync.central.transport_steps import HIGHEST_C, LOWEST_C, MOST_SEATS
from sync.central.typed_fields import Slip, TypedFields

MOST_ROOMS, MOST_PEOPLE = 500, 5000
LONGEST_STAY = timedelta(days=366 * 5)
"""Somebody who says to have lived there for longer has mistyped the year."""

LONGEST_WAY = timedelta(days=7)
BOOKED_AHEAD = timedelta(days=60)
TEAM = ("police", "medic", "official")
"""The three of a door-to-door team."""


@dataclass(frozen=True, slots=True)
class HouseData:
    """What a landlord says about a house; `capacity` in people."""

    site_id: str
    district: str
    sub_district: str
    address: str
    landlord_name: str
    landlord_phone: str
    rooms: int
    capacity: int


@dataclass(frozen=True, slots=True)
class TenantData:
    """What a tenant says: the worker's number, or else a phone."""

    name: str
    worker_id: str
    phone: str
    room: str
    from_day: date


@dataclass(frozen=True, slots=True)
class LeavingData:
    """Who moves out; `known_by` is a worker's number or a phone as registered."""

    name: str
    known_by: str
    until_day: date


@dataclass(frozen=True, slots=True)
class TeamData:
    """Who goes from door to door together."""

    police_name: str
    medic_name: str
    official_name: str


@dataclass(frozen=True, slots=True)
class EntryData:
    """What a team found out about one person; of somebody who was not met only the remarks count."""

    met: bool
    identity_confirmed: bool = False
    temperature_c: float | None = None
    symptoms: str = ""
    contacts: str = ""
    remarks: str = ""


@dataclass(frozen=True, slots=True)
class BusData:
    """One journey; `number` is the plate, `travelled_on` the day of departure."""

    site_id: str
    number: str
    travelled_on: date
    origin: str
    destination: str
    driver_name: str
    driver_phone: str
    seats: int


def read_house(typed: Mapping[str, str], site_ids: Collection[str]) -> HouseData:
    """Raises FieldsRefused."""
    fields = TypedFields(typed)
    data = HouseData(
        site_id=fields.choice("site_id", frozenset(site_ids)),
        district=fields.line("district", required=False),
        sub_district=fields.line("sub_district"),
        address=fields.line("address", longest=200),
        landlord_name=fields.line("landlord_name"),
        landlord_phone=fields.phone("landlord_phone"),
        rooms=fields.whole("rooms", 1, MOST_ROOMS),
        capacity=fields.whole("capacity", 1, MOST_PEOPLE),
    )
    fields.finish()
    return data


def read_tenant(typed: Mapping[str, str], today: date) -> TenantData:
    """Raises FieldsRefused: also where there is neither a worker's number nor a phone."""
    fields = TypedFields(typed)
    data = TenantData(
        name=fields.line("name"),
        worker_id=fields.line("worker_id", required=False, longest=64),
        phone=fields.phone("phone", required=not typed.get("worker_id", "").strip()),
        room=fields.line("room", longest=20),
        from_day=fields.day("from_day", today - LONGEST_STAY, today),
    )
    fields.finish()
    return data


def read_leaving(typed: Mapping[str, str], today: date) -> LeavingData:
    """Raises FieldsRefused."""
    fields = TypedFields(typed)
    data = LeavingData(
        name=fields.line("name"),
        known_by=fields.line("known_by", longest=64),
        until_day=fields.day("until_day", today - LONGEST_STAY, today),
    )
    fields.finish()
    return data


def read_team(typed: Mapping[str, str]) -> TeamData:
    """Raises FieldsRefused: also where one person is named twice."""
    fields = TypedFields(typed)
    names = [fields.line(f"{role}_name") for role in TEAM]
    for role, name in zip(TEAM, names, strict=True):
        if name and names.index(name) != TEAM.index(role):
            fields.slip(f"{role}_name", Slip.SAME_PERSON)
    fields.finish()
    return TeamData(*names)


def read_entry(typed: Mapping[str, str]) -> EntryData:
    """Raises FieldsRefused. `met` is `yes` or `no`."""
    fields = TypedFields(typed)
    is_met = fields.choice("met", frozenset({"yes", "no"})) == "yes"
    remarks = fields.text("remarks")
    data = EntryData(met=False, remarks=remarks)
    if is_met:
        data = EntryData(
            met=True,
            identity_confirmed=fields.ticked("identity_confirmed"),
            temperature_c=fields.decimal("temperature_c", LOWEST_C, HIGHEST_C),
            symptoms=fields.text("symptoms"),
            contacts=fields.text("contacts"),
            remarks=remarks,
        )
    fields.finish()
    return data


def read_bus(typed: Mapping[str, str], site_ids: Collection[str], today: date) -> BusData:
    """Raises FieldsRefused."""
    fields = TypedFields(typed)
    data = BusData(
        site_id=fields.choice("site_id", frozenset(site_ids)),
        number=fields.plate("number"),
        travelled_on=fields.day("travelled_on", today - LONGEST_WAY, today + BOOKED_AHEAD),
        origin=fields.line("origin"),
        destination=fields.line("destination"),
        driver_name=fields.line("driver_name"),
        driver_phone=fields.phone("driver_phone", required=False),
        seats=fields.whole("seats", 1, MOST_SEATS),
    )
    fields.finish()
    return data


def read_temperatures(typed: Mapping[str, str], rider_ids: Collection[str]) -> dict[str, float]:
    """Readings by rider; the field of a rider is `t_` and the id, an empty one is no reading.

    Raises FieldsRefused.
    """
    fields = TypedFields(typed)
    found = {one: fields.decimal(f"t_{one}", LOWEST_C, HIGHEST_C) for one in rider_ids}
    fields.finish()
    return {one: value for one, value in found.items() if value is not None}
