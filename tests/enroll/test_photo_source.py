"""Photos from a zip: names of Windows and Mac, and files made to do harm."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest

from enroll.errors import RowRefused
from enroll.photo_source import PhotosUnusable, PhotoZip


def zipped(*entries: tuple[str, bytes]) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return buffer


def named_in(encoding: str, name: str) -> io.BytesIO:
    """A zip as a program writes it that does not say which encoding its names have."""
    raw = name.encode(encoding)
    buffer = zipped(("x" * len(raw), b"photo"))
    return io.BytesIO(buffer.getvalue().replace(b"x" * len(raw), raw))


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
def test_names_of_unstated_encoding_are_read_as_gbk_or_utf_8(encoding: str) -> None:
    with PhotoZip("p.zip", named_in(encoding, "照片/示例甲.jpg")) as photos:
        assert photos.read("照片/示例甲.jpg") == b"photo"
        assert photos.read("照片\\示例甲.JPG") == b"photo"
        assert photos.read("示例甲.jpg") == b"photo"


def test_a_name_that_several_folders_have_must_be_said_in_full() -> None:
    with PhotoZip(
        "p.zip", zipped(("a/1.jpg", b"a"), ("b/1.jpg", b"b"), ("__MACOSX/a/1.jpg", b"m"))
    ) as photos:
        assert len(photos) == 2
        assert photos.read("b/1.jpg") == b"b"
        with pytest.raises(RowRefused, match="several"):
            photos.read("1.jpg")
        with pytest.raises(RowRefused, match="no such photo"):
            photos.read("2.jpg")
        with pytest.raises(RowRefused, match="outside"):
            photos.read("../1.jpg")


def encrypted() -> io.BytesIO:
    raw = bytearray(zipped(("a.jpg", b"a")).getvalue())
    raw[raw.index(b"PK\x01\x02") + 8] |= 0x1
    return io.BytesIO(bytes(raw))


def many(count: int) -> io.BytesIO:
    return zipped(*((f"{number}.jpg", b"") for number in range(count)))


UNUSABLE: dict[str, tuple[Callable[[], io.BytesIO], str]] = {
    "no zip": (lambda: io.BytesIO(b"no zip at all"), "no zip"),
    "empty": (io.BytesIO, "no zip"),
    "cut short": (lambda: io.BytesIO(zipped(("a.jpg", b"a" * 500)).getvalue()[:-30]), "no zip"),
    "password": (encrypted, "password"),
    "path upwards": (lambda: zipped(("../../etc/cron.d/x", b"x")), "outside"),
    "absolute path": (lambda: zipped(("/etc/x.jpg", b"x")), "outside"),
    "drive": (lambda: zipped(("C:\\x.jpg", b"x")), "outside"),
    "too many": (lambda: many(12), "12 files"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_a_zip_that_cannot_be_used_is_refused_with_its_reason(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("enroll.photo_source.MAX_ENTRIES", 10)
    make, said = UNUSABLE[kind]
    with pytest.raises(PhotosUnusable, match=said) as refused:
        PhotoZip("p.zip", make())
    assert refused.value.next_step


def test_a_photo_that_unpacks_beyond_measure_is_refused_whatever_the_index_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("enroll.photo_source.MAX_FILE_BYTES", 10_000)
    bomb = zipped(("bomb.jpg", bytes(20_000)))
    with PhotoZip("p.zip", bomb) as photos, pytest.raises(RowRefused, match="larger"):
        photos.read("bomb.jpg")
    size = (20_000).to_bytes(4, "little")
    liar = io.BytesIO(bomb.getvalue().replace(size, (50).to_bytes(4, "little")))
    with PhotoZip("p.zip", liar) as photos, pytest.raises(RowRefused, match="damaged"):
        photos.read("bomb.jpg")


def test_a_damaged_photo_in_a_sound_zip_concerns_its_row_only() -> None:
    raw = bytearray(zipped(("a.jpg", b"a" * 1000), ("b.jpg", b"b" * 1000)).getvalue())
    raw[raw.index(b"a.jpg") + 8] ^= 0xFF
    with PhotoZip("p.zip", io.BytesIO(bytes(raw))) as photos:
        with pytest.raises(RowRefused, match="damaged"):
            photos.read("a.jpg")
        assert photos.read("b.jpg") == b"b" * 1000
