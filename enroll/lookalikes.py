"""Who in the roster looks like a newly enrolled face: the same person twice, or a photo in the wrong row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sync.records import Template

LOOKALIKE_FROM = 0.60
"""Cosine from which two registered people are worth a look: for SFace strangers stay below about 0.5 and two
photos of one person mostly above 0.6; the gate cannot tell such a pair apart and would answer neither."""

_NOBODY = -1


class Lookalikes:
    """Templates of one embedder and their owners; grows while people are enrolled.

    worker_ids   owner of each row of `vectors`, (n, 128) float32 unit vectors
    """

    def __init__(self, worker_ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        self._ids = list(dict.fromkeys(worker_ids))
        self._numbers = {worker_id: number for number, worker_id in enumerate(self._ids)}
        self._owners = np.array([self._numbers[worker_id] for worker_id in worker_ids], dtype=np.int64)
        self._vectors = vectors
        self._count = len(vectors)

    def find(self, worker_id: str, templates: Sequence[Template]) -> str | None:
        """The other worker most like these templates, if any is like enough; the templates then join in.

        They take the place of what was known of that worker before.
        """
        probe = np.stack([np.frombuffer(one.vector, dtype="<f4") for one in templates])
        number = self._number(worker_id)
        owners = self._owners[: self._count]
        owners[owners == number] = _NOBODY
        scores = (self._vectors[: self._count] @ probe.T).max(axis=1, initial=-1)
        scores[owners == _NOBODY] = -1
        self._append(number, probe)
        if not len(scores) or scores.max() < LOOKALIKE_FROM:
            return None
        return self._ids[int(owners[scores.argmax()])]

    def _number(self, worker_id: str) -> int:
        if worker_id not in self._numbers:
            self._numbers[worker_id] = len(self._ids)
            self._ids.append(worker_id)
        return self._numbers[worker_id]

    def _append(self, number: int, probe: NDArray[np.float32]) -> None:
        end = self._count + len(probe)
        if end > len(self._vectors):
            # Doubling: enrolling n people copies each row a few times, not n times.
            room = np.zeros((end, probe.shape[1]), np.float32)
            self._vectors = np.concatenate([self._vectors[: self._count], room])
            self._owners = np.concatenate([self._owners[: self._count], np.full(end, _NOBODY)])
        self._vectors[self._count : end] = probe
        self._owners[self._count : end] = number
        self._count = end
