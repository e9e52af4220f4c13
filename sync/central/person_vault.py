"""Document numbers at the centre: sealed where they are kept, found again by a keyed hash.

One key file beside the signing key. A copied database names nobody by their papers; whoever holds the key
file and the database does. Both belong into the backups, and never together (docs/central.md).
"""

from __future__ import annotations

import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sync.central.errors import CentralError, KeyFileInTheWay
from sync.private_file import read_private
from sync.wire.keys import write_private

PERSON_KEY_FILE = "persons.key"

_KEY_BYTES = 32
_NONCE_BYTES = 12
_SHOWN_AT_ENDS = (3, 2)
_HIDDEN = "•"


class PersonDataUnreadable(CentralError, ValueError):
    """Sealed with another key, or damaged."""


class PersonVault:
    """Seals and opens document numbers, and makes the hash by which they are looked up.

    list_key  32 bytes under which key-monitoring lists are kept, see `sync.central.list_keys`

    >>> vault = PersonVault(bytes(32))
    >>> vault.unseal(vault.seal("X123", bound_to="W-1"), bound_to="W-1")
    'X123'
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise ValueError(f"the key has {_KEY_BYTES} bytes, not {len(key)}")
        self._cipher = ChaCha20Poly1305(_derived(key, b"sitegate-person-seal-1"))
        self._hash_key = _derived(key, b"sitegate-person-hash-1")
        self.list_key = _derived(key, b"sitegate-list-key-1")

    def __repr__(self) -> str:
        return "PersonVault()"

    @classmethod
    def in_folder(cls, folder: Path, *, create: bool = False) -> PersonVault:
        """The vault of the key file in `folder`; with `create` a missing file is made (mode 0600).

        Raises:
            SecretUnsafe: missing, owned by somebody else, or readable by others.
            KeyFileInTheWay: a new one cannot be written.
            PersonDataUnreadable: not 64 hexadecimal digits.
        """
        path = folder / PERSON_KEY_FILE
        if create and not path.exists():
            try:
                write_private(path, secrets.token_hex(_KEY_BYTES))
            except OSError as error:
                if not path.exists():  # else another process was first, and its key stands
                    raise KeyFileInTheWay(
                        f"{path} cannot be written: {error.strerror}",
                        next_step="give a folder that is writable",
                    ) from error
        text = read_private(
            path, when_missing="restore the centre's key folder from your backup of it (chmod 600)"
        )
        try:
            return cls(bytes.fromhex(text.strip()))
        except ValueError as error:
            raise PersonDataUnreadable(
                f"{path} does not hold 64 hexadecimal digits",
                next_step="restore it from your backup of the key folder",
            ) from error

    def seal(self, number: str, *, bound_to: str) -> bytes:
        """Nonce and ciphertext; opens only together with the same `bound_to`, e.g. the worker's number."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, number.encode(), bound_to.encode())

    def unseal(self, sealed: bytes, *, bound_to: str) -> str:
        """Raises PersonDataUnreadable."""
        try:
            nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
            return self._cipher.decrypt(nonce, rest, bound_to.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise PersonDataUnreadable(
                "a document number cannot be unsealed",
                next_step=f"restore {PERSON_KEY_FILE} from the backup that belongs to this database",
            ) from error

    def hash(self, document_type: str, number: str) -> str:
        """HMAC-SHA-256 in hexadecimal digits; `number` in its canonical form (upper case, no spaces)."""
        return hmac.new(self._hash_key, f"{document_type}\0{number}".encode(), sha256).hexdigest()


def masked(number: str) -> str:
    """The ends of a document number, e.g. 110•••••1X; nothing of a short one."""
    first, last = _SHOWN_AT_ENDS
    if len(number) < 2 * (first + last):
        return _HIDDEN * len(number)
    return number[:first] + _HIDDEN * (len(number) - first - last) + number[-last:]


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=purpose).derive(key)
