"""Passwords as Argon2id, and what they must be; for the centre's console and the kiosk."""

from __future__ import annotations

import secrets
import threading
from datetime import timedelta
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from sync.errors import SyncError

PASSWORD_MIN_CHARACTERS = 10
FAILURES_BEFORE_LOCK = 5
LOCKED_FOR = timedelta(minutes=15)
SECRET_BYTES = 32
"""Of a session or a token."""

_HASHING_AT_ONCE = 2
"""Each Argon2 run takes 64 MiB: a flood of logins must not take the machine's memory."""


class PasswordTooWeak(SyncError, ValueError):
    """Too short, or the name itself."""


class Passwords:
    """Hashes and checks; safe to use from any thread. `hasher` sets the cost."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._hashing = threading.Semaphore(_HASHING_AT_ONCE)

    @cached_property
    def _nobodys_hash(self) -> str:
        """What an unknown name is compared with."""
        return self._hasher.hash(secrets.token_urlsafe(SECRET_BYTES))

    def hash(self, user_id: str, password: str) -> str:
        """Raises PasswordTooWeak."""
        if len(password) < PASSWORD_MIN_CHARACTERS or password.lower() == user_id.lower():
            raise PasswordTooWeak(
                f"the password has fewer than {PASSWORD_MIN_CHARACTERS} characters or is the name",
                next_step="take a longer one; several words are easy to remember",
            )
        with self._hashing:
            return self._hasher.hash(password)

    def verifies(self, password_hash: str | None, password: str) -> bool:
        """Whether they fit; for an unknown name (None) it costs as long and is False."""
        with self._hashing:
            try:
                return self._hasher.verify(password_hash or self._nobodys_hash, password) and bool(
                    password_hash
                )
            except (VerificationError, InvalidHashError):
                return False
