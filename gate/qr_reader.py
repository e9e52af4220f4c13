"""Reads QR codes from the pictures of a lane, beside the recognition, which never waits for it.

Own thread, newest picture only (the lane's own, not copied), five times a second. What a look costs:
docs/benchmarks.md; what it costs the recognition: docs/decisions/passes.md.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import cv2
import zxingcpp

from models.face import Image
from models.sources.frame import Frame

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.2
MAX_CODES = 4
"""Codes of one picture that are looked at; a wall of posters must not keep the reader busy."""

ENLARGE_BELOW_PX = 1600
"""Pictures up to this width get a second look at twice their size: it finds codes of 2 pixels per module."""

_QR = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)


def read_codes(image_bgr: Image, *, left: float = 0.0, right: float = 1.0) -> list[str]:
    """Texts of the QR codes in a picture, any way up, with their middle between two fractions of its width.

    image_bgr  uint8 (height, width, 3)
    """
    grey = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2GRAY)
    width = grey.shape[1]
    found = _codes(grey, 1)
    if not found and width <= ENLARGE_BELOW_PX:
        found = _codes(cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), 2)
    return [text for text, x in found[:MAX_CODES] if left <= x / width <= right]


def _codes(grey: cv2.typing.MatLike, scale: int) -> list[tuple[str, float]]:
    barcodes = zxingcpp.read_barcodes(grey, formats=_QR, try_downscale=False, try_invert=False)
    return [(one.text, _middle(one.position) / scale) for one in barcodes if one.valid]


def _middle(position: zxingcpp.Position) -> float:
    corners = (position.top_left, position.top_right, position.bottom_left, position.bottom_right)
    return sum(corner.x for corner in corners) / len(corners)


class QrReader:
    """Hands every code that it sees to `found`, again and again while it is in sight.

    left, right  only codes with their middle between these fractions of the width
    inline       read in the caller's thread: for files that are played picture by picture
    """

    def __init__(
        self,
        found: Callable[[str], None],
        *,
        name: str,
        left: float = 0.0,
        right: float = 1.0,
        inline: bool = False,
    ) -> None:
        self._found = found
        self._left, self._right = left, right
        self._inline = inline
        self._newest: Frame | None = None
        self._looked_s = float("-inf")
        self._arrived = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"qr {name}", daemon=True)

    def start(self) -> None:
        if not self._inline:
            self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._arrived.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def offer(self, frame: Frame) -> None:
        """Take a frame if it is time for one; returns at once."""
        if frame.captured_s - self._looked_s < LOOK_EVERY_S:
            return
        self._looked_s = frame.captured_s
        if self._inline:
            self._look(frame)
        else:
            self._newest = frame
            self._arrived.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._arrived.wait()
            self._arrived.clear()
            frame, self._newest = self._newest, None
            if frame is None:
                continue
            try:
                self._look(frame)
            except Exception:  # whatever a camera or a code does to the library, the next picture counts
                log.exception("reading codes")

    def _look(self, frame: Frame) -> None:
        for text in read_codes(frame.image, left=self._left, right=self._right):
            self._found(text)
