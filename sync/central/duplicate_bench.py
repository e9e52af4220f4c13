"""How long a kiosk waits for the answer about duplicates, with as many people as the registry may hold."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray
from sqlalchemy import Connection, insert

from sync.central import site_registry, tables
from sync.central.asks import AskContext
from sync.central.database import Database
from sync.central.duplicates import DuplicateSearch
from sync.central.person_vault import PersonVault
from sync.duplicate_check import DuplicateAnswer, DuplicateQuestion
from sync.people import DocumentType
from sync.records import Template

EMBEDDER = ("sface", "2021dec.1")
QUESTIONS = 200
PROBES = 5
"""Templates in one question: as many as a kiosk takes at most."""

SITE = "bench-site"
_ROWS = 10_000
_NEAR = 0.9
"""Cosine between the templates of one made-up person."""


@dataclass(frozen=True, slots=True)
class DuplicateFigures:
    """load_s: reading the whole registry once; memory_bytes: what the process grew by that; times in ms.

    found  share of the questions about somebody registered that named exactly this person first
    """

    people: int
    templates: int
    questions: int
    load_s: float
    faces_bytes: int
    memory_bytes: int
    p50_ms: float
    p95_ms: float
    max_ms: float
    found: float


def measure_duplicates(
    folder: Path, *, people: int = 336_000, templates_each: int = 1, questions: int = QUESTIONS, seed: int = 1
) -> DuplicateFigures:
    """Ask a registry of made-up people in SQLite, from the question's JSON to the answer's.

    Every second question is about somebody registered, seen anew.
    """
    rng = np.random.default_rng(seed)
    now = datetime.now(UTC)
    with Database.open(f"sqlite:///{folder / 'registry.db'}") as database:
        known = _fill(database, people, templates_each, questions, rng, now)
        search = DuplicateSearch(database, PersonVault(rng.bytes(32)))
        process = psutil.Process(os.getpid())
        before = process.memory_info().rss
        started = time.perf_counter()
        search.faces.follow()
        load_s = time.perf_counter() - started
        memory = process.memory_info().rss - before
        answer = search.answers()
        context = AskContext(SITE, "bench-kiosk", now)
        times_ms, hits = [], 0
        for number in range(questions):
            person = number % len(known) if number % 2 else None
            base = known[person] if person is not None else _unit(rng.normal(size=(1, 128)))[0]
            text = _question(_near(base, PROBES, rng), now)
            started = time.perf_counter()
            reply = answer(database, context, text)
            times_ms.append((time.perf_counter() - started) * 1000)
            matches = DuplicateAnswer.model_validate_json(reply).matches
            if person is not None:
                hits += bool(matches) and matches[0].worker_id == _worker_id(person)
        p50, p95 = np.percentile(times_ms, [50, 95])
        return DuplicateFigures(
            people=people,
            templates=people * templates_each,
            questions=questions,
            load_s=load_s,
            faces_bytes=search.faces.nbytes,
            memory_bytes=memory,
            p50_ms=float(p50),
            p95_ms=float(p95),
            max_ms=max(times_ms),
            found=hits / max(1, questions // 2),
        )


def _fill(
    database: Database, people: int, each: int, remembered: int, rng: np.random.Generator, now: datetime
) -> NDArray[np.float32]:
    """The registry; returns the faces of the first `remembered` people."""
    known = np.zeros((0, 128), np.float32)
    with database.write() as connection:
        site_registry.put_site(connection, SITE, name="示例工地", timezone="Asia/Shanghai", now=now)
    for start in range(0, people, _ROWS):
        bases = _unit(rng.standard_normal((min(_ROWS, people - start), 128), dtype=np.float32))
        known = np.concatenate([known, bases])[:remembered]
        with database.write() as connection:
            _add(connection, start, bases, each, rng, now)
    return known


def _add(
    connection: Connection,
    start: int,
    bases: NDArray[np.float32],
    each: int,
    rng: np.random.Generator,
    now: datetime,
) -> None:
    ids = [_worker_id(start + number) for number in range(len(bases))]
    fixed = {"name": "示例", "status": "active", "clearances": [], "created_at": now, "updated_at": now}
    connection.execute(insert(tables.workers), [{"worker_id": one, **fixed} for one in ids])
    connection.execute(insert(tables.worker_sites), [{"worker_id": one, "site_id": SITE} for one in ids])
    connection.execute(insert(tables.templates), list(_rows(ids, bases, each, rng, now)))


def _rows(
    ids: list[str], bases: NDArray[np.float32], each: int, rng: np.random.Generator, now: datetime
) -> Iterator[dict[str, object]]:
    for worker_id, base in zip(ids, bases, strict=True):
        for number, vector in enumerate(_near(base, each, rng)):
            yield {
                "template_id": f"{worker_id}-{number}",
                "worker_id": worker_id,
                "model": EMBEDDER[0],
                "model_version": EMBEDDER[1],
                "vector": vector.tobytes(),
                "quality": 80.0,
                "source": "bench",
                "created_at": now,
            }


def _question(vectors: NDArray[np.float32], now: datetime) -> str:
    return DuplicateQuestion(
        worker_id="new",
        document_type=DocumentType.OTHER,
        document_number="BENCH-1",
        templates=tuple(
            Template(
                worker_id="new",
                model=EMBEDDER[0],
                model_version=EMBEDDER[1],
                vector=vector.tobytes(),
                quality=80.0,
                created_at=now,
            )
            for vector in vectors
        ),
    ).model_dump_json()


def _near(base: NDArray[np.float32], count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Unit vectors at the cosine `_NEAR` from the base."""
    noise = rng.standard_normal((count, len(base)))
    noise -= (noise @ base)[:, None] * base
    return _unit(_NEAR * base + np.sqrt(1 - _NEAR**2) * _unit(noise))


def _unit(vectors: NDArray[np.float64] | NDArray[np.float32]) -> NDArray[np.float32]:
    lengths: NDArray[np.float32] = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / lengths).astype("<f4")


def _worker_id(number: int) -> str:
    return f"B-{number:07d}"
