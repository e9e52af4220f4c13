"""A decision tried out: the rules of one lane applied to one worker at one moment, each with what it says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from gate.policy import Context, PassFacts, explain, weigh
from gate.policy_facts import Finding, Measured
from gate.reasons import Reason, Words, text
from gate.screening import recorded
from gate.settings import LaneSettings, Settings
from sync.health_pass import pass_at
from sync.records import Direction, Outcome
from sync.store import LocalStore


@dataclass(frozen=True, slots=True)
class Said:
    """One finding, in words."""

    outcome: Outcome
    reason: Reason
    notice: bool
    text: Words
    next_step: Words


@dataclass(frozen=True, slots=True)
class Step:
    """What one rule says; nothing where it has no objection."""

    rule: str
    said: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """The whole way to an answer. `pass_text` is empty without a colour."""

    worker_id: str
    lane_id: str
    direction: Direction
    at: datetime
    pass_text: str
    steps: tuple[Step, ...]
    outcome: Outcome
    reasons: tuple[Reason, ...]

    def as_json(self) -> dict[str, object]:
        """For programs; no name in it."""
        return {
            "worker_id": self.worker_id,
            "lane": self.lane_id,
            "direction": self.direction.value,
            "at": self.at.isoformat(),
            "pass": self.pass_text,
            "outcome": self.outcome.value,
            "reasons": [reason.value for reason in self.reasons],
            "rules": [
                {
                    "rule": step.rule,
                    "findings": [
                        {"outcome": said.outcome.value, "reason": said.reason.value, "notice": said.notice}
                        for said in step.said
                    ],
                }
                for step in self.steps
            ],
        }


def try_policy(
    settings: Settings,
    store: LocalStore,
    *,
    worker_id: str,
    lane: LaneSettings,
    at: datetime,
    celsius: float | None = None,
    by_pass: bool = False,
) -> Trial:
    """What this lane would answer at `at` (aware), with a live face or, `by_pass`, a QR pass that holds.

    Raises UnknownWorker and any other StoreError.
    """
    worker = store.worker(worker_id)
    policy = settings.policy
    screened = recorded(store, policy, lane.direction, worker_id, at, until=at)
    if policy.asks("temperature", lane.direction):
        problem = "" if celsius is not None else "no reading"
        screened = replace(screened, measured=Measured(celsius, problem))
    context = Context(
        worker=worker,
        entry_pass=PassFacts() if by_pass else None,
        site_id=settings.site.id,
        lane_id=lane.id,
        direction=lane.direction,
        now=at,
        timezone=ZoneInfo(settings.site.timezone),
        liveness_settings=settings.liveness,
        liveness="live",
        screened=screened,
    )
    found = explain(context, policy)
    decision = weigh([one for _, findings in found for one in findings])
    status = pass_at(worker.flags, worker.clearances, at)
    until = "" if status.until is None else f" until {status.until.astimezone(context.timezone):%F %H:%M}"
    return Trial(
        worker_id=worker_id,
        lane_id=lane.id,
        direction=lane.direction,
        at=at,
        pass_text="" if status.colour is None else f"{status.colour.value}{until}",
        steps=tuple(Step(rule, tuple(_said(one) for one in findings)) for rule, findings in found),
        outcome=decision.outcome,
        reasons=(*decision.reasons, *decision.notices),
    )


def _said(finding: Finding) -> Said:
    words = finding.hint or text(finding.reason)
    return Said(finding.outcome, finding.reason, finding.notice, words.text, words.next_step)
