"""Changes of the registry while the faults bench runs, as a console would make them."""

from __future__ import annotations

import logging
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from gate.bench.crowd import random_templates
from sync.central import registry
from sync.central.database import Database
from sync.errors import UnknownFlag, UnknownWorker
from sync.records import Flag, FlagLevel, Template, Worker, WorkerStatus

log = logging.getLogger(__name__)

PAUSE_S = 0.5
MODEL, MODEL_VERSION = "bench", "1"
VECTORS = 512


class RosterEditor:
    """Adds, flags, clears, blocks, moves and removes workers on a thread of its own until it is stopped."""

    def __init__(self, database: Database, *, seed: int, sites: Sequence[str], every_s: float) -> None:
        self.done: Counter[str] = Counter()
        self.failed = 0
        self._database = database
        self._dice = random.Random(seed)  # noqa: S311 (can be drawn again)
        self._sites = sites
        self._every_s = every_s
        self._vectors = random_templates(VECTORS, seed=seed)
        self._ids: list[str] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="roster-editor", daemon=True)

    def fill(self, workers: int) -> None:
        """The roster that is there before the first fault."""
        self._ids = [f"bench-{number:04d}" for number in range(workers)]
        with self._database.write() as connection:
            entries = [(self._worker(one), self._templates(one)) for one in self._ids]
            registry.put_workers(connection, entries, now=datetime.now(UTC))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        changes: list[tuple[str, Callable[[Connection], None]]] = [
            ("added", self._add),
            ("new photos", self._photos),
            ("flagged", self._flag),
            ("flag taken away", self._unflag),
            ("blocked or let in", self._status),
            ("moved to other sites", self._move),
            ("removed", self._remove),
        ]
        while not self._stopping.wait(self._every_s):
            name, change = self._dice.choice(changes)
            try:
                with self._database.write() as connection:
                    change(connection)
                self.done[name] += 1
            except (UnknownWorker, UnknownFlag):
                continue  # gone by a commit whose answer was lost
            except DBAPIError:
                self.failed += 1  # the database is away; somebody at a console would try again
                self._stopping.wait(PAUSE_S)

    def _add(self, connection: Connection) -> None:
        worker_id = f"new-{self._dice.randrange(16**8):08x}"
        self._ids.append(worker_id)
        now = datetime.now(UTC)
        registry.put_worker(connection, self._worker(worker_id), self._templates(worker_id), now=now)

    def _photos(self, connection: Connection) -> None:
        worker_id = self._dice.choice(self._ids)
        templates = self._templates(worker_id)
        registry.put_templates(connection, worker_id, templates, now=datetime.now(UTC))

    def _flag(self, connection: Connection) -> None:
        flag = Flag(level=self._dice.choice(list(FlagLevel)), reason="drawn by the bench")
        registry.add_flag(connection, self._dice.choice(self._ids), flag, now=datetime.now(UTC))

    def _unflag(self, connection: Connection) -> None:
        worker = registry.worker(connection, self._dice.choice(self._ids))
        if worker.flags:
            registry.remove_flag(connection, worker.worker_id, self._dice.choice(worker.flags).flag_id)

    def _status(self, connection: Connection) -> None:
        status = self._dice.choice(list(WorkerStatus))
        registry.set_status(connection, self._dice.choice(self._ids), status, now=datetime.now(UTC))

    def _move(self, connection: Connection) -> None:
        worker_id = self._dice.choice(self._ids)
        registry.put_worker(connection, self._worker(worker_id), now=datetime.now(UTC))

    def _remove(self, connection: Connection) -> None:
        worker_id = self._dice.choice(self._ids)
        self._ids.remove(worker_id)
        registry.remove_worker(connection, worker_id)

    def _worker(self, worker_id: str) -> Worker:
        sites = self._dice.sample(list(self._sites), self._dice.randint(1, len(self._sites)))
        return Worker(worker_id=worker_id, name=f"Bench {worker_id}", site_ids=tuple(sorted(sites)))

    def _templates(self, worker_id: str) -> list[Template]:
        return [
            Template(
                template_id=uuid4().hex,
                worker_id=worker_id,
                model=MODEL,
                model_version=MODEL_VERSION,
                vector=self._vectors[self._dice.randrange(VECTORS)].astype("<f4").tobytes(),
                quality=90.0,
                source="bench",
                created_at=datetime.now(UTC),
            )
            for _ in range(self._dice.randint(1, 3))
        ]
