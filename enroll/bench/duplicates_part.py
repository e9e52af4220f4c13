"""How many people who register a second time are found, how many questions are asked in vain, and how long it
takes in a registry of 336,000.

Everybody with several photos is registered with one of them and comes back with others; people with one photo
are the strangers, half of them registered too. Measures what docs/decisions/duplicates.md states.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enroll.bench.fte_part import PHOTO_SUFFIXES
from enroll.bench.parts import BenchInput, PartResult
from enroll.errors import PhotoRefused
from enroll.photos import subject_of
from models.calibration import ImpostorTail, fit_from_templates
from models.duplicate_search import duplicate_threshold
from models.engine import FaceEngine
from models.gallery import Gallery
from models.quality import QualityLimits

REGISTRY = 336_000
WANTED_MS = 200.0
SEARCHES = 20
NEW_TEMPLATES = 3
_SEED = 1

Photos = dict[str, NDArray[np.float32]]
"""Templates by person, (photos, 128)."""


@dataclass(frozen=True, slots=True)
class _Run:
    """With one calibration. found: by new photos, people who came back and the share that was found."""

    calibration: str
    threshold: float
    found: dict[int, tuple[int, float]]
    strangers: int
    false_alarms: float


def measure_duplicates(folder: Path) -> PartResult:
    """Over `folder/person/photo.jpg`. Raises BenchInput, ModelError."""
    engine = FaceEngine.load()
    people = _templates(folder, engine)
    several = {name: vectors for name, vectors in people.items() if len(vectors) > 1}
    single = sorted(name for name, vectors in people.items() if len(vectors) == 1)
    if len(several) < 2 or len(single) < 2:
        raise BenchInput(
            f"{folder} holds too few people", next_step="Some with one photo, some with several."
        )
    rng = np.random.default_rng(_SEED)
    shuffled = {name: rng.permutation(vectors) for name, vectors in several.items()}
    half = len(single) // 2
    registered = {name: vectors[:1] for name, vectors in shuffled.items()}
    registered |= {name: people[name] for name in single[:half]}
    gallery = Gallery()
    gallery.load(list(registered), np.concatenate(list(registered.values())))
    owners = np.arange(len(registered))
    own = fit_from_templates(
        np.concatenate(list(registered.values())),
        owners,
        rng=rng,
        embedder=engine.embedder_name,
        embedder_version=engine.embedder_version,
    )
    strangers = [people[name] for name in single[half:]]
    runs = [
        _run(label, tail, gallery, shuffled, strangers)
        for label, tail in (("bundled", ImpostorTail.bundled(engine.embedder_name)), ("own", own))
    ]
    search_ms = _search_ms(rng)
    figures = {"registered": len(registered), "runs": [asdict(run) for run in runs], "search_ms": search_ms}
    rows = []
    for run in runs:
        label = f"{run.calibration} calibration, threshold {run.threshold:.3f}"
        for photos, (tried, share) in run.found.items():
            rows.append((f"{label}: found again, {photos} new photos", f"{share:.1%} of {tried}", ""))
        rows.append((f"{label}: asked in vain", f"{run.false_alarms:.1%} of {run.strangers}", "about 5 %"))
    rows.append((f"search of {REGISTRY:,} people, p50", f"{search_ms:.0f} ms", f"<= {WANTED_MS:g} ms"))
    return PartResult(figures, tuple(rows))


def _run(
    label: str,
    tail: ImpostorTail,
    gallery: Gallery,
    several: Photos,
    strangers: list[NDArray[np.float32]],
) -> _Run:
    threshold = duplicate_threshold(tail, len(gallery))
    found = {}
    for photos in (1, 2, 3):
        back = {name: vectors[1 : 1 + photos] for name, vectors in several.items() if len(vectors) > photos}
        hits = [
            name in {one.worker_id for one in gallery.lookalikes(probes, at_least=threshold)}
            for name, probes in back.items()
        ]
        if hits:
            found[photos] = (len(hits), float(np.mean(hits)))
    alarms = [bool(gallery.lookalikes(probes, at_least=threshold)) for probes in strangers]
    return _Run(label, threshold, found, len(strangers), float(np.mean(alarms)))


def _search_ms(rng: np.random.Generator) -> float:
    vectors = rng.standard_normal((REGISTRY, 128), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    gallery = Gallery()
    gallery.load([str(number) for number in range(REGISTRY)], vectors)
    times_ms = []
    for number in range(SEARCHES):
        began_s = time.perf_counter()
        gallery.lookalikes(vectors[number : number + NEW_TEMPLATES], at_least=0.6)
        times_ms.append((time.perf_counter() - began_s) * 1000)
    return statistics.median(times_ms)


def _templates(folder: Path, engine: FaceEngine) -> Photos:
    people: dict[str, list[NDArray[np.float32]]] = {}
    for path in sorted(folder.glob("*/*")):
        if path.suffix.casefold() not in PHOTO_SUFFIXES:
            continue
        try:
            _, face = subject_of(path.name, path.read_bytes(), engine=engine, limits=QualityLimits())
        except PhotoRefused:
            continue
        people.setdefault(path.parent.name, []).extend(engine.templates([face]))
    return {name: np.stack(vectors) for name, vectors in people.items()}
