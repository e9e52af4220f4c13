"""Key files of the wire: Ed25519 in PEM, the sealing key of a site in hexadecimal digits; secrets: 0600."""

from __future__ import annotations

import os
import re
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sync.errors import SecretUnsafe
from sync.private_file import read_private
from sync.wire.sealing import KEY_BYTES

_HEX_KEY = re.compile(rf"[0-9a-fA-F]{{{2 * KEY_BYTES}}}")
_ISSUE_AGAIN = "issue it again at the centre: sitegate central gate add"


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """The signing key in a PEM file (PKCS #8). Raises SecretUnsafe."""
    text = read_private(path, when_missing=_ISSUE_AGAIN)
    try:
        key = serialization.load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise SecretUnsafe(f"key file {path} holds no private key in PEM", next_step=_ISSUE_AGAIN) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SecretUnsafe(f"key file {path} holds another kind of key, not Ed25519", next_step=_ISSUE_AGAIN)
    return key


def read_public_key(path: Path) -> Ed25519PublicKey:
    """The key in a PEM file (SubjectPublicKeyInfo); public, so any mode will do. Raises SecretUnsafe."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except FileNotFoundError as error:
        raise SecretUnsafe(f"key file {path} does not exist", next_step=_ISSUE_AGAIN) from error
    except OSError as error:
        raise SecretUnsafe(f"key file {path}: {error.strerror}", next_step="check owner and mode") from error
    except ValueError as error:
        raise SecretUnsafe(f"key file {path} holds no public key in PEM", next_step=_ISSUE_AGAIN) from error
    if not isinstance(key, Ed25519PublicKey):
        raise SecretUnsafe(f"key file {path} holds another kind of key, not Ed25519", next_step=_ISSUE_AGAIN)
    return key


def read_site_key(path: Path) -> bytes:
    """The site's sealing key, 32 bytes. Raises SecretUnsafe."""
    text = read_private(path, when_missing=_ISSUE_AGAIN).strip()
    if not _HEX_KEY.fullmatch(text):
        raise SecretUnsafe(
            f"key file {path} does not hold the {2 * KEY_BYTES} hexadecimal digits of a site key",
            next_step=_ISSUE_AGAIN,
        )
    return bytes.fromhex(text)


def private_pem(key: Ed25519PrivateKey) -> str:
    """What `read_private_key` reads."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_pem(key: Ed25519PublicKey) -> str:
    """What `read_public_key` reads."""
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def write_private(path: Path, text: str) -> None:
    """Write a new secret file with mode 0600; an existing one is never overwritten.

    Raises FileExistsError and other OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text if text.endswith("\n") else f"{text}\n")
