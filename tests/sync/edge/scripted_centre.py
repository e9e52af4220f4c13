"""A centre that speaks the wire and does what a test tells it to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from sync.records import Template, Worker
from sync.wire import topics
from sync.wire.envelope import Envelope, open_envelope
from sync.wire.messages import (
    Ack,
    Action,
    Answer,
    Batch,
    Command,
    Health,
    Hello,
    Message,
    RosterEntry,
    RosterHead,
    RosterPart,
    RosterWant,
)
from sync.wire.sealing import entry_digest, roster_digest, seal

LIMIT_S = 60.0
_BODIES: dict[str, type[Message]] = {
    topics.HELLO: Hello,
    topics.HEALTH: Health,
    topics.BATCH: Batch,
    topics.WANT: RosterWant,
    topics.ANSWER: Answer,
}


def eventually(condition: Callable[[], Any], what: str) -> Any:
    """What `condition` gives once it is true."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError(f"never happened: {what}")


class ScriptedCentre:
    """Acknowledges everything and serves its roster, unless a test replaces `on_batch` or `on_want`."""

    def __init__(
        self,
        port: int,
        *,
        site_id: str,
        gate_id: str,
        gate_key: Ed25519PublicKey,
        site_key: bytes,
        protocol: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv5,
        prepare: Callable[[Client], None] = lambda _: None,
    ) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.received: list[tuple[str, Any]] = []
        self.envelopes: list[Envelope] = []
        self.accepted: list[int] = []
        self.on_batch: Callable[[Batch], None] = self.take
        self.on_want: Callable[[RosterWant], None] = self.serve
        self.version = 0
        self.page_size = 1000
        self.always_pages = False
        self.clock_ahead = timedelta()
        self.digest_override = ""
        self.rows: dict[str, tuple[int, Worker | None, Sequence[Template]]] = {}
        self._site_id, self._gate_id = site_id, gate_id
        self._gate_key, self._site_key = gate_key, site_key
        self._counter = count(1)
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=protocol)
        prepare(self._client)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(f"{topics.PREFIX}/{site_id}/+/up/+", 1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._receive
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._subscribed.wait(LIMIT_S)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    # -- what came -------------------------------------------------------------------------------------

    def of(self, kind: str) -> list[Any]:
        return [body for name, body in list(self.received) if name == kind]

    def last(self, kind: str) -> Any:
        found = self.of(kind)
        return found[-1] if found else None

    def _receive(self, client: Client, _: Any, message: MQTTMessage) -> None:
        address = topics.parse(message.topic)
        envelope = open_envelope(address, bytes(message.payload), self._gate_key)
        body = _BODIES[address.kind].model_validate_json(envelope.body)
        self.envelopes.append(envelope)
        self.received.append((address.kind, body))
        if isinstance(body, Batch):
            self.on_batch(body)
        elif isinstance(body, RosterWant):
            self.on_want(body)

    # -- what goes -------------------------------------------------------------------------------------

    def now(self) -> datetime:
        return datetime.now(UTC) + self.clock_ahead

    def sealed(
        self, kind: str, message: Message, *, gate_id: str = "", key: Ed25519PrivateKey | None = None
    ) -> tuple[str, bytes]:
        address = topics.Address(self._site_id, gate_id or self._gate_id, "down", kind)
        envelope = Envelope(address, next(self._counter), self.now(), message.model_dump_json().encode())
        return address.topic, envelope.sealed_with(key or self.key)

    def send(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain)

    def take(self, batch: Batch, **rejected: str) -> None:
        self.accepted += [item.item_id for item in batch.items]
        self.acknowledge(batch)

    def acknowledge(self, batch: Batch) -> None:
        accepted = tuple(item.item_id for item in batch.items)
        self.send(*self.sealed(topics.ACK, Ack(batch_id=batch.batch_id, accepted=accepted, at=self.now())))

    def command(
        self, action: Action = Action.OPEN_ONCE, *, command_id: str = "c-1", valid_s: float = 60
    ) -> Command:
        return Command(
            command_id=command_id,
            action=action,
            lane_id="lane-1",
            issued_by="manager-1",
            reason="delivery",
            expires_at=self.now() + timedelta(seconds=valid_s),
        )

    # -- the roster ------------------------------------------------------------------------------------

    def put(self, worker: Worker, templates: Sequence[Template] = ()) -> None:
        self.version += 1
        self.rows[worker.worker_id] = (self.version, worker, templates)

    def remove(self, worker_id: str) -> None:
        self.version += 1
        self.rows[worker_id] = (self.version, None, ())

    def digest(self) -> str:
        return self.digest_override or roster_digest(
            {key: entry_digest(worker, t) for key, (_, worker, t) in self.rows.items() if worker is not None}
        )

    def head(self) -> RosterHead:
        workers = sum(worker is not None for _, worker, _ in self.rows.values())
        return RosterHead(version=self.version, digest=self.digest(), workers=workers, at=self.now())

    def announce(self) -> None:
        self.send(*self.sealed(topics.HEAD, self.head(), gate_id=topics.ALL_GATES), retain=True)

    def serve(self, want: RosterWant) -> None:
        self.send(*self.sealed(topics.ROSTER, self.part(want)))

    def part(self, want: RosterWant) -> RosterPart:
        if want.snapshot_version is not None or want.reason == "digest mismatch" or self.always_pages:
            return self._page(want)
        changed = [key for key, row in self.rows.items() if row[0] > want.have_version]
        return RosterPart(
            snapshot=False,
            from_version=want.have_version,
            to_version=self.version,
            entries=tuple(self._entry(key) for key in changed),
            last=True,
            digest=self.digest(),
        )

    def _page(self, want: RosterWant) -> RosterPart:
        version = want.snapshot_version or self.version
        behind = [key for key in sorted(self.rows) if key > want.after and self.rows[key][1] is not None]
        page, last = behind[: self.page_size], len(behind) <= self.page_size
        return RosterPart(
            snapshot=True,
            from_version=0,
            to_version=version,
            after=want.after,
            entries=tuple(self._entry(key) for key in page),
            last=last,
            digest=self.digest() if last and version == self.version else "",
        )

    def _entry(self, worker_id: str) -> RosterEntry:
        version, worker, templates = self.rows[worker_id]
        sealed = seal(templates, site_key=self._site_key, worker_id=worker_id)
        return RosterEntry(worker_id=worker_id, version=version, worker=worker, sealed=sealed)
