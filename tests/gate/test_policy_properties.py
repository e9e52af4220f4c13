"""What must hold for every worker, every instant and every order of the rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

from hypothesis import assume, given
from hypothesis import strategies as st

from gate.policy import Context, decide
from gate.reasons import Reason
from gate.screening_settings import CapacitySettings, RequiredClearance
from gate.settings import LivenessSettings, PolicySettings, RuleName, ScheduleWindow
from sync.records import Clearance, Direction, Flag, FlagLevel, Outcome, Worker, WorkerStatus

RANK = {Outcome.ALLOW: 0, Outcome.HOLD: 1, Outcome.DENY: 2}
ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "Pacific/Kiritimati", "UTC")
ALL_RULES = frozenset(get_args(RuleName))
PARTS = frozenset({"declaration", "temperature"})  # of the daily clearance, which judges them alone

instants = st.datetimes(datetime(1970, 1, 3), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ends = st.none() | instants
teams = st.sampled_from(("", "steel", "concrete"))
actions = st.sampled_from(("allow", "hold", "deny"))
flags = st.builds(Flag, level=st.sampled_from(FlagLevel), valid_from=ends, valid_until=ends)
workers = st.builds(
    Worker,
    worker_id=st.just("w1"),
    name=st.just("Sample Welder"),
    site_ids=st.sampled_from(((), ("demo-site",), ("other", "demo-site"))),
    status=st.sampled_from(WorkerStatus),
    team=teams,
    grant_from=ends,
    grant_until=ends,
    clearances=st.lists(
        st.builds(
            Clearance, kind=st.sampled_from(("training", "medical")), valid_from=ends, valid_until=ends
        ),
        max_size=3,
    ).map(tuple),
    flags=st.lists(flags, max_size=3).map(tuple),
)
contexts = st.builds(
    Context,
    worker=st.none() | workers,
    usable_face=st.booleans(),
    site_id=st.just("demo-site"),
    direction=st.sampled_from(Direction),
    now=instants,
    timezone=st.sampled_from(ZONES).map(ZoneInfo),
    liveness=st.sampled_from(("live", "spoof", "not_checked")),
    liveness_settings=st.builds(
        LivenessSettings, mode=st.sampled_from(("off", "observe", "required")), when_missing=actions
    ),
    clock_trusted=st.booleans(),
    roster_age_s=st.none() | st.floats(0, 1e9),
    tailgating=st.integers(0, 5),
)
windows = st.builds(
    ScheduleWindow,
    **{"from": st.times()},
    until=st.times(),
    days=st.lists(st.sampled_from(("mon", "tue", "wed", "sat", "sun")), unique=True).map(tuple),
    teams=st.lists(teams, max_size=2, unique=True).map(tuple),
    direction=st.none() | st.sampled_from(Direction),
)
kept = st.shared(st.sampled_from((ALL_RULES - PARTS, ALL_RULES - {"daily_clearance"})), key="rules")
rule_orders = kept.flatmap(lambda rules: st.permutations(sorted(rules))).map(tuple)


@st.composite
def policies(draw: st.DrawFn) -> PolicySettings:
    return PolicySettings(
        rules=draw(rule_orders),
        out_rules=draw(rule_orders),
        training_missing=draw(actions),
        clock_untrusted=draw(actions),
        roster_too_old=draw(actions),
        schedule=draw(st.lists(windows, max_size=2).map(tuple)),
        clearances=(RequiredClearance(kind="medical", missing=draw(actions)),),
        capacity=CapacitySettings(people=100),
    )


@given(contexts, policies(), rule_orders)
def test_the_outcome_does_not_depend_on_the_order_of_the_rules(
    context: Context, policy: PolicySettings, other_order: tuple[RuleName, ...]
) -> None:
    first = decide(context, policy)
    second = decide(context, policy.model_copy(update={"rules": other_order, "out_rules": other_order}))
    assert first.outcome is second.outcome
    assert set(first.reasons) == set(second.reasons)
    assert set(first.notices) == set(second.notices)


@given(contexts, policies(), flags)
def test_another_flag_never_makes_the_gate_more_permissive(
    context: Context, policy: PolicySettings, flag: Flag
) -> None:
    assume(context.worker is not None)
    assert context.worker is not None
    flagged = context.worker.model_copy(update={"flags": (*context.worker.flags, flag)})
    before, after = decide(context, policy), decide(replace(context, worker=flagged), policy)
    assert RANK[after.outcome] >= RANK[before.outcome]


@given(
    contexts,
    policies(),
    rule_orders.flatmap(lambda order: st.integers(0, len(order)).map(lambda n: order[:n])),
)
def test_another_rule_never_makes_the_gate_more_permissive(
    context: Context, policy: PolicySettings, some: tuple[RuleName, ...]
) -> None:
    fewer = tuple(dict.fromkeys(("registered", *some)))
    less = decide(context, policy.model_copy(update={"rules": fewer, "out_rules": fewer}))
    assert RANK[decide(context, policy).outcome] >= RANK[less.outcome]


@given(contexts, policies(), st.timedeltas(timedelta(0), timedelta(days=9999)))
def test_an_expired_grant_is_never_let_in(context: Context, policy: PolicySettings, past: timedelta) -> None:
    assume(context.worker is not None)
    assert context.worker is not None
    expired = context.worker.model_copy(update={"grant_until": context.now - past})
    decision = decide(replace(context, worker=expired), policy)
    assert decision.outcome is not Outcome.ALLOW
    if context.usable_face:
        assert Reason.GRANT_EXPIRED in decision.reasons


@given(contexts, policies())
def test_a_stranger_is_never_let_in_and_an_answer_always_has_a_reason(
    context: Context, policy: PolicySettings
) -> None:
    decision = decide(context, policy)
    assert decision.reasons
    assert (decision.reasons == (Reason.OK,)) == (decision.outcome is Outcome.ALLOW)
    if context.worker is None or not context.usable_face:
        assert decision.outcome is not Outcome.ALLOW


@given(contexts, policies())
def test_tailgating_and_observed_liveness_never_change_the_outcome(
    context: Context, policy: PolicySettings
) -> None:
    observed = replace(context, liveness_settings=LivenessSettings(mode="observe"))
    changed = replace(observed, tailgating=3, liveness="spoof")
    calm = replace(observed, tailgating=0, liveness="live")
    assert decide(changed, policy).outcome is decide(calm, policy).outcome
