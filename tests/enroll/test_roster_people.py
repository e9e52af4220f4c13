from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from enroll.errors import RowRefused
from enroll.roster_file import RosterRow
from enroll.roster_people import FaceAnswers, FaceDecision, answers_from, face_decision, person_from
from enroll.roster_values import worker_from
from sync.people import Consent, DocumentType, Person, Sex

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)
NUMBER = "11010519491231002X"
"""The sample of GB 11643-1999 itself: nobody's."""
GROWN_UP = date(1990, 1, 31)


def row(**cells: str) -> RosterRow:
    return RosterRow(2, {"worker_id": "W-1", "name": "示例甲", **cells})


def person(known: Person | None = None, **cells: str) -> Person | None:
    return person_from(row(**cells), known, today=date(2026, 3, 1))


@pytest.mark.parametrize(
    "typed", [NUMBER, NUMBER.lower(), "110105 19491231 002x", "１１０１０５１９４９１２３１００２Ｘ"]
)
def test_a_resident_number_gives_birth_date_and_sex_however_it_is_typed(typed: str) -> None:
    made = person(document_number=typed)
    assert made is not None
    assert (made.document_type, made.document_number) == (DocumentType.RESIDENT_ID, NUMBER)
    assert (made.birth_date, made.sex) == (date(1949, 12, 31), Sex.FEMALE)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"document_number": "110105194912310021"}, "document_number"),
        ({"document_number": NUMBER, "birth_date": "1949-12-30"}, "birth_date"),
        ({"document_number": NUMBER, "sex": "男"}, "sex"),
        ({"document_number": NUMBER, "sex": "x"}, "sex: 'x'"),
        ({"document_number": "E1234567", "document_type": "护照", "birth_date": "2027-01-01"}, "future"),
        ({"document_number": "E1", "document_type": "护照"}, "document_number"),
        ({"document_number": NUMBER, "document_type": "会员卡"}, "document_type"),
    ],
)
def test_papers_that_do_not_fit_are_refused_by_their_column(cells: dict[str, str], said: str) -> None:
    with pytest.raises(RowRefused, match=said) as refused:
        person(**cells)
    assert refused.value.next_step
    assert "110105" not in str(refused.value)


def test_empty_cells_keep_what_is_known_and_without_a_number_nothing_is_kept() -> None:
    known = person(
        document_number="E1234567", document_type="护照", birth_date="1990年1月31日", sex="女", address="x"
    )
    assert known is not None
    assert (known.birth_date, known.sex) == (date(1990, 1, 31), Sex.FEMALE)
    assert person(known, document_number="", address="") == known
    changed = person(known, address="y")
    assert changed is not None
    assert (changed.address, changed.document_number) == ("y", "E1234567")
    assert person(sex="女") is None


def decision(
    answers: FaceAnswers, *, required: bool = False, birth: date | None = GROWN_UP, **cells: str
) -> FaceDecision:
    return face_decision(
        row(**cells),
        answers,
        birth_date=birth,
        zone=SHANGHAI,
        now=NOW,
        required=required,
        recorded_by="tester",
    )


def at(day: int) -> datetime:
    return datetime(2026, 2, day, 9, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("answers", "cells", "required", "allowed"),
    [
        (FaceAnswers(), {}, False, True),
        (FaceAnswers(), {}, True, False),
        (FaceAnswers(), {"consent_on": ""}, False, False),
        (FaceAnswers(), {"consent_on": "2026-02-10", "consent_version": "1"}, True, True),
        (FaceAnswers(yes_at=at(1)), {"consent_on": ""}, True, True),
        (FaceAnswers(no_at=at(5)), {}, False, False),
        (FaceAnswers(yes_at=at(1), no_at=at(5)), {}, False, False),
        (FaceAnswers(yes_at=at(6), no_at=at(5)), {}, True, True),
        (FaceAnswers(no_at=at(10)), {"consent_on": "2026-02-10", "consent_version": "1"}, False, False),
        (FaceAnswers(no_at=at(9)), {"consent_on": "2026-02-10", "consent_version": "1"}, False, True),
    ],
)
def test_a_face_is_registered_by_the_latest_answer_and_never_brought_back_by_an_older_consent(
    answers: FaceAnswers, cells: dict[str, str], required: bool, allowed: bool
) -> None:
    made = decision(answers, required=required, **cells)
    assert made.allowed is allowed
    assert bool(made.reason) is not allowed
    assert bool(made.next_step) is not allowed


def test_a_consent_that_ended_elsewhere_is_a_no_from_that_moment() -> None:
    given = Consent(
        worker_id="W-1", granted=True, text_version="1", given_at=datetime(2026, 1, 5, tzinfo=UTC)
    )
    ended_at = datetime(2026, 2, 1, tzinfo=UTC)
    assert answers_from([(given, ended_at)], []) == FaceAnswers(no_at=ended_at)


def test_the_same_consent_in_the_same_file_is_one_consent() -> None:
    cells = {"consent_on": "２０２６-０２-１０", "consent_version": "2026-01"}
    first, second = decision(FaceAnswers(), **cells).consent, decision(FaceAnswers(), **cells).consent
    assert first is not None
    assert first == second
    assert (first.how, first.given_at.isoformat()) == ("import", "2026-02-10T00:00:00+08:00")
    assert decision(FaceAnswers(yes_at=first.given_at), **cells).consent is None


def test_a_consent_needs_a_day_that_has_come_and_a_version() -> None:
    with pytest.raises(RowRefused, match="future"):
        decision(FaceAnswers(), consent_on="2026-03-02", consent_version="1")
    with pytest.raises(RowRefused, match="consent_version"):
        decision(FaceAnswers(), consent_on="2026-02-02")


def test_for_a_child_a_guardian_is_needed_at_the_kiosk() -> None:
    made = decision(FaceAnswers(), birth=date(2012, 3, 2), consent_on="2026-02-10", consent_version="1")
    assert not made.allowed
    assert "guardian" in made.next_step
    assert decision(FaceAnswers(), birth=date(2012, 3, 1)).allowed


@pytest.mark.parametrize(
    ("answers", "cells"),
    [
        (FaceAnswers(), {"consent_on": "2026-02-10", "consent_version": "1"}),
        (FaceAnswers(yes_at=at(1)), {}),
    ],
)
def test_a_consent_counts_only_where_the_birth_date_is_known(
    answers: FaceAnswers, cells: dict[str, str]
) -> None:
    made = decision(answers, birth=None, required=True, **cells)
    assert (made.allowed, made.consent) == (False, None)
    assert "no birth date" in made.reason
    assert "birth_date" in made.next_step
    assert decision(answers, required=True, **cells).allowed


def test_full_width_numbers_become_plain_and_a_name_in_two_lines_is_refused() -> None:
    typed = RosterRow(2, {"worker_id": "Ｗ－１", "name": "示例甲", "phone": "１３８０"})
    made = worker_from(typed, None, site_id="s", zone=SHANGHAI, training_kind="training")
    assert (made.worker_id, made.phone) == ("W-1", "1380")
    with pytest.raises(RowRefused, match="line break"):
        worker_from(row(name="甲\nW-2"), None, site_id="s", zone=SHANGHAI, training_kind="training")
