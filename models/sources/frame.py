"""One picture with its time, and what every source can do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from models.face import Image


@dataclass(frozen=True, slots=True)
class Frame:
    """image: BGR uint8 (height, width, 3); captured_at: aware UTC wall time; captured_s:
    monotonic seconds at capture (of the media clock when a file is read as fast as it goes);
    number counts up from 0."""

    image: Image
    captured_at: datetime
    captured_s: float
    number: int


class SourceState(StrEnum):
    """What a source says of itself on the screen and in the metrics."""

    STARTING = "starting"
    LIVE = "live"
    LOST = "lost"
    ENDED = "ended"


class FrameSource(Protocol):
    """Newest frame only: a slow consumer drops frames, it never queues them.

    With pace `fast` (files only) every frame is delivered, one after the other, none dropped.
    """

    @property
    def state(self) -> SourceState: ...

    @property
    def reconnects(self) -> int:
        """How often the source was reopened after a loss."""
        ...

    @property
    def last_error(self) -> str:
        """Why the source is lost, in words for the operator; empty while it lives."""
        ...

    def start(self) -> None: ...

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Newest frame not yet handed out, or None after `timeout_s` or at the end."""
        ...

    def stop(self) -> None: ...
