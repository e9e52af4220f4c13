"""Serves console and API from a thread of the centre's process; signals stay with the process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from sync.central.console.settings import ConsoleSettings
from sync.central.database import Database
from sync.central.errors import CentralError, SettingRefused
from sync.central.front_office import FrontOffice
from sync.central.person_vault import PersonVault
from sync.central.worker_desk import RosterChanged
from sync.web_server import (
    AddressUnusable,
    CertificateUnusable,
    WebAddress,
    WebServerFailed,
    serve_pages,
)

if TYPE_CHECKING:
    from sync.central.pass_issue import PassIssuer
    from sync.central.phone_training import PhoneTraining


class ConsoleFailed(CentralError, RuntimeError):
    """The console did not start or ended by itself; ingest goes on without it."""


def run_console(
    database: Database,
    settings: ConsoleSettings,
    *,
    on_ready: Callable[[str], None] | None = None,
    on_roster_change: RosterChanged | None = None,
    vault: PersonVault | None = None,
    keys: Path | None = None,
    phone_training: PhoneTraining | None = None,
    pass_issuer: PassIssuer | None = None,
    stop: threading.Event,
) -> None:
    """Serve console, API and phone pages until `stop` is set. Blocks: give it a thread of its own.

    `on_ready` gets the URL with the real port once browsers are answered; `on_roster_change` is called after
    every commit that changes a roster; without `vault` nobody signs in on a phone by their papers, without
    `keys` (the folder) nothing is exported for the real-name platform, without `phone_training` nobody trains
    on a phone. One
    console per process at a time, and not in the process of a gate screen: NiceGUI keeps one application per
    process.

    Raises SettingRefused when address or certificate do not work, ConsoleFailed when the server ends early.
    """
    office = FrontOffice(
        database,
        on_roster_change=on_roster_change,
        vault=vault,
        keys=keys,
        lodging=settings.lodging,
        inspections=settings.inspections,
        clearance_rules=settings.clearance_rules,
    )
    office.phone_training = phone_training
    office.pass_issuer = pass_issuer
    serve(office, settings, on_ready=on_ready, stop=stop)


def serve(
    office: FrontOffice,
    settings: ConsoleSettings,
    *,
    on_ready: Callable[[str], None] | None = None,
    stop: threading.Event,
) -> None:
    """The same for an office that is there already."""
    try:
        serve_pages(
            lambda: _application(office, settings),
            WebAddress(
                settings.host,
                settings.port,
                settings.tls_certificate,
                settings.tls_key,
                settings.trusted_proxies,
            ),
            name="console",
            on_ready=on_ready,
            stop=stop,
        )
    except AddressUnusable as error:
        raise SettingRefused(
            f"console host {settings.host}, port {settings.port}: {error}",
            next_step="use an address of this machine and a free port (0 takes any)",
        ) from error
    except CertificateUnusable as error:
        raise SettingRefused(
            f"the certificate {settings.tls_certificate} cannot be used: {error}", next_step=error.next_step
        ) from error
    except WebServerFailed as error:
        raise ConsoleFailed(str(error), next_step=error.next_step) from error


def _application(office: FrontOffice, settings: ConsoleSettings) -> ASGIApp:
    # Loaded only where a console is wanted: NiceGUI costs memory and start time.
    from sync.central.console.app import central_app  # noqa: PLC0415

    return central_app(office, settings)
