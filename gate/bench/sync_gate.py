"""The parts of `bench sync` that go through a gate's own end: first sync, flags, backlog."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select

from gate.bench.crowd import TEMPLATES_PER_WORKER, random_templates
from gate.bench.sync_figures import Figure, Part
from gate.bench.sync_load import sample_event
from gate.bench.sync_rig import TIMEZONE, Centre, Gate, wait_until
from gate.policy import Context, decide
from gate.settings import Settings
from models.bench_report import percentiles
from models.roster_watch import RosterWatch
from sync.central import registry, tables
from sync.central.roster_log import Digests
from sync.edge.agent import EdgeAgent
from sync.errors import UnknownWorker
from sync.records import Clearance, Flag, FlagLevel, Outcome, Template, Worker
from sync.store import LocalStore
from sync.wire.sealing import roster_digest

SITE, GATE = "bench-site", "gate-1"
MODEL, MODEL_VERSION = "sface", "bench"
DIFFERENCE_WORKERS = 100
FLAG_LIMIT_S, SYNC_LIMIT_S, DIFFERENCE_LIMIT_S, LIVE_LIMIT_S = 2.0, 60.0, 1.0, 1.0
"""The project's targets."""
PATIENCE_S = 30.0
FIRST_SYNC_PATIENCE_S = 300.0
DIFFERENCES = 5
MAX_PAUSE_S = 0.25
"""Changes come at any moment of the centre's polling, not in step with it."""
LIVE_EVERY_S = 0.25
LOOK_EVERY_S = 0.02
DRAIN_LIMIT_S = 600.0
DEPTH_EVERY_S = 0.5
MICROSECONDS = 1_000_000
BACKLOG_SPAN = timedelta(days=2)
_SEED = 20260301


def bench_worker(number: int, **changes: object) -> Worker:
    """Nobody: a number with a name of digits, trained for ever, so that only flags stand in the way."""
    worker_id = f"W-{number:06}"
    training = Clearance(kind="training")
    values = {"worker_id": worker_id, "name": worker_id, "site_ids": (SITE,), "team": f"team {number % 40}"}
    return Worker.model_validate(values | {"clearances": (training,)} | changes)


def bench_templates(worker_id: str, vectors: NDArray[np.float32]) -> list[Template]:
    """Templates of one worker from unit vectors (k, 128)."""
    return [
        Template(
            worker_id=worker_id,
            model=MODEL,
            model_version=MODEL_VERSION,
            vector=vector.astype("<f4").tobytes(),
            quality=90.0,
            source="bench",
            created_at=datetime.now(UTC),
        )
        for vector in vectors
    ]


@dataclass(slots=True)
class District:
    """A centre with a full roster, and one gate that has synchronised it.

    fill_s, first_sync_s  how long the registry took to take the roster in, and the gate to get it
    """

    centre: Centre
    gate: Gate
    agent: EdgeAgent
    workers: int
    fill_s: float
    first_sync_s: float
    digest_equal: bool


@contextmanager
def district(folder: Path, database_url: str, *, workers: int) -> Iterator[District]:
    """Fill the registry, start a fresh gate, wait until it has everything."""
    with Centre(folder, database_url) as centre:
        (credentials,) = centre.add_gates(SITE, [GATE])
        vectors = random_templates(workers * TEMPLATES_PER_WORKER).reshape(workers, TEMPLATES_PER_WORKER, -1)
        crowd = [bench_worker(number) for number in range(workers)]
        start_s = time.perf_counter()
        with centre.database.write() as connection:
            entries = (
                (one, bench_templates(one.worker_id, own)) for one, own in zip(crowd, vectors, strict=True)
            )
            (version,) = registry.put_workers(connection, entries, now=datetime.now(UTC)).values()
        fill_s = time.perf_counter() - start_s
        gate = Gate(folder / GATE, centre.port, credentials)
        try:
            agent = gate.start()
            arrived = partial(_has, agent, version)
            first_sync_s = wait_until(arrived, "the roster is at the gate", within_s=FIRST_SYNC_PATIENCE_S)
            yield District(centre, gate, agent, workers, fill_s, first_sync_s, _digest_equal(centre, gate))
        finally:
            gate.close()


def _has(agent: EdgeAgent, version: int) -> bool:
    return agent.status().roster_version >= version


def _digest_equal(centre: Centre, gate: Gate) -> bool:
    """The centre's digest of the log against what the gate's store really holds, entry by entry."""
    with centre.database.read() as connection:
        _, digest, _ = Digests().at(connection, SITE)
    return roster_digest(gate.store.replica_digests()) == digest


def roster(there: District) -> Part:
    """First sync of everything, then a difference."""
    changed = [
        bench_worker(number, trade="example") for number in range(min(DIFFERENCE_WORKERS, there.workers))
    ]
    times_s = []
    for turn in range(DIFFERENCES):
        again = [one.model_copy(update={"trade": f"example {turn}"}) for one in changed]
        with there.centre.database.write() as connection:
            now = datetime.now(UTC)
            (version,) = registry.put_workers(connection, ((one, None) for one in again), now=now).values()
        arrived = partial(_has, there.agent, version)
        times_s.append(wait_until(arrived, "the difference is at the gate", within_s=PATIENCE_S))
    equal = there.digest_equal and _digest_equal(there.centre, there.gate)
    return Part(
        "roster",
        f"{there.workers} workers x {TEMPLATES_PER_WORKER} templates, one empty gate, PostgreSQL; "
        "the difference counts from the commit, by another process than the one that announces",
        [
            Figure("registry takes them in", there.fill_s, "s"),
            Figure(f"first sync of {there.workers} workers", there.first_sync_s, "s", at_most=SYNC_LIMIT_S),
            Figure(
                f"difference of {len(changed)}, slowest of {len(times_s)}",
                max(times_s),
                "s",
                at_most=DIFFERENCE_LIMIT_S,
            ),
            Figure("digests equal", float(equal), "", at_least=1.0),
        ],
    )


class _Decider:
    """What a lane asks before it opens: gallery and worker record, through the gate's own roster watch."""

    def __init__(self, store: LocalStore) -> None:
        self._store = store
        self._settings = Settings()
        self._watch = RosterWatch(store, self._settings.recognition, model=MODEL, model_version=MODEL_VERSION)
        self._watch.refresh()

    def refresh(self) -> None:
        self._watch.refresh()

    def decide(self, vector: NDArray[np.float32]) -> tuple[str | None, Outcome]:
        """Who that face (128,) is, and whether the gate would open."""
        match = self._watch.gallery.search(vector)
        known = match.worker_id if match.score >= self._watch.threshold().value else None
        try:
            worker = None if known is None else self._store.worker(known)
        except UnknownWorker:
            worker = None
        context = Context(
            worker=worker,
            site_id=SITE,
            now=datetime.now(UTC),
            timezone=ZoneInfo(TIMEZONE),
            liveness_settings=self._settings.liveness,
            liveness="live",
        )
        return known, decide(context, self._settings.policy).outcome


def flags(there: District, *, count: int) -> Part:
    """Half of the changes flag somebody, half register somebody; until the gate decides by it."""
    rng = random.Random(_SEED)  # noqa: S311 - pauses, not secrets
    decider = _Decider(there.gate.store)
    known = random_templates(there.workers * TEMPLATES_PER_WORKER)
    newcomers = random_templates(count, seed=_SEED)
    latencies_s: list[float] = []
    for number, flagged in enumerate(rng.sample(range(there.workers), count)):
        time.sleep(rng.uniform(0, MAX_PAUSE_S))
        is_flag = number % 2 == 0
        newcomer = bench_worker(there.workers + number)
        vector = known[flagged * TEMPLATES_PER_WORKER] if is_flag else newcomers[number]
        worker_id = bench_worker(flagged).worker_id if is_flag else newcomer.worker_id
        expected = (worker_id, Outcome.DENY if is_flag else Outcome.ALLOW)
        there.gate.changed.clear()
        start_s = time.perf_counter()
        with there.centre.database.write() as connection:
            now = datetime.now(UTC)
            if is_flag:
                flag = Flag(level=FlagLevel.BLOCK, reason="example")
                registry.add_flag(connection, worker_id, flag, now=now)
            else:
                templates = bench_templates(worker_id, newcomers[number][np.newaxis])
                registry.put_worker(connection, newcomer, templates, now=now)
        acts = partial(_decides, there.gate, decider, vector, expected)
        wait_until(acts, "a change acts", within_s=PATIENCE_S, every_s=0)
        latencies_s.append(time.perf_counter() - start_s)
    found = percentiles(latencies_s)
    return Part(
        "flag",
        f"{count} changes (flags and new workers in turn) on a roster of {there.workers}, "
        "from before the write at the centre until gallery and policy of the gate decide by it; "
        "written by another process than the one that announces",
        [
            Figure("change to decision, p50", found["p50"], "s"),
            Figure("change to decision, p95", found["p95"], "s"),
            Figure("change to decision, p99", found["p99"], "s", at_most=FLAG_LIMIT_S),
            Figure("change to decision, slowest", max(latencies_s), "s"),
        ],
        {"flag_latency_s": latencies_s},
    )


def _decides(
    gate: Gate, decider: _Decider, vector: NDArray[np.float32], expected: tuple[str | None, Outcome]
) -> bool:
    """Wakes when the agent says that the roster changed, as the gate's service does."""
    if not gate.changed.wait(PATIENCE_S):
        return False
    gate.changed.clear()
    decider.refresh()
    return decider.decide(vector) == expected


def backlog(there: District, *, count: int) -> Part:
    """A long outage: everything queued drains, while people go on passing."""
    gate = there.gate
    gate.stop()
    last = _queue(gate.store, count)
    depths: list[tuple[float, int]] = []
    start_s = time.perf_counter()
    there.agent = agent = gate.start()
    wait_until(lambda: agent.status().centre_answers, "the centre answers the gate", within_s=PATIENCE_S)

    def drained() -> bool:
        depths.append((time.perf_counter() - start_s, gate.store.outbox_depth()))
        return not gate.store.outbox_pending(1, until=last)

    with _Passing(there) as passing:
        wait_until(drained, "the backlog is drained", within_s=DRAIN_LIMIT_S, every_s=DEPTH_EVERY_S)
        seconds = time.perf_counter() - start_s
    with there.centre.database.read() as connection:
        arrived = connection.scalar(select(func.count()).select_from(tables.events)) or 0
    live_s = passing.latencies_s
    found = percentiles(live_s)
    return Part(
        "backlog",
        f"{count} events queued at one gate, one more every {LIVE_EVERY_S} s while they drain; "
        "a live event counts from its recording at the gate until another process can read it "
        "in the centre's database (PostgreSQL)",
        [
            Figure(f"backlog of {count} drained in", seconds, "s"),
            Figure("backlog per second", count / seconds, "events/s"),
            Figure("lost or doubled", float(abs(count + passing.recorded - arrived)), "events", at_most=0.0),
            Figure("live events meanwhile", float(len(live_s)), "events"),
            Figure("live event, p50", found["p50"], "s"),
            Figure("live event, p99", found["p99"], "s"),
            Figure("live event, slowest", max(live_s, default=float("nan")), "s", at_most=LIVE_LIMIT_S),
        ],
        {
            "live_latency_s": live_s,
            "backlog_at_s": [at_s for at_s, _ in depths],
            "backlog_depth": [float(depth) for _, depth in depths],
        },
    )


def _queue(store: LocalStore, count: int) -> int:
    """Put events into store and outbox as `record` does; returns the last item's number."""
    began = datetime.now(UTC) - BACKLOG_SPAN
    samples = (
        sample_event(SITE, GATE, number + 1, worker=number % 1000, at=began + BACKLOG_SPAN * number / count)
        for number in range(count)
    )
    # In one transaction: with a commit each, as at a turnstile, this would take minutes.
    with store._connections.write() as db:
        db.execute("INSERT INTO sequences VALUES (?, ?, 0)", [GATE, count])
        for event in samples:
            payload, at = event.model_dump_json(), event.occurred_at
            facts = [event.event_id, GATE, event.sequence, event.lane_id, int(at.timestamp() * MICROSECONDS)]
            db.execute(
                "INSERT INTO events "
                "(event_id, gate_id, sequence, lane_id, occurred_us, worker_id, outcome, record) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [*facts, event.worker_id, event.outcome.value, payload],
            )
            db.execute(
                "INSERT INTO outbox (kind, event_id, subject, payload, created_at) "
                "VALUES ('event', ?1, ?1, ?2, ?3)",
                [event.event_id, payload, at.isoformat()],
            )
    return store.outbox_last()


class _Passing:
    """Somebody passes the gate now and then, and somebody at the centre looks for the event."""

    def __init__(self, there: District) -> None:
        self.latencies_s: list[float] = []
        self.recorded = 0
        self._store = there.gate.store
        self._database = there.centre.database
        self._waiting: dict[str, float] = {}
        self._stopping = threading.Event()
        self._all_passed = threading.Event()
        self._passing = threading.Thread(target=self._pass)
        self._looking = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._passing.start()
        self._looking.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._passing.join()
        self._all_passed.set()
        self._looking.join()

    def _pass(self) -> None:
        while not self._stopping.wait(LIVE_EVERY_S):
            event = sample_event(SITE, GATE, 0, worker=self.recorded % 1000, at=datetime.now(UTC))
            recorded_s = time.perf_counter()
            self._store.record(event)
            self.recorded += 1
            self._waiting[event.event_id] = recorded_s

    def _look(self) -> None:
        """Until nobody passes any more and everything that was recorded is there."""
        event_id = tables.events.c.event_id
        end_s = float("inf")
        # In this order: once all have passed, nobody is added to those that are waited for.
        while (not self._all_passed.is_set() or self._waiting) and time.perf_counter() < end_s:
            if self._all_passed.is_set():
                end_s = min(end_s, time.perf_counter() + PATIENCE_S)
            with self._database.read() as connection:
                found = connection.scalars(select(event_id).where(event_id.in_(list(self._waiting)))).all()
            for one in found:
                self.latencies_s.append(time.perf_counter() - self._waiting.pop(one))
            time.sleep(LOOK_EVERY_S)
