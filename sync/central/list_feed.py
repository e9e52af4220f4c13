"""Signed lists: each file has its Ed25519 signature beside it, as FILE.sig in base64."""

from __future__ import annotations

import base64
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, select

from sync.central.errors import CentralError
from sync.central.list_import import CURRENT
from sync.central.tables_lists import watch_list_versions

_SIGN_IT = "import it once at the command line with --feed-key; from then on the same key signs it"


class FeedRefused(CentralError, ValueError):
    """A list whose signature is missing, or not of the key that was given."""


def signer_of(raw: bytes, signature_file: Path, key_file: Path) -> str:
    """Check the signature of a file's bytes; returns the public key in hexadecimal digits.

    key_file  the issuer's public key, 64 hexadecimal digits

    Raises:
        FeedRefused: one of the files cannot be read, or the signature does not fit.
    """
    try:
        key, signature = key_file.read_text("ascii").strip(), signature_file.read_text("ascii")
    except (OSError, ValueError) as error:
        raise _unreadable(f"key {key_file} or signature {signature_file}", error) from error
    return checked(raw, signature, key)


def checked(raw: bytes, signature: str, key: str) -> str:
    """As `signer_of`: the signature in base64, the key in hexadecimal digits. Raises FeedRefused."""
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(base64.b64decode(signature, validate=False), raw)
    except ValueError as error:
        raise _unreadable("key or signature", error) from error
    except InvalidSignature as error:
        raise FeedRefused(
            "the list was not signed with this key, or was changed since",
            next_step="fetch list and signature again, and compare the key with its issuer",
        ) from error
    return public.public_bytes_raw().hex()


def signer_of_push(connection: Connection, list_id: str, raw: bytes, signature: str) -> str:
    """Check a file that comes without the key: once a version was signed, the same key signs the next one.

    Returns the key; empty for a list that nobody signs. Raises FeedRefused.
    """
    versions = watch_list_versions.c
    query = select(versions.signed_by).where(versions.list_id == list_id, versions.state == CURRENT)
    key = connection.scalar(query) or ""
    if bool(key) is not bool(signature):
        raise FeedRefused(
            f"list {list_id} is a signed feed, and this file has no signature"
            if key
            else f"there is no key for list {list_id} to check the signature with",
            next_step="send the issuer's signature beside the file" if key else _SIGN_IT,
        )
    return checked(raw, signature, key) if key else ""


def _unreadable(what: str, error: Exception) -> FeedRefused:
    return FeedRefused(
        f"{what} cannot be read ({type(error).__name__})",
        next_step="the key is 64 hexadecimal digits, the signature base64 beside the list",
    )
