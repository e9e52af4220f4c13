"""Where the faces are: YuNet on a reduced picture.

Source: Wu, Peng, Yu: YuNet, a tiny millisecond-level face detector. Machine Intelligence Research, 2023.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.alignment import chip
from models.errors import WeightCorrupt
from models.face import Box, Image

MIN_SCORE = 0.6
"""Detections below are mostly not faces; YuNet gives a face in fair view 0.85 and more."""

NMS_IOU = 0.3
"""Boxes that overlap more are the same face (OpenCV's default for YuNet)."""

MAX_FACES = 50
"""No lane serves more people at once; bounds the work a crowd or a poster can cause."""

SMALL_SIDE_PX = 320
LARGE_SIDE_PX = 640
"""The long side of the reduced picture is half that of the picture, within these limits: a face 40 px wide
stays 20 px wide, twice what YuNet needs, and 640x360 costs a quarter of the time."""

CLOSE_UP_PX, CLOSE_UP_FACE_PX = 160, 80
"""Side of the close-up on which landmarks are refined, and of the face in it; 0.8 ms."""

SAME_SIZE = 1.5
"""A face in the close-up that is larger or smaller than expected by more than this is another one."""


@dataclass(frozen=True, slots=True)
class Detection:
    """box and landmarks (5, 2) float32 in pixels of the picture given; score 0..1."""

    box: Box
    landmarks: NDArray[np.float32]
    score: float


class Detector:
    """YuNet. Thread-safe: OpenCV's detector is not, so that every thread gets its own (0.2 MB of weights)."""

    def __init__(self, model: Path) -> None:
        """Raises WeightCorrupt when the file is not a network OpenCV can read."""
        self._model = str(model)
        self._local = threading.local()
        self._of_this_thread()

    def detect(self, image: Image) -> list[Detection]:
        """Faces in an upright BGR picture of any size, in no particular order."""
        height, width = image.shape[:2]
        scale = reduction(width, height)
        small = image
        if scale < 1:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            small = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        per_pixel = np.array([width / small.shape[1], height / small.shape[0]], np.float32)
        return [_detection(row, per_pixel) for row in self._rows(small)]

    def refine(self, image: Image, found: Detection) -> Detection:
        """The same face with its landmarks measured again on a close-up of fixed size.

        Landmarks from a reduced picture are a pixel or two off, which costs recognition more than anything
        else here (docs/decisions/face-engine.md). Where the close-up shows no face of that size at its
        middle, the first measurement stands.
        """
        box = found.box
        scale = CLOSE_UP_FACE_PX / max(box.width, box.height, 1.0)
        corner = np.array(
            [
                box.x + box.width / 2 - CLOSE_UP_PX / scale / 2,
                box.y + box.height / 2 - CLOSE_UP_PX / scale / 2,
            ]
        )
        matrix = np.column_stack([np.eye(2) * scale, -corner * scale])
        rows = self._rows(chip(image, matrix, CLOSE_UP_PX))
        if not len(rows):
            return found
        distance = np.linalg.norm(rows[:, :2] + rows[:, 2:4] / 2 - CLOSE_UP_PX / 2, axis=1)
        nearest = int(np.argmin(distance))
        size_ratio = float(rows[nearest, 2:4].max()) / CLOSE_UP_FACE_PX
        if distance[nearest] > CLOSE_UP_FACE_PX / 4 or not 1 / SAME_SIZE < size_ratio < SAME_SIZE:
            return found
        landmarks = (rows[nearest, 4:14].reshape(5, 2) / scale + corner).astype(np.float32)
        return Detection(box, landmarks, found.score)

    def _rows(self, image: Image) -> NDArray[np.float32]:
        yunet = self._of_this_thread()
        yunet.setInputSize((image.shape[1], image.shape[0]))
        _, rows = yunet.detect(image)
        if rows is None:
            return np.empty((0, 15), np.float32)
        found = np.asarray(rows, np.float32)
        return found[np.isfinite(found).all(axis=1)]

    def _of_this_thread(self) -> cv2.FaceDetectorYN:
        yunet: cv2.FaceDetectorYN | None = getattr(self._local, "yunet", None)
        if yunet is None:
            yunet = self._local.yunet = _open(self._model)
        return yunet


def reduction(width: int, height: int) -> float:
    """Factor (<= 1) by which a picture of this size is reduced before faces are searched."""
    long_side = max(width, height)
    target = min(max(long_side / 2, SMALL_SIDE_PX), LARGE_SIDE_PX)
    return min(1.0, target / long_side)


def _open(model: str) -> cv2.FaceDetectorYN:
    # OpenCV 5 warns on every creation that its new engine ignores the target it has set itself.
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    try:
        return cv2.FaceDetectorYN.create(
            model, "", (SMALL_SIDE_PX, SMALL_SIDE_PX), MIN_SCORE, NMS_IOU, MAX_FACES
        )
    except cv2.error as exc:
        raise WeightCorrupt(
            f"{model} cannot be opened as a face detector ({exc.err})",
            next_step="Run `sitegate models verify`, then `sitegate models fetch yunet`.",
        ) from exc
    finally:
        cv2.utils.logging.setLogLevel(level)


def _detection(row: NDArray[np.float32], per_pixel: NDArray[np.float32]) -> Detection:
    """A row of YuNet: x, y, width, height, five points, score; in the reduced picture."""
    x, y, width, height = (row[:4].reshape(2, 2) * per_pixel).ravel().tolist()
    landmarks = row[4:14].reshape(5, 2) * per_pixel
    return Detection(Box(x, y, width, height), landmarks, float(row[14]))
