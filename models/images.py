"""Any bytes or array → an upright BGR uint8 picture, or `ImageUnusable` with the reason."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageOps, UnidentifiedImageError

from models.errors import ImageUnusable
from models.face import Image

MAX_PIXELS = 50_000_000
"""Largest picture that is decoded: 8K video is 33 megapixels, phones take 12 to 48."""

MAX_FILE_BYTES = 40_000_000
"""Largest file that is read; a 48 megapixel JPEG at top quality stays below 30 MB."""

_BACKGROUND_GREY = 128
"""What shows through transparent pixels: neither dark nor bright enough to upset the exposure."""

_UINT16_PER_UINT8 = 257  # 65535 / 255
_SIXTEEN_BIT_MODES = ("I;16", "I;16B", "I;16L", "I;16N", "I")
_PHOTO_ADVICE = "Use a photo in JPEG, PNG, WebP, TIFF or BMP format."


def as_bgr(array: NDArray[Any]) -> Image:
    """Picture (height, width, 3) uint8 BGR from grey, BGR or BGRA arrays of 8 or 16 bits.

    Accepts shapes (h, w), (h, w, 1), (h, w, 3), (h, w, 4) of uint8 or uint16 (full range). An array that
    is right already is returned as it is, without a copy. Alpha is dropped.
    Raises ImageUnusable for anything else, including an empty picture.
    """
    if not isinstance(array, np.ndarray):
        raise ImageUnusable(
            f"expected a NumPy array, got {type(array).__name__}",
            next_step="Read the file with models.images.decode first.",
        )
    if array.dtype == np.uint16:
        array = (array // _UINT16_PER_UINT8).astype(np.uint8)
    if array.dtype != np.uint8:
        raise ImageUnusable(
            f"a picture of type {array.dtype} cannot be used",
            next_step="Convert it to uint8 (0 to 255) or uint16 (0 to 65535).",
        )
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise ImageUnusable(
            f"an array of shape {array.shape} is no picture",
            next_step="Give (height, width), or (height, width, channels) with 1, 3 or 4 channels.",
        )
    if array.size == 0:
        raise ImageUnusable(
            f"the picture is empty (shape {array.shape})", next_step="Check the camera or the file."
        )
    if array.shape[2] == 1:
        array = np.repeat(array, 3, axis=2)
    return np.ascontiguousarray(array[:, :, :3])


def decode(data: bytes | Path) -> Image:
    """Decode a photo (file or its bytes) to upright BGR: EXIF rotation applied, alpha laid on grey.

    Palette, CMYK, grey and 16-bit pictures become 8-bit BGR. Of an animation the first picture counts.
    Raises ImageUnusable for what is not a photo, is damaged, or is larger than MAX_FILE_BYTES or MAX_PIXELS
    (the size is read from the header: a decompression bomb is never unpacked).
    """
    name = f"{data.name}: " if isinstance(data, Path) else ""
    raw = _read(data, name) if isinstance(data, Path) else data
    if len(raw) > MAX_FILE_BYTES:
        raise _too_large_file(name, len(raw))
    if not raw:
        raise ImageUnusable(f"{name}the file is empty", next_step=_PHOTO_ADVICE)
    try:
        with warnings.catch_warnings():
            # Pillow warns of bombs, odd EXIF and palettes with transparency; our own limits decide.
            warnings.simplefilter("ignore")
            with PillowImage.open(io.BytesIO(raw)) as picture:
                return _pixels(picture, name)
    except UnidentifiedImageError as exc:
        raise ImageUnusable(f"{name}this is not a photo", next_step=_PHOTO_ADVICE) from exc
    except PillowImage.DecompressionBombError as exc:
        raise _too_many_pixels(name, str(exc)) from exc
    except MemoryError as exc:
        raise _too_many_pixels(name, "it does not fit into memory") from exc
    except ImageUnusable:
        raise
    except Exception as exc:
        # Pillow's decoders raise anything on damaged files.
        raise ImageUnusable(
            f"{name}the photo is damaged ({type(exc).__name__}: {exc})",
            next_step="Export or take the photo again.",
        ) from exc


def _read(path: Path, name: str) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise _too_large_file(name, size)
        return path.read_bytes()
    except OSError as exc:
        raise ImageUnusable(
            f"{name}cannot be read ({exc.strerror or exc})",
            next_step="Check that the file is there and readable.",
        ) from exc


def _pixels(picture: PillowImage.Image, name: str) -> Image:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise _too_many_pixels(name, f"{width}x{height}")
    upright = ImageOps.exif_transpose(picture)
    if upright.mode in _SIXTEEN_BIT_MODES:
        grey = np.asarray(upright).astype(np.int64).clip(0, np.iinfo(np.uint16).max)
        return as_bgr(grey.astype(np.uint16))
    if upright.mode == "F":
        raise ImageUnusable(f"{name}floating-point pictures are not photos", next_step=_PHOTO_ADVICE)
    if upright.has_transparency_data:
        rgba = upright.convert("RGBA")
        ground = PillowImage.new("RGBA", rgba.size, (_BACKGROUND_GREY,) * 3 + (255,))
        upright = PillowImage.alpha_composite(ground, rgba)
    rgb = np.asarray(upright.convert("RGB"))
    return np.ascontiguousarray(rgb[:, :, ::-1])


def _too_large_file(name: str, size: int) -> ImageUnusable:
    return ImageUnusable(
        f"{name}{size / 1e6:.0f} MB are more than the {MAX_FILE_BYTES / 1e6:.0f} MB a photo may have",
        next_step="Save the photo smaller; 1000 pixels on the long side are plenty.",
    )


def _too_many_pixels(name: str, detail: str) -> ImageUnusable:
    return ImageUnusable(
        f"{name}more than {MAX_PIXELS / 1e6:.0f} megapixels ({detail})",
        next_step="Save the photo smaller; 1000 pixels on the long side are plenty.",
    )
