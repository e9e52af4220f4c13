"""Many light gates in one process: the wire's real envelopes, but neither camera nor store.

A light gate signs and sends as a gate does and counts what is acknowledged. All of them share one thread
and one selector, so that a thousand cost little beside what they are there to load.
"""

from __future__ import annotations

import json
import multiprocessing
import selectors
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from gate.bench.sync_rig import BenchCannotRun
from sync.central.keys import GateCredentials
from sync.records import Direction, Event, MatchFacts, Method, Outcome
from sync.wire import topics
from sync.wire.envelope import Envelope, open_envelope
from sync.wire.messages import Ack, Health, Hello, Presence

KEEPALIVE_S = 60
AT_LEAST_ONCE = 1
TURN_S = 0.005
HOUSEKEEPING_S = 1.0
CONNECTED_WITHIN_S = 120.0
DRAIN_S = 30.0
"""How long acknowledgements that are still out are waited for at the end."""
SAMPLE_WORKERS = 3_000


def sample_event(site_id: str, gate_id: str, sequence: int, *, worker: int, at: datetime) -> Event:
    """An event as a gate records it, with everything that makes up its size."""
    return Event(
        sequence=sequence,
        site_id=site_id,
        gate_id=gate_id,
        lane_id="lane-1",
        direction=Direction.IN,
        occurred_at=at,
        method=Method.FACE,
        outcome=Outcome.ALLOW,
        reasons=("ok",),
        worker_id=f"W-{worker:06}",
        match=MatchFacts(
            score=0.7312,
            threshold=0.5301,
            margin=0.3127,
            model="sface",
            frames=6,
            agreeing=6,
            roster_size=30_000,
            threshold_source="bundled calibration",
        ),
        liveness="live",
        decided_in_ms=812.4,
    )


@dataclass(frozen=True, slots=True)
class GateIdentity:
    """Site, gate and raw private key: what a light gate needs, ready for another process."""

    site_id: str
    gate_id: str
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, credentials: GateCredentials) -> GateIdentity:
        return cls(credentials.site_id, credentials.gate_id, credentials.gate_key.private_bytes_raw())


@dataclass(frozen=True, slots=True)
class Plan:
    """What the crowd does for `seconds`.

    in_flight      batches that each gate keeps on their way; 0: no flood
    batch_events   events per batch of the flood
    total_events   the flood ends with so many, and with their acknowledgement the run; 0: no such end
    backlog        the flood is marked as backlog
    event_every_s  each gate sends a single live event so often, whatever else is on its way; 0: none
    heartbeat_every_s  0: none
    """

    port: int
    gates: tuple[GateIdentity, ...]
    centre_public: bytes
    seconds: float
    batch_events: int = 1
    in_flight: int = 0
    total_events: int = 0
    backlog: bool = False
    event_every_s: float = 0.0
    heartbeat_every_s: float = 0.0


@dataclass(slots=True)
class LoadReport:
    """`acked` pairs the second of the run with the events acknowledged then; latencies are batch to `Ack`.

    live_latencies_s  of the single live events; `latencies_s` of the flood
    """

    connected_in_s: float = 0.0
    sent_events: int = 0
    sent_bytes: int = 0
    sent_messages: int = 0
    unanswered_batches: int = 0
    rejected_events: int = 0
    acked: list[tuple[float, int]] = field(default_factory=list)
    latencies_s: list[float] = field(default_factory=list)
    live_latencies_s: list[float] = field(default_factory=list)


def _run(plan: Plan, channel: Connection) -> None:
    """The body of the load process: says `connected`, waits for a word, works, answers the report."""
    crowd = _Crowd(plan)
    try:
        crowd.connect()
        channel.send("connected")
        channel.recv()
        crowd.work()
        channel.send(crowd.report)
    finally:
        crowd.close()


class LoadProcess:
    """The crowd in a process of its own, connected on entry, so that its share of the machine can be told."""

    def __init__(self, plan: Plan) -> None:
        context = multiprocessing.get_context("spawn")
        self._plan = plan
        self._here, there = context.Pipe()
        self._process = context.Process(target=_run, args=(plan, there), daemon=True)
        self.pid = 0

    def __enter__(self) -> Self:
        self._process.start()
        if not self._here.poll(CONNECTED_WITHIN_S) or self._here.recv() != "connected":
            self._process.kill()
            raise BenchCannotRun("the load did not connect", next_step="see the log above")
        self.pid = self._process.pid or 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._here.close()
        self._process.join(DRAIN_S)
        self._process.kill()

    def measure(self) -> LoadReport:
        """Let it work; returns when it is done. Raises BenchCannotRun when it ends without a report."""
        self._here.send("go")
        if not self._here.poll(self._plan.seconds + 2 * DRAIN_S):
            raise BenchCannotRun("the load gave no report", next_step="see the log above")
        report = self._here.recv()
        if not isinstance(report, LoadReport):
            raise BenchCannotRun("the load gave no report", next_step="see the log above")
        return report


@dataclass(frozen=True, slots=True)
class _OnWay:
    sent_s: float
    is_flood: bool


class _LightGate:
    def __init__(self, identity: GateIdentity, number: int) -> None:
        self.identity = identity
        self.number = number
        self.client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"sitegate-{identity.site_id}-{identity.gate_id}",
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        self.ready = False
        self.on_way: dict[str, _OnWay] = {}
        self.flood_batches = 0
        self.next_event_s = self.next_beat_s = 0.0
        self._key = Ed25519PrivateKey.from_private_bytes(identity.key)
        self._counter = time.time_ns() // 1000
        self._sequence = 0
        self._boot_id = uuid4().hex
        sample = sample_event(identity.site_id, identity.gate_id, 0, worker=0, at=datetime.now(UTC))
        # Only three values differ from event to event: filled into one text, the load stays small.
        self._payload = sample.model_dump_json()
        self._sample = sample

    def sealed(self, kind: str, body: bytes) -> tuple[str, bytes]:
        self._counter += 1
        address = topics.Address(self.identity.site_id, self.identity.gate_id, "up", kind)
        return address.topic, Envelope(address, self._counter, datetime.now(UTC), body).sealed_with(self._key)

    def hello(self, presence: Presence) -> tuple[str, bytes]:
        message = Hello(presence=presence, boot_id=self._boot_id, at=datetime.now(UTC), software="bench")
        return self.sealed(topics.HELLO, message.model_dump_json().encode())

    def health(self) -> tuple[str, bytes]:
        message = Health(boot_id=self._boot_id, at=datetime.now(UTC), software="bench")
        return self.sealed(topics.HEALTH, message.model_dump_json().encode())

    def batch(self, events: int, *, replay: bool) -> tuple[str, str, bytes]:
        """Batch id, topic, payload."""
        batch_id = uuid4().hex
        items = []
        for _ in range(events):
            self._sequence += 1
            payload = self._payload.replace(self._sample.event_id, uuid4().hex).replace(
                '"sequence":0', f'"sequence":{self._sequence}'
            )
            payload = payload.replace("W-000000", f"W-{self._sequence % SAMPLE_WORKERS:06}")
            items.append({"item_id": self._sequence, "kind": "event", "payload": payload})
        body = {"batch_id": batch_id, "boot_id": self._boot_id, "replay": replay, "items": items}
        return batch_id, *self.sealed(topics.BATCH, json.dumps(body).encode())


class _Crowd:
    def __init__(self, plan: Plan) -> None:
        self.report = LoadReport()
        self._plan = plan
        self._centre = Ed25519PublicKey.from_public_bytes(plan.centre_public)
        self._gates = [_LightGate(identity, number) for number, identity in enumerate(plan.gates)]
        self._selector = selectors.DefaultSelector()
        self._began_s = 0.0
        self._housekeeping_s = 0.0
        self._flood_events = 0

    def connect(self) -> None:
        start_s = time.perf_counter()
        for gate in self._gates:
            self._listen(gate)
            gate.client.will_set(*gate.hello(Presence.LOST), qos=AT_LEAST_ONCE, retain=True)
            gate.client.connect("127.0.0.1", self._plan.port, KEEPALIVE_S)
            connected = gate.client.socket()
            if connected is None:
                raise BenchCannotRun("the broker closed a connection", next_step="try with fewer gates")
            self._selector.register(connected, selectors.EVENT_READ, gate)
            self._turn(0)
        while not all(gate.ready for gate in self._gates):
            if time.perf_counter() - start_s > DRAIN_S:
                raise BenchCannotRun("not all gates were let in", next_step="try with fewer gates")
            self._turn(TURN_S)
        self.report.connected_in_s = time.perf_counter() - start_s

    def work(self) -> None:
        plan = self._plan
        self._began_s = now_s = time.perf_counter()
        for gate in self._gates:
            share = gate.number / len(self._gates)
            gate.next_event_s = now_s + share * plan.event_every_s
            gate.next_beat_s = now_s + share * plan.heartbeat_every_s
        while (now_s := time.perf_counter()) - self._began_s < plan.seconds:
            for gate in self._gates:
                self._send_due(gate, now_s)
            self._turn(TURN_S)
            if self._flood_ended() and not any(gate.flood_batches for gate in self._gates):
                break
        while self._out() and time.perf_counter() - self._began_s < plan.seconds + DRAIN_S:
            self._turn(TURN_S)
        self.report.unanswered_batches = self._out()

    def close(self) -> None:
        for gate in self._gates:
            gate.client.disconnect()
        self._selector.close()

    def _out(self) -> int:
        return sum(len(gate.on_way) for gate in self._gates)

    def _send_due(self, gate: _LightGate, now_s: float) -> None:
        plan = self._plan
        while gate.flood_batches < plan.in_flight and not self._flood_ended():
            gate.flood_batches += 1
            self._flood_events += plan.batch_events
            self._send_batch(gate, plan.batch_events, is_flood=True)
        if plan.event_every_s and now_s >= gate.next_event_s:
            gate.next_event_s += plan.event_every_s
            self._send_batch(gate, 1, is_flood=False)
        if plan.heartbeat_every_s and now_s >= gate.next_beat_s:
            gate.next_beat_s += plan.heartbeat_every_s
            self._publish(gate, *gate.health())

    def _flood_ended(self) -> bool:
        return 0 < self._plan.total_events <= self._flood_events

    def _send_batch(self, gate: _LightGate, events: int, *, is_flood: bool) -> None:
        batch_id, topic, payload = gate.batch(events, replay=is_flood and self._plan.backlog)
        gate.on_way[batch_id] = _OnWay(time.perf_counter(), is_flood)
        self.report.sent_events += events
        self._publish(gate, topic, payload)

    def _publish(self, gate: _LightGate, topic: str, payload: bytes) -> None:
        self.report.sent_bytes += len(payload)
        self.report.sent_messages += 1
        gate.client.publish(topic, payload, AT_LEAST_ONCE)

    def _turn(self, wait_s: float) -> None:
        for key, _ in self._selector.select(wait_s):
            gate: _LightGate = key.data
            gate.client.loop_read()
            if gate.client.want_write():
                gate.client.loop_write()
        now_s = time.perf_counter()
        if now_s - self._housekeeping_s > HOUSEKEEPING_S:
            self._housekeeping_s = now_s
            for gate in self._gates:
                gate.client.loop_misc()
                if gate.client.want_write():
                    gate.client.loop_write()

    def _listen(self, gate: _LightGate) -> None:
        filters = [(one, AT_LEAST_ONCE) for one in topics.for_gate(*_names(gate))]

        def on_connect(client: Client, *_: Any) -> None:
            client.subscribe(filters)
            client.publish(*gate.hello(Presence.ONLINE), qos=AT_LEAST_ONCE, retain=True)

        def on_subscribe(*_: Any) -> None:
            gate.ready = True

        def on_message(client: Client, _: Any, message: MQTTMessage) -> None:
            address = topics.parse(message.topic)
            if address.kind == topics.ACK:
                envelope = open_envelope(address, bytes(message.payload), self._centre)
                self._acknowledged(gate, Ack.model_validate_json(envelope.body))

        gate.client.on_connect = on_connect
        gate.client.on_subscribe = on_subscribe
        gate.client.on_message = on_message

    def _acknowledged(self, gate: _LightGate, ack: Ack) -> None:
        sent = gate.on_way.pop(ack.batch_id, None)
        if sent is None:
            return
        now_s = time.perf_counter()
        if sent.is_flood:
            gate.flood_batches -= 1
            self.report.latencies_s.append(now_s - sent.sent_s)
        else:
            self.report.live_latencies_s.append(now_s - sent.sent_s)
        self.report.acked.append((now_s - self._began_s, len(ack.accepted)))
        self.report.rejected_events += len(ack.rejected)


def _names(gate: _LightGate) -> tuple[str, str]:
    return gate.identity.site_id, gate.identity.gate_id


def rate(acked: Sequence[tuple[float, int]], *, after_s: float, until_s: float) -> float:
    """Events acknowledged per second between two moments of the run; NaN for no time."""
    if until_s <= after_s:
        return float("nan")
    return sum(events for at_s, events in acked if after_s <= at_s < until_s) / (until_s - after_s)
