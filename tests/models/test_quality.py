from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.settings import LaneSettings, QualitySettings
from models.engine import FaceEngine
from models.face import Advice, Image, Quality
from models.quality import _FACE_3D, QualityLimits, advise, pose

GOOD = Quality(
    eye_distance_px=60,
    yaw_deg=0,
    pitch_deg=0,
    roll_deg=0,
    sharpness=0.8,
    exposure=0.5,
    contrast=0.2,
    occlusion=0,
    overall=90,
)
LIMITS = QualityLimits()


def head(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Landmarks of the model head, turned to the picture's right, then up, then clockwise (degrees)."""
    y, p, r = np.radians([yaw, pitch, roll])
    turn = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    nod = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    tilt = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return (100 + 20 * _FACE_3D @ (tilt @ nod @ turn).T)[:, :2].astype(np.float32)


@given(st.floats(-60, 60), st.floats(-40, 40))
def test_pose_is_read_back_from_a_turned_head(yaw: float, pitch: float) -> None:
    seen = pose(head(yaw, 0, 0)), pose(head(0, pitch, 0))
    assert seen[0][0] == pytest.approx(yaw, abs=0.5)
    assert seen[1][1] == pytest.approx(pitch, abs=0.5)


@given(st.floats(-170, 170))
def test_roll_is_clockwise_and_leaves_the_rest_alone(roll: float) -> None:
    yaw, pitch, seen = pose(head(0, 0, roll))
    assert (yaw, pitch, seen) == pytest.approx((0, 0, roll), abs=0.5)


def test_a_nose_nearer_to_the_pictures_right_is_a_head_turned_right() -> None:
    landmarks = head(0, 0, 0)
    landmarks[2, 0] += 8
    assert pose(landmarks)[0] > 10


def test_landmarks_on_one_point_have_no_pose() -> None:
    assert pose(np.full((5, 2), 7.0, np.float32)) == (0.0, 0.0, 0.0)


def test_a_good_face_needs_no_advice() -> None:
    assert advise(GOOD, LIMITS) is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"eye_distance_px": 12}, Advice.COME_CLOSER),
        ({"exposure": 0.05}, Advice.TOO_DARK),
        ({"exposure": 0.97}, Advice.TOO_BRIGHT),
        ({"yaw_deg": 60}, Advice.TURN_RIGHT),
        ({"yaw_deg": -60}, Advice.TURN_LEFT),
        ({"pitch_deg": 50}, Advice.LOOK_DOWN),
        ({"pitch_deg": -50}, Advice.LOOK_UP),
        ({"roll_deg": -60}, Advice.STRAIGHTEN_HEAD),
        ({"occlusion": 1.0}, Advice.UNCOVER_FACE),
        ({"sharpness": 0.05}, Advice.HOLD_STILL),
    ],
)
def test_each_fault_has_its_advice(change: dict[str, float], expected: Advice) -> None:
    assert advise(replace(GOOD, **change), LIMITS) is expected


def test_the_default_limits_are_those_of_the_settings() -> None:
    settings = {**QualitySettings().model_dump(), "min_eye_distance_px": LaneSettings().min_eye_distance_px}
    assert QualityLimits(**settings) == LIMITS


def test_a_blurred_face_is_less_sharp_and_worth_less(engine: FaceEngine, obama: Image) -> None:
    sharp = engine.faces(obama)[0].quality
    width = sharp.eye_distance_px / 8
    blurred = engine.faces(cv2.GaussianBlur(obama, (0, 0), width))[0].quality
    assert blurred.sharpness < LIMITS.min_sharpness < sharp.sharpness
    assert blurred.overall < sharp.overall


def test_a_dark_face_is_told_so_but_not_called_blurred(engine: FaceEngine, obama: Image) -> None:
    dark = engine.faces((obama // 8).astype(np.uint8))[0].quality
    assert advise(dark, LIMITS) is Advice.TOO_DARK
    assert dark.sharpness > LIMITS.min_sharpness


def test_a_coloured_mask_is_noticed(engine: FaceEngine, obama: Image) -> None:
    face = engine.faces(obama)[0]
    covered = obama.copy()
    nose, mouth = face.landmarks[2], face.landmarks[3:].mean(axis=0)
    width = face.quality.eye_distance_px
    left, right = int(nose[0] - width * 0.9), int(nose[0] + width * 0.9)
    covered[int(nose[1]) : int(mouth[1] + width * 0.7), left:right] = (200, 120, 30)
    assert face.quality.occlusion < 0.3
    assert engine.faces(covered)[0].quality.occlusion > LIMITS.max_occlusion


def test_every_measure_stays_in_its_range(engine: FaceEngine, obama: Image, biden: Image) -> None:
    for image in (obama, biden, obama[:, ::-1].copy(), (biden // 4).astype(np.uint8)):
        for face in engine.faces(image):
            quality = face.quality
            shares = (quality.sharpness, quality.exposure, quality.contrast, quality.occlusion)
            assert all(0 <= share <= 1 for share in shares)
            assert 0 <= quality.overall <= 100
