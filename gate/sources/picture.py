"""From whatever a capture hands out to the picture that the engine takes."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from models.face import Image

SMALLEST_SIDE_PX = 16
"""No face that anybody can recognise fits into less; such frames are what broken drivers yield."""

LARGEST_SIDE_PX = 3840
"""UHD. An 8K frame is 100 MB and shows a face at the gate no better: it is scaled down at once."""

_BITS_ABOVE_EIGHT = 8


def usable_picture(raw: Any) -> Image | None:
    """`raw` as contiguous BGR uint8 (height, width, 3), or None when it is no picture.

    Takes grey (h, w) or (h, w, 1), BGR and BGRA, in uint8 or uint16 (the upper eight bits are kept).
    """
    if not isinstance(raw, np.ndarray) or raw.size == 0 or raw.ndim not in (2, 3):
        return None
    if min(raw.shape[:2]) < SMALLEST_SIDE_PX or raw.dtype not in (np.uint8, np.uint16):
        return None
    eight_bit = raw if raw.dtype == np.uint8 else (raw >> _BITS_ABOVE_EIGHT).astype(np.uint8)
    channels = 1 if eight_bit.ndim == 2 else eight_bit.shape[2]
    if channels == 1:
        eight_bit = cv2.cvtColor(eight_bit, cv2.COLOR_GRAY2BGR)
    elif channels == 4:
        eight_bit = cv2.cvtColor(eight_bit, cv2.COLOR_BGRA2BGR)
    elif channels != 3:
        return None
    shrink = LARGEST_SIDE_PX / max(eight_bit.shape[:2])
    if shrink < 1:
        eight_bit = cv2.resize(eight_bit, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(eight_bit, dtype=np.uint8)
