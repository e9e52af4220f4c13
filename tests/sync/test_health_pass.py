"""Green, yellow and red by the roster alone, at every instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sync.health_pass import (
    CLEARED_BY_MEDIC,
    GREEN_KIND,
    RED_CATEGORY,
    TEST_NEGATIVE,
    YELLOW_CATEGORY,
    PassColour,
    Step,
    Transition,
    ended,
    flags_of,
    pass_at,
)
from sync.records import Clearance, Flag, FlagLevel
from sync.screening.pass_rules import shipped_pass_rules

TRANSITIONS = {one.cause: one.transition for one in shipped_pass_rules().causes}

NOW = datetime(2026, 5, 4, 2, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)

hours = st.integers(-50, 50).map(lambda n: NOW + timedelta(hours=n))
ends = st.none() | hours
colours = st.builds(
    Flag,
    level=st.just(FlagLevel.HOLD),
    category=st.sampled_from((RED_CATEGORY, YELLOW_CATEGORY, "wanted")),
    reason=st.sampled_from((*TRANSITIONS, "by hand")),
    valid_from=ends,
    valid_until=ends,
)
flags = st.lists(colours, max_size=4)
greens = st.lists(
    st.builds(Clearance, kind=st.just(GREEN_KIND), valid_from=ends, valid_until=ends), max_size=2
)


@given(flags, greens, hours)
def test_the_colour_holds_from_since_to_until_and_is_another_one_outside(
    marks: list[Flag], held: list[Clearance], now: datetime
) -> None:
    status = pass_at(marks, held, now)
    if status.until is not None:
        assert now < status.until
        assert pass_at(marks, held, status.until - TICK).colour is status.colour
        assert pass_at(marks, held, status.until).colour is not status.colour
    if status.colour is not None and status.since is not None:
        assert status.since <= now
        assert pass_at(marks, held, status.since).colour is status.colour
        assert pass_at(marks, held, status.since - TICK).colour is not status.colour


@given(flags, greens, hours)
def test_an_expired_green_never_shows_green(marks: list[Flag], held: list[Clearance], now: datetime) -> None:
    assume(all(one.valid_until is not None and one.valid_until <= now for one in held))
    assert pass_at(marks, held, now).colour is not PassColour.GREEN


@given(flags, greens, colours, hours)
def test_another_flag_never_makes_a_pass_better(
    marks: list[Flag], held: list[Clearance], more: Flag, now: datetime
) -> None:
    worse = [None, PassColour.GREEN, PassColour.YELLOW, PassColour.RED]
    before, after = pass_at(marks, held, now).colour, pass_at([*marks, more], held, now).colour
    assert worse.index(after) >= worse.index(before)


@given(flags, hours, hours, st.sampled_from((TEST_NEGATIVE, CLEARED_BY_MEDIC)))
def test_a_finding_ends_only_what_it_may_and_never_what_was(
    marks: list[Flag], at: datetime, asked: datetime, finding: str
) -> None:
    left = ended(marks, finding, at, transitions=TRANSITIONS)
    if asked < at:
        assert pass_at(left, (), asked).colour is pass_at(marks, (), asked).colour
    untouched = [one for one in marks if finding not in _ended_by(one)]
    assert [one for one in left if finding not in _ended_by(one)] == untouched


def _ended_by(flag: Flag) -> frozenset[str]:
    known = flag.category in (RED_CATEGORY, YELLOW_CATEGORY) and flag.reason in TRANSITIONS
    return TRANSITIONS[flag.reason].ended_by if known else frozenset()


ZONES = ("Asia/Shanghai", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia")
CHANGES = tuple(
    datetime.fromisoformat(text)
    for text in ("2026-03-29T01:00Z", "2026-10-25T01:00Z", "2026-04-04T15:00Z", "2026-10-03T15:30Z")
)
"""Clocks are set forward and back, in Berlin and on Lord Howe Island."""

around_changes = st.builds(
    lambda at, minutes: at + timedelta(minutes=minutes), st.sampled_from(CHANGES), st.integers(-300, 300)
)
spans_around = st.lists(st.tuples(around_changes, around_changes), min_size=1, max_size=3)


@given(spans_around, around_changes, st.sampled_from(ZONES))
def test_clocks_that_are_set_change_no_colour(
    spans: list[tuple[datetime, datetime]], now: datetime, zone: str
) -> None:
    def marks(tz: tzinfo) -> list[Flag]:
        colours = (RED_CATEGORY, YELLOW_CATEGORY, RED_CATEGORY)
        return [
            Flag(
                flag_id=f"f{n}",
                level=FlagLevel.HOLD,
                category=colours[n],
                valid_from=min(span).astimezone(tz),
                valid_until=max(span).astimezone(tz),
            )
            for n, span in enumerate(spans)
        ]

    there = ZoneInfo(zone)
    assert pass_at(marks(there), (), now.astimezone(there)) == pass_at(marks(UTC), (), now)


@given(around_changes, st.sampled_from(ZONES), st.sampled_from(("contact", "affected_area")))
def test_a_day_has_24_hours_whatever_the_clocks_do(at: datetime, zone: str, cause: str) -> None:
    (flag,) = flags_of(cause, at.astimezone(ZoneInfo(zone)), entry_id="e", transitions=TRANSITIONS)
    assert flag.valid_from == at
    assert flag.valid_until == at + timedelta(days={"contact": 14, "affected_area": 7}[cause])


def test_a_due_yellow_turns_green_at_the_instant() -> None:
    marks = flags_of("affected_area", NOW, entry_id="trip-1", transitions=TRANSITIONS)
    green = (Clearance(kind=GREEN_KIND, reference="test"),)
    due = NOW + timedelta(days=7)
    assert pass_at(marks, green, due - TICK).colour is PassColour.YELLOW
    status = pass_at(marks, green, due)
    assert (status.colour, status.since, status.until) == (PassColour.GREEN, due, None)


def test_a_contact_is_red_for_fourteen_days_and_a_fever_until_a_medic_says_so() -> None:
    (contact,) = flags_of("contact", NOW, entry_id="case-1", transitions=TRANSITIONS)
    assert contact.level is FlagLevel.BLOCK
    assert pass_at((contact,), (), NOW).until == NOW + timedelta(days=14)
    fever = flags_of("fever", NOW, entry_id="decl-1", transitions=TRANSITIONS)
    assert pass_at(fever, (), NOW + timedelta(days=1000)).colour is PassColour.RED
    assert ended(fever, TEST_NEGATIVE, NOW + timedelta(days=1), transitions=TRANSITIONS) == fever
    cleared = ended(fever, CLEARED_BY_MEDIC, NOW + timedelta(days=1), transitions=TRANSITIONS)
    assert pass_at(cleared, (), NOW + timedelta(days=1)).colour is None


def test_rules_are_data_one_step_follows_the_other() -> None:
    table = {"ship": Transition((Step(PassColour.RED, 2), Step(PassColour.YELLOW, 1)))}
    marks = flags_of("ship", NOW, entry_id="s", transitions=table)
    seen = [pass_at(marks, (), NOW + timedelta(days=day)).colour for day in (0, 1, 2, 3)]
    assert seen == [PassColour.RED, PassColour.RED, PassColour.YELLOW, None]
    assert marks == flags_of("ship", NOW, entry_id="s", transitions=table)
    endless = {"ship": Transition((Step(PassColour.RED), Step(PassColour.YELLOW, 1)))}
    with pytest.raises(ValueError, match="never comes"):
        flags_of("ship", NOW, entry_id="s", transitions=endless)
