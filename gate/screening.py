"""What the rules of a site ask beyond face and roster: the lanes' thermometers, and what this gate recorded.

Only what a rule in force asks for is looked up; the readings are taken by threads of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from gate.clock import Clock
from gate.policy_facts import Measured, Passed, Screened
from gate.reasons import Reason
from gate.settings import LaneSettings, Settings
from gate.thermometer import Thermometer, open_thermometer
from sync.records import Direction, Event, Outcome, Passage, Worker
from sync.store import LocalStore

RECORDS_LOOKED_AT = timedelta(hours=72)
"""Longer than any shift with the rest before it."""
MOST_RECORDS = 200

_OF_RECORDS = frozenset({"temperature", "capacity", "anti_passback", "rest_time"})
_HOT = frozenset({Reason.TEMPERATURE_HIGH.value, Reason.TEMPERATURE_HIGH_AGAIN.value})


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
        rules = self._policy.rules if lane.direction is Direction.IN else self._policy.out_rules
        if worker is None:
            return Screened()
        stay = timedelta(hours=self._policy.capacity.longest_stay_h)
        screened = recorded(self._store, rules, worker.worker_id, self._clock.now(), stay)
        if "temperature" not in rules:
            return screened
        now_s = self._clock.monotonic()
        thermometer = self.thermometers.get(lane.id)
        measured = (
            Measured(None, "no thermometer here")
            if thermometer is None
            else thermometer.measured(since_s or now_s, until_s or now_s)
        )
        return replace(screened, measured=measured)


def recorded(
    store: LocalStore, rules: Sequence[str], worker_id: str, now: datetime, longest_stay: timedelta
) -> Screened:
    """What the store knows that these rules ask about. Raises StoreError."""
    events: list[Event] = []
    if _OF_RECORDS.intersection(rules):
        since = now - RECORDS_LOOKED_AT
        found = store.events(worker_id=worker_id, since=since, until=now, limit=MOST_RECORDS)
        events = sorted(found, key=lambda event: event.occurred_at)
    person = store.person(worker_id) if "age" in rules else None
    return Screened(
        passages=tuple(Passed(one.direction, one.occurred_at) for one in events if _passed(one)),
        hot_at=too_hot(events),
        inside=store.people_inside(now - longest_stay, now) if "capacity" in rules else None,
        born_on=None if person is None else person.birth_date,
    )


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
