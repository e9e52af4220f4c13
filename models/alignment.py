"""From five landmarks to an upright chip of fixed size, as the embedders were trained on."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.face import Image

Similarity = NDArray[np.float64]
"""Rotation, uniform scale and shift as a (2, 3) matrix: chip = matrix @ [x, y, 1]."""

ARCFACE_112 = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
    np.float64,
)
"""Where the five landmarks lie in a chip of 112x112 (Deng et al., ArcFace, 2019); SFace uses the same."""

MAX_REDUCTION_PER_WARP = 2.0
"""A bilinear warp skips pixels where it shrinks more than this; the picture is averaged down first."""

_MARGIN = 1.0  # pixels around the region that is averaged down, so that its edge is interpolated, not cut


def similarity(landmarks: NDArray[np.floating], template: NDArray[np.floating]) -> Similarity:
    """Least-squares similarity that takes `landmarks` (n, 2) to `template` (n, 2), without mirroring.

    Source: Umeyama, Least-squares estimation of transformation parameters between two point patterns,
    IEEE PAMI 13(4), 1991; in the plane the solution is a complex division.
    """
    source = landmarks.astype(np.float64)
    target = template.astype(np.float64)
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    z = (source - source_mean) @ np.array([1, 1j])
    w = (target - target_mean) @ np.array([1, 1j])
    spread = float(np.vdot(z, z).real)
    factor = np.vdot(z, w) / spread if spread > 0 else complex(1)
    linear = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.hstack([linear, (target_mean - linear @ source_mean)[:, None]])


def chip(image: Image, matrix: Similarity, size_px: int) -> Image:
    """The picture seen through `matrix`: an own (size_px, size_px, 3) uint8 array; black outside."""
    shrink = 1 / max(float(np.hypot(matrix[0, 0], matrix[1, 0])), 1e-9)
    if shrink > MAX_REDUCTION_PER_WARP:
        reduced = _average_down(image, matrix, size_px, shrink)
        if reduced is not None:
            image, matrix = reduced
    warped = cv2.warpAffine(image, matrix, (size_px, size_px), flags=cv2.INTER_LINEAR)
    return warped.astype(np.uint8, copy=False)


def _average_down(
    image: Image, matrix: Similarity, size_px: int, shrink: float
) -> tuple[Image, Similarity] | None:
    """The part of the picture that the chip shows, reduced by `shrink` / 2, and the matrix from it."""
    inverse = cv2.invertAffineTransform(matrix)
    corners = np.array([[0, 0, 1], [size_px, 0, 1], [0, size_px, 1], [size_px, size_px, 1]]) @ inverse.T
    height, width = image.shape[:2]
    left, top = np.clip(np.floor(corners.min(axis=0) - _MARGIN * shrink), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(axis=0) + _MARGIN * shrink), 0, (width, height)).astype(int)
    if right - left < shrink or bottom - top < shrink:
        return None
    region = image[top:bottom, left:right]
    factor = MAX_REDUCTION_PER_WARP / shrink
    size = (max(1, round(region.shape[1] * factor)), max(1, round(region.shape[0] * factor)))
    small = cv2.resize(region, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    # Pixel centres: x = left - 0.5 + (u + 0.5) * per_pixel
    per_x, per_y = region.shape[1] / size[0], region.shape[0] / size[1]
    from_small = np.array(
        [[per_x, 0, left + 0.5 * per_x - 0.5], [0, per_y, top + 0.5 * per_y - 0.5], [0, 0, 1]]
    )
    return small, matrix @ from_small
