"""From the scores of impostors to a threshold for a roster size and a false positive identification rate.

Model: the score of a stranger against one worker (the best over that worker's templates) exceeds a high
score u with probability p_u, and what it exceeds it by is exponential with scale sigma (the generalised
Pareto tail with shape 0; Pickands, Annals of Statistics 3, 1975; Coles, An Introduction to Statistical
Modeling of Extreme Values, 2001). The rate for one worker is then FMR(t) = p_u * exp(-(t - u) / sigma),
and for a roster of N workers FPIR(t) = 1 - (1 - FMR(t))**N, which errs on the safe side where probes differ
in how often they are mistaken. Cosines end at 1, so that the true tail is a little shorter than the
exponential: safe again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError, UnknownWeight
from models.mean_template import mean_templates

FORMAT_VERSION = 1

TAIL_SHARE = 0.001
"""Share of all (probe, worker) scores that is fitted as the tail."""

MIN_TAIL_SCORES = 50
"""So many scores at least are fitted, a larger share of a small cohort; 50 give sigma within 15 %."""

MIN_PEOPLE = 20
"""Below, a tail cannot be told from chance."""

DUPLICATE_EXPECTED = 0.01
"""A pair whose score chance would bring less often than this in the whole cohort is one person twice."""

MAX_PROBES = 5_000
"""Probes that are compared with the whole cohort; more hardly narrow the interval."""

BUNDLED_CAUTION = 10.0
"""How many times more often strangers are mistaken at a site than in a collection of public figures.

People of one region, sex and age resemble each other more: NIST (Grother et al., FRVT part 3, NISTIR 8280,
2019) reports false match rates 10 to 100 times those of mixed cohorts. A fit to the site's own roster
measures this instead and needs no such factor."""

BUNDLED_TEMPLATES = 3
"""Templates per worker that the bundled calibration allows for."""

BLOCK_BYTES = 8_000_000
"""Memory for one block of scores."""

_BOOTSTRAPS = 200
_NORMAL_975 = 1.959964  # two-sided 95 %


class CalibrationImpossible(ModelError, ValueError):
    """Too few people, or scores without a tail."""


@dataclass(frozen=True, slots=True)
class TailError:
    """Standard errors of the fit, from a bootstrap over people (both sides of every pair)."""

    log_p_u: float
    sigma: float
    correlation: float


@dataclass(frozen=True, slots=True)
class ImpostorTail:
    """How high strangers score against one worker.

    u, p_u, sigma     the tail: see the module
    n_people, n_pairs people in the cohort, (probe, worker) scores that were looked at
    templates         templates per worker, on average
    caution           false matches count so many times as frequent as in the cohort; 1: as measured
    error             standard errors
    suspected_duplicates
                      (owner, owner, score) of pairs left out as the same person registered twice
    """

    embedder: str
    embedder_version: str
    u: float
    p_u: float
    sigma: float
    n_people: int
    n_pairs: int
    templates: float
    source: str
    error: TailError
    caution: float = 1.0
    suspected_duplicates: tuple[tuple[int, int, float], ...] = field(default=(), repr=False)

    def fmr(self, score: float) -> float:
        """Probability that a stranger of the cohort scores at least `score` against one given worker.

        Below u the tail says nothing; there p_u is returned, a lower bound.
        """
        return self.p_u * float(np.exp(-max(0.0, score - self.u) / self.sigma))

    def fpir(self, score: float, roster_size: int) -> float:
        """Probability that a stranger scores at least `score` against anybody of the roster."""
        return -float(np.expm1(roster_size * np.log1p(-self.fmr(score))))

    def threshold(self, roster_size: int, target_fpir: float) -> float:
        """Cosine that a stranger reaches with probability `target_fpir` against `roster_size` workers.

        Never below u. Raises ValueError for a roster below 1 or a rate outside (0, 1).
        """
        excess = max(0.0, self._log_excess(roster_size, target_fpir))
        return min(1.0, self.u + self.sigma * excess)

    def threshold_interval(self, roster_size: int, target_fpir: float) -> tuple[float, float]:
        """95 % confidence interval of `threshold`, from the error of the fit (delta method)."""
        excess = max(0.0, self._log_excess(roster_size, target_fpir))
        one, other = excess * self.error.sigma, self.sigma * self.error.log_p_u
        spread = float(np.sqrt(max(0.0, one**2 + other**2 + 2 * self.error.correlation * one * other)))
        middle = self.threshold(roster_size, target_fpir)
        return max(0.0, middle - _NORMAL_975 * spread), min(1.0, middle + _NORMAL_975 * spread)

    def _log_excess(self, roster_size: int, target_fpir: float) -> float:
        if roster_size < 1:
            raise ValueError(f"a roster has at least one worker, not {roster_size}")
        if not 0 < target_fpir < 1:
            raise ValueError(f"the target FPIR lies between 0 and 1, not at {target_fpir}")
        target_fmr = -float(np.expm1(np.log1p(-target_fpir) / roster_size))
        return float(np.log(self.p_u * self.caution / target_fmr))

    def bundle(self, source: str) -> ImpostorTail:
        """This tail, of one template per person, made fit for strangers to its cohort: see BUNDLED_CAUTION.

        The best of k templates is mistaken at most k times as often as one (Boole's inequality).
        """
        allowance = BUNDLED_CAUTION * BUNDLED_TEMPLATES / self.templates
        return replace(self, caution=allowance, source=source, suspected_duplicates=())

    def to_json(self) -> str:
        """As `from_json` reads it. Owners of suspected duplicates are left out: they are personal data."""
        fields = asdict(self)
        del fields["suspected_duplicates"]
        return json.dumps({"format": FORMAT_VERSION, **fields}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> ImpostorTail:
        """Raises ValueError for what `to_json` did not write."""
        try:
            fields: dict[str, Any] = json.loads(text)
            if fields.pop("format") != FORMAT_VERSION:
                raise ValueError("unknown format")
            return cls(**{**fields, "error": TailError(**fields["error"])})
        except (KeyError, TypeError, AttributeError, ValueError) as exc:
            raise ValueError(f"this is no impostor calibration of format {FORMAT_VERSION}: {exc}") from exc

    @classmethod
    def bundled(cls, embedder: str) -> ImpostorTail:
        """The calibration that comes with the package. Raises UnknownWeight when there is none."""
        file = resources.files("models") / "calibration" / f"{embedder}.json"
        if not file.is_file():
            raise UnknownWeight(
                f"no calibration is bundled for the embedder {embedder!r}",
                next_step="Make one with `sitegate bench calibrate`.",
            )
        return cls.from_json(file.read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class _Exceedances:
    """Scores above u: `first` is the probe's person, `second` the worker; both count from 0."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    score: NDArray[np.float64]


def fit_from_templates(
    vectors: NDArray[np.float32],
    owners: NDArray[np.integer],
    *,
    rng: np.random.Generator,
    embedder: str,
    embedder_version: str,
    probes: NDArray[np.float32] | None = None,
    max_probes: int = MAX_PROBES,
    source: str = "own roster",
) -> ImpostorTail:
    """Fit the tail to a roster: everyone in turn is a stranger to everyone else.

    vectors  (n, 128) unit length; owners (n,) says whose they are, any integers
    probes   (n, 128) what a camera would see instead of each template; None: the templates themselves

    One probe per person (drawn), at most `max_probes`; each against the best template
    (or the mean of them, as the gallery has it) of every other person.
    Works in blocks of BLOCK_BYTES. Pairs that score absurdly high are taken for one person registered twice
    and left out. Raises CalibrationImpossible.
    """
    names, people = np.unique(np.asarray(owners), return_inverse=True)
    n_people = len(names)
    if n_people < MIN_PEOPLE:
        raise CalibrationImpossible(
            f"{n_people} people are too few to calibrate a threshold",
            next_step=f"Use at least {MIN_PEOPLE}; a few hundred are better.",
        )
    chosen = rng.permutation(n_people)[:max_probes]
    rows = _one_of_each(people, chosen, rng)
    looks = vectors if probes is None else probes
    n_templates = len(vectors)
    means, of = mean_templates(vectors, people)
    vectors, people = np.concatenate([vectors, means]), np.concatenate([people, of])
    order = np.argsort(people, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(people))[:-1]])
    n_pairs = len(chosen) * (n_people - 1)
    wanted = min(n_pairs, max(MIN_TAIL_SCORES, round(TAIL_SHARE * n_pairs)))
    highest = _highest(looks[rows], chosen, vectors, order, starts, wanted)
    kept, tail, doubles = _without_duplicates(highest, n_pairs)
    u, p_u, sigma = tail
    return ImpostorTail(
        embedder=embedder,
        embedder_version=embedder_version,
        u=u,
        p_u=p_u,
        sigma=sigma,
        n_people=n_people,
        n_pairs=n_pairs,
        templates=round(n_templates / n_people, 2),
        source=source,
        error=_bootstrap(kept, chosen, n_people, tail, rng),
        suspected_duplicates=tuple(
            (int(names[a]), int(names[b]), score) for (a, b), score in sorted(doubles.items())
        ),
    )


def _one_of_each(
    people: NDArray[np.intp], chosen: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.intp]:
    """One row, drawn at random, of each chosen person."""
    order = np.argsort(people, kind="stable")
    counts = np.bincount(people)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return order[starts[chosen] + rng.integers(0, counts[chosen])]


def _highest(
    probes: NDArray[np.float32],
    probe_people: NDArray[np.intp],
    vectors: NDArray[np.float32],
    order: NDArray[np.intp],
    starts: NDArray[np.intp],
    wanted: int,
) -> _Exceedances:
    """The `wanted` highest scores of a probe against another person's best template."""
    best = _Exceedances(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0))
    for first_person, scores in _worker_scores(probes, vectors, order, starts):
        stop = first_person + scores.shape[1]
        own = np.flatnonzero((probe_people >= first_person) & (probe_people < stop))
        scores[own, probe_people[own] - first_person] = -np.inf
        floor = best.score.min() if len(best.score) >= wanted else -np.inf
        row, column = np.nonzero(scores > floor)
        found = scores[row, column].astype(np.float64)
        if len(found) > wanted:
            top = np.argpartition(found, -wanted)[-wanted:]
            row, column, found = row[top], column[top], found[top]
        first = np.concatenate([best.first, probe_people[row]])
        second = np.concatenate([best.second, column + first_person])
        score = np.concatenate([best.score, found])
        top = np.argsort(score)[-wanted:]
        best = _Exceedances(first[top], second[top], score[top])
    return best


def _worker_scores(
    probes: NDArray[np.float32],
    vectors: NDArray[np.float32],
    order: NDArray[np.intp],
    starts: NDArray[np.intp],
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Blocks of (first person, scores (probes, people)): the best template of each person."""
    per_block = max(1, BLOCK_BYTES // (4 * max(1, len(probes))))
    person = 0
    while person < len(starts):
        # As many people as have `per_block` templates, but at least one.
        stop = int(np.searchsorted(starts, starts[person] + per_block, side="right")) - 1
        stop = max(person + 1, stop if stop < len(starts) - 1 else len(starts))
        end = starts[stop] if stop < len(starts) else len(order)
        block = probes @ vectors[order[starts[person] : end]].T
        yield person, np.maximum.reduceat(block, starts[person:stop] - starts[person], axis=1)
        person = stop


def _without_duplicates(
    highest: _Exceedances, n_pairs: int
) -> tuple[_Exceedances, tuple[float, float, float], dict[tuple[int, int], float]]:
    """The exceedances without pairs that are the same person, the tail (u, p_u, sigma), and those pairs."""
    u = float(highest.score.min())
    # The median does not feel a few duplicates: a first scale to tell them by.
    scale = float(np.median(highest.score) - u) / np.log(2)
    if scale <= 0:
        raise CalibrationImpossible(
            "the scores of different people do not differ", next_step="Check the photos and the embedder."
        )
    absurd = u + scale * np.log(len(highest.score) / DUPLICATE_EXPECTED)
    double = highest.score > absurd
    pairs: dict[tuple[int, int], float] = {}
    for a, b, score in zip(highest.first[double], highest.second[double], highest.score[double], strict=True):
        pair = (min(int(a), int(b)), max(int(a), int(b)))
        pairs[pair] = max(float(score), pairs.get(pair, -1.0))
    excluded = np.array(
        [(min(a, b), max(a, b)) in pairs for a, b in zip(highest.first, highest.second, strict=True)], bool
    )
    kept = _Exceedances(highest.first[~excluded], highest.second[~excluded], highest.score[~excluded])
    sigma = float(np.mean(kept.score - u))
    return kept, (u, len(kept.score) / n_pairs, sigma), pairs


def _bootstrap(
    tail: _Exceedances,
    probes: NDArray[np.intp],
    n_people: int,
    fit: tuple[float, float, float],
    rng: np.random.Generator,
) -> TailError:
    """Standard errors when the people (not the pairs, which share people) are drawn anew."""
    u = fit[0]
    logs, sigmas = [], []
    for _ in range(_BOOTSTRAPS):
        weight = np.bincount(rng.integers(0, n_people, n_people), minlength=n_people).astype(np.float64)
        pair_weight = weight[tail.first] * weight[tail.second]
        drawn = pair_weight.sum()
        pairs = weight[probes].sum() * weight.sum() - (weight[probes] ** 2).sum()
        if drawn > 0 and pairs > 0:
            logs.append(np.log(drawn / pairs))
            sigmas.append(float(pair_weight @ (tail.score - u)) / drawn)
    correlation = np.corrcoef(logs, sigmas)[0, 1]
    return TailError(
        float(np.std(logs)), float(np.std(sigmas)), float(correlation) if np.isfinite(correlation) else 0.0
    )
