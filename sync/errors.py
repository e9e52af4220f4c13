"""What can go wrong in the sync room."""

from __future__ import annotations


class SyncError(Exception):
    """Base of every error of this room; `next_step` says what the reader can do about it."""

    next_step: str = ""

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        if next_step:
            self.next_step = next_step


class SecretUnsafe(SyncError, PermissionError):
    """A key file that is missing, holds no key, or is open to others."""


class StoreError(SyncError, OSError):
    """The local store could not do what was asked: base of the cases below."""


class StoreKeyWrong(StoreError, PermissionError):
    """The key does not open this store, or the file is no store at all."""


class StoreKeyUnsafe(StoreError, PermissionError):
    """The key file is missing, empty or readable by others."""


class StoreCorrupt(StoreError):
    """The file opens but its pages are damaged."""


class StoreLocked(StoreError, TimeoutError):
    """Another process held the write lock for longer than the configured wait."""


class StoreReadOnly(StoreError, PermissionError):
    """The file system or the file refuses writing."""


class StoreFull(StoreError):
    """No space left to write the record."""


class StoreMissing(StoreError, FileNotFoundError):
    """The file was moved or deleted while it was in use."""


class StoreTooNew(StoreError):
    """A newer version of the program wrote this store."""


class UnknownWorker(SyncError, LookupError):
    """No worker by that number in the roster."""


class UnknownFlag(SyncError, LookupError):
    """No flag by that id on that worker."""


class UnknownEvent(SyncError, LookupError):
    """No event by that id in the store."""


class RecordInvalid(SyncError, ValueError):
    """A record that does not satisfy its own schema."""
