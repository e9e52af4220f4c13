"""Events and passages into the database: many batches, one transaction, then the acknowledgements.

Idempotent by `event_id`: any item may come any number of times, in any order, through any process. Batches
that wait are written together, because what costs is the commit, not the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, TypeAdapter, ValidationError
from sqlalchemy.exc import DataError, IntegrityError

from sync.central import event_rows, gate_fever, notes, numbering, reception, tables
from sync.central.database import Database
from sync.central.event_rows import Work
from sync.central.note_handlers import HANDLERS
from sync.central.notes import Handler
from sync.central.reception import Arrival, GateName, Refusal, Suspect
from sync.records import NOTE_KINDS, SCHEMA_VERSION, Event, PassageNote
from sync.wire.messages import Ack, Batch, BatchItem
from sync.wire.topics import Address

MAX_SEQUENCE = 2**63 - 1
FOREIGN = "foreign"
"""An item that says it is of another gate, or comes under the id of another gate's event."""


class _Salvage(BaseModel):
    """As much of a batch of another version as is needed to say which items are refused."""

    class Item(BaseModel):
        item_id: int
        payload: str = ""

    batch_id: str
    items: tuple[Item, ...]


class _Versioned(BaseModel):
    schema_version: int


_versioned = TypeAdapter(_Versioned)


@dataclass(frozen=True, slots=True)
class Reply:
    """An acknowledgement and the gate it goes to."""

    gate: GateName
    ack: Ack


@dataclass(frozen=True, slots=True)
class Taken:
    """What a call of `Ingest.take` did; the replies go out only because it was committed."""

    replies: Sequence[Reply]
    events: int = 0
    repeated: int = 0
    refused: Sequence[Refusal] = ()
    roster_changed: bool = False


class Ingest:
    """Takes batches; safe to run in several threads and processes on one database."""

    def __init__(
        self,
        database: Database,
        now: Callable[[], datetime],
        handlers: Mapping[str, Handler] = HANDLERS,
    ) -> None:
        self._database = database
        self._now = now
        self._handlers = handlers

    def take(self, arrivals: Sequence[Arrival]) -> Taken:
        """Check, write and commit; an arrival without a reply was refused as a whole and is counted.

        Raises:
            sqlalchemy.exc.OperationalError: the database is not there; nothing was written, try again.
        """
        with self._database.read() as connection:
            received = reception.receive(connection, arrivals)
        refusals = list(received.refusals)
        work = []
        for arrival, envelope in received.opened:
            one = _unpack(envelope.address, envelope.body, arrival.received_at)
            if one is None:
                gate = (envelope.address.site_id, envelope.address.gate_id)
                refusals.append(Refusal(gate, "malformed", arrival.received_at))
            else:
                work.append(one)
        try:
            return self._write(work, refusals, list(received.suspects))
        except (DataError, IntegrityError, ValueError) as error:
            return self._write_apart(work, refusals, list(received.suspects), error)

    def _write_apart(
        self, work: list[Work], refusals: list[Refusal], suspects: list[Suspect], error: Exception
    ) -> Taken:
        """Something in there cannot be stored: each item for itself, so that it is refused alone."""
        done = [self._write([], refusals, suspects)]
        for batch in work:
            if len(work) > 1:
                try:
                    done.append(self._write([batch], [], []))
                    continue
                except (DataError, IntegrityError, ValueError):
                    pass  # found again below, by item
            done.append(self._write_items(batch, error))
        return Taken(
            [reply for one in done for reply in one.replies],
            sum(one.events for one in done),
            sum(one.repeated for one in done),
            [refusal for one in done for refusal in one.refused],
            any(one.roster_changed for one in done),
        )

    def _write_items(self, batch: Work, error: Exception) -> Taken:
        rest = Work(batch.gate, batch.batch_id, batch.replay, batch.received_at)
        rest.rejected, rest.suspects = list(batch.rejected), list(batch.suspects)
        rest.causes = list(batch.causes)
        for item_id, event, payload in batch.events:
            alone = Work(batch.gate, batch.batch_id, batch.replay, batch.received_at)
            alone.events = [(item_id, event, payload)]
            try:
                self._write([alone], [], [])
                rest.events += alone.events
            except (DataError, IntegrityError, ValueError):
                rest.refuse(item_id, "unstorable", payload)
        rest.passages = list(batch.passages)
        rest.notes = list(batch.notes)
        return self._write([rest], [], [])

    def _write(self, work: list[Work], refusals: list[Refusal], suspects: list[Suspect]) -> Taken:
        now = self._now()
        with self._database.write() as connection:
            fresh = event_rows.insert_events(connection, work, now)
            stolen = event_rows.foreign(connection, work, fresh)
            numbering.number(connection, _numbers(work, fresh), now)
            hot = gate_fever.too_hot(work, fresh, now)
            gate_fever.tell(connection, hot, now)
            event_rows.insert_passages(connection, work)
            event_rows.apply_passages(connection)
            sites = notes.take(connection, work, self._handlers)
            sites |= gate_fever.colour(connection, hot, now)
            event_rows.see(connection, work, now)
            refused = [*refusals, *_refusals(work)]
            refused += [Refusal(one.gate, FOREIGN, one.received_at) for one, _, _ in stolen]
            held = [*suspects, *(suspect for one in work for suspect in one.suspects)]
            held += [Suspect(one.gate, FOREIGN, payload, one.received_at) for one, _, payload in stolen]
            reception.note(connection, refused, held)
        for one, item_id, payload in stolen:
            one.refuse(item_id, FOREIGN, payload)
        repeated = sum(len(one.events) for one in work) - len(fresh) - len(stolen)
        return Taken([_reply(one, self._now()) for one in work], len(fresh), repeated, refused, bool(sites))


def _unpack(address: Address, body: bytes, received_at: datetime) -> Work | None:
    """None where not even the batch can be named."""
    gate = (address.site_id, address.gate_id)
    try:
        batch = Batch.model_validate_json(body)
    except ValidationError:
        return _salvage(gate, body, received_at)
    work = Work(gate, batch.batch_id, batch.replay, received_at)
    for item in batch.items:
        cause = _read(work, item)
        if cause:
            work.refuse(item.item_id, cause, item.payload)
    return work


def _salvage(gate: GateName, body: bytes, received_at: datetime) -> Work | None:
    try:
        batch = _Salvage.model_validate_json(body)
    except ValidationError:
        return None
    if len(batch.batch_id) > tables.ID_LENGTH:
        return None
    work = Work(gate, batch.batch_id, True, received_at)
    for item in batch.items:
        work.refuse(item.item_id, "wrong_schema", item.payload)
    return work


def _read(work: Work, item: BatchItem) -> str:
    """Sort one item into the work; the cause of a refusal, or nothing."""
    try:
        if item.kind in NOTE_KINDS:
            work.notes.append(item)
            return ""
        if item.kind == "passage":
            work.passages.append((item.item_id, PassageNote.model_validate_json(item.payload)))
            return ""
        event = Event.model_validate_json(item.payload)
    except ValidationError:
        return _why(item.payload)
    if (event.site_id, event.gate_id) != work.gate:
        return FOREIGN
    if event.sequence > MAX_SEQUENCE or any("\x00" in text for text in _texts(event)):
        return "malformed"
    work.events.append((item.item_id, event, item.payload))
    return ""


def _why(payload: str) -> str:
    try:
        version = _versioned.validate_json(payload).schema_version
    except ValidationError:
        return "malformed"
    return "future_version" if version > SCHEMA_VERSION else "wrong_schema"


def _texts(event: Event) -> tuple[str, ...]:
    return (event.event_id, event.lane_id, event.worker_id or "", *event.reasons)


def _numbers(work: Sequence[Work], fresh: Set[str]) -> dict[GateName, list[int]]:
    """The numbers of the new events per gate; 0 is of a source that does not number its events."""
    numbers: dict[GateName, dict[str, int]] = {}
    for one in work:
        for _, event, _ in one.events:
            if event.event_id in fresh and event.sequence:
                numbers.setdefault(one.gate, {})[event.event_id] = event.sequence
    return {gate: list(by_event.values()) for gate, by_event in numbers.items()}


def _refusals(work: Sequence[Work]) -> list[Refusal]:
    return [Refusal(one.gate, cause, one.received_at) for one in work for cause in one.causes]


def _reply(work: Work, now: datetime) -> Reply:
    rejected = {rejection.item_id for rejection in work.rejected}
    items = [item_id for item_id, _, _ in work.events] + [item_id for item_id, _ in work.passages]
    items += [item.item_id for item in work.notes]
    return Reply(
        work.gate,
        Ack(
            batch_id=work.batch_id,
            accepted=tuple(item_id for item_id in items if item_id not in rejected),
            rejected=tuple(work.rejected),
            roster_version=work.roster_version,
            at=now,
        ),
    )
