"""Keyed hashes of what key-monitoring lists say: whoever copies a list learns nobody's number.

Exact keys are the first 64 bits of HMAC-SHA-256: between a million entries and a million people two
different numbers share one with a probability of 5e-8. Keys of numbers with slips are SipHash, see
`sync.screening.near`.
"""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from hashlib import sha256

import numpy as np

from sync.screening.entries import ListEntry
from sync.screening.near import MAX_CHARACTERS, near_keys

_KEY_BYTES = 8
_NEAR_KEY_BYTES = 16


class ListKeys:
    """Makes the keys under one secret of 32 bytes (`PersonVault.list_key`)."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.near_secret = hmac.digest(secret, b"near", sha256)[:_NEAR_KEY_BYTES]

    def __repr__(self) -> str:
        return "ListKeys()"

    def number(self, number: str) -> int | None:
        """`number` in its canonical form; None for none."""
        return self._key(b"number", number) if number else None

    def phone(self, phone: str) -> int | None:
        return self._key(b"phone", phone) if phone else None

    def name(self, name: str, birth_date: date | None) -> int | None:
        """`name` in the one spelling; None unless both are known."""
        return self._key(b"name", f"{name}\0{birth_date}") if name and birth_date else None

    def identity(self, entry: ListEntry) -> int:
        return self._key(b"entry", entry.identity)

    def near(self, written: Iterable[str]) -> dict[str, int]:
        """Of the forms that have a key. Many at once: one takes as long as some hundred of its length."""
        by_length: dict[int, set[str]] = defaultdict(set)
        for form in written:
            by_length[len(form)].add(form)
        found: dict[str, int] = {}
        for length, some in by_length.items():
            if 1 < length <= MAX_CHARACTERS:
                texts = np.frombuffer("".join(some).encode("ascii"), np.uint8).reshape(-1, length)
                found |= zip(some, near_keys(self.near_secret, texts).tolist(), strict=True)
        return found

    def _key(self, kind: bytes, text: str) -> int:
        digest = hmac.digest(self._secret, kind + b"\0" + text.encode(), sha256)
        return int.from_bytes(digest[:_KEY_BYTES], signed=True)
