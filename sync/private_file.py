"""Reading files that only their owner may read: keys of the store, of the gate and of the site."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from sync.errors import SecretUnsafe

MAX_SECRET_BYTES = 4096
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_private(
    path: Path, *, when_missing: str, longest: int = MAX_SECRET_BYTES, encoding: str = "ascii"
) -> str:
    """The text of a key file, its owner and mode checked on the open file: what is checked is what is read.

    `when_missing` is the next step to name where there is no such file. Reads at most `longest` characters.

    Raises:
        SecretUnsafe: missing, unreadable, owned by somebody else or open to others.
    """
    try:
        with path.open(encoding=encoding, errors="replace") as file:
            facts = os.fstat(file.fileno())
            if facts.st_uid not in (os.geteuid(), 0):
                raise SecretUnsafe(
                    f"key file {path} belongs to another user (uid {facts.st_uid})",
                    next_step=f"chown $(id -u) {path} && chmod 600 {path}",
                )
            mode = stat.S_IMODE(facts.st_mode)
            if mode & _OTHERS:
                raise SecretUnsafe(
                    f"key file {path} is open to other users (mode {mode:04o})",
                    next_step=f"chmod 600 {path}",
                )
            return file.read(longest)
    except FileNotFoundError as error:
        raise SecretUnsafe(f"key file {path} does not exist", next_step=when_missing) from error
    except OSError as error:
        if isinstance(error, SecretUnsafe):
            raise
        raise SecretUnsafe(
            f"key file {path} cannot be read: {error.strerror}",
            next_step=f"check that this user may read it: chown $(id -u) {path} && chmod 600 {path}",
        ) from error
