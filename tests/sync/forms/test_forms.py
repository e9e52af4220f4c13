"""Forms as data: what they ask, what they take, and what they answer to nonsense."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.forms import Checked, FormInvalid, Kind, UnknownForm, check, entered, form, newest_form
from sync.forms.catalogue import read_form
from sync.forms.entry import group_added, group_removed
from sync.forms.rules import short_on

TODAY = date(2026, 3, 2)
WORKER, SITE = newest_form("worker-declaration"), newest_form("site-report")
WELL: dict[str, Any] = {
    "health": ["well"],
    "affected": "no",
    "contact": "no",
    "travelled": "no",
    "lodging": "dormitory",
    "lodging_place": "示例楼 3 号",
    "truthful": "yes",
}
TRAIN = {
    "kind": "train",
    "number": "ｇ 123",
    "date": "2026-03-01",
    "origin": "示例市",
    "destination": "样例县",
    "carriage": "8",
    "seat": "12a",
}

MEDICAL = """
form_id: medical
version: 1
title: {zh: 体检, en: Medical exam}
sections:
  - title: {zh: 结果, en: Result}
    fields:
      - {name: passed, kind: yes_no, label: {zh: 合格, en: Fit}}
      - {name: until, kind: date, label: {zh: 有效期, en: Valid until}, least: 0,
         when: {field: passed, equals: true}}
"""


def declared(**changed: Any) -> Checked:
    return check(WORKER, {**WELL, **changed}, today=TODAY)


def wrong(checked: Checked) -> list[str]:
    return [problem.path for problem in checked.problems]


def test_a_healthy_worker_who_stayed_declares_with_few_answers() -> None:
    checked = declared()
    assert checked.is_complete
    assert checked.answers["health"] == ["well"] and checked.answers["travelled"] is False


def test_an_empty_form_names_every_question_that_must_be_answered() -> None:
    asked = {"health", "affected", "contact", "travelled", "lodging", "lodging_place", "truthful"}
    assert set(wrong(check(WORKER, {}, today=TODAY))) == asked


def test_whoever_came_through_an_affected_area_says_where_and_when() -> None:
    assert wrong(declared(affected="yes")) == ["affected_place", "affected_from", "affected_until"]


def test_answers_that_are_not_asked_are_not_kept() -> None:
    assert "affected_place" not in declared(affected_place="示例市").answers


def test_nobody_leaves_before_arriving() -> None:
    checked = declared(
        affected="yes", affected_place="示例市", affected_from="2026-02-20", affected_until="2026-02-19"
    )
    assert wrong(checked) == ["affected_until"]


@pytest.mark.parametrize(
    ("day", "fits"),
    [("2026-03-02", True), ("2026-03-03", False), ("2025-01-01", False), ("2026-02-30", False)],
)
def test_a_contact_lies_in_the_past_and_not_long_ago(day: str, fits: bool) -> None:
    assert declared(contact="yes", contact_on=day, contact_how="同桌吃饭").is_complete is fits


def test_well_goes_with_no_symptom() -> None:
    assert wrong(declared(health=["well", "cough"])) == ["health"]


def test_a_trip_is_written_in_one_spelling() -> None:
    trips = declared(travelled="yes", trips=[TRAIN]).answers["trips"]
    assert (trips[0]["number"], trips[0]["seat"]) == ("G123", "12A")


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"number": ""}, "trips.0.number"),
        ({"number": "CA1234"}, "trips.0.number"),
        ({"kind": "flight", "number": "ABC"}, "trips.0.number"),
        ({"kind": "bus", "number": ""}, "trips.0.number"),  # a seat, but of what?
        ({"date": "2026-03-03"}, "trips.0.date"),
        ({"carriage": "第八"}, "trips.0.carriage"),
        ({"seat": "??"}, "trips.0.seat"),
        ({"origin": " "}, "trips.0.origin"),
        ({"kind": "broom"}, "trips.0.kind"),
    ],
)
def test_an_impossible_trip_is_refused_at_its_field(changed: dict[str, str], where: str) -> None:
    assert where in wrong(declared(travelled="yes", trips=[{**TRAIN, **changed}]))


def test_whoever_travelled_names_a_trip() -> None:
    assert wrong(declared(travelled="yes", trips=[])) == ["trips"]


@pytest.mark.parametrize(("typed", "kept"), [("３６．６", 36.6), ("36.6 ", 36.6), ("41", 41.0)])
def test_a_temperature_is_read_as_people_type_it(typed: str, kept: float) -> None:
    assert declared(temperature=typed).answers["temperature"] == kept


@pytest.mark.parametrize("typed", ["97.9", "36.66", "warm", "1e2", "nan", "-36.6"])
def test_an_impossible_temperature_is_refused(typed: str) -> None:
    assert wrong(declared(temperature=typed)) == ["temperature"]


def test_no_more_people_are_unwell_than_are_there() -> None:
    checked = check(SITE, {"headcount": "12", "returned": "0", "unwell": "13"}, today=TODAY)
    assert wrong(checked) == ["unwell"]


def test_a_stock_is_reported_with_its_use() -> None:
    people = {"headcount": "12", "returned": "0", "unwell": "0"}
    report = check(SITE, {**people, "supplies": {"masks": {"stock": "100"}}}, today=TODAY)
    assert wrong(report) == ["supplies.masks.daily_use"]


@given(st.integers(0, 10**6), st.integers(1, 10**4))
def test_a_supply_is_short_on_the_first_day_that_it_does_not_cover(stock: int, use: int) -> None:
    day = short_on(stock, use, TODAY)
    if day is not None:
        days = (day - TODAY).days
        assert days * use <= stock < (days + 1) * use
    else:
        assert stock / use > 3650


def test_a_supply_that_nobody_uses_is_never_short() -> None:
    assert short_on(0, 0, TODAY) is None


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def _given_to(fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    def one(field: Any) -> st.SearchStrategy[Any]:
        values = [option.value for option in field.options]
        if field.kind is Kind.GROUPS:
            fitting: st.SearchStrategy[Any] = st.lists(_given_to(field.fields), max_size=3)
        elif field.kind is Kind.TABLE:
            fitting = st.dictionaries(st.sampled_from(values), _given_to(field.fields))
        elif field.kind is Kind.CHOICES:
            fitting = st.lists(st.sampled_from(values), max_size=2)
        elif values:
            fitting = st.sampled_from(values)
        elif field.kind is Kind.DATE:
            near = st.integers(-70, 5).map(lambda days: (TODAY + timedelta(days=days)).isoformat())
            fitting = near
        else:
            fitting = st.sampled_from(["yes", "no", "12", "36.5", "示例", "G123", "CA1", "8"])
        return fitting | ANYTHING

    return st.fixed_dictionaries({}, optional={field.name: one(field) for field in fields})


@given(_given_to(list(WORKER.fields)))
def test_whatever_is_sent_gives_answers_or_problems_and_right_answers_pass_again(
    sent: dict[str, Any],
) -> None:
    checked = check(WORKER, sent, today=TODAY)
    again = check(WORKER, checked.answers, today=TODAY)
    if checked.is_complete:
        assert again.is_complete and again.answers == checked.answers
    known = {field.name for field in WORKER.fields}
    assert set(checked.answers) <= known
    assert all(problem.path.split(".")[0] in known for problem in checked.problems)


@given(
    st.dictionaries(
        st.text(max_size=12) | st.sampled_from(["trips.0.number", "trips.99.seat", "health"]),
        st.lists(st.text(max_size=8), max_size=3),
        max_size=6,
    )
)
def test_whatever_a_page_sends_is_sorted_into_the_fields(sent: dict[str, list[str]]) -> None:
    found = entered(WORKER, sent)
    assert set(found) == {field.name for field in WORKER.fields}
    check(WORKER, found, today=TODAY)


def test_trips_are_added_and_removed_one_by_one() -> None:
    so_far = entered(WORKER, {"trips.0.number": ["G1"], "trips.4.number": ["G5"]})
    more = group_added(WORKER, so_far, "trips")
    numbers = [trip["number"] for trip in group_removed(more, "trips", 0)["trips"]]  # type: ignore[index, call-overload]
    assert numbers == ["G5", ""]


def test_another_profile_is_another_file(tmp_path: Path) -> None:
    path = tmp_path / "medical-1.yaml"
    path.write_text(MEDICAL, encoding="utf-8")
    medical = read_form(path)
    assert wrong(check(medical, {"passed": "yes", "until": "2026-03-01"}, today=TODAY)) == ["until"]
    assert check(medical, {"passed": "no"}, today=TODAY).is_complete


@pytest.mark.parametrize(
    ("instead", "says"),
    [
        ("when: {field: nothing, equals: true}", "no earlier field"),
        ("when: {field: passed, equals: maybe}", "never"),
        ("pattern: nonsense", "no pattern"),
        ("options: [{value: a, zh: 甲, en: A}]", "do not fit"),
    ],
)
def test_a_form_that_contradicts_itself_is_refused_by_name(tmp_path: Path, instead: str, says: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(MEDICAL.replace("when: {field: passed, equals: true}", instead), encoding="utf-8")
    with pytest.raises(FormInvalid, match=says) as refused:
        read_form(path)
    assert "broken.yaml" in str(refused.value) and refused.value.next_step


def test_a_form_of_a_newer_program_is_named() -> None:
    with pytest.raises(UnknownForm, match="worker-declaration of version 99"):
        form("worker-declaration", 99)


def test_what_somebody_should_look_at_is_marked() -> None:
    answers = {"affected": "yes", "affected_place": "示例市", "affected_from": "2026-02-20"}
    assert declared(health=["cough"], **answers).marks == ("affected", "unwell")
    assert declared().marks == ()
