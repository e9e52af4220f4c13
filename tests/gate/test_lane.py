"""Frames in, one verdict per person out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.lane import Finding, Lane, LaneUpdate, Verdict
from gate.settings import LaneSettings, RecognitionSettings
from gate.view import Phase
from models.face import Advice, Face, Quality
from models.gallery import Gallery
from models.roster_watch import Threshold
from tests.gate.faces import FRAME, blurred, direction, face

ANNA, BRUNO, STRANGER = 1, 2, 99
FRAME_S = 1 / 25


def roster() -> Gallery:
    gallery = Gallery()
    gallery.load(["anna", "bruno"], np.stack([direction(ANNA), direction(BRUNO)]))
    return gallery


class Scene:
    """A lane and a hand that feeds it frames at 25 per second."""

    def __init__(
        self, lane: LaneSettings | None = None, recognition: RecognitionSettings | None = None
    ) -> None:
        self.now_s = 100.0
        self.live: float | None = None
        self.lane = Lane(
            lane or LaneSettings(),
            recognition or RecognitionSettings(deadline_s=1.5),
            search=roster().search,
            threshold=lambda: Threshold(0.45, "test"),
            advise=self.advise,
            live=lambda image, face: self.live,
        )
        self.verdicts: list[Verdict] = []
        self.last: LaneUpdate | None = None

    @staticmethod
    def advise(quality: Quality) -> Advice | None:
        return Advice.LOOK_AHEAD if abs(quality.yaw_deg) > 35 else None

    def show(self, *faces: Face, frames: int = 1) -> None:
        for _ in range(frames):
            self.now_s += FRAME_S
            self.last = self.lane.observe(FRAME, list(faces), self.now_s)
            if self.last.verdict:
                self.verdicts.append(self.last.verdict)

    def nobody(self, seconds: float) -> None:
        self.show(frames=round(seconds / FRAME_S))


def person(number: int, frame: int = 0, **place: float) -> Face:
    return face(blurred(direction(number), cosine=0.8, seed=1000 * number + frame), **place)


def test_one_frame_never_decides_but_three_agreeing_ones_do() -> None:
    scene = Scene()
    scene.show(person(ANNA))
    scene.show(person(ANNA))
    assert scene.verdicts == []
    scene.show(person(ANNA))
    (verdict,) = scene.verdicts
    assert (verdict.finding, verdict.worker_id, verdict.agreeing) == (Finding.RECOGNISED, "anna", 3)
    assert verdict.score == pytest.approx(0.8, abs=1e-3)
    assert verdict.decided_s - verdict.first_usable_s == pytest.approx(2 * FRAME_S)


def test_a_stranger_is_unknown_at_the_deadline_and_not_before() -> None:
    scene = Scene()
    scene.show(person(STRANGER), frames=37)
    assert scene.verdicts == []
    scene.show(person(STRANGER), frames=3)
    (verdict,) = scene.verdicts
    assert (verdict.finding, verdict.worker_id) == (Finding.UNKNOWN, None)
    assert verdict.decided_s - verdict.first_usable_s <= 2.0


def test_somebody_who_stands_there_is_answered_once() -> None:
    for number in (ANNA, STRANGER):
        scene = Scene()
        scene.show(person(number), frames=25 * 30)
        assert len(scene.verdicts) == 1


def test_a_worker_who_left_for_the_repeat_interval_is_served_again() -> None:
    scene = Scene()
    scene.show(person(ANNA), frames=5)
    scene.nobody(3.0)
    scene.show(person(ANNA), frames=25)
    assert len(scene.verdicts) == 1, "back too soon: still the same visit"
    scene.nobody(6.0)
    scene.show(person(ANNA), frames=5)
    assert [v.worker_id for v in scene.verdicts] == ["anna", "anna"]


def test_a_worker_the_door_did_not_see_passing_is_served_again_at_once() -> None:
    scene = Scene()
    scene.show(person(ANNA), frames=10)
    scene.lane.forget("anna")
    scene.show(person(ANNA), frames=5)
    assert len(scene.verdicts) == 2


def test_an_unknown_who_stays_gets_another_try_and_may_still_be_recognised() -> None:
    scene = Scene()
    weak = face(blurred(direction(ANNA), cosine=0.40))
    scene.show(weak, frames=50)
    assert [v.finding for v in scene.verdicts] == [Finding.UNKNOWN]
    scene.show(person(ANNA), frames=25 * 6)
    assert [v.finding for v in scene.verdicts] == [Finding.UNKNOWN, Finding.RECOGNISED]


def test_two_people_swapping_places_do_not_inherit_votes_or_answers() -> None:
    scene = Scene()
    scene.show(person(ANNA), frames=5)
    scene.show(person(STRANGER), frames=60)
    assert [v.worker_id for v in scene.verdicts] == ["anna", None]
    scene.show(person(BRUNO), frames=6)
    assert [v.worker_id for v in scene.verdicts] == ["anna", None, "bruno"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([ANNA, BRUNO, STRANGER, None]), min_size=1, max_size=120))
def test_nobody_is_recognised_without_the_needed_frames_of_their_own(people: list[int | None]) -> None:
    scene = Scene()
    window: list[int | None] = []
    names = {"anna": ANNA, "bruno": BRUNO}
    for frame, number in enumerate(people):
        before = len(scene.verdicts)
        scene.show(*([person(number, frame)] if number else []))
        window.append(number)
        for verdict in scene.verdicts[before:]:
            if verdict.worker_id is not None:
                assert number == names[verdict.worker_id], "the person in front is the person recognised"
                assert window.count(number) >= 3


def test_a_single_odd_frame_neither_votes_nor_ends_the_visit() -> None:
    scene = Scene()
    scene.show(person(ANNA), frames=2)
    scene.show(person(STRANGER))
    scene.show(person(ANNA))
    assert [v.worker_id for v in scene.verdicts] == ["anna"]


def test_the_nearest_person_is_served_and_the_second_is_a_tailgating_observation() -> None:
    scene = Scene()
    scene.show(person(ANNA, x=200, size=120), person(STRANGER, x=450, size=70), frames=3)
    (verdict,) = scene.verdicts
    assert verdict.worker_id == "anna"
    assert verdict.tailgating == 1


def test_faces_outside_the_zone_or_too_far_are_not_served() -> None:
    scene = Scene(LaneSettings(zone=(0.3, 0.0, 0.7, 1.0)))
    scene.show(person(ANNA, x=60), frames=10)
    assert scene.verdicts == []
    assert scene.last is not None and scene.last.phase is Phase.IDLE
    scene.show(person(ANNA, size=20), frames=10)
    assert scene.verdicts == []
    assert scene.last.advice is Advice.COME_CLOSER


def test_a_poor_frame_gives_advice_and_no_match() -> None:
    scene = Scene()
    scene.show(person(ANNA, yaw_deg=60), frames=10)
    assert scene.verdicts == []
    assert scene.last is not None
    assert (scene.last.phase, scene.last.advice) == (Phase.APPROACHING, Advice.LOOK_AHEAD)


def test_a_face_that_never_becomes_usable_is_refused_once_and_served_as_soon_as_it_is() -> None:
    scene = Scene(recognition=RecognitionSettings(no_good_frame_s=1.0))
    scene.show(person(ANNA, yaw_deg=60), frames=60)
    assert [v.finding for v in scene.verdicts] == [Finding.NOT_USABLE]
    scene.show(person(ANNA), frames=4)
    assert [v.finding for v in scene.verdicts] == [Finding.NOT_USABLE, Finding.RECOGNISED]


def test_two_alike_workers_without_margin_are_nobody() -> None:
    scene = Scene()
    between = direction(ANNA) + direction(BRUNO)
    between = (between / np.linalg.norm(between)).astype(np.float32)
    scene.show(face(between), frames=60)
    assert [v.finding for v in scene.verdicts] == [Finding.UNKNOWN]


def test_the_live_score_is_the_mean_over_the_track() -> None:
    scene = Scene()
    scene.live = 0.9
    scene.show(person(ANNA), frames=2)
    scene.live = 0.3
    scene.show(person(ANNA))
    assert scene.verdicts[0].live_score == pytest.approx(0.7)


def test_the_end_of_a_file_judges_the_person_still_in_view() -> None:
    scene = Scene()
    scene.show(person(STRANGER), frames=10)
    verdict = scene.lane.finish(scene.now_s)
    assert verdict is not None and verdict.finding is Finding.UNKNOWN
    assert scene.lane.finish(scene.now_s) is None


def test_a_moving_person_stays_one_track_and_a_jump_across_the_picture_is_a_new_one() -> None:
    scene = Scene()
    for frame in range(30):
        scene.show(person(STRANGER, frame, x=100 + 10 * frame))
    assert scene.verdicts == []
    scene.show(person(STRANGER, x=100))
    scene.show(person(STRANGER, x=100), frames=60)
    assert len(scene.verdicts) == 1


def test_a_stranger_in_profile_in_front_keeps_the_worker_behind_from_being_served() -> None:
    for yaw_deg, eyes_px in ((60.0, 30.0), (75.0, 15.0)):
        scene = Scene()
        front = person(STRANGER, x=250, size=160, yaw_deg=yaw_deg)
        front = replace(front, quality=replace(front.quality, eye_distance_px=eyes_px))
        scene.show(front, person(ANNA, x=450, size=80), frames=40)
        assert scene.verdicts == []
        assert scene.last is not None and scene.last.advice is Advice.LOOK_AHEAD


def test_somebody_seen_beside_the_worker_in_any_frame_is_a_tailgating_observation() -> None:
    scene = Scene()
    scene.show(person(ANNA, x=200, size=120), person(STRANGER, x=450, size=100, yaw_deg=70), frames=2)
    scene.show(person(ANNA, x=200, size=120))
    assert [v.tailgating for v in scene.verdicts] == [1]


def test_frames_that_are_all_unlike_each_other_end_at_the_deadline_too() -> None:
    scene = Scene()
    for number in range(60):
        scene.show(face(direction(1000 + number)))
    assert [v.finding for v in scene.verdicts][:1] == [Finding.UNKNOWN]


def test_advice_goes_on_after_a_face_was_called_unusable() -> None:
    scene = Scene(recognition=RecognitionSettings(no_good_frame_s=1.0))
    scene.show(person(ANNA, yaw_deg=60), frames=60)
    assert scene.last is not None and scene.last.advice is Advice.LOOK_AHEAD


def test_two_workers_that_look_alike_are_named_as_the_reason_for_an_unknown() -> None:
    scene = Scene()
    between = direction(ANNA) + direction(BRUNO)
    scene.show(face((between / np.linalg.norm(between)).astype(np.float32)), frames=60)
    assert [v.ambiguous for v in scene.verdicts] == [True]
    scene = Scene()
    scene.show(person(STRANGER), frames=60)
    assert [v.ambiguous for v in scene.verdicts] == [False]
