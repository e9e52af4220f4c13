"""A gate of the faults bench, as a process: a real store and edge agent, events at a rate, no camera."""

from __future__ import annotations

import json
import logging
import sys
import threading
import uuid
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

from gate.bench.faults_control import Orders, WrongClock, write_status
from gate.clock import ClockGuard
from sync.central.keys import CENTRE_PUBLIC_FILE, GATE_KEY_FILE, SITE_KEY_FILE
from sync.edge.agent import EdgeAgent, HealthTexts
from sync.edge.settings import CentreSettings
from sync.errors import StoreError
from sync.records import Direction, Event, Method, Outcome, Passage, PassageNote
from sync.store import LocalStore
from sync.store.key import StoreKey
from sync.wire.messages import Command

log = logging.getLogger(__name__)

JOB_FILE, STORE_FILE, STORE_KEY_FILE = "gate.json", "gate.db", "store.key"
STATUS_FILE, JOURNAL_FILE = "status.json", "journal.txt"
STATUS_S = 0.5
STORE_PAUSE_S = 0.2
PASSAGE_EVERY = 10
"""Every tenth event is followed by a note of the door."""
REFUSED_EVERY = 20
LANE = "lane-1"
_EVENTS = uuid.UUID("7b9f3a52-5a1c-4f0e-9d39-0d2f1f6c7d10")


@dataclass(frozen=True, slots=True)
class Job:
    """What one gate is to do; `events` at `rate` per second. Timings are shorter than the defaults, so that
    minutes of this bench hold as many reconnections as hours of a site.
    """

    site_id: str
    gate_id: str
    broker: str
    events: int
    rate: float
    heartbeat_s: float = 5.0
    keepalive_s: int = 8
    ack_timeout_s: float = 4.0
    reconnect_max_s: float = 5.0

    def write(self, folder: Path) -> None:
        (folder / JOB_FILE).write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, folder: Path) -> Self:
        return cls(**json.loads((folder / JOB_FILE).read_text()))

    def settings(self, folder: Path) -> CentreSettings:
        return CentreSettings(
            enabled=True,
            broker=self.broker,
            gate_key_file=folder / GATE_KEY_FILE,
            site_key_file=folder / SITE_KEY_FILE,
            centre_public_key_file=folder / CENTRE_PUBLIC_FILE,
            heartbeat_s=self.heartbeat_s,
            keepalive_s=self.keepalive_s,
            ack_timeout_s=self.ack_timeout_s,
            reconnect_max_s=self.reconnect_max_s,
        )


def event_id(gate_id: str, number: int) -> str:
    """The id of a gate's event number 0, 1, 2 ...: known beforehand, so that none is forgotten."""
    return uuid.uuid5(_EVENTS, f"{gate_id} {number}").hex


def open_store(folder: Path, *, clock: WrongClock | None = None) -> LocalStore:
    """The gate's store."""
    key = StoreKey.load(folder / STORE_KEY_FILE, "", create=True)
    return LocalStore.open(folder / STORE_FILE, key, clock=clock)


class Recorder:
    """Records what is still missing, one event after the other; begun again after any kill."""

    def __init__(self, job: Job, store: LocalStore, clock: WrongClock, journal: Path) -> None:
        self.recorded = store.count_events()
        self._job = job
        self._store = store
        self._clock = clock
        self._guard = ClockGuard(synchronised=lambda: False)
        self._journal = journal

    def run(self, stopping: threading.Event) -> None:
        with self._journal.open("a", buffering=1) as journal:
            while self.recorded < self._job.events and not stopping.wait(1 / self._job.rate):
                try:
                    event = self._store.record(self._event(self.recorded))
                    # Written after the commit and before anything else: what stands here must never be lost.
                    journal.write(f"{event.event_id}\n")
                    if self.recorded % PASSAGE_EVERY == 0:
                        self._store.note_passage(
                            PassageNote(
                                event_id=event.event_id, passage=Passage.PASSED, noted_at=self._clock.now()
                            )
                        )
                except StoreError as error:
                    log.error("event %d is tried again: %s", self.recorded, error)
                    stopping.wait(STORE_PAUSE_S)
                    continue
                self.recorded += 1

    def _event(self, number: int) -> Event:
        now = self._clock.now()
        refused = number % REFUSED_EVERY == 0
        return Event(
            event_id=event_id(self._job.gate_id, number),
            sequence=0,
            site_id=self._job.site_id,
            gate_id=self._job.gate_id,
            lane_id=LANE,
            direction=Direction.IN if number % 2 else Direction.OUT,
            occurred_at=now,
            clock_trusted=self._guard.check(now, self._clock.monotonic()),
            method=Method.FACE,
            outcome=Outcome.DENY if refused else Outcome.ALLOW,
            reasons=("unknown_face",) if refused else ("recognised",),
            worker_id=None if refused else f"bench-{number % 200:04d}",
            decided_in_ms=timedelta(seconds=0.6) / timedelta(milliseconds=1),
        )


def _refuse(_: Command) -> tuple[bool, str]:
    return False, "a gate of a bench has no door"


def main(folder: Path, off_s: float) -> None:
    """Run until told to stop."""
    job = Job.read(folder)
    clock = WrongClock(off_s)
    orders = Orders(clock)
    with open_store(folder, clock=clock) as store:
        agent = EdgeAgent(
            job.settings(folder),
            store,
            site_id=job.site_id,
            gate_id=job.gate_id,
            clock=clock,
            health=HealthTexts,
            on_command=_refuse,
            on_roster_changed=lambda: None,
            version="bench",
            lanes=(LANE,),
        )
        agent.start()
        recorder = Recorder(job, store, clock, folder / JOURNAL_FILE)
        recording = threading.Thread(target=recorder.run, args=(orders.stopping,), name="recorder")
        recording.start()
        try:
            while not orders.stopping.wait(STATUS_S):
                status = agent.status()
                write_status(
                    folder / STATUS_FILE,
                    {
                        "recorded": recorder.recorded,
                        "outbox": store.outbox_depth() + store.outbox_parked_count(),
                        "roster_version": status.roster_version,
                        "healthy": int(status.connected and not status.problem),
                    },
                )
        finally:
            orders.stopping.set()
            recording.join()
            agent.stop()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    main(Path(sys.argv[1]), float(sys.argv[2]))
