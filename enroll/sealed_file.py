"""Large files that must not lie open on the disk while they wait: written once, read at any place.

AES-256 in counter mode: what lies there tells nothing without the key, which the store keeps sealed. It does
not prove that nobody changed the file; whoever reads it checks what it says, as with any upload.
"""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, cast

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

KEY_BYTES = 32
_NONCE_BYTES = 16
_BLOCK_BYTES = 16
_BUFFER_BYTES = 256 * 1024
_COUNTERS = 1 << 128


def write_sealed(path: Path, pieces: Iterable[bytes], key: bytes) -> int:
    """Seal the pieces into `path`, readable by its owner only; returns the number of bytes."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    seal = Cipher(algorithms.AES(key), modes.CTR(nonce)).encryptor()
    size = 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(nonce)
        for piece in pieces:
            size += len(piece)
            file.write(seal.update(piece))
    return size


def open_sealed(path: Path, key: bytes) -> BinaryIO:
    """What was sealed, as a file to read and seek in."""
    return cast(BinaryIO, io.BufferedReader(_SealedReader(path, key), _BUFFER_BYTES))


class _SealedReader(io.RawIOBase):
    def __init__(self, path: Path, key: bytes) -> None:
        self._file = path.open("rb")
        self._key = key
        self._nonce = int.from_bytes(self._file.read(_NONCE_BYTES), "big")
        self._size = os.fstat(self._file.fileno()).st_size - _NONCE_BYTES
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError(f"position {start + offset} lies before the beginning")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block, inside = divmod(self._at, _BLOCK_BYTES)
        self._file.seek(_NONCE_BYTES + block * _BLOCK_BYTES)
        sealed = self._file.read(inside + len(buffer))
        counter = ((self._nonce + block) % _COUNTERS).to_bytes(_NONCE_BYTES, "big")
        plain = Cipher(algorithms.AES(self._key), modes.CTR(counter)).decryptor().update(sealed)[inside:]
        buffer[: len(plain)] = plain
        self._at += len(plain)
        return len(plain)

    def close(self) -> None:
        self._file.close()
        super().close()
