"""Signed lists: each file has its Ed25519 signature beside it, as FILE.sig in base64."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sync.central.errors import CentralError


class FeedRefused(CentralError, ValueError):
    """A list whose signature is missing, or not of the key that was given."""


def signer_of(raw: bytes, signature_file: Path, key_file: Path) -> str:
    """Check the signature of a file's bytes; returns the public key in hexadecimal digits.

    key_file  the issuer's public key, 64 hexadecimal digits

    Raises:
        FeedRefused: one of the files cannot be read, or the signature does not fit.
    """
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key_file.read_text("ascii").strip()))
        signature = base64.b64decode(signature_file.read_text("ascii"), validate=False)
        key.verify(signature, raw)
    except (OSError, ValueError, binascii.Error) as error:
        raise FeedRefused(
            f"key {key_file} or signature {signature_file} cannot be read ({type(error).__name__})",
            next_step="the key is 64 hexadecimal digits, the signature base64 beside the list",
        ) from error
    except InvalidSignature as error:
        raise FeedRefused(
            "the list was not signed with this key, or was changed since",
            next_step="fetch list and signature again, and compare the key with its issuer",
        ) from error
    return key.public_bytes_raw().hex()
