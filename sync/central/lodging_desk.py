"""Houses as the console shows them: within the viewer's sites, with an audit line for each look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, or_, select, tuple_

from sync.central import audit, lodging
from sync.central.access_log import require_plain
from sync.central.accounts_access import Right, Viewer, in_scope
from sync.central.audit import Action
from sync.central.database import Database
from sync.central.door_checks import open_check
from sync.central.lodging import House
from sync.central.lodging_rules import (
    HouseState,
    LodgingSettings,
    Risk,
    Tenant,
    check_due_at,
    in_two_houses,
    people_by_room,
)
from sync.central.statements import chunks
from sync.central.tables_lodging import check_entries, checks, house_risks, houses, stays

PAGE_ROWS = 50
_HISTORY_ROWS = 50


@dataclass(frozen=True, slots=True)
class HouseFilter:
    """What to show; empty means any. `text` is a part of address, sub-district, or landlord.

    due, over, twice  only houses whose check is due, that are too full, where somebody lives elsewhere too
    """

    text: str = ""
    site_id: str = ""
    risk: Risk | None = None
    state: HouseState | None = None
    due: bool = False
    over: bool = False
    twice: bool = False

    def __post_init__(self) -> None:
        """Raises SettingRefused for text that no name holds."""
        require_plain(self.text)
        require_plain(self.site_id)


@dataclass(frozen=True, slots=True)
class HouseRow:
    """One line of the list. `due_at` None: no check is wanted (not confirmed, or closed)."""

    house: House
    people: int
    rooms_used: int
    due_at: datetime | None
    is_due: bool
    twice: tuple[str, ...]

    @property
    def is_over(self) -> bool:
        return self.people > self.house.capacity


@dataclass(frozen=True, slots=True)
class HousePage:
    """`next_after` leads on; empty at the end."""

    rows: tuple[HouseRow, ...]
    next_after: str


@dataclass(frozen=True, slots=True)
class PastCheck:
    """A line of a house's history; counts of people."""

    check_id: str
    started_at: datetime
    signed_at: datetime | None
    team: tuple[str, str, str]
    met: int
    not_met: int
    unregistered: int
    highest_c: float | None


@dataclass(frozen=True, slots=True)
class RiskChange:
    """A line of a house's history."""

    risk: Risk
    reason: str
    until: datetime | None
    set_at: datetime
    set_by: str


@dataclass(frozen=True, slots=True)
class HouseFacts:
    """Everything about one house. `elsewhere` says for a person's key which other addresses are known."""

    row: HouseRow
    tenants: tuple[Tenant, ...]
    rooms: dict[str, int]
    elsewhere: dict[str, tuple[str, ...]]
    checks: tuple[PastCheck, ...]
    risks: tuple[RiskChange, ...]
    open_check: str


class LodgingDesk:
    """Reads; what changes a house is in `lodging` and `door_checks`."""

    def __init__(self, database: Database, *, now: Callable[[], datetime], settings: LodgingSettings) -> None:
        self._database = database
        self._now = now
        self.settings = settings

    def page(
        self, viewer: Viewer, wanted: HouseFilter, *, after: str = "", rows: int = PAGE_ROWS
    ) -> HousePage:
        """Houses in the order of their ids, after `after`. Raises NotAllowed."""
        viewer.require(Right.MANAGE_LODGING)
        require_plain(after)
        now = self._now()
        self._note(viewer, Action.LOOKED_AT_HOUSES, now, wanted)
        with self._database.read() as connection:
            found = connection.execute(self._query(viewer, wanted, now, after).limit(rows + 1)).all()
            lines = self._rows(connection, [lodging.house_of(row, now) for row in found[:rows]], now)
        return HousePage(tuple(lines), lines[-1].house.house_id if len(found) > rows else "")

    def due(self, viewer: Viewer) -> list[HouseRow]:
        """Houses whose check is due, those at risk first. Raises NotAllowed."""
        viewer.require(Right.CHECK_HOUSES)
        now, wanted = self._now(), HouseFilter(due=True)
        self._note(viewer, Action.LOOKED_AT_HOUSES, now, wanted)
        with self._database.read() as connection:
            found = connection.execute(self._query(viewer, wanted, now, "").limit(PAGE_ROWS)).all()
            rows = self._rows(connection, [lodging.house_of(row, now) for row in found], now)
        by_risk = {risk: place for place, risk in enumerate(reversed(Risk))}
        return sorted(rows, key=lambda row: (by_risk[row.house.risk], row.due_at or now))

    def export(self, viewer: Viewer, wanted: HouseFilter) -> Iterator[HouseRow]:
        """Everything that fits, a piece at a time. Raises NotAllowed."""
        viewer.require(Right.MANAGE_LODGING)
        now = self._now()
        self._note(viewer, Action.EXPORTED_HOUSES, now, wanted)
        return self._pieces(viewer, wanted, now)

    def one(self, viewer: Viewer, house_id: str) -> HouseFacts:
        """Raises NotAllowed, NotFound."""
        viewer.require(Right.CHECK_HOUSES)
        now = self._now()
        audit.note_look(
            self._database, viewer, Action.LOOKED_AT_HOUSE, at=now, subject=f"house:{house_id[:64]}"
        )
        with self._database.read() as connection:
            house = lodging.visible(connection, viewer, house_id, now=now)
            (row,) = self._rows(connection, [house], now)
            tenants = lodging.tenants(connection, [house_id])
            return HouseFacts(
                row,
                tuple(tenants),
                people_by_room(tenants),
                self._elsewhere(connection, viewer, house_id, tenants, now),
                _past_checks(connection, house_id),
                _risks(connection, house_id),
                open_check(connection, house, now=now),
            )

    # -- inside ------------------------------------------------------------------------------------------

    def _note(self, viewer: Viewer, action: Action, now: datetime, wanted: HouseFilter) -> None:
        asked = {
            "text": wanted.text,
            "risk": wanted.risk or "",
            "state": wanted.state or "",
            "due": "yes" if wanted.due else "",
            "over": "yes" if wanted.over else "",
            "twice": "yes" if wanted.twice else "",
        }
        audit.note_look(
            self._database,
            viewer,
            action,
            at=now,
            site_id=wanted.site_id[:64],
            detail={"filter": {name: str(value) for name, value in asked.items() if value}},
        )

    def _pieces(self, viewer: Viewer, wanted: HouseFilter, now: datetime) -> Iterator[HouseRow]:
        after = ""
        while True:
            with self._database.read() as connection:
                found = connection.execute(self._query(viewer, wanted, now, after).limit(PAGE_ROWS)).all()
                rows = self._rows(connection, [lodging.house_of(row, now) for row in found], now)
            if not rows:
                return
            yield from rows
            after = rows[-1].house.house_id

    def _query(self, viewer: Viewer, wanted: HouseFilter, now: datetime, after: str) -> Select[Any]:
        query = lodging.house_query().where(in_scope(viewer, houses.c.site_id), houses.c.house_id > after)
        if wanted.site_id:
            query = query.where(houses.c.site_id == wanted.site_id)
        if part := wanted.text.strip():
            columns = (
                houses.c.address,
                houses.c.sub_district,
                houses.c.district,
                houses.c.landlord_name,
                houses.c.landlord_phone,
            )
            query = query.where(or_(*(column.icontains(part, autoescape=True) for column in columns)))
        if wanted.risk is not None:
            query = query.where(_risk_now(now) == wanted.risk.value)
        if wanted.state is not None:
            query = query.where(_STATES[wanted.state])
        if wanted.due:
            query = query.where(_STATES[HouseState.OPEN], self._is_due(now))
        if wanted.over:
            people = (
                select(func.count())
                .where(stays.c.house_id == houses.c.house_id, stays.c.until_day.is_(None))
                .scalar_subquery()
            )
            query = query.where(people > houses.c.capacity)
        if wanted.twice:
            query = query.where(houses.c.house_id.in_(_houses_of_doubles()))
        return query.order_by(houses.c.house_id)

    def _is_due(self, now: datetime) -> ColumnElement[bool]:
        """The same as `check_due_at` says, for the database."""
        return or_(
            houses.c.last_check_at.is_(None),
            *(
                and_(_risk_now(now) == risk.value, houses.c.last_check_at <= now - timedelta(days=days))
                for risk, days in self.settings.check_every_days.items()
            ),
        )

    def _rows(self, connection: Connection, found: Sequence[House], now: datetime) -> list[HouseRow]:
        tenants = lodging.tenants(connection, [house.house_id for house in found])
        doubles = in_two_houses([*tenants, *_same_people(connection, tenants)])
        rows = []
        for house in found:
            here = [tenant for tenant in tenants if tenant.house_id == house.house_id]
            due_at = None
            if house.state is HouseState.OPEN and house.confirmed_at is not None:
                due_at = check_due_at(
                    self.settings,
                    house.risk,
                    confirmed_at=house.confirmed_at,
                    last_check_at=house.last_check_at,
                )
            twice = tuple(tenant.name for tenant in here if tenant.key in doubles)
            rows.append(
                HouseRow(
                    house,
                    len(here),
                    len(people_by_room(here)),
                    due_at,
                    due_at is not None and due_at <= now,
                    twice,
                )
            )
        return rows

    def _elsewhere(
        self,
        connection: Connection,
        viewer: Viewer,
        house_id: str,
        tenants: Sequence[Tenant],
        now: datetime,
    ) -> dict[str, tuple[str, ...]]:
        mine = {tenant.key for tenant in tenants}
        others = [
            one for one in _same_people(connection, tenants) if one.house_id != house_id and one.key in mine
        ]
        query = lodging.house_query().where(houses.c.house_id.in_({one.house_id for one in others}))
        where = {row.house_id: lodging.house_of(row, now) for row in connection.execute(query)}
        found: dict[str, list[str]] = {}
        for one in others:
            house = where[one.house_id]
            # Of a site that is not the viewer's only the fact is told.
            found.setdefault(one.key, []).append(house.address if viewer.sees(house.site_id) else "")
        return {key: tuple(addresses) for key, addresses in found.items()}


_STATES = {
    HouseState.WAITING: and_(houses.c.confirmed_at.is_(None), houses.c.closed_at.is_(None)),
    HouseState.OPEN: and_(houses.c.confirmed_at.is_not(None), houses.c.closed_at.is_(None)),
    HouseState.CLOSED: houses.c.closed_at.is_not(None),
}


def _risk_now(now: datetime) -> ColumnElement[str]:
    """The same as `risk_at` says, for the database."""
    return case((houses.c.risk_until <= now, Risk.NORMAL.value), else_=houses.c.risk)


def _houses_of_doubles() -> Select[Any]:
    """Houses in which somebody lives who lives elsewhere too."""
    at_home = stays.c.until_day.is_(None)
    several = func.count(stays.c.house_id.distinct()) > 1
    by_number = select(stays.c.worker_id).where(at_home, stays.c.worker_id.is_not(None))
    nameless = and_(at_home, stays.c.worker_id.is_(None))
    by_phone = select(stays.c.name, stays.c.phone).where(nameless)
    return select(stays.c.house_id).where(
        at_home,
        or_(
            stays.c.worker_id.in_(by_number.group_by(stays.c.worker_id).having(several)),
            and_(
                stays.c.worker_id.is_(None),
                tuple_(stays.c.name, stays.c.phone).in_(
                    by_phone.group_by(stays.c.name, stays.c.phone).having(several)
                ),
            ),
        ),
    )


def _same_people(connection: Connection, tenants: Sequence[Tenant]) -> list[Tenant]:
    """Open stays of these people, wherever they are."""
    found: list[Tenant] = []
    for some in chunks([one.worker_id for one in tenants if one.worker_id]):
        found += lodging.find_tenants(connection, stays.c.worker_id.in_(some))
    for some in chunks([one.phone for one in tenants if one.phone and not one.worker_id]):
        found += lodging.find_tenants(connection, and_(stays.c.worker_id.is_(None), stays.c.phone.in_(some)))
    return found


def _past_checks(connection: Connection, house_id: str) -> tuple[PastCheck, ...]:
    entries = check_entries.c

    def count(clause: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((clause, 1), else_=0)), 0)

    query = (
        select(
            checks,
            count(entries.met).label("met"),
            count(entries.met.is_(False)).label("not_met"),
            count(entries.registered.is_(False)).label("unregistered"),
            func.max(entries.temperature_c).label("highest_c"),
        )
        .outerjoin(check_entries, entries.check_id == checks.c.check_id)
        .where(checks.c.house_id == house_id)
        .group_by(checks.c.check_id)
        .order_by(checks.c.started_at.desc())
        .limit(_HISTORY_ROWS)
    )
    return tuple(
        PastCheck(
            row.check_id,
            row.started_at,
            row.signed_at,
            (row.police_name, row.medic_name, row.official_name),
            int(row.met),
            int(row.not_met),
            int(row.unregistered),
            row.highest_c,
        )
        for row in connection.execute(query)
    )


def _risks(connection: Connection, house_id: str) -> tuple[RiskChange, ...]:
    query = (
        select(house_risks)
        .where(house_risks.c.house_id == house_id)
        .order_by(house_risks.c.set_at.desc())
        .limit(_HISTORY_ROWS)
    )
    return tuple(
        RiskChange(Risk(row.risk), row.reason, row.until, row.set_at, row.set_by)
        for row in connection.execute(query)
    )
