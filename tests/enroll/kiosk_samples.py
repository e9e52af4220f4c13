"""A kiosk for tests: a fresh store, three accounts, the real clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from argon2 import PasswordHasher

from enroll.kiosk.office import KioskOffice
from enroll.roster_config import RosterConfig
from enroll.settings import KioskSettings
from sync.store import LocalStore, StoreKey
from sync.store.kiosk_accounts import KioskRole

QUICK_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "three plain words"
ADMIN, MANAGER, SUPERVISOR = "admin", "manager", "supervisor"


def open_store(folder: Path) -> LocalStore:
    return LocalStore.open(folder / "kiosk.db", StoreKey.load(folder / "kiosk.key", "", create=True))


@contextmanager
def an_office(
    folder: Path,
    *,
    settings: RosterConfig | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Iterator[KioskOffice]:
    """Over the store in `folder`; the accounts are made where they are missing."""
    config = settings or RosterConfig(kiosk=KioskSettings(port=0))
    with open_store(folder) as store:
        office = KioskOffice(store, config, now=now, hasher=QUICK_HASHER)
        for user_id, role in (
            (ADMIN, KioskRole.ADMIN),
            (MANAGER, KioskRole.SITE_MANAGER),
            (SUPERVISOR, KioskRole.SUPERVISOR),
        ):
            if store.kiosk_user(user_id) is None:
                office.accounts.add_user(user_id, password=PASSWORD, role=role, by="test")
        yield office
