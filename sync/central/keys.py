"""The centre's keys: its own signing key, and what it hands to a gate. Key files have mode 0600."""

from __future__ import annotations

import os
import re
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sync.central.errors import CentreKeyUnsafe
from sync.wire.sealing import KEY_BYTES

SIGNING_KEY_FILE = "centre.key"
_HEX_KEY = re.compile(rf"[0-9a-fA-F]{{{2 * KEY_BYTES}}}")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class GateCredentials:
    """What one gate needs to take part. Shown once: the centre keeps only the public key.

    gate_key     Ed25519 seed by which the gate signs, 32 bytes
    sealing_key  of the site, 32 bytes: opens the templates
    centre       public key of the centre, 32 bytes
    """

    site_id: str
    gate_id: str
    gate_key: bytes = field(repr=False)
    sealing_key: bytes = field(repr=False)
    centre: bytes

    def write(self, folder: Path, *, broker: str) -> list[Path]:
        """Write the three key files and `sync.yaml`, the fragment for the gate's configuration.

        Raises:
            CentreKeyUnsafe: the folder cannot be written, or holds such files already.
        """
        fragment = (
            "# For the gate's config.yaml; paths are relative to it. Keep the key files at mode 0600.\n"
            "sync:\n"
            "  enabled: true\n"
            f"  broker: {broker}\n"
            "  key_file: var/gate.key\n"
            "  sealing_key_file: var/site.key\n"
            f"  centre_key: {self.centre.hex()}\n"
        )
        contents = {
            "gate.key": self.gate_key.hex() + "\n",
            "site.key": self.sealing_key.hex() + "\n",
            "sync.yaml": fragment,
        }
        return [write_private(folder / name, text) for name, text in contents.items()]


def new_seed() -> bytes:
    """A fresh Ed25519 seed or sealing key."""
    return secrets.token_bytes(KEY_BYTES)


def public_bytes(seed: bytes) -> bytes:
    """The public half of a signing key."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def public_key(raw: bytes) -> Ed25519PublicKey:
    """From 32 bytes, as kept in the database."""
    return Ed25519PublicKey.from_public_bytes(raw)


def signing_key(folder: Path, *, create: bool = False) -> Ed25519PrivateKey:
    """The centre's signing key from `folder`; with `create` a missing one is made.

    Every gate trusts this one key: where it is lost, every gate needs the new public key.

    Raises:
        CentreKeyUnsafe: missing, no key, owned by somebody else, or readable by others.
    """
    path = folder / SIGNING_KEY_FILE
    if create and not path.exists():
        try:
            write_private(path, new_seed().hex() + "\n")
        except CentreKeyUnsafe:
            if not path.exists():  # else another process was first, and its key stands
                raise
    return Ed25519PrivateKey.from_private_bytes(_read_private(path))


def write_private(path: Path, text: str) -> Path:
    """Write a new file of mode 0600, whole or not at all; an existing file is never replaced.

    Raises:
        CentreKeyUnsafe: it exists already, or cannot be written.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.link(partial, path)
        finally:
            partial.unlink()
    except OSError as error:
        raise CentreKeyUnsafe(
            f"{path} cannot be written: {error.strerror}",
            next_step="give a folder that is writable and does not hold such a file yet",
        ) from error
    return path


def _read_private(path: Path) -> bytes:
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            # Permissions are taken from the open file: what is checked is what is read.
            facts = os.fstat(file.fileno())
            text = file.read(4 * KEY_BYTES).strip()
    except OSError as error:
        raise CentreKeyUnsafe(
            f"the centre's signing key {path} cannot be read: {error.strerror}",
            next_step="restore it from your backup of the key folder (chmod 600)",
        ) from error
    if facts.st_uid not in (os.geteuid(), 0) or stat.S_IMODE(facts.st_mode) & _OTHERS:
        raise CentreKeyUnsafe(
            f"the centre's signing key {path} is open to other users",
            next_step=f"chown $(id -u) {path} && chmod 600 {path}",
        )
    if not _HEX_KEY.fullmatch(text):
        raise CentreKeyUnsafe(
            f"{path} does not hold a signing key",
            next_step=f"put the {2 * KEY_BYTES} hexadecimal digits there that the gates know the centre by",
        )
    return bytes.fromhex(text)
