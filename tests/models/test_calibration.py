from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.calibration import (
    BUNDLED_CAUTION,
    BUNDLED_TEMPLATES,
    CalibrationImpossible,
    ImpostorTail,
    TailError,
    fit_from_templates,
)
from models.embedder import EMBEDDERS
from models.errors import UnknownWeight

TAIL = ImpostorTail(
    embedder="sface",
    embedder_version="1",
    u=0.36,
    p_u=0.001,
    sigma=0.025,
    n_people=600,
    n_pairs=360_000,
    templates=1.0,
    source="test",
    error=TailError(0.13, 0.003, 0.1),
)
sizes = st.integers(1, 1_000_000)
rates = st.floats(1e-5, 0.5)


def random_people(n: int, seed: int = 0, dimension: int = 24) -> NDArray[np.float32]:
    """Unit vectors of few dimensions: their highest cosines are as high as those of real faces."""
    vectors = np.random.default_rng(seed).normal(size=(n, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def fitted(vectors: NDArray[np.float32], owners: NDArray[np.int64], **options: int) -> ImpostorTail:
    return fit_from_templates(
        vectors, owners, rng=np.random.default_rng(1), embedder="sface", embedder_version="1", **options
    )


@given(sizes, sizes, rates)
def test_the_threshold_grows_with_the_roster(one: int, other: int, fpir: float) -> None:
    small, large = sorted((one, other))
    assert TAIL.threshold(small, fpir) <= TAIL.threshold(large, fpir)


@given(sizes, rates, rates)
def test_the_threshold_falls_with_the_rate_that_is_allowed(size: int, one: float, other: float) -> None:
    strict, lax = sorted((one, other))
    assert TAIL.threshold(size, strict) >= TAIL.threshold(size, lax)


@given(sizes, rates)
def test_the_threshold_gives_the_rate_that_was_asked_for(size: int, fpir: float) -> None:
    threshold = TAIL.threshold(size, fpir)
    if TAIL.u < threshold < 1:
        assert TAIL.fpir(threshold, size) == pytest.approx(fpir, rel=1e-6)


@given(sizes, rates)
def test_the_interval_holds_the_threshold(size: int, fpir: float) -> None:
    low, high = TAIL.threshold_interval(size, fpir)
    assert 0 <= low <= TAIL.threshold(size, fpir) <= high <= 1


@given(sizes, rates)
def test_a_bundled_tail_is_stricter(size: int, fpir: float) -> None:
    assert TAIL.bundle("photos").threshold(size, fpir) >= TAIL.threshold(size, fpir)


def test_the_allowance_of_a_bundled_tail_is_the_stated_one() -> None:
    assert TAIL.bundle("photos").caution == BUNDLED_CAUTION * BUNDLED_TEMPLATES


@pytest.mark.parametrize(("size", "fpir"), [(0, 0.01), (-1, 0.01), (10, 0.0), (10, 1.0)])
def test_impossible_questions_are_refused(size: int, fpir: float) -> None:
    with pytest.raises(ValueError, match=r"roster|FPIR"):
        TAIL.threshold(size, fpir)


@pytest.mark.parametrize("embedder", sorted(EMBEDDERS))
def test_every_embedder_has_a_bundled_calibration_of_its_version(embedder: str) -> None:
    bundled = ImpostorTail.bundled(embedder)
    assert (bundled.embedder, bundled.embedder_version) == (embedder, EMBEDDERS[embedder].version)
    assert bundled.u < bundled.threshold(1_000, 0.01) < 1


@pytest.mark.parametrize("embedder", ["arcface", ""])
def test_an_embedder_without_calibration_is_refused(embedder: str) -> None:
    with pytest.raises(UnknownWeight):
        ImpostorTail.bundled(embedder)


def test_a_tail_survives_the_file_without_the_people_in_it() -> None:
    known = replace(TAIL, suspected_duplicates=((7, 9, 0.9),))
    text = known.to_json()
    assert "duplicates" not in text
    assert ImpostorTail.from_json(text) == TAIL


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', '{"format": 1, "u": 3}'])
def test_a_file_that_is_no_calibration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="calibration"):
        ImpostorTail.from_json(text)


@pytest.mark.parametrize("size", [100, 400])
def test_strangers_are_accepted_as_often_as_asked_for(size: int) -> None:
    known = random_people(size)
    tail = fitted(known, np.arange(size))
    strangers = random_people(4_000, seed=99)
    accepted = ((strangers @ known.T).max(axis=1) > tail.threshold(size, 0.05)).mean()
    assert 0.01 < accepted < 0.10


def test_a_person_registered_twice_is_reported_and_does_not_raise_the_threshold() -> None:
    people = random_people(300)
    clean = fitted(people, np.arange(300))
    doubled = people.copy()
    doubled[17] = doubled[250]
    tail = fitted(doubled, np.arange(300) + 1_000)
    assert [(a, b) for a, b, _ in tail.suspected_duplicates] == [(1_017, 1_250)]
    assert tail.threshold(300, 0.01) == pytest.approx(clean.threshold(300, 0.01), abs=0.02)


def test_templates_of_one_worker_are_not_impostors_of_each_other() -> None:
    people = random_people(200)
    tail = fitted(np.repeat(people, 3, axis=0), np.repeat(np.arange(200), 3))
    assert tail.suspected_duplicates == ()
    assert (tail.n_people, tail.templates) == (200, 3.0)


def test_the_order_of_the_templates_does_not_matter() -> None:
    people = np.repeat(random_people(200), 3, axis=0)
    owners = np.repeat(np.arange(200), 3)
    shuffled = np.random.default_rng(5).permutation(600)
    one, other = fitted(people, owners), fitted(people[shuffled], owners[shuffled])
    assert one.threshold(200, 0.01) == pytest.approx(other.threshold(200, 0.01), abs=1e-6)


def test_blocks_give_what_one_product_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    people, owners = random_people(301), np.sort(np.random.default_rng(3).integers(0, 150, 301))
    whole = fitted(people, owners)
    monkeypatch.setattr("models.calibration.BLOCK_BYTES", 4 * 150 * 7)
    assert fitted(people, owners).threshold(150, 0.01) == pytest.approx(whole.threshold(150, 0.01), abs=1e-9)


@pytest.mark.parametrize("people", [0, 1, 19])
def test_too_few_people_are_refused(people: int) -> None:
    with pytest.raises(CalibrationImpossible):
        fitted(random_people(people), np.arange(people))


def test_people_who_all_look_the_same_are_refused() -> None:
    with pytest.raises(CalibrationImpossible):
        fitted(np.tile(random_people(1), (50, 1)), np.arange(50))


@pytest.mark.slow
def test_a_roster_of_ten_thousand_is_fitted_in_little_memory() -> None:
    vectors, owners = random_people(30_000, dimension=128), np.repeat(np.arange(10_000), 3)
    tracemalloc.start()
    try:
        fitted(vectors, owners)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100e6
