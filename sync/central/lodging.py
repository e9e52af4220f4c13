"""Houses and who lives in them: registered by landlords, joined by tenants, looked after by the site.

Every function takes an open connection and is part of its transaction. Landlords and tenants have no account:
what they may do hangs on a token nobody can guess, and is bounded per hour. Everybody else is a `Viewer`.
"""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, insert, or_, select, update

from sync.central import audit
from sync.central.accounts_access import Right, Viewer, no_such
from sync.central.audit import Action
from sync.central.errors import CentralError, SettingRefused
from sync.central.lodging_forms import HouseData, LeavingData, TenantData
from sync.central.lodging_rules import HouseState, Risk, Tenant, person_key, risk_at, state_of
from sync.central.tables import sites, worker_sites, workers
from sync.central.tables_lodging import house_risks, houses, stays
from sync.central.typed_fields import FieldsRefused, Slip, phone_of
from sync.records import WorkerStatus

HOUSES_PER_ADDRESS = 20
"""Within an hour; phones behind one router share an address."""

HOUSES_PER_PHONE = 5
"""Within an hour, by one landlord."""

TENANTS_PER_HOUSE = 60
"""Within an hour, by the code on the door."""

_HOUR = timedelta(hours=1)
_TOKEN_BYTES = 18
LANDLORD, TENANT = "landlord", "tenant"
"""Who registered something without an account; in the audit log too."""


class LodgingProblem(StrEnum):
    """Why something cannot be done; a page has words for each."""

    WAITING = "waiting"
    CLOSED = "closed"
    SEALED = "sealed"
    TOO_MANY = "too_many"
    SIGNED = "signed"
    NOT_EVERYBODY = "not_everybody"
    NO_PHOTOS = "no_photos"


class LodgingRefused(CentralError, ValueError):
    """This cannot be done with this house now."""

    def __init__(self, problem: LodgingProblem) -> None:
        super().__init__(f"not now: {problem}", next_step="ask the site's office")
        self.problem = problem


@dataclass(frozen=True, slots=True)
class House:
    """A house as of now; `risk` is normal again once `risk_until` has passed."""

    house_id: str
    site_id: str
    site_name: str
    site_name_en: str
    zone: ZoneInfo
    district: str
    sub_district: str
    address: str
    landlord_name: str
    landlord_phone: str
    rooms: int
    capacity: int
    door_token: str
    landlord_token: str
    created_at: datetime
    confirmed_at: datetime | None
    state: HouseState
    risk: Risk
    risk_since: datetime | None
    risk_until: datetime | None
    risk_reason: str
    last_check_at: datetime | None

    def today(self, now: datetime) -> date:
        """The calendar day there."""
        return now.astimezone(self.zone).date()


# --- Landlords and tenants ----------------------------------------------------------------------------------


def site_names(connection: Connection) -> dict[str, tuple[str, str]]:
    """Sites a landlord may name, zh and en; names of sites are no secret."""
    return {
        row.site_id: (row.name, row.name_en)
        for row in connection.execute(select(sites).order_by(sites.c.site_id))
    }


def register_house(connection: Connection, data: HouseData, *, address: str, now: datetime) -> str:
    """A house that waits for the site to confirm it; returns the landlord's own token.

    address  of the landlord's phone on the network, against floods

    Raises LodgingRefused: too many within the hour.
    """
    recent = houses.c.created_at > now - _HOUR
    from_there = select(func.count()).where(houses.c.created_from == address, recent)
    by_phone = select(func.count()).where(houses.c.landlord_phone == data.landlord_phone, recent)
    if (connection.scalar(from_there) or 0) >= HOUSES_PER_ADDRESS or (
        connection.scalar(by_phone) or 0
    ) >= HOUSES_PER_PHONE:
        raise LodgingRefused(LodgingProblem.TOO_MANY)
    house_id, landlord_token = uuid4().hex, _token()
    connection.execute(
        insert(houses).values(
            house_id=house_id,
            site_id=data.site_id,
            district=data.district,
            sub_district=data.sub_district,
            address=data.address,
            landlord_name=data.landlord_name,
            landlord_phone=data.landlord_phone,
            rooms=data.rooms,
            capacity=data.capacity,
            door_token=_token(),
            landlord_token=landlord_token,
            created_at=now,
            created_from=address,
        )
    )
    _note_public(connection, LANDLORD, Action.WROTE_HOUSE, house_id, data.site_id, address, now)
    return landlord_token


def of_landlord(connection: Connection, token: str, *, now: datetime) -> House:
    """The house of a landlord's token. Raises NotFound."""
    return _by_token(connection, houses.c.landlord_token, token, now)


def at_door(connection: Connection, token: str, *, now: datetime) -> House:
    """The house of the code on a door. Raises NotFound."""
    return _by_token(connection, houses.c.door_token, token, now)


def move_in(connection: Connection, token: str, data: TenantData, *, address: str, now: datetime) -> str:
    """A tenant registers by the code on the door; again, it only changes the room. Returns the stay's id.

    Raises NotFound, LodgingRefused (not confirmed, closed, sealed, too many), FieldsRefused: the worker's
    number is not known, or belongs to somebody with another name.
    """
    house = _locked(connection, houses.c.door_token == token, "by this code", now)
    _require_open(house)
    recent = select(func.count()).where(
        stays.c.house_id == house.house_id, stays.c.registered_at > now - _HOUR
    )
    if (connection.scalar(recent) or 0) >= TENANTS_PER_HOUSE:
        raise LodgingRefused(LodgingProblem.TOO_MANY)
    stay_id = put_stay(connection, house, data, by=TENANT, now=now)
    _note_public(connection, TENANT, Action.WROTE_STAY, house.house_id, house.site_id, address, now)
    return stay_id


def move_out(connection: Connection, token: str, data: LeavingData, *, address: str, now: datetime) -> str:
    """A tenant leaves. Returns the stay's id. Raises NotFound, LodgingRefused, FieldsRefused."""
    house = _locked(connection, houses.c.door_token == token, "by this code", now)
    _require_open(house)
    query = select(stays).where(
        stays.c.house_id == house.house_id,
        stays.c.until_day.is_(None),
        or_(stays.c.worker_id == data.known_by, stays.c.phone == (phone_of(data.known_by) or "-")),
    )
    for row in connection.execute(query):
        if same_name(row.name, data.name):
            if data.until_day < row.from_day:
                raise FieldsRefused({"until_day": Slip.OUT_OF_RANGE})
            _end(connection, row.stay_id, data.until_day, by=TENANT)
            _note_public(connection, TENANT, Action.WROTE_STAY, house.house_id, house.site_id, address, now)
            return str(row.stay_id)
    raise FieldsRefused({"known_by": Slip.NOT_FOUND})


def count_tenants(connection: Connection, house_id: str) -> int:
    """How many live there now."""
    query = select(func.count()).where(stays.c.house_id == house_id, stays.c.until_day.is_(None))
    return connection.scalar(query) or 0


# --- The site's people --------------------------------------------------------------------------------------


def visible(connection: Connection, viewer: Viewer, house_id: str, *, now: datetime) -> House:
    """Raises NotFound, also for a house of another site."""
    row = connection.execute(house_query().where(houses.c.house_id == house_id)).first()
    if row is None or not viewer.sees(row.site_id):
        raise no_such("house", house_id)
    return house_of(row, now)


def confirm(connection: Connection, viewer: Viewer, house_id: str, *, now: datetime) -> None:
    """The site has looked at what the landlord said: tenants may register now. Again, it changes nothing."""
    house = _managed(connection, viewer, house_id, now)
    if house.state is HouseState.CLOSED:
        raise LodgingRefused(LodgingProblem.CLOSED)
    if house.state is HouseState.WAITING:
        _change(connection, viewer, house, now, "confirmed", confirmed_at=now, confirmed_by=viewer.user_id)


def close(connection: Connection, viewer: Viewer, house_id: str, *, now: datetime) -> None:
    """Nobody lives there any more: open stays end today, the code on the door leads nowhere."""
    house = _managed(connection, viewer, house_id, now)
    if house.state is HouseState.CLOSED:
        return
    for tenant in tenants(connection, [house_id]):
        _end(connection, tenant.stay_id, house.today(now), by=viewer.user_id)
    _change(connection, viewer, house, now, "closed", closed_at=now, closed_by=viewer.user_id)


def renew_code(connection: Connection, viewer: Viewer, house_id: str, *, now: datetime) -> str:
    """A new code for the door; the old one leads nowhere from now on."""
    house = _managed(connection, viewer, house_id, now)
    token = _token()
    _change(connection, viewer, house, now, "code renewed", door_token=token)
    return token


def set_risk(
    connection: Connection,
    viewer: Viewer,
    house_id: str,
    risk: Risk,
    *,
    reason: str,
    until: datetime | None,
    now: datetime,
) -> None:
    """Watch or seal a house, or end that; kept in its history. Raises SettingRefused without a reason."""
    house = _managed(connection, viewer, house_id, now)
    if not reason.strip():
        raise SettingRefused("a change of the risk needs a reason", next_step="say why")
    if until is not None and until <= now:
        raise SettingRefused("the end lies in the past", next_step="give a later day, or none")
    connection.execute(
        insert(house_risks).values(
            change_id=uuid4().hex,
            house_id=house_id,
            risk=risk.value,
            until=until,
            reason=reason.strip(),
            set_at=now,
            set_by=viewer.user_id,
        )
    )
    _change(
        connection,
        viewer,
        house,
        now,
        f"risk {risk}",
        risk=risk.value,
        risk_since=now,
        risk_until=until,
        risk_reason=reason.strip(),
    )


def end_stay(connection: Connection, viewer: Viewer, stay_id: str, *, now: datetime) -> None:
    """Somebody has moved out, as the site knows: until today. Again, it changes nothing."""
    row = connection.execute(select(stays).where(stays.c.stay_id == stay_id)).first()
    if row is None:
        raise no_such("stay", stay_id)
    house = _managed(connection, viewer, row.house_id, now)
    if row.until_day is None:
        _end(connection, stay_id, max(row.from_day, house.today(now)), by=viewer.user_id)
        audit.note_by(
            connection,
            viewer,
            Action.WROTE_STAY,
            at=now,
            site_id=house.site_id,
            subject=f"house:{house.house_id}",
            detail={"stay": stay_id, "did": "moved out"},
        )


# --- Shared with the checks ---------------------------------------------------------------------------------


def put_stay(connection: Connection, house: House, data: TenantData, *, by: str, now: datetime) -> str:
    """A stay from now on, or the one that this person has there already, with the room as said now.

    Raises FieldsRefused: a worker's number that is not known or belongs to somebody else.
    """
    worker_id = _worker_of(connection, data, house.site_id)
    key = person_key(worker_id, data.name, data.phone)
    for tenant in tenants(connection, [house.house_id]):
        if tenant.key == key:
            connection.execute(update(stays).where(stays.c.stay_id == tenant.stay_id).values(room=data.room))
            return tenant.stay_id
    stay_id = uuid4().hex
    connection.execute(
        insert(stays).values(
            stay_id=stay_id,
            house_id=house.house_id,
            room=data.room,
            worker_id=worker_id or None,
            name=data.name,
            phone=data.phone,
            from_day=data.from_day,
            registered_at=now,
            registered_by=by,
        )
    )
    return stay_id


def tenants(connection: Connection, house_ids: list[str]) -> list[Tenant]:
    """Who lives in these houses now, by room and name."""
    return find_tenants(connection, stays.c.house_id.in_(house_ids))


def find_tenants(connection: Connection, clause: ColumnElement[bool]) -> list[Tenant]:
    """Open stays that fit, by room and name."""
    query = select(stays).where(stays.c.until_day.is_(None), clause)
    return [
        Tenant(row.stay_id, row.house_id, row.room, row.name, row.worker_id or "", row.phone, row.from_day)
        for row in connection.execute(query.order_by(stays.c.room, stays.c.name, stays.c.stay_id))
    ]


def same_name(one: str, other: str) -> bool:
    """Whatever the width of letters, case, and spaces between them."""
    return _bare(one) == _bare(other)


def house_of(row: Row[Any], now: datetime) -> House:
    """A row of `house_query`."""
    risk = risk_at(Risk(row.risk), row.risk_until, now)
    return House(
        row.house_id,
        row.site_id,
        row.site_name,
        row.site_name_en,
        ZoneInfo(row.timezone),
        row.district,
        row.sub_district,
        row.address,
        row.landlord_name,
        row.landlord_phone,
        row.rooms,
        row.capacity,
        row.door_token,
        row.landlord_token,
        row.created_at,
        row.confirmed_at,
        state_of(row.confirmed_at, row.closed_at),
        risk,
        row.risk_since if risk is not Risk.NORMAL else None,
        row.risk_until if risk is not Risk.NORMAL else None,
        row.risk_reason if risk is not Risk.NORMAL else "",
        row.last_check_at,
    )


def house_query() -> Select[Any]:
    """Houses with the names and the zone of their site."""
    return select(
        houses, sites.c.name.label("site_name"), sites.c.name_en.label("site_name_en"), sites.c.timezone
    ).join(sites, sites.c.site_id == houses.c.site_id)


# --- Inside -------------------------------------------------------------------------------------------------


def _by_token(connection: Connection, column: ColumnElement[str], token: str, now: datetime) -> House:
    row = connection.execute(house_query().where(column == token)).first()
    if row is None:
        raise no_such("house", "by this code")
    return house_of(row, now)


def _locked(connection: Connection, clause: ColumnElement[bool], name: str, now: datetime) -> House:
    """Changes to one house wait for each other, so that nobody is entered twice."""
    row = connection.execute(house_query().where(clause).with_for_update(of=houses)).first()
    if row is None:
        raise no_such("house", name)
    return house_of(row, now)


def _managed(connection: Connection, viewer: Viewer, house_id: str, now: datetime) -> House:
    viewer.require(Right.MANAGE_LODGING)
    house = _locked(connection, houses.c.house_id == house_id, house_id, now)
    if not viewer.sees(house.site_id):
        raise no_such("house", house_id)
    return house


def _require_open(house: House) -> None:
    if house.state is not HouseState.OPEN:
        raise LodgingRefused(LodgingProblem(house.state.value))
    if house.risk is Risk.SEALED:
        raise LodgingRefused(LodgingProblem.SEALED)


def _worker_of(connection: Connection, data: TenantData, site_id: str) -> str:
    """The worker this is; without a number the one of this site with that phone and that name, if any."""
    query = select(workers.c.worker_id, workers.c.name).where(workers.c.status != WorkerStatus.LEFT.value)
    if data.worker_id:
        row = connection.execute(query.where(workers.c.worker_id == data.worker_id)).first()
        if row is None or not same_name(row.name, data.name):
            raise FieldsRefused({"worker_id": Slip.UNKNOWN_WORKER})
        return str(row.worker_id)
    here = and_(worker_sites.c.worker_id == workers.c.worker_id, worker_sites.c.site_id == site_id)
    for row in connection.execute(query.join(worker_sites, here).where(workers.c.phone == data.phone)):
        if data.phone and same_name(row.name, data.name):
            return str(row.worker_id)
    return ""


def _end(connection: Connection, stay_id: str, day: date, *, by: str) -> None:
    connection.execute(update(stays).where(stays.c.stay_id == stay_id).values(until_day=day, ended_by=by))


def _change(
    connection: Connection, viewer: Viewer, house: House, now: datetime, did: str, **values: object
) -> None:
    connection.execute(update(houses).where(houses.c.house_id == house.house_id).values(**values))
    audit.note_by(
        connection,
        viewer,
        Action.WROTE_HOUSE,
        at=now,
        site_id=house.site_id,
        subject=f"house:{house.house_id}",
        detail={"did": did},
    )


def _note_public(
    connection: Connection, who: str, action: Action, house_id: str, site_id: str, address: str, now: datetime
) -> None:
    audit.note(
        connection,
        at=now,
        actor=who,
        action=action,
        site_id=site_id,
        subject=f"house:{house_id}",
        detail={"via": "phone", "address": address},
    )


def _bare(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def _token() -> str:
    return secrets.token_urlsafe(_TOKEN_BYTES)
