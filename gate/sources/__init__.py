"""Where frames come from: a camera, a network stream, a video file or a folder of pictures."""

from __future__ import annotations

from gate.clock import Clock
from gate.settings import SourceSettings
from gate.sources.capture import OpenCapture, capture_opener, source_name
from gate.sources.frame import FrameSource
from gate.sources.live import LiveSource
from gate.sources.recording import EveryFrameSource

__all__ = ["open_source"]


def open_source(
    settings: SourceSettings, *, clock: Clock, open_capture: OpenCapture | None = None
) -> FrameSource:
    """The source that `settings` describes; nothing is opened before `start()`.

    clock         stamps the frames; live frames get its time right after the grab
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
        reconnect_min_s=settings.reconnect_min_s,
        reconnect_max_s=settings.reconnect_max_s,
    )
