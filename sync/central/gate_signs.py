"""Signs of life of the gates, birth to last will and heartbeats, into `gate_status`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from sync.central import erasures, tables
from sync.central.reception import GateName
from sync.central.statements import insert_or
from sync.wire.messages import Health, Hello, Presence

MAX_COUNT = 2**63 - 1


def hello(connection: Connection, gate: GateName, counter: int, message: Hello, now: datetime) -> bool:
    """Take a birth, goodbye or last will; False for one that is not newer than what is known.

    A retained one comes again with every subscription, and an old last will may follow a newer birth.
    """
    values: dict[str, Any] = {
        "presence": message.presence.value,
        "presence_at": now,
        "hello_counter": counter,
        "boot_id": message.boot_id,
        "software": message.software,
        "lanes": list(message.lanes),
    }
    if message.presence is not Presence.LOST:  # that is the broker speaking
        values["last_seen_at"] = now
    return _update_newer(connection, gate, "hello_counter", counter, values)


def health(connection: Connection, gate: GateName, counter: int, message: Health, now: datetime) -> bool:
    """Take a heartbeat; False for one that is not newer than what is known.

    The roster version in it confirms what the gate had to forget.
    """
    values = {
        "health_counter": counter,
        "health_at": now,
        "last_seen_at": now,
        "health": message.model_dump(mode="json"),
        "outbox_depth": min(message.outbox_depth, MAX_COUNT),
        "roster_version": min(message.roster_version, MAX_COUNT),
        "roster_digest": message.roster_digest,
        "clock_offset_ms": message.clock_offset_ms,
    }
    is_newer = _update_newer(connection, gate, "health_counter", counter, values)
    if is_newer:
        erasures.gate_holds(connection, gate, min(message.roster_version, MAX_COUNT), now)
    return is_newer


def _update_newer(
    connection: Connection, gate: GateName, column: str, counter: int, values: dict[str, Any]
) -> bool:
    if not 0 <= counter <= MAX_COUNT:
        return False
    status = tables.gate_status
    connection.execute(
        insert_or(connection, status)
        .values(site_id=gate[0], gate_id=gate[1])
        .on_conflict_do_nothing(index_elements=["site_id", "gate_id"])
    )
    changed = connection.execute(
        update(status)
        .where(status.c.site_id == gate[0], status.c.gate_id == gate[1], status.c[column] < counter)
        .values(**values)
    ).rowcount
    return bool(changed)
