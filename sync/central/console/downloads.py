"""Files on their way to a browser: made ready by a page, fetched once, by the same session, soon.

So the address of a download says nothing about what was asked for.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

VALID_S = 60.0
WAITING_MAX = 100


@dataclass(frozen=True, slots=True)
class Download:
    """`pieces` is called when the browser comes for it."""

    name: str
    file_format: str
    pieces: Callable[[], Iterator[bytes]]


class Downloads:
    """Thread-safe; forgets what nobody fetched."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._waiting: dict[str, tuple[float, str, Download]] = {}
        self._lock = threading.Lock()

    def offer(self, session_secret: str, download: Download) -> str:
        """Returns the word by which the browser of this session gets it."""
        ticket = secrets.token_urlsafe(24)
        until_s = self._monotonic() + VALID_S
        with self._lock:
            self._forget()
            if len(self._waiting) >= WAITING_MAX:
                self._waiting.pop(next(iter(self._waiting)))
            self._waiting[ticket] = (until_s, session_secret, download)
        return ticket

    def take(self, session_secret: str, ticket: str) -> Download | None:
        """The download, once; None for another session, too late, or again."""
        with self._lock:
            self._forget()
            found = self._waiting.get(ticket)
            if found is None or not secrets.compare_digest(found[1].encode(), session_secret.encode()):
                return None
            del self._waiting[ticket]
            return found[2]

    def _forget(self) -> None:
        now_s = self._monotonic()
        for ticket in [ticket for ticket, (until_s, _, _) in self._waiting.items() if until_s <= now_s]:
            del self._waiting[ticket]
