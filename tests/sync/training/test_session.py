"""A session counts only what the right person saw, pauses for everybody else, and outlives a power cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.training.course import Course
from sync.training.errors import SessionStale, StepRefused
from sync.training.record import CheckKind, Result, implausible
from sync.training.session import BY_HAND, POWER, Phase, SessionState, TrainingSession
from sync.training.watch import PHONE, Observation
from tests.sync.training.samples import (
    BLURRED,
    LEARNER,
    NOBODY,
    PHOTO,
    STRANGER,
    TWO,
    Classroom,
    a_course,
)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return a_course(tmp_path)


@pytest.fixture
def room(course: Course) -> Classroom:
    return Classroom(course)


def test_whoever_stays_and_answers_right_passes(room: Classroom) -> None:
    room.through_the_pages()
    room.session.answer("q1", {0}, room.moment)
    room.session.answer("q2", {0, 2}, room.moment)
    record = room.session.record(site_id="s", kiosk_id="k")
    assert record.result is Result.PASSED
    assert record.score_percent == 100
    assert record.interruptions == ()
    assert {check.kind for check in record.checks} == {CheckKind.LOGIN, CheckKind.RANDOM}
    assert all(check.passed for check in record.checks)
    assert record.valid_until is not None and record.valid_from is not None
    assert (record.valid_until - record.valid_from).days == 365
    assert implausible(record) == ""


def test_too_many_wrong_answers_fail_and_grant_nothing(room: Classroom) -> None:
    room.through_the_pages()
    room.session.answer("q1", {1}, room.moment)
    room.session.answer("q2", {0}, room.moment)
    record = room.session.record(site_id="s", kiosk_id="k")
    assert (record.result, record.score_percent) == (Result.FAILED, 0)
    assert record.clearance() is None


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (STRANGER, "another_person"),
        (NOBODY, "nobody"),
        (TWO, "several_people"),
        (PHOTO, "photo"),
    ],
)
def test_whoever_else_is_there_pauses_it_within_three_seconds(
    room: Classroom, seen: Observation, reason: str
) -> None:
    room.watch(LEARNER, 2.0)
    room.watch(seen, 2.6)
    assert room.session.state.pause == reason
    (interruption,) = room.session.state.interruptions
    assert interruption.until is None
    counted = room.session.state.seconds_seen
    room.watch(seen, 5.0)
    assert room.session.state.seconds_seen == counted <= 3.5  # what a photo gained until it was noticed


def test_it_goes_on_by_itself_when_the_learner_is_back(room: Classroom) -> None:
    room.watch(LEARNER, 1.0)
    room.watch(NOBODY, 4.0)
    room.watch(LEARNER, 3.0)
    assert room.session.running
    (interruption,) = room.session.state.interruptions
    assert interruption.until is not None
    assert CheckKind.RETURNED in {check.kind for check in room.session.state.checks}


def test_somebody_else_in_the_empty_place_goes_on_the_record_too(room: Classroom) -> None:
    room.watch(NOBODY, 4.0)
    room.watch(STRANGER, 2.0)
    reasons = [one.reason for one in room.session.state.interruptions]
    assert reasons == ["nobody", "another_person"]
    assert room.session.state.interruptions[1].score == pytest.approx(0.2)


def test_a_few_bad_frames_pause_nothing(room: Classroom) -> None:
    for _ in range(5):
        room.watch(LEARNER, 1.4)
        room.watch(STRANGER, 0.6)
        room.watch(BLURRED, 0.4)
    assert room.session.state.interruptions == ()


def test_a_hidden_face_cannot_sit_it_out(room: Classroom) -> None:
    room.watch(LEARNER, 1.0)
    room.watch(BLURRED, 8.0)
    assert room.session.state.pause == "unclear"
    assert room.session.state.seconds_seen < 1.5


def test_no_page_can_be_left_early_and_no_question_answered_out_of_turn(room: Classroom) -> None:
    room.watch(LEARNER, 2.0)
    with pytest.raises(StepRefused):
        room.session.next_page(room.moment)
    with pytest.raises(StepRefused):
        room.session.answer("q1", {0}, room.moment)
    room.through_the_pages()
    with pytest.raises(StepRefused):
        room.session.answer("q2", {0, 2}, room.moment)
    with pytest.raises(StepRefused):
        room.session.answer("q1", {0, 1}, room.moment)


def test_the_course_minimum_counts_beyond_the_pages(room: Classroom) -> None:
    room.watch(LEARNER, 4.4)
    room.session.next_page(room.moment)
    room.watch(LEARNER, 5.2)
    assert room.session.page_left_s() == 0
    with pytest.raises(StepRefused):
        room.session.next_page(room.moment)
    room.watch(LEARNER, 1.4)
    room.session.next_page(room.moment)
    assert room.session.state.phase is Phase.QUESTIONS


def test_a_break_ends_only_by_hand_and_with_the_learner_there(room: Classroom) -> None:
    room.watch(LEARNER, 1.0)
    room.session.pause(room.moment)
    room.watch(STRANGER, 2.0)
    with pytest.raises(StepRefused):
        room.session.go_on(room.moment)
    counted = room.session.state.seconds_seen
    room.watch(LEARNER, 2.0)
    assert room.session.state.pause == BY_HAND
    assert room.session.state.seconds_seen == counted
    room.session.go_on(room.moment)
    assert room.session.running


def test_after_a_power_cut_it_goes_on_where_it_was(room: Classroom, course: Course) -> None:
    room.watch(LEARNER, 4.4)
    room.session.next_page(room.moment)
    room.watch(LEARNER, 2.0)
    kept = SessionState.model_validate_json(room.session.state.model_dump_json())
    room.at_s += 3600
    room.session = TrainingSession.resume(course, kept, moment=room.moment)
    assert room.session.state.pause == POWER
    assert room.session.state.page == 1
    room.watch(LEARNER, 2.0)
    assert room.session.state.seconds_seen == kept.seconds_seen
    room.session.go_on(room.moment)
    room.through_the_pages()
    assert room.session.state.seconds_seen < 30


def test_another_version_of_the_course_is_begun_again(
    room: Classroom, course: Course, tmp_path: Path
) -> None:
    other = a_course(tmp_path / "other")
    changed = room.session.state.model_copy(update={"course_sha256": "0" * 64})
    with pytest.raises(SessionStale):
        TrainingSession.resume(other, changed, moment=room.moment)


def test_a_class_turns_pages_for_everybody_and_who_missed_one_sees_it_again(room: Classroom) -> None:
    room.watch(NOBODY, 4.0)
    room.session.follow(1)
    room.watch(LEARNER, 6.0)
    room.session.leave_class(room.moment)
    room.watch(LEARNER, 3.0)
    assert not room.session.running
    room.session.recognised(room.moment, 0.8)
    assert room.session.running
    assert room.session.state.page == 0
    assert room.session.first_unseen_page() == 0


def test_a_phone_that_sends_a_picture_every_two_seconds_is_enough(course: Course) -> None:
    room = Classroom(course, limits=PHONE)
    for _ in range(3):
        room.at_s += 2.0
        room.session.tick(room.moment, LEARNER)
    assert room.session.running
    assert room.session.state.seconds_seen == pytest.approx(4.0)
    for _ in range(3):
        room.at_s += 2.0
        room.session.tick(room.moment, STRANGER)
    assert not room.session.running


_SIGHTS = st.sampled_from([LEARNER, STRANGER, NOBODY, TWO, PHOTO, BLURRED, None])
_STEPS = st.one_of(
    st.tuples(st.just("watch"), _SIGHTS, st.floats(0.2, 8.0)),
    st.tuples(st.just("next")),
    st.tuples(st.just("back")),
    st.tuples(st.just("pause")),
    st.tuples(st.just("go_on")),
    st.tuples(st.just("cut")),
    st.tuples(st.just("answer"), st.sampled_from(["q1", "q2"]), st.sets(st.integers(0, 3), max_size=3)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEPS, max_size=40), seed=st.integers(0, 1000))
def test_seconds_never_exceed_the_wall_and_nothing_is_skipped(
    course: Course, steps: list[tuple[object, ...]], seed: int
) -> None:
    room = Classroom(course, seed=seed)
    for step in [*steps, ("watch", LEARNER, 7.0), ("next",), ("answer", "q1", {0}), ("answer", "q2", {0})]:
        before = room.session.state
        try:
            _take(room, course, step)
        except StepRefused:
            assert room.session.state == before
        after = room.session.state
        assert after.seconds_seen <= room.at_s + 1e-6
        assert abs(after.page - before.page) <= 1 or after.page < before.page
        pages = course.manifest.pages
        if after.page > before.page or after.phase is not Phase.PAGES:
            assert after.page_seconds[before.page] >= pages[before.page].min_seconds
        if after.phase is not Phase.PAGES:
            assert after.seconds_seen >= course.manifest.min_seconds
    if room.session.state.result is not None:
        record = room.session.record(site_id="s", kiosk_id="k")
        assert implausible(record) == ""
        right = sum(answer.right for answer in record.answers)
        assert (record.result is Result.PASSED) == (right * 100 // 2 >= course.manifest.pass_mark)


def _take(room: Classroom, course: Course, step: tuple[object, ...]) -> None:
    match step:
        case ("watch", seen, float(seconds)):
            room.watch(seen, seconds)  # type: ignore[arg-type]
        case ("next",):
            room.session.next_page(room.moment)
        case ("back",):
            room.session.previous_page()
        case ("pause",):
            room.session.pause(room.moment)
        case ("go_on",):
            room.session.go_on(room.moment)
        case ("cut",):
            room.at_s += 60
            room.session = TrainingSession.resume(course, room.session.state, moment=room.moment)
        case ("answer", str(question), set(chosen)):
            room.session.answer(question, chosen, room.moment)
