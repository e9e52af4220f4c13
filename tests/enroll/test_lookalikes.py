from __future__ import annotations

import numpy as np

from enroll.lookalikes import LOOKALIKE_FROM, Lookalikes
from sync.records import Template
from tests.sync.samples import a_template


def near(template: Template, cosine: float) -> Template:
    """A template at this cosine from another one."""
    vector = np.frombuffer(template.vector, "<f4").astype(np.float64)
    across = np.random.default_rng(99).normal(size=128)
    across -= (across @ vector) * vector
    turned = cosine * vector + np.sqrt(1 - cosine**2) * across / np.linalg.norm(across)
    return a_template(vector=turned.astype("<f4").tobytes())


def nobody() -> Lookalikes:
    return Lookalikes((), np.zeros((0, 128), np.float32))


def test_only_who_is_like_enough_is_found_and_never_oneself() -> None:
    first = a_template(seed=1)
    lookalikes = nobody()
    assert lookalikes.find("W-1", [first]) is None
    assert lookalikes.find("W-1", [first]) is None
    assert lookalikes.find("W-2", [near(first, LOOKALIKE_FROM - 0.01)]) is None
    assert lookalikes.find("W-2", [a_template(seed=2), near(first, LOOKALIKE_FROM + 0.01)]) == "W-1"


def test_who_is_stored_and_who_was_just_enrolled_are_both_found_the_nearest_first() -> None:
    stored = [a_template(seed=seed) for seed in range(3)]
    matrix = np.stack([np.frombuffer(one.vector, "<f4") for one in stored])
    lookalikes = Lookalikes(["W-0", "W-1", "W-1"], matrix)
    for number in range(10, 60):
        assert lookalikes.find(f"W-{number}", [a_template(seed=number)]) is None
    assert lookalikes.find("X-1", [near(stored[2], 0.7)]) == "W-1"
    assert lookalikes.find("X-2", [near(a_template(seed=33), 0.9)]) == "W-33"
    assert lookalikes.find("X-3", [near(stored[2], 0.95)]) in {"W-1", "X-1"}


def test_a_worker_enrolled_anew_is_known_by_the_new_face_alone() -> None:
    lookalikes = nobody()
    lookalikes.find("W-1", [a_template(seed=1)])
    lookalikes.find("W-1", [a_template(seed=2)])
    assert lookalikes.find("W-2", [a_template(seed=1)]) is None
    assert lookalikes.find("W-3", [a_template(seed=2)]) == "W-1"
