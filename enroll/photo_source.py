"""Where the photos of a roster lie: a folder, or a zip file that is never unpacked to disk."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from enroll.errors import EnrollError, RowRefused
from models.images import MAX_FILE_BYTES

MAX_ENTRIES = 200_000
"""More than any roster has photos; bounds the memory of the index."""

_ENCRYPTED_BIT = 0x1
_UTF8_NAME_BIT = 0x800
_NAME_ENCODINGS = ("utf-8", "gb18030")
"""Of names without that bit: newer programs write UTF-8 all the same, Windows in China GBK."""

_SKIPPED_FOLDERS = ("__MACOSX/",)


class PhotosUnusable(EnrollError, ValueError):
    """A zip file of photos that cannot be used at all."""


class Photos(Protocol):
    """Gives the bytes of a photo by the name that a row has for it."""

    def read(self, name: str) -> bytes:
        """Raises RowRefused: there is none by that name, or it cannot be read."""
        ...


class PhotoFolder:
    """Names are paths below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes:
        """Raises RowRefused: no such file there, or too large to be a photo."""
        folder = self._folder.resolve()
        try:
            path = (folder / _plain(name)).resolve()
            if not path.is_relative_to(folder):
                raise RowRefused(
                    f"{name}: lies outside of the photo folder",
                    next_step=f"Put it below {folder} (--photos).",
                )
            if path.stat().st_size > MAX_FILE_BYTES:
                raise _too_large(name)
            return path.read_bytes()
        except FileNotFoundError as error:
            raise RowRefused(
                f"{name}: there is no such photo", next_step=f"Put it below {folder}, or set --photos."
            ) from error
        except (OSError, ValueError) as error:
            if isinstance(error, RowRefused):
                raise
            why = getattr(error, "strerror", None) or "no usable name"
            raise RowRefused(
                f"{name}: cannot be read ({why})", next_step="Check its name and its permissions."
            ) from error


class PhotoZip:
    """Names are those in the zip, with or without its folders; file names in UTF-8 or GBK.

    Safe to use from several threads. Nothing is written to disk, and a photo is never unpacked beyond
    `MAX_FILE_BYTES`, whatever the zip claims.
    """

    def __init__(self, name: str, stream: BinaryIO) -> None:
        """Look at the index of an open zip file; closing this closes it.

        Raises:
            PhotosUnusable: no zip, damaged, encrypted, with too many files, or made to write elsewhere.
        """
        try:
            self._archive = zipfile.ZipFile(stream)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError) as error:
            raise PhotosUnusable(
                f"{name} is no zip file that can be read: damaged, or only a part of it arrived",
                next_step="Make it again as a plain .zip, or send it again.",
            ) from error
        entries = [entry for entry in self._archive.infolist() if not entry.is_dir()]
        if len(entries) > MAX_ENTRIES:
            raise PhotosUnusable(
                f"{name} holds {len(entries)} files, more than {MAX_ENTRIES}",
                next_step="Keep only the photos of this roster in it.",
            )
        self._by_path: dict[str, zipfile.ZipInfo] = {}
        self._by_file_name: dict[str, zipfile.ZipInfo | None] = {}
        for entry in entries:
            self._add(name, entry)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()

    def __len__(self) -> int:
        return len(self._by_path)

    def read(self, name: str) -> bytes:
        """Raises RowRefused: no such file in the zip, several by that name, damaged, or too large."""
        entry = self._find(name)
        if entry.file_size > MAX_FILE_BYTES:
            raise _too_large(name)
        try:
            with self._archive.open(entry) as file:
                # The size in the index may be a lie: never unpack more than a photo can have.
                raw = file.read(MAX_FILE_BYTES + 1)
        except (
            zipfile.BadZipFile,
            zlib.error,
            NotImplementedError,
            RuntimeError,
            OSError,
            EOFError,
        ) as error:
            raise RowRefused(
                f"{name}: is damaged in the zip file", next_step="Make the zip file again."
            ) from error
        if len(raw) > MAX_FILE_BYTES:
            raise _too_large(name)
        return raw

    def _add(self, zip_name: str, entry: zipfile.ZipInfo) -> None:
        path = _decoded(entry).replace("\\", "/")
        if path.startswith(_SKIPPED_FOLDERS):
            return
        if entry.flag_bits & _ENCRYPTED_BIT:
            raise PhotosUnusable(
                f"{zip_name} is protected by a password", next_step="Make the zip file without a password."
            )
        if path.startswith("/") or ".." in PurePosixPath(path).parts or ":" in path.partition("/")[0]:
            raise PhotosUnusable(
                f"{zip_name} holds a file that would lie outside of it: {path}",
                next_step="Zip the photo folder itself, with an ordinary program.",
            )
        key = path.casefold()
        self._by_path[key] = entry
        file_name = key.rpartition("/")[2]
        self._by_file_name[file_name] = None if file_name in self._by_file_name else entry

    def _find(self, name: str) -> zipfile.ZipInfo:
        path = _plain(name)
        if path.startswith("/") or ".." in PurePosixPath(path).parts:
            raise RowRefused(f"{name}: lies outside of the photos", next_step="Name a file in the zip.")
        key = path.removeprefix("./").casefold()
        file_name = key.rpartition("/")[2]
        if entry := self._by_path.get(key):
            return entry
        if file_name == key and file_name in self._by_file_name:
            if entry := self._by_file_name[file_name]:
                return entry
            raise RowRefused(
                f"{name}: several photos in the zip have this name", next_step="Name the folder too."
            )
        raise RowRefused(
            f"{name}: there is no such photo in the zip", next_step="Add it, or correct the name."
        )


def _plain(name: str) -> str:
    return name.replace("\\", "/")


def _decoded(entry: zipfile.ZipInfo) -> str:
    """The name as it was meant; `zipfile` takes bytes of unknown encoding for those of the first PC."""
    if entry.flag_bits & _UTF8_NAME_BIT:
        return entry.filename
    try:
        raw = entry.filename.encode("cp437")
    except UnicodeEncodeError:
        return entry.filename
    for encoding in _NAME_ENCODINGS:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.filename


def _too_large(name: str) -> RowRefused:
    return RowRefused(
        f"{name}: larger than {MAX_FILE_BYTES // 10**6} MB", next_step="Save the photo smaller."
    )
