"""One connection per place: two lanes on one board share its line instead of fighting for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Objects of this process by place, each kept for as long as somebody uses it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_use: dict[Hashable, tuple[T, int]] = {}

    def join(self, place: Hashable, make: Callable[[], T]) -> T:
        """The object of the place, made by the first who asks."""
        with self._lock:
            thing, users = self._in_use[place] if place in self._in_use else (make(), 0)
            self._in_use[place] = (thing, users + 1)
            return thing

    def leave(self, place: Hashable) -> T | None:
        """The object, for the last user to close, or None while others use it."""
        with self._lock:
            thing, users = self._in_use.pop(place)
            if users > 1:
                self._in_use[place] = (thing, users - 1)
                return None
            return thing
