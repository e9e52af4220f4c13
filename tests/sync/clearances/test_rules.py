"""Who needs what, how long it holds, and that console and gate say the same about it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.decision import Hint
from gate.policy_facts import Context
from gate.policy_screening import clearances as gate_rule
from gate.reasons import Reason
from gate.screening_settings import RequiredClearance
from gate.settings import LivenessSettings, PolicySettings
from sync.clearance_rules import (
    ClearanceRules,
    Kind,
    Person,
    Result,
    RulesInvalid,
    State,
    day_of,
    end_of_day,
    read_rules,
    shipped_rules,
    standing,
    valid_until,
    with_results,
)
from sync.clearances import longest_clearances
from sync.records import Clearance, Direction, Worker

SHIPPED = shipped_rules()
SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)
WARN_DAYS = 7.0
SAID = {
    Reason.CLEARANCE_MISSING: State.MISSING,
    Reason.CLEARANCE_EXPIRED: State.EXPIRED,
    Reason.CLEARANCE_NOT_YET: State.NOT_YET,
    Reason.CLEARANCE_ENDS_SOON: State.ENDS_SOON,
}

moments = st.none() | st.integers(-30 * 24, 30 * 24).map(lambda hours: NOW + timedelta(hours=hours))
windows = st.builds(
    Clearance, kind=st.sampled_from(["test", "medical"]), valid_from=moments, valid_until=moments
)


def test_the_shipped_profile_says_who_needs_what() -> None:
    assert SHIPPED.needed(Person("W-1", "木工二班", "木工"), "site-a") == ("training",)
    assert SHIPPED.needed(Person("W-2", "", "电工"), "site-a") == ("training", "permit")
    assert [kind.kind for kind in SHIPPED.with_results] == ["test", "medical", "permit", "contract"]


@pytest.mark.parametrize(
    ("text", "result"),
    [("阴性", "negative"), (" 阴 性 ", "negative"), ("－", "negative"), ("(-)", "negative"),
     ("NEG", "negative"),
     ("＋", "positive"), ("（＋）", "positive"), ("检出", "positive"), ("未检出", "negative"),
     ("可疑", "unclear"),
     ("", None), ("阴", None), ("negativ", None)],
)  # fmt: skip
def test_a_laboratorys_words_are_read_or_not_understood(text: str, result: str | None) -> None:
    kind = SHIPPED.kind("test")
    assert kind is not None
    found = kind.read(text)
    assert (found.result if found else None) == result


@given(st.lists(windows, max_size=4))
def test_the_console_says_what_the_gate_says(held: list[Clearance]) -> None:
    needed = RequiredClearance(kind="test", missing="deny", warn_days=WARN_DAYS)
    worker = Worker(worker_id="W-1", name="示例", site_ids=("site-a",), clearances=tuple(held))
    context = Context(
        site_id="site-a",
        lane_id="lane",
        direction=Direction.IN,
        now=NOW,
        timezone=SHANGHAI,
        worker=worker,
        liveness_settings=LivenessSettings(),
    )
    found = gate_rule(context, PolicySettings(rules=("registered", "clearances"), clearances=(needed,)))
    at_the_gate = SAID[found[0].reason] if found else State.HOLDS
    assert standing("test", WARN_DAYS, held, NOW).state is at_the_gate
    assert all(isinstance(one.hint, Hint) for one in found)


@given(
    st.integers(-500 * 24 * 60, 500 * 24 * 60),
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"]),
    st.integers(0, 400),
)
def test_days_end_with_the_day_at_the_site_whatever_clocks_do(
    minutes: int, zone_name: str, days: int
) -> None:
    zone = ZoneInfo(zone_name)
    done_at = NOW + timedelta(minutes=minutes)
    kind = Kind(kind="x", zh="示例", en="sample", holds_days=days, warn_days=0)
    until = valid_until(kind, done_at, zone)
    assert until is not None
    assert until.astimezone(zone).time() == time()
    assert day_of(until, zone) == day_of(done_at, zone) + timedelta(days=days + 1)
    held = [Clearance(kind="x", valid_from=done_at, valid_until=until)]
    just_before = (until.astimezone(UTC) - timedelta(microseconds=1)).astimezone(zone)
    assert standing("x", 0, held, just_before).state is State.HOLDS
    assert standing("x", 0, held, until).state is State.EXPIRED
    assert standing("x", 0, held, done_at - timedelta(microseconds=1)).state is State.NOT_YET


def test_a_day_of_23_hours_and_48_real_hours() -> None:
    spring = datetime(2026, 3, 28, 12, 0, tzinfo=BERLIN)  # the clocks go forward in the night to the 29th
    assert end_of_day(date(2026, 3, 29), BERLIN) - end_of_day(date(2026, 3, 28), BERLIN) == timedelta(days=1)
    begin, end = (end_of_day(date(2026, 3, day), BERLIN).astimezone(UTC) for day in (28, 29))
    assert end - begin == timedelta(hours=23)
    hours = Kind(kind="x", zh="示例", en="sample", holds_hours=48, warn_days=1)
    until = valid_until(hours, spring.astimezone(UTC), BERLIN)
    assert until is not None
    assert until.astimezone(BERLIN).hour == 13
    assert valid_until(Kind(kind="x", zh="示例", en="sample"), spring, BERLIN) is None


GOOD = """
profile: sample
version: 1
kinds:
  - {kind: test, zh: 检测, en: T, holds_days: 7, warn_days: 1, results:
      [{result: fit, zh: 合, en: Fit, grants: true}]}
  - {kind: daily, zh: 申报, en: Daily, holds_days: 0, warn_days: 0}
required: [{kind: test, teams: [示例班]}]
order: {level: hold, category: due}
declaration: {kind: daily}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("holds_days: 7,", "holds_days: 7, holds_hours: 48,", "contradict each other"),
        ("warn_days: 1,", "warn_days: 8,", "always end soon"),
        ("grants: true", "grants: false", "nobody could ever have it"),
        ("grants: true", "grants: true, occurs: case", "grants and ends nothing"),
        ("{result: fit,", "{result: un, zh: 不, en: no, also: [Fit]}, {result: fit,", "written like another"),
        ("kind: daily}", "kind: other}", "no kind other"),
        ("{kind: test, teams", "{kind: other, teams", "not described: other"),
        ("required: [", "required: [{kind: test, teams: [示例班]}, ", "required twice"),
        ("{kind: daily,", "{kind: test,", "described twice"),
        ("version: 1", "version: 1\nmore: 2", "Extra inputs"),
        ("kinds:", "kinds: [", "no YAML"),
    ],
)
def test_rules_that_contradict_themselves_are_refused_with_the_reason(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert isinstance(read_rules(path), ClearanceRules)
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(RulesInvalid, match=said):
        read_rules(path)


def test_an_order_of_one_site_and_team_concerns_nobody_else() -> None:
    rules = SHIPPED.model_copy(
        update={
            "required": (
                *SHIPPED.required,
                SHIPPED.required[0].model_copy(
                    update={"kind": "test", "sites": ("site-a",), "teams": ("示例班",), "workers": ("W-9",)}
                ),
            )
        }
    )
    assert "test" in rules.needed(Person("W-1", "示例班"), "site-a")
    assert "test" in rules.needed(Person("W-9", "别班"), "site-a")
    assert "test" not in rules.needed(Person("W-1", "示例班"), "site-b")
    assert "test" not in rules.needed(Person("W-1", "别班"), "site-a")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RulesInvalid, match="nowhere"):
        read_rules(tmp_path / "nowhere.yaml")


results = st.builds(
    Result,
    result_id=st.uuids().map(lambda one: one.hex),
    code=st.sampled_from(["negative", "positive", "unclear"]),
    done_at=st.integers(-30, 0).map(lambda days: NOW + timedelta(days=days)),
    valid_until=st.none() | st.integers(1, 30).map(lambda days: NOW + timedelta(days=days)),
)


@given(st.lists(results, max_size=5, unique_by=lambda one: one.done_at), st.randoms(), st.lists(windows))
def test_results_lead_to_the_same_in_whatever_order_and_however_often_they_come(
    found: list[Result], random: Random, others: list[Clearance]
) -> None:
    kind = SHIPPED.kind("test")
    assert kind is not None
    begun = [one for one in others if one.valid_from is None or one.valid_from <= NOW]
    held = longest_clearances((), begun)
    once = with_results(held, kind, found)
    shuffled = random.sample(found, len(found))
    assert with_results(once, kind, shuffled) == once
    assert [one for one in once if one.kind != "test"] == [one for one in held if one.kind != "test"]
    latest = max(found, key=lambda one: one.done_at, default=None)
    if latest is not None and latest.code != "negative":
        begins = [one.valid_from for one in once if one.kind == "test"]
        assert all(begin is not None and begin > latest.done_at for begin in begins)
    if latest is not None and latest.code == "negative":
        assert standing("test", 0, once, NOW).state.is_held
