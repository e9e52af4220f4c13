"""A thread with a bounded inbox and a regular tick: the frame of each of the agent's jobs."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from functools import partial

from sync.edge.status import Refusals
from sync.errors import StoreError
from sync.wire.envelope import MessageRefused

log = logging.getLogger(__name__)

PAUSE_AFTER_FAULT_S = 1.0
JOIN_S = 10.0

Letter = tuple[str, bytes]
"""Topic and payload, unchecked."""


class Mailbox:
    """Calls `handle` for each letter and `tick` at least every `tick_s`, both on its own thread.

    A refused letter is counted and forgotten. A fault of the store pauses the job and is shown in
    `problem`; whatever was interrupted is asked or sent again by its own timer.
    """

    def __init__(
        self,
        name: str,
        *,
        handle: Callable[[str, bytes], None],
        tick: Callable[[], None],
        refusals: Refusals,
        tick_s: float,
        size: int,
    ) -> None:
        self.problem = ""
        self._name = name
        self._handle = handle
        self._tick = tick
        self._refusals = refusals
        self._tick_s = tick_s
        self._letters: queue.Queue[Letter | None] = queue.Queue(size)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"centre-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish the letter in work and end."""
        self._stopping.set()
        self.wake()
        if self._thread.is_alive():
            self._thread.join(JOIN_S)

    def wake(self) -> None:
        """Tick now."""
        self._offer(None)

    def deliver(self, letter: Letter) -> None:
        """Never blocks: what does not fit is counted as `overflow`, and asked or sent again later."""
        if not self._offer(letter):
            self._refusals.count("overflow")

    def _offer(self, letter: Letter | None) -> bool:
        try:
            self._letters.put_nowait(letter)
        except queue.Full:
            return False
        return True

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                letter = self._letters.get(timeout=self._tick_s)
            except queue.Empty:
                letter = None
            if letter is not None:
                self._guard(partial(self._handle, *letter))
            if self._guard(self._tick):
                self.problem = ""

    def _guard(self, step: Callable[[], None]) -> bool:
        try:
            step()
            return True
        except MessageRefused as error:
            count = self._refusals.count(error.cause)
            # The 1st, 2nd, 4th, 8th ...: whoever can send rubbish must not be able to fill the disk with it.
            if count & (count - 1) == 0:
                log.warning("refused (%d of this kind): %s", count, error)
        except StoreError as error:
            self._fault(str(error))
            log.error("%s: %s", self._name, error)
        except Exception as error:
            # A job that dies would leave events unsent or an old roster in force without a word.
            self._fault(f"{self._name}: {type(error).__name__}")
            log.exception("%s", self._name)
        return False

    def _fault(self, problem: str) -> None:
        self.problem = problem
        self._stopping.wait(PAUSE_AFTER_FAULT_S)
