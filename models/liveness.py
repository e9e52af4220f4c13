"""Passive presentation attack detection: does a living face or a picture of one stand before the camera?

Source of the networks: Silent-Face-Anti-Spoofing (minivision, Apache-2.0), MiniFASNet V2 and V1SE.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from models.face import Box, Face, Image
from models.runtime import Network, default_threads, load_network

INPUT_PX = 80
LIVE_CLASS = 1  # of print attack, live, replay attack
V2_CROP_SCALE, V1SE_CROP_SCALE = 2.7, 4.0
V2_WEIGHT, V1SE_WEIGHT = "minifasnet_v2", "minifasnet_v1se"


class Weights(Protocol):
    """Where a weight lies; `models.zoo.Zoo` is one."""

    def path(self, name: str) -> Path: ...


class LivenessModel(Protocol):
    """Says for one frame how likely a face is alive; thread-safe.

    Single frames flicker: the lane averages over a track.
    """

    def score(self, image: Image, face: Face) -> float:
        """0 (an attack) to 1 (live); `image` is the whole frame the face was found in."""
        ...


@dataclass(frozen=True, slots=True)
class _Member:
    network: Network
    crop_scale: float


class MiniFasNet:
    """Two small networks that look at the face with much and with very much around it; the mean counts.

    They were trained on one person's choice of attacks: a score is a hint for the policy, no proof.
    """

    def __init__(self, members: tuple[_Member, ...]) -> None:
        self._members = members

    @classmethod
    def from_files(cls, v2_path: Path, v1se_path: Path, *, threads: int | None = None) -> MiniFasNet:
        """Open the two ONNX files. Raises WeightCorrupt."""
        count = threads or default_threads()
        return cls(
            (
                _Member(load_network(v2_path, threads=count), V2_CROP_SCALE),
                _Member(load_network(v1se_path, threads=count), V1SE_CROP_SCALE),
            )
        )

    def score(self, image: Image, face: Face) -> float:
        """Mean probability of the class "live", 0..1."""
        return float(np.mean([_live_probability(member, image, face.box) for member in self._members]))


def load_liveness(zoo: Weights, *, threads: int | None = None) -> LivenessModel:
    """The liveness model from the zoo. Raises WeightMissing or WeightCorrupt."""
    return MiniFasNet.from_files(zoo.path(V2_WEIGHT), zoo.path(V1SE_WEIGHT), threads=threads)


def _live_probability(member: _Member, image: Image, box: Box) -> float:
    crop = surroundings(image, box, member.crop_scale)
    tensor = np.ascontiguousarray(crop.transpose(2, 0, 1)[None], np.float32)
    logits: NDArray[np.float32] = member.network(tensor)[0]
    weights = np.exp(logits - logits.max())
    return float(weights[LIVE_CLASS] / weights.sum())


def surroundings(image: Image, box: Box, scale: float) -> Image:
    """What the networks were trained on: the box `scale` times as large, (80, 80, 3), inside the picture.

    Where the picture is too small for that, the scale gives way, as in the published code.
    """
    height, width = image.shape[:2]
    scale = min(scale, (height - 1) / max(box.height, 1), (width - 1) / max(box.width, 1))
    crop_width, crop_height = box.width * scale, box.height * scale
    left = box.x + box.width / 2 - crop_width / 2
    top = box.y + box.height / 2 - crop_height / 2
    left = min(max(left, 0.0), max(0.0, width - 1 - crop_width))
    top = min(max(top, 0.0), max(0.0, height - 1 - crop_height))
    right, bottom = int(left + crop_width) + 1, int(top + crop_height) + 1
    region = image[int(top) : max(bottom, int(top) + 1), int(left) : max(right, int(left) + 1)]
    return cv2.resize(region, (INPUT_PX, INPUT_PX)).astype(np.uint8, copy=False)
