"""The policy: pure rules from a context to findings, and the one decision they add up to.

A rule never sees the clock, the store or another rule. Deny beats hold beats allow, whatever the order of
the rules; their order in `config.yaml` decides only which of two equally severe reasons is named first.
What could not be checked and is let pass by configuration leaves a notice: never silently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from gate import policy_screening
from gate.decision import Decision
from gate.policy_facts import (
    Context,
    Finding,
    Findings,
    LivenessState,
    PassFacts,
    active,
    as_configured,
    begun,
    deny,
    ended,
)
from gate.reasons import Reason, text
from gate.settings import PolicySettings, RuleName, ScheduleWindow
from sync.health_pass import is_pass
from sync.records import Direction, FlagLevel, Outcome, WorkerStatus

__all__ = ["RULES", "Context", "Finding", "LivenessState", "PassFacts", "decide", "explain", "weigh"]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SECONDS_PER_HOUR = 3600.0
_RANK = {Outcome.ALLOW: 0, Outcome.HOLD: 1, Outcome.DENY: 2}

Rule = Callable[[Context, PolicySettings], Findings]


def decide(context: Context, settings: PolicySettings) -> Decision:
    """The decision for one person: `rules` on the way in, `out_rules` on the way out.

    No finding that matters means allow with `Reason.OK`. Never raises for a valid context.
    """
    return weigh([finding for _, found in explain(context, settings) for finding in found])


def explain(context: Context, settings: PolicySettings) -> list[tuple[RuleName, Findings]]:
    """What every rule of this direction says, in their order; `weigh` adds it up."""
    return [(name, RULES[name](context, settings)) for name in settings.rules_for(context.direction)]


def weigh(findings: Sequence[Finding]) -> Decision:
    """The decision that findings add up to."""
    against = sorted(
        (finding for finding in findings if not finding.notice),
        key=lambda finding: (_RANK[finding.outcome], text(finding.reason).severity),
        reverse=True,  # stable: equals stay in the order of the rules
    )
    return Decision(
        outcome=against[0].outcome if against else Outcome.ALLOW,
        reasons=_unique(against) or (Reason.OK,),
        notices=_unique([finding for finding in findings if finding.notice]),
        hints=tuple(finding.hint for finding in findings if finding.hint is not None),
    )


def _unique(findings: Sequence[Finding]) -> tuple[Reason, ...]:
    return tuple(dict.fromkeys(finding.reason for finding in findings))


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
    return deny(Reason.NOT_REGISTERED)


def _by_pass(context: Context, facts: PassFacts, settings: PolicySettings) -> Findings:
    """A pass that holds, of a worker of the roster. On the way out its holder is not kept in."""
    if context.worker is None:
        reason = facts.problem or Reason.NOT_REGISTERED
        return (Finding(Outcome.HOLD if reason is Reason.PASS_AMBIGUOUS else Outcome.DENY, reason),)
    leaves = context.direction is Direction.OUT
    found: list[Finding] = []
    if facts.problem is not None:
        found.append(Finding(Outcome.DENY, facts.problem, notice=leaves))
    if facts.face_differs:
        found.append(Finding(Outcome.HOLD, Reason.PASS_FACE_DIFFERS, notice=leaves))
    elif facts.problem is None and not leaves:
        found.extend(as_configured(settings.without_face, Reason.PASS_ALONE))
    if facts.used_elsewhere:
        found.append(Finding(Outcome.ALLOW, Reason.PASS_USED_ELSEWHERE, notice=True))
    return tuple(found)


def site(context: Context, settings: PolicySettings) -> Findings:
    """Only workers registered for this site."""
    if context.worker is None or context.site_id in context.worker.site_ids:
        return ()
    return deny(Reason.OTHER_SITE)


def status(context: Context, settings: PolicySettings) -> Findings:
    """Nobody who is blocked or has left."""
    if context.worker is None or context.worker.status is WorkerStatus.ACTIVE:
        return ()
    left = context.worker.status is WorkerStatus.LEFT
    return deny(Reason.WORKER_LEFT if left else Reason.WORKER_BLOCKED)


def grant(context: Context, settings: PolicySettings) -> Findings:
    """Inside the permission to enter: from its first instant to just before its end."""
    if context.worker is None:
        return ()
    if ended(context.worker.grant_until, context.now):
        return deny(Reason.GRANT_EXPIRED)
    return () if begun(context.worker.grant_from, context.now) else deny(Reason.GRANT_NOT_YET)


_FLAG_FINDINGS = {
    FlagLevel.BLOCK: Finding(Outcome.DENY, Reason.FLAG_BLOCK),
    FlagLevel.HOLD: Finding(Outcome.HOLD, Reason.FLAG_HOLD),
    FlagLevel.NOTIFY: Finding(Outcome.ALLOW, Reason.FLAG_NOTIFY, notice=True),
}


def flags(context: Context, settings: PolicySettings) -> Findings:
    """Active flags: block denies, hold holds, notify leaves a notice.

    The colours of a pass are flags too, left to `pass_colour` where that rule is named and obeyed by their
    level where it is not: a list of rules from before never lets a red pass in.
    """
    if context.worker is None:
        return ()
    by_colour = "pass_colour" in settings.rules_for(context.direction)
    return tuple(
        _FLAG_FINDINGS[flag.level]
        for flag in context.worker.flags
        if active(flag, context.now) and not (by_colour and is_pass(flag))
    )


def flag_notices(context: Context, settings: PolicySettings) -> Findings:
    """Active flags of every level as notices only: on the way out nobody is locked in, somebody is told."""
    return tuple(Finding(Outcome.ALLOW, finding.reason, notice=True) for finding in flags(context, settings))


def training(context: Context, settings: PolicySettings) -> Findings:
    """A clearance of the configured kind that holds now; one valid among several is enough."""
    if context.worker is None:
        return ()
    held = [clearance for clearance in context.worker.clearances if clearance.kind == settings.training_kind]
    not_ended = [clearance for clearance in held if not ended(clearance.valid_until, context.now)]
    if not held:
        return as_configured(settings.training_missing, Reason.TRAINING_MISSING)
    if not not_ended:
        return deny(Reason.TRAINING_EXPIRED)
    if not any(begun(clearance.valid_from, context.now) for clearance in not_ended):
        return deny(Reason.TRAINING_NOT_YET)
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
    return deny(Reason.OUTSIDE_SCHEDULE)


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
        return deny(Reason.LIVENESS_FAILED)
    return as_configured(context.liveness_settings.when_missing, Reason.LIVENESS_NOT_CHECKED)


def clock(context: Context, settings: PolicySettings) -> Findings:
    """Validity cannot be judged by a clock that is known to be wrong."""
    if context.clock_trusted:
        return ()
    return as_configured(settings.clock_untrusted, Reason.CLOCK_UNTRUSTED)


def roster_age(context: Context, settings: PolicySettings) -> Findings:
    """A roster that the centre has not confirmed for too long."""
    limit_s = settings.max_roster_age_h * _SECONDS_PER_HOUR
    if context.roster_age_s is None or context.roster_age_s <= limit_s:
        return ()
    return as_configured(settings.roster_too_old, Reason.ROSTER_TOO_OLD)


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
    **policy_screening.RULES,
}
"""Every rule that `policy.rules` and `policy.out_rules` may name."""
