"""Who is a contact: seats and carriages as people write them, windows, what the rules promise."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.tracing import (
    Passing,
    RulesInvalid,
    Stay,
    Traces,
    Trip,
    WorkDay,
    contacts,
    read_rules,
    shipped_rules,
)
from sync.tracing.seats import carriage_number, seat_row
from sync.tracing.telling import told

RULES = shipped_rules()
DAY = date(2026, 3, 1)
WINDOW = (date(2026, 2, 27), date(2026, 3, 15))
CASE, OTHER = "worker:case", "worker:other"


def reasons(case: Traces, others: Traces) -> list[tuple[str, str, bool]]:
    found = contacts(CASE, case, others, RULES, WINDOW)
    return [(reason.person, reason.rule_id, reason.certain) for reason in found]


def trips(kind: str, own: str, other: str, *, own_carriage: str = "", carriage: str = "") -> list[object]:
    case = Traces(trips=(Trip(CASE, kind, "示1234", DAY, own_carriage, own),))
    others = Traces(trips=(Trip(OTHER, kind, "示1234", DAY, carriage, other),))
    return [(rule_id, certain) for _, rule_id, certain in reasons(case, others)]


@pytest.mark.parametrize(
    ("seat", "row"),
    [
        ("12A", 12),
        ("12", 12),
        (" 012a", 12),
        ("１２Ａ", 12),
        ("12上", 12),
        ("A12", None),
        ("", None),
        ("1234", None),
    ],
)
def test_the_row_of_a_seat(seat: str, row: int | None) -> None:
    assert seat_row(seat) == row


@pytest.mark.parametrize("carriage", ["3", "03", "3车", "03车厢", "3号车厢", "３", " 3 "])
def test_one_carriage_has_one_spelling(carriage: str) -> None:
    assert carriage_number(carriage) == "3"


@pytest.mark.parametrize("carriage", ["", "加1", "A"])
def test_a_carriage_without_a_number_stays_as_it_is(carriage: str) -> None:
    assert carriage_number(carriage) == carriage


@given(st.integers(0, 999), st.sampled_from("ABCDEFHJKL上中下 "), st.integers(0, 2))
def test_any_seat_gives_its_row_and_any_carriage_its_number(number: int, letter: str, zeros: int) -> None:
    assert seat_row("0" * zeros + f"{number}{letter}") == number
    assert carriage_number("0" * zeros + f"{number}车厢") == str(number)


@pytest.mark.parametrize(("seat", "near"), [("9F", True), ("15A", True), ("8A", False), ("16A", False)])
def test_a_flight_is_shared_within_three_rows(seat: str, near: bool) -> None:
    assert trips("flight", "12A", seat) == ([("flight-rows", True)] if near else [])


@pytest.mark.parametrize(("own", "other"), [("", "40A"), ("12A", ""), ("A", "12")])
def test_a_seat_that_is_not_known_is_left_to_a_person(own: str, other: str) -> None:
    assert trips("flight", own, other) == [("flight-rows", False)]


def test_a_train_is_shared_within_a_carriage() -> None:
    assert trips("train", "1A", "99F", own_carriage="03", carriage="3车") == [("train-carriage", True)]
    assert trips("train", "1A", "1B", own_carriage="03", carriage="04") == []
    assert trips("train", "", "", own_carriage="03") == [("train-carriage", False)]


@pytest.mark.parametrize(("kind", "rules"), [("bus", ["bus"]), ("ship", ["ship"]), ("car", [])])
def test_bus_and_ship_are_shared_by_all_and_a_car_has_no_rule(kind: str, rules: list[str]) -> None:
    assert trips(kind, "1", "") == [(rule, True) for rule in rules]


def test_a_trip_without_a_number_of_another_number_or_day_is_not_shared() -> None:
    tomorrow = DAY + timedelta(days=1)
    for own, (number, day) in (("", ("", DAY)), ("示1", ("示2", DAY)), ("示1", ("示1", tomorrow))):
        case = Traces(trips=(Trip(CASE, "bus", own, DAY),))
        assert reasons(case, Traces(trips=(Trip(OTHER, "bus", number, day),))) == []


@given(
    st.tuples(st.integers(-10, 25), st.integers(0, 20)), st.tuples(st.integers(-10, 25), st.integers(0, 20))
)
def test_lodging_is_shared_exactly_where_both_stays_and_the_window_overlap(
    own: tuple[int, int], other: tuple[int, int]
) -> None:
    def stay(person: str, at: tuple[int, int]) -> Stay:
        first = WINDOW[0] + timedelta(days=at[0])
        return Stay(person, "house:1", "示例路", first, first + timedelta(days=at[1]))

    one, two = stay(CASE, own), stay(OTHER, other)
    days = set.intersection(*({first + timedelta(days=more) for more in range((last - first).days + 1)}
                              for first, last in ((one.from_day, one.until_day),
                                                  (two.from_day, two.until_day), WINDOW)))  # fmt: skip
    found = contacts(CASE, Traces(stays=(one,)), Traces(stays=(two,)), RULES, WINDOW)
    assert bool(found) == bool(days)
    if days:
        assert found[0].last_day == max(days)


def test_a_team_is_shared_on_days_when_both_were_at_the_site() -> None:
    case = Traces(work_days=(WorkDay(CASE, "a", "示例建工", "一班", DAY),))

    def other(**changes: object) -> Traces:
        values: dict[str, object] = {"site_id": "a", "employer": "示例建工", "team": "一班", "day": DAY}
        return Traces(work_days=(WorkDay(OTHER, **{**values, **changes}),))  # type: ignore[arg-type]

    assert reasons(case, other()) == [(OTHER, "team-day", True)]
    for changed in (
        {"site_id": "b"},
        {"employer": "别家"},
        {"team": "二班"},
        {"day": DAY + timedelta(days=1)},
    ):
        assert reasons(case, other(**changed)) == []
    nobodys = Traces(work_days=(WorkDay(CASE, "a", "", "", DAY),))
    assert reasons(nobodys, other(team="", employer="")) == []


@given(st.lists(st.integers(0, 3600), max_size=12), st.lists(st.integers(0, 3600), max_size=12))
def test_a_gate_is_shared_by_whoever_passed_within_the_minutes_of_the_rule(
    own_s: list[int], other_s: list[int]
) -> None:
    at = datetime(2026, 3, 1, 1, tzinfo=UTC)

    def passings(person: str, seconds: list[int]) -> tuple[Passing, ...]:
        return tuple(Passing(person, "a", "g", at + timedelta(seconds=one), DAY) for one in seconds)

    found = contacts(
        CASE, Traces(passings=passings(CASE, own_s)), Traces(passings=passings(OTHER, other_s)), RULES, WINDOW
    )
    assert bool(found) == any(abs(one - two) <= 120 for one in own_s for two in other_s)


TRIPS = st.builds(
    Trip,
    st.sampled_from([CASE, OTHER, "visitor:1"]),
    st.sampled_from(["flight", "train", "bus", "ship", "car"]),
    st.sampled_from(["", "示1", "示2"]),
    st.dates(WINDOW[0] - timedelta(days=2), WINDOW[1] + timedelta(days=2)),
    st.sampled_from(["", "3", "03", "4"]),
    st.sampled_from(["", "1A", "5B", "12"]),
)


@given(st.lists(TRIPS, max_size=8), st.lists(TRIPS, max_size=8))
def test_meeting_is_mutual_within_the_window_and_never_with_oneself(one: list[Trip], two: list[Trip]) -> None:
    mine = tuple(trip for trip in one if trip.person == CASE)
    theirs = tuple(trip for trip in two if trip.person == OTHER)
    there = contacts(CASE, Traces(trips=mine), Traces(trips=theirs + mine), RULES, WINDOW)
    back = contacts(OTHER, Traces(trips=theirs), Traces(trips=mine + theirs), RULES, WINDOW)
    assert {reason.rule_id for reason in there} == {reason.rule_id for reason in back}
    assert all(reason.person == OTHER for reason in there)
    assert all(WINDOW[0] <= met.day <= WINDOW[1] for reason in there for met in reason.meetings)


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ("rule_id: bus,", "rule_id: ship,", "same rule_id"),
        ("vehicle: bus", "vehicle: bus, same_carriage: true", "only a train"),
        ("days_after_onset: 14", "days_after_onset: 60", "60 days"),
        ("kind: same_team", "kind: same_shirt", "rules.5"),
        ("within_s: 120", "within_s: 0", "within_s"),
    ],
)
def test_rules_that_contradict_themselves_are_refused(
    before: str, after: str, place: str, tmp_path: Path
) -> None:
    shipped = Path(__file__).parents[3] / "sync" / "tracing" / "data" / "contact-rules.yaml"
    text = shipped.read_text(encoding="utf-8")
    assert before in text
    (tmp_path / "rules.yaml").write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(RulesInvalid, match=place):
        read_rules(tmp_path / "rules.yaml")


def test_every_meeting_is_told_in_both_languages() -> None:
    at = datetime(2026, 3, 1, 1, tzinfo=UTC)
    own = Traces(
        (Trip(CASE, "flight", "示1234", DAY, "", "12A"),),
        (Stay(CASE, "house:1", "示例路 1 号", DAY, DAY, "101"),),
        (WorkDay(CASE, "a", "示例建工", "一班", DAY),),
        (Passing(CASE, "a", "gate-1", at, DAY),),
    )
    others = Traces(
        (Trip(OTHER, "flight", "示1234", DAY),),
        (Stay(OTHER, "house:1", "示例路 1 号", DAY, DAY, "101"),),
        (WorkDay(OTHER, "a", "示例建工", "一班", DAY),),
        (Passing(OTHER, "a", "gate-1", at + timedelta(seconds=40), DAY, trusted=False),),
    )
    found = contacts(CASE, own, others, RULES, WINDOW)
    lines = [
        told({"day": str(met.day), "certain": met.certain, **met.detail}, ZoneInfo("Asia/Shanghai"))
        for reason in found
        for met in reason.meetings
    ]
    assert [line.zh for line in lines] == [
        "2026-03-01 航班 示1234 座位 ？／12A（待核实）",
        "2026-03-01 同住 示例路 1 号 101（同一房间）",
        "2026-03-01 同在班组 一班",
        "2026-03-01 09:00:40 闸机 gate-1，相隔 40 秒（待核实）",
    ]
    assert all(line.en.startswith("2026-03-01 ") for line in lines)
