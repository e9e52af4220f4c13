"""The centre's keys: its own signing key, and what it hands to a gate. Secret files have mode 0600."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sync.central.errors import KeyFileInTheWay
from sync.private_file import read_private
from sync.wire.keys import private_pem, public_pem, read_private_key, write_private

SIGNING_KEY_FILE = "centre.key"
GATE_KEY_FILE, SITE_KEY_FILE, CENTRE_PUBLIC_FILE = "gate.key", "site.key", "centre.pub"


@dataclass(frozen=True, slots=True)
class GateCredentials:
    """What one gate needs to take part. Shown once: of `gate_key` the centre keeps only the public half.

    sealing_key  of the site, 32 bytes: opens the templates
    """

    site_id: str
    gate_id: str
    gate_key: Ed25519PrivateKey = field(repr=False)
    sealing_key: bytes = field(repr=False)
    centre: Ed25519PublicKey

    def write(self, folder: Path) -> list[Path]:
        """Write the gate's three key files, as `sync.wire.keys` reads them; nothing is replaced.

        Raises:
            KeyFileInTheWay: there are such files already, or the folder cannot be written.
        """
        contents = {
            GATE_KEY_FILE: private_pem(self.gate_key),
            SITE_KEY_FILE: self.sealing_key.hex(),
            CENTRE_PUBLIC_FILE: public_pem(self.centre),
        }
        check_free(folder)
        for name, text in contents.items():
            _write(folder / name, text)
        return [folder / name for name in contents]

    def fragment(
        self, broker: str, *, site: Mapping[str, str], gate: Mapping[str, str], is_kiosk: bool
    ) -> str:
        """The gate's part of its configuration. `site`, `gate`: what else the registry says of them."""
        kiosk = "kiosk:\n  sync: true    # false where a gate runs on this box: its connection serves both\n"
        return (
            f"site:\n{_settings({'id': self.site_id, **site})}"
            f"gate:\n{_settings({'id': self.gate_id, **gate})}"
            f"{kiosk if is_kiosk else ''}"
            "centre:\n"
            "  enabled: true\n"
            f"  broker: {broker}\n"
            f"  gate_key_file: var/{GATE_KEY_FILE}\n"
            f"  centre_public_key_file: var/{CENTRE_PUBLIC_FILE}\n"
            f"  site_key_file: var/{SITE_KEY_FILE}"
        )


def _settings(values: Mapping[str, str]) -> str:
    # A JSON string is a YAML string, whatever signs a name has.
    return "".join(f"  {key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())


def check_free(folder: Path) -> None:
    """Raises KeyFileInTheWay where `GateCredentials.write` would have to replace something."""
    for name in (GATE_KEY_FILE, SITE_KEY_FILE, CENTRE_PUBLIC_FILE):
        if (folder / name).exists():
            raise KeyFileInTheWay(
                f"{folder / name} exists already", next_step="give another folder, or move that file away"
            )


def signing_key(folder: Path, *, create: bool = False) -> Ed25519PrivateKey:
    """The centre's signing key from `folder`; with `create` a missing one is made.

    Every gate trusts this one key: where it is lost, every gate needs the new public key.

    Raises:
        SecretUnsafe: missing, no key, owned by somebody else, or readable by others.
        KeyFileInTheWay: a new one cannot be written.
    """
    path = folder / SIGNING_KEY_FILE
    if create and not path.exists():
        try:
            _write(path, private_pem(Ed25519PrivateKey.generate()))
        except KeyFileInTheWay:
            if not path.exists():  # else another process was first, and its key stands
                raise
    read_private(path, when_missing="restore the centre's key folder from your backup of it (chmod 600)")
    return read_private_key(path)


def _write(path: Path, text: str) -> None:
    try:
        write_private(path, text)
    except OSError as error:
        raise KeyFileInTheWay(
            f"{path} cannot be written: {error.strerror}", next_step="give a folder that is writable"
        ) from error
