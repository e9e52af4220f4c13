"""Serves console and API from a thread of the centre's process; signals stay with the process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from sync.central.console.settings import ConsoleSettings
from sync.central.database import Database
from sync.central.errors import CentralError, SettingRefused
from sync.central.front_office import FrontOffice
from sync.central.person_vault import PersonVault
from sync.central.worker_desk import RosterChanged
from sync.web_server import GRACE_S, AddressUnusable, WebServerFailed, listening, serve_until, url_of

if TYPE_CHECKING:
    from sync.central.phone_training import PhoneTraining

_log = logging.getLogger(__name__)


class ConsoleFailed(CentralError, RuntimeError):
    """The console did not start or ended by itself; ingest goes on without it."""


def run_console(
    database: Database,
    settings: ConsoleSettings,
    *,
    on_ready: Callable[[str], None] | None = None,
    on_roster_change: RosterChanged | None = None,
    vault: PersonVault | None = None,
    phone_training: PhoneTraining | None = None,
    stop: threading.Event,
) -> None:
    """Serve console, API and phone pages until `stop` is set. Blocks: give it a thread of its own.

    `on_ready` gets the URL with the real port once browsers are answered; `on_roster_change` is called after
    every commit that changes a roster; without `vault` nobody signs in on a phone by their papers, without
    `phone_training` nobody trains on one. One
    console per process at a time, and not in the process of a gate screen: NiceGUI keeps one application per
    process.

    Raises SettingRefused when address or certificate do not work, ConsoleFailed when the server ends early.
    """
    office = FrontOffice(database, on_roster_change=on_roster_change, vault=vault, lodging=settings.lodging)
    office.phone_training = phone_training
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
        _serve(office, settings, on_ready, stop)
    except AddressUnusable as error:
        problem = "the port is taken by another program" if error.taken else str(error)
        raise SettingRefused(
            f"console host {settings.host}, port {settings.port}: {problem}",
            next_step="use an address of this machine and a free port (0 takes any)",
        ) from error
    except WebServerFailed as error:
        raise ConsoleFailed(str(error), next_step=error.next_step) from error


def _serve(
    office: FrontOffice,
    settings: ConsoleSettings,
    on_ready: Callable[[str], None] | None,
    stop: threading.Event,
) -> None:
    with listening(settings.host, settings.port) as listener:
        # Loaded only where a console is wanted: NiceGUI costs memory and start time.
        import uvicorn  # noqa: PLC0415

        from sync.central.console.app import central_app  # noqa: PLC0415

        config = uvicorn.Config(
            central_app(office, settings),
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=GRACE_S,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            ssl_certfile=settings.tls_certificate,
            ssl_keyfile=settings.tls_key,
        )
        try:
            config.load()
        except OSError as error:
            raise SettingRefused(
                f"the certificate {settings.tls_certificate} cannot be used: {error}",
                next_step="give a certificate and its key as PEM files that this user can read",
            ) from error
        url = url_of(settings.host, listener, scheme="https" if settings.tls_certificate else "http")

        def ready() -> None:
            _log.info("console ready at %s", url)
            if on_ready is not None:
                on_ready(url)

        serve_until(config, listener, stop, name="console", on_ready=ready)
