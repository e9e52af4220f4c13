"""Records for tests; the people are made up and look it."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from sync.records import Direction, Event, Method, Outcome, Template, Worker

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
"""Twelve o'clock in Shanghai."""


def a_worker(worker_id: str = "W-1", **changes: object) -> Worker:
    return Worker.model_validate(
        {"worker_id": worker_id, "name": f"示例 {worker_id}", "site_ids": ("demo-site",), **changes}
    )


def a_template(worker_id: str = "W-1", *, seed: int = 0, model: str = "sface", **changes: object) -> Template:
    vector = np.random.default_rng(seed).normal(size=128)
    unit = (vector / np.linalg.norm(vector)).astype("<f4")
    return Template.model_validate(
        {
            "worker_id": worker_id,
            "model": model,
            "model_version": "1",
            "vector": unit.tobytes(),
            "quality": 80.0,
            "created_at": NOON,
            **changes,
        }
    )


def an_event(**changes: object) -> Event:
    return Event.model_validate(
        {
            "sequence": 0,
            "site_id": "demo-site",
            "gate_id": "gate-1",
            "lane_id": "lane-1",
            "direction": Direction.IN,
            "occurred_at": NOON,
            "method": Method.FACE,
            "outcome": Outcome.ALLOW,
            "reasons": ("ok",),
            **changes,
        }
    )
