"""Fills a store with workers for the benches."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from gate.settings import Settings
from gate.startup import open_store
from models.engine import FaceEngine
from sync.records import Template, Worker

TEMPLATES_PER_WORKER = 3
_SEED = 20260101


def random_templates(count: int, *, seed: int = _SEED) -> NDArray[np.float32]:
    """Random directions, (count, 128): they load the search and the store, they resemble nobody."""
    vectors = np.random.default_rng(seed).standard_normal((count, 128), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def pad_store(settings: Settings, engine: FaceEngine, workers: int) -> None:
    """Add `workers` people with three random templates each."""
    vectors = random_templates(workers * TEMPLATES_PER_WORKER).reshape(workers, TEMPLATES_PER_WORKER, 128)
    with open_store(settings) as store:
        store.put_many(_entry(settings, engine, f"pad-{n:06d}", own) for n, own in enumerate(vectors))


def put_worker(settings: Settings, engine: FaceEngine, worker_id: str, vectors: NDArray[np.float32]) -> None:
    """Register one worker of the site with these templates (k, 128)."""
    with open_store(settings) as store:
        store.put_worker(*_entry(settings, engine, worker_id, vectors))


def _entry(
    settings: Settings, engine: FaceEngine, worker_id: str, vectors: NDArray[np.float32]
) -> tuple[Worker, list[Template]]:
    templates = [
        Template(
            worker_id=worker_id,
            model=engine.embedder_name,
            model_version=engine.embedder_version,
            vector=vector.astype("<f4").tobytes(),
            quality=100.0,
            source="bench",
            created_at=datetime.now(UTC),
        )
        for vector in vectors
    ]
    return Worker(worker_id=worker_id, name=worker_id, site_ids=(settings.site.id,)), templates
