"""What follows a record of a kiosk and need not be done while the kiosk waits.

One thread beside the others: the search for duplicates, and the clearing up after erasures. What there is to
do is known to the database; so a restart forgets nothing, and several processes do no harm.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from sqlalchemy.exc import DBAPIError

log = logging.getLogger(__name__)

PAUSE_S = 10.0
"""After an error, before the next try."""

STOPPED_WITHIN_S = 60.0

Job = Callable[[], int]
"""Does some of what waits; how much that was."""


class Aftercare:
    """Does its jobs one after the other, every `poll_s`, at once again while there is something to do.

    `name` is that of the thread and of its lines in the log.
    """

    def __init__(self, jobs: Sequence[Job], *, poll_s: float, name: str = "aftercare") -> None:
        self.problem = ""
        self._jobs = jobs
        self._poll_s = poll_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finishes the job at hand."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOPPED_WITHIN_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._stopping.wait(self._round())

    def _round(self) -> float:
        """How long to wait for the next one, in s."""
        done = 0
        problem = ""
        for job in self._jobs:
            if self._stopping.is_set():
                return 0
            try:
                done += job()
            except DBAPIError as error:  # its own text repeats the row it was about
                problem = f"the database does not answer: {type(error.orig).__name__}"
            except Exception as error:  # the thread must go on
                log.exception("%s", self._thread.name)
                problem = f"a job fails: {type(error).__name__}"
        if problem and problem != self.problem:
            log.error("%s: %s", self._thread.name, problem)
        self.problem = problem
        if problem:
            return PAUSE_S
        return 0 if done else self._poll_s
