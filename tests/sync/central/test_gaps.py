"""Numbers that are missing, for any order of arrival."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sync.central.gaps import Numbering, arrived


def missing(known: Numbering) -> set[int]:
    return {number for first, last in known.gaps for number in range(first, last + 1)}


@given(st.lists(st.sets(st.integers(1, 60), max_size=12), max_size=8))
def test_what_is_missing_is_what_has_not_arrived_below_the_highest(groups: list[set[int]]) -> None:
    known, seen = Numbering(), set[int]()
    for group in groups:
        known = arrived(known, group - seen)
        seen |= group
    assert known.highest == max(seen, default=0)
    assert missing(known) == set(range(1, known.highest + 1)) - seen
    assert list(known.gaps) == sorted(known.gaps)
    assert all(first <= last for first, last in known.gaps)
    assert known.reused == 0


@given(st.sets(st.integers(1, 40), min_size=1))
def test_a_number_that_is_used_again_is_counted(numbers: set[int]) -> None:
    known = arrived(arrived(Numbering(), numbers), numbers)
    assert known.reused == len(numbers)
