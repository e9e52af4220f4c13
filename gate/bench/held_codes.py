"""Codes held up before a camera, drawn into real pictures: to measure the reader, and for tests."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import segno
from numpy.typing import NDArray

from models.face import Image

QUIET_MODULES = 4
DRAWN_MODULE_PX = 12
"""Drawn large and shrunk once, so that edges fall between pixels as they do in a camera."""

PAPER, INK = 225, 35
"""Printed white and black under the light of a gate are neither."""


@dataclass(frozen=True, slots=True)
class Hold:
    """How a code is held.

    module_px  one module in the picture
    x, y       middle, as fractions of the picture
    angle_deg  turned in the plane
    tilt_deg   turned away from the camera
    motion_px  smear by movement during the exposure, as seen from the code in the direction `angle_deg`
    focus_px   sigma of the blur of lens and focus
    """

    module_px: float
    x: float = 0.5
    y: float = 0.8
    angle_deg: float = 0.0
    tilt_deg: float = 0.0
    motion_px: float = 0.0
    focus_px: float = 0.5


def module_px(distance_cm: float, *, module_mm: float, width_px: int, view_deg: float) -> float:
    """Pixels per module at a distance, for a camera with a horizontal angle of view."""
    focal_px = width_px / 2 / math.tan(math.radians(view_deg) / 2)
    return focal_px * module_mm / (10 * distance_cm)


def held_up(image: Image, text: str, hold: Hold, *, error: str = "q") -> Image:
    """A copy of the BGR picture with the code of `text` held into it."""
    code = segno.make(text, error=error, micro=False)
    modules = np.array(list(code.matrix_iter(border=QUIET_MODULES)), np.uint8)
    drawn = np.where(modules > 0, INK, PAPER).astype(np.uint8)
    drawn = np.kron(drawn, np.ones((DRAWN_MODULE_PX, DRAWN_MODULE_PX), np.uint8))
    scale = hold.module_px / DRAWN_MODULE_PX
    drawn = _smeared(drawn, hold.motion_px / scale, hold.angle_deg)
    # What a pixel sees is the mean over its area.
    drawn = cv2.GaussianBlur(drawn, (0, 0), max(0.1, 0.4 / scale)).astype(np.uint8)
    matrix = _seen(drawn.shape[0], scale, hold, image)
    size = (image.shape[1], image.shape[0])
    patch = cv2.warpPerspective(drawn, matrix, size)
    mask = cv2.warpPerspective(np.full_like(drawn, 255), matrix, size)
    if hold.focus_px > 0:
        patch, mask = (cv2.GaussianBlur(layer, (0, 0), hold.focus_px) for layer in (patch, mask))
    share = (mask / 255.0)[:, :, np.newaxis]
    mixed = image * (1 - share) + patch[:, :, np.newaxis].astype(np.float32)
    return np.asarray(np.clip(mixed, 0, 255), np.uint8)


def _seen(side_px: int, scale: float, hold: Hold, image: Image) -> cv2.typing.MatLike:
    """Where the corners of the drawn code come to lie."""
    half = side_px * scale / 2
    tilt, angle = math.radians(hold.tilt_deg), math.radians(hold.angle_deg)
    height, width = image.shape[:2]
    corners = []
    for x, y in ((-half, -half), (half, -half), (half, half), (-half, half)):
        depth = 1 + 0.3 * math.sin(tilt) * x / half
        flat_x, flat_y = x * math.cos(tilt) / depth, y / depth
        corners.append(
            (
                hold.x * width + flat_x * math.cos(angle) - flat_y * math.sin(angle),
                hold.y * height + flat_x * math.sin(angle) + flat_y * math.cos(angle),
            )
        )
    drawn = np.array([(0, 0), (side_px, 0), (side_px, side_px), (0, side_px)], np.float32)
    return cv2.getPerspectiveTransform(drawn, np.array(corners, np.float32))


def _smeared(drawn: NDArray[np.uint8], length_px: float, angle_deg: float) -> NDArray[np.uint8]:
    length = round(length_px) | 1
    if length == 1:
        return drawn
    kernel = np.zeros((length, length), np.float32)
    angle, reach = math.radians(angle_deg), (length - 1) / 2
    for step in np.linspace(-reach, reach, 4 * length):
        kernel[round(reach + step * math.sin(angle)), round(reach + step * math.cos(angle))] = 1
    smeared = cv2.filter2D(drawn, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(smeared, np.uint8)
