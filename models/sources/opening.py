"""From settings to a source of frames."""

from __future__ import annotations

from models.clock import Clock
from models.sources.capture import OpenCapture, capture_opener, source_name
from models.sources.frame import FrameSource
from models.sources.live import LiveSource, MakeWaits
from models.sources.recording import EveryFrameSource
from models.sources.settings import SourceSettings

__all__ = ["open_source"]


def open_source(
    settings: SourceSettings, *, clock: Clock, waits: MakeWaits, open_capture: OpenCapture | None = None
) -> FrameSource:
    """The source that `settings` describes; nothing is opened before `start()`.

    clock         stamps the frames; live frames get its time right after the grab
    waits         makes the pauses between attempts to reopen from their bounds, e.g. `sync.backoff.Backoff`
    open_capture  opens the device; anything that behaves as `cv2.VideoCapture` (default: OpenCV itself)

    Raises SourceError when an environment variable named by `url_env` is not set.
    """
    opener = open_capture or capture_opener(settings)
    name = source_name(settings)
    recorded = settings.kind in ("video", "folder")
    if recorded and settings.pace == "fast":
        return EveryFrameSource(opener, clock=clock, name=name, loop=settings.loop, fps=settings.fps)
    return LiveSource(
        opener,
        clock=clock,
        name=name,
        recorded=recorded,
        loop=settings.loop,
        fps=settings.fps,
        stall_s=settings.stall_s,
        waits=waits(settings.reconnect_min_s, settings.reconnect_max_s),
    )
