"""Events and passages as rows, in the transaction of their batches."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, exists, select, update

from sync.central import tables
from sync.central.reception import GateName, Suspect
from sync.central.statements import chunks, insert_new, insert_or
from sync.records import Event, PassageNote
from sync.wire.messages import BatchItem, Rejection

_REASON_LENGTH = 64


@dataclass(slots=True)
class Work:
    """One batch on its way through the transaction."""

    gate: GateName
    batch_id: str
    replay: bool
    received_at: datetime
    events: list[tuple[int, Event, str]] = field(default_factory=list)
    passages: list[tuple[int, PassageNote]] = field(default_factory=list)
    notes: list[BatchItem] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)
    suspects: list[Suspect] = field(default_factory=list)
    roster_version: int | None = None
    """Of the site, once notes were taken: what became of them is in it."""

    def refuse(self, item_id: int, cause: str, payload: str, *, reason: str = "") -> None:
        """`cause` is a word that is counted; `reason` is for people, where it says more."""
        self.rejected.append(Rejection(item_id=item_id, reason=reason or cause))
        self.causes.append(cause)
        self.suspects.append(Suspect(self.gate, cause, payload, self.received_at))


def insert_events(connection: Connection, work: Sequence[Work], now: datetime) -> set[str]:
    """Insert what is not there yet; returns the ids that are new."""
    if not any(one.events for one in work):
        return set()
    zones = _zones(connection, {one.gate[0] for one in work})
    worker_ids = {event.worker_id for one in work for _, event, _ in one.events if event.worker_id}
    people = _people(connection, sorted(worker_ids))
    rows: dict[str, dict[str, Any]] = {}
    for one in work:
        for _, event, payload in one.events:
            if event.event_id not in rows:
                rows[event.event_id] = _row(event, payload, one, zones, people, now)
    # In one order everywhere, so that two processes with the same events cannot wait for each other.
    return insert_new(
        connection, tables.events, tables.events.c.event_id, [rows[one] for one in sorted(rows)]
    )


def _row(
    event: Event,
    payload: str,
    work: Work,
    zones: dict[str, ZoneInfo],
    people: dict[str, tuple[str, str, str]],
    now: datetime,
) -> dict[str, Any]:
    name, team, employer = people.get(event.worker_id or "", ("", "", ""))
    return {
        "event_id": event.event_id,
        "site_id": event.site_id,
        "gate_id": event.gate_id,
        "lane_id": event.lane_id,
        "sequence": event.sequence,
        "direction": event.direction.value,
        "occurred_at": event.occurred_at,
        "local_day": _local_day(event.occurred_at, zones[event.site_id]),
        "clock_trusted": event.clock_trusted,
        "received_at": now,
        "replayed": work.replay,
        "method": event.method.value,
        "outcome": event.outcome.value,
        "main_reason": event.reasons[0][:_REASON_LENGTH] if event.reasons else "",
        "worker_id": event.worker_id,
        "worker_known": event.worker_id is None or event.worker_id in people,
        "worker_name": name,
        "team": team,
        "employer": employer,
        "passage": event.passage.value,
        "record": payload,
    }


def _local_day(moment: datetime, zone: ZoneInfo) -> date:
    try:
        return moment.astimezone(zone).date()
    except OverflowError:  # the first or last day of the calendar: a clock off by millennia
        return moment.date()


def _zones(connection: Connection, site_ids: set[str]) -> dict[str, ZoneInfo]:
    sites = tables.sites.c
    rows = connection.execute(
        select(sites.site_id, sites.timezone).where(sites.site_id.in_(sorted(site_ids)))
    )
    return {site_id: ZoneInfo(name) for site_id, name in rows}


def _people(connection: Connection, worker_ids: Sequence[str]) -> dict[str, tuple[str, str, str]]:
    workers = tables.workers.c
    found = {}
    for some in chunks(worker_ids):
        for row in connection.execute(
            select(workers.worker_id, workers.name, workers.team, workers.employer).where(
                workers.worker_id.in_(some)
            )
        ):
            found[row.worker_id] = (row.name, row.team, row.employer)
    return found


def foreign(connection: Connection, work: Sequence[Work], fresh: Set[str]) -> list[tuple[Work, int, str]]:
    """Items (work, item id, payload) whose event id is another gate's: nobody may claim another's event."""
    ids = sorted({event.event_id for one in work for _, event, _ in one.events} - fresh)
    owners: dict[str, GateName] = {}
    events = tables.events.c
    for some in chunks(ids):
        for row in connection.execute(
            select(events.event_id, events.site_id, events.gate_id).where(events.event_id.in_(some))
        ):
            owners[row.event_id] = (row.site_id, row.gate_id)
    found = []
    for one in work:
        for item_id, event, payload in one.events:
            if owners.setdefault(event.event_id, one.gate) != one.gate:
                found.append((one, item_id, payload))
    return found


def insert_passages(connection: Connection, work: Sequence[Work]) -> None:
    """Keep the latest note of each event; a note may be here before its event."""
    rows: dict[tuple[str, GateName], dict[str, Any]] = {}
    for one in work:
        for _, note in one.passages:
            before = rows.get((note.event_id, one.gate))
            if before is None or before["noted_at"] <= note.noted_at:
                rows[note.event_id, one.gate] = {
                    "event_id": note.event_id,
                    "site_id": one.gate[0],
                    "gate_id": one.gate[1],
                    "passage": note.passage.value,
                    "noted_at": note.noted_at,
                    "applied": False,
                }
    if not rows:
        return
    statement = insert_or(connection, tables.passages)
    later = statement.excluded
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["event_id", "site_id", "gate_id"],
            set_={"passage": later.passage, "noted_at": later.noted_at, "applied": later.applied},
            where=tables.passages.c.noted_at < later.noted_at,
        ),
        [rows[key] for key in sorted(rows)],
    )


def apply_passages(connection: Connection) -> int:
    """Write passages that wait onto their events, where these are here; returns how many.

    A passage of another gate than its event's waits for ever. Called again now and then by the service,
    because an event and its passage may be written by two processes in the same moment.
    """
    events, passages = tables.events.c, tables.passages.c
    waiting = connection.execute(
        select(passages.event_id, passages.site_id, passages.gate_id, passages.passage)
        .where(
            ~passages.applied,
            exists().where(
                events.event_id == passages.event_id,
                events.site_id == passages.site_id,
                events.gate_id == passages.gate_id,
            ),
        )
        .order_by(passages.event_id)
        .with_for_update(skip_locked=True)
    ).all()
    if not waiting:
        return 0
    connection.execute(
        update(tables.events)
        .where(events.event_id == bindparam("of_event"))
        .values(passage=bindparam("seen")),
        [{"of_event": row.event_id, "seen": row.passage} for row in waiting],
    )
    connection.execute(
        update(tables.passages)
        .where(
            passages.event_id == bindparam("of_event"),
            passages.site_id == bindparam("of_site"),
            passages.gate_id == bindparam("of_gate"),
        )
        .values(applied=True),
        [{"of_event": row.event_id, "of_site": row.site_id, "of_gate": row.gate_id} for row in waiting],
    )
    return len(waiting)


def see(connection: Connection, work: Sequence[Work], now: datetime) -> None:
    """The gates gave a sign of life; backlog says nothing about what happened last."""
    live: dict[GateName, datetime] = {}
    for one in work:
        if one.events and not one.replay:
            newest = max(event.occurred_at for _, event, _ in one.events)
            live[one.gate] = max(newest, live.get(one.gate, newest))
    gates = sorted({one.gate for one in work})
    _set_status(connection, "last_seen_at", dict.fromkeys(gates, now))
    _set_status(connection, "last_event_at", live)


def _set_status(connection: Connection, column: str, times: dict[GateName, datetime]) -> None:
    statement = insert_or(connection, tables.gate_status)
    if times:
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["site_id", "gate_id"], set_={column: statement.excluded[column]}
            ),
            [{"site_id": gate[0], "gate_id": gate[1], column: times[gate]} for gate in sorted(times)],
        )
