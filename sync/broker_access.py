"""How this side shows the broker who it is: TLS with a certificate, and a password out of the environment."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Protocol

from sync.errors import SyncError


class TlsFiles(Protocol):
    """What the settings of either side say about TLS; a certificate comes with its key."""

    @property
    def tls(self) -> bool: ...
    @property
    def ca_file(self) -> Path | None: ...
    @property
    def cert_file(self) -> Path | None: ...
    @property
    def cert_key_file(self) -> Path | None: ...


def client_context(settings: TlsFiles, *, error: type[SyncError], next_step: str) -> ssl.SSLContext | None:
    """What to connect with; None where TLS is not spoken. Raises `error` for files that cannot be used."""
    if not settings.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.cert_file is not None:
            context.load_cert_chain(settings.cert_file, settings.cert_key_file)
    except OSError as problem:
        files = [str(one) for one in (settings.ca_file, settings.cert_file, settings.cert_key_file) if one]
        raise error(
            f"TLS files {', '.join(files)}: {problem.strerror or problem}", next_step=next_step
        ) from problem
    return context


def password_from(variable: str, *, error: type[SyncError], next_step: str) -> str | None:
    """From the environment; None where no variable is named. Raises `error` where it is not set."""
    if not variable:
        return None
    if variable not in os.environ:
        raise error(f"the environment variable {variable} is not set", next_step=next_step)
    return os.environ[variable]
