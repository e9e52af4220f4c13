"""Declared and measured on the same day of the site: one clearance, made of both."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gate.decision import Decision
from gate.online_step import online_step
from gate.policy import Context, decide
from gate.policy_facts import Measured, Reading, Screened
from gate.reasons import Reason
from gate.screening import noted_temperature, readings, temperature_note
from gate.settings import PolicySettings, Settings
from sync.records import Clearance, Direction, Event, Method, Outcome
from tests.gate.test_policy import NOW, SHANGHAI, TICK, a_worker, before_the_gate

DAILY = {"rules": ["registered", "daily_clearance"]}
LANES = [{"id": "lane-1", "thermometer": {"driver": "simulated"}}]
LIMIT_C, REST = 37.3, timedelta(minutes=10)
NOT_DECLARED, NOT_MEASURED = Reason.DAILY_DECLARATION_MISSING, Reason.DAILY_TEMPERATURE_MISSING
DECLARED = Clearance(kind="declaration", valid_until=datetime(2026, 5, 5, tzinfo=SHANGHAI))
HOUR = timedelta(hours=1)
UNREAD = Measured(None, "no reading in time")


def policy(**changes: Any) -> PolicySettings:
    return PolicySettings.model_validate(DAILY | changes)


def facing(*, declared: bool = True, now: datetime = NOW, **screened: Any) -> Context:
    worker = a_worker(clearances=(DECLARED,) if declared else ())
    return replace(before_the_gate(worker), now=now, screened=Screened(**screened))


def told(decision: Decision) -> tuple[Outcome, tuple[Reason, ...]]:
    return decision.outcome, (*decision.reasons, *decision.notices)


def test_who_declared_and_is_measured_enters_and_for_another_the_missing_part_is_named() -> None:
    well = Measured(36.6)
    assert told(decide(facing(measured=well), policy())) == (Outcome.ALLOW, (Reason.OK,))
    undeclared = decide(facing(declared=False, measured=well), policy())
    assert told(undeclared) == (Outcome.DENY, (NOT_DECLARED,))
    assert told(decide(facing(measured=UNREAD), policy())) == (Outcome.HOLD, (NOT_MEASURED,))
    neither = decide(facing(declared=False, measured=UNREAD), policy())
    assert told(neither) == (Outcome.DENY, (NOT_DECLARED, NOT_MEASURED))


def test_without_the_declaration_the_code_leads_to_the_form() -> None:
    settings = Settings.model_validate(
        {"policy": DAILY, "lanes": LANES, "centre": {"web_url": "https://gates.example.org"}}
    )
    neither = decide(facing(declared=False, measured=UNREAD), settings.policy)
    step = online_step(settings, neither.reasons, neither.hints)
    assert step is not None
    assert step.address == "https://gates.example.org/m/declare?site=demo-site"
    unmeasured = decide(facing(measured=UNREAD), settings.policy)
    assert online_step(settings, unmeasured.reasons, unmeasured.hints) is None


def test_one_reading_holds_for_the_day_only_where_that_is_configured() -> None:
    later = facing(measured=UNREAD, readings=(Reading(36.5, NOW - 2 * HOUR),))
    assert decide(later, policy()).outcome is Outcome.ALLOW
    each = policy(daily_clearance={"reading": "entry"})
    assert told(decide(later, each)) == (Outcome.HOLD, (NOT_MEASURED,))


def test_each_part_is_missing_as_its_own_section_says_and_a_part_left_out_is_not_asked() -> None:
    lenient = policy(declaration={"missing": "hold"}, temperature={"missing": "allow"})
    neither = facing(declared=False, measured=UNREAD)
    assert told(decide(neither, lenient)) == (Outcome.HOLD, (NOT_DECLARED, NOT_MEASURED))
    for part, reason in (("declaration", NOT_DECLARED), ("temperature", NOT_MEASURED)):
        assert decide(neither, policy(daily_clearance={"parts": [part]})).reasons == (reason,)


def test_a_reading_above_the_limit_voids_the_day_until_a_normal_one_after_the_rest() -> None:
    before = (Reading(36.5, NOW - HOUR),)
    hot = decide(facing(measured=Measured(38.2), readings=before), policy())
    assert told(hot) == (Outcome.DENY, (Reason.TEMPERATURE_HIGH,))
    since: dict[str, Any] = {"readings": before, "hot_at": (NOW,)}
    allowing = policy(temperature={"missing": "allow"})

    def at(minutes: float, measured: Measured) -> tuple[Outcome, tuple[Reason, ...]]:
        context = facing(now=NOW + timedelta(minutes=minutes), measured=measured, **since)
        return told(decide(context, allowing))

    assert at(9.9, Measured(36.5)) == (Outcome.DENY, (Reason.TEMPERATURE_REST,))
    assert at(10, UNREAD) == (Outcome.HOLD, (NOT_MEASURED,))
    assert at(10, Measured(38.0)) == (Outcome.DENY, (Reason.TEMPERATURE_HIGH_AGAIN,))
    assert at(10, Measured(36.5)) == (Outcome.ALLOW, (Reason.OK,))
    # Let in with it: it counts again, until midnight.
    again = facing(now=NOW + HOUR, measured=UNREAD, readings=(*before, Reading(36.5, NOW + REST)))
    assert decide(again, policy()).outcome is Outcome.ALLOW


@pytest.mark.parametrize(
    ("zone", "read", "last"),
    [
        # Clocks go back at three: that Sunday has 25 hours.
        ("Europe/Berlin", "2026-10-24T22:00Z", "2026-10-25T23:00Z"),
        # And 23 hours here.
        ("Europe/Berlin", "2026-03-28T23:00Z", "2026-03-29T22:00Z"),
        # Midnight itself is skipped: the day begins at one.
        ("America/Sao_Paulo", "2018-11-04T03:00Z", "2018-11-05T02:00Z"),
        # Midnight is put off: the hour before it comes twice.
        ("America/Sao_Paulo", "2018-02-17T02:00Z", "2018-02-18T03:00Z"),
        ("Asia/Shanghai", "2026-05-03T16:00Z", "2026-05-04T16:00Z"),
    ],
)
def test_a_reading_holds_from_one_midnight_of_the_site_to_the_next(zone: str, read: str, last: str) -> None:
    begins, ends = datetime.fromisoformat(read), datetime.fromisoformat(last)
    forever = Clearance(kind="declaration")

    def outcome(taken: datetime, now: datetime) -> Outcome:
        context = replace(
            before_the_gate(a_worker(clearances=(forever,))),
            now=now,
            timezone=ZoneInfo(zone),
            screened=Screened(measured=UNREAD, readings=(Reading(36.5, taken),)),
        )
        return decide(context, policy()).outcome

    assert outcome(begins, ends - TICK) is Outcome.ALLOW
    assert outcome(begins - TICK, ends - TICK) is Outcome.HOLD
    assert outcome(begins, ends) is Outcome.HOLD


def test_a_night_shift_that_goes_on_past_midnight_leaves_freely_and_needs_both_to_come_back() -> None:
    midnight = datetime.combine(NOW.astimezone(SHANGHAI).date() + timedelta(days=1), time(), SHANGHAI)
    evening = (Reading(36.5, midnight - 2 * HOUR),)
    both_ways = policy(out_rules=["registered", "daily_clearance"])
    after = facing(now=midnight + TICK, measured=UNREAD, readings=evening)
    assert decide(replace(after, direction=Direction.OUT), both_ways).outcome is Outcome.ALLOW
    assert told(decide(after, both_ways)) == (Outcome.DENY, (NOT_DECLARED, NOT_MEASURED))
    assert decide(facing(now=midnight - TICK, measured=UNREAD, readings=evening), both_ways).outcome is (
        Outcome.ALLOW
    )


moments = st.integers(-3 * 24 * 60, 0).map(lambda minutes: NOW + timedelta(minutes=minutes))
screens = st.builds(
    Screened,
    measured=st.none() | st.builds(Measured, st.none() | st.floats(34, 42)),
    readings=st.lists(st.builds(Reading, st.floats(34, 42), moments), max_size=4).map(tuple),
    hot_at=st.lists(moments, max_size=2).map(lambda found: tuple(sorted(found))),
)
chosen = st.sampled_from(("day", "entry"))


@given(screens, chosen)
def test_nobody_has_the_clearance_without_declaration_or_without_a_normal_reading_of_this_day(
    screened: Screened, reading: str
) -> None:
    settings = policy(daily_clearance={"reading": reading})
    undeclared = replace(facing(declared=False), screened=screened)
    assert decide(undeclared, settings).outcome is Outcome.DENY
    decision = decide(replace(facing(), screened=screened), settings)
    now_c = None if screened.measured is None else screened.measured.celsius
    if now_c is not None:
        well = now_c < LIMIT_C
    else:
        midnight = datetime.combine(NOW.astimezone(SHANGHAI).date(), time(), SHANGHAI)
        well = reading == "day" and any(
            one.celsius < LIMIT_C and one.at >= midnight for one in screened.readings
        )
    assert decision.outcome is not Outcome.ALLOW or well
    calm = decide(replace(facing(), screened=replace(screened, hot_at=())), settings)
    assert (calm.outcome is Outcome.ALLOW) == well


@given(screens, chosen, st.integers(0, 13 * 60))
def test_a_fever_is_never_outweighed_by_what_was_read_before(
    screened: Screened, reading: str, minutes: int
) -> None:
    settings = policy(daily_clearance={"reading": reading}, temperature={"missing": "allow"})
    hot = replace(facing(), screened=replace(screened, measured=Measured(38.0)))
    assert decide(hot, settings).outcome is Outcome.DENY
    since = replace(screened, measured=None, hot_at=(NOW,))
    later = replace(facing(now=NOW + timedelta(minutes=minutes)), screened=since)
    assert decide(later, settings).outcome is not Outcome.ALLOW


@given(st.integers(340, 430), st.sampled_from(("", "pass 0a1b; ", "pass 0a1b, face of W-2; ")))
def test_a_temperature_is_read_from_the_record_as_it_was_written(tenths: int, before: str) -> None:
    note = (
        f"{before}{temperature_note(tenths / 10)}; clearance_ends_soon medical until 2026-05-11T10:00+08:00"
    )
    assert noted_temperature(note) == tenths / 10


def test_a_reading_is_the_worker_s_where_they_were_let_in_or_only_had_not_declared() -> None:
    took = Event(
        sequence=0,
        site_id="demo-site",
        gate_id="gate-1",
        lane_id="lane-1",
        direction=Direction.IN,
        occurred_at=NOW,
        method=Method.FACE,
        outcome=Outcome.ALLOW,
        reasons=("ok", "liveness_failed"),
        worker_id="w1",
        note="temperature 36.5 °C",
    )
    refused = took.model_copy(
        update={"outcome": Outcome.DENY, "reasons": (NOT_DECLARED.value,), "note": "temperature 36.6 °C"}
    )
    others = (
        refused.model_copy(update={"reasons": (NOT_DECLARED.value, "pass_face_differs")}),
        refused.model_copy(update={"reasons": ("liveness_failed", NOT_DECLARED.value)}),
        took.model_copy(update={"direction": Direction.OUT}),
        took.model_copy(update={"clock_trusted": False}),
        took.model_copy(update={"note": "temperature: no reading in time"}),
    )
    assert readings((*others, took, refused)) == (Reading(36.5, NOW), Reading(36.6, NOW))


@pytest.mark.parametrize("note", ["", "temperature: no reading in time", "guard: temperature 36.6 °C"])
def test_other_notes_name_no_temperature(note: str) -> None:
    assert noted_temperature(note) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rules": ["registered"], "daily_clearance": {"reading": "entry"}}, "name the rule daily_clearance"),
        ({"rules": ["registered", "daily_clearance", "temperature"]}, "temperature would be judged twice"),
        (
            {"out_rules": ["registered", "daily_clearance", "declaration"]},
            "declaration would be judged twice",
        ),
        ({"declaration": {"temperature_counts": True}}, "asks for all of its parts"),
        ({"daily_clearance": {"parts": []}}, "each once"),
        ({"daily_clearance": {"parts": ["temperature", "temperature"]}}, "each once"),
        ({"daily_clearance": {"parts": ["declaration"], "reading": "entry"}}, "nothing is read"),
        (
            {"daily_clearance": {"parts": ["declaration"]}, "temperature": {"limit_c": 38.0}},
            "name the rule temperature: it would do nothing",
        ),
        (
            {
                "rules": ["registered", "daily_clearance", "clearances"],
                "clearances": [{"kind": "declaration", "missing": "hold"}],
            },
            "declaration is judged twice",
        ),
        ({}, "no lane that leads in has a thermometer"),
        ({"temperature": {"missing": "allow"}}, "no lane that leads in has a thermometer"),
        ({"daily_clearance": {"reading": "entry"}}, "lane-1 has no thermometer: nobody would get in there"),
    ],
)
def test_a_daily_clearance_that_nobody_could_have_or_that_is_judged_twice_is_refused(
    changes: dict[str, object], said: str
) -> None:
    measuring_out = {"id": "way-out", "direction": "out", "thermometer": {"driver": "simulated"}}
    with pytest.raises(ValidationError, match=said):
        Settings.model_validate({"policy": DAILY | changes, "lanes": [{}, measuring_out]})


def test_where_a_reading_holds_for_the_day_one_lane_with_a_thermometer_is_enough() -> None:
    lanes = [*LANES, {"id": "lane-2"}]
    Settings.model_validate({"policy": DAILY, "lanes": lanes})
    each = {"daily_clearance": {"reading": "entry"}}
    with pytest.raises(ValidationError, match="lane-2 has no thermometer"):
        Settings.model_validate({"policy": DAILY | each, "lanes": lanes})
