"""A thread that works off a bounded queue and waits out a database that is away."""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from collections.abc import Callable, Sequence

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from sync.backoff import Backoff
from sync.central.reception import Arrival

log = logging.getLogger(__name__)

RETRY_S = (0.2, 5.0)
STOPPED_WITHIN_S = 30.0

GROUP_BYTES = 500_000
"""Of payload in one group, about 700 events: what comes live waits for one such transaction at most."""

_BACKLOG = re.compile(rb'"replay": ?true')
_HEAD_BYTES = 1_000
"""A batch says within so many bytes whether it is backlog."""


class QueueWorker:
    """Takes what waits in groups and gives it to `work`; backlog goes last, and has a queue of its own.

    After an outage every gate sends backlog at once; whoever passes a gate now must not wait behind that.
    What is backlog is read before anybody has checked the message: a false word moves only its own place.

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
        self._capacity = capacity
        self._live: deque[Arrival] = deque()
        self._backlog: deque[Arrival] = deque()
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish the group at hand, then end; what waits is sent again by the gates."""
        self._stopping.set()
        with self._changed:
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(STOPPED_WITHIN_S)

    def put(self, arrival: Arrival) -> bool:
        """False where the queue is full."""
        lane = self._backlog if _BACKLOG.search(arrival.payload, 0, _HEAD_BYTES) else self._live
        with self._changed:
            if len(lane) >= self._capacity:
                return False
            lane.append(arrival)
            self._changed.notify()
        return True

    def _run(self) -> None:
        while not self._stopping.is_set():
            group = self._next_group()
            if group:
                self._patiently(group)

    def _next_group(self) -> list[Arrival]:
        group: list[Arrival] = []
        size = 0
        with self._changed:
            self._changed.wait_for(lambda: self._live or self._backlog or self._stopping.is_set())
            while len(group) < self._group and (lane := self._live or self._backlog):
                size += len(lane[0].payload)
                if group and size > GROUP_BYTES:
                    break
                group.append(lane.popleft())
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
