"""What may be typed about a person, and what is asked again."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enroll import identity
from enroll.id_reader.simulated import sample_card
from enroll.identity import (
    FIELDS,
    age_notices,
    age_years,
    check_identity,
    derived,
    needs_guardian,
    typed_from_card,
)
from sync.people import Sex
from sync.resident_number import check_character
from sync.words import Words

TODAY = date(2026, 3, 31)
ZONE = ZoneInfo("Asia/Shanghai")
GOOD = {
    "name": "示例工人",
    "document_type": "resident_id",
    "document_number": "11010519491231002x",
    "site_ids": "demo-site other-site",
    "worker_id": "demo-0001",
    "phone": "138 0000 0000",
}


def number_of(born: date, *, sequence: str = "002") -> str:
    digits = f"110105{born:%Y%m%d}{sequence}"
    return digits + check_character(digits)


def problems(**changes: str) -> dict[str, Words]:
    return dict(check_identity({**GOOD, **changes}, today=TODAY, zone=ZONE).problems)


def test_a_worker_and_a_person_come_out_with_what_the_number_says() -> None:
    found = check_identity(
        {**GOOD, "grant_from": "2026-03-31", "grant_until": "2026-12-31"}, today=TODAY, zone=ZONE
    )
    assert found.worker is not None
    assert found.person is not None
    assert found.worker.site_ids == ("demo-site", "other-site")
    assert found.worker.grant_from == datetime(2026, 3, 31, tzinfo=ZONE)
    assert found.worker.grant_until == datetime(2027, 1, 1, tzinfo=ZONE), "the last day still counts"
    assert (found.person.birth_date, found.person.sex) == (date(1949, 12, 31), Sex.FEMALE)
    assert found.person.document_number == "11010519491231002X"


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"name": " "}, "name", identity.NAME_MISSING),
        ({"name": "长" * 101}, "name", identity.NAME_LONG),
        ({"document_number": "110105194912310021"}, "document_number", None),
        ({"document_type": "library_card"}, "document_type", None),
        ({"birth_date": "1949-12-30"}, "birth_date", identity.BIRTH_DIFFERS),
        ({"birth_date": "1949-02-30"}, "birth_date", identity.NOT_A_DATE),
        ({"birth_date": "2026-04-01"}, "birth_date", None),
        ({"sex": "male"}, "sex", identity.SEX_DIFFERS),
        ({"phone": "call me"}, "phone", identity.PHONE_ODD),
        ({"site_ids": ""}, "site_ids", identity.SITE_MISSING),
        ({"worker_id": "a/b"}, "worker_id", identity.NUMBER_ODD),
        ({"worker_id": ""}, "worker_id", identity.NUMBER_ODD),
        ({"grant_from": "2026-06-02", "grant_until": "2026-06-01"}, "grant_until", identity.GRANT_BACKWARDS),
        ({"grant_until": "2026-03-30"}, "grant_until", identity.GRANT_OVER),
    ],
)
def test_every_problem_stands_at_its_field(changes: dict[str, str], field: str, said: Words | None) -> None:
    found = problems(**changes)
    assert set(found) == {field}
    assert said is None or found[field] == said


def test_all_problems_are_said_at_once() -> None:
    assert set(problems(name="", phone="x", site_ids="")) == {"name", "phone", "site_ids"}


@given(st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=30)))
def test_whatever_is_typed_gives_a_record_or_a_problem(typed: dict[str, str]) -> None:
    found = check_identity(typed, today=TODAY, zone=ZONE)
    assert (found.worker is None) == bool(found.problems)


def test_a_card_fills_the_page_without_a_problem() -> None:
    typed = {**typed_from_card(sample_card(3)), "site_ids": "s", "worker_id": "W-1"}
    assert check_identity(typed, today=TODAY, zone=ZONE).problems == {}


def test_birth_date_and_sex_follow_from_the_number_alone() -> None:
    found = derived("resident_id", "440305 20000229 001" + check_character("44030520000229001"), TODAY)
    assert found is not None
    assert (found.birth_date, found.sex) == (date(2000, 2, 29), Sex.MALE)
    assert derived("passport", "E12345678", TODAY) is None


@pytest.mark.parametrize(
    ("born", "today", "years"),
    [
        (date(2012, 3, 31), date(2026, 3, 31), 14),
        (date(2012, 4, 1), date(2026, 3, 31), 13),
        (date(2012, 2, 29), date(2026, 2, 28), 13),
        (date(2012, 2, 29), date(2026, 3, 1), 14),
    ],
)
def test_the_age_changes_on_the_birthday(born: date, today: date, years: int) -> None:
    assert age_years(born, today) == years
    assert needs_guardian(born, today) == (years < 14)


@pytest.mark.parametrize(
    ("born", "said"),
    [
        (date(2013, 1, 1), (identity.NEEDS_GUARDIAN, identity.TOO_YOUNG)),
        (date(2011, 1, 1), (identity.TOO_YOUNG,)),
        (date(1990, 1, 31), ()),
        (None, (identity.BIRTH_UNKNOWN,)),
    ],
)
def test_children_and_unknown_ages_are_noticed(born: date | None, said: tuple[Words, ...]) -> None:
    assert age_notices(born, TODAY) == said
