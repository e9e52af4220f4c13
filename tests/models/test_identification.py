from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.identification import (
    EvaluationImpossible,
    Photos,
    clustered_rate,
    enrolled_people,
    evaluate,
    per_worker,
    threshold_at,
    wilson,
)


def photos(*, known: int, each: int, strangers: int, noise: float, seed: int = 0) -> Photos:
    """People as random directions, photos as noisy looks at them."""
    rng = np.random.default_rng(seed)
    people = np.concatenate([np.repeat(np.arange(known), each), known + np.arange(strangers)])
    directions = rng.normal(size=(known + strangers, 32))
    looks = directions[people] + noise * rng.normal(size=(len(people), 32))
    looks = (looks / np.linalg.norm(looks, axis=1, keepdims=True)).astype(np.float32)
    return Photos(people, looks, looks)


def test_people_seen_clearly_are_all_found_and_strangers_refused() -> None:
    found = evaluate(photos(known=30, each=4, strangers=100, noise=0.1), templates=2)
    assert (found.enrolled, found.genuine_probes, found.strangers) == (30, 60, 100)
    assert found.rank1.value == 1
    assert [point.fnir.value for point in found.points] == [0, 0, 0]
    assert found.points[0].fpir.value == pytest.approx(0.01)


def test_more_templates_miss_fewer_people() -> None:
    set_ = photos(known=60, each=5, strangers=200, noise=1.0)
    one, three = (evaluate(set_, templates=k).points[0].fnir.value for k in (1, 3))
    assert three < one


def test_people_with_too_few_photos_are_enrolled_but_not_probed() -> None:
    few = photos(known=20, each=2, strangers=50, noise=0.1)
    many = photos(known=10, each=5, strangers=0, noise=0.1, seed=1)
    both = Photos(
        np.concatenate([few.people, 1_000 + many.people]),
        np.concatenate([few.probes, many.probes]),
        np.concatenate([few.templates, many.templates]),
    )
    found = evaluate(both, templates=3)
    assert (found.enrolled, found.genuine_people, found.genuine_probes) == (30, 10, 20)
    assert enrolled_people(both) == 30


def test_the_same_seed_gives_the_same_figures() -> None:
    set_ = photos(known=20, each=4, strangers=60, noise=1.0)
    one, other = evaluate(set_, templates=1, seed=3), evaluate(set_, templates=1, seed=3)
    assert one.points == other.points


def test_a_given_threshold_is_measured_as_it_is() -> None:
    set_ = photos(known=20, each=4, strangers=60, noise=0.5)
    lowest = evaluate(set_, templates=1, thresholds=(-1.0,)).points[-1]
    assert (lowest.threshold, lowest.fpir.value, lowest.target_fpir) == (-1.0, 1.0, None)
    assert lowest.fnir.value == 1 - evaluate(set_, templates=1).rank1.value


def test_the_trade_off_rises_in_one_and_falls_in_the_other() -> None:
    fpir, fnir = evaluate(photos(known=30, each=4, strangers=90, noise=1.2), templates=1).det.T
    assert (np.diff(fpir) >= 0).all()
    assert (np.diff(fnir) <= 0).all()


@pytest.mark.parametrize(
    "set_",
    [
        photos(known=5, each=2, strangers=0, noise=0.1),
        photos(known=5, each=2, strangers=9, noise=0.1),
        photos(known=0, each=2, strangers=9, noise=0.1),
    ],
)
def test_photos_without_probes_or_strangers_are_refused(set_: Photos) -> None:
    with pytest.raises(EvaluationImpossible):
        evaluate(set_, templates=2)


def test_a_worker_scores_as_the_best_template_does() -> None:
    scores = np.array([[0.1, 0.5, 0.3, 0.2], [0.9, 0.0, 0.1, 0.4]])
    assert per_worker(scores, np.array([0, 0, 1, 2])).tolist() == [[0.5, 0.3, 0.2], [0.9, 0.1, 0.4]]


@given(st.lists(st.floats(-1, 1), min_size=1), st.sampled_from([0.001, 0.01, 0.3]))
def test_no_more_strangers_pass_a_threshold_than_asked(scores: list[float], fpir: float) -> None:
    values = np.array(scores)
    assert (values > threshold_at(values, fpir)).mean() <= fpir


@given(st.integers(0, 50), st.integers(1, 50))
def test_an_interval_holds_its_rate(hits: int, trials: int) -> None:
    share = min(hits, trials) / trials
    low, high = wilson(share, trials)
    assert 0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1


def test_wilson_is_as_in_the_tables() -> None:
    assert wilson(0.1, 100) == pytest.approx((0.0552, 0.1744), abs=1e-4)


def test_trials_of_few_people_tell_less_than_trials_of_many() -> None:
    hits = np.repeat([True, False, False, False, False], 20)
    few = clustered_rate(np.repeat(np.arange(5), 20), hits)
    many = clustered_rate(np.arange(100), hits)
    assert few.value == many.value == 0.2
    assert few.high - few.low > 2 * (many.high - many.low)
