"""The policy: pure rules from a context to findings, and the one decision they add up to.

A rule never sees the clock, the store or another rule. Deny beats hold beats allow, whatever the order of
the rules; their order in `config.yaml` decides only which of two equally severe reasons is named first.
What could not be checked and is let pass by configuration leaves a notice: never silently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Literal

from gate.decision import Decision
from gate.reasons import Reason, text
from gate.settings import LivenessSettings, PolicySettings, RuleName, ScheduleWindow
from sync.records import Direction, Flag, FlagLevel, Outcome, Worker, WorkerStatus

LivenessState = Literal["live", "spoof", "not_checked"]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SECONDS_PER_HOUR = 3600.0
_RANK = {Outcome.ALLOW: 0, Outcome.HOLD: 1, Outcome.DENY: 2}


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
    """

    worker: Worker | None
    usable_face: bool = True
    entry_pass: PassFacts | None = None
    ambiguous: bool = False
    site_id: str
    direction: Direction = Direction.IN
    now: datetime
    timezone: tzinfo
    liveness_settings: LivenessSettings
    liveness: LivenessState = "not_checked"
    clock_trusted: bool = True
    roster_age_s: float | None = None
    tailgating: int = 0

    def __post_init__(self) -> None:
        if self.now.tzinfo is None:
            raise ValueError("now has no time zone; give an aware datetime")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says. With `notice` it is written down and shown, and changes no outcome."""

    outcome: Outcome
    reason: Reason
    notice: bool = False


Findings = tuple[Finding, ...]
Rule = Callable[[Context, PolicySettings], Findings]


def decide(context: Context, settings: PolicySettings) -> Decision:
    """The decision for one person: `rules` on the way in, `out_rules` on the way out.

    No finding that matters means allow with `Reason.OK`. Never raises for a valid context.
    """
    names = settings.rules if context.direction is Direction.IN else settings.out_rules
    findings = [finding for name in names for finding in RULES[name](context, settings)]
    against = sorted(
        (finding for finding in findings if not finding.notice),
        key=lambda finding: (_RANK[finding.outcome], text(finding.reason).severity),
        reverse=True,  # stable: equals stay in the order of the rules
    )
    return Decision(
        outcome=against[0].outcome if against else Outcome.ALLOW,
        reasons=_unique(against) or (Reason.OK,),
        notices=_unique([finding for finding in findings if finding.notice]),
    )


def _unique(findings: Sequence[Finding]) -> tuple[Reason, ...]:
    return tuple(dict.fromkeys(finding.reason for finding in findings))


def _deny(reason: Reason) -> Findings:
    return (Finding(Outcome.DENY, reason),)


def _as_configured(outcome: Literal["allow", "hold", "deny"], reason: Reason) -> Findings:
    """A named policy decides; `allow` leaves a notice, so that nobody wonders later."""
    return (Finding(Outcome(outcome), reason, notice=outcome == "allow"),)


def _begun(start: datetime | None, now: datetime) -> bool:
    return start is None or start <= now


def _ended(until: datetime | None, now: datetime) -> bool:
    """`until` is the first instant at which a thing no longer holds."""
    return until is not None and until <= now


def _active(flag: Flag, now: datetime) -> bool:
    return _begun(flag.valid_from, now) and not _ended(flag.valid_until, now)


def registered(context: Context, settings: PolicySettings) -> Findings:
    """Nobody the roster does not know; who could not be looked at, or told apart, is for the guard."""
    if context.entry_pass is not None:
        return _by_pass(context, context.entry_pass, settings)
    if not context.usable_face:
        return (Finding(Outcome.HOLD, Reason.FACE_NOT_USABLE),)
    if context.worker is not None:
        return ()
    if context.ambiguous:
        return (Finding(Outcome.HOLD, Reason.AMBIGUOUS_MATCH),)
    return _deny(Reason.NOT_REGISTERED)


_PASSES_FOR_THE_GUARD = frozenset({Reason.PASS_AMBIGUOUS})


def _by_pass(context: Context, facts: PassFacts, settings: PolicySettings) -> Findings:
    """A pass that holds, of a worker of the roster. On the way out its holder is not kept in."""
    if context.worker is None:
        reason = facts.problem or Reason.NOT_REGISTERED
        return (Finding(Outcome.HOLD if reason in _PASSES_FOR_THE_GUARD else Outcome.DENY, reason),)
    leaves = context.direction is Direction.OUT
    found: list[Finding] = []
    if facts.problem is not None:
        found.append(Finding(Outcome.DENY, facts.problem, notice=leaves))
    if facts.face_differs:
        found.append(Finding(Outcome.HOLD, Reason.PASS_FACE_DIFFERS, notice=leaves))
    elif facts.problem is None and not leaves:
        found.extend(_as_configured(settings.without_face, Reason.PASS_ALONE))
    if facts.used_elsewhere:
        found.append(Finding(Outcome.ALLOW, Reason.PASS_USED_ELSEWHERE, notice=True))
    return tuple(found)


def site(context: Context, settings: PolicySettings) -> Findings:
    """Only workers registered for this site."""
    if context.worker is None or context.site_id in context.worker.site_ids:
        return ()
    return _deny(Reason.OTHER_SITE)


def status(context: Context, settings: PolicySettings) -> Findings:
    """Nobody who is blocked or has left."""
    if context.worker is None or context.worker.status is WorkerStatus.ACTIVE:
        return ()
    left = context.worker.status is WorkerStatus.LEFT
    return _deny(Reason.WORKER_LEFT if left else Reason.WORKER_BLOCKED)


def grant(context: Context, settings: PolicySettings) -> Findings:
    """Inside the permission to enter: from its first instant to just before its end."""
    if context.worker is None:
        return ()
    if _ended(context.worker.grant_until, context.now):
        return _deny(Reason.GRANT_EXPIRED)
    return () if _begun(context.worker.grant_from, context.now) else _deny(Reason.GRANT_NOT_YET)


_FLAG_FINDINGS = {
    FlagLevel.BLOCK: Finding(Outcome.DENY, Reason.FLAG_BLOCK),
    FlagLevel.HOLD: Finding(Outcome.HOLD, Reason.FLAG_HOLD),
    FlagLevel.NOTIFY: Finding(Outcome.ALLOW, Reason.FLAG_NOTIFY, notice=True),
}


def flags(context: Context, settings: PolicySettings) -> Findings:
    """Active flags: block denies, hold holds, notify leaves a notice."""
    if context.worker is None:
        return ()
    return tuple(_FLAG_FINDINGS[flag.level] for flag in context.worker.flags if _active(flag, context.now))


def flag_notices(context: Context, settings: PolicySettings) -> Findings:
    """Active flags of every level as notices only: on the way out nobody is locked in, somebody is told."""
    return tuple(Finding(Outcome.ALLOW, finding.reason, notice=True) for finding in flags(context, settings))


def training(context: Context, settings: PolicySettings) -> Findings:
    """A clearance of the configured kind that holds now; one valid among several is enough."""
    if context.worker is None:
        return ()
    held = [clearance for clearance in context.worker.clearances if clearance.kind == settings.training_kind]
    not_ended = [clearance for clearance in held if not _ended(clearance.valid_until, context.now)]
    if not held:
        return _as_configured(settings.training_missing, Reason.TRAINING_MISSING)
    if not not_ended:
        return _deny(Reason.TRAINING_EXPIRED)
    if not any(_begun(clearance.valid_from, context.now) for clearance in not_ended):
        return _deny(Reason.TRAINING_NOT_YET)
    return ()


def schedule(context: Context, settings: PolicySettings) -> Findings:
    """Local site time inside a window for this direction and team; a direction without windows is free."""
    windows = [window for window in settings.schedule if window.direction in (None, context.direction)]
    if context.worker is None or not windows:
        return ()
    local = context.now.astimezone(context.timezone)
    team = context.worker.team
    if any(_covers(window, local) for window in windows if not window.teams or team in window.teams):
        return ()
    return _deny(Reason.OUTSIDE_SCHEDULE)


def _covers(window: ScheduleWindow, local: datetime) -> bool:
    """Whether a wall clock at the site stands inside the window.

    Wall clock on purpose: an hour that a change of daylight saving time repeats counts twice, one that it
    skips never comes. A window past midnight belongs to the day on which it starts; equal ends mean all day.
    """
    today = WEEKDAYS[local.weekday()]
    yesterday = WEEKDAYS[local.weekday() - 1]
    clock = local.time()
    if window.start < window.until:
        return today in window.days and window.start <= clock < window.until
    started_today = today in window.days and clock >= window.start
    return started_today or (yesterday in window.days and clock < window.until)


def liveness(context: Context, settings: PolicySettings) -> Findings:
    """Required: an attack is denied and a missing check follows `when_missing`; observed: noted only."""
    mode = context.liveness_settings.mode
    if mode == "off" or context.liveness == "live" or not context.usable_face or context.entry_pass:
        return ()
    attack = context.liveness == "spoof"
    if mode == "observe":
        reason = Reason.LIVENESS_FAILED if attack else Reason.LIVENESS_NOT_CHECKED
        return (Finding(Outcome.ALLOW, reason, notice=True),)
    if attack:
        return _deny(Reason.LIVENESS_FAILED)
    return _as_configured(context.liveness_settings.when_missing, Reason.LIVENESS_NOT_CHECKED)


def clock(context: Context, settings: PolicySettings) -> Findings:
    """Validity cannot be judged by a clock that is known to be wrong."""
    if context.clock_trusted:
        return ()
    return _as_configured(settings.clock_untrusted, Reason.CLOCK_UNTRUSTED)


def roster_age(context: Context, settings: PolicySettings) -> Findings:
    """A roster that the centre has not confirmed for too long."""
    limit_s = settings.max_roster_age_h * _SECONDS_PER_HOUR
    if context.roster_age_s is None or context.roster_age_s <= limit_s:
        return ()
    return _as_configured(settings.roster_too_old, Reason.ROSTER_TOO_OLD)


def tailgating(context: Context, settings: PolicySettings) -> Findings:
    """Somebody else stands in the zone: noted, since one pulse lets one person through."""
    return (Finding(Outcome.ALLOW, Reason.TAILGATING, notice=True),) if context.tailgating > 0 else ()


RULES: Mapping[RuleName, Rule] = {
    "registered": registered,
    "site": site,
    "status": status,
    "grant": grant,
    "flags": flags,
    "flag_notices": flag_notices,
    "training": training,
    "schedule": schedule,
    "liveness": liveness,
    "clock": clock,
    "roster_age": roster_age,
    "tailgating": tailgating,
}
"""Every rule that `policy.rules` and `policy.out_rules` may name."""
