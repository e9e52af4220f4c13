"""Opening the local store beside a gate that may be running: never made anew, never given a new key."""

from __future__ import annotations

from gate.errors import GateError
from sync.store import LocalStore, StoreKey
from sync.store_settings import StoreSettings


class NoStoreYet(GateError, FileNotFoundError):
    """The store file is not there."""

    next_step = "Start the gate or import a roster first; both make the store. Or check store.path."


def open_existing_store(settings: StoreSettings) -> LocalStore:
    """The store that `settings` names, which must be there.

    Raises:
        NoStoreYet: there is no such file.
        StoreError: the key or the file is not right; see `sync.errors`.
    """
    if not settings.path.exists():
        raise NoStoreYet(f"there is no store at {settings.path}")
    return LocalStore.open(
        settings.path,
        StoreKey.load(settings.key_file, settings.key_env),
        busy_timeout_s=settings.busy_timeout_s,
        min_free_mb=settings.min_free_mb,
    )
