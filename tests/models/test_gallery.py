"""Exact search over a roster that changes while it is searched."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.duplicate_search import alike_from
from models.gallery import Gallery
from tests.gate.faces import blurred, direction


def vectors(*numbers: int) -> np.ndarray:
    return np.stack([direction(number) for number in numbers])


def similarity(probe: np.ndarray, numbers: list[int]) -> float:
    """Best of the templates and their mean, the plain way."""
    own = vectors(*numbers)
    mean = own.sum(axis=0) / np.linalg.norm(own.sum(axis=0))
    return float(max((own @ probe).max(), mean @ probe if len(own) > 1 else -1.0))


def test_the_mean_of_several_templates_is_one_template_more() -> None:
    gallery = Gallery()
    gallery.load(["A", "A", "B"], vectors(1, 2, 3))
    between = vectors(1, 2).sum(axis=0) / np.linalg.norm(vectors(1, 2).sum(axis=0))
    assert gallery.search(between).score == pytest.approx(1.0, abs=1e-5)
    assert gallery.template_count == 3
    gallery.replace("B", vectors(4, 5))
    assert gallery.template_count == 4
    owners, own = gallery.sample(10, np.random.default_rng(0))
    assert len(owners) == len(own) == 4, "means are no probes"


def test_an_empty_gallery_knows_nobody() -> None:
    match = Gallery().search(direction(1))
    assert match.worker_id is None
    assert match.roster_size == 0
    assert match.margin is None


def test_the_best_template_of_each_worker_counts_and_the_margin_is_to_another_worker() -> None:
    gallery = Gallery()
    gallery.load(["A", "A", "B"], vectors(1, 2, 3))
    match = gallery.search(blurred(direction(2), cosine=0.9))
    assert match.worker_id == "A"
    assert match.score == pytest.approx(0.9, abs=1e-5)
    assert match.second_score == pytest.approx(
        float(blurred(direction(2), cosine=0.9) @ direction(3)), abs=1e-5
    )


def test_a_single_worker_has_no_margin() -> None:
    gallery = Gallery()
    gallery.replace("A", vectors(1))
    assert gallery.search(direction(1)).margin is None


def test_a_removed_worker_is_never_found_again() -> None:
    gallery = Gallery()
    gallery.load(["A", "B"], vectors(1, 2))
    gallery.remove("A")
    assert gallery.search(direction(1)).worker_id == "B"
    gallery.remove("B")
    assert gallery.search(direction(1)).worker_id is None
    assert len(gallery) == 0


def test_replacing_templates_forgets_the_old_ones() -> None:
    gallery = Gallery()
    gallery.load(["A", "B"], vectors(1, 2))
    gallery.replace("A", vectors(3))
    assert gallery.search(direction(3)).worker_id == "A"
    assert gallery.search(direction(1)).score < 0.5
    assert gallery.template_count == 2


def test_templates_of_a_wrong_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        Gallery().replace("A", np.zeros((1, 64), np.float32))


def test_a_sample_holds_all_templates_of_the_drawn_workers() -> None:
    gallery = Gallery()
    gallery.load(["A", "B", "A", "C"], vectors(1, 2, 3, 4))
    owners, rows = gallery.sample(2, np.random.default_rng(0))
    assert len(owners) == len(rows)
    assert len(set(owners)) == 2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ABCDEF"), st.lists(st.integers(0, 30), max_size=4)), max_size=40))
def test_any_order_of_changes_gives_the_roster_that_a_plain_dictionary_gives(
    changes: list[tuple[str, list[int]]],
) -> None:
    gallery, plain = Gallery(), dict[str, list[int]]()
    for worker, numbers in changes:
        gallery.replace(worker, vectors(*numbers) if numbers else np.zeros((0, 128), np.float32))
        plain.pop(worker, None)
        if numbers:
            plain[worker] = numbers
    assert set(gallery.worker_ids()) == set(plain)
    assert gallery.template_count == sum(map(len, plain.values()))
    probe = direction(7)
    best = max((similarity(probe, ns) for ns in plain.values()), default=0.0)
    assert gallery.search(probe).score == pytest.approx(best, abs=1e-5)


def test_searches_go_on_while_the_roster_is_rewritten() -> None:
    gallery = Gallery()
    gallery.load([f"W{i}" for i in range(500)], vectors(*range(500)))
    stop, wrong = threading.Event(), []

    def search() -> None:
        while not stop.is_set():
            match = gallery.search(direction(3))
            if match.worker_id != "W3" or match.score < 0.999:
                wrong.append(match)

    thread = threading.Thread(target=search)
    thread.start()
    for round_number in range(200):
        gallery.update({f"W{100 + round_number}": vectors(round_number + 1000, round_number + 2000)})
        gallery.remove(f"W{300 + round_number % 100}")
    stop.set()
    thread.join()
    assert not wrong


def test_a_face_that_was_taken_away_is_gone_from_memory_too() -> None:
    gallery = Gallery()
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(40, 128)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    gallery.load([f"W{row}" for row in range(40)], vectors)
    matrix = gallery._now.matrix
    gallery.remove("W7")
    assert not matrix[7].any()
    assert not gallery._now.matrix[7].any()
    assert gallery.search(vectors[8]).worker_id == "W8"


def near(vector: np.ndarray, cosine: float) -> np.ndarray:
    """A unit vector at this cosine from another one, as a row."""
    across = np.random.default_rng(99).normal(size=128)
    across -= (across @ vector) * vector
    turned = cosine * vector + np.sqrt(1 - cosine**2) * across / np.linalg.norm(across)
    return np.asarray(turned, np.float32)[np.newaxis]


def test_only_who_is_like_enough_is_shown_the_nearest_first_and_never_oneself() -> None:
    gallery = Gallery()
    gallery.load(["W-0", "W-1", "W-1"], vectors(0, 1, 2))
    for number in range(10, 60):
        gallery.replace(f"W-{number}", vectors(number))
    shown = [one.worker_id for one in gallery.lookalikes(near(direction(33), 0.9), at_least=0.6)]
    assert shown == ["W-33"]
    assert gallery.lookalikes(near(direction(33), 0.59), at_least=0.6) == []
    assert gallery.lookalikes(near(direction(33), 0.9), at_least=0.6, besides="W-33") == []
    gallery.replace("W-99", near(direction(2), 0.8))
    assert [one.worker_id for one in gallery.lookalikes(vectors(2), at_least=0.6)] == ["W-1", "W-99"]
    gallery.replace("W-33", vectors(70))
    assert gallery.lookalikes(vectors(33), at_least=0.6) == []


def test_an_embedder_without_a_measured_likeness_follows_its_calibration() -> None:
    assert alike_from("sface", 30_000) == 0.6
    assert 0.6 < alike_from("dlib", 30_000) < 1.0
