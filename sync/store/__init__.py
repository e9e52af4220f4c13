"""The local store of a gate: roster, events and outbox in one sealed file."""

from __future__ import annotations

from sync.store.attendance import WallClock
from sync.store.key import StoreKey
from sync.store.local import IntegrityReport, LocalStore
from sync.store.roster import EMBEDDING_SIZE

__all__ = ["EMBEDDING_SIZE", "IntegrityReport", "LocalStore", "StoreKey", "WallClock"]
