"""Training at the kiosk with real faces: log-in, watching, class, power cut, certificate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from enroll.roster_config import RosterConfig
from enroll.training_desk import Lesson, NotInRoster, TrainingDesk, courses_folder
from models.engine import FaceEngine
from models.face import Image
from sync.records import Clearance
from sync.store import LocalStore
from sync.training.certificate import NotPassed
from sync.training.course import load_courses
from sync.training.record import CheckKind, Result, verify
from sync.training.session import CLASS_OVER, Moment
from tests.enroll.kiosk_samples import open_store
from tests.enroll.training_samples import register, short_settings, side_by_side, small
from tests.models.pictures import biden, engine, obama, obama_again
from tests.sync.samples import NOON, a_worker

__all__ = ["biden", "engine", "obama", "obama_again"]


class Clock:
    def __init__(self) -> None:
        self.at_s = 0.0

    @property
    def moment(self) -> Moment:
        return Moment(NOON + timedelta(seconds=self.at_s), 100 + self.at_s)


class Kiosk:
    """A desk over a real store, and the pictures its camera can show."""

    def __init__(
        self, folder: Path, store: LocalStore, engine: FaceEngine, pictures: dict[str, Image]
    ) -> None:
        self.store = store
        self.clock = Clock()
        self.desk = TrainingDesk(
            store, short_settings(folder), now=lambda: self.clock.moment.now, load_engine=lambda: engine
        )
        self.pictures = {name: (image, engine.faces(image)) for name, image in pictures.items()}
        (self.course,) = self.desk.courses()[0]

    def log_in(self, name: str) -> dict[str, float]:
        login = self.desk.login()
        for _ in range(5):
            self.clock.at_s += 0.2
            found = login.look(self.pictures[name][1], self.clock.moment.at_s)
        return {one.worker_id: one.score for one in found.recognised}

    def show(self, lesson: Lesson, name: str, seconds: float) -> None:
        for _ in range(round(seconds / 0.2)):
            self.clock.at_s += 0.2
            image, faces = self.pictures[name]
            lesson.look(image, faces, self.clock.moment)

    def pass_alone(self, lesson: Lesson, name: str) -> None:
        for _ in range(len(self.course.manifest.pages)):
            self.show(lesson, name, 1.4)
            lesson.next_page(self.clock.moment)
        lesson.answer("q1", {0}, self.clock.moment)
        lesson.answer("q2", {0, 2}, self.clock.moment)


@pytest.fixture
def kiosk(
    tmp_path: Path, engine: FaceEngine, obama: Image, obama_again: Image, biden: Image
) -> Iterator[Kiosk]:
    with open_store(tmp_path) as store:
        register(store, engine, "W-1", obama_again)
        a, b = small(obama), small(biden)
        yield Kiosk(tmp_path, store, engine, {"one": a, "other": b, "both": side_by_side(a, b)})


def test_a_learner_logs_in_by_face_passes_and_may_enter(kiosk: Kiosk) -> None:
    learners = kiosk.log_in("one")
    assert set(learners) == {"W-1"}
    lesson = kiosk.desk.begin(kiosk.course, learners, kiosk.clock.moment)
    kiosk.pass_alone(lesson, "one")
    assert lesson.is_over
    (signed,) = lesson.records.values()
    record = verify(signed)
    assert record.result is Result.PASSED
    assert {check.kind for check in record.checks} >= {CheckKind.LOGIN, CheckKind.RANDOM}
    (clearance,) = kiosk.store.worker("W-1").clearances
    assert (clearance.kind, clearance.reference) == ("training", record.record_id)
    assert kiosk.store.training_sessions() == []
    assert kiosk.desk.verify_all() == []
    name, pdf = kiosk.desk.certificate(record.record_id)
    assert name.endswith(".pdf") and pdf.startswith(b"%PDF")


def test_a_stranger_is_not_logged_in(kiosk: Kiosk) -> None:
    assert kiosk.log_in("other") == {}


def test_another_person_or_a_second_one_pauses_the_lesson(kiosk: Kiosk) -> None:
    lesson = kiosk.desk.begin(kiosk.course, kiosk.log_in("one"), kiosk.clock.moment)
    kiosk.show(lesson, "one", 1.0)
    kiosk.show(lesson, "other", 2.8)
    assert lesson.sessions[0].state.pause == "another_person"
    kiosk.show(lesson, "one", 2.4)
    assert lesson.sessions[0].running
    kiosk.show(lesson, "both", 2.8)
    assert lesson.sessions[0].state.pause == "several_people"
    assert not lesson.may_turn


def test_after_a_power_cut_the_same_learner_goes_on_and_a_failed_test_has_no_certificate(
    kiosk: Kiosk,
) -> None:
    lesson = kiosk.desk.begin(kiosk.course, kiosk.log_in("one"), kiosk.clock.moment)
    kiosk.show(lesson, "one", 1.4)
    lesson.next_page(kiosk.clock.moment)
    kiosk.clock.at_s += 600
    again = kiosk.desk.begin(kiosk.course, kiosk.log_in("one"), kiosk.clock.moment)
    assert again.page == 1
    assert again.sessions[0].state.session_id == lesson.sessions[0].state.session_id
    kiosk.show(again, "one", 1.6)
    again.next_page(kiosk.clock.moment)
    again.answer("q1", {1}, kiosk.clock.moment)
    again.answer("q2", {1}, kiosk.clock.moment)
    (record_id,) = again.records
    assert kiosk.store.worker("W-1").clearances == ()
    with pytest.raises(NotPassed):
        kiosk.desk.certificate(record_id)


def test_a_class_is_followed_face_by_face_and_each_goes_on_alone(
    kiosk: Kiosk, engine: FaceEngine, biden: Image
) -> None:
    register(kiosk.store, engine, "W-2", biden)
    learners = kiosk.log_in("both")
    assert set(learners) == {"W-1", "W-2"}
    lesson = kiosk.desk.begin(kiosk.course, learners, kiosk.clock.moment)
    kiosk.show(lesson, "both", 1.6)
    lesson.next_page(kiosk.clock.moment)
    kiosk.show(lesson, "one", 3.0)  # the second one went away
    lesson.next_page(kiosk.clock.moment)
    assert lesson.class_over
    states = {state.worker_id: state for state in kiosk.store.training_sessions()}
    assert {state.pause for state in states.values()} == {CLASS_OVER}
    assert states["W-1"].page_seconds[1] >= 1
    assert states["W-2"].page_seconds[1] < 1
    assert "nobody" in {one.reason for one in states["W-2"].interruptions}

    alone = kiosk.desk.begin(kiosk.course, kiosk.log_in("one"), kiosk.clock.moment)
    assert alone.sessions[0].state.group
    kiosk.show(alone, "one", 0.8)
    alone.next_page(kiosk.clock.moment)
    assert alone.sessions[0].question is not None
    second = kiosk.desk.begin(kiosk.course, kiosk.log_in("other"), kiosk.clock.moment)
    assert second.page == 1


def test_whose_training_ends_soon_is_listed(kiosk: Kiosk) -> None:
    def ending(worker_id: str, days: float) -> None:
        until = kiosk.clock.moment.now + timedelta(days=days)
        kiosk.store.put_worker(
            a_worker(worker_id, clearances=(Clearance(kind="training", valid_until=until),))
        )

    for worker_id, days in (("W-5", 13.0), ("W-6", 15.0), ("W-7", -1.0)):
        ending(worker_id, days)
    found = kiosk.desk.expiring()
    assert [one.worker.worker_id for one in found] == ["W-7", "W-5"]
    assert found[0].has_ended(kiosk.clock.moment.now)


def test_somebody_without_a_face_here_is_told_so(kiosk: Kiosk) -> None:
    kiosk.store.put_worker(a_worker("W-9"))
    with pytest.raises(NotInRoster):
        kiosk.desk.begin(kiosk.course, {"W-9": 0.9}, kiosk.clock.moment)


def test_the_shipped_courses_are_sound_and_speak_both_languages() -> None:
    courses, problems = load_courses(courses_folder(RosterConfig()))
    assert problems == []
    assert {course.manifest.id for course in courses} == {"safety-induction", "health-protection"}
    for course in courses:
        assert course.manifest.min_seconds <= sum(page.min_seconds for page in course.manifest.pages)
        assert all(page.text and page.text.en and page.title.en for page in course.manifest.pages)
        assert all(option.en for one in course.manifest.questions for option in one.options)
