"""A gate on a real broker, as small as can be: publishes what a `GateBox` signs, keeps what comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from sync.wire import topics
from sync.wire.envelope import open_envelope
from sync.wire.messages import Message
from tests.sync.central.gate_box import GateBox

PATIENCE_S = 60.0
M = TypeVar("M", bound=Message)


def until(condition: Callable[[], Any], *, what: str) -> Any:
    """Wait for a true value."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError(f"waited in vain for {what}")


class GateClient:
    """Connected from `with` on."""

    def __init__(self, box: GateBox, broker_url: str, centre: Ed25519PublicKey) -> None:
        self.box = box
        self._centre = centre
        self._broker = urlsplit(broker_url)
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311)
        self._ready = threading.Event()
        self._messages: list[tuple[str, bytes]] = []

    def __enter__(self) -> Self:
        self._client.on_connect = lambda client, *_: client.subscribe(
            [(one, 1) for one in topics.for_gate(self.box.site_id, self.box.gate_id)]
        )
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._keep
        self._client.connect(str(self._broker.hostname), int(self._broker.port or 0))
        self._client.loop_start()
        assert self._ready.wait(PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, kind: str, message: Message, *, retain: bool = False) -> None:
        self.send(*self.box.sealed(kind, message.model_dump_json().encode()), retain=retain)

    def send(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(PATIENCE_S)

    def hear(self, kind: str, model: type[M], accept: Callable[[M], bool] = lambda _: True) -> M:
        """The first message of that kind which is accepted, opened with the centre's key."""
        return until(lambda: next(filter(accept, self._opened(kind, model)), None), what=kind)  # type: ignore[no-any-return]

    def _opened(self, kind: str, model: type[M]) -> list[M]:
        found = []
        for topic, payload in list(self._messages):
            address = topics.parse(topic)
            if address.kind == kind:
                found.append(model.model_validate_json(open_envelope(address, payload, self._centre).body))
        return found

    def _keep(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self._messages.append((message.topic, bytes(message.payload)))
