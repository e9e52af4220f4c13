"""Opening the local store that the configuration names."""

from __future__ import annotations

from enroll.roster_config import RosterConfig
from sync.errors import StoreMissing
from sync.store import LocalStore, StoreKey


def open_store(settings: RosterConfig, *, create: bool) -> LocalStore:
    """The store of `settings`; `create` makes it with a fresh key where there is none.

    Raises StoreMissing and the other cases of StoreError.
    """
    where = settings.store
    exists = where.path.exists()
    if not exists and not create:
        raise StoreMissing(
            f"there is no store at {where.path}",
            next_step="Import a roster (`sitegate roster import`) or let somebody use the kiosk "
            "(`sitegate kiosk user add`): both make it; or name the store with --store.",
        )
    # A fresh key only for a fresh store: it would open no existing one.
    key = StoreKey.load(where.key_file, where.key_env, create=not exists)
    return LocalStore.open(
        where.path, key, busy_timeout_s=where.busy_timeout_s, min_free_mb=where.min_free_mb
    )
