"""A gate as the centre sees it: it signs what it sends. The people and places are made up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync.central import site_registry
from sync.central.database import Database
from sync.central.reception import Arrival
from sync.records import Event, PassageNote
from sync.wire import topics
from sync.wire.envelope import Envelope
from sync.wire.messages import Batch, BatchItem, Message
from tests.sync.samples import NOON, an_event

SITE = "demo-site"
CENTRE_KEY = Ed25519PrivateKey.generate()


def a_site(database: Database, site_id: str = SITE) -> None:
    with database.write() as connection:
        site_registry.put_site(connection, site_id, name="示例工地", timezone="Asia/Shanghai", now=NOON)


@dataclass
class GateBox:
    """Counts its messages and numbers its events, as a gate does."""

    gate_id: str = "gate-1"
    site_id: str = SITE
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    sealing_key: bytes = b""
    counters: count[int] = field(default_factory=lambda: count(1))
    sequences: count[int] = field(default_factory=lambda: count(1))

    def event(self, **changes: object) -> Event:
        fields: dict[str, object] = {"site_id": self.site_id, "gate_id": self.gate_id}
        if "sequence" not in changes:
            fields["sequence"] = next(self.sequences)
        number = int(str(changes.get("sequence", fields.get("sequence"))))
        fields["occurred_at"] = NOON + timedelta(seconds=number)
        return an_event(**(fields | changes))

    def batch(
        self, items: Sequence[Event | PassageNote | str], *, replay: bool = False, batch_id: str = ""
    ) -> Arrival:
        """A batch with item ids from 1; a text is an item with that payload."""
        rows = [
            BatchItem(
                item_id=number,
                kind="passage" if isinstance(item, PassageNote) else "event",
                payload=item if isinstance(item, str) else item.model_dump_json(),
            )
            for number, item in enumerate(items, start=1)
        ]
        return self.arrival(
            topics.BATCH,
            Batch(batch_id=batch_id or uuid4().hex, boot_id="boot-1", replay=replay, items=tuple(rows)),
        )

    def arrival(self, kind: str, message: Message) -> Arrival:
        return Arrival(*self.sealed(kind, message.model_dump_json().encode()), datetime.now(UTC))

    def sealed(self, kind: str, body: bytes) -> tuple[str, bytes]:
        address = topics.Address(self.site_id, self.gate_id, "up", kind)
        return address.topic, Envelope(address, next(self.counters), NOON, body).sealed_with(self.key)


def a_gate(database: Database, gate_id: str = "gate-1", site_id: str = SITE) -> GateBox:
    """A gate that the registry knows."""
    with database.write() as connection:
        credentials = site_registry.add_gate(
            connection, site_id, gate_id, centre=CENTRE_KEY.public_key(), now=NOON
        )
    return GateBox(gate_id, site_id, credentials.gate_key, credentials.sealing_key)
