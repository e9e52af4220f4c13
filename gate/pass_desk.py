"""QR passes and badges before one lane: when one counts, and together with which face. Pure: time comes in.

One person, one answer. A pass waits a moment for the face that is being looked at: the face of its holder
makes it needless, the face of another worker goes with it to the guard, and no known face leaves the pass to
speak for itself.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TypeVar

from gate.lane import Finding, Standing, Verdict
from gate.reasons import Reason
from sync.records import PassMethod

_Value = TypeVar("_Value")

PASSING_ON_S = 4.0
"""Somebody answered a moment ago may still be walking out of the picture: a pass of the next person in the
queue waits so long before it is taken for one in the wrong hands."""

MAX_WAITING = 8
REMEMBERED = 64
"""Bounds for passes that wait for their answer, and for those that had one; the oldest is dropped."""


@dataclass(frozen=True, slots=True)
class PassReading:
    """One pass that was shown or badge that was read, looked up in the roster.

    key        the same for the same pass, whatever it is: what tells a second look from a second pass
    worker_id  its holder; None for nobody known
    problem    why it does not count; None where it does
    """

    method: PassMethod
    key: str
    worker_id: str | None = None
    problem: Reason | None = None


@dataclass(frozen=True, slots=True)
class PassCall:
    """A pass to be decided now.

    face_of         another worker who was recognised before the lane together with this pass
    replaces_verdict  the verdict of this moment belongs to the same person: it gets no answer of its own
    """

    reading: PassReading
    face_of: str | None = None
    replaces_verdict: bool = False


class PassDesk:
    """One lane's passes; `present` may be called from any thread, the rest by the lane's own.

    face_wait_s        how long a pass waits for a face that is not decided yet
    repeat_interval_s  a pass that was answered is answered again after having been out of sight for so long
    """

    def __init__(self, *, face_wait_s: float, repeat_interval_s: float) -> None:
        self._face_wait_s = face_wait_s
        self._repeat_interval_s = repeat_interval_s
        self._lock = threading.Lock()
        self._arrived: deque[PassReading] = deque(maxlen=MAX_WAITING)
        self._waiting: dict[str, tuple[PassReading, float]] = {}
        self._answered: dict[str, tuple[str | None, float]] = {}
        self._faces: dict[str, float] = {}

    def present(self, reading: PassReading) -> None:
        with self._lock:
            self._arrived.append(reading)

    def due(self, standing: Standing | None, verdict: Verdict | None, at_s: float) -> PassCall | None:
        """The pass to decide at this frame, if any.

        standing  who is before the lane and what became of them; None for nobody
        verdict   what this frame decided about that person
        at_s      of the frame; must not run backwards
        """
        if standing is not None and standing.worker_id is not None:
            _remember(self._faces, standing.worker_id, at_s)
        self._take_what_arrived(at_s)
        for reading, since_s in list(self._waiting.values()):
            face = standing.worker_id if standing else None
            if face is not None and face == reading.worker_id:
                self._close(reading, at_s)
            elif not self._waits(reading, standing, verdict, at_s - since_s):
                self._close(reading, at_s)
                other = face if reading.worker_id is not None else None
                replaces = verdict is not None and (verdict.worker_id is None or other is not None)
                return PassCall(reading, other, replaces)
        return None

    def forget(self, worker_id: str) -> None:
        """The holder did not pass: the same pass counts again at once."""
        self._faces.pop(worker_id, None)
        self._answered = {key: one for key, one in self._answered.items() if one[0] != worker_id}

    def _waits(
        self, reading: PassReading, standing: Standing | None, verdict: Verdict | None, waited_s: float
    ) -> bool:
        if standing is None or verdict is not None:
            return False
        if standing.finding is None:
            return waited_s < self._face_wait_s
        passing_on = standing.finding is Finding.RECOGNISED and reading.worker_id is not None
        return passing_on and waited_s < PASSING_ON_S

    def _take_what_arrived(self, at_s: float) -> None:
        with self._lock:
            arrived = list(self._arrived)
            self._arrived.clear()
        for reading in arrived:
            if self._is_recent(self._answered.get(reading.key, (None, None))[1], at_s):
                self._close(reading, at_s)  # still in sight
            elif reading.worker_id is not None and self._is_recent(self._faces.get(reading.worker_id), at_s):
                self._close(reading, at_s)  # let in by face already
            elif reading.key not in self._waiting and len(self._waiting) < MAX_WAITING:
                self._waiting[reading.key] = (reading, at_s)

    def _is_recent(self, then_s: float | None, at_s: float) -> bool:
        return then_s is not None and at_s - then_s <= self._repeat_interval_s

    def _close(self, reading: PassReading, at_s: float) -> None:
        self._waiting.pop(reading.key, None)
        _remember(self._answered, reading.key, (reading.worker_id, at_s))


def _remember(memory: dict[str, _Value], key: str, value: _Value) -> None:
    """The newest last, the oldest dropped."""
    memory.pop(key, None)
    memory[key] = value
    if len(memory) > REMEMBERED:
        memory.pop(next(iter(memory)))
