"""What the demo's camera sees and the photos its people are enrolled from, made of the zoo's samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from models.face import Image
from models.images import decode
from models.zoo import Zoo

WIDTH_PX, HEIGHT_PX, FPS = 640, 480, 25.0
GAP_S = 2.5
"""Nobody before the gate between two people; longer than the demo's repeat interval."""

SLOW_MOTION = 2
"""The sample lasts four seconds; each of its frames is shown twice, so that a busy machine sees enough."""

BACKGROUND_GREY = 96
SAMPLES = ("carphone", "obama", "obama2", "obama3", "astronaut")

_ENROLLED_FRAMES = (2, 8, 14)
_LAST_KIOSK_FRAME = 36
"""The gate is shown later frames: nobody is recognised by the picture that he was enrolled from."""
_ENLARGED = 4
_STILL_ZOOM = 0.06
_STILL_SWAY_PX = 14.0
_SWAY_HZ = 0.35


@dataclass(frozen=True, slots=True)
class Scene:
    """One appearance before the camera: a stretch of the sample video, or a photo for `seconds`."""

    sample: str
    first_frame: int = 0
    last_frame: int = 0
    seconds: float = 0.0


def enrolment_photos(zoo: Zoo, folder: Path) -> dict[str, list[str]]:
    """Write the photos people are enrolled from; returns file names per person (`a`: man in the car, `b`)."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for number, frame in enumerate(_video_frames(zoo.path("carphone"))):
        if number in _ENROLLED_FRAMES:
            name = f"a-{number}.png"
            large = cv2.resize(frame, None, fx=_ENLARGED, fy=_ENLARGED, interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(folder / name), large)
            names.append(name)
    cv2.imwrite(str(folder / "b.png"), decode(zoo.path("obama")))
    return {"a": names, "b": ["b.png"]}


def write_footage(zoo: Zoo, scenes: tuple[Scene, ...], path: Path) -> None:
    """One video: every scene, with an empty picture before, between and after."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (WIDTH_PX, HEIGHT_PX))
    try:
        for scene in scenes:
            for image in (*_nobody(), *_scene(zoo, scene)):
                writer.write(image)
        for image in _nobody():
            writer.write(image)
    finally:
        writer.release()


def write_kiosk_footage(zoo: Zoo, path: Path) -> None:
    """The man in the car before the kiosk's camera, forth and back, so that it can be played for ever."""
    path.parent.mkdir(parents=True, exist_ok=True)
    forth = [
        _placed(frame, HEIGHT_PX / frame.shape[0], 0.0)
        for number, frame in enumerate(_video_frames(zoo.path("carphone")))
        if number <= _LAST_KIOSK_FRAME
    ]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (WIDTH_PX, HEIGHT_PX))
    try:
        for image in (*forth, *reversed(forth)):
            for _ in range(SLOW_MOTION):
                writer.write(image)
    finally:
        writer.release()


def _nobody() -> list[Image]:
    return [_canvas()] * round(GAP_S * FPS)


def _canvas() -> Image:
    return np.full((HEIGHT_PX, WIDTH_PX, 3), BACKGROUND_GREY, np.uint8)


def _scene(zoo: Zoo, scene: Scene) -> Iterator[Image]:
    if scene.seconds:
        yield from _still(decode(zoo.path(scene.sample)), round(scene.seconds * FPS))
        return
    for number, frame in enumerate(_video_frames(zoo.path(scene.sample))):
        if scene.first_frame <= number <= scene.last_frame:
            placed = _placed(frame, HEIGHT_PX / frame.shape[0], 0.0)
            yield from (placed,) * SLOW_MOTION


def _still(photo: Image, frames: int) -> Iterator[Image]:
    """A photo that comes a little closer and sways, as somebody who stands before a camera does."""
    fit = min(WIDTH_PX / photo.shape[1], HEIGHT_PX / photo.shape[0])
    for number in range(frames):
        zoom = fit * (1 + _STILL_ZOOM * number / max(1, frames - 1))
        sway = _STILL_SWAY_PX * float(np.sin(2 * np.pi * _SWAY_HZ * number / FPS))
        yield _placed(photo, zoom, sway)


def _placed(image: Image, scale: float, shift_px: float) -> Image:
    height, width = image.shape[:2]
    matrix = np.array(
        [
            [scale, 0, (WIDTH_PX - scale * width) / 2 + shift_px],
            [0, scale, (HEIGHT_PX - scale * height) / 2],
        ],
        np.float32,
    )
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    placed = cv2.warpAffine(
        image,
        matrix,
        (WIDTH_PX, HEIGHT_PX),
        dst=_canvas(),
        flags=interpolation,
        borderMode=cv2.BORDER_TRANSPARENT,
    )
    return np.asarray(placed, np.uint8)


def _video_frames(path: Path) -> Iterator[Image]:
    capture = cv2.VideoCapture(str(path))
    try:
        while True:
            got, frame = capture.read()
            if not got:
                return
            yield np.asarray(frame, np.uint8)
    finally:
        capture.release()
