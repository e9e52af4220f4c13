"""An input that is looked at again and again: one way to debounce and to notice a dead board."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from gate.errors import RelayError
from sync.backoff import Backoff

log = logging.getLogger(__name__)

LONGEST_POLL_S = 2.0
"""Between two looks at a board that does not answer."""

STOP_TIMEOUT_S = 1.0


class Debouncer:
    """A level counts when two looks in a row agree on it.

    >>> contact = Debouncer(False)
    >>> [contact.settled(raw) for raw in (True, False, True, True)]
    [False, False, False, True]
    """

    def __init__(self, level: bool) -> None:
        self._settled = level
        self._last = level

    def settled(self, raw: bool) -> bool:
        if raw == self._last:
            self._settled = raw
        self._last = raw
        return self._settled


class PolledInput:
    """Calls `read` every `poll_s` seconds on its own thread.

    read     True when active; raises RelayError; returns within its own timeout
    release  gives the device back when the input is closed
    """

    def __init__(
        self, read: Callable[[], bool], *, name: str, poll_s: float, release: Callable[[], None]
    ) -> None:
        self._read = read
        self._name = name
        self._poll_s = poll_s
        self._release = release
        self._backoff = Backoff(poll_s, LONGEST_POLL_S)
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[bool], None]] = []
        self._error: RelayError | None = None
        self._active: bool | None = None
        self._debouncer: Debouncer | None = None
        self._closing = threading.Event()
        self._look()
        self._thread = threading.Thread(target=self._poll, name=f"poll {name}", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        return self._name

    def is_active(self) -> bool:
        """At the last look, never older than `poll_s` and one timeout of the board."""
        with self._lock:
            if self._error is not None:
                raise RelayError(str(self._error), next_step=self._error.next_step)
            return bool(self._active)

    def on_change(self, callback: Callable[[bool], None]) -> None:
        with self._lock:
            self._callbacks.append(callback)

    def close(self) -> None:
        self._closing.set()
        if self._thread is not threading.current_thread():
            self._thread.join(STOP_TIMEOUT_S)
        self._release()

    def _poll(self) -> None:
        pause_s = self._poll_s
        while not self._closing.wait(pause_s):
            if self._look():
                self._backoff.reset()
                pause_s = self._poll_s
            else:
                pause_s = self._backoff.next_s()

    def _look(self) -> bool:
        """Whether the board answered."""
        try:
            raw = self._read()
        except RelayError as error:
            with self._lock:
                self._error = error
            return False
        with self._lock:
            self._error = None
            if self._debouncer is None:
                self._debouncer = Debouncer(raw)
                changed, self._active = False, raw
            else:
                settled = self._debouncer.settled(raw)
                changed, self._active = settled != self._active, settled
            told = tuple(self._callbacks) if changed else ()
        for callback in told:
            try:
                callback(raw)
            except Exception:
                # one listener must not end the watch over a fire input
                log.exception("a listener of %s failed", self._name)
        return True
