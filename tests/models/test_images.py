from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

from models.errors import ImageUnusable
from models.images import MAX_FILE_BYTES, as_bgr, decode

RED_BGR = (0, 0, 255)


def encoded(picture: PillowImage.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def png_header_only(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    data = zlib.compress(b"\0" * 100)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", len(header)) + chunk + struct.pack(">I", zlib.crc32(chunk))
        + struct.pack(">I", len(data)) + b"IDAT" + data + struct.pack(">I", zlib.crc32(b"IDAT" + data))
    )  # fmt: skip


def test_a_colour_photo_comes_out_as_bgr() -> None:
    image = decode(encoded(PillowImage.new("RGB", (6, 4), "red"), "PNG"))
    assert image.shape == (4, 6, 3)
    assert tuple(image[0, 0]) == RED_BGR


def test_a_photo_lying_on_its_side_is_turned_upright() -> None:
    picture = PillowImage.new("RGB", (6, 4))
    exif = picture.getexif()
    exif[0x0112] = 6  # Orientation: the camera was turned by 90 degrees
    assert decode(encoded(picture, "JPEG", exif=exif)).shape == (6, 4, 3)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "I;16"])
def test_every_kind_of_photo_becomes_three_bytes_per_pixel(mode: str) -> None:
    picture = PillowImage.new(mode, (5, 3))
    kind = "TIFF" if mode in ("CMYK", "YCbCr") else "PNG"
    image = decode(encoded(picture, kind))
    assert (image.shape, image.dtype) == ((3, 5, 3), np.uint8)


def test_sixteen_bit_grey_keeps_its_brightness() -> None:
    picture = PillowImage.fromarray(np.full((3, 3), 65535, np.uint16))
    assert decode(encoded(picture, "PNG")).min() == 255


def test_what_shines_through_is_neither_black_nor_white() -> None:
    clear = PillowImage.new("RGBA", (3, 3), (255, 255, 255, 0))
    assert set(decode(encoded(clear, "PNG")).ravel().tolist()) == {128}


@pytest.mark.parametrize("data", [b"", b"name,photo\n", b"\x89PNG\r\n\x1a\n", b"%PDF-1.7"])
def test_bytes_that_are_no_photo_are_refused_with_the_next_step(data: bytes) -> None:
    with pytest.raises(ImageUnusable) as caught:
        decode(data)
    assert caught.value.next_step


def test_a_photo_cut_off_in_the_middle_is_refused() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    whole = encoded(PillowImage.fromarray(noise), "JPEG")
    with pytest.raises(ImageUnusable, match="damaged"):
        decode(whole[: len(whole) // 2])


@pytest.mark.parametrize("side", [8_000, 60_000])
def test_a_decompression_bomb_is_refused_by_its_header(side: int) -> None:
    with pytest.raises(ImageUnusable, match="megapixels"):
        decode(png_header_only(side, side))


def test_a_file_that_is_too_large_is_not_even_read(tmp_path: Path) -> None:
    file = tmp_path / "huge.jpg"
    with file.open("wb") as handle:
        handle.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(ImageUnusable, match=r"huge\.jpg"):
        decode(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageUnusable, match=r"nobody\.jpg"):
        decode(tmp_path / "nobody.jpg")


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1), (4, 5, 3), (4, 5, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_colour_and_alpha_arrays_become_bgr(shape: tuple[int, ...], dtype: type[np.generic]) -> None:
    image = as_bgr(np.ones(shape, dtype))
    assert (image.shape, image.dtype) == ((4, 5, 3), np.uint8)


def test_an_array_that_is_right_is_not_copied() -> None:
    array = np.zeros((4, 5, 3), np.uint8)
    assert np.shares_memory(as_bgr(array), array)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 5, 3), np.float32),
        np.zeros((4, 5, 3), np.int64),
        np.zeros((4, 5, 3), bool),
        np.zeros((0, 5, 3), np.uint8),
        np.zeros((4, 0), np.uint8),
        np.zeros(7, np.uint8),
        np.zeros((4, 5, 2), np.uint8),
        np.zeros((1, 4, 5, 3), np.uint8),
        "picture.jpg",
        None,
    ],
)
def test_what_is_no_picture_is_refused_with_the_next_step(array: object) -> None:
    with pytest.raises(ImageUnusable) as caught:
        as_bgr(array)  # type: ignore[arg-type]
    assert caught.value.next_step


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_and_never_crash(data: bytes) -> None:
    with pytest.raises(ImageUnusable):
        decode(data)
