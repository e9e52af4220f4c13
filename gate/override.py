"""The guard's PIN: kept as an argon2 hash in a file of its own, locked out after too many wrong tries."""

from __future__ import annotations

import os
import re
import stat
import threading
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gate.clock import Clock
from gate.errors import OverrideRefused
from gate.settings import ScreenSettings

_PIN = re.compile(r"[0-9]{4,12}")
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""OWASP's small profile (19 MiB): a gate box has little memory to spare."""

_SET_IT = "set one with `sitegate gate set-pin`"


def write_pin(path: Path, pin: str) -> None:
    """Keep the hash of a PIN of 4 to 12 digits in `path`, readable by its owner only.

    Raises ValueError for anything that is no such PIN.
    """
    if not _PIN.fullmatch(pin):
        raise ValueError("a PIN has 4 to 12 digits")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(_HASHER.hash(pin) + "\n")
    part.replace(path)


class PinCheck:
    """Checks a PIN and counts the misses."""

    def __init__(self, settings: ScreenSettings, clock: Clock) -> None:
        self._path = settings.override_pin_file
        self._attempts = settings.override_attempts
        self._lockout_s = settings.override_lockout_s
        self._clock = clock
        self._misses = 0
        self._locked_until_s = float("-inf")
        self._checking = threading.Lock()

    def check(self, pin: str) -> None:
        """Raises OverrideRefused, whose text is fit for the guard, unless the PIN is right."""
        with self._checking:
            wait_s = self._locked_until_s - self._clock.monotonic()
            if wait_s > 0:
                raise OverrideRefused(
                    f"输错次数过多，请 {wait_s:.0f} 秒后再试 Too many wrong PINs: wait {wait_s:.0f} s"
                )
            try:
                _HASHER.verify(self._hash(), pin)
            except VerificationError as error:
                self._misses += 1
                if self._misses >= self._attempts:
                    self._misses = 0
                    self._locked_until_s = self._clock.monotonic() + self._lockout_s
                raise OverrideRefused("密码错误 Wrong PIN") from error
            except InvalidHashError as error:
                raise OverrideRefused(f"密码文件损坏 {self._path} holds no PIN", next_step=_SET_IT) from error
            self._misses = 0

    def _hash(self) -> str:
        if self._path is None:
            raise OverrideRefused(
                "未启用人工放行 Opening by hand is switched off",
                next_step="name a `screen.override_pin_file` in config.yaml",
            )
        try:
            mode = self._path.stat().st_mode
            text = self._path.read_text().strip()
        except OSError as error:
            raise OverrideRefused("未设置密码 No override PIN has been set", next_step=_SET_IT) from error
        if stat.S_IMODE(mode) & 0o077:
            raise OverrideRefused(
                f"密码文件权限不安全 {self._path} is readable by others",
                next_step=f"run `chmod 600 {self._path}`",
            )
        return text
