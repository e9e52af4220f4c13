"""Cameras and streams that come, stall, go and come back."""

from __future__ import annotations

import io
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2
import numpy as np
import psutil
import pytest

from models.clock import SystemClock
from models.errors import SourceError
from models.sources.frame import Frame, FrameSource, SourceState
from models.sources.live import MOST_ABANDONED
from models.sources.opening import open_source
from models.sources.settings import SourceSettings
from sync.backoff import Backoff

PATIENCE_S = 60.0
PICTURE = np.full((48, 64, 3), 90, np.uint8)


def wait_until(condition: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up_s, "waited in vain"
        time.sleep(0.005)


def settings(**changes: Any) -> SourceSettings:
    quick = {"stall_s": 0.4, "reconnect_min_s": 0.01, "reconnect_max_s": 0.05}
    return SourceSettings.model_validate({**quick, **changes})


@dataclass
class Device:
    """Imitates a USB camera at the edge that OpenCV reads: it can be pulled out, hang, and yield anything."""

    plugged: bool = True
    picture: Any = field(default_factory=lambda: PICTURE)
    hang_in_grab: threading.Event | None = None
    frame_s: float = 0.005
    opened: int = 0
    open_now: int = 0
    grabbed: int = 0

    def open(self) -> DeviceCapture:
        self.opened += 1
        return DeviceCapture(self)


class DeviceCapture:
    """Imitates `cv2.VideoCapture` of a `Device`."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._open = device.plugged
        device.open_now += self._open

    def isOpened(self) -> bool:
        return self._open

    def grab(self) -> bool:
        if self._device.hang_in_grab is not None:
            self._device.hang_in_grab.wait(PATIENCE_S)
        time.sleep(self._device.frame_s)
        self._device.grabbed += 1
        return self._open and self._device.plugged

    def retrieve(self) -> tuple[bool, Any]:
        picture = self._device.picture
        if isinstance(picture, Exception):
            raise picture
        return picture is not None, picture

    def get(self, propId: int, /) -> float:  # noqa: N803
        return 0.0

    def release(self) -> None:
        self._device.open_now -= self._open
        self._open = False


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.fixture
def camera(device: Device) -> Iterator[FrameSource]:
    source = open_source(
        settings(kind="camera"), clock=SystemClock(), waits=Backoff, open_capture=device.open
    )
    yield source
    if device.hang_in_grab is not None:
        device.hang_in_grab.set()
    source.stop()


def frame_of(source: FrameSource) -> Frame:
    frame = source.next_frame(PATIENCE_S)
    assert frame is not None
    return frame


def test_a_camera_delivers_stamped_frames(camera: FrameSource) -> None:
    assert camera.state is SourceState.STARTING
    before_s = time.monotonic()
    camera.start()
    first, second = frame_of(camera), frame_of(camera)
    assert camera.state is SourceState.LIVE
    assert before_s <= first.captured_s < second.captured_s <= time.monotonic()
    assert first.number < second.number
    assert first.captured_at.tzinfo is not None
    assert camera.last_error == ""


def test_a_slow_consumer_gets_the_newest_frame_and_nothing_queues(
    camera: FrameSource, device: Device
) -> None:
    camera.start()
    first = frame_of(camera)
    grabbed = device.grabbed
    wait_until(lambda: device.grabbed > grabbed + 20)
    second, third = frame_of(camera), frame_of(camera)
    assert second.number >= first.number + 20
    assert third.captured_s > second.captured_s


def test_an_unplugged_camera_is_lost_and_comes_back(camera: FrameSource, device: Device) -> None:
    camera.start()
    frame_of(camera)
    device.plugged = False
    wait_until(lambda: camera.state is SourceState.LOST)
    assert "camera 0" in camera.last_error
    assert camera.next_frame(0.01) is None
    opened = device.opened
    wait_until(lambda: device.opened > opened + 2)
    assert device.open_now == 0
    device.plugged = True
    assert frame_of(camera).image.shape == PICTURE.shape
    assert camera.state is SourceState.LIVE
    assert camera.reconnects == 1
    assert camera.last_error == ""


def test_a_camera_that_is_not_there_at_start_is_awaited(camera: FrameSource, device: Device) -> None:
    device.plugged = False
    camera.start()
    wait_until(lambda: camera.state is SourceState.LOST)
    assert "cannot be opened" in camera.last_error
    device.plugged = True
    frame_of(camera)
    assert camera.state is SourceState.LIVE


def test_a_camera_that_stalls_is_opened_again_and_the_stuck_threads_are_few(
    camera: FrameSource, device: Device
) -> None:
    camera.start()
    frame_of(camera)
    stuck = threading.Event()
    device.hang_in_grab = stuck
    wait_until(lambda: camera.state is SourceState.LOST)
    assert "no usable picture" in camera.last_error
    device.hang_in_grab = None
    frame_of(camera)
    assert camera.reconnects == 1
    assert device.open_now == 2  # the stuck one and the new one
    stuck.set()
    wait_until(lambda: device.open_now == 1)  # the stuck one gives its device back when it wakes


def test_a_driver_that_always_hangs_holds_a_bounded_number_of_threads(
    camera: FrameSource, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.sources.live.STREAM_OPEN_TIMEOUT_S", 0.0)
    device.hang_in_grab = stuck = threading.Event()
    camera.start()
    wait_until(lambda: device.opened == MOST_ABANDONED)
    wait_until(lambda: camera.state is SourceState.LOST)
    time.sleep(0.5)  # many times the longest wait between attempts: no third thread may appear
    assert device.opened == MOST_ABANDONED
    device.hang_in_grab = None
    stuck.set()
    frame_of(camera)


def test_stop_returns_quickly_while_a_read_hangs(camera: FrameSource, device: Device) -> None:
    camera.start()
    frame_of(camera)
    device.hang_in_grab = threading.Event()
    began_s = time.monotonic()
    camera.stop()
    assert time.monotonic() - began_s < 5
    assert camera.state is SourceState.ENDED
    assert camera.next_frame(10) is None


def test_stop_wakes_a_consumer_that_waits(device: Device) -> None:
    device.plugged = False
    source = open_source(
        settings(kind="camera"), clock=SystemClock(), waits=Backoff, open_capture=device.open
    )
    source.start()
    got: list[Frame | None] = []
    consumer = threading.Thread(target=lambda: got.append(source.next_frame(PATIENCE_S)))
    consumer.start()
    source.stop()
    consumer.join(5)
    assert got == [None]


@pytest.mark.parametrize(
    "garbage",
    [
        None,
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((48, 64, 3), np.float64),
        cv2.error("damaged"),
    ],
    ids=["none", "empty", "1x1", "floats", "decoder error"],
)
def test_garbage_frames_are_counted_and_never_end_the_source(
    camera: FrameSource, device: Device, garbage: Any
) -> None:
    camera.start()
    frame_of(camera)
    device.picture = garbage
    wait_until(lambda: getattr(camera, "bad_frames") > 5)  # noqa: B009
    device.picture = PICTURE
    good_from = frame_of(camera).number
    wait_until(lambda: (frame := camera.next_frame(1)) is not None and frame.number > good_from + 3)


def test_a_camera_that_yields_only_garbage_is_said_to_be_lost(camera: FrameSource, device: Device) -> None:
    camera.start()
    frame_of(camera)
    device.picture = None
    wait_until(lambda: camera.state is SourceState.LOST)
    assert "unusable" in camera.last_error
    device.picture = PICTURE
    frame_of(camera)


@pytest.mark.parametrize(
    "picture",
    [
        np.full((48, 64), 90, np.uint8),
        np.full((48, 64), 90 * 257, np.uint16),
        np.full((48, 64, 4), 90, np.uint8),
    ],
    ids=["grey", "16-bit", "BGRA"],
)
def test_unusual_camera_formats_arrive_as_bgr(camera: FrameSource, device: Device, picture: Any) -> None:
    device.picture = picture
    camera.start()
    image = frame_of(camera).image
    assert image.shape == (48, 64, 3)
    assert int(image.max()) == 90


def test_an_8k_camera_keeps_memory_bounded(camera: FrameSource, device: Device) -> None:
    device.picture = np.zeros((4320, 7680, 3), np.uint8)
    process = psutil.Process()
    camera.start()
    frame_of(camera)
    before = process.memory_info().rss
    first = frame_of(camera).number
    wait_until(lambda: frame_of(camera).number > first + 10)
    grown_mb = (process.memory_info().rss - before) / 1e6
    assert grown_mb < 200


class MjpegServer:
    """A real camera server on loopback: multipart JPEG over HTTP, as IP cameras speak it."""

    def __init__(self, port: int = 0) -> None:
        self.hang = threading.Event()
        self.closing = threading.Event()
        encoded = cv2.imencode(".jpg", np.full((120, 160, 3), 128, np.uint8))[1].tobytes()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                part = io.BytesIO()
                part.write(b"--frame\r\nContent-Type: image/jpeg\r\n")
                part.write(f"Content-Length: {len(encoded)}\r\n\r\n".encode())
                part.write(encoded + b"\r\n")
                try:
                    while not owner.closing.is_set():
                        if not owner.hang.is_set():
                            self.wfile.write(part.getvalue())
                        owner.closing.wait(0.02)
                except OSError:
                    return  # the reader went away

            def log_message(self, format: str, *args: object) -> None:
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def test_a_stream_that_dies_is_lost_and_read_again_when_it_returns() -> None:
    server = MjpegServer()
    source = open_source(
        settings(kind="rtsp", url=f"http://127.0.0.1:{server.port}/video", stall_s=2.0),
        clock=SystemClock(),
        waits=Backoff,
    )
    source.start()
    try:
        assert frame_of(source).image.shape == (120, 160, 3)
        server.close()
        wait_until(lambda: source.state is SourceState.LOST)
        server = MjpegServer(server.port)
        assert frame_of(source).image.shape == (120, 160, 3)
        assert source.reconnects == 1
    finally:
        source.stop()
        server.close()


def test_a_stream_that_hangs_is_lost() -> None:
    server = MjpegServer()
    source = open_source(
        settings(kind="rtsp", url=f"http://127.0.0.1:{server.port}/video"), clock=SystemClock(), waits=Backoff
    )
    source.start()
    try:
        frame_of(source)
        server.hang.set()
        wait_until(lambda: source.state is SourceState.LOST)
        server.hang.clear()
        frame_of(source)
    finally:
        source.stop()
        server.close()


def test_no_password_of_a_stream_is_ever_shown(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv("LANE_CAMERA", f"rtsp://guard:s3cretword@127.0.0.1:{port}/live?token=t0kenword")
    source = open_source(settings(kind="rtsp", url_env="LANE_CAMERA"), clock=SystemClock(), waits=Backoff)
    source.start()
    wait_until(lambda: source.state is SourceState.LOST)
    source.stop()
    told = source.last_error + caplog.text + "".join(capfd.readouterr())
    assert f"rtsp://127.0.0.1:{port}/live" in source.last_error
    assert "s3cretword" not in told
    assert "t0kenword" not in told
    assert os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"].startswith("rtsp_transport;tcp")


def test_an_unset_variable_for_the_url_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LANE_CAMERA", raising=False)
    with pytest.raises(SourceError, match="LANE_CAMERA") as caught:
        open_source(settings(kind="rtsp", url_env="LANE_CAMERA"), clock=SystemClock(), waits=Backoff)
    assert "LANE_CAMERA" in caught.value.next_step


def test_a_driver_that_raises_something_loses_the_source_without_its_text(device: Device) -> None:
    def failing_open() -> DeviceCapture:
        raise RuntimeError("rtsp://guard:s3cretword@10.0.0.9")

    source = open_source(
        settings(kind="camera"), clock=SystemClock(), waits=Backoff, open_capture=failing_open
    )
    source.start()
    wait_until(lambda: source.state is SourceState.LOST)
    source.stop()
    assert "RuntimeError" in source.last_error
    assert "s3cretword" not in source.last_error


def test_waits_between_attempts_grow_are_jittered_and_stay_in_bounds() -> None:
    backoff = Backoff(0.5, 8.0)
    waits = [backoff.next_s() for _ in range(200)]
    assert all(0.5 <= wait <= 8.0 for wait in waits)
    assert waits[0] == 0.5
    assert all(wait >= 4.0 for wait in waits[5:])
    assert len({round(wait, 6) for wait in waits[5:]}) > 100
    backoff.reset()
    assert backoff.next_s() == 0.5
    with pytest.raises(ValueError, match="greater than zero"):
        Backoff(0, 1)
