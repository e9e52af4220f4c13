"""Record, then open: no door moves before its event and outbox row are committed.

Policy for a store that cannot write (`policy.on_store_fault`): `shut` keeps the door shut; `open` opens
and keeps the event in memory until the store takes it. Either way it is written as soon as possible.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from gate.errors import RelayError
from gate.reasons import Reason
from sync.errors import StoreError
from sync.records import Event, Outcome

log = logging.getLogger(__name__)

KEPT_IN_MEMORY = 10_000
"""Events that wait for a broken store; at one person a second that is almost three hours."""


class EventStore(Protocol):
    def record(self, event: Event) -> Event: ...


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one decision.

    event        as recorded, or as it waits for the store
    opened_at_s  monotonic seconds of the relay edge; None when the door stayed shut
    fault        the reason code of what broke; None when nothing did
    """

    event: Event
    opened_at_s: float | None
    fault: Reason | None = None


class Recorder:
    """Writes events before doors open; safe to call from several lanes."""

    def __init__(self, store: EventStore, *, on_store_fault: Literal["shut", "open"] = "shut") -> None:
        self._store = store
        self._on_store_fault = on_store_fault
        self._waiting: deque[Event] = deque()
        self._lock = threading.Lock()
        self.fault = ""
        """Why the store does not write, in words for the operator; empty while it does."""
        self.dropped = 0
        """Events lost because the store stayed broken for longer than memory could bridge."""

    @property
    def waiting(self) -> int:
        """Events in memory that the store has not taken yet."""
        return len(self._waiting)

    def settle(self, event: Event, open_door: Callable[[str], float], *, egress: bool = False) -> Settled:
        """Record the event; then, if it allows, open.

        `egress` opens first and records afterwards: nobody is locked in, or waits, for a disk. While the
        store is known to be broken nothing waits for it: `retry` finds out when it is back.
        """
        if egress and event.outcome is Outcome.ALLOW:
            opened = self._open(event, open_door, None)
            return Settled(self._record_or_keep(event), opened.opened_at_s, opened.fault)
        if self.fault:
            return self._settle_without_store(event, open_door)
        try:
            event = self._store.record(event)
        except StoreError as error:
            self.fault = str(error)
            return self._settle_without_store(event, open_door)
        if event.outcome is not Outcome.ALLOW:
            return Settled(event, None)
        return self._open(event, open_door, None)

    def retry(self) -> bool:
        """Write what waits, oldest first; True when nothing waits any more. One caller at a time.

        Nobody who decides waits for this: the lock is not held while the store works.
        """
        while True:
            with self._lock:
                event = self._waiting[0] if self._waiting else None
            if event is None:
                self.fault = ""
                return True
            try:
                self._store.record(event)
            except StoreError as error:
                self.fault = str(error)
                return False
            with self._lock:
                if self._waiting and self._waiting[0] is event:
                    self._waiting.popleft()

    def _record_or_keep(self, event: Event) -> Event:
        if not self.fault:
            try:
                return self._store.record(event)
            except StoreError as error:
                self.fault = str(error)
        return self._keep(event)

    def _keep(self, event: Event) -> Event:
        """In memory until the store takes it, marked as late."""
        event = event.model_copy(update={"reasons": (Reason.STORE_FAULT.value, *event.reasons)})
        with self._lock:
            if len(self._waiting) >= KEPT_IN_MEMORY:
                self._waiting.popleft()
                self.dropped += 1
                log.error("a record is lost: the store is broken and memory holds %d already", KEPT_IN_MEMORY)
            self._waiting.append(event)
        return event

    def _settle_without_store(self, event: Event, open_door: Callable[[str], float]) -> Settled:
        opens = event.outcome is Outcome.ALLOW and self._on_store_fault == "open"
        if event.outcome is Outcome.ALLOW and not opens:
            event = event.model_copy(update={"outcome": Outcome.DENY})
        event = self._keep(event)
        if not opens:
            return Settled(event, None, Reason.STORE_FAULT)
        return self._open(event, open_door, Reason.STORE_FAULT)

    @staticmethod
    def _open(event: Event, open_door: Callable[[str], float], fault: Reason | None) -> Settled:
        try:
            return Settled(event, open_door(event.event_id), fault)
        except RelayError:
            return Settled(event, None, Reason.RELAY_FAULT)
