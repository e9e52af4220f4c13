"""Signing what goes up and checking what comes down."""

from __future__ import annotations

import threading
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ValidationError

from sync.edge.centre_time import Clock
from sync.store import LocalStore
from sync.wire import topics
from sync.wire.envelope import Envelope, MessageRefused, open_envelope
from sync.wire.messages import Message

_COUNTER = "edge.counter"
COUNTER_BLOCK = 10_000
"""Numbers reserved with one write; what is left of a block is skipped after a restart."""

Body = TypeVar("Body", bound=Message)


class Signer:
    """Seals messages of this gate; the counters go on over restarts. Safe to use from any thread."""

    def __init__(
        self, key: Ed25519PrivateKey, store: LocalStore, clock: Clock, *, site_id: str, gate_id: str
    ) -> None:
        self._key = key
        self._store = store
        self._clock = clock
        self._site_id = site_id
        self._gate_id = gate_id
        self._lock = threading.Lock()
        self._next = self._end = 0

    def seal(self, kind: str, message: Message) -> tuple[str, bytes]:
        """Topic and payload. Raises StoreError when a new block of counters cannot be reserved."""
        address = topics.Address(self._site_id, self._gate_id, "up", kind)
        body = message.model_dump_json().encode()
        envelope = Envelope(address, self._count(), self._clock.now(), body)
        return address.topic, envelope.sealed_with(self._key)

    def _count(self) -> int:
        with self._lock:
            if self._next == self._end:
                kept = self._store.state(_COUNTER)
                start = kept if isinstance(kept, int) else 1
                self._store.put_state(_COUNTER, start + COUNTER_BLOCK)
                self._next, self._end = start, start + COUNTER_BLOCK
            self._next += 1
            return self._next - 1


def read(topic: str, payload: bytes, kind: type[Body], key: Ed25519PublicKey) -> tuple[Envelope, Body]:
    """A checked message of the centre. Raises MessageRefused."""
    envelope = open_envelope(topics.parse(topic), payload, key)
    try:
        return envelope, kind.model_validate_json(envelope.body)
    except ValidationError as error:
        # The error's own text would quote the body, which may name a worker.
        fields = sorted({str(problem["loc"][0]) for problem in error.errors() if problem["loc"]})
        raise MessageRefused(
            f"{topic} holds no {kind.__name__} ({', '.join(fields) or 'no JSON'})", cause="malformed"
        ) from error
