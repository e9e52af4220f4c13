"""Rules of alerts, what may follow what, deadlines and the rate of messages: no clock, no database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.alerting import (
    FOLLOWS,
    AlertRule,
    AlertRulesInvalid,
    Level,
    Life,
    State,
    StepKind,
    missing,
    read_rules,
    shipped_rules,
    told,
)
from sync.alerting.sending import RETRY_LONGEST, Move, next_move, retry_after

T0 = datetime(2026, 3, 2, tzinfo=UTC)
RULES = shipped_rules()
GOOD = """
profile: p
version: 1
measures: [{measure_id: m, zh: 措施, en: Measure}, {measure_id: n, zh: 其他, en: Other}]
ladders: {usual: {sub_district: 5, district: 10}}
rules:
  - {rule_id: r, zh: 规则, en: Rule, severity: high, acknowledge_min: 5, close_min: 10,
     offers: [m], ladder: usual}
"""

rules = st.sampled_from(RULES.rules)
minutes = st.integers(min_value=0, max_value=30 * 24 * 60)


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ("close_min: 10", "close_min: 4", "rules.0: .*closed before"),
        ("offers: [m]", "offers: [m], one_of: [n]", "rules.0: .*does not offer: n"),
        ("offers: [m]", "offers: [m], all_of: [m], one_of: [m]", "rules.0: .*both name m"),
        ("offers: [m]", "offers: [x]", "the file as a whole: .*r: .*not listed: x"),
        ("ladder: usual", "ladder: none", "the file as a whole: .*r: there is no ladder none"),
        ("district: 10", "district: 1", "ladders.usual: .*before the sub-district"),
        ("measure_id: n", "measure_id: m", "the same measure_id twice: m"),
        ("severity: high", "severity: huge", "rules.0.severity"),
        ("rules:", "rules: [", "is no YAML"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused_with_its_place(
    tmp_path: Path, before: str, after: str, place: str
) -> None:
    file = tmp_path / "alert-rules.yaml"
    file.write_text(GOOD, encoding="utf-8")
    assert read_rules(file).rule("r") is not None
    file.write_text(GOOD.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(AlertRulesInvalid, match=place) as refused:
        read_rules(file)
    assert str(file) in str(refused.value)


@given(rule=rules, state=st.sampled_from(list(State)), first=minutes, later=minutes)
def test_who_was_told_stays_told_and_the_next_moment_is_the_one_at_which_it_changes(
    rule: AlertRule, state: State, first: int, later: int
) -> None:
    life = Life(state, T0)
    at = T0 + timedelta(minutes=first)
    level, next_at = told(RULES, rule, life, at)
    after, _ = told(RULES, rule, life, at + timedelta(minutes=later))
    assert after.rank >= level.rank
    if state is State.CLOSED:
        assert (level, next_at) == (Level.SITE, None)
    if next_at is not None:
        assert next_at > at
        assert told(RULES, rule, life, next_at)[0].rank > level.rank
        assert told(RULES, rule, life, next_at - timedelta(microseconds=1))[0] is level


@given(steps=st.lists(st.sampled_from([kind for _, kind in FOLLOWS])))
def test_whatever_officers_try_nothing_is_closed_before_it_was_acknowledged(steps: list[StepKind]) -> None:
    state, done = State.OPEN, list[StepKind]()
    for kind in steps:
        if (state, kind) in FOLLOWS:
            state = FOLLOWS[state, kind]
            done.append(kind)
        if state is State.CLOSED:
            assert {StepKind.ACKNOWLEDGED, StepKind.MEASURE} & set(done)
            assert {kind for at, kind in FOLLOWS if at is State.CLOSED} == {StepKind.REOPENED}


@given(rule=rules, noted=st.sets(st.sampled_from([one.measure_id for one in RULES.measures])))
def test_closing_waits_for_exactly_the_measures_that_the_rule_asks_for(
    rule: AlertRule, noted: set[str]
) -> None:
    all_of, one_of = missing(rule, noted)
    assert set(all_of) == set(rule.all_of) - noted
    assert (one_of == ()) is (not rule.one_of or bool(set(rule.one_of) & noted))
    assert missing(rule, {*noted, *all_of, *one_of[:1]}) == ((), ())


@given(
    arrivals=st.lists(st.integers(min_value=0, max_value=40), min_size=1, max_size=12),
    burst=st.integers(min_value=1, max_value=8),
)
def test_however_much_comes_a_window_never_has_more_messages_and_all_of_it_is_told(
    arrivals: list[int], burst: int
) -> None:
    waiting = told_of = 0
    for window in (*arrivals, *[0] * (len(arrivals) + 1)):
        sent = 0
        waiting += window
        while (move := next_move(waiting, sent=sent, burst=burst)) is not Move.WAIT:
            taken = waiting if move is Move.TOGETHER else 1
            waiting, told_of, sent = waiting - taken, told_of + taken, sent + 1
        assert sent <= burst
    assert (waiting, told_of) == (0, sum(arrivals))


def test_a_channel_that_fails_is_tried_ever_more_rarely_but_for_ever() -> None:
    waits = [retry_after(failures) for failures in range(1, 400)]
    assert waits == sorted(waits)
    assert waits[0] == timedelta(seconds=10)
    assert waits[-1] == RETRY_LONGEST
