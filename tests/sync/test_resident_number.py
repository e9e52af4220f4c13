"""Numbers of papers: what is read from them, and what is refused for which reason."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.people import DocumentType, Sex
from sync.resident_number import (
    DocumentNumberInvalid,
    DocumentProblem,
    ResidentNumberInvalid,
    check_character,
    check_document,
    parse_resident_number,
)

TODAY = date(2026, 3, 31)
STANDARDS_EXAMPLE = "11010519491231002X"
"""The example that GB 11643-1999 itself prints."""

dates = st.dates(date(1900, 1, 1), TODAY)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    body = (
        draw(st.sampled_from(["110105", "440305", "650102", "830000"]))
        + draw(dates).strftime("%Y%m%d")
        + f"{draw(st.integers(0, 999)):03}"
    )
    return body + check_character(body)


def reason(text: str) -> DocumentProblem:
    with pytest.raises(ResidentNumberInvalid) as caught:
        parse_resident_number(text, TODAY)
    assert text not in str(caught.value) or not text
    return caught.value.reason


def test_the_example_of_the_standard_is_read() -> None:
    found = parse_resident_number(STANDARDS_EXAMPLE, TODAY)
    assert (found.region, found.birth_date, found.sex) == ("110105", date(1949, 12, 31), Sex.FEMALE)


@given(numbers())
def test_birth_date_and_sex_are_those_that_were_written_into_the_number(number: str) -> None:
    found = parse_resident_number(number, TODAY)
    assert found.number == number
    assert found.birth_date.strftime("%Y%m%d") == number[6:14]
    assert (found.sex is Sex.MALE) == (int(number[16]) % 2 == 1)


@given(numbers(), st.integers(0, 17), st.sampled_from("0123456789"))
def test_one_wrong_digit_is_always_noticed(number: str, place: int, digit: str) -> None:
    if number[place] != digit:
        with pytest.raises(ResidentNumberInvalid):
            parse_resident_number(number[:place] + digit + number[place + 1 :], TODAY)


@given(numbers(), st.integers(0, 16))
def test_two_neighbours_that_changed_places_are_always_noticed(number: str, place: int) -> None:
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    if swapped != number:
        with pytest.raises(ResidentNumberInvalid):
            parse_resident_number(swapped, TODAY)


@given(dates.filter(lambda day: day.year < 2000), st.integers(0, 999))
def test_a_number_of_fifteen_digits_becomes_the_one_of_eighteen(born: date, sequence: int) -> None:
    short = f"440305{born:%y%m%d}{sequence:03}"
    body = f"440305{born:%Y%m%d}{sequence:03}"
    assert parse_resident_number(short, TODAY).number == body + check_character(body)


@given(st.text(max_size=25))
def test_whatever_is_typed_is_read_or_refused_with_a_reason(text: str) -> None:
    for document_type in DocumentType:
        try:
            canonical = check_document(document_type, text, TODAY)
        except DocumentNumberInvalid as refused:
            assert refused.reason in DocumentProblem
        else:
            assert check_document(document_type, canonical, TODAY) == canonical


@pytest.mark.parametrize(
    "typed",
    [
        "11010519491231002x",
        " 110105 19491231 002X ",
        "１１０１０５１９４９１２３１００２ｘ",
        "110105-19491231-002X",
    ],
)
def test_small_letters_spaces_and_full_width_digits_are_the_same_number(typed: str) -> None:
    assert parse_resident_number(typed, TODAY).number == STANDARDS_EXAMPLE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", DocumentProblem.EMPTY),
        ("1101051949123100", DocumentProblem.LENGTH),
        ("11010519491231A02X", DocumentProblem.CHARACTERS),
        ("110105X9491231002X", DocumentProblem.CHARACTERS),
        ("99010519491231002X", DocumentProblem.REGION),
        ("110105194902300021", DocumentProblem.DATE),
        ("110105202604010021", DocumentProblem.FUTURE),
        ("110105180001010021", DocumentProblem.TOO_OLD),
        ("110105194912310021", DocumentProblem.CHECKSUM),
    ],
)
def test_every_refusal_has_its_reason(text: str, expected: DocumentProblem) -> None:
    assert reason(text) is expected


def test_somebody_born_today_is_accepted_and_somebody_born_tomorrow_is_not() -> None:
    body = "11010520260331002"
    number = body + check_character(body)
    assert parse_resident_number(number, date(2026, 3, 31)).birth_date == date(2026, 3, 31)
    with pytest.raises(ResidentNumberInvalid):
        parse_resident_number(number, date(2026, 3, 30))


@pytest.mark.parametrize(
    ("document_type", "typed", "canonical"),
    [
        (DocumentType.HONGKONG_MACAO_PERMIT, "h12345678", "H12345678"),
        (DocumentType.HONGKONG_MACAO_PERMIT, "H1234567802", "H12345678"),
        (DocumentType.TAIWAN_PERMIT, "1234567801(B)", "12345678"),
        (DocumentType.PASSPORT, "e 1234 5678", "E12345678"),
        (DocumentType.FOREIGN_PERMANENT, "usa110099013101", "USA110099013101"),
        (DocumentType.OTHER, "示例-01", "示例01"),
    ],
)
def test_other_papers_have_one_canonical_form(
    document_type: DocumentType, typed: str, canonical: str
) -> None:
    assert check_document(document_type, typed, TODAY) == canonical


def test_the_card_of_2023_for_foreigners_is_checked_by_its_check_character() -> None:
    body = "91103219800101001"
    number = body + check_character(body)
    assert check_document(DocumentType.FOREIGN_PERMANENT, number, TODAY) == number
    with pytest.raises(ResidentNumberInvalid):
        check_document(DocumentType.FOREIGN_PERMANENT, body + "A", TODAY)
