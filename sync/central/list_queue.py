"""Whom to hold against the lists next: written where somebody registers, is changed or declares."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from sync.central.statements import upsert
from sync.central.tables_lists import watch_queue


def ask(connection: Connection, worker_ids: Sequence[str], now: datetime) -> None:
    """Part of the caller's transaction; who waits already waits once."""
    upsert(connection, watch_queue, [{"worker_id": one, "asked_at": now} for one in sorted(worker_ids)])
