"""Who may use the kiosk, kept in the sealed store: works without the centre, lock-outs outlive restarts."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, Field
from sqlite_utils import Database

from sync.errors import SyncError
from sync.records import Identifier, Record
from sync.store.connections import Connections


class KioskRole(StrEnum):
    """What kind of work somebody does at the kiosk; names as at the centre."""

    SUPERVISOR = "supervisor"
    SITE_MANAGER = "site_manager"
    ADMIN = "admin"


class UnknownKioskUser(SyncError, LookupError):
    """No account by that name at this kiosk."""


class KioskUserExists(SyncError, ValueError):
    """The name is taken."""


class KioskUser(Record):
    """An account of this kiosk; `password_hash` is Argon2id."""

    user_id: Identifier
    name: str = ""
    role: KioskRole
    password_hash: str = Field(repr=False)
    failed_logins: int = 0
    locked_until: AwareDatetime | None = None
    created_at: AwareDatetime
    last_login_at: AwareDatetime | None = None

    def is_locked(self, now: datetime) -> bool:
        return self.locked_until is not None and now < self.locked_until


class KioskAccountRows:
    """The accounts' side of `LocalStore`; every call is one transaction."""

    _connections: Connections

    def kiosk_users(self) -> list[KioskUser]:
        """In order of their names."""
        with self._connections.read() as db:
            return [KioskUser.model_validate(row) for row in db.query("SELECT * FROM kiosk_users ORDER BY 1")]

    def kiosk_user(self, user_id: str) -> KioskUser | None:
        with self._connections.read() as db:
            return _user(db, user_id)

    def add_kiosk_user(self, user: KioskUser) -> None:
        """Raises KioskUserExists."""
        with self._connections.write() as db:
            if _user(db, user.user_id) is not None:
                raise KioskUserExists(f"the user {user.user_id} exists", next_step="choose another name")
            row = user.model_dump(mode="json")
            db.execute(
                f"INSERT INTO kiosk_users ({', '.join(row)}) "  # noqa: S608 (field names of the record)
                f"VALUES ({', '.join(f':{name}' for name in row)})",
                row,
            )

    def set_kiosk_password(self, user_id: str, password_hash: str) -> None:
        """Ends any lock too. Raises UnknownKioskUser."""
        with self._connections.write() as db:
            changed = db.execute(
                "UPDATE kiosk_users SET password_hash = ?, failed_logins = 0, locked_until = NULL "
                "WHERE user_id = ?",
                [password_hash, user_id],
            ).rowcount
            if not changed:
                raise _unknown(user_id)

    def remove_kiosk_user(self, user_id: str) -> None:
        """Raises UnknownKioskUser."""
        with self._connections.write() as db:
            if not db.execute("DELETE FROM kiosk_users WHERE user_id = ?", [user_id]).rowcount:
                raise _unknown(user_id)

    def note_kiosk_login(
        self, user_id: str, *, is_right: bool, at: datetime, failures_before_lock: int, locked_for: timedelta
    ) -> KioskUser | None:
        """Count an attempt; the user where it is accepted, None where it is refused or the account locked.

        Read and written in one transaction: attempts at the same moment are all counted.
        """
        with self._connections.write() as db:
            user = _user(db, user_id)
            if user is None or user.is_locked(at):
                return None
            if is_right:
                db.execute(
                    "UPDATE kiosk_users SET failed_logins = 0, locked_until = NULL, last_login_at = ? "
                    "WHERE user_id = ?",
                    [at.isoformat(), user_id],
                )
                return user
            locks = user.failed_logins + 1 >= failures_before_lock
            db.execute(
                "UPDATE kiosk_users SET failed_logins = ?, locked_until = ? WHERE user_id = ?",
                [
                    0 if locks else user.failed_logins + 1,
                    (at + locked_for).isoformat() if locks else None,
                    user_id,
                ],
            )
        return None


def _user(db: Database, user_id: str) -> KioskUser | None:
    row = next(iter(db.query("SELECT * FROM kiosk_users WHERE user_id = ?", [user_id])), None)
    return None if row is None else KioskUser.model_validate(row)


def _unknown(user_id: str) -> UnknownKioskUser:
    return UnknownKioskUser(f"no user {user_id} at this kiosk", next_step="sitegate kiosk user list")
