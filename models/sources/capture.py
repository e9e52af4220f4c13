"""Opening what frames are read from. Everything here behaves as `cv2.VideoCapture` does."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import cv2
import numpy as np

from models.errors import SourceError
from models.sources.settings import SourceSettings

STREAM_OPEN_TIMEOUT_S = 5.0
"""How long a network stream may take from the first packet to its description."""

PICTURE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})

FFMPEG_OPTIONS_VARIABLE = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
RTSP_OVER_TCP = "rtsp_transport;tcp"
"""RTP over UDP loses packets silently and shows smeared faces; TCP shows the loss as a loss."""


class Capture(Protocol):
    """The part of `cv2.VideoCapture` that the sources use."""

    def isOpened(self) -> bool: ...  # noqa: N802 - the name OpenCV gives it

    def grab(self) -> bool: ...

    def retrieve(self) -> tuple[bool, Any]: ...

    def get(self, propId: int, /) -> float: ...  # noqa: N803 - the name OpenCV gives it

    def release(self) -> None: ...


OpenCapture = Callable[[], Capture]


def source_name(settings: SourceSettings) -> str:
    """What the operator reads in messages; never holds a password.

    >>> source_name(SourceSettings(kind="camera", index=2))
    'camera 2'
    """
    if settings.kind == "camera":
        return f"camera {settings.index}"
    if settings.kind == "rtsp":
        return f"stream {_without_secrets(_stream_url(settings))}"
    return f"{settings.kind} {settings.path}"


def capture_opener(settings: SourceSettings) -> OpenCapture:
    """A function that opens the device anew each time. Raises SourceError where a setting is missing."""
    if settings.kind == "camera":
        return lambda: _open_camera(settings)
    if settings.kind == "rtsp":
        url = _stream_url(settings)
        read_timeout_s = settings.stall_s
        os.environ.setdefault(FFMPEG_OPTIONS_VARIABLE, RTSP_OVER_TCP)
        return lambda: _open_stream(url, read_timeout_s)
    path = settings.path
    if path is None:  # SourceSettings refuses it; said again for the type checker
        raise SourceError(f"kind {settings.kind} needs `path`")
    if settings.kind == "video":
        return lambda: _open_video(path)
    return lambda: FolderCapture(path, settings.fps)


class FolderCapture:
    """The pictures of a folder in the order of their names, as a video of `fps` frames per second."""

    def __init__(self, folder: Path, fps: float) -> None:
        """Raises SourceError when there is no such folder or no picture in it."""
        self._fps = fps
        self._position = -1
        try:
            self._paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES)
        except OSError as error:
            raise SourceError(
                f"folder {folder}: {error.strerror}", next_step="check `source.path` in config.yaml"
            ) from error
        if not self._paths:
            raise SourceError(
                f"folder {folder} holds no picture",
                next_step=f"put pictures into it ({', '.join(sorted(PICTURE_SUFFIXES))})",
            )

    def isOpened(self) -> bool:  # noqa: N802
        return bool(self._paths)

    def grab(self) -> bool:
        if self._position + 1 >= len(self._paths):
            return False
        self._position += 1
        return True

    def retrieve(self) -> tuple[bool, Any]:
        # read here and decoded in memory: imread cannot open every path on every platform
        try:
            data = np.frombuffer(self._paths[self._position].read_bytes(), dtype=np.uint8)
            picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        except (OSError, cv2.error):
            return False, None
        return picture is not None, picture

    def get(self, propId: int, /) -> float:  # noqa: N803
        if propId == cv2.CAP_PROP_POS_MSEC:
            return max(self._position, 0) / self._fps * 1000.0
        return 0.0

    def release(self) -> None:
        self._paths = []


def _open_camera(settings: SourceSettings) -> Capture:
    backend = cv2.CAP_V4L2 if sys.platform == "linux" else cv2.CAP_ANY
    capture = cv2.VideoCapture(settings.index, backend)
    if capture.isOpened():
        # USB 2 carries 720p at 25 frames/s only compressed; a camera without MJPG ignores the wish
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.width_px)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.height_px)
        capture.set(cv2.CAP_PROP_FPS, settings.fps)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return capture


def _open_stream(url: str, read_timeout_s: float) -> Capture:
    return cv2.VideoCapture(
        url,
        cv2.CAP_FFMPEG,
        [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(STREAM_OPEN_TIMEOUT_S * 1000),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(read_timeout_s * 1000),
        ],
    )  # fmt: skip


def _open_video(path: Path) -> Capture:
    if not path.is_file():
        raise SourceError(f"video {path} is not there", next_step="check `source.path` in config.yaml")
    return cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)


def _stream_url(settings: SourceSettings) -> str:
    if not settings.url_env:
        return settings.url
    url = os.environ.get(settings.url_env, "")
    if not url:
        raise SourceError(
            f"environment variable {settings.url_env} (source.url_env) is not set",
            next_step=f"set {settings.url_env} to the stream's address for the service that runs the gate",
        )
    return url


def _without_secrets(url: str) -> str:
    """Scheme, host and path. User, password and query, where cameras keep tokens, are left out."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "(address that cannot be read)"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
