"""The key that seals the store: 256 random bits in a file only its owner may read."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from sync.errors import SecretUnsafe, StoreKeyUnsafe
from sync.private_file import read_private

KEY_BYTES = 32
_HEX_KEY = re.compile(rf"[0-9a-fA-F]{{{2 * KEY_BYTES}}}")


@dataclass(frozen=True, slots=True)
class StoreKey:
    """A raw 256-bit key; `source` says where it came from, the key itself is never shown."""

    _raw: bytes = field(repr=False)
    source: str

    def __post_init__(self) -> None:
        if len(self._raw) != KEY_BYTES:
            raise ValueError(f"a store key has {KEY_BYTES} bytes, not {len(self._raw)}")

    @classmethod
    def load(cls, key_file: Path, env: str, *, create: bool = False) -> StoreKey:
        """Read the key from the environment variable `env` if that is set, else from `key_file`.

        Both hold 64 hexadecimal digits. With `create` a missing file is written with a fresh key; ask
        for that only where no store exists yet, because a fresh key opens no existing store.

        Raises:
            StoreKeyUnsafe: missing, not a key, owned by somebody else or readable by others.
        """
        from_environment = os.environ.get(env, "") if env else ""
        if from_environment:
            return cls._parse(from_environment, f"environment variable {env}")
        if create and not key_file.exists():
            _write_fresh(key_file)
        return cls._parse(_read_private(key_file, env), f"key file {key_file}")

    @classmethod
    def _parse(cls, text: str, source: str) -> StoreKey:
        if not _HEX_KEY.fullmatch(text.strip()):
            raise StoreKeyUnsafe(
                f"{source} does not hold a store key",
                next_step=f"put the {2 * KEY_BYTES} hexadecimal digits there that this store was made with",
            )
        return cls(bytes.fromhex(text.strip()), source)

    def pragma(self) -> str:
        """The statement that gives SQLCipher the raw key (no derivation, hence no delay). Never log it."""
        return f"PRAGMA key = \"x'{self._raw.hex()}'\""


def _read_private(key_file: Path, env: str) -> str:
    restore = f"restore the key this store was created with to {key_file} (chmod 600), or set {env}"
    try:
        return read_private(key_file, when_missing=restore)
    except SecretUnsafe as error:
        raise StoreKeyUnsafe(str(error), next_step=error.next_step) from error


def _write_fresh(key_file: Path) -> None:
    """Write a new key whole or not at all; where another process was first, its key stands."""
    partial = key_file.with_name(f".{key_file.name}.{secrets.token_hex(8)}")
    try:
        key_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(KEY_BYTES) + "\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(partial, key_file)
            except FileExistsError:
                return
        finally:
            partial.unlink()
        directory = os.open(key_file.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise StoreKeyUnsafe(
            f"a new key file {key_file} cannot be written: {error.strerror}",
            next_step=f"make {key_file.parent} writable for this user, or set another key file",
        ) from error
