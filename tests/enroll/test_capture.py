"""A capture: poses are taken by themselves, and what must not be registered is refused with the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enroll.capture import (
    MAX_TEMPLATES,
    MIN_TEMPLATES,
    CaptureIncomplete,
    CaptureRules,
    CaptureSession,
    CaptureState,
    Guidance,
    Pose,
    pose_of,
)
from models.calibration import ImpostorTail
from models.engine import FaceEngine
from models.face import Advice, Box, Embedding, Face, Image, Quality
from models.verification import claim_threshold
from tests.conftest import Weights

FRAME: Image = np.full((480, 640, 3), 128, np.uint8)
FRAME_S = 0.15


def direction(number: int) -> Embedding:
    vector = np.random.default_rng(number).normal(size=128)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def seen(person: int, number: int, cosine: float = 0.85) -> Embedding:
    """Another frame of a person, at about `cosine` from their middle."""
    blend = cosine * direction(person) + np.sqrt(1 - cosine**2) * direction(10_000 + number)
    return (blend / np.linalg.norm(blend)).astype(np.float32)


def face(
    number: int = 0,
    *,
    person: int = 1,
    yaw: float = 0.0,
    pitch: float = 0.0,
    x: float = 320,
    size: float = 120,
    **quality: float,
) -> Face:
    measured = Quality(size * 0.45, yaw, pitch, 0.0, 0.8, 0.5, 0.5, 0.1, 90.0)
    return Face(
        Box(x - size / 2, 240 - size / 2, size, size),
        np.zeros((5, 2), np.float32),
        0.95,
        replace(measured, **quality),
        lambda: seen(person, number),
    )


class Film:
    """Plays frames to a session, one after the other."""

    def __init__(self, session: CaptureSession) -> None:
        self.session = session
        self.at_s = 0.0
        self.number = 0
        self.states: list[CaptureState] = []

    def play(self, frames: int = 4, *, beside: tuple[Face, ...] = (), **look: float) -> CaptureState:
        for _ in range(frames):
            self.number += 1
            self.at_s += FRAME_S
            person = int(look.get("person", 1))
            rest = {name: value for name, value in look.items() if name != "person"}
            shown = [face(self.number, person=person, **rest), *beside]
            self.states.append(self.session.observe(FRAME, shown, self.at_s))
        return self.states[-1]

    def empty(self) -> CaptureState:
        self.at_s += FRAME_S
        return self.session.observe(FRAME, [], self.at_s)


@pytest.fixture
def film() -> Film:
    return Film(CaptureSession(CaptureRules()))


def take_all(film: Film) -> None:
    film.play()
    film.play(yaw=20)
    film.play(yaw=-20)
    film.play(pitch=11)


def test_every_advice_of_the_quality_has_its_guidance() -> None:
    assert {advice.value for advice in Advice} <= {guidance.value for guidance in Guidance}


def test_four_held_poses_make_three_to_five_templates(film: Film) -> None:
    take_all(film)
    state = film.states[-1]
    assert state.is_complete
    assert state.guidance is Guidance.DONE
    assert [s.new.pose for s in film.states if s.new] == [Pose.AHEAD, Pose.LEFT, Pose.RIGHT, Pose.UP]
    chosen = film.session.chosen_faces()
    assert MIN_TEMPLATES <= len(chosen) <= MAX_TEMPLATES
    assert all(shot.picture.shape == (480, 360, 3) for shot in film.session.shots)
    assert "liveness 未检测 not checked" in film.session.note()


def test_the_guidance_leads_from_pose_to_pose(film: Film) -> None:
    assert film.empty().guidance is Guidance.NO_FACE
    assert film.play(1, yaw=25).guidance is Guidance.LOOK_AHEAD
    assert film.play(1).guidance is Guidance.HOLD_STILL
    assert film.play(3).guidance is Guidance.TURN_LEFT
    assert film.play(1, yaw=40).guidance is Guidance.TURN_RIGHT
    assert film.play(4, yaw=20).guidance is Guidance.TURN_RIGHT
    assert film.play(4, yaw=-20).guidance is Guidance.LOOK_AHEAD
    assert film.play(1).guidance is Guidance.LOOK_UP


def test_poses_after_the_first_come_in_any_order(film: Film) -> None:
    film.play(yaw=-20)
    assert film.states[-1].taken == ()
    film.play()
    film.play(pitch=11)
    film.play(yaw=-20)
    assert film.states[-1].target is Pose.LEFT
    assert film.play(yaw=20).is_complete


def test_a_glance_is_no_shot(film: Film) -> None:
    film.play(2)
    film.play(1, yaw=20)
    film.play(2)
    film.at_s += 10
    assert film.play(2).taken == ()


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        ({"size": 40.0}, Guidance.COME_CLOSER),
        ({"size": 440.0}, Guidance.STEP_BACK),
        ({"x": 60.0}, Guidance.INTO_THE_OVAL),
        ({"exposure": 0.05}, Guidance.TOO_DARK),
        ({"sharpness": 0.05}, Guidance.HOLD_STILL),
        ({"occlusion": 1.0}, Guidance.UNCOVER_FACE),
    ],
)
def test_a_poor_picture_is_refused_with_the_reason(
    film: Film, look: dict[str, float], expected: Guidance
) -> None:
    state = film.play(6, **look)
    assert state.guidance is expected
    assert state.taken == ()


def test_a_second_person_stops_the_shots_and_somebody_far_behind_does_not(film: Film) -> None:
    near = face(900, person=2, x=550, size=90)
    assert film.play(6, beside=(near,)).guidance is Guidance.TWO_PEOPLE
    assert film.states[-1].taken == ()
    far = face(901, person=2, x=550, size=40)
    assert film.play(4, beside=(far,)).taken == (Pose.AHEAD,)


def test_a_swap_between_the_shots_is_refused_until_the_first_person_is_back(film: Film) -> None:
    film.play()
    assert film.play(6, person=2, yaw=20).guidance is Guidance.SOMEBODY_ELSE
    assert film.states[-1].taken == (Pose.AHEAD,)
    assert Pose.LEFT in film.play(4, yaw=20).taken


def test_a_swap_during_the_first_hold_begins_anew(film: Film) -> None:
    film.play(2)
    film.play(4, person=2)
    (shot,) = film.session.shots
    assert float(shot.face.embedding @ direction(2)) > 0.7


def with_liveness(scores: Callable[[], float], **rules: object) -> Film:
    session = CaptureSession(replace(CaptureRules(), **rules), live=lambda image, one: scores())  # type: ignore[arg-type]
    return Film(session)


def test_a_photo_held_up_is_refused_until_the_operator_vouches() -> None:
    film = with_liveness(lambda: 0.1)
    assert film.play(8).guidance is Guidance.NOT_LIVE
    assert film.states[-1].taken == ()
    film.session.vouch()
    film.play(4)
    assert film.states[-1].taken == (Pose.AHEAD,)
    assert "vouched" in film.session.note()


def test_one_flicker_of_liveness_refuses_nobody() -> None:
    scores = iter([0.9, 0.3, 0.9, 0.9] * 10)
    film = with_liveness(lambda: next(scores))
    take_all(film)
    assert film.states[-1].is_complete
    assert "liveness 0." in film.session.note()


def test_missing_liveness_is_noted_or_refused_as_the_rules_say() -> None:
    strict = Film(CaptureSession(CaptureRules(needs_liveness=True)))
    assert strict.play(6).guidance is Guidance.LIVENESS_MISSING
    assert strict.states[-1].taken == ()


def test_a_pose_that_somebody_cannot_take_is_skipped_and_said(film: Film) -> None:
    film.play()
    with pytest.raises(CaptureIncomplete):
        film.session.chosen_faces()
    for pose in (Pose.LEFT, Pose.RIGHT, Pose.UP):
        film.session.skip(pose)
    assert film.play(1).is_complete
    assert len(film.session.chosen_faces()) == MIN_TEMPLATES
    assert "skipped 稍向左 A little left、稍向右 A little right、稍抬头 A little up" in film.session.note()
    with pytest.raises(ValueError, match="ahead"):
        film.session.skip(Pose.AHEAD)


def test_the_helmet_is_asked_for_last_and_awaited() -> None:
    film = Film(CaptureSession(CaptureRules(wanted=(Pose.AHEAD, Pose.LEFT, Pose.HELMET))))
    film.play()
    film.play(yaw=20)
    assert film.play(6).guidance is Guidance.HELMET_ON
    assert not film.states[-1].is_complete
    film.session.helmet_is_on()
    assert film.play(4).is_complete


def test_a_retake_takes_one_pose_again_and_the_first_takes_all(film: Film) -> None:
    take_all(film)
    film.session.retake(Pose.LEFT)
    assert film.session.missing == (Pose.LEFT,)
    assert film.play(yaw=20).is_complete
    film.session.retake(Pose.AHEAD)
    assert film.session.shots == ()


frames = st.tuples(
    st.sampled_from([1, 1, 1, 2]),
    st.sampled_from([-50.0, -20.0, 0.0, 0.0, 20.0, 50.0]),
    st.sampled_from([-20.0, 0.0, 0.0, 11.0]),
    st.booleans(),
    st.floats(0, 1),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(frames, max_size=60))
def test_whatever_is_played_one_person_alone_is_taken_and_each_pose_once(
    played: list[tuple[int, float, float, bool, float]],
) -> None:
    session = CaptureSession(CaptureRules())
    at_s, taken, owners = 0.0, [], set()
    ahead_pitch_deg: float | None = None
    for number, (person, yaw, pitch, alone, pause_s) in enumerate(played):
        at_s += pause_s
        shown = [face(number, person=person, yaw=yaw, pitch=pitch)]
        shown += [] if alone else [face(number, person=3, x=520, size=100)]
        state = session.observe(FRAME, shown, at_s)
        if state.new is not None:
            assert alone
            taken.append(state.new.pose)
            owners.add(person)
            quality = state.new.face.quality
            assert state.new.pose is pose_of(quality, ahead_pitch_deg)
            if state.new.pose is Pose.AHEAD:
                ahead_pitch_deg = quality.pitch_deg
    assert len(taken) == len(set(taken))
    assert set(taken) | set(session.missing) == set(CaptureRules().wanted)
    assert len(owners) <= 1
    assert not taken or taken[0] is Pose.AHEAD


@pytest.fixture(scope="module")
def engine(weights: Weights) -> FaceEngine:
    weights.require("yunet", "sface")
    return FaceEngine.load(zoo=weights.zoo)


def film_of(
    engine: FaceEngine, clip: Path, *, every: int = 3, flip: bool = False
) -> list[tuple[Image, list[Face]]]:
    capture = cv2.VideoCapture(str(clip))
    shown = []
    for number in range(1000):
        ok, raw = capture.read()
        if not ok:
            break
        if number % every == 0:
            image = np.ascontiguousarray(raw[:, ::-1] if flip else raw)
            shown.append((image, engine.faces(image)))
    return shown


@pytest.mark.shared_data
def test_real_people_are_taken_and_a_swap_is_noticed(engine: FaceEngine, test_data: Path) -> None:
    same_person = claim_threshold(ImpostorTail.bundled("sface"))
    wanted = (Pose.AHEAD, Pose.LEFT, Pose.RIGHT)
    session = CaptureSession(CaptureRules(wanted=wanted, same_person=same_person))
    clips = test_data / "gate-clips"
    book = film_of(engine, clips / "book.mkv", every=8)
    learn = film_of(engine, clips / "learn.mkv", every=4)
    other = film_of(engine, clips / "milk.mkv", every=8)
    mirrored = film_of(engine, clips / "book.mkv", every=8, flip=True)
    guidance, at_s = [], 0.0
    for image, faces in (*learn, *other, *book, *mirrored):
        at_s += FRAME_S
        guidance.append(session.observe(image, faces, at_s).guidance)
    during_swap = guidance[len(learn) + 1 : len(learn) + len(other)]
    assert set(during_swap) == {Guidance.SOMEBODY_ELSE}
    assert not session.missing
    chosen = session.chosen_faces()
    assert MIN_TEMPLATES <= len(chosen) <= MAX_TEMPLATES
    # the far eye tells the side: a nose left of the eyes' middle is the person's right
    by_pose = {shot.pose: shot.face.landmarks for shot in session.shots}
    for pose, sign in ((Pose.RIGHT, -1), (Pose.LEFT, 1)):
        eyes, nose = by_pose[pose][:2, 0].mean(), by_pose[pose][2, 0]
        assert sign * (nose - eyes) > 0
