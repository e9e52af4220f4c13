"""What is secret about a request: the signature, and numbers encrypted under the application's secret.

The recipe is the platform's, not ours: one key for both, and a fixed initialisation vector, so that equal
numbers look equal. It is no substitute for TLS.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from hashlib import sha256

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from sync.real_name.errors import RealNameError

KEY_BYTES = (16, 24, 32)
_BLOCK_BYTES = AES.block_size // 8


class SecretUnusable(RealNameError, ValueError):
    """Not a secret that AES can be keyed with, or not the one that a text was encrypted under."""


class AppSecret:
    """The secret that a platform issued with an application id. Never shown.

    >>> secret = AppSecret("0123456789abcdef0123456789abcdef")
    >>> secret.decrypt(secret.encrypt("11010519491231002X"))
    '11010519491231002X'
    """

    def __init__(self, text: str) -> None:
        """Raises SecretUnusable."""
        key = text.strip().encode()
        if len(key) not in KEY_BYTES:
            raise SecretUnusable(
                f"the application's secret has {len(key)} bytes; a key of AES has 16, 24 or 32",
                next_step="copy it again from the platform, without quotes",
            )
        self._text = text.strip()
        self._cipher = Cipher(AES(key), CBC(key[:_BLOCK_BYTES]))

    def __repr__(self) -> str:
        return "AppSecret()"

    def sign(self, parameters: Mapping[str, str], *, secret_name: str) -> str:
        """SHA-256, in hexadecimal digits, of the parameters by name and the secret, all in lower case."""
        pairs = [f"{name}={parameters[name]}" for name in sorted(parameters)]
        text = "&".join([*pairs, f"{secret_name}={self._text}"])
        return sha256(text.lower().encode()).hexdigest()

    def signed_by(self, parameters: Mapping[str, str], signature: str, *, secret_name: str) -> bool:
        """Whether the signature is ours, compared in constant time."""
        ours = self.sign(parameters, secret_name=secret_name)
        return hmac.compare_digest(ours.encode(), signature.lower().encode())

    def encrypt(self, text: str) -> str:
        """AES-CBC with PKCS #7 padding, in base64."""
        padder = PKCS7(AES.block_size).padder()
        padded = padder.update(text.encode()) + padder.finalize()
        encryptor = self._cipher.encryptor()
        return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()

    def decrypt(self, text: str) -> str:
        """Raises SecretUnusable for what was not encrypted under this secret."""
        try:
            decryptor = self._cipher.decryptor()
            padded = decryptor.update(base64.b64decode(text, validate=True)) + decryptor.finalize()
            unpadder = PKCS7(AES.block_size).unpadder()
            return (unpadder.update(padded) + unpadder.finalize()).decode()
        except (binascii.Error, ValueError) as error:
            raise SecretUnusable(
                "a text is not encrypted under this secret", next_step="compare the secrets of both ends"
            ) from error
