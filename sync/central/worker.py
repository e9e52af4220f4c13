"""A thread that works off a bounded queue and waits out a database that is away."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Sequence

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from sync.backoff import Backoff
from sync.central.reception import Arrival

log = logging.getLogger(__name__)

RETRY_S = (0.2, 5.0)
STOPPED_WITHIN_S = 30.0


class QueueWorker:
    """Takes what waits in groups and gives it to `work`.

    Where the database is away the group is kept and tried again. Any other failure loses the group and is
    logged; the sender sends again, because it got no answer.
    """

    def __init__(
        self, name: str, work: Callable[[Sequence[Arrival]], None], *, capacity: int, group: int
    ) -> None:
        self.problem = ""
        self._name = name
        self._work = work
        self._group = group
        self._waiting: queue.Queue[Arrival | None] = queue.Queue(capacity)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish the group at hand, then end; what waits is sent again by the gates."""
        self._stopping.set()
        with contextlib.suppress(queue.Full):  # then nobody waits
            self._waiting.put_nowait(None)
        if self._thread.is_alive():
            self._thread.join(STOPPED_WITHIN_S)

    def put(self, arrival: Arrival) -> bool:
        """False where the queue is full."""
        try:
            self._waiting.put_nowait(arrival)
        except queue.Full:
            return False
        return True

    def _run(self) -> None:
        while not self._stopping.is_set():
            group = self._next_group()
            if group:
                self._patiently(group)

    def _next_group(self) -> list[Arrival]:
        first = self._waiting.get()
        group = [] if first is None else [first]
        while len(group) < self._group:
            try:
                one = self._waiting.get_nowait()
            except queue.Empty:
                break
            if one is not None:
                group.append(one)
        return group

    def _patiently(self, group: Sequence[Arrival]) -> None:
        backoff = Backoff(*RETRY_S)
        while True:
            try:
                self._work(group)
            except (OperationalError, InterfaceError) as error:
                self._say(f"the database does not answer: {_cause(error)}")
                if self._stopping.wait(backoff.next_s()):
                    return
                continue
            except Exception:  # the thread must go on, whatever one message holds
                log.exception("%s: a group of %d messages could not be worked off", self._name, len(group))
            self._say("")
            return

    def _say(self, problem: str) -> None:
        if problem and not self.problem:
            log.error("%s: %s", self._name, problem)
        elif self.problem and not problem:
            log.info("%s: the database answers again", self._name)
        self.problem = problem


def _cause(error: DBAPIError) -> str:
    # Only the driver's words: the statement's parameters are people's data.
    return str(error.orig).strip().partition("\n")[0]
