"""Is a new face registered already? 1:N search for everybody who is like enough to be shown to a person.

The gate asks whom to let in and must not be wrong; here somebody looks at both records, so that the threshold
is lower and catches more. Measured in docs/decisions/duplicates.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.calibration import ImpostorTail
from models.mean_template import mean_templates

FALSE_ALARM_RATE = 0.05
"""Share of new people of whom a look-alike may be shown: one question too many in twenty registrations."""

ALWAYS_SHOWN_FROM = {"sface": 0.60}
"""By embedder: from this cosine on a pair is shown however large the registry is. For SFace strangers stay
below about 0.5 and two photos of one person mostly above 0.6."""

MOST_SHOWN = 5
"""Look-alikes that a person is asked about; the best ones."""

_BLOCK_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class Lookalike:
    """Somebody registered and their best cosine with any of the new templates."""

    worker_id: str
    score: float


def duplicate_threshold(tail: ImpostorTail, registry_size: int) -> float:
    """Cosine from which somebody of a registry is shown as perhaps the same person.

    The tail is the registry's own (`fit_from_templates`) where it is large enough, else the bundled one.
    """
    follows = tail.threshold(max(1, registry_size), FALSE_ALARM_RATE)
    return min(follows, ALWAYS_SHOWN_FROM.get(tail.embedder, follows))


def alike_from(embedder: str, registry_size: int) -> float:
    """Cosine from which two registered people are worth a look without asking anybody: few false alarms.

    Raises UnknownWeight for an embedder without a calibration.
    """
    measured = ALWAYS_SHOWN_FROM.get(embedder)
    return (
        duplicate_threshold(ImpostorTail.bundled(embedder), registry_size) if measured is None else measured
    )


def find_lookalikes(
    owners: NDArray[np.integer],
    names: Sequence[str],
    vectors: NDArray[np.float32],
    probes: NDArray[np.float32],
    *,
    at_least: float,
    limit: int = MOST_SHOWN,
) -> list[Lookalike]:
    """The registered people most like the new templates, best first, at most `limit`.

    owners   (n,) index into `names` of each row of `vectors`; a negative one is nobody's
    vectors  (n, d), probes (k, d), k >= 1: float32, unit length

    Besides the new templates their mean is compared, as a gate does with registered ones.
    """
    means, _ = mean_templates(probes, np.zeros(len(probes), np.intp))
    looks = np.concatenate([probes, means]).T
    best: dict[int, float] = {}
    for start in range(0, len(vectors), _BLOCK_ROWS):
        scores = (vectors[start : start + _BLOCK_ROWS] @ looks).max(axis=1)
        rows = np.flatnonzero(scores >= at_least)
        for owner, score in zip(owners[start + rows].tolist(), scores[rows].tolist(), strict=True):
            if owner >= 0:
                best[owner] = max(score, best.get(owner, -1.0))
    ranked = sorted(((-score, names[owner]) for owner, score in best.items()))
    return [Lookalike(name, -score) for score, name in ranked[:limit]]
