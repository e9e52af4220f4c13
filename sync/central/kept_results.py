"""What was counted a moment ago, for everybody who asks the same."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")

MOST_KEPT = 64
"""Questions; whatever was asked longest ago is forgotten first."""


@dataclass(slots=True)
class _Kept(Generic[T]):
    lock: threading.Lock = field(default_factory=threading.Lock)
    result: T | None = None
    at: datetime | None = None


class KeptResults(Generic[T]):
    """Answers of the last `keep` for each question; who asks while somebody counts waits for that."""

    def __init__(self, keep: timedelta) -> None:
        self._keep = keep
        self._kept: OrderedDict[Hashable, _Kept[T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, question: Hashable, now: datetime, count: Callable[[], T]) -> tuple[T, datetime]:
        """The answer, and as of when it is. What `count` raises is not kept."""
        with self._lock:
            kept = self._kept.setdefault(question, _Kept())
            self._kept.move_to_end(question)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        with kept.lock:
            if kept.result is None or kept.at is None or not timedelta(0) <= now - kept.at < self._keep:
                kept.result, kept.at = count(), now
            return kept.result, kept.at
