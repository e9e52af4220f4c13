"""What the rules of a site ask beyond face and roster: the lanes' thermometers, and what this gate recorded.

Only what a rule in force asks for is looked up; the readings are taken by threads of their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from gate.clock import Clock
from gate.policy_facts import Measured, Passed, Reading, Screened
from gate.reasons import Reason
from gate.settings import LaneSettings, PolicySettings, Settings
from gate.thermometer import Thermometer, open_thermometer
from sync.records import Direction, Event, Outcome, Passage, Worker
from sync.store import LocalStore

LOOKED_BACK_AT_LEAST = timedelta(hours=72)
"""Somebody who stayed in far beyond a shift is seen to have come in."""
MOST_RECORDS = 200

_OF_RECORDS = frozenset({"temperature", "daily_clearance", "capacity", "anti_passback", "rest_time"})
_NOTED = re.compile(r"temperature (\d+\.\d) °C")
_HOT = frozenset({Reason.TEMPERATURE_HIGH.value, Reason.TEMPERATURE_HIGH_AGAIN.value})
_UNDECLARED_ALONE = (Reason.DAILY_DECLARATION_MISSING.value,)


class Screening:
    """Owns the thermometers of one gate; safe to call from several lanes."""

    def __init__(self, settings: Settings, store: LocalStore, clock: Clock) -> None:
        self._policy = settings.policy
        self._store = store
        self._clock = clock
        wired = {lane.id: open_thermometer(lane.thermometer, clock) for lane in settings.lanes}
        self.thermometers: dict[str, Thermometer] = {
            lane_id: thermometer for lane_id, thermometer in wired.items() if thermometer is not None
        }

    def start(self) -> None:
        for thermometer in self.thermometers.values():
            thermometer.start()

    def stop(self) -> None:
        for thermometer in self.thermometers.values():
            thermometer.stop()

    def problem(self, lane_id: str) -> str:
        """What is wrong with the lane's thermometer, in words for the operator; empty where it works."""
        thermometer = self.thermometers.get(lane_id)
        return "" if thermometer is None else thermometer.problem

    def look(
        self, lane: LaneSettings, worker: Worker | None, *, since_s: float | None, until_s: float | None
    ) -> Screened:
        """What the rules of the lane's direction ask about this worker.

        since_s, until_s  monotonic seconds in which the worker stood there; None: just now

        Raises StoreError where the records cannot be read.
        """
        # Also of a stranger, though no rule asks: it must not count for the next in the queue.
        measured = self._measured(lane, since_s, until_s)
        if worker is None:
            return Screened()
        screened = recorded(self._store, self._policy, lane.direction, worker.worker_id, self._clock.now())
        return replace(screened, measured=measured)

    def _measured(self, lane: LaneSettings, since_s: float | None, until_s: float | None) -> Measured | None:
        """None where no rule asks for a temperature."""
        if not self._policy.asks("temperature", lane.direction):
            return None
        thermometer = self.thermometers.get(lane.id)
        if thermometer is None:
            return Measured(None, "no thermometer here")
        now_s = self._clock.monotonic()
        return thermometer.measured(since_s or now_s, until_s or now_s)


def recorded(
    store: LocalStore,
    policy: PolicySettings,
    direction: Direction,
    worker_id: str,
    now: datetime,
    *,
    until: datetime | None = None,
) -> Screened:
    """What the store knows that the rules of this direction ask about. Raises StoreError.

    until  the worker's records before this time; None: all, also those that a clock set back put after `now`
    """
    rules = policy.rules_for(direction)
    stay = timedelta(hours=policy.capacity.longest_stay_h)
    events: list[Event] = []
    if _OF_RECORDS.intersection(rules):
        since = now - _looked_back(policy)
        found = store.events(worker_id=worker_id, since=since, until=until, limit=MOST_RECORDS)
        events = sorted(found, key=lambda event: event.occurred_at)
    person = store.person(worker_id) if "age" in rules else None
    return Screened(
        passages=tuple(Passed(one.direction, one.occurred_at) for one in events if _passed(one)),
        hot_at=too_hot(events),
        readings=readings(events),
        inside=store.people_inside(now - stay, now) if "capacity" in rules else None,
        born_on=None if person is None else person.birth_date,
    )


def _looked_back(policy: PolicySettings) -> timedelta:
    """As far as the settings of any rule reach."""
    rest = policy.rest_time
    reach_h = (
        policy.anti_passback.within_h,
        policy.capacity.longest_stay_h,
        rest.longest_shift_h + rest.min_rest_h,
    )
    return max(LOOKED_BACK_AT_LEAST, timedelta(hours=max(reach_h)))


def _passed(event: Event) -> bool:
    return event.outcome is Outcome.ALLOW and event.passage is not Passage.NOT_PASSED


def too_hot(events: Sequence[Event]) -> tuple[datetime, ...]:
    """When the worker was refused as too hot, since they were last let in; events oldest first."""
    hot: list[datetime] = []
    for event in events:
        if event.outcome is Outcome.ALLOW and event.direction is Direction.IN:
            hot.clear()
        elif _HOT.intersection(event.reasons):
            hot.append(event.occurred_at)
    return tuple(hot)


def readings(events: Sequence[Event]) -> tuple[Reading, ...]:
    """The temperatures of a worker who was let in, or lacked the declaration alone; events oldest first.

    Of other refusals none counts: perhaps somebody else stood there with the worker's picture or pass. Nor
    does one of an untrusted clock: nobody knows on which day that was.
    """
    found = []
    for event in events:
        is_them = event.outcome is Outcome.ALLOW or event.reasons == _UNDECLARED_ALONE
        if is_them and event.direction is Direction.IN and event.clock_trusted:
            celsius = noted_temperature(event.note)
            found += [] if celsius is None else [Reading(celsius, event.occurred_at)]
    return tuple(found)


def temperature_note(celsius: float) -> str:
    """What a record says of a temperature; `noted_temperature` reads it."""
    return f"temperature {celsius:.1f} °C"


def noted_temperature(note: str) -> float | None:
    """The temperature in a note of the gate, in °C; None: it names none."""
    found = next(filter(None, map(_NOTED.fullmatch, note.split("; "))), None)
    return None if found is None else float(found[1])
