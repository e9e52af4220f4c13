"""Pictures of signed papers: made smaller, and turned into JPEG whatever they were."""

from __future__ import annotations

import cv2
import numpy as np

from models.errors import ImageUnusable
from models.images import decode

LONGEST_SIDE_PX = 1800
"""A page of A4 is legible at 150 dots per inch."""

JPEG_QUALITY = 80
MAX_UPLOAD_BYTES = 20 * 2**20


def scan_jpeg(data: bytes) -> bytes:
    """A JPEG of at most `LONGEST_SIDE_PX`, upright. Raises ImageUnusable."""
    picture = decode(data)
    shrink = LONGEST_SIDE_PX / max(picture.shape[:2])
    if shrink < 1:
        picture = np.asarray(
            cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8
        )
    done, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise ImageUnusable("the picture cannot be kept as JPEG", next_step="Take another picture.")
    return bytes(encoded)
