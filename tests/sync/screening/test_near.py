"""Slips of numbers, and the keyed hash under which they are looked up."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sync.screening.near import KeySet, forms, near_keys, slips
from tests.sync.people_samples import A_RESIDENT_NUMBER

KEY = bytes(range(16))
NUMBERS = st.text("0123456789", min_size=18, max_size=18)


def all_slips(number: str) -> set[str]:
    return {bytes(one).decode() for one in slips([number])[0]}


def test_the_hash_is_the_one_of_the_paper() -> None:
    # Aumasson and Bernstein, appendix A.
    found = near_keys(KEY, np.arange(15, dtype=np.uint8)[None, :])
    assert int(found[0]) % 2**64 == 0xA129CA6149BE45E5


@given(NUMBERS, st.integers(0, 17), st.sampled_from("0123456789"))
def test_one_wrong_digit_is_a_slip(number: str, at: int, digit: str) -> None:
    assert number[:at] + digit + number[at + 1 :] in all_slips(number)


@given(NUMBERS, st.integers(0, 16))
def test_two_neighbours_changed_over_are_a_slip(number: str, at: int) -> None:
    assert number[:at] + number[at + 1] + number[at] + number[at + 2 :] in all_slips(number)


@given(NUMBERS, st.integers(0, 8), st.integers(1, 9))
def test_two_wrong_digits_far_apart_are_none(number: str, at: int, by: int) -> None:
    wrong = list(number)
    for place in (at, at + 9):
        wrong[place] = str((int(wrong[place]) + by) % 10)
    assert "".join(wrong) not in all_slips(number)


def test_the_check_character_may_be_taken_for_an_x_and_back() -> None:
    assert A_RESIDENT_NUMBER[:-1] + "3" in all_slips(A_RESIDENT_NUMBER)
    assert "11010519491231002X" in all_slips("110105194912310029")


def test_letters_of_a_passport_may_be_wrong_too() -> None:
    assert {"F12345678", "E1234567O", "1E2345678"} <= all_slips("E12345678")


def test_only_somebody_born_before_2000_had_fifteen_digits() -> None:
    assert forms(A_RESIDENT_NUMBER) == (A_RESIDENT_NUMBER, "110105491231002")
    assert forms("110105200112310027") == ("110105200112310027",)
    assert forms("示例") == ()


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=4, max_size=4),
    st.sets(st.integers(0, 3)),
)
def test_a_set_of_keys_finds_its_own_and_no_other(
    listed: list[int], made: list[int], known: set[int]
) -> None:
    listed += [made[at] for at in known]
    found = KeySet(listed).found_in(np.array(made, np.int64).reshape(2, 2))
    assert found == {(at // 2, key) for at, key in enumerate(made) if key in listed}
