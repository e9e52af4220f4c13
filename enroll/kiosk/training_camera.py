"""The camera's picture on the training page, small, so that people see how they stand."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from typing import Protocol

import cv2
from nicegui import ui

from enroll.kiosk import words_training as words
from enroll.kiosk.office import KioskOffice
from models.face import Face, Image

PREVIEW_EVERY_S = 0.5
PREVIEW_WIDTH_PX = 320
PREVIEW_QUALITY = 60  # of JPEG, 0..100
STALE_AFTER_S = 2.0
"""A picture that is older than this is none."""


class Shot(Protocol):
    """The newest picture of the kiosk's camera and the faces in it, nearest first."""

    @property
    def image(self) -> Image: ...
    @property
    def faces(self) -> Sequence[Face]: ...
    @property
    def captured_s(self) -> float: ...


class CameraView:
    """Newest shots for one open page, and their preview."""

    def __init__(self, office: KioskOffice) -> None:
        self._office = office
        self._shot: Shot | None = None
        self._sent_s = 0.0
        self._given_s = 0.0
        self._picture: ui.image | None = None

    def build(self) -> None:
        """Place the preview here."""
        self._picture = (
            ui.image().classes("sg-preview").props(f'alt="{words.PREVIEW}" no-spinner fit=contain')
        )

    @property
    def has_picture(self) -> bool:
        """Whether there was a fresh picture at the last look."""
        return self._shot is not None

    def _newest(self) -> Shot | None:
        """None while there is no picture, or when it has stopped."""
        shot: Shot | None = self._office.camera.latest()
        is_fresh = shot is not None and time.monotonic() - shot.captured_s <= STALE_AFTER_S
        self._shot = shot if is_fresh else None
        return self._shot

    def next(self) -> Shot | None:
        """The newest one, if it was not handed out before: a picture votes once."""
        shot = self._newest()
        if shot is None or shot.captured_s == self._given_s:
            return None
        self._given_s = shot.captured_s
        return shot

    def refresh(self) -> None:
        """Send the preview when it is due."""
        now_s = time.monotonic()
        if self._picture is None or now_s - self._sent_s < PREVIEW_EVERY_S:
            return
        self._sent_s = now_s
        self._picture.set_visibility(self._shot is not None)
        if self._shot is not None:
            self._picture.set_source(f"data:image/jpeg;base64,{_preview(self._shot.image)}")


def _preview(image: Image) -> str:
    height, width = image.shape[:2]
    size = (PREVIEW_WIDTH_PX, max(1, round(height * PREVIEW_WIDTH_PX / width)))
    # Mirrored: people find their place faster.
    small = cv2.flip(cv2.resize(image, size, interpolation=cv2.INTER_AREA), 1)
    _, encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, PREVIEW_QUALITY])
    return base64.b64encode(encoded.tobytes()).decode()
