"""A kiosk for tests: a fresh store, three accounts, the real clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from argon2 import PasswordHasher

from enroll.id_reader.simulated import sample_card
from enroll.identity import typed_from_card
from enroll.kiosk.office import KioskOffice
from enroll.roster_config import RosterConfig
from enroll.settings import KioskSettings
from sync.store import LocalStore, StoreKey
from sync.store.kiosk_accounts import KioskRole

QUICK_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "three plain words"
SIGNATURE = "M10 20 L40 60 L80 20 L120 60 M130 20 L130 60 "
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


def typed(office: KioskOffice, **changes: str) -> dict[str, str]:
    """An identity page that is complete: the paper of nobody, see `sample_card`."""
    card = typed_from_card(sample_card(0))
    return {**office.registration.first_typed(), **card, "team": "示例班组", **changes}
