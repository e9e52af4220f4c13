"""From settings to a source of frames; and whether a picture comes from it at all."""

from __future__ import annotations

from models.clock import Clock
from models.errors import SourceError
from models.sources.capture import OpenCapture, capture_opener, source_name
from models.sources.frame import Frame, FrameSource, SourceState
from models.sources.live import LiveSource, MakeWaits
from models.sources.recording import EveryFrameSource
from models.sources.settings import SourceSettings

__all__ = ["CAMERA_PATIENCE_S", "open_source", "try_source"]

CAMERA_PATIENCE_S = 10.0
"""A network camera needs a few seconds for its first key frame."""

_POLL_S = 0.25
_TO_CHECK = {
    "camera": "Check the cable, /dev/video*, the index and that no other program (a running gate) holds it.",
    "rtsp": "Check the address, the user and password in the variable of url_env, and the network.",
    "video": "Check source.path.",
    "folder": "Check source.path.",
}


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


def try_source(source: FrameSource, kind: str, *, clock: Clock, patience_s: float) -> Frame:
    """The first picture of a source that is started for it and stopped again; `kind` as in its settings.

    Raises SourceError: none came within `patience_s`; `next_step` says what to check.
    """
    try:
        source.start()
        until_s = clock.monotonic() + patience_s
        has_ended = False
        while clock.monotonic() < until_s and not has_ended:
            has_ended = source.state is SourceState.ENDED  # asked first: its last picture is still to be had
            frame = source.next_frame(_POLL_S)
            if frame is not None:
                return frame
    finally:
        source.stop()
    raise SourceError(source.last_error or f"no picture within {patience_s:g} s", next_step=_TO_CHECK[kind])
