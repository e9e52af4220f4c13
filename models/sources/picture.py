"""From whatever a capture hands out to the picture that the engine takes."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from models.errors import ImageUnusable
from models.face import Image
from models.images import as_bgr

SMALLEST_SIDE_PX = 16
"""No face that anybody can recognise fits into less; such frames are what broken drivers yield."""

LARGEST_SIDE_PX = 3840
"""UHD. An 8K frame is 100 MB and shows a face at the gate no better: it is scaled down at once."""


def usable_picture(raw: Any) -> Image | None:
    """`raw` as contiguous BGR uint8 (height, width, 3), or None when it is no picture."""
    try:
        picture = as_bgr(raw)
    except ImageUnusable:
        return None  # the source counts it; one bad frame is no event
    if min(picture.shape[:2]) < SMALLEST_SIDE_PX:
        return None
    shrink = LARGEST_SIDE_PX / max(picture.shape[:2])
    if shrink < 1:
        smaller = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(smaller, dtype=np.uint8)
    return np.ascontiguousarray(picture)
