"""Against floods and guessing: requests per address in memory, failed sign-ins in the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection, delete, select

from sync.central.statements import upsert
from sync.central.tables_phone import phone_failures

_ADDRESSES_MAX = 20_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_s: float


class RateLimit:
    """A token bucket per address. `monotonic` in s."""

    def __init__(self, *, per_s: float, burst: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._per_s, self._burst, self._monotonic = per_s, burst, monotonic
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def admits(self, address: str) -> bool:
        """Whether one more request from there is welcome now."""
        now_s = self._monotonic()
        with self._lock:
            bucket = self._buckets.get(address)
            if bucket is None:
                self._make_room(now_s)
                bucket = self._buckets[address] = _Bucket(float(self._burst), now_s)
            bucket.tokens = min(float(self._burst), bucket.tokens + (now_s - bucket.filled_s) * self._per_s)
            bucket.filled_s = now_s
            if bucket.tokens < 1:
                return False
            bucket.tokens -= 1
            return True

    def _make_room(self, now_s: float) -> None:
        """A full bucket is as good as none; where that frees nothing, the oldest goes."""
        if len(self._buckets) < _ADDRESSES_MAX:
            return
        full_s = self._burst / self._per_s
        for address in [one for one, bucket in self._buckets.items() if now_s - bucket.filled_s >= full_s]:
            del self._buckets[address]
        while len(self._buckets) >= _ADDRESSES_MAX:
            del self._buckets[next(iter(self._buckets))]


class Guessing:
    """Counts failures per key (an identity, an address) and locks the key for a while."""

    def __init__(self, *, locked_for: timedelta) -> None:
        self._locked_for = locked_for

    def is_locked(self, connection: Connection, keys: list[str], *, now: datetime) -> bool:
        table = phone_failures
        query = select(table.c.key_hash).where(
            table.c.key_hash.in_([_hash(key) for key in keys]), table.c.locked_until > now
        )
        return connection.execute(query.limit(1)).first() is not None

    def failed(self, connection: Connection, key: str, *, limit: int, now: datetime) -> None:
        """One more failure; at `limit` within the time of a lock the key is locked."""
        table, key_hash = phone_failures, _hash(key)
        row = connection.execute(select(table).where(table.c.key_hash == key_hash).with_for_update()).first()
        is_recent = row is not None and row.first_at + self._locked_for > now
        failures = (row.failures if row is not None and is_recent else 0) + 1
        locks = failures >= limit
        values = {
            "key_hash": key_hash,
            "failures": 0 if locks else failures,
            "first_at": row.first_at if row is not None and is_recent and not locks else now,
            "locked_until": now + self._locked_for if locks else None,
        }
        upsert(connection, table, [values])

    def succeeded(self, connection: Connection, key: str) -> None:
        """A right sign-in clears its identity."""
        connection.execute(delete(phone_failures).where(phone_failures.c.key_hash == _hash(key)))

    def tidy(self, connection: Connection, *, now: datetime) -> None:
        """Forget what no longer matters."""
        connection.execute(
            delete(phone_failures).where(phone_failures.c.first_at <= now - 2 * self._locked_for)
        )


def _hash(key: str) -> str:
    return sha256(key.encode()).hexdigest()
