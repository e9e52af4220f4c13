"""The rules applied: who met the case, by which rule, with the facts. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TypeVar

from sync.tracing.rules import Rule, SameGate, SameTeam, SharedLodging, SharedTrip, TracingRules
from sync.tracing.traces import Passing, Stay, Traces, Trip

Value = str | int | bool | None
T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Meeting:
    """One fact for a reason. `day`: the last day on which they met; `detail`: JSON (docs/tracing.md).

    certain  False: something that decides was not known (a seat, the clock of a gate)
    """

    day: date
    detail: Mapping[str, Value] = field(hash=False)
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Reason:
    """Why somebody is a contact: one rule, with every meeting, the latest first."""

    person: str
    rule_id: str
    meetings: tuple[Meeting, ...]

    @property
    def certain(self) -> bool:
        return any(meeting.certain for meeting in self.meetings)

    @property
    def last_day(self) -> date:
        return self.meetings[0].day


def contacts(
    person: str, case: Traces, others: Traces, rules: TracingRules, window: tuple[date, date]
) -> list[Reason]:
    """Everybody among `others` who met `person` within the window (both days included).

    case    the traces of that person
    others  of everybody else; rows of the person itself are passed over
    Returns one reason per person and rule, in the order of persons, then of the rules.
    """
    order = {rule.rule_id: place for place, rule in enumerate(rules.rules)}
    found: dict[tuple[str, str], list[Meeting]] = defaultdict(list)
    for rule in rules.rules:
        for other, meeting in _meetings(rule, case, others, window):
            if other != person and meeting not in found[other, rule.rule_id]:
                found[other, rule.rule_id].append(meeting)
    reasons = [
        Reason(other, rule_id, tuple(sorted(met, key=lambda one: (one.day, str(one.detail)), reverse=True)))
        for (other, rule_id), met in found.items()
        if met
    ]
    return sorted(reasons, key=lambda one: (one.person, order[one.rule_id]))


def _meetings(
    rule: Rule, case: Traces, others: Traces, window: tuple[date, date]
) -> Iterator[tuple[str, Meeting]]:
    match rule:
        case SharedTrip():
            yield from _trips(rule, case.trips, others.trips, window)
        case SharedLodging():
            yield from _lodging(rule, case.stays, others.stays, window)
        case SameTeam():
            yield from _teams(case, others, window)
        case SameGate():
            yield from _gates(rule, case.passings, others.passings, window)


def _trips(
    rule: SharedTrip, own: Iterable[Trip], others: Iterable[Trip], window: tuple[date, date]
) -> Iterator[tuple[str, Meeting]]:
    mine = _by(
        (trip for trip in own if trip.kind == rule.vehicle and trip.number and _within(trip.day, window)),
        lambda trip: trip.vehicle,
    )
    for other in others:
        for trip in mine.get(other.vehicle, ()):
            apart = None if trip.row is None or other.row is None else abs(trip.row - other.row)
            carriages = (trip.carriage_number, other.carriage_number)
            if rule.rows is not None and apart is not None and apart > rule.rows:
                continue
            if rule.same_carriage and all(carriages) and carriages[0] != carriages[1]:
                continue
            certain = (rule.rows is None or apart is not None) and (not rule.same_carriage or all(carriages))
            detail: dict[str, Value] = {
                "what": "trip",
                "kind": other.kind,
                "number": other.number,
                "carriage": other.carriage,
                "seat": other.seat,
                "case_carriage": trip.carriage,
                "case_seat": trip.seat,
                "rows_apart": apart,
            }
            yield other.person, Meeting(other.day, detail, certain)


def _lodging(
    rule: SharedLodging, own: Iterable[Stay], others: Iterable[Stay], window: tuple[date, date]
) -> Iterator[tuple[str, Meeting]]:
    mine = _by(own, lambda stay: stay.place)
    for other in others:
        for stay in mine.get(other.place, ()):
            first = max(stay.from_day, other.from_day, window[0])
            last = min(stay.until_day, other.until_day, window[1])
            rooms = (stay.room.strip(), other.room.strip())
            if first > last or (rule.same_room and all(rooms) and rooms[0] != rooms[1]):
                continue
            detail: dict[str, Value] = {
                "what": "stay",
                "place": other.label,
                "room": other.room,
                "same_room": all(rooms) and rooms[0] == rooms[1],
                "from_day": first.isoformat(),
            }
            yield other.person, Meeting(last, detail, not rule.same_room or all(rooms))


def _teams(case: Traces, others: Traces, window: tuple[date, date]) -> Iterator[tuple[str, Meeting]]:
    mine = {one.crew for one in case.work_days if one.team and _within(one.day, window)}
    for other in others.work_days:
        if other.crew in mine:
            detail: dict[str, Value] = {
                "what": "team",
                "site_id": other.site_id,
                "employer": other.employer,
                "team": other.team,
            }
            yield other.person, Meeting(other.day, detail)


def _gates(
    rule: SameGate, own: Iterable[Passing], others: Iterable[Passing], window: tuple[date, date]
) -> Iterator[tuple[str, Meeting]]:
    mine = _by(
        (one for one in own if _within(one.day, window)), lambda passing: (passing.site_id, passing.gate_id)
    )
    for passings in mine.values():
        passings.sort(key=lambda one: one.at)
    times = {gate: [one.at for one in passings] for gate, passings in mine.items()}
    reach = timedelta(seconds=rule.within_s)
    for other in others:
        gate = (other.site_id, other.gate_id)
        if gate not in times:
            continue
        first = bisect_left(times[gate], other.at - reach)
        last = bisect_right(times[gate], other.at + reach)
        near = mine[gate][first:last]
        if near:
            closest = min(near, key=lambda one: abs(one.at - other.at))
            detail: dict[str, Value] = {
                "what": "gate",
                "site_id": other.site_id,
                "gate_id": other.gate_id,
                "at": other.at.isoformat(timespec="seconds"),
                "apart_s": round(abs(closest.at - other.at).total_seconds()),
            }
            yield other.person, Meeting(closest.day, detail, closest.trusted and other.trusted)


def _within(day: date, window: tuple[date, date]) -> bool:
    return window[0] <= day <= window[1]


def _by(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    found: dict[K, list[T]] = defaultdict(list)
    for item in items:
        found[key(item)].append(item)
    return found
