"""What has to happen before a bus with returning workers may enter, and who is held. Pure.

Disinfected and measured (in any order), then checked, then entered. Each step says who and when; the last one
can be taken back. Riders change until the check; who comes late has to be measured like everybody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from sync.central.errors import CentralError

MOST_SEATS = 100
"""Double-deckers have 80 to 90."""

LOWEST_C, HIGHEST_C = 30.0, 45.0
"""A living person's temperature lies between; anything else is a slip."""


class Step(StrEnum):
    """In the order in which they are shown."""

    DISINFECTED = "disinfected"
    MEASURED = "measured"
    CHECKED = "checked"
    ENTERED = "entered"


class Hindrance(StrEnum):
    """Why a step cannot be taken, or something cannot be changed; a page has words for each."""

    CANCELLED = "cancelled"
    DONE_ALREADY = "done_already"
    NOT_DISINFECTED = "not_disinfected"
    NOT_MEASURED = "not_measured"
    NOT_CHECKED = "not_checked"
    NOBODY_ON_BOARD = "nobody_on_board"
    READING_MISSING = "reading_missing"
    CHECKED_ALREADY = "checked_already"
    ENTERED_ALREADY = "entered_already"
    NOT_THE_LAST_STEP = "not_the_last_step"
    SEAT_TAKEN = "seat_taken"
    NO_SUCH_SEAT = "no_such_seat"
    BUS_FULL = "bus_full"
    RIDER_TWICE = "rider_twice"
    NOT_ON_BOARD = "not_on_board"


class Outcome(StrEnum):
    """What became of a rider when the bus entered."""

    ENTERED = "entered"
    HELD = "held"
    ABSENT = "absent"


class StepRefused(CentralError, ValueError):
    """This cannot be done now; `hindrance` says why, `riders` whom it concerns."""

    def __init__(self, hindrance: Hindrance, riders: tuple[str, ...] = ()) -> None:
        super().__init__(f"not now: {hindrance}", next_step="see what is still open on the manifest")
        self.hindrance = hindrance
        self.riders = riders


@dataclass(frozen=True, slots=True)
class Mark:
    """Who and when."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Rider:
    """`key` says who it is; `temperature_c` is the last reading, `highest_c` the highest of all."""

    rider_id: str
    key: str
    name: str
    seat: int
    absent: bool = False
    temperature_c: float | None = None
    highest_c: float | None = None

    def is_feverish(self, fever_c: float) -> bool:
        """By the highest reading: cooling down before a second one does not make somebody well."""
        return not self.absent and self.highest_c is not None and self.highest_c >= fever_c


@dataclass(frozen=True, slots=True)
class Manifest:
    """A bus and its riders."""

    seats: int
    riders: tuple[Rider, ...] = ()
    marks: Mapping[Step, Mark] = field(default_factory=dict)
    cancelled: bool = False

    @property
    def on_board(self) -> tuple[Rider, ...]:
        return tuple(rider for rider in self.riders if not rider.absent)

    def held(self, fever_c: float) -> tuple[Rider, ...]:
        """Riders who may not enter."""
        return tuple(rider for rider in self.riders if rider.is_feverish(fever_c))

    def outcomes(self, fever_c: float) -> dict[str, Outcome]:
        """By rider id, at the moment of entering."""
        held = {rider.rider_id for rider in self.held(fever_c)}
        return {
            rider.rider_id: Outcome.ABSENT
            if rider.absent
            else Outcome.HELD
            if rider.rider_id in held
            else Outcome.ENTERED
            for rider in self.riders
        }


def hindrances(manifest: Manifest, step: Step) -> tuple[Hindrance, ...]:
    """Everything that stands against taking this step now; nothing: it may be taken."""
    if manifest.cancelled:
        return (Hindrance.CANCELLED,)
    if step in manifest.marks:
        return (Hindrance.DONE_ALREADY,)
    missing = {
        Step.DISINFECTED: Hindrance.NOT_DISINFECTED,
        Step.MEASURED: Hindrance.NOT_MEASURED,
        Step.CHECKED: Hindrance.NOT_CHECKED,
    }
    before = _BEFORE[step]
    found = [missing[one] for one in before if one not in manifest.marks]
    if step is not Step.DISINFECTED:
        if not manifest.on_board:
            found.append(Hindrance.NOBODY_ON_BOARD)
        if any(rider.temperature_c is None for rider in manifest.on_board):
            found.append(Hindrance.READING_MISSING)
    return tuple(found)


_BEFORE: Mapping[Step, tuple[Step, ...]] = {
    Step.DISINFECTED: (),
    Step.MEASURED: (),
    Step.CHECKED: (Step.DISINFECTED, Step.MEASURED),
    Step.ENTERED: (Step.DISINFECTED, Step.MEASURED, Step.CHECKED),
}


def taken(manifest: Manifest, step: Step, mark: Mark) -> Manifest:
    """After this step. Raises StepRefused with the first hindrance."""
    against = hindrances(manifest, step)
    if against:
        names = tuple(rider.name for rider in manifest.on_board if rider.temperature_c is None)
        raise StepRefused(against[0], names if against[0] is Hindrance.READING_MISSING else ())
    return replace(manifest, marks={**manifest.marks, step: mark})


def taken_back(manifest: Manifest, step: Step) -> Manifest:
    """Without this step, on which no other may rest. Raises StepRefused."""
    if manifest.cancelled:
        raise StepRefused(Hindrance.CANCELLED)
    resting = [one for one, before in _BEFORE.items() if step in before and one in manifest.marks]
    if step not in manifest.marks or resting:
        raise StepRefused(Hindrance.NOT_THE_LAST_STEP)
    return replace(manifest, marks={one: mark for one, mark in manifest.marks.items() if one is not step})


def boarded(manifest: Manifest, rider: Rider) -> Manifest:
    """With one more rider; `measured` falls away if this one is not. Raises StepRefused."""
    _require_changeable(manifest)
    _require_seat(manifest, rider.seat, except_id=rider.rider_id)
    if any(one.key == rider.key for one in manifest.riders):
        raise StepRefused(Hindrance.RIDER_TWICE, (rider.name,))
    return _measured_still(replace(manifest, riders=(*manifest.riders, rider)))


def reseated(manifest: Manifest, rider_id: str, seat: int) -> Manifest:
    """A rider on another seat. Raises StepRefused."""
    _require_changeable(manifest)
    _require_seat(manifest, seat, except_id=rider_id)
    return _with_rider(manifest, replace(_rider(manifest, rider_id), seat=seat))


def marked_absent(manifest: Manifest, rider_id: str, absent: bool) -> Manifest:
    """A rider who did not come along after all, or did. Raises StepRefused."""
    _require_changeable(manifest)
    return _measured_still(_with_rider(manifest, replace(_rider(manifest, rider_id), absent=absent)))


def removed(manifest: Manifest, rider_id: str) -> Manifest:
    """Without somebody who was entered by mistake. Raises StepRefused."""
    _require_changeable(manifest)
    gone = _rider(manifest, rider_id)
    riders = tuple(rider for rider in manifest.riders if rider is not gone)
    return _measured_still(replace(manifest, riders=riders))


def measured(manifest: Manifest, rider_id: str, temperature_c: float) -> Manifest:
    """With a reading of one rider; a later one replaces it, the highest stays. Raises StepRefused."""
    _require_changeable(manifest)
    rider = _rider(manifest, rider_id)
    if rider.absent:
        raise StepRefused(Hindrance.NOT_ON_BOARD, (rider.name,))
    highest_c = temperature_c if rider.highest_c is None else max(rider.highest_c, temperature_c)
    return _with_rider(manifest, replace(rider, temperature_c=temperature_c, highest_c=highest_c))


def free_seat(manifest: Manifest) -> int:
    """The lowest one. Raises StepRefused where the bus is full."""
    sat_on = {rider.seat for rider in manifest.riders}
    for seat in range(1, manifest.seats + 1):
        if seat not in sat_on:
            return seat
    raise StepRefused(Hindrance.BUS_FULL)


def _require_changeable(manifest: Manifest) -> None:
    if manifest.cancelled:
        raise StepRefused(Hindrance.CANCELLED)
    if Step.ENTERED in manifest.marks:
        raise StepRefused(Hindrance.ENTERED_ALREADY)
    if Step.CHECKED in manifest.marks:
        raise StepRefused(Hindrance.CHECKED_ALREADY)


def _require_seat(manifest: Manifest, seat: int, *, except_id: str) -> None:
    if not 1 <= seat <= manifest.seats:
        raise StepRefused(Hindrance.NO_SUCH_SEAT)
    for rider in manifest.riders:
        if rider.seat == seat and rider.rider_id != except_id:
            raise StepRefused(Hindrance.SEAT_TAKEN, (rider.name,))


def _rider(manifest: Manifest, rider_id: str) -> Rider:
    for rider in manifest.riders:
        if rider.rider_id == rider_id:
            return rider
    raise StepRefused(Hindrance.NOT_ON_BOARD)


def _measured_still(manifest: Manifest) -> Manifest:
    """`measured` falls away where somebody on board is not, or nobody is left."""
    if manifest.on_board and all(rider.temperature_c is not None for rider in manifest.on_board):
        return manifest
    marks: dict[Step, Mark] = {
        step: mark for step, mark in manifest.marks.items() if step is not Step.MEASURED
    }
    return replace(manifest, marks=marks)


def _with_rider(manifest: Manifest, changed: Rider) -> Manifest:
    riders = tuple(changed if rider.rider_id == changed.rider_id else rider for rider in manifest.riders)
    return replace(manifest, riders=riders)
