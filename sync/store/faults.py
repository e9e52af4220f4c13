"""What SQLite and the file system complain about → the errors of this room, each with its next step."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from pathlib import Path

from sync.errors import (
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreKeyWrong,
    StoreLocked,
    StoreMissing,
    StoreReadOnly,
)

PRIMARY_CODE = 0xFF
"""Mask from an extended SQLite result code to its primary one (sqlite.org/rescode.html)."""

NO_SPACE_BYTES = 64 * 1024
"""Below this a failed write is called a full disk: less than one step of the shared-memory index."""


def free_bytes(path: Path) -> int:
    """Space left to this user on the file system that holds (or would hold) `path`."""
    return shutil.disk_usage(path if path.exists() else path.parent).free


def from_sqlite(error: Exception, path: Path, *, opening: bool = False) -> StoreError:  # noqa: PLR0911
    """The store error that a database error stands for.

    `opening` tells a key that does not fit from a page that broke after the key had fitted.
    """
    primary = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & PRIMARY_CODE
    match primary:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreLocked(
                f"{path} is locked by another process",
                next_step=f"wait for a running import or backup to end; `fuser {path}` shows who holds it",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return _read_only(path)
        case sqlite3.SQLITE_FULL:
            return _full(path)
        case sqlite3.SQLITE_NOTADB if opening:
            return no_store(path)
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return _corrupt(path, str(error))
        case sqlite3.SQLITE_CANTOPEN:
            return _cannot_open(path)
        case sqlite3.SQLITE_IOERR if free_bytes(path) < NO_SPACE_BYTES:
            return _full(path)
        case sqlite3.SQLITE_IOERR:
            return StoreError(
                f"reading or writing {path} failed: {getattr(error, 'sqlite_errorname', error)}",
                next_step="check the disk (`dmesg`, `smartctl -a`); it must be a local file system",
            )
        case _:
            return StoreError(f"{path}: {error}", next_step="run `sitegate doctor`")


def from_file_system(error: OSError, path: Path) -> StoreError:
    """The store error that a refused file operation stands for."""
    if isinstance(error, StoreError):
        return error
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _full(path)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return _read_only(path)
    return StoreError(f"{path}: {error.strerror}", next_step="check the path of the store (`store.path`)")


def no_store(path: Path) -> StoreKeyWrong:
    """Sealed with another key, damaged in its first page or something else altogether: it looks the same."""
    return StoreKeyWrong(
        f"the given key does not open {path}, or the file is no store at all",
        next_step="use the key this store was created with; if it is the right one, "
        "the file's first page is damaged: restore a backup",
    )


def missing(path: Path) -> StoreMissing:
    """The file vanished after it had been opened."""
    return StoreMissing(
        f"{path} is gone: it was moved or deleted while in use",
        next_step=f"put the file back to {path}, or restart the gate to begin an empty store",
    )


def empty(path: Path) -> StoreCorrupt:
    """The file was cut to nothing after it had been opened."""
    return _corrupt(path, "the file is empty")


def _corrupt(path: Path, detail: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"{path} is damaged: {detail}",
        next_step=f"keep a copy of {path} and its -wal file for rescue, then restore a backup or begin anew",
    )


def _read_only(path: Path) -> StoreReadOnly:
    return StoreReadOnly(
        f"{path} cannot be written",
        next_step=f"make {path} and {path.parent} writable for this user; a disk that the system "
        "remounted read-only shows in `dmesg`",
    )


def _full(path: Path) -> StoreFull:
    return StoreFull(
        f"no space left to write {path} ({free_bytes(path) // 2**20} MB free)",
        next_step=f"free space on the disk that holds {path.parent} (`df -h {path.parent}`)",
    )


def _cannot_open(path: Path) -> StoreError:
    if not path.exists():
        return missing(path)
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return _read_only(path)
    if free_bytes(path) < NO_SPACE_BYTES:
        return _full(path)
    return StoreError(
        f"{path} cannot be opened", next_step="check that the path is a file on a local file system"
    )
