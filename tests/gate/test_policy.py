"""The rules one by one: who passes, who does not, and at which instant that changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from gate.decision import Decision
from gate.policy import RULES, Context, decide
from gate.reasons import Reason
from gate.settings import LivenessSettings, PolicySettings, RuleName, ScheduleWindow, Settings
from sync.records import Clearance, Direction, Flag, FlagLevel, Outcome, Worker, WorkerStatus

NOW = datetime(2026, 5, 4, 2, 0, tzinfo=UTC)  # a Monday, ten in the morning in Shanghai
TICK = timedelta(microseconds=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")  # has daylight saving time
TRAINED = Clearance(kind="training")


def a_worker(**changes: Any) -> Worker:
    facts: dict[str, Any] = {
        "worker_id": "w1",
        "name": "Sample Welder",
        "site_ids": ("demo-site",),
        "clearances": (TRAINED,),
    }
    return Worker(**(facts | changes))


def before_the_gate(worker: Worker | None = None, **changes: Any) -> Context:
    facts: dict[str, Any] = {
        "worker": worker or a_worker(),
        "site_id": "demo-site",
        "now": NOW,
        "timezone": SHANGHAI,
        "liveness": "live",
        "liveness_settings": LivenessSettings(),
    }
    return Context(**(facts | changes))


def denied(decision: Decision) -> Reason:
    assert decision.outcome is Outcome.DENY
    return decision.reasons[0]


def test_every_rule_name_has_a_rule() -> None:
    assert set(RULES) == set(get_args(RuleName))


def test_a_worker_with_everything_in_order_passes() -> None:
    decision = decide(before_the_gate(), PolicySettings())
    assert decision == Decision(Outcome.ALLOW, (Reason.OK,), ())


def test_a_stranger_is_refused_in_both_directions() -> None:
    for direction in Direction:
        stranger = replace(before_the_gate(), worker=None, direction=direction)
        assert denied(decide(stranger, PolicySettings())) is Reason.NOT_REGISTERED


def test_a_face_that_could_not_be_looked_at_waits_for_the_guard() -> None:
    decision = decide(replace(before_the_gate(), worker=None, usable_face=False), PolicySettings())
    assert (decision.outcome, decision.reasons) == (Outcome.HOLD, (Reason.FACE_NOT_USABLE,))


def test_a_worker_of_another_site_is_refused() -> None:
    elsewhere = before_the_gate(a_worker(site_ids=("other",)))
    assert denied(decide(elsewhere, PolicySettings())) is Reason.OTHER_SITE


@pytest.mark.parametrize(
    ("status", "reason"),
    [(WorkerStatus.BLOCKED, Reason.WORKER_BLOCKED), (WorkerStatus.LEFT, Reason.WORKER_LEFT)],
)
def test_a_blocked_or_departed_worker_is_refused(status: WorkerStatus, reason: Reason) -> None:
    assert denied(decide(before_the_gate(a_worker(status=status)), PolicySettings())) is reason


def test_a_grant_begins_at_its_first_instant_and_ends_just_before_its_end() -> None:
    worker = a_worker(grant_from=NOW, grant_until=NOW + timedelta(hours=1))

    def at(instant: datetime) -> Decision:
        return decide(before_the_gate(worker, now=instant), PolicySettings())

    assert denied(at(NOW - TICK)) is Reason.GRANT_NOT_YET
    assert at(NOW).outcome is Outcome.ALLOW
    assert at(NOW + timedelta(hours=1) - TICK).outcome is Outcome.ALLOW
    assert denied(at(NOW + timedelta(hours=1))) is Reason.GRANT_EXPIRED


def test_flags_block_hold_or_notify_while_they_are_valid() -> None:
    def flagged(level: FlagLevel, **window: datetime) -> Decision:
        worker = a_worker(flags=(Flag(level=level, **window),))
        return decide(before_the_gate(worker), PolicySettings())

    assert denied(flagged(FlagLevel.BLOCK)) is Reason.FLAG_BLOCK
    assert flagged(FlagLevel.HOLD) == Decision(Outcome.HOLD, (Reason.FLAG_HOLD,))
    assert flagged(FlagLevel.NOTIFY) == Decision(Outcome.ALLOW, (Reason.OK,), (Reason.FLAG_NOTIFY,))
    assert flagged(FlagLevel.BLOCK, valid_from=NOW + TICK).outcome is Outcome.ALLOW
    assert flagged(FlagLevel.BLOCK, valid_until=NOW).outcome is Outcome.ALLOW
    assert denied(flagged(FlagLevel.BLOCK, valid_from=NOW, valid_until=NOW + TICK)) is Reason.FLAG_BLOCK


def test_training_may_be_missing_early_expired_or_one_of_several() -> None:
    day = timedelta(days=1)

    def trained(*clearances: Clearance, missing: str = "deny") -> Decision:
        settings = PolicySettings.model_validate({"training_missing": missing})
        return decide(before_the_gate(a_worker(clearances=clearances)), settings)

    over = Clearance(kind="training", valid_until=NOW)
    early = Clearance(kind="training", valid_from=NOW + day)
    assert denied(trained()) is Reason.TRAINING_MISSING
    assert denied(trained(Clearance(kind="medical"))) is Reason.TRAINING_MISSING
    assert denied(trained(over)) is Reason.TRAINING_EXPIRED
    assert denied(trained(early)) is Reason.TRAINING_NOT_YET
    assert denied(trained(over, early)) is Reason.TRAINING_NOT_YET
    assert trained(over, TRAINED, early).outcome is Outcome.ALLOW
    assert trained(missing="hold").outcome is Outcome.HOLD
    assert trained(missing="allow") == Decision(Outcome.ALLOW, (Reason.OK,), (Reason.TRAINING_MISSING,))
    assert denied(trained(over, missing="allow")) is Reason.TRAINING_EXPIRED


def window(start: str, until: str, **changes: Any) -> ScheduleWindow:
    return ScheduleWindow.model_validate({"from": start, "until": until} | changes)


def allowed_at(local: datetime, *windows: ScheduleWindow, **changes: Any) -> bool:
    context = before_the_gate(**(changes | {"now": local, "timezone": local.tzinfo}))
    return decide(context, PolicySettings(schedule=windows)).outcome is Outcome.ALLOW


def test_a_schedule_counts_local_time_from_its_start_to_just_before_its_end() -> None:
    day = window("06:00", "18:00")
    assert not allowed_at(datetime(2026, 5, 4, 5, 59, 59, 999_999, tzinfo=SHANGHAI), day)
    assert allowed_at(datetime(2026, 5, 4, 6, 0, tzinfo=SHANGHAI), day)
    assert not allowed_at(datetime(2026, 5, 4, 18, 0, tzinfo=SHANGHAI), day)


def test_a_window_past_midnight_belongs_to_the_day_it_starts() -> None:
    night = window("22:00", "05:00", days=["mon"])
    assert allowed_at(datetime(2026, 5, 4, 23, 0, tzinfo=SHANGHAI), night)
    assert allowed_at(datetime(2026, 5, 5, 4, 59, tzinfo=SHANGHAI), night)
    assert not allowed_at(datetime(2026, 5, 5, 5, 0, tzinfo=SHANGHAI), night)
    assert not allowed_at(datetime(2026, 5, 4, 4, 0, tzinfo=SHANGHAI), night)
    sunday = window("22:00", "05:00", days=["sun"])
    assert allowed_at(datetime(2026, 5, 4, 4, 0, tzinfo=SHANGHAI), sunday)


def test_equal_ends_mean_the_whole_day_and_only_the_named_days() -> None:
    monday = window("00:00", "00:00", days=["mon"])
    assert allowed_at(datetime(2026, 5, 4, 0, 0, tzinfo=SHANGHAI), monday)
    assert allowed_at(datetime(2026, 5, 4, 23, 59, tzinfo=SHANGHAI), monday)
    assert not allowed_at(datetime(2026, 5, 5, 0, 0, tzinfo=SHANGHAI), monday)


def test_a_team_that_no_window_names_stays_out_and_a_direction_without_windows_is_free() -> None:
    noon = datetime(2026, 5, 4, 12, 0, tzinfo=SHANGHAI)
    steel = window("06:00", "18:00", teams=["steel"])
    assert allowed_at(noon, steel, worker=a_worker(team="steel"))
    assert not allowed_at(noon, steel, worker=a_worker(team="concrete"))
    way_out = PolicySettings(schedule=(steel,), out_rules=("registered", "schedule"))
    assert decide(before_the_gate(direction=Direction.OUT), way_out).outcome is Outcome.ALLOW


def test_daylight_saving_time_is_read_off_the_wall_clock() -> None:
    early = window("02:15", "02:45")
    spring = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)
    skipped = [
        allowed_at((spring + timedelta(minutes=minute)).astimezone(BERLIN), early)
        for minute in range(0, 180, 5)
    ]
    assert not any(skipped)
    autumn = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 for the first time
    for instant in (autumn, autumn + timedelta(hours=1)):
        assert allowed_at(instant.astimezone(BERLIN), early)


@pytest.mark.parametrize(
    ("mode", "verdict", "outcome", "reason", "notices"),
    [
        ("off", "spoof", Outcome.ALLOW, Reason.OK, ()),
        ("observe", "live", Outcome.ALLOW, Reason.OK, ()),
        ("observe", "spoof", Outcome.ALLOW, Reason.OK, (Reason.LIVENESS_FAILED,)),
        ("observe", "not_checked", Outcome.ALLOW, Reason.OK, (Reason.LIVENESS_NOT_CHECKED,)),
        ("required", "live", Outcome.ALLOW, Reason.OK, ()),
        ("required", "spoof", Outcome.DENY, Reason.LIVENESS_FAILED, ()),
        ("required", "not_checked", Outcome.HOLD, Reason.LIVENESS_NOT_CHECKED, ()),
    ],
)
def test_liveness_decides_only_where_it_is_required(
    mode: str, verdict: str, outcome: Outcome, reason: Reason, notices: tuple[Reason, ...]
) -> None:
    settings = LivenessSettings.model_validate({"mode": mode})
    decision = decide(before_the_gate(liveness=verdict, liveness_settings=settings), PolicySettings())
    assert decision == Decision(outcome, (reason,), notices)


def test_a_missing_liveness_check_that_is_let_pass_leaves_a_notice() -> None:
    lenient = LivenessSettings(mode="required", when_missing="allow")
    context = before_the_gate(liveness="not_checked", liveness_settings=lenient)
    decision = decide(context, PolicySettings())
    assert decision == Decision(Outcome.ALLOW, (Reason.OK,), (Reason.LIVENESS_NOT_CHECKED,))


def test_an_untrusted_clock_and_an_old_roster_follow_their_named_policy() -> None:
    context = before_the_gate(clock_trusted=False, roster_age_s=4 * 86_400.0)
    both = (Reason.CLOCK_UNTRUSTED, Reason.ROSTER_TOO_OLD)
    assert decide(context, PolicySettings()) == Decision(Outcome.ALLOW, (Reason.OK,), both)
    strict = PolicySettings(clock_untrusted="hold", roster_too_old="deny")
    assert decide(context, strict) == Decision(Outcome.DENY, both[::-1])


def test_a_roster_is_too_old_only_after_its_limit_and_a_local_one_never() -> None:
    strict = PolicySettings(max_roster_age_h=1, roster_too_old="deny")
    for age_s, outcome in ((None, Outcome.ALLOW), (3600.0, Outcome.ALLOW), (3600.1, Outcome.DENY)):
        assert decide(before_the_gate(roster_age_s=age_s), strict).outcome is outcome


def test_nobody_registered_is_locked_in_but_the_guard_is_told() -> None:
    worker = a_worker(
        site_ids=("other",),
        status=WorkerStatus.BLOCKED,
        grant_until=NOW,
        clearances=(),
        flags=(Flag(level=FlagLevel.BLOCK),),
    )
    night = PolicySettings(schedule=(window("06:00", "06:01", direction=None),))
    decision = decide(before_the_gate(worker, direction=Direction.OUT, liveness="spoof"), night)
    assert decision == Decision(Outcome.ALLOW, (Reason.OK,), (Reason.FLAG_BLOCK,))


def test_another_face_in_the_zone_is_noted_and_changes_nothing() -> None:
    decision = decide(before_the_gate(tailgating=1), PolicySettings())
    assert decision == Decision(Outcome.ALLOW, (Reason.OK,), (Reason.TAILGATING,))


def test_the_most_serious_reason_comes_first_whatever_the_order_of_the_rules() -> None:
    worker = a_worker(clearances=(), flags=(Flag(level=FlagLevel.HOLD), Flag(level=FlagLevel.BLOCK)))
    expected = (Reason.FLAG_BLOCK, Reason.TRAINING_MISSING, Reason.FLAG_HOLD)
    for rules in (("registered", "training", "flags"), ("flags", "training", "registered")):
        settings = PolicySettings.model_validate({"rules": rules})
        assert decide(before_the_gate(worker), settings).reasons == expected


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ({"rules": ["registered", "weather"]}, "Input should be"),
        ({"rules": ["site"]}, "open for anybody"),
        ({"out_rules": []}, "open for anybody"),
        ({"rules": ["registered", "site", "site"]}, "named twice: site"),
        ({"rules": ["registered"], "schedule": [{"from": "06:00"}]}, "neither rules nor out_rules"),
    ],
)
def test_an_unknown_rule_or_a_contradiction_is_refused(section: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        PolicySettings.model_validate(section)


def test_required_liveness_that_no_rule_looks_at_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"does not name the rule liveness"):
        Settings.model_validate({"liveness": {"mode": "required"}, "policy": {"rules": ["registered"]}})


def test_a_time_without_zone_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="aware"):
        before_the_gate(now=datetime(2026, 5, 4, 2, 0))  # noqa: DTZ001


def test_a_schedule_reads_times_as_written() -> None:
    assert window("06:30", "18:00").start == time(6, 30)
