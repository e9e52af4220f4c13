"""Which of many pictures of one person become templates: good ones that differ from each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.face import Face

SAME_PERSON_MIN_COSINE = 0.45
"""A frame further than this from the middle of all frames shows a hand, a blur or somebody else."""


def choose_templates(faces: Sequence[Face], *, limit: int = 5) -> list[Face]:
    """At most `limit` faces, the most typical one first, each next one as different as possible.

    Greedy farthest-point selection (Gonzalez, 1985) in embedding space among the faces that are clearly the
    same person. `faces` should have passed the quality limits; returns [] for [].
    """
    if not faces:
        return []
    vectors = np.stack([face.embedding for face in faces])
    similarity = vectors @ vectors.T
    typical = int(np.argmax(np.median(similarity, axis=1)))
    same = np.flatnonzero(similarity[typical] >= SAME_PERSON_MIN_COSINE)
    chosen = [typical]
    while len(chosen) < min(limit, len(same)):
        nearest = similarity[same][:, chosen].max(axis=1)
        nearest[np.isin(same, chosen)] = np.inf
        chosen.append(int(same[np.argmin(nearest)]))
    return [faces[i] for i in chosen]
