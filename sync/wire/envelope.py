"""Signed envelopes: who says it, to whom, when, and that nobody changed it on the way.

Both directions are signed (Ed25519), so that neither a broker nor another gate can add a worker or an event.
The signature covers the exact bytes of the header and the body; nothing is re-serialised to check it.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sync.errors import SyncError
from sync.wire.topics import Address

WIRE_VERSION = 1
MAX_BYTES = 4_000_000
"""Larger messages are refused before they are parsed."""

_SIGNED = b"sitegate-envelope-1\n"


class MessageRefused(SyncError, ValueError):
    """A message that is not what it says; `cause` is one of the words counted in metrics."""

    def __init__(self, message: str, *, cause: str) -> None:
        super().__init__(message)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Envelope:
    """Header and body of one message. `counter` grows with every message of one sender to one topic."""

    address: Address
    counter: int
    issued_at: datetime
    body: bytes

    def sealed_with(self, key: Ed25519PrivateKey) -> bytes:
        """The bytes that go onto the wire."""
        head = json.dumps(
            {
                "v": WIRE_VERSION,
                "topic": self.address.topic,
                "counter": self.counter,
                "issued_at": self.issued_at.isoformat(),
            }
        ).encode()
        signature = key.sign(_SIGNED + head + b"\n" + self.body)
        return base64.b64encode(signature) + b"\n" + head + b"\n" + self.body


def open_envelope(address: Address, data: bytes, key: Ed25519PublicKey) -> Envelope:
    """Check size, version, signature and that the message belongs on the topic it came by.

    Raises MessageRefused with cause `oversized`, `malformed`, `forged`, `misaddressed` or `future_version`.
    """
    if len(data) > MAX_BYTES:
        raise MessageRefused(f"{len(data)} bytes on {address.topic}", cause="oversized")
    try:
        signature, head, body = data.split(b"\n", 2)
        key.verify(base64.b64decode(signature, validate=True), _SIGNED + head + b"\n" + body)
        fields: dict[str, Any] = json.loads(head)
        if int(fields["v"]) > WIRE_VERSION:
            raise MessageRefused(f"version {fields['v']} on {address.topic}", cause="future_version")
        envelope = Envelope(
            address, int(fields["counter"]), datetime.fromisoformat(fields["issued_at"]), body
        )
    except InvalidSignature as error:
        raise MessageRefused(f"the signature on {address.topic} is wrong", cause="forged") from error
    except MessageRefused:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise MessageRefused(f"no envelope on {address.topic}", cause="malformed") from error
    if fields.get("topic") != address.topic or envelope.issued_at.tzinfo is None:
        raise MessageRefused(f"a message for elsewhere on {address.topic}", cause="misaddressed")
    return envelope
