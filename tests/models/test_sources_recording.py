"""Video files and folders, as fast as they go and in real time."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.clock import SystemClock
from models.errors import SourceError
from models.sources.frame import Frame, FrameSource, SourceState
from models.sources.opening import open_source, try_source
from models.sources.picture import LARGEST_SIDE_PX, usable_picture
from models.sources.recording import MediaClock
from models.sources.settings import SourceSettings
from sync.backoff import Backoff

PATIENCE_S = 60.0
FRAMES = 8
FPS = 20.0
GREY_STEP = 20


class FixedClock:
    """Wall and monotonic time that stand still."""

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 1000.0


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FPS, (160, 120))
    assert writer.isOpened()
    for index in range(FRAMES):
        writer.write(np.full((120, 160, 3), index * GREY_STEP, np.uint8))
    writer.release()
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "pictures"
    path.mkdir()
    for index in (2, 0, 1):
        picture = np.full((40, 50, 3), index * GREY_STEP, np.uint8)
        assert cv2.imwrite(str(path / f"{index}.png"), picture)
    (path / "notes.txt").write_text("no picture")
    return path


def everything(source: FrameSource, *, timeout_s: float = 20.0) -> list[Frame]:
    frames = []
    give_up_s = time.monotonic() + timeout_s
    while time.monotonic() < give_up_s:
        frame = source.next_frame(0.2)
        if frame is not None:
            frames.append(frame)
        elif source.state is SourceState.ENDED:
            return frames
    raise AssertionError("the source did not end")


def shade(frame: Frame) -> int:
    return round(float(frame.image.mean()) / GREY_STEP)


def test_a_fast_video_delivers_every_frame_with_its_media_time(video: Path) -> None:
    source = open_source(
        SourceSettings(kind="video", path=video, pace="fast"), clock=FixedClock(), waits=Backoff
    )
    source.start()
    assert source.state is SourceState.LIVE
    frames = everything(source)
    assert [frame.number for frame in frames] == list(range(FRAMES))
    assert [shade(frame) for frame in frames] == list(range(FRAMES))
    assert [frame.captured_s for frame in frames] == pytest.approx([i / FPS for i in range(FRAMES)])
    since_start = [(frame.captured_at - FixedClock().now()).total_seconds() for frame in frames]
    assert since_start == pytest.approx([i / FPS for i in range(FRAMES)])
    assert source.state is SourceState.ENDED
    assert source.next_frame(0) is None
    assert source.last_error == ""


def test_a_fast_video_that_loops_goes_on_in_time_and_number(video: Path) -> None:
    source = open_source(
        SourceSettings(kind="video", path=video, pace="fast", loop=True), clock=FixedClock(), waits=Backoff
    )
    source.start()
    frames = [source.next_frame(0) for _ in range(3 * FRAMES)]
    source.stop()
    kept = [frame for frame in frames if frame is not None]
    assert [frame.number for frame in kept] == list(range(3 * FRAMES))
    assert [shade(frame) for frame in kept] == list(range(FRAMES)) * 3
    times = [frame.captured_s for frame in kept]
    assert all(later > earlier for earlier, later in pairwise(times))
    assert source.state is SourceState.ENDED


def test_a_video_in_real_time_takes_its_time_and_ends(video: Path) -> None:
    source = open_source(SourceSettings(kind="video", path=video), clock=SystemClock(), waits=Backoff)
    began_s = time.monotonic()
    source.start()
    frames = everything(source)
    source.stop()
    assert time.monotonic() - began_s >= (FRAMES - 1) / FPS
    assert shade(frames[-1]) == FRAMES - 1
    numbers = [frame.number for frame in frames]
    assert numbers == sorted(set(numbers))
    assert all(frame.captured_s >= began_s + frame.number / FPS for frame in frames)


def test_a_slow_consumer_of_a_real_time_video_gets_the_newest_frame_only(video: Path) -> None:
    source = open_source(SourceSettings(kind="video", path=video), clock=SystemClock(), waits=Backoff)
    source.start()
    deadline_s = time.monotonic() + 20
    while source.state is not SourceState.ENDED and time.monotonic() < deadline_s:
        time.sleep(0.01)  # a consumer that sleeps through the whole clip
    frame = source.next_frame(1)
    assert frame is not None
    assert shade(frame) == FRAMES - 1
    assert source.next_frame(0) is None
    source.stop()


def test_a_real_time_video_loops_until_it_is_stopped(video: Path) -> None:
    source = open_source(
        SourceSettings(kind="video", path=video, loop=True), clock=SystemClock(), waits=Backoff
    )
    source.start()
    number = 0
    deadline_s = time.monotonic() + 20
    while number <= 2 * FRAMES and time.monotonic() < deadline_s:
        frame = source.next_frame(1)
        number = frame.number if frame is not None else number
    assert number > 2 * FRAMES
    source.stop()
    assert source.state is SourceState.ENDED
    assert source.next_frame(0) is None
    assert source.reconnects == 0


@pytest.mark.parametrize("pace", ["fast", "realtime"])
def test_a_folder_is_read_in_the_order_of_its_names(folder: Path, pace: str) -> None:
    source = open_source(
        SourceSettings.model_validate({"kind": "folder", "path": folder, "pace": pace, "fps": 10}),
        clock=SystemClock(),
        waits=Backoff,
    )
    source.start()
    frames = everything(source)
    source.stop()
    shades = [shade(frame) for frame in frames]
    assert shades == sorted(shades)
    assert shades[-1] == 2
    if pace == "fast":
        assert [frame.captured_s for frame in frames] == pytest.approx([0.0, 0.1, 0.2])


def test_the_only_picture_is_taken_also_when_the_recording_has_ended_before_somebody_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((48, 64, 3), GREY_STEP, np.uint8))
    source = open_source(SourceSettings(kind="folder", path=tmp_path), clock=SystemClock(), waits=Backoff)
    start = source.start

    def start_and_end() -> None:
        start()
        while source.state is not SourceState.ENDED:
            time.sleep(0.01)

    monkeypatch.setattr(source, "start", start_and_end)
    frame = try_source(source, "folder", clock=SystemClock(), patience_s=PATIENCE_S)
    assert frame.image.shape == (48, 64, 3)


def test_pictures_of_a_folder_that_are_none_are_left_out_and_counted(folder: Path) -> None:
    (folder / "1.png").write_bytes(b"not a picture")
    (folder / "0.png").write_bytes(b"")
    source = open_source(
        SourceSettings(kind="folder", path=folder, pace="fast"), clock=FixedClock(), waits=Backoff
    )
    source.start()
    assert [shade(frame) for frame in everything(source)] == [2]
    assert getattr(source, "bad_frames", None) == 2


@pytest.mark.parametrize("pace", ["fast", "realtime"])
@pytest.mark.parametrize("kind", ["video", "folder"])
def test_a_recording_that_is_not_there_is_refused_at_start(tmp_path: Path, kind: str, pace: str) -> None:
    settings = SourceSettings.model_validate({"kind": kind, "path": tmp_path / "absent", "pace": pace})
    source = open_source(settings, clock=SystemClock(), waits=Backoff)
    with pytest.raises(SourceError, match="absent") as caught:
        source.start()
    assert caught.value.next_step


@pytest.mark.parametrize("pace", ["fast", "realtime"])
def test_a_file_that_is_no_video_is_refused_at_start(tmp_path: Path, pace: str) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"\x00" * 5000)
    settings = SourceSettings.model_validate({"kind": "video", "path": path, "pace": pace})
    with pytest.raises(SourceError, match="cannot be read"):
        open_source(settings, clock=SystemClock(), waits=Backoff).start()


@pytest.mark.parametrize("loop", [False, True])
def test_a_folder_without_a_usable_picture_ends_with_a_reason(tmp_path: Path, loop: bool) -> None:
    (tmp_path / "a.jpg").write_bytes(b"nothing")
    settings = SourceSettings(kind="folder", path=tmp_path, pace="fast", loop=loop)
    source = open_source(settings, clock=FixedClock(), waits=Backoff)
    source.start()
    assert everything(source) == []
    assert "no usable picture" in source.last_error


class _Stamps:
    """Imitates only the time stamps of a capture."""

    def __init__(self, stamps_ms: list[float]) -> None:
        self.stamps_ms = iter(stamps_ms)

    def get(self, propId: int, /) -> float:  # noqa: N803
        return next(self.stamps_ms)


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1))
def test_media_time_rises_whatever_the_file_says(stamps_ms: list[float]) -> None:
    clock = MediaClock(fps=25)
    capture = _Stamps(stamps_ms)
    times = [clock.of(capture) for _ in stamps_ms]  # type: ignore[arg-type]
    assert all(later > earlier for earlier, later in pairwise(times))


@pytest.mark.parametrize(
    "raw",
    [
        np.zeros((40, 60), np.uint8),
        np.zeros((40, 60, 1), np.uint8),
        np.zeros((40, 60, 3), np.uint8)[:, ::-1],
        np.zeros((40, 60, 4), np.uint8),
        np.zeros((40, 60), np.uint16),
        np.zeros((40, 60, 3), np.uint16),
    ],
    ids=["grey", "grey with axis", "mirrored view", "BGRA", "16-bit grey", "16-bit BGR"],
)
def test_unusual_pictures_become_bgr(raw: np.ndarray) -> None:
    image = usable_picture(raw)
    assert image is not None
    assert image.shape == (40, 60, 3)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous


@pytest.mark.parametrize(
    "raw",
    [
        None,
        b"bytes",
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((40, 60, 3), np.float32),
        np.zeros((40, 60, 2), np.uint8),
        np.zeros((40, 60, 3, 2), np.uint8),
        np.zeros(100, np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(raw: object) -> None:
    assert usable_picture(raw) is None


def test_sixteen_bits_become_eight() -> None:
    image = usable_picture(np.full((20, 20), 0xABCD, np.uint16))
    assert image is not None
    assert int(image.max()) == 0xAB


def test_an_8k_picture_is_scaled_to_what_fits_the_memory() -> None:
    image = usable_picture(np.zeros((4320, 7680, 3), np.uint8))
    assert image is not None
    assert image.shape == (2160, LARGEST_SIDE_PX, 3)
