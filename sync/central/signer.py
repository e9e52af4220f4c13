"""Signing what the centre sends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync.wire.envelope import Envelope
from sync.wire.messages import Message
from sync.wire.topics import ALL_GATES, Address


class Signer:
    """Seals messages down to gates, with counters that grow; safe between threads.

    The counters come from the clock, so that they grow over restarts without being kept; nobody compares
    those of several processes.
    """

    def __init__(self, key: Ed25519PrivateKey, now: Callable[[], datetime]) -> None:
        self._key = key
        self._now = now
        self._counter = 0
        self._lock = threading.Lock()

    def down(
        self, site_id: str, kind: str, message: Message, *, gate_id: str = ALL_GATES
    ) -> tuple[str, bytes]:
        """Topic and payload."""
        with self._lock:
            self._counter = max(self._counter + 1, time.time_ns() // 1000)
            counter = self._counter
        address = Address(site_id, gate_id, "down", kind)
        envelope = Envelope(address, counter, self._now(), message.model_dump_json().encode())
        return address.topic, envelope.sealed_with(self._key)
