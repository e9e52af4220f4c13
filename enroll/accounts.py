"""Accounts of the kiosk: who may do what, sign-in, sessions that end when nobody touches the screen."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from argon2 import PasswordHasher

from enroll.errors import EnrollError
from sync.passwords import FAILURES_BEFORE_LOCK, LOCKED_FOR, SECRET_BYTES, Passwords
from sync.store import LocalStore
from sync.store.kiosk_accounts import KioskRole, KioskUser

SESSION_LONGEST = timedelta(hours=12)


class Right(StrEnum):
    """One thing that not everybody at the kiosk may do."""

    LOOK = "look"
    ENROL = "enrol"
    ERASE = "erase"
    TRAIN = "train"
    DECLARE = "declare"
    READ_AUDIT = "read_audit"


_RIGHTS: dict[KioskRole, frozenset[Right]] = {
    KioskRole.SUPERVISOR: frozenset({Right.LOOK}),
    KioskRole.SITE_MANAGER: frozenset(set(Right) - {Right.READ_AUDIT}),
    KioskRole.ADMIN: frozenset(Right),
}


class NotAllowed(EnrollError, PermissionError):
    """The role does not include this."""


class LoginRefused(EnrollError, PermissionError):
    """Wrong name, wrong password or locked: the same words for all, so that nothing is learned."""


class SessionEnded(EnrollError, PermissionError):
    """Signed out, idle for too long, or the account was changed meanwhile."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person."""

    user_id: str
    name: str
    role: KioskRole

    @property
    def shown_name(self) -> str:
        return self.name or self.user_id

    def may(self, right: Right) -> bool:
        return right in _RIGHTS[self.role]

    def require(self, right: Right) -> None:
        """Raises NotAllowed."""
        if not self.may(right):
            raise NotAllowed(
                f"the role {self.role} does not include {right}",
                next_step="ask a site manager or an administrator to do this",
            )


@dataclass(slots=True)
class _Session:
    user_id: str
    password_hash: str
    begun_at: datetime
    touched_at: datetime


class KioskAccounts:
    """All of it over one store. Sessions live in this process: a restart asks for the password again.

    now     the clock
    idle    a session that nobody touches for so long is over
    hasher  its cost
    """

    def __init__(
        self,
        store: LocalStore,
        *,
        now: Callable[[], datetime],
        idle: timedelta,
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._store = store
        self._now = now
        self._idle = idle
        self._passwords = Passwords(hasher)
        self._sessions: dict[str, _Session] = {}
        self._lock = threading.Lock()

    def add_user(self, user_id: str, *, password: str, role: KioskRole, name: str = "", by: str) -> None:
        """Raises KioskUserExists, PasswordTooWeak."""
        password_hash = self._passwords.hash(user_id, password)
        self._store.add_kiosk_user(
            KioskUser(
                user_id=user_id, name=name, role=role, password_hash=password_hash, created_at=self._now()
            )
        )
        self._store.put_audit(by, "user_added", subject=f"user:{user_id}", detail={"role": role.value})

    def set_password(self, user_id: str, password: str, *, by: str) -> None:
        """Ends the user's sessions and any lock. Raises UnknownKioskUser, PasswordTooWeak."""
        self._store.set_kiosk_password(user_id, self._passwords.hash(user_id, password))
        self._store.put_audit(by, "user_changed", subject=f"user:{user_id}", detail={"changed": "password"})

    def remove_user(self, user_id: str, *, by: str) -> None:
        """Ends the user's sessions. Raises UnknownKioskUser."""
        self._store.remove_kiosk_user(user_id)
        self._store.put_audit(by, "user_removed", subject=f"user:{user_id}")

    def login(self, user_id: str, password: str) -> str:
        """The secret of a new session. Raises LoginRefused; several failures in a row lock the account."""
        known = self._store.kiosk_user(user_id)
        is_right = self._passwords.verifies(known.password_hash if known else None, password)
        now = self._now()
        user = self._store.note_kiosk_login(
            user_id,
            is_right=is_right,
            at=now,
            failures_before_lock=FAILURES_BEFORE_LOCK,
            locked_for=LOCKED_FOR,
        )
        if user is None:
            self._store.put_audit(user_id[:64], "login_failed")
            raise LoginRefused(
                "the name or the password is wrong, or the account is locked for now",
                next_step=f"after {FAILURES_BEFORE_LOCK} failures wait {LOCKED_FOR}, or set a new password: "
                "sitegate kiosk user password",
            )
        self._store.put_audit(user_id, "login")
        secret = secrets.token_urlsafe(SECRET_BYTES)
        with self._lock:
            self._sessions = {key: one for key, one in self._sessions.items() if not self._is_over(one, now)}
            self._sessions[_digest(secret)] = _Session(user_id, user.password_hash, now, now)
        return secret

    def viewer_of_session(self, secret: str, *, touch: bool = False) -> Viewer | None:
        """Who a cookie belongs to at this moment; `touch`: somebody is at the screen right now."""
        now = self._now()
        with self._lock:
            session = self._sessions.get(_digest(secret))
            if session is None:
                return None
            if self._is_over(session, now):
                del self._sessions[_digest(secret)]
                return None
            if touch:
                session.touched_at = now
        user = self._store.kiosk_user(session.user_id)
        if user is None or user.password_hash != session.password_hash:
            return None
        return Viewer(user.user_id, user.name, user.role)

    def logout(self, secret: str) -> None:
        """Ends the session; a copy of the cookie is worth nothing afterwards."""
        with self._lock:
            session = self._sessions.pop(_digest(secret), None)
        if session is not None:
            self._store.put_audit(session.user_id, "logout")

    def _is_over(self, session: _Session, now: datetime) -> bool:
        return now - session.touched_at >= self._idle or now - session.begun_at >= SESSION_LONGEST


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
