"""Open-set identification as ISO/IEC 19795-1 measures it: enrolled people must be found, strangers refused.

Protocol, once per draw:
- everyone with two or more photos is enrolled; `templates` photos of each, drawn at random, as templates;
- who has more photos than that gives the others as genuine probes; who has fewer is enrolled with all
  of them and only makes the gallery harder;
- the mean of a worker's templates is one template more, as in the gallery of a gate;
- everyone with a single photo is a stranger, the photo an impostor probe.
A genuine probe counts as missed when its best worker is the wrong one or scores below the threshold; the
threshold for an FPIR is the score that this share of the strangers exceeds. Draws share the photos: they
average out the luck of the draw, and the intervals count people, not probes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from models.mean_template import mean_templates

FPIR_POINTS = (0.01, 0.003, 0.001)
DRAWS = 20
DET_POINTS = 400
NORMAL_975 = 1.959964
"""Quantile of the normal distribution for a two-sided interval of 95 %."""


class EvaluationImpossible(ModelError, ValueError):
    """Photos that leave nobody to enrol, to probe with, or to refuse."""


@dataclass(frozen=True, slots=True)
class Photos:
    """Embeddings of photos.

    people     (n,) whose photo it is, any integers
    probes     (n, d) as a camera would give them
    templates  (n, d) as enrolment would store them; the score of a pair is the dot product
    unit       the vectors have unit length, so that the gallery adds the mean of a worker's templates
    """

    people: NDArray[np.intp]
    probes: NDArray[np.float32]
    templates: NDArray[np.float32]
    unit: bool = True


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of probes with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """fnir and fpir at a threshold; `target_fpir` is None where the threshold was given from outside."""

    target_fpir: float | None
    threshold: float
    fpir: Rate
    fnir: Rate


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `evaluate` found; det is (k, 2): FPIR and FNIR of falling thresholds."""

    templates: int
    draws: int
    enrolled: int
    genuine_people: int
    genuine_probes: int
    strangers: int
    rank1: Rate
    points: tuple[OperatingPoint, ...]
    det: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Draw:
    """Per genuine probe its person, best score and whether that worker is right; best score per stranger."""

    person: NDArray[np.intp]
    score: NDArray[np.float64]
    right: NDArray[np.bool_]
    strangers: NDArray[np.float64]


def enrolled_people(photos: Photos) -> int:
    """How many people the protocol enrols: those with two or more photos."""
    return int((np.unique(photos.people, return_counts=True)[1] >= 2).sum())


def evaluate(
    photos: Photos,
    *,
    templates: int,
    seed: int = 1,
    draws: int = DRAWS,
    fpir_points: Sequence[float] = FPIR_POINTS,
    thresholds: Sequence[float] = (),
) -> Evaluation:
    """Run the protocol of this module with `templates` photos per worker.

    thresholds  further operating points, e.g. the one that calibration gives
    Raises EvaluationImpossible.
    """
    _, people, counts = np.unique(photos.people, return_inverse=True, return_counts=True)
    enrolled, strangers = np.flatnonzero(counts >= 2), np.flatnonzero(counts[people] == 1)
    probing = np.flatnonzero(counts > max(1, templates))
    if not len(probing) or not len(strangers):
        raise EvaluationImpossible(
            f"{len(probing)} people with more than {templates} photos and {len(strangers)} strangers "
            "(people with one photo) are not enough",
            next_step="Add people, or lower --templates.",
        )
    rng = np.random.default_rng(seed)
    scores = photos.probes @ photos.templates.T
    all_draws = [_draw(photos, scores, people, enrolled, strangers, templates, rng) for _ in range(draws)]
    people_drawn = np.stack([draw.person for draw in all_draws])
    rank1 = clustered_rate(people_drawn, np.stack([draw.right for draw in all_draws]))
    points = [
        _at(all_draws, [threshold_at(draw.strangers, fpir) for draw in all_draws], fpir)
        for fpir in fpir_points
    ]
    points += [_at(all_draws, [threshold] * draws, None) for threshold in thresholds]
    return Evaluation(
        templates=templates,
        draws=draws,
        enrolled=len(enrolled),
        genuine_people=len(probing),
        genuine_probes=len(all_draws[0].score),
        strangers=len(strangers),
        rank1=rank1,
        points=tuple(points),
        det=_det(all_draws),
    )


def per_worker(scores: NDArray[np.floating], owners: NDArray[np.intp]) -> NDArray[np.floating]:
    """Best score over the templates of each worker: (probes, templates) to (probes, workers).

    `owners` (templates,) is sorted and counts from 0 without holes.
    """
    return np.maximum.reduceat(scores, np.searchsorted(owners, np.arange(owners[-1] + 1)), axis=1)


def _draw(
    photos: Photos,
    scores: NDArray[np.float32],
    people: NDArray[np.intp],
    enrolled: NDArray[np.intp],
    strangers: NDArray[np.intp],
    templates: int,
    rng: np.random.Generator,
) -> _Draw:
    columns: list[NDArray[np.intp]] = []
    probes: list[NDArray[np.intp]] = []
    for person in enrolled:
        own = rng.permutation(np.flatnonzero(people == person))
        columns.append(own[:templates])
        probes.append(own[templates:])
    owners = np.repeat(np.arange(len(enrolled)), [len(own) for own in columns])
    genuine, chosen = np.concatenate(probes), np.concatenate(columns)
    seen = np.concatenate([genuine, strangers])
    best = per_worker(scores[np.ix_(seen, chosen)], owners)
    if photos.unit:
        means, of = mean_templates(photos.templates[chosen], owners)
        best[:, of] = np.maximum(best[:, of], photos.probes[seen] @ means.T)
    winner = enrolled[best[: len(genuine)].argmax(axis=1)]
    top = best.max(axis=1).astype(np.float64)
    person_of = people[genuine]
    return _Draw(person_of, top[: len(genuine)], winner == person_of, top[len(genuine) :])


def threshold_at(stranger_scores: NDArray[np.float64], fpir: float) -> float:
    """The lowest threshold at which at most the share `fpir` of the strangers is accepted.

    A score is accepted when it is above the threshold.
    """
    falling = np.sort(stranger_scores)[::-1]
    return float(falling[min(int(fpir * len(falling)), len(falling) - 1)])


def _at(draws: Sequence[_Draw], thresholds: Sequence[float], target_fpir: float | None) -> OperatingPoint:
    """Rates over all draws, each at its own threshold."""
    pairs = list(zip(draws, thresholds, strict=True))
    accepted = np.stack([draw.strangers > threshold for draw, threshold in pairs])
    missed = np.stack([~(draw.right & (draw.score > threshold)) for draw, threshold in pairs])
    strangers = np.broadcast_to(np.arange(accepted.shape[1]), accepted.shape)
    return OperatingPoint(
        target_fpir=target_fpir,
        threshold=float(np.mean(thresholds)),
        fpir=clustered_rate(strangers, accepted),
        fnir=clustered_rate(np.stack([draw.person for draw in draws]), missed),
    )


def clustered_rate(people: NDArray[np.intp], hits: NDArray[np.bool_]) -> Rate:
    """Share of hits with its 95 % interval, where the trials of one person are not independent.

    people, hits  same shape: whose trial it is, and its outcome
    Wilson's interval (JASA 22, 1927) for as many independent trials as have the variance of the ratio between
    people (Cochran, Sampling Techniques, 1977, 6.3); never more than there are trials, and as many as there
    are people when all outcomes agree.
    """
    _, index = np.unique(people.ravel(), return_inverse=True)
    trials = np.bincount(index).astype(np.float64)
    successes = np.bincount(index, weights=hits.ravel())
    count, value = len(trials), float(successes.sum() / trials.sum())
    effective = float(count)
    if count > 1 and 0 < value < 1:
        residual = successes - value * trials
        variance = float(residual @ residual) / (count * (count - 1) * trials.mean() ** 2)
        effective = min(value * (1 - value) / variance, trials.sum()) if variance > 0 else effective
    return Rate(value, *wilson(value, effective))


def wilson(share: float, trials: float) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share seen in `trials` independent trials."""
    z2 = NORMAL_975**2
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = NORMAL_975 * np.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2)) / (1 + z2 / trials)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def _det(draws: Sequence[_Draw]) -> NDArray[np.float64]:
    """(k, 2) FPIR and FNIR, FPIR rising; thresholds run over the scores that occur."""
    strangers = np.concatenate([draw.strangers for draw in draws])
    scores = np.concatenate([np.where(draw.right, draw.score, -np.inf) for draw in draws])
    seen = np.concatenate([strangers, scores[np.isfinite(scores)]])
    thresholds = np.quantile(seen, np.linspace(1, 0, DET_POINTS))
    fpir = 1 - np.searchsorted(np.sort(strangers), thresholds, side="right") / len(strangers)
    fnir = np.searchsorted(np.sort(scores), thresholds, side="right") / len(scores)
    return np.column_stack([fpir, fnir])
