"""From passages to days and hours."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.central import attendance
from sync.central.attendance import Correction, CorrectionKind, Issue, Mark
from sync.records import Direction, Outcome, Passage

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
LATER = datetime(2026, 12, 31, tzinfo=UTC)
WORKER = "W-1"


def mark(text: str, direction: Direction, *, zone: ZoneInfo = SHANGHAI, trusted: bool = True) -> Mark:
    at = datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=zone)
    return Mark(f"{direction}-{text}", WORKER, at.astimezone(UTC), direction, clock_trusted=trusted)


def came(text: str, **more: object) -> Mark:
    return mark(text, Direction.IN, **more)  # type: ignore[arg-type]


def left(text: str, **more: object) -> Mark:
    return mark(text, Direction.OUT, **more)  # type: ignore[arg-type]


def worked(marks: list[Mark], zone: ZoneInfo = SHANGHAI) -> dict[date, timedelta]:
    return {day.day: day.worked for day in attendance.days(marks, zone, now=LATER)}


def note(kind: CorrectionKind, **more: object) -> Correction:
    facts: dict[str, object] = {
        "correction_id": "C-1",
        "site_id": "site-a",
        "worker_id": WORKER,
        "kind": kind,
        "made_by": "manager",
        "made_at": LATER,
        "reason": "gate was down",
    }
    return Correction(**{**facts, **more})  # type: ignore[arg-type]


def test_a_day_with_a_lunch_break_is_two_periods_and_their_sum() -> None:
    marks = [came("03-02 07:00"), left("03-02 12:00"), came("03-02 13:00"), left("03-02 18:30")]
    (day,) = attendance.days(marks, SHANGHAI, now=LATER)
    assert len(day.periods) == 2
    assert day.worked == timedelta(hours=10, minutes=30)
    assert day.issues == ()


def test_a_night_shift_counts_on_the_day_it_began() -> None:
    assert worked([came("03-02 22:00"), left("03-03 06:00")]) == {date(2026, 3, 2): timedelta(hours=8)}


def test_the_day_is_the_sites_and_not_utc() -> None:
    assert list(worked([came("03-03 06:00"), left("03-03 07:30")])) == [date(2026, 3, 3)]


def test_the_night_when_clocks_go_forward_is_an_hour_shorter() -> None:
    marks = [came("03-28 22:00", zone=BERLIN), left("03-29 06:00", zone=BERLIN)]
    assert worked(marks, BERLIN) == {date(2026, 3, 28): timedelta(hours=7)}


def test_a_missing_out_is_shown_and_counts_no_hours() -> None:
    marks = [came("03-02 07:00"), came("03-03 07:00"), left("03-03 17:00")]
    first, second = attendance.days(marks, SHANGHAI, now=LATER)
    assert (first.worked, first.issues) == (timedelta(), (Issue.MISSING_OUT,))
    assert (second.worked, second.issues) == (timedelta(hours=10), ())


def test_a_missing_in_is_shown_and_counts_no_hours() -> None:
    (day,) = attendance.days([left("03-02 17:00")], SHANGHAI, now=LATER)
    assert (day.worked, day.issues) == (timedelta(), (Issue.MISSING_IN,))


def test_an_out_after_more_than_a_double_shift_is_no_counterpart() -> None:
    first, second = attendance.days([came("03-02 07:00"), left("03-03 07:00")], SHANGHAI, now=LATER)
    assert first.issues == (Issue.MISSING_OUT,)
    assert second.issues == (Issue.MISSING_IN,)


def test_who_came_this_morning_is_on_site_and_misses_nothing() -> None:
    morning = came("03-02 07:00")
    (period,) = attendance.periods([morning], SHANGHAI, now=morning.at + timedelta(hours=2))
    assert period.is_open
    assert period.issues == ()
    (period,) = attendance.periods([morning], SHANGHAI, now=morning.at + timedelta(hours=17))
    assert period.issues == (Issue.MISSING_OUT,)


def test_a_passage_read_twice_is_one() -> None:
    marks = [came("03-02 07:00"), came("03-02 07:01"), left("03-02 17:00"), left("03-02 17:01")]
    (day,) = attendance.days(marks, SHANGHAI, now=LATER)
    assert len(day.periods) == 1
    assert day.worked == timedelta(hours=10)


def test_a_gate_with_a_doubtful_clock_is_named() -> None:
    (day,) = attendance.days([came("03-02 07:00", trusted=False), left("03-02 17:00")], SHANGHAI, now=LATER)
    assert day.issues == (Issue.CLOCK_UNTRUSTED,)


@pytest.mark.parametrize(
    ("outcome", "passage", "is_passage"),
    [
        (Outcome.ALLOW, Passage.PASSED, True),
        (Outcome.ALLOW, Passage.UNKNOWN, True),
        (Outcome.ALLOW, Passage.HELD_OPEN, True),
        (Outcome.ALLOW, Passage.NOT_PASSED, False),
        (Outcome.DENY, Passage.UNKNOWN, False),
        (Outcome.HOLD, Passage.PASSED, False),
    ],
)
def test_only_who_was_let_in_and_went_through_counts(
    outcome: Outcome, passage: Passage, is_passage: bool
) -> None:
    assert attendance.counts(outcome, passage) is is_passage


def test_a_manager_adds_the_missing_out_and_the_day_says_so() -> None:
    added = note(CorrectionKind.ADD, at=left("03-02 17:00").at, direction=Direction.OUT)
    (day,) = attendance.days(attendance.corrected([came("03-02 07:00")], [added]), SHANGHAI, now=LATER)
    assert day.worked == timedelta(hours=10)
    assert day.is_corrected
    assert day.periods[0].ended is not None
    assert day.periods[0].ended.added_by == "manager"


def test_a_withdrawn_correction_does_nothing() -> None:
    morning = came("03-02 07:00")
    added = note(
        CorrectionKind.ADD, at=left("03-02 17:00").at, direction=Direction.OUT, withdrawn_by="manager"
    )
    undone = note(CorrectionKind.CANCEL, event_id=morning.mark_id, withdrawn_by="manager")
    assert attendance.corrected([morning], [added, undone]) == [morning]


@pytest.mark.parametrize(
    "facts",
    [
        {"kind": CorrectionKind.ADD},
        {"kind": CorrectionKind.CANCEL},
        {"kind": CorrectionKind.CANCEL, "event_id": "E-1", "reason": "  "},
    ],
)
def test_a_correction_that_says_nothing_is_refused(facts: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"mark|record|reason"):
        note(**facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("year", "number", "last"), [(2026, 2, 28), (2028, 2, 29), (2026, 12, 31), (2026, 1, 31)]
)
def test_a_month_ends_where_it_ends(year: int, number: int, last: int) -> None:
    assert attendance.month(year, number) == (date(year, number, 1), date(year, number, last))


# -- properties --------------------------------------------------------------------------------------------

BEGIN = datetime(2026, 3, 27, tzinfo=UTC)
MARKS = st.lists(
    st.builds(
        lambda minute, direction, number: Mark(
            f"{minute}-{number}", WORKER, BEGIN + timedelta(minutes=minute), direction
        ),
        st.integers(0, 6 * 24 * 60),
        st.sampled_from(Direction),
        st.integers(0, 9),
    ),
    max_size=40,
    unique_by=lambda one: one.mark_id,
)


@given(MARKS)
def test_every_passage_is_in_exactly_one_period(marks: list[Mark]) -> None:
    found = attendance.periods(marks, BERLIN, now=LATER)
    used = [mark.mark_id for period in found for mark in (period.began, period.ended) if mark is not None]
    assert Counter(used) == Counter(mark.mark_id for mark in attendance.without_repeats(marks))


@given(MARKS)
def test_periods_never_overlap_and_never_outlast_a_double_shift(marks: list[Mark]) -> None:
    found = attendance.periods(marks, BERLIN, now=LATER)
    for period in found:
        assert timedelta() <= period.duration <= attendance.LONGEST_SHIFT
        assert (period.duration == timedelta()) or period.issues == ()
    times = [mark.at for period in found for mark in (period.began, period.ended) if mark is not None]
    assert times == sorted(times)


@given(MARKS, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(marks: list[Mark], chance: Random) -> None:
    shuffled = list(marks)
    chance.shuffle(shuffled)
    assert attendance.days(shuffled, BERLIN, now=LATER) == attendance.days(marks, BERLIN, now=LATER)


@given(MARKS, st.integers(0, 4), st.integers(0, 2))
def test_the_marks_around_some_days_pair_like_all_marks(marks: list[Mark], start: int, more: int) -> None:
    first = date(2026, 3, 27) + timedelta(days=start)
    last = first + timedelta(days=more)
    begin, end = attendance.marks_needed(first, last, BERLIN)
    some = [mark for mark in marks if begin <= mark.at < end]
    assert attendance.in_days(attendance.days(some, BERLIN, now=LATER), first, last) == attendance.in_days(
        attendance.days(marks, BERLIN, now=LATER), first, last
    )


@given(MARKS)
def test_cancelling_every_record_leaves_nothing(marks: list[Mark]) -> None:
    notes = [
        note(CorrectionKind.CANCEL, correction_id=f"C-{number}", event_id=mark.mark_id)
        for number, mark in enumerate(marks)
    ]
    assert attendance.corrected(marks, notes) == []
