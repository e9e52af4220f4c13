"""What is true of a house on a given day: its risk, whether a check is due, how full it is. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType


class Risk(StrEnum):
    """How a house is looked after. `sealed`: nobody moves in or out of it without the officials."""

    NORMAL = "normal"
    WATCHED = "watched"
    SEALED = "sealed"


class HouseState(StrEnum):
    """`waiting` for the site to confirm what the landlord said."""

    WAITING = "waiting"
    OPEN = "open"
    CLOSED = "closed"


_CHECK_EVERY_DAYS = MappingProxyType({Risk.NORMAL: 14, Risk.WATCHED: 3, Risk.SEALED: 1})


@dataclass(frozen=True, slots=True)
class LodgingSettings:
    """How lodging and return transport are handled here.

    check_every_days  between two door-to-door checks of a house, by its risk
    photos_kept_days  of people met at a door; 0: photos are not taken at all
    photo_max_px      longer side of a kept photo
    fever_c           from this body temperature on a rider is held
    """

    check_every_days: Mapping[Risk, int] = field(default_factory=lambda: _CHECK_EVERY_DAYS)
    photos_kept_days: int = 0
    photo_max_px: int = 1024
    fever_c: float = 37.3


@dataclass(frozen=True, slots=True)
class Tenant:
    """Somebody who lives in a house; `key` says who it is, see `person_key`."""

    stay_id: str
    house_id: str
    room: str
    name: str
    worker_id: str
    phone: str
    from_day: date

    @property
    def key(self) -> str:
        return person_key(self.worker_id, self.name, self.phone)


def person_key(worker_id: str, name: str, phone: str) -> str:
    """The worker's number; without one, name and phone together, for a phone may be shared."""
    return f"worker:{worker_id}" if worker_id else f"person:{name}:{phone}"


def state_of(confirmed_at: datetime | None, closed_at: datetime | None) -> HouseState:
    if closed_at is not None:
        return HouseState.CLOSED
    return HouseState.WAITING if confirmed_at is None else HouseState.OPEN


def risk_at(risk: Risk, until: datetime | None, now: datetime) -> Risk:
    """A risk with an end is over at that moment by itself."""
    return risk if until is None or now < until else Risk.NORMAL


def check_due_at(
    settings: LodgingSettings, risk: Risk, *, confirmed_at: datetime, last_check_at: datetime | None
) -> datetime:
    """When the next check is due; a house that was never checked is due as soon as it is confirmed."""
    if last_check_at is None:
        return confirmed_at
    return last_check_at + timedelta(days=settings.check_every_days[risk])


def people_by_room(tenants: Iterable[Tenant]) -> dict[str, int]:
    """How many live in each room, in the order of the rooms' names."""
    return dict(sorted(Counter(tenant.room for tenant in tenants).items()))


def in_two_houses(tenants: Iterable[Tenant]) -> frozenset[str]:
    """Keys of people who, among these, live in more than one house."""
    houses: dict[str, set[str]] = {}
    for tenant in tenants:
        houses.setdefault(tenant.key, set()).add(tenant.house_id)
    return frozenset(key for key, where in houses.items() if len(where) > 1)
