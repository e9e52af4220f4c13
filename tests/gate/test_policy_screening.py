"""Pass, clearances, declaration, temperature, capacity, age and rest, and configs that cannot be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gate.decision import Decision
from gate.policy import decide
from gate.policy_facts import Context, Measured, Passed, Screened
from gate.reasons import Reason
from gate.screening_settings import RequiredClearance
from gate.settings import PolicySettings, RuleName, Settings
from sync.health_pass import flags_of
from sync.records import Clearance, Direction, Flag, FlagLevel, Outcome, Worker
from sync.screening.pass_rules import shipped_pass_rules
from tests.gate.test_policy import BERLIN, NOW, SHANGHAI, TICK, a_worker, before_the_gate

TRANSITIONS = {one.cause: one.transition for one in shipped_pass_rules().causes}
IN, OUT = Direction.IN, Direction.OUT
MEDICAL = RequiredClearance(kind="medical", name="体检", name_en="medical exam", where="医务室")


def policy(*rules: RuleName, **changes: Any) -> PolicySettings:
    return PolicySettings.model_validate({"rules": ("registered", *rules), **changes})


def told(decision: Decision) -> tuple[Outcome, Reason]:
    return decision.outcome, (*decision.notices, *decision.reasons)[0]


def facing(worker: Worker | None = None, **screened: Any) -> Context:
    return before_the_gate(worker, screened=Screened(**screened))


def coloured(cause: str, *, days_ago: float = 0.0) -> Worker:
    return a_worker(
        flags=flags_of(cause, NOW - timedelta(days=days_ago), entry_id="e", transitions=TRANSITIONS)
    )


@pytest.mark.parametrize(
    ("yellow", "lane", "expected"),
    [
        ({"yellow": "hold"}, "lane-1", (Outcome.HOLD, Reason.PASS_YELLOW)),
        ({"yellow": "mask"}, "lane-1", (Outcome.HOLD, Reason.PASS_YELLOW_MASK)),
        ({"yellow": "allow"}, "lane-1", (Outcome.ALLOW, Reason.PASS_YELLOW)),
        ({"yellow": "deny"}, "lane-1", (Outcome.DENY, Reason.PASS_YELLOW_LANE)),
        ({"yellow": "lanes", "yellow_lanes": ["lane-2"]}, "lane-1", (Outcome.DENY, Reason.PASS_YELLOW_LANE)),
        ({"yellow": "lanes", "yellow_lanes": ["lane-2"]}, "lane-2", (Outcome.ALLOW, Reason.PASS_YELLOW)),
    ],
)
def test_yellow_means_what_is_configured(
    yellow: dict[str, object], lane: str, expected: tuple[Outcome, Reason]
) -> None:
    context = replace(before_the_gate(coloured("affected_area")), lane_id=lane)
    assert told(decide(context, policy("flags", "pass_colour", pass_colour=yellow))) == expected


def test_red_is_refused_to_the_last_instant_and_a_list_of_rules_from_before_obeys_it_too() -> None:
    contact = coloured("contact")
    last = replace(before_the_gate(contact), now=NOW + timedelta(days=14) - TICK)
    assert told(decide(last, policy("pass_colour"))) == (Outcome.DENY, Reason.PASS_RED)
    assert told(decide(last, policy("flags"))) == (Outcome.DENY, Reason.FLAG_BLOCK)
    over = replace(last, now=last.now + TICK)
    assert decide(over, policy("flags", "pass_colour")) == Decision(Outcome.ALLOW, (Reason.OK,))


def test_a_yellow_ends_after_its_hours_also_where_the_clocks_change_meanwhile() -> None:
    # Berlin, 2026-10-25: at three in the morning it is two again. Seven days from noon end at eleven.
    noon = datetime(2026, 10, 20, 12, 0, tzinfo=BERLIN)
    worker = a_worker(flags=flags_of("affected_area", noon, entry_id="e", transitions=TRANSITIONS))
    last = datetime(2026, 10, 27, 11, 0, tzinfo=BERLIN) - TICK

    def at(moment: datetime) -> Decision:
        return decide(replace(before_the_gate(worker), now=moment, timezone=BERLIN), policy("pass_colour"))

    assert told(at(last)) == (Outcome.HOLD, Reason.PASS_YELLOW)
    assert at(last + TICK).outcome is Outcome.ALLOW
    assert at((last + TICK).astimezone(UTC)) == at((last + TICK).astimezone(SHANGHAI))


def test_a_rest_over_the_repeated_hour_has_all_its_minutes() -> None:
    hot = datetime(2026, 10, 25, 0, 55, tzinfo=UTC)  # 02:55 in Berlin, five minutes before it is two again
    seen = Screened(measured=Measured(36.5), hot_at=(hot,))
    for minutes, expected in ((9, Reason.TEMPERATURE_REST), (10, Reason.OK)):
        now = hot + timedelta(minutes=minutes)
        context = replace(before_the_gate(screened=seen), now=now, timezone=BERLIN)
        decision = decide(context, policy("temperature"))
        assert decision.reasons == (expected,), minutes
        assert [hint.note for hint in decision.hints] == ["rest until 02:05"] * (minutes < 10)


def test_an_entry_of_a_list_counts_beside_the_colour() -> None:
    both = coloured("affected_area")
    both = both.model_copy(update={"flags": (*both.flags, Flag(level=FlagLevel.BLOCK))})
    settings = policy("flags", "pass_colour", pass_colour={"yellow": "allow"})
    assert decide(before_the_gate(both), settings).reasons == (Reason.FLAG_BLOCK,)


def test_where_a_green_is_needed_an_expired_one_is_none() -> None:
    settings = policy("pass_colour", pass_colour={"green": "deny"})
    green = a_worker(clearances=(Clearance(kind="pass-green", valid_until=NOW),))
    assert told(decide(before_the_gate(green), settings)) == (Outcome.DENY, Reason.PASS_NOT_GREEN)
    before = replace(before_the_gate(green), now=NOW - TICK)
    assert decide(before, settings).outcome is Outcome.ALLOW


def test_a_missing_clearance_is_named_with_the_place_where_it_is_to_be_had() -> None:
    decision = decide(before_the_gate(), policy("clearances", clearances=[MEDICAL]))
    assert told(decision) == (Outcome.DENY, Reason.CLEARANCE_MISSING)
    (hint,) = decision.hints
    assert (hint.text.zh, hint.next_step.zh) == ("缺少证明：体检", "请到医务室办理")
    assert hint.note == "clearance_missing medical"


def test_a_clearance_expires_at_the_instant_and_its_end_is_told_days_before() -> None:
    until = NOW + timedelta(days=7)
    held = a_worker(clearances=(Clearance(kind="medical", valid_until=until),))
    settings = policy("clearances", clearances=[MEDICAL])

    def at(moment: datetime) -> Decision:
        return decide(replace(before_the_gate(held), now=moment), settings)

    warned = until - timedelta(days=14)
    assert at(warned - TICK).notices == ()
    soon = at(warned)
    assert (soon.outcome, soon.notices) == (Outcome.ALLOW, (Reason.CLEARANCE_ENDS_SOON,))
    assert soon.hints[0].text.zh == "体检5月11日到期"
    assert soon.hints[0].note == "clearance_ends_soon medical until 2026-05-11T10:00+08:00"
    assert told(at(until)) == (Outcome.DENY, Reason.CLEARANCE_EXPIRED)
    assert at(until).hints[0].note == "clearance_expired medical until 2026-05-11T10:00+08:00"
    coming = a_worker(clearances=(*held.clearances, Clearance(kind="medical", valid_from=until + TICK)))
    (begins,) = decide(replace(before_the_gate(coming), now=until), settings).hints
    assert begins.note == "clearance_not_yet medical from 2026-05-11T10:00+08:00"


def test_only_the_teams_and_trades_that_need_a_clearance_are_asked() -> None:
    settings = policy("clearances", clearances=[MEDICAL.model_copy(update={"trades": ("welder",)})])
    assert decide(before_the_gate(a_worker(trade="mason")), settings).outcome is Outcome.ALLOW
    assert decide(before_the_gate(a_worker(trade="welder")), settings).outcome is Outcome.DENY


def test_a_normal_temperature_stands_for_the_declaration_only_where_that_is_configured() -> None:
    warm, unread = facing(measured=Measured(36.6)), facing(measured=Measured(None, "no reading in time"))
    counts = policy("declaration", declaration={"temperature_counts": True})
    assert decide(warm, counts).outcome is Outcome.ALLOW
    assert told(decide(unread, counts)) == (Outcome.DENY, Reason.DECLARATION_MISSING)
    assert told(decide(warm, policy("declaration"))) == (Outcome.DENY, Reason.DECLARATION_MISSING)
    declared = a_worker(clearances=(Clearance(kind="declaration", valid_until=NOW + TICK),))
    assert decide(before_the_gate(declared), policy("declaration")).outcome is Outcome.ALLOW


def test_a_fever_rests_is_measured_again_and_then_goes_to_the_medic() -> None:
    settings = policy("temperature", temperature={"missing": "allow"})
    assert told(decide(facing(measured=Measured(37.3)), settings)) == (Outcome.DENY, Reason.TEMPERATURE_HIGH)
    hot = (NOW - timedelta(minutes=10) + TICK,)
    early = decide(facing(measured=Measured(36.5), hot_at=hot), settings)
    assert told(early) == (Outcome.DENY, Reason.TEMPERATURE_REST)
    assert early.hints[0].next_step.zh == "请在阴凉处休息，10:00 后再测"
    rested = (NOW - timedelta(minutes=10),)
    assert decide(facing(measured=Measured(36.5), hot_at=rested), settings).outcome is Outcome.ALLOW
    again = decide(facing(measured=Measured(37.9), hot_at=rested), settings)
    assert told(again) == (Outcome.DENY, Reason.TEMPERATURE_HIGH_AGAIN)
    unread = decide(facing(measured=Measured(None), hot_at=rested), settings)
    assert told(unread) == (Outcome.HOLD, Reason.TEMPERATURE_MISSING)


@pytest.mark.parametrize("missing", ["allow", "hold", "deny"])
def test_no_reading_follows_the_named_policy(missing: str) -> None:
    settings = policy("temperature", temperature={"missing": missing})
    decision = decide(facing(measured=Measured(None, "no reading in time")), settings)
    assert told(decision) == (Outcome(missing), Reason.TEMPERATURE_MISSING)


def test_a_full_site_lets_nobody_new_in() -> None:
    settings = policy("capacity", capacity={"people": 10})
    assert decide(facing(inside=9), settings).outcome is Outcome.ALLOW
    assert told(decide(facing(inside=10), settings)) == (Outcome.DENY, Reason.SITE_FULL)
    counted = facing(inside=10, passages=(Passed(IN, NOW - timedelta(hours=1)),))
    assert decide(counted, settings).outcome is Outcome.ALLOW


def test_nobody_comes_in_twice_but_a_second_try_at_once_is_none() -> None:
    settings = policy("anti_passback")
    for ago, expected in ((30, Outcome.ALLOW), (60, Outcome.HOLD), (16 * 3600, Outcome.ALLOW)):
        entered = (Passed(IN, NOW - timedelta(seconds=ago)),)
        assert decide(facing(passages=entered), settings).outcome is expected, ago
    left = (Passed(IN, NOW - timedelta(hours=2)), Passed(OUT, NOW - timedelta(hours=1)))
    assert decide(facing(passages=left), settings).outcome is Outcome.ALLOW


def test_age_counts_full_years_on_the_local_day() -> None:
    # Ten in the morning of the fourth of May in Shanghai.
    for born, expected in (
        (date(2008, 5, 4), Outcome.ALLOW),
        (date(2008, 5, 5), Outcome.DENY),
        (date(1965, 5, 5), Outcome.ALLOW),
        (date(1965, 5, 4), Outcome.DENY),
    ):
        assert decide(facing(born_on=born), policy("age")).outcome is expected, born
    assert told(decide(facing(), policy("age"))) == (Outcome.ALLOW, Reason.AGE_UNKNOWN)


def hours_ago(*passages: tuple[Direction, float]) -> tuple[Passed, ...]:
    return tuple(Passed(direction, NOW - timedelta(hours=hours)) for direction, hours in passages)


@pytest.mark.parametrize(
    ("passages", "expected"),
    [
        (hours_ago((IN, 15), (OUT, 2)), Outcome.HOLD),
        (hours_ago((IN, 21), (OUT, 8)), Outcome.ALLOW),
        (hours_ago((IN, 15), (OUT, 10), (IN, 9), (OUT, 2)), Outcome.HOLD),
        (hours_ago((IN, 5), (OUT, 1)), Outcome.ALLOW),
        (hours_ago((IN, 29), (IN, 5), (OUT, 1)), Outcome.ALLOW),  # the first exit went by another gate
        ((), Outcome.ALLOW),
    ],
)
def test_after_a_long_shift_comes_a_rest(passages: tuple[Passed, ...], expected: Outcome) -> None:
    assert decide(facing(passages=passages), policy("rest_time")).outcome is expected


SCREENING: tuple[RuleName, ...] = (
    "pass_colour", "clearances", "declaration", "temperature",
    "capacity", "anti_passback", "age", "rest_time",
)  # fmt: skip
passages = st.lists(
    st.builds(
        Passed, st.sampled_from(Direction), st.integers(0, 100).map(lambda n: NOW - timedelta(hours=n))
    ),
    max_size=6,
).map(lambda found: tuple(sorted(found, key=lambda one: one.at)))
screens = st.builds(
    Screened,
    measured=st.none() | st.builds(Measured, st.none() | st.floats(34, 42)),
    passages=passages,
    hot_at=st.lists(st.integers(0, 2000).map(lambda n: NOW - timedelta(minutes=n)), max_size=2).map(
        lambda found: tuple(sorted(found))
    ),
    inside=st.none() | st.integers(0, 200),
    born_on=st.none() | st.dates(date(1930, 1, 1), date(2026, 1, 1)),
)


@given(screens, st.sampled_from(("contact", "affected_area")))
def test_on_the_way_out_nobody_is_kept_in_by_any_of_these_rules(screened: Screened, cause: str) -> None:
    settings = PolicySettings(
        rules=("registered", *SCREENING),
        out_rules=("registered", *SCREENING),
        clearances=(MEDICAL,),
        capacity={"people": 100},  # type: ignore[arg-type]
    )
    context = replace(before_the_gate(coloured(cause)), direction=OUT, screened=screened)
    assert decide(context, settings).outcome is Outcome.ALLOW


@given(screens, st.floats(37.3, 43))
def test_a_fever_never_gets_in(screened: Screened, celsius: float) -> None:
    context = replace(before_the_gate(), screened=replace(screened, measured=Measured(celsius)))
    for missing in ("allow", "hold", "deny"):
        settings = policy("temperature", temperature={"missing": missing})
        assert decide(context, settings).outcome is Outcome.DENY


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pass_colour": {"yellow": "lanes"}}, "a yellow pass would never get in"),
        ({"pass_colour": {"yellow_lanes": ["lane-1"]}}, "yellow is hold"),
        ({"clearances": [{"kind": "medical"}]}, "neither rules nor out_rules name the rule clearances"),
        ({"rules": ["registered", "clearances"]}, "the list clearances is empty"),
        ({"rules": ["registered", "capacity"]}, "capacity.people is empty"),
        ({"capacity": {"people": 5}}, "name the rule capacity"),
        ({"temperature": {"limit_c": 38.0}}, "name the rule temperature: it would do nothing"),
        ({"rules": ["registered"], "pass_colour": {"green": "deny"}}, "name the rule pass_colour"),
        ({"age": {"min_years": 61}}, "nobody would get in"),
        (
            {
                "rules": ["registered", "training", "clearances"],
                "clearances": [{"kind": "training", "missing": "hold"}],
            },
            "training is judged twice: the rule training says deny where it is missing, clearances says hold",
        ),
        (
            {
                "rules": ["registered", "declaration", "clearances"],
                "clearances": [{"kind": "declaration", "missing": "allow"}],
            },
            "declaration is judged twice: the rule declaration says deny",
        ),
        (
            {
                "rules": ["registered", "clearances"],
                "clearances": [{"kind": "a", "missing": "hold"}, {"kind": "a", "missing": "deny"}],
            },
            "a is asked for twice, missing: hold and missing: deny",
        ),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused_with_the_reason(
    changes: dict[str, object], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        PolicySettings.model_validate(changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pass_colour": {"yellow": "lanes", "yellow_lanes": ["lane-9"]}}, "lane-9, which is no lane here"),
        ({"pass_colour": {"yellow": "lanes", "yellow_lanes": ["way-out"]}}, "only lanes that lead out"),
        ({"rules": ["registered", "temperature"]}, "lane-1 has no thermometer: nobody would get in there"),
        (
            {"rules": ["registered", "declaration"], "declaration": {"temperature_counts": True}},
            "does not name temperature",
        ),
    ],
)
def test_a_policy_that_does_not_fit_the_lanes_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Settings.model_validate({"policy": changes, "lanes": [{}, {"id": "way-out", "direction": "out"}]})
    fitting = {"rules": ["registered", "temperature"]}
    Settings.model_validate({"policy": fitting, "lanes": [{"thermometer": {"driver": "simulated"}}]})
