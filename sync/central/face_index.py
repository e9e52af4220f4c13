"""Every face of the registry in memory, for an exact search: a quarter of the bytes, and none is missed.

Each template is kept as 128 whole numbers of one byte and a scale. What such a row may differ from its
template is bounded, so that a search that adds the bound finds everybody who could reach a score, and a few
more; the caller computes those few anew from the templates themselves. Measured in docs/central.md.

No approximate index: it might miss the one who matters. Not thread-safe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK_ROWS = 32_768
"""Rows turned back into float32 at once (16 MB). Each block is one product, and each product waits for all of
BLAS's threads: with few large ones a busy machine answers late, with many small ones hardly at all."""

_LARGEST = 127
_NOBODY = -1
_COLUMNS = 8


@dataclass(frozen=True, slots=True)
class _Block:
    numbers: NDArray[np.int8]  # (BLOCK_ROWS, size)
    scales: NDArray[np.float32]  # (BLOCK_ROWS,), 0 for free rows
    owners: NDArray[np.int32]  # (BLOCK_ROWS,), -1 for free rows


class FaceIndex:
    """Templates of one embedder by worker.

    >>> index = FaceIndex()
    >>> index.replace({"W-1": np.eye(1, 128, dtype=np.float32)})
    >>> index.candidates(np.eye(1, 128, dtype=np.float32), at_least=0.6)
    ['W-1']
    """

    def __init__(self, *, size: int = 128) -> None:
        self._size = size
        self._blocks: list[_Block] = []
        self._free: list[int] = []
        self._ids: list[str] = []
        self._numbers: dict[str, int] = {}
        self._rows_of: dict[int, int] = {}
        # Rounding moves each of the numbers by half a step at most.
        self._error_per_scale = np.float32(0.5 * np.sqrt(size))

    def __len__(self) -> int:
        """Workers who have at least one template here."""
        return len(self._rows_of)

    @property
    def templates(self) -> int:
        return sum(self._rows_of.values())

    @property
    def nbytes(self) -> int:
        """Memory of the faces themselves; ids come on top."""
        return sum(one.numbers.nbytes + one.scales.nbytes + one.owners.nbytes for one in self._blocks)

    def replace(self, changes: Mapping[str, NDArray[np.float32]]) -> None:
        """Replace all templates of these workers; (k, size) unit vectors, k may be 0 (forgets them)."""
        known = [self._numbers[one] for one in changes if self._numbers.get(one) in self._rows_of]
        if known:
            self._forget(np.array(known, np.int32))
        added = {one: vectors for one, vectors in changes.items() if len(vectors)}
        if not added:
            return
        vectors = np.concatenate(list(added.values())).astype(np.float32, copy=False)
        if vectors.shape[1] != self._size:
            raise ValueError(f"templates have {self._size} numbers, not {vectors.shape[1]}")
        counts = [len(one) for one in added.values()]
        numbers = [self._number(one) for one in added]
        self._rows_of.update(zip(numbers, counts, strict=True))
        self._write(vectors, np.repeat(np.array(numbers, np.int32), counts))

    def candidates(self, looks: NDArray[np.float32], *, at_least: float) -> list[str]:
        """Everybody of whom a template may score `at_least` with one of the looks (k, size), unit vectors."""
        found: set[int] = set()
        room = np.empty((BLOCK_ROWS, self._size), np.float32)
        # A multiple of columns: BLAS is several times slower at odd narrow matrices.
        columns = np.zeros((self._size, -(-len(looks) // _COLUMNS) * _COLUMNS), np.float32)
        columns[:, : len(looks)] = looks.T
        for block in self._blocks:
            np.copyto(room, block.numbers)
            scores = room @ columns
            best = np.maximum.reduce([scores[:, one] for one in range(len(looks))])
            rows = np.flatnonzero((best + self._error_per_scale) * block.scales >= np.float32(at_least))
            found.update(block.owners[rows].tolist())
        found.discard(_NOBODY)
        return sorted(self._ids[number] for number in found)

    def _number(self, worker_id: str) -> int:
        number = self._numbers.setdefault(worker_id, len(self._ids))
        if number == len(self._ids):
            self._ids.append(worker_id)
        return number

    def _forget(self, numbers: NDArray[np.int32]) -> None:
        for place, block in enumerate(self._blocks):
            rows = np.flatnonzero(np.isin(block.owners, numbers))
            block.numbers[rows] = 0  # not only out of use: gone
            block.scales[rows] = 0
            block.owners[rows] = _NOBODY
            self._free.extend((rows + place * BLOCK_ROWS).tolist())
        for number in numbers.tolist():
            del self._rows_of[number]

    def _write(self, vectors: NDArray[np.float32], owners: NDArray[np.int32]) -> None:
        scales = np.abs(vectors).max(axis=1) / _LARGEST
        steps = np.rint(vectors / np.maximum(scales, np.finfo(np.float32).tiny)[:, None]).astype(np.int8)
        while len(self._free) < len(vectors):
            self._grow()
        rows = np.array(self._free[-len(vectors) :][::-1], np.intp)
        del self._free[-len(vectors) :]
        for place in np.unique(rows // BLOCK_ROWS):
            mine = np.flatnonzero(rows // BLOCK_ROWS == place)
            block, there = self._blocks[place], rows[mine] % BLOCK_ROWS
            block.numbers[there] = steps[mine]
            block.scales[there] = scales[mine]
            block.owners[there] = owners[mine]

    def _grow(self) -> None:
        start = len(self._blocks) * BLOCK_ROWS
        self._blocks.append(
            _Block(
                np.zeros((BLOCK_ROWS, self._size), np.int8),
                np.zeros(BLOCK_ROWS, np.float32),
                np.full(BLOCK_ROWS, _NOBODY, np.int32),
            )
        )
        self._free.extend(range(start + BLOCK_ROWS - 1, start - 1, -1))


def best_scores(
    looks: NDArray[np.float32], owners: Sequence[str], vectors: NDArray[np.float32]
) -> dict[str, float]:
    """The best cosine of each owner's templates (n, size) with any of the looks (k, size)."""
    best: dict[str, float] = {}
    if len(owners):
        for owner, score in zip(owners, (vectors @ looks.T).max(axis=1).tolist(), strict=True):
            best[owner] = max(score, best.get(owner, -1.0))
    return best
