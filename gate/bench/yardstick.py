"""What the face_recognition library does, through dlib itself: the yardstick beside our figures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gate.bench.photos import Embed
from gate.errors import GateError
from models.face import Embedding, Image
from models.zoo import Zoo

DEFAULT_TOLERANCE = 0.6
"""The Euclidean distance up to which the library calls two faces the same."""

_UPSAMPLE = 1
_JITTERS = 1


class YardstickMissing(GateError, ImportError):
    """dlib is not installed."""


def face_recognition_embed(zoo: Zoo) -> Embed:
    """`face_recognition.face_encodings` with its defaults: HOG detector, five landmarks, no jitter.

    Vectors are those of `as_dot_products`. Raises YardstickMissing, WeightMissing, WeightCorrupt.
    """
    try:
        import dlib  # noqa: PLC0415 - an optional extra
    except ImportError as exc:
        raise YardstickMissing(
            "the comparison needs dlib", next_step="Run `pip install 'sitegate[dlib]'`."
        ) from exc
    detector: Any = dlib.get_frontal_face_detector()
    predictor: Any = dlib.shape_predictor(str(zoo.path("dlib_landmarks5")))
    network: Any = dlib.face_recognition_model_v1(str(zoo.source("dlib_resnet")))

    def embed(image: Image) -> tuple[Embedding, Embedding] | None:
        rgb = np.ascontiguousarray(image[:, :, ::-1])
        faces = detector(rgb, _UPSAMPLE)
        if not faces:
            return None
        shape = predictor(rgb, faces[0])
        return as_dot_products(np.array(network.compute_face_descriptor(rgb, shape, _JITTERS)))

    return embed


def as_dot_products(descriptor: NDArray[np.float64]) -> tuple[Embedding, Embedding]:
    """Probe and template whose dot product is minus the squared Euclidean distance of the descriptors."""
    square = float(descriptor @ descriptor)
    probe = np.concatenate([2 * descriptor, [-square, -1.0]])
    template = np.concatenate([descriptor, [1.0, square]])
    return probe.astype(np.float32), template.astype(np.float32)
