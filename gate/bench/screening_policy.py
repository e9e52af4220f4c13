"""The part of `bench screening` that times the policy: every rule, over a worker about whom much is known."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from gate.bench.sync_figures import Figure, Part
from gate.policy import RULES, Context, decide
from gate.policy_facts import Measured, Passed, Screened
from gate.screening_settings import DailyClearanceSettings
from gate.settings import LivenessSettings, PolicySettings
from models.bench_report import percentiles
from sync.health_pass import flags_of
from sync.records import Clearance, Direction, Worker
from sync.screening.pass_rules import shipped_pass_rules

POLICY_LIMIT_MS = 1.0
TIMEZONE = "Asia/Shanghai"
SITE = "bench-site"
_NOW = datetime(2026, 5, 4, 2, 0, tzinfo=UTC)
_CLEARANCES = ("training", "medical", "test", "contract", "permit", "declaration")
_MILLISECONDS = 1000.0


def policy_part(decisions: int) -> Part:
    """Time of the processor for one decision by all the rules there are; a part of another is in that one."""
    rules = tuple(rule for rule in RULES if rule not in DailyClearanceSettings().parts)
    required = [{"kind": kind} for kind in _CLEARANCES[1:-1]]
    settings = PolicySettings.model_validate(
        {"rules": rules, "clearances": required, "capacity": {"people": 5000}}
    )
    transitions = {one.cause: one.transition for one in shipped_pass_rules().causes}
    past = [
        flag
        for cause, days in (("contact", 40), ("affected_area", 20))
        for flag in flags_of(cause, _NOW - timedelta(days=days), entry_id=cause, transitions=transitions)
    ]
    worker = Worker(
        worker_id="bench",
        name="示例",
        site_ids=(SITE,),
        clearances=tuple(Clearance(kind=kind, valid_until=_NOW + timedelta(days=3)) for kind in _CLEARANCES),
        flags=tuple(past),
    )
    passages = tuple(
        Passed(Direction.IN if hours % 2 else Direction.OUT, _NOW - timedelta(hours=hours))
        for hours in range(20, 9, -1)
    )
    screened = Screened(measured=Measured(36.6), passages=passages, inside=321, born_on=date(1990, 1, 1))
    context = Context(
        worker=worker,
        site_id=SITE,
        lane_id="lane-1",
        now=_NOW,
        timezone=ZoneInfo(TIMEZONE),
        liveness_settings=LivenessSettings(),
        liveness="live",
        roster_age_s=60.0,
        screened=screened,
    )
    outcome = decide(context, settings).outcome
    times_ms = []
    for _ in range(decisions):
        began = time.thread_time()
        decide(context, settings)
        times_ms.append((time.thread_time() - began) * _MILLISECONDS)
    found = percentiles(times_ms)
    return Part(
        "policy",
        f"{len(rules)} rules, six clearances, two past colours, eleven passages; {decisions:,} decisions, "
        f"each `{outcome}`; processor time of the thread",
        [
            Figure("decision, p50", found["p50"], "ms"),
            Figure("decision, p99", found["p99"], "ms", at_most=POLICY_LIMIT_MS),
            Figure("decision, slowest", max(times_ms), "ms"),
        ],
        {"policy_ms": times_ms[:: max(1, decisions // 2000)]},
    )
