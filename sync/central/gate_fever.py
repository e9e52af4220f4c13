"""Somebody was too hot at a gate: an alert, and a colour of the pass where the rules say so.

Part of the transaction in which the events are written; asks the database nothing where nobody was too hot.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from sync.central import health, registry
from sync.central.alerts import raise_alert
from sync.central.event_rows import Work
from sync.records import Event

TOO_HOT = frozenset({"temperature_high", "temperature_high_again"})
"""Reason codes of the gate (gate/reasons.py)."""

HISTORY_AFTER = timedelta(days=1)
"""What a gate tells of so long ago is history: nobody stands there any more."""


def too_hot(work: Sequence[Work], fresh: Collection[str], now: datetime) -> list[Event]:
    """Of events that are new here and not history, those of somebody who was too hot; by their ids."""
    hot = {
        event.event_id: event
        for one in work
        for _, event, _ in one.events
        if not TOO_HOT.isdisjoint(event.reasons) and now - event.occurred_at < HISTORY_AFTER
    }
    return [hot[event_id] for event_id in sorted(hot.keys() & set(fresh))]


def tell(connection: Connection, hot: Sequence[Event], now: datetime) -> None:
    """An alert for each, about the worker, or about the gate where it was a stranger."""
    for event in hot:
        place = f"gate:{event.site_id}/{event.gate_id}"
        subject = f"worker:{event.worker_id}" if event.worker_id else place
        facts = {"gate": event.gate_id, "lane": event.lane_id}
        raise_alert(connection, "fever_at_gate", site_id=event.site_id, subject=subject, facts=facts, now=now)


def colour(connection: Connection, hot: Sequence[Event], now: datetime) -> set[str]:
    """`too_hot_at_gate` of the rules for workers of the gate's own site; the sites whose roster changed."""
    of_workers = {event.worker_id: event for event in hot if event.worker_id is not None}
    cause = health.rules(connection).too_hot_at_gate if of_workers else None
    if cause is None:
        return set()
    changed: set[str] = set()
    sites = registry.hold(connection, sorted(of_workers))
    for worker_id, event in sorted(of_workers.items()):
        if event.site_id in sites.get(worker_id, ()):
            changed.update(
                health.occurred(
                    connection,
                    worker_id,
                    cause,
                    min(event.occurred_at, now),  # a gate whose clock is ahead
                    entry_id=f"gate-{event.event_id}",
                    now=now,
                    source=f"event:{event.event_id}",
                    why=f"闸机测温超限 too hot at gate {event.gate_id}",
                )
            )
    return changed
