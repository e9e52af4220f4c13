"""The one public face of the room: pictures in, faces out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from models.alignment import ARCFACE_112, chip, similarity
from models.detector import Detection, Detector
from models.embedder import Embedder, embedder_spec
from models.face import Box, Embedding, Face, Image
from models.images import as_bgr
from models.quality import CHIP_PX, assess
from models.runtime import Runtime, default_threads
from models.zoo import Zoo

DETECTOR_WEIGHT = "yunet"

REFINED_FACES = 3
"""So many of the nearest faces get their landmarks measured a second time, on a close-up."""


class Weights(Protocol):
    """Where a weight lies; `models.zoo.Zoo` is one."""

    def path(self, name: str) -> Path:
        """Raises UnknownWeight, WeightMissing or WeightCorrupt."""
        ...


@dataclass(frozen=True, slots=True)
class _ChipEmbedding:
    """Computes an embedding when it is first looked at; keeps the chip alive, not the frame."""

    embedder: Embedder
    chip: Image

    def __call__(self) -> Embedding:
        return self.embedder.embed([self.chip])[0]


class FaceEngine:
    """Finds, measures and embeds faces. Thread-safe: several lanes share one engine.

    >>> engine = FaceEngine.load()                        # doctest: +SKIP
    >>> [face.quality.eye_distance_px for face in engine.faces(image)]   # doctest: +SKIP
    [31.4]
    """

    def __init__(self, detector: Detector, embedder: Embedder) -> None:
        self._detector = detector
        self._embedder = embedder

    @classmethod
    def load(
        cls,
        *,
        embedder: str = "sface",
        threads: int | None = None,
        zoo: Weights | None = None,
        runtime: Runtime = "auto",
    ) -> FaceEngine:
        """Open the networks.

        embedder  `sface`, or `dlib` (the network of the face_recognition library)
        threads   CPU threads per network run; None: two, or one on a single core
        zoo       where the weights lie; None: the user's cache
        runtime   `onnxruntime`, `openvino` (an extra), or `auto`: what SITEGATE_RUNTIME says

        Raises UnknownWeight, WeightMissing, WeightCorrupt, RuntimeMissing.
        """
        spec = embedder_spec(embedder)
        weights = zoo if zoo is not None else Zoo.default()
        count = threads or default_threads()
        return cls(
            Detector(weights.path(DETECTOR_WEIGHT), threads=count),
            Embedder.load(spec, weights.path(spec.weight_for(runtime)), threads=count, runtime=runtime),
        )

    @property
    def embedder_name(self) -> str:
        """First half of a template's identity: `sface` or `dlib`."""
        return self._embedder.spec.name

    @property
    def embedder_version(self) -> str:
        """Second half: changes whenever old templates must not be compared with new embeddings."""
        return self._embedder.spec.version

    def faces(self, image_bgr: NDArray[Any]) -> list[Face]:
        """Faces in a picture, nearest first (the largest part of the picture); empty when there is none.

        Takes what `models.images.as_bgr` takes. Raises ImageUnusable.
        """
        image = as_bgr(image_bgr)
        height, width = image.shape[:2]
        found = sorted(
            self._detector.detect(image), key=lambda one: _visible_area(one.box, width, height), reverse=True
        )
        near = [self._detector.refine(image, one) for one in found[:REFINED_FACES]]
        return [self._face(image, one) for one in (*near, *found[REFINED_FACES:])]

    def templates(self, faces: Sequence[Face]) -> list[Embedding]:
        """Embeddings for enrolment: each averaged with that of the mirrored face, in batches.

        Twice the work of `Face.embedding` and a little better to compare with; unit vectors (128,) in the
        order of `faces`, which must come from an engine with the same embedder.
        """
        return self._embedder.embed(self._chips(faces), mirror=True)

    def embed_many(self, faces: Sequence[Face]) -> list[Embedding]:
        """The embeddings of many faces in few runs, in their order; same as `Face.embedding`."""
        return self._embedder.embed(self._chips(faces))

    def _face(self, image: Image, found: Detection) -> Face:
        measured = chip(image, similarity(found.landmarks, ARCFACE_112), CHIP_PX)
        return Face(
            box=found.box,
            landmarks=found.landmarks,
            score=found.score,
            quality=assess(measured, found.landmarks, found.score),
            _embed=_ChipEmbedding(self._embedder, self._embedder.align(image, found.landmarks)),
        )

    def _chips(self, faces: Sequence[Face]) -> list[Image]:
        chips = []
        for face in faces:
            if not (
                isinstance(face._embed, _ChipEmbedding) and face._embed.embedder.spec == self._embedder.spec
            ):
                raise ValueError(
                    f"this face does not come from an engine with the embedder {self.embedder_name}"
                )
            chips.append(face._embed.chip)
        return chips


def _visible_area(box: Box, width: int, height: int) -> float:
    """Square pixels of the box inside the picture: a bystander cut off by the edge is not the nearest.

    The eye distance would rank a near face in profile behind a far one that looks ahead.
    """
    across = min(box.x + box.width, width) - max(box.x, 0)
    down = min(box.y + box.height, height) - max(box.y, 0)
    return max(across, 0) * max(down, 0)
