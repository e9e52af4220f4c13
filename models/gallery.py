"""The roster's templates in memory and the exact search over them.

Two or more templates of a worker are joined by their mean as one template more (models/mean_template.py).
Search is one matrix product (float32): exact, so that no approximate index ever misses a flagged person.
Writers publish immutable snapshots; a search works on the snapshot it took and never waits for a writer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.duplicate_search import MOST_SHOWN, Lookalike, find_lookalikes
from models.face import Embedding
from models.mean_template import mean_templates

EMBEDDING_SIZE = 128
_NOBODY = np.int32(-1)
_NEVER = np.float32(-2.0)
"""Below any cosine: marks rows that may not win."""
_COMPACT_ABOVE_DEAD = 0.25
"""Share of dead rows from which the matrix is rewritten without them."""


@dataclass(frozen=True, slots=True)
class Match:
    """Result of one search.

    worker_id     the best worker, or None when the gallery is empty
    score         cosine of the probe with the best template of that worker
    second_score  cosine with the best template of any other worker; None when there is no other
    roster_size   workers in the gallery at that moment
    """

    worker_id: str | None
    score: float
    second_score: float | None
    roster_size: int

    @property
    def margin(self) -> float | None:
        """Distance of the best worker to the second-best, or None when there is no second."""
        return None if self.second_score is None else self.score - self.second_score


@dataclass(frozen=True, slots=True)
class _Snapshot:
    matrix: NDArray[np.float32]  # (rows, 128), rows >= count
    owners: NDArray[np.int32]  # (count,), index into ids, -1 for dead rows
    dead: NDArray[np.intp]
    ids: tuple[str, ...] | list[str]
    rows_of: dict[str, NDArray[np.intp]]

    @property
    def count(self) -> int:
        return len(self.owners)


class Gallery:
    """Templates by worker; several per worker; safe for one writer at a time and any number of searches.

    >>> gallery = Gallery()
    >>> gallery.replace("W1", np.eye(1, 128, dtype=np.float32))
    >>> gallery.search(np.eye(1, 128, dtype=np.float32)[0]).worker_id
    'W1'
    """

    def __init__(self, *, size: int = EMBEDDING_SIZE) -> None:
        self._size = size
        self._writing = threading.Lock()
        self._now = self._empty()

    def _empty(self) -> _Snapshot:
        return _Snapshot(
            np.zeros((0, self._size), np.float32),
            np.zeros(0, np.int32),
            np.zeros(0, np.intp),
            [],
            {},
        )

    def __len__(self) -> int:
        """Workers that have at least one template."""
        return len(self._now.rows_of)

    @property
    def template_count(self) -> int:
        """Templates of all workers, the added means not counted."""
        return sum(len(_templates(rows)) for rows in self._now.rows_of.values())

    def worker_ids(self) -> tuple[str, ...]:
        return tuple(self._now.rows_of)

    def load(self, owners: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Replace everything: `owners[i]` is the worker of `vectors[i]` (n, 128)."""
        vectors = self._checked(vectors)
        if len(owners) != len(vectors):
            raise ValueError(f"{len(owners)} owners for {len(vectors)} templates")
        index: dict[str, int] = {}
        numbers = np.fromiter(
            (index.setdefault(owner, len(index)) for owner in owners), dtype=np.int32, count=len(owners)
        )
        means, mean_owners = mean_templates(vectors, numbers)
        vectors = np.concatenate([vectors, means])
        numbers = np.concatenate([numbers, mean_owners.astype(np.int32)])
        order = np.argsort(numbers, kind="stable")
        starts = np.searchsorted(numbers[order], np.arange(len(index)))
        rows = np.split(order, starts[1:]) if index else []
        ids = list(index)
        with self._writing:
            self._now = _Snapshot(
                vectors, numbers, np.zeros(0, np.intp), ids, dict(zip(ids, rows, strict=True))
            )

    def replace(self, worker_id: str, vectors: NDArray[np.float32]) -> None:
        """Add a worker or replace all templates of one; `vectors` (k, 128), k may be 0 (removes)."""
        self.update({worker_id: vectors})

    def remove(self, worker_id: str) -> None:
        """Forget a worker; unknown ids are fine."""
        self.update({worker_id: np.zeros((0, self._size), np.float32)})

    def update(self, changes: dict[str, NDArray[np.float32]]) -> None:
        """Apply many replacements as one: a search sees all of them or none."""
        checked = {worker_id: _with_mean(self._checked(vectors)) for worker_id, vectors in changes.items()}
        with self._writing:
            self._now = self._changed(self._now, checked)

    def search(self, probe: Embedding) -> Match:
        """Best worker and the margin to the next one for a unit vector (128,)."""
        now = self._now
        if not now.rows_of:
            return Match(None, 0.0, None, 0)
        scores = now.matrix[: now.count] @ probe
        scores[now.dead] = _NEVER
        best = int(np.argmax(scores))
        owner = now.ids[now.owners[best]]
        score = float(scores[best])
        second: float | None = None
        if len(now.rows_of) > 1:
            scores[now.rows_of[owner]] = _NEVER
            second = float(scores.max())
        return Match(owner, score, second, len(now.rows_of))

    def lookalikes(
        self, probes: NDArray[np.float32], *, at_least: float, besides: str = "", limit: int = MOST_SHOWN
    ) -> list[Lookalike]:
        """Everybody but the worker `besides` who is like one of the templates (k, 128), best first."""
        now = self._now
        probes = self._checked(probes)
        if not len(probes):
            return []
        owners = now.owners.copy()
        owners[now.dead] = _NOBODY
        owners[now.rows_of.get(besides, np.zeros(0, np.intp))] = _NOBODY
        matrix = now.matrix[: now.count]
        return find_lookalikes(owners, now.ids, matrix, probes, at_least=at_least, limit=limit)

    def sample(self, limit: int, rng: np.random.Generator) -> tuple[list[str], NDArray[np.float32]]:
        """Owners and templates of at most `limit` workers drawn at random: the site's impostor cohort."""
        now = self._now
        names = list(now.rows_of)
        if len(names) > limit:
            names = [names[i] for i in sorted(rng.choice(len(names), limit, replace=False))]
        rows = [_templates(now.rows_of[name]) for name in names]
        if not rows:
            return [], np.zeros((0, self._size), np.float32)
        owners = [name for name, own in zip(names, rows, strict=True) for _ in own]
        return owners, now.matrix[np.concatenate(rows)]

    def _checked(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        array = np.ascontiguousarray(vectors, dtype=np.float32)
        if array.ndim != 2 or array.shape[1] != self._size:
            raise ValueError(f"templates must have shape (k, {self._size}), not {array.shape}")
        return array

    def _changed(self, old: _Snapshot, changes: dict[str, NDArray[np.float32]]) -> _Snapshot:
        rows_of = dict(old.rows_of)
        gone = [rows_of.pop(worker_id) for worker_id in changes if worker_id in rows_of]
        added = {worker_id: vectors for worker_id, vectors in changes.items() if len(vectors)}
        extra = sum(len(vectors) for vectors in added.values())
        dead = np.concatenate([old.dead, *gone]).astype(np.intp) if gone else old.dead

        matrix = _with_room(old.matrix, old.count, extra)
        for rows in gone:
            # Not only out of use: who withdrew the consent is gone from memory too. A search that is under
            # way may see the zeros, which are like nobody.
            old.matrix[rows] = 0
            matrix[rows] = 0
        owners = np.concatenate([old.owners, np.full(extra, _NOBODY)])
        owners[dead] = _NOBODY
        ids = list(old.ids)
        row = old.count
        for worker_id, vectors in added.items():
            rows = np.arange(row, row + len(vectors), dtype=np.intp)
            matrix[rows] = vectors
            owners[rows] = len(ids)
            ids.append(worker_id)
            rows_of[worker_id] = rows
            row += len(vectors)
        changed = _Snapshot(matrix, owners, dead, ids, rows_of)
        return _compacted(changed) if len(dead) > _COMPACT_ABOVE_DEAD * max(1, row) else changed


def _with_mean(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The templates of one worker and, of several, their mean as the last row."""
    means, _ = mean_templates(vectors, np.zeros(len(vectors), np.intp))
    return np.concatenate([vectors, means])


def _templates(rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Of one worker's rows those that are templates: the last of three or more is their mean."""
    return rows[:-1] if len(rows) > 2 else rows


def _with_room(matrix: NDArray[np.float32], used: int, extra: int) -> NDArray[np.float32]:
    """The same matrix where rows behind `used` are free (no snapshot reads them), else a grown copy."""
    if used + extra <= len(matrix):
        return matrix
    grown = np.empty((max(1024, 2 * (used + extra)), matrix.shape[1]), np.float32)
    grown[:used] = matrix[:used]
    return grown


def _compacted(snapshot: _Snapshot) -> _Snapshot:
    names: Iterable[str] = snapshot.rows_of
    ids, rows_of, blocks, owners, row = [], {}, [], [], 0
    for number, name in enumerate(names):
        old_rows = snapshot.rows_of[name]
        ids.append(name)
        blocks.append(old_rows)
        rows_of[name] = np.arange(row, row + len(old_rows), dtype=np.intp)
        owners.append(np.full(len(old_rows), number, np.int32))
        row += len(old_rows)
    if not blocks:
        return _Snapshot(snapshot.matrix[:0], np.zeros(0, np.int32), np.zeros(0, np.intp), [], {})
    return _Snapshot(
        snapshot.matrix[np.concatenate(blocks)], np.concatenate(owners), np.zeros(0, np.intp), ids, rows_of
    )
