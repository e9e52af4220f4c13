"""What a gate screen may know of a lane: one immutable snapshot; of personal data only the shown name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from gate.decision import Hint, OnlineStep
from gate.reasons import Reason
from models.face import Advice
from sync.records import Direction, Outcome
from sync.wire.messages import Notice


class Phase(StrEnum):
    """What the lane is doing."""

    IDLE = "idle"
    APPROACHING = "approaching"
    DECIDING = "deciding"
    ANSWER = "answer"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Answer:
    """event_id changes with every new answer, so that a page can tell a new one from the one it shows."""

    event_id: str
    outcome: Outcome
    reasons: tuple[Reason, ...]
    shown_name: str
    shown_until_s: float
    """Monotonic seconds at which the answer, the name and the frozen face must be gone from every screen."""
    hints: tuple[Hint, ...] = ()
    """What some of the reasons mean for this person."""
    online: OnlineStep | None = None
    """What this person can do on a phone; the screen shows the code for longer than the answer."""
    online_until_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Health:
    """Named parts and whether each works; `ok` parts have an empty text. Texts are for the operator (en)."""

    camera: str = ""
    store: str = ""
    relay: str = ""
    clock: str = ""
    liveness: str = ""
    pass_reader: str = ""
    thermometer: str = ""
    centre: str = ""
    fire: bool = False
    door_held_open: bool = False


@dataclass(frozen=True, slots=True)
class LaneView:
    lane_id: str
    lane_name: str
    lane_name_en: str
    direction: Direction
    phase: Phase
    advice: Advice | None
    face_box: tuple[float, float, float, float] | None
    """x, y, width, height of the served face as fractions of the frame, or None."""
    answer: Answer | None
    health: Health
    mirror: bool
    updated_s: float
    takes_passes: bool = False
    """QR passes or badges are read here: the screen says so."""
    online: OnlineStep | None = None
    """For whoever was answered last, who still stands there with a phone."""
    notices: tuple[Notice, ...] = ()
    """What the centre wants the guard to know; nobody is named."""


@dataclass(frozen=True, slots=True)
class ScreenHead:
    """The lines that do not change with the person."""

    site_name: str
    site_name_en: str
    gate_name: str
    gate_name_en: str
    timezone: str
    version: str


class GateView(Protocol):
    """What the service offers the screen; every call is thread-safe and returns at once."""

    def head(self) -> ScreenHead: ...

    def lanes(self) -> Sequence[str]: ...

    def lane(self, lane_id: str) -> LaneView:
        """Raises LookupError for an unknown lane."""
        ...

    def picture(self, lane_id: str) -> bytes | None:
        """Newest picture as JPEG, scaled for the screen, or None when there is none or it is stale."""
        ...

    def override(self, lane_id: str, *, pin: str, guard: str, reason: str) -> str:
        """Open by hand: checks the PIN, records, opens; returns the event id.

        Blocks for the record (milliseconds): call it off the event loop. Raises OverrideRefused
        or the store's error, whose text is fit for the guard.
        """
        ...

    def now(self) -> datetime:
        """Aware wall time of the gate."""
        ...

    def monotonic(self) -> float: ...
