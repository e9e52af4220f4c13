"""The mean of a worker's templates as one template more.

Best of the templates or best of the templates and their mean: the mean is closer to what the photos share and
further from what is peculiar to one of them (docs/decisions/face-engine.md has the figures).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mean_templates(
    vectors: NDArray[np.float32], owners: NDArray[np.integer]
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """The mean directions of all owners with two templates or more.

    vectors  (n, d) unit length; owners (n,) counts from 0 without holes
    Returns means (m, d) float32, unit length, and their owners (m,), rising.
    """
    counts = np.bincount(owners) if len(owners) else np.zeros(0, np.intp)
    several = np.flatnonzero(counts >= 2)
    if not len(several):
        return np.zeros((0, vectors.shape[1]), np.float32), several
    order = np.argsort(owners, kind="stable")
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    sums = np.add.reduceat(vectors[order], starts, axis=0)[several]
    lengths = np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return (sums / lengths).astype(np.float32), several
