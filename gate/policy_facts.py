"""What a rule of the policy is given, and what it may say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Literal

from gate.decision import Hint
from gate.reasons import Reason
from gate.screening_settings import Action
from gate.settings import LivenessSettings
from sync.records import Direction, Flag, Outcome, Worker

LivenessState = Literal["live", "spoof", "not_checked"]


@dataclass(frozen=True, slots=True)
class Passed:
    """One passage that this gate recorded."""

    direction: Direction
    at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """A body temperature that this gate took of the worker before."""

    celsius: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Measured:
    """What the lane's thermometer says of the person; `celsius` None: no reading, and `problem` says why."""

    celsius: float | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Screened:
    """What this gate found out beyond face and roster; only what a rule of the site asks for.

    measured  None: nobody asked for a temperature
    passages  of the worker, oldest first, as this gate recorded them
    hot_at    when the worker was too hot, since they were last let in; oldest first
    readings  of the worker at entries, oldest first
    inside    people on the site by this gate's records
    born_on   date of birth, where this box has it
    """

    measured: Measured | None = None
    passages: tuple[Passed, ...] = ()
    hot_at: tuple[datetime, ...] = ()
    readings: tuple[Reading, ...] = ()
    inside: int | None = None
    born_on: date | None = None


@dataclass(frozen=True, slots=True)
class PassFacts:
    """What came with a QR pass or a badge.

    problem         why the pass itself does not count; None where it does
    face_differs    another worker was recognised together with it
    used_elsewhere  it opened another lane less than a minute ago
    """

    problem: Reason | None = None
    face_differs: bool = False
    used_elsewhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything a rule may know about one person before one lane.

    worker        who the votes agreed on; None for somebody the roster does not know
    usable_face   False when no frame was good enough to look the person up
    entry_pass    of somebody who asks by QR pass or badge instead of a face
    ambiguous     nobody, because two workers look alike: the same person under two numbers, or twins
    now           aware instant of the decision
    timezone      of the site; schedules are local time
    liveness      verdict over the track, `min_score` already applied
    roster_age_s  seconds since the roster was last confirmed by the centre; None for a roster kept locally
    tailgating    other faces in the zone
    screened      temperature, passages and whatever else a rule of the site asks for
    """

    worker: Worker | None
    usable_face: bool = True
    entry_pass: PassFacts | None = None
    ambiguous: bool = False
    site_id: str
    lane_id: str = ""
    direction: Direction = Direction.IN
    now: datetime
    timezone: tzinfo
    liveness_settings: LivenessSettings
    liveness: LivenessState = "not_checked"
    clock_trusted: bool = True
    roster_age_s: float | None = None
    tailgating: int = 0
    screened: Screened = Screened()

    def __post_init__(self) -> None:
        if self.now.tzinfo is None:
            raise ValueError("now has no time zone; give an aware datetime")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says. With `notice` it is written down and shown, and changes no outcome.

    `hint` says what the reason alone does not: which clearance, until when.
    """

    outcome: Outcome
    reason: Reason
    notice: bool = False
    hint: Hint | None = None


Findings = tuple[Finding, ...]


def deny(reason: Reason, hint: Hint | None = None) -> Findings:
    return (Finding(Outcome.DENY, reason, hint=hint),)


def noticed(reason: Reason, hint: Hint | None = None) -> Findings:
    return (Finding(Outcome.ALLOW, reason, notice=True, hint=hint),)


def as_configured(outcome: Action, reason: Reason, hint: Hint | None = None) -> Findings:
    """A named policy decides; `allow` leaves a notice, so that nobody wonders later."""
    return (Finding(Outcome(outcome), reason, notice=outcome == "allow", hint=hint),)


def begun(start: datetime | None, now: datetime) -> bool:
    return start is None or start <= now


def ended(until: datetime | None, now: datetime) -> bool:
    """`until` is the first instant at which a thing no longer holds."""
    return until is not None and until <= now


def active(flag: Flag, now: datetime) -> bool:
    return begun(flag.valid_from, now) and not ended(flag.valid_until, now)
