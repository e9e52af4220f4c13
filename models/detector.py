"""Where the faces are: YuNet on a reduced picture.

Run by ONNX Runtime and not by cv2.FaceDetectorYN, which is not thread-safe and takes several times as long
when other lanes use the cores. It finds the same faces: tests compare the two.

Source: Wu, Peng, Yu: YuNet, a tiny millisecond-level face detector. Machine Intelligence Research, 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from models.alignment import chip
from models.errors import WeightCorrupt
from models.face import Box, Image
from models.runtime import open_session

MIN_SCORE = 0.6
"""Detections below are mostly not faces; YuNet gives a face in fair view 0.85 and more."""

NMS_IOU = 0.3
"""Boxes that overlap more are the same face (OpenCV's default for YuNet)."""

STRIDES_PX = (8, 16, 32)
"""Distances of the anchors in YuNet's three grids."""

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
    """YuNet. Thread-safe."""

    def __init__(self, model: Path, *, threads: int) -> None:
        """Raises WeightCorrupt when the file is not that network."""
        self._session = open_session(model, threads=threads, model=_of_any_size(model))
        self._input = self._session.get_inputs()[0].name
        self._outputs = [
            f"{kind}_{stride}" for stride in STRIDES_PX for kind in ("cls", "obj", "bbox", "kps")
        ]
        missing = set(self._outputs) - {output.name for output in self._session.get_outputs()}
        if missing:
            raise _not_yunet(model, f"it has no output {', '.join(sorted(missing))}")

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
        """Rows of x, y, width, height, five points, score; (n, 15), best first, overlaps removed."""
        height, width = image.shape[:2]
        below, beside = -height % STRIDES_PX[-1], -width % STRIDES_PX[-1]
        padded = cv2.copyMakeBorder(image, 0, below, 0, beside, cv2.BORDER_CONSTANT)
        tensor = np.ascontiguousarray(padded.transpose(2, 0, 1)[None], np.float32)
        outputs = self._session.run(self._outputs, {self._input: tensor})
        rows = np.concatenate(
            [
                _decoded(outputs[4 * i : 4 * i + 4], padded.shape[1] // stride, stride)
                for i, stride in enumerate(STRIDES_PX)
            ]
        )
        return rows[_without_overlaps(rows)]


def reduction(width: int, height: int) -> float:
    """Factor (<= 1) by which a picture of this size is reduced before faces are searched."""
    long_side = max(width, height)
    target = min(max(long_side / 2, SMALL_SIDE_PX), LARGE_SIDE_PX)
    return min(1.0, target / long_side)


def _of_any_size(path: Path) -> bytes:
    """The published network is declared for 640x640 only; nothing in it depends on that."""
    try:
        model = onnx.load(path)
        dimensions = model.graph.input[0].type.tensor_type.shape.dim
        dimensions[2].dim_param, dimensions[3].dim_param = "height", "width"
    except (DecodeError, IndexError) as exc:
        raise _not_yunet(path, str(exc)) from exc
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    return bytes(model.SerializeToString())


def _not_yunet(path: Path, reason: str) -> WeightCorrupt:
    return WeightCorrupt(
        f"{path} cannot be opened as a face detector ({reason})",
        next_step="Run `sitegate models verify`, then `sitegate models fetch yunet`.",
    )


def _decoded(outputs: Sequence[NDArray[np.float32]], columns: int, stride: int) -> NDArray[np.float32]:
    """Rows of the anchors of one stride that reach MIN_SCORE; offsets and sizes come in strides."""
    face, there, box, points = (output[0] for output in outputs)
    score = np.sqrt(np.clip(face[:, 0], 0, 1) * np.clip(there[:, 0], 0, 1))
    kept = np.flatnonzero(score >= MIN_SCORE)
    anchor = np.column_stack([kept % columns, kept // columns]).astype(np.float32)
    size = np.exp(box[kept, 2:])
    corner = anchor + box[kept, :2] - size / 2
    landmarks = points[kept] + np.tile(anchor, 5)
    return np.column_stack([np.hstack([corner, size, landmarks]) * stride, score[kept]]).astype(np.float32)


def _without_overlaps(rows: NDArray[np.float32]) -> NDArray[np.intp]:
    """Indices of the best row of each face, best first (non-maximum suppression)."""
    chosen = cv2.dnn.NMSBoxes(rows[:, :4].tolist(), rows[:, 14].tolist(), MIN_SCORE, NMS_IOU)
    return np.asarray(chosen, np.intp).ravel()[:MAX_FACES]


def _detection(row: NDArray[np.float32], per_pixel: NDArray[np.float32]) -> Detection:
    """A row of YuNet: x, y, width, height, five points, score; in the reduced picture."""
    x, y, width, height = (row[:4].reshape(2, 2) * per_pixel).ravel().tolist()
    landmarks = row[4:14].reshape(5, 2) * per_pixel
    return Detection(Box(x, y, width, height), landmarks, float(row[14]))
