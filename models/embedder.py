"""From an aligned chip to a unit vector: SFace, or dlib's ResNet as the yardstick.

Sources: Zhong et al., SFace: Sigmoid-constrained hypersphere loss, IEEE TIP 2021; King, dlib-ml, JMLR 2009.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.alignment import ARCFACE_112, chip, similarity
from models.errors import UnknownWeight
from models.face import Embedding, Image
from models.runtime import Network, Runtime, load_network, resolve

BATCH = 16
"""Chips per run at enrolment; larger batches are not faster on a CPU and cost memory (4 MB a chip)."""


@dataclass(frozen=True, slots=True, eq=False)
class EmbedderSpec:
    """What makes two templates comparable.

    weight    name in the zoo
    version   changes with the network, the conversion or the alignment: templates of another version are
              not compared
    chip_px   side of the chip
    template  (5, 2) where the landmarks lie in the chip
    openvino_weight
              the same network in the form that OpenVINO runs fast and precisely; empty: `weight` itself
    """

    name: str
    weight: str
    version: str
    chip_px: int
    template: NDArray[np.float64]
    openvino_weight: str = ""

    def weight_for(self, runtime: Runtime) -> str:
        """Name in the zoo of what `runtime` should open."""
        return (
            self.openvino_weight if self.openvino_weight and resolve(runtime) == "openvino" else self.weight
        )


SFACE = EmbedderSpec(
    name="sface",
    weight="sface",
    version="2021dec.1",
    chip_px=112,
    template=ARCFACE_112,
    openvino_weight="sface_prelu",
)

DLIB = EmbedderSpec(
    name="dlib",
    weight="dlib_resnet",
    version="2017.1",
    chip_px=150,
    template=np.array([[47.2, 45.4], [102.5, 46.6], [73.9, 78.3], [50.6, 103.6], [97.9, 103.6]], np.float64),
)
"""The points of dlib's own chip (150 px, padding 0.25) are eye corners and the base of the nose; these
are the mean places of YuNet's five points in such chips, measured on 403 photos of LFW."""

EMBEDDERS: dict[str, EmbedderSpec] = {spec.name: spec for spec in (SFACE, DLIB)}


def embedder_spec(name: str) -> EmbedderSpec:
    """The embedder of that name. Raises UnknownWeight."""
    try:
        return EMBEDDERS[name]
    except KeyError:
        raise UnknownWeight(
            f"there is no embedder {name!r}", next_step=f"Choose one of: {', '.join(EMBEDDERS)}."
        ) from None


class Embedder:
    """One network with its alignment. Thread-safe."""

    def __init__(self, spec: EmbedderSpec, network: Network) -> None:
        self.spec = spec
        self._network = network

    @classmethod
    def load(cls, spec: EmbedderSpec, path: Path, *, threads: int, runtime: Runtime) -> Embedder:
        """Raises WeightCorrupt, RuntimeMissing."""
        return cls(spec, load_network(path, threads=threads, runtime=runtime))

    def align(self, image: Image, landmarks: NDArray[np.float32]) -> Image:
        """The chip (chip_px, chip_px, 3) of a face; landmarks (5, 2) in pixels of `image`."""
        return chip(image, similarity(landmarks, self.spec.template), self.spec.chip_px)

    def embed(self, chips: Sequence[Image], *, mirror: bool = False) -> list[Embedding]:
        """Unit vectors (128,) float32 of aligned chips, in their order.

        With `mirror`, each is the direction half-way between the chip and its mirror image: twice the work.
        """
        vectors: list[Embedding] = []
        for start in range(0, len(chips), BATCH):
            vectors.extend(self._embed_batch(chips[start : start + BATCH], mirror))
        return vectors

    def _embed_batch(self, chips: Sequence[Image], mirror: bool) -> NDArray[np.float32]:
        upright = np.stack(chips)[:, :, :, ::-1]
        views = np.concatenate([upright, upright[:, :, ::-1]]) if mirror else upright
        vectors = _unit(self._network(np.ascontiguousarray(views.transpose(0, 3, 1, 2), np.float32)))
        return _unit(vectors[: len(chips)] + vectors[len(chips) :]) if mirror else vectors


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units: NDArray[np.float32] = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return units
