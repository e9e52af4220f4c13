"""What the engine says about one face. Results are frozen; nothing here computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""BGR picture, shape (height, width, 3), uint8, as OpenCV keeps it."""

Embedding = NDArray[np.float32]
"""Unit-length vector, shape (128,), float32; similarity is the dot product (cosine)."""


class Box(NamedTuple):
    """Upright rectangle in pixels of the full frame; (x, y) is the upper left corner."""

    x: float
    y: float
    width: float
    height: float


class Advice(StrEnum):
    """What a person can do so that the next frame is better; the screen owns the words.

    Left and right are the person's own, which a mirrored picture shows on the same side of the screen.
    """

    COME_CLOSER = "come_closer"
    STEP_BACK = "step_back"
    LOOK_AHEAD = "look_ahead"
    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    LOOK_UP = "look_up"
    LOOK_DOWN = "look_down"
    HOLD_STILL = "hold_still"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    UNCOVER_FACE = "uncover_face"
    STRAIGHTEN_HEAD = "straighten_head"


@dataclass(frozen=True, slots=True)
class Quality:
    """Measures in the sense of ISO/IEC 29794-5, each a plain number.

    eye_distance_px  inter-eye distance in pixels of the full frame, >= 0
    yaw_deg          -90..90, positive: the head is turned to the picture's right side, the person's own left
    pitch_deg        -90..90, positive: the head looks up
    roll_deg         -180..180, positive: clockwise in the picture
    sharpness        0..1, 1 is sharp
    exposure         0..1, mean luminance of the face; about 0.5 is right
    contrast         0..1, spread of luminance of the face
    occlusion        0..1, hint only: 0 nothing seems to cover the face
    overall          0..100, a unified score; higher is more useful for recognition
    """

    eye_distance_px: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    sharpness: float
    exposure: float
    contrast: float
    occlusion: float
    overall: float


@dataclass(frozen=True, slots=True)
class Face:
    """One face in one picture.

    box        in pixels of the picture given to the engine
    landmarks  (5, 2) float32, pixels: right eye, left eye, nose tip, right and left mouth corner
               (the person's right, hence the picture's left, comes first)
    score      detector confidence, 0..1
    quality    see `Quality`
    """

    box: Box
    landmarks: NDArray[np.float32]
    score: float
    quality: Quality
    _embed: Callable[[], Embedding] = field(repr=False, compare=False)
    _cache: list[Embedding] = field(default_factory=list, repr=False, compare=False)

    @property
    def embedding(self) -> Embedding:
        """Unit-length float32 vector (128,), computed at the first look and kept."""
        if not self._cache:
            self._cache.append(self._embed())
        return self._cache[0]
