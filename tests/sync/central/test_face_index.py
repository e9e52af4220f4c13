"""The registry's faces in memory: whatever an exact comparison finds is among the candidates."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sync.central.face_index import BLOCK_ROWS, FaceIndex, best_scores


def faces(count: int, seed: int = 0) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).standard_normal((count, 128), dtype=np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


@given(seed=st.integers(0, 10_000), at_least=st.floats(0.05, 0.99))
@settings(max_examples=40, deadline=None)
def test_nobody_whom_an_exact_search_finds_is_missed(seed: int, at_least: float) -> None:
    vectors, looks = faces(300, seed), faces(3, seed + 1)
    owners = [f"W-{row // 2}" for row in range(300)]
    index = FaceIndex()
    index.replace({f"W-{one}": vectors[2 * one : 2 * one + 2] for one in range(150)})
    exact = {one for one, score in best_scores(looks, owners, vectors).items() if score >= at_least}
    assert exact <= set(index.candidates(looks, at_least=at_least))


def test_hardly_anybody_else_is_a_candidate() -> None:
    vectors = faces(2000)
    index = FaceIndex()
    index.replace({f"W-{row}": vectors[row : row + 1] for row in range(2000)})
    assert index.candidates(vectors[7:8], at_least=0.6) == ["W-7"]


def test_templates_are_replaced_and_forgotten_to_the_last_number() -> None:
    index = FaceIndex()
    index.replace({"W-1": faces(3, 1), "W-2": faces(1, 2)})
    index.replace({"W-1": faces(1, 3), "W-2": faces(0)})
    assert (len(index), index.templates) == (1, 1)
    assert index.candidates(faces(1, 3), at_least=0.9) == ["W-1"]
    assert index.candidates(faces(1, 2), at_least=0.9) == []
    (block,) = index._blocks
    assert np.count_nonzero(np.abs(block.numbers).sum(axis=1)) == 1


def test_freed_rows_are_used_again_so_that_memory_stays_bounded() -> None:
    index = FaceIndex()
    for seed in range(5):
        vectors = faces(BLOCK_ROWS // 2, seed)
        index.replace({f"W-{row}": vectors[row : row + 1] for row in range(len(vectors))})
    assert len(index._blocks) == 1


def test_an_empty_registry_has_nobody() -> None:
    assert FaceIndex().candidates(faces(2), at_least=0.5) == []
