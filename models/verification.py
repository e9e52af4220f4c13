"""Is this the person who is claimed? One learner's templates against the faces of a picture.

Identification asks who of thousands somebody is (`models/gallery.py`); here one identity is claimed, so that
the threshold is that of a roster of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.calibration import ImpostorTail
from models.face import Face, Image
from models.liveness import LivenessModel
from models.mean_template import mean_templates
from models.quality import QualityLimits, advise

TARGET_FMR = 1e-3
"""Share of other people who may be taken for the claimed one in a single picture; several pictures vote."""


@dataclass(frozen=True, slots=True)
class ComparedFace:
    """One face against the claimed person.

    score  cosine with the best template; None where the picture is too poor to be compared
    live   0 (a picture of a face) to 1 (living); None where nobody looked
    """

    width_px: float
    score: float | None
    live: float | None


class ClaimedPerson:
    """The templates of one person, (k, 128) float32 unit vectors with k >= 1, and their mean."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        if vectors.ndim != 2 or not len(vectors):
            raise ValueError(f"a claimed person has templates of shape (k, 128), not {vectors.shape}")
        means, _ = mean_templates(vectors, np.zeros(len(vectors), np.intp))
        self._vectors = np.concatenate([vectors, means])

    def score(self, face: Face) -> float:
        """Cosine with the best template."""
        return float((self._vectors @ face.embedding).max())

    def compare(
        self,
        image: Image,
        faces: Sequence[Face],
        *,
        limits: QualityLimits,
        liveness: LivenessModel | None = None,
    ) -> list[ComparedFace]:
        """Every face of a picture, in their order."""
        return [
            ComparedFace(
                face.box.width,
                None if advise(face.quality, limits) else self.score(face),
                None if liveness is None else liveness.score(image, face),
            )
            for face in faces
        ]


def claim_threshold(tail: ImpostorTail) -> float:
    """Cosine from which a face is the claimed person's, for `TARGET_FMR`."""
    return tail.threshold(1, TARGET_FMR)
