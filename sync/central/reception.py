"""Is a message from whom it says? Opens what arrives, counts what is refused, keeps what may be real."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError
from sqlalchemy import Connection, func, select, tuple_

from sync.central import tables
from sync.central.statements import insert_or
from sync.wire.envelope import MAX_BYTES, Envelope, MessageRefused, open_envelope
from sync.wire.messages import Batch
from sync.wire.topics import BATCH, Address, parse

QUARANTINE_PER_GATE = 1000
QUARANTINE_TOTAL = 20_000
"""Whoever may reach the broker can fill this much of the disk, and no more."""

PAYLOAD_CHARACTERS = 64_000

NOBODY = ("", "")
"""Refusals of unknown gates are counted together: their ids are whatever the sender made up."""

GateName = tuple[str, str]
"""Site id and gate id."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as it came from the broker."""

    topic: str
    payload: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Suspect:
    """Something refused that a person may want to see."""

    gate: GateName
    cause: str
    payload: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal to be counted. `gate` is NOBODY where the sender is not known for sure."""

    gate: GateName
    cause: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reception:
    """What became of some arrivals; each is in `opened` or has a refusal."""

    opened: Sequence[tuple[Arrival, Envelope]]
    refusals: Sequence[Refusal]
    suspects: Sequence[Suspect]


def receive(connection: Connection, arrivals: Sequence[Arrival]) -> Reception:
    """Check arrivals against the public keys of the gates as this transaction sees them."""
    addressed: list[tuple[Arrival, Address]] = []
    refusals: list[Refusal] = []
    suspects: list[Suspect] = []
    for arrival in arrivals:
        try:
            address = parse(arrival.topic)
            if max(len(address.site_id), len(address.gate_id)) > tables.ID_LENGTH:
                raise ValueError(address.topic)
            addressed.append((arrival, address))
        except ValueError:
            refusals.append(Refusal(NOBODY, "misaddressed", arrival.received_at))
    keys = _keys(connection, {(address.site_id, address.gate_id) for _, address in addressed})
    opened: list[tuple[Arrival, Envelope]] = []
    for arrival, address in addressed:
        gate = (address.site_id, address.gate_id)
        known, key = gate in keys, keys.get(gate)
        if key is None:
            cause = "revoked_gate" if known else "unknown_gate"
            refusals.append(Refusal(gate if known else NOBODY, cause, arrival.received_at))
            suspects += _unverified(arrival, address, cause)
            continue
        try:
            opened.append((arrival, open_envelope(address, arrival.payload, key)))
        except MessageRefused as error:
            refusals.append(Refusal(gate, error.cause, arrival.received_at))
    return Reception(opened, refusals, suspects)


def note(connection: Connection, refusals: Iterable[Refusal], suspects: Sequence[Suspect]) -> None:
    """Count refusals and keep suspects; part of the caller's transaction."""
    _count(connection, refusals)
    _keep(connection, suspects)


def _keys(connection: Connection, names: set[GateName]) -> dict[GateName, Ed25519PublicKey | None]:
    """None for a revoked gate; an unknown one is missing."""
    gates = tables.gates.c
    if not names:
        return {}
    rows = connection.execute(
        select(gates.site_id, gates.gate_id, gates.public_key, gates.revoked_at).where(
            tuple_(gates.site_id, gates.gate_id).in_(sorted(names))
        )
    )
    return {
        (row.site_id, row.gate_id): None
        if row.revoked_at is not None
        else Ed25519PublicKey.from_public_bytes(bytes(row.public_key))
        for row in rows
        if row.public_key  # a terminal of another maker has none: nothing signed can be its own
    }


def _unverified(arrival: Arrival, address: Address, cause: str) -> list[Suspect]:
    """The items of a batch that nobody vouches for: perhaps of a gate that was not registered yet."""
    if address.kind != BATCH or len(arrival.payload) > MAX_BYTES:
        return []
    try:
        batch = Batch.model_validate_json(arrival.payload.split(b"\n", 2)[2])
    except (IndexError, ValidationError):
        return []
    gate = (address.site_id, address.gate_id)
    return [Suspect(gate, cause, item.payload, arrival.received_at) for item in batch.items]


def _count(connection: Connection, refusals: Iterable[Refusal]) -> None:
    counts: Counter[tuple[GateName, str]] = Counter()
    last: dict[tuple[GateName, str], datetime] = {}
    for refusal in refusals:
        counts[refusal.gate, refusal.cause] += 1
        last[refusal.gate, refusal.cause] = refusal.at
    for (gate, cause), count in sorted(counts.items()):
        statement = insert_or(connection, tables.refusals).values(
            site_id=gate[0], gate_id=gate[1], cause=cause, count=count, last_at=last[gate, cause]
        )
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["site_id", "gate_id", "cause"],
                set_={"count": tables.refusals.c.count + count, "last_at": statement.excluded.last_at},
            )
        )


def _keep(connection: Connection, suspects: Sequence[Suspect]) -> None:
    if not suspects:
        return
    held = tables.quarantine.c
    room = (
        QUARANTINE_TOTAL
        - connection.execute(select(func.count()).select_from(tables.quarantine)).scalar_one()
    )
    by_gate: dict[GateName, list[Suspect]] = {}
    for suspect in suspects:
        by_gate.setdefault(suspect.gate, []).append(suspect)
    for gate, some in sorted(by_gate.items()):
        here = connection.execute(
            select(func.count()).where(held.site_id == gate[0], held.gate_id == gate[1])
        ).scalar_one()
        rows = _rows(gate, some)[: max(0, min(room, QUARANTINE_PER_GATE - here))]
        room -= len(rows)
        if rows:
            connection.execute(
                insert_or(connection, tables.quarantine).on_conflict_do_nothing(
                    index_elements=["site_id", "gate_id", "digest"]
                ),
                rows,
            )


def _rows(gate: GateName, suspects: Sequence[Suspect]) -> list[Mapping[str, object]]:
    rows = []
    for suspect in suspects:
        text = suspect.payload.replace("\x00", "\N{REPLACEMENT CHARACTER}")  # PostgreSQL keeps no NUL
        rows.append(
            {
                "site_id": gate[0],
                "gate_id": gate[1],
                "digest": sha256(text.encode()).hexdigest(),
                "cause": suspect.cause,
                "payload": text[:PAYLOAD_CHARACTERS],
                "received_at": suspect.received_at,
            }
        )
    return sorted(rows, key=lambda row: str(row["digest"]))
