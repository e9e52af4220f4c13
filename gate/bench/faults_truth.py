"""What the gates say they recorded, against what the centre has; and the rosters of both, entry by entry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from sqlalchemy import func, select

from gate.bench.faults_gate import JOURNAL_FILE, Job, event_id, open_store
from sync.central import roster_log, tables
from sync.central.database import Database
from sync.records import Event, Passage, Template, Worker
from sync.store import LocalStore
from sync.wire.sealing import entry_digest, roster_digest


@dataclass(frozen=True, slots=True)
class GateTruth:
    """One gate at the end; every figure but `events` must be 0.

    not_recorded      events that the gate was to record and its store does not have
    forgotten         events whose record had returned and that the store does not have
    lost              events in the store that the centre does not have
    doubled           rows at the centre beyond the first with the same id or the same number
    invented          rows at the centre that the gate's store does not have
    changed           rows at the centre that say something else than the store
    passages_wrong    events whose passage differs between store and centre
    gaps              numbers that the centre believes to be missing, or to have been used twice
    waiting, parked   rows left in the outbox
    roster_differs    1 where the roster in the store is not the centre's
    store_problems    what the integrity check of the store found
    """

    events: int
    not_recorded: int
    forgotten: int
    lost: int
    doubled: int
    invented: int
    changed: int
    passages_wrong: int
    gaps: int
    waiting: int
    parked: int
    roster_differs: int
    store_problems: int

    @property
    def clean(self) -> bool:
        return not any(getattr(self, field.name) for field in fields(self) if field.name != "events")


@dataclass(frozen=True, slots=True)
class Refused:
    """What the centre refused, by cause, and how much of it is kept for a person to look at."""

    by_cause: Mapping[str, int]
    quarantined: int


def compare(folder: Path, database: Database) -> GateTruth:
    """One gate's folder with the centre's database; the gate does not run any more."""
    job = Job.read(folder)
    wanted = {event_id(job.gate_id, number) for number in range(job.events)}
    journal = set((folder / JOURNAL_FILE).read_text().split())
    rows = _rows(database, job)
    arrived = {event.event_id: event for event, _ in rows}
    passed = {event.event_id: passage for event, passage in rows}
    numbers = Counter(event.sequence for event, _ in rows)
    with open_store(folder) as store:
        kept = {event.event_id: event for event in store.events(limit=2 * job.events)}
        both = kept.keys() & arrived.keys()
        return GateTruth(
            events=len(kept),
            not_recorded=len(wanted - kept.keys()),
            forgotten=len(journal - kept.keys()),
            lost=len(kept.keys() - arrived.keys()),
            doubled=len(rows) - min(len(arrived), len(numbers)),
            invented=len(arrived.keys() - kept.keys()),
            changed=sum(_facts(kept[one]) != _facts(arrived[one]) for one in both),
            passages_wrong=sum(kept[one].passage.value != passed[one] for one in both),
            gaps=_gaps(database, job),
            waiting=store.outbox_depth(),
            parked=store.outbox_parked_count(),
            roster_differs=int(gate_roster(store) != centre_roster(database, job.site_id)),
            store_problems=len(store.check().problems),
        )


def refused(database: Database) -> Refused:
    """What came and was not taken."""
    counts = tables.refusals.c
    with database.read() as connection:
        rows = connection.execute(select(counts.cause, func.sum(counts.count)).group_by(counts.cause)).all()
        held = connection.execute(select(func.count()).select_from(tables.quarantine)).scalar_one()
    return Refused({cause: int(count) for cause, count in rows}, held)


def gate_roster(store: LocalStore) -> str:
    """Digest of what the gate would match against: not of what it believes to have."""
    return _digest((worker, store.templates(worker.worker_id)) for worker in store.workers(limit=None))


def centre_roster(database: Database, site_id: str) -> str:
    """Digest of the registry itself: not of the log that was made from it."""
    link = tables.worker_sites.c
    with database.read() as connection:
        ids = connection.scalars(select(link.worker_id).where(link.site_id == site_id)).all()
        changes = roster_log.load_changes(connection, ids)
    return _digest((change.worker, list(change.templates)) for change in changes)


def centre_version(database: Database, site_id: str) -> int:
    """The newest version of a site's roster."""
    with database.read() as connection:
        return roster_log.current_version(connection, site_id)


def _digest(entries: Iterable[tuple[Worker, list[Template]]]) -> str:
    return roster_digest({worker.worker_id: entry_digest(_in_order(worker), own) for worker, own in entries})


def _in_order(worker: Worker) -> Worker:
    """Flags are a set: each side lists them in an order of its own."""
    return worker.model_copy(update={"flags": tuple(sorted(worker.flags, key=lambda flag: flag.flag_id))})


def _rows(database: Database, job: Job) -> list[tuple[Event, str]]:
    events = tables.events.c
    query = select(events.record, events.sequence, events.passage).where(
        events.site_id == job.site_id, events.gate_id == job.gate_id
    )
    with database.read() as connection:
        return [
            (Event.model_validate_json(row.record).model_copy(update={"sequence": row.sequence}), row.passage)
            for row in connection.execute(query)
        ]


def _facts(event: Event) -> Event:
    """The event without what the door saw later, which travels apart."""
    return event.model_copy(update={"passage": Passage.UNKNOWN})


def _gaps(database: Database, job: Job) -> int:
    gaps, numbers = tables.sequence_gaps.c, tables.gate_sequences.c
    with database.read() as connection:
        missing = connection.scalar(
            select(func.coalesce(func.sum(gaps.last - gaps.first + 1), 0)).where(
                gaps.site_id == job.site_id, gaps.gate_id == job.gate_id
            )
        )
        reused = connection.scalar(
            select(numbers.reused).where(numbers.site_id == job.site_id, numbers.gate_id == job.gate_id)
        )
    return int(missing or 0) + int(reused or 0)
