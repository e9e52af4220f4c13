"""How useful a face is for recognition, in the sense of ISO/IEC 29794-5, and what would make it better."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.face import Advice, Image, Quality

CHIP_PX = 112
"""Side of the aligned chip (`models.alignment.ARCFACE_112`) that texture and light are measured on."""

_FACE_3D = np.array(
    [[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.28, -1.0], [-0.83, 2.31, -0.1], [0.83, 2.31, -0.1]],
    np.float64,
)
"""Eyes, nose tip, mouth corners of a frontal head; x right, y down, z away from the camera; unit: half the
eye distance. x and y are the mean of YuNet's landmarks on people who look ahead; the depth follows head
measurements (a nose tip lies about 32 mm before eyes that are 64 mm apart)."""

_MODEL = _FACE_3D - _FACE_3D.mean(axis=0)
_FROM_MODEL = np.linalg.pinv(_MODEL).T

_ROWS, _COLUMNS = np.mgrid[:CHIP_PX, :CHIP_PX]
_FACE_MASK = (((_COLUMNS - 56) / 38) ** 2 + ((_ROWS - 66) / 46) ** 2) <= 1
"""The ellipse of the chip that skin fills: no hair, no background."""

_BRIDGE = (slice(44, 60), slice(49, 63))
_LOWER_FACE = (slice(76, 106), slice(36, 76))

_HALF_SHARP = 0.02
"""Laplacian variance per luminance variance of a face that is half sharp: that of a face 60 px wide with a
slight blur. Portraits have 0.09, blurred with sigma 2 px 0.009."""
_FLAT_VARIANCE = 25.0  # grey levels squared; keeps noise on a flat picture from counting as sharp

_SKIN_CHROMA_SPREAD, _FOREIGN_CHROMA = 12.0, 24.0
"""Distance in the Cr-Cb plane between nose bridge and lower face: of bare faces 97 % stay below the first,
99 % below 15; behind surgical masks the median is 30 (black, white) to 80 (blue)."""

_SCORE_UNSURE, _SCORE_SURE = 0.80, 0.90  # YuNet's confidence in covered and in bare faces

_GOOD_EYE_DISTANCE_PX = 40.0  # beyond the chip's own 35 px a larger face adds nothing
_GOOD_EXPOSURE = (0.30, 0.75)
_GOOD_CONTRAST = 0.10
_YAW_SPREAD_DEG, _PITCH_SPREAD_DEG, _ROLL_SPREAD_DEG = 45.0, 40.0, 90.0


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """What a face must have to be matched; angles in degrees, the rest as in `Quality`.

    The defaults keep 99 % of the photos of Labeled Faces in the Wild (docs/benchmarks.md, "Quality").
    """

    max_yaw_deg: float = 45.0
    max_pitch_deg: float = 35.0
    max_roll_deg: float = 35.0
    min_sharpness: float = 0.25
    min_exposure: float = 0.15
    max_exposure: float = 0.90
    max_occlusion: float = 0.80
    min_eye_distance_px: float = 20.0


def assess(chip: Image, landmarks: NDArray[np.float32], score: float) -> Quality:
    """Measure one face: aligned chip (112, 112, 3), landmarks (5, 2) in the frame, detector score 0..1."""
    eye_distance = float(np.linalg.norm(landmarks[1] - landmarks[0]))
    yaw, pitch, roll = pose(landmarks)
    grey = cv2.cvtColor(chip, cv2.COLOR_BGR2GRAY).astype(np.float32)
    face = grey[_FACE_MASK]
    measured = {
        "eye_distance_px": eye_distance,
        "yaw_deg": yaw,
        "pitch_deg": pitch,
        "roll_deg": roll,
        "sharpness": _sharpness(grey),
        "exposure": float(face.mean()) / 255,
        "contrast": min(1.0, float(face.std()) / 127.5),
        "occlusion": _occlusion(chip, score),
    }
    return Quality(**measured, overall=_overall(**measured))


def pose(landmarks: NDArray[np.floating]) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees, signed as in `Quality`, from five landmarks (5, 2).

    A rigid head seen from afar (weak perspective): the best affine view of the five model points, made a
    rotation. Needs no focal length; errs by some degrees with the shape of the nose.
    """
    points = landmarks.astype(np.float64)
    view = (points - points.mean(axis=0)).T @ _FROM_MODEL
    if not np.isfinite(view).all() or not view.any():
        return 0.0, 0.0, 0.0
    left, _, right = np.linalg.svd(view, full_matrices=False)
    across, down = left @ right
    away = np.cross(across, down)
    yaw = np.degrees(np.arctan2(-across[2], away[2]))
    pitch = np.degrees(np.arcsin(np.clip(down[2], -1, 1)))
    roll = np.degrees(np.arctan2(down[0], across[0]))
    return float(np.clip(yaw, -90, 90)), float(pitch), float(roll)


def advise(quality: Quality, limits: QualityLimits) -> Advice | None:
    """What the person should change first, or None when the face is good enough to be matched."""
    turn = Advice.TURN_RIGHT if quality.yaw_deg > 0 else Advice.TURN_LEFT
    tilt = Advice.LOOK_DOWN if quality.pitch_deg > 0 else Advice.LOOK_UP
    checks = (
        (quality.eye_distance_px < limits.min_eye_distance_px, Advice.COME_CLOSER),
        (quality.exposure < limits.min_exposure, Advice.TOO_DARK),
        (quality.exposure > limits.max_exposure, Advice.TOO_BRIGHT),
        (abs(quality.yaw_deg) > limits.max_yaw_deg, turn),
        (abs(quality.pitch_deg) > limits.max_pitch_deg, tilt),
        (abs(quality.roll_deg) > limits.max_roll_deg, Advice.STRAIGHTEN_HEAD),
        (quality.occlusion > limits.max_occlusion, Advice.UNCOVER_FACE),
        (quality.sharpness < limits.min_sharpness, Advice.HOLD_STILL),
    )
    return next((advice for failed, advice in checks if failed), None)


def _sharpness(grey: NDArray[np.float32]) -> float:
    """0..1 from the variance of the Laplacian (Pech-Pacheco et al., ICPR 2000), relative to the contrast, so
    that a dim face is not called blurred."""
    edges = cv2.Laplacian(grey, cv2.CV_32F)[_FACE_MASK]
    detail = float(edges.var()) / (float(grey[_FACE_MASK].var()) + _FLAT_VARIANCE)
    return detail / (detail + _HALF_SHARP)


def _occlusion(chip: Image, score: float) -> float:
    """0..1, a hint: the lower face has another colour than the nose bridge (a mask), or the detector is
    unsure. Skin-coloured covers and dark glasses go unnoticed."""
    colours = cv2.cvtColor(chip, cv2.COLOR_BGR2YCrCb)
    bridge = np.median(colours[_BRIDGE].reshape(-1, 3), axis=0)
    lower = np.median(colours[_LOWER_FACE].reshape(-1, 3), axis=0)
    distance = float(np.hypot(*(bridge - lower)[1:]))
    foreign = _ramp(distance, _SKIN_CHROMA_SPREAD, _FOREIGN_CHROMA)
    unsure = 1 - _ramp(score, _SCORE_UNSURE, _SCORE_SURE)
    return max(foreign, unsure)


def _overall(
    *,
    eye_distance_px: float,
    yaw_deg: float,
    pitch_deg: float,
    roll_deg: float,
    sharpness: float,
    exposure: float,
    contrast: float,
    occlusion: float,
) -> float:
    """0..100: the product of what each measure leaves over; a face is no better than its worst part."""
    dark, bright = _GOOD_EXPOSURE
    turned = (yaw_deg / _YAW_SPREAD_DEG) ** 2 + (pitch_deg / _PITCH_SPREAD_DEG) ** 2
    tilted = (roll_deg / _ROLL_SPREAD_DEG) ** 2
    parts = (
        min(1.0, eye_distance_px / _GOOD_EYE_DISTANCE_PX),
        float(np.exp(-(turned + tilted) / 2)),
        min(1.0, sharpness / 0.5),
        _ramp(exposure, 0, dark) * (1 - _ramp(exposure, bright, 1)),
        min(1.0, contrast / _GOOD_CONTRAST),
        1 - occlusion / 2,
    )
    return 100 * float(np.prod(parts))


def _ramp(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high`, straight between."""
    return min(1.0, max(0.0, (value - low) / (high - low)))
