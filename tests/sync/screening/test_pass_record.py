"""What occurrences and findings add up to, whatever the order in which they become known."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sync.health_pass import PassColour, Step, Transition, pass_at
from sync.screening.pass_record import Finding, Occurrence, colour_history, greens, pass_flags

NOW = datetime(2026, 5, 4, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)

hours = st.integers(-100, 100).map(lambda n: NOW + n * HOUR)
transitions = st.sampled_from(
    (
        Transition((Step(PassColour.RED, 2),), frozenset({"word"})),
        Transition((Step(PassColour.RED, 1), Step(PassColour.YELLOW, 1)), frozenset({"word", "test"})),
        Transition((Step(PassColour.YELLOW),), frozenset({"test"})),
    )
)
ids = st.integers(0, 9).map(lambda n: f"e{n}")
occurrences = st.lists(
    st.builds(Occurrence, ids, st.just("sample"), hours, hours, transitions),
    max_size=4,
    unique_by=lambda one: one.entry_id,
)
found = st.builds(
    Finding,
    ids,
    st.sampled_from(("word", "test")),
    hours,
    hours,
    st.booleans(),
    st.none() | hours,
)
findings = st.lists(found, max_size=3, unique_by=lambda one: one.entry_id)


@given(occurrences, findings, st.randoms(use_true_random=False))
def test_the_order_in_which_things_become_known_makes_no_difference(
    happened: list[Occurrence], said: list[Finding], chance: random.Random
) -> None:
    flags, green = pass_flags(happened, said), greens(said)
    chance.shuffle(happened)
    chance.shuffle(said)
    assert pass_flags(happened, said) == flags
    assert greens(said) == green


@given(occurrences, findings, found, hours)
def test_a_finding_changes_nothing_before_it_and_makes_no_pass_worse(
    happened: list[Occurrence], said: list[Finding], more: Finding, asked: datetime
) -> None:
    worse = [PassColour.GREEN, None, PassColour.YELLOW, PassColour.RED]
    before = pass_at(pass_flags(happened, said), (), asked).colour
    after = pass_at(pass_flags(happened, [*said, more]), (), asked).colour
    assert worse.index(after) <= worse.index(before)
    if asked < more.at:
        assert after is before


@given(occurrences, findings, hours)
def test_the_history_tells_at_every_instant_what_a_gate_tells(
    happened: list[Occurrence], said: list[Finding], asked: datetime
) -> None:
    flags, green = pass_flags(happened, said), greens(said)
    there = [
        one
        for one in colour_history(flags, green, until=NOW + 1000 * HOUR)
        if one.since is not None and one.since <= asked and (one.until is None or asked < one.until)
    ]
    now = pass_at(flags, green, asked)
    assert [(one.colour, one.cause) for one in there] == ([(now.colour, now.cause)] if now.colour else [])
