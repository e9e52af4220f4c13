"""Serves console and API from a thread of the centre's process; signals stay with the process."""

from __future__ import annotations

import errno
import logging
import socket
import threading
import time
from collections.abc import Callable

from sync.central.console.settings import ConsoleSettings
from sync.central.database import Database
from sync.central.errors import CentralError, SettingRefused
from sync.central.front_office import FrontOffice
from sync.central.worker_desk import RosterChanged

_log = logging.getLogger(__name__)
_running = threading.Lock()

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 5.0
GRACE_S = 1
"""Browsers hold their connection open for ever; they reconnect by themselves."""

_POLL_S = 0.05


class ConsoleFailed(CentralError, RuntimeError):
    """The console did not start or ended by itself; ingest goes on without it."""


def run_console(
    database: Database,
    settings: ConsoleSettings,
    *,
    on_ready: Callable[[str], None] | None = None,
    on_roster_change: RosterChanged | None = None,
    stop: threading.Event,
) -> None:
    """Serve console and API until `stop` is set. Blocks: give it a thread of its own.

    `on_ready` gets the URL with the real port once browsers are answered; `on_roster_change` is called after
    every commit that changes a roster. One console per process at a time, and not in the process of a gate
    screen: NiceGUI keeps one application per process.

    Raises SettingRefused when address or certificate do not work, ConsoleFailed when the server ends early.
    """
    serve(FrontOffice(database, on_roster_change=on_roster_change), settings, on_ready=on_ready, stop=stop)


def serve(
    office: FrontOffice,
    settings: ConsoleSettings,
    *,
    on_ready: Callable[[str], None] | None = None,
    stop: threading.Event,
) -> None:
    """The same for an office that is there already."""
    if not _running.acquire(blocking=False):
        raise ConsoleFailed("a console is already running in this process", next_step="stop it first")
    try:
        with _bound_socket(settings) as listener:
            _serve(office, settings, listener, on_ready, stop)
    finally:
        _running.release()


def _serve(
    office: FrontOffice,
    settings: ConsoleSettings,
    listener: socket.socket,
    on_ready: Callable[[str], None] | None,
    stop: threading.Event,
) -> None:
    import uvicorn  # noqa: PLC0415 - loaded only where a console is wanted: NiceGUI costs memory and start time

    from sync.central.console.app import central_app  # noqa: PLC0415

    config = uvicorn.Config(
        central_app(office, settings),
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="on",
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        timeout_graceful_shutdown=GRACE_S,
    )
    try:
        config.load()
    except OSError as error:
        raise SettingRefused(
            f"the certificate {settings.tls_certificate} cannot be used: {error}",
            next_step="give a certificate and its key as PEM files that this user can read",
        ) from error
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="console", daemon=True)
    thread.start()
    try:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline_s:
                raise ConsoleFailed("the console's server did not start", next_step="see the log above")
            time.sleep(_POLL_S)
        url = _url(settings, listener)
        _log.info("console ready at %s", url)
        if on_ready is not None:
            on_ready(url)
        while not stop.wait(_POLL_S):
            if not thread.is_alive():
                raise ConsoleFailed("the console's server ended by itself", next_step="see the log above")
    finally:
        server.should_exit = True
        thread.join(STOP_TIMEOUT_S)


def _bound_socket(settings: ConsoleSettings) -> socket.socket:
    """Bound here, not by the server, so that a taken port is an error of the configuration."""
    place = f"console host {settings.host}, port {settings.port}"
    listener: socket.socket | None = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()  # only a listening socket finds out that somebody else listens there too
    except OSError as error:
        if listener is not None:
            listener.close()
        taken = error.errno == errno.EADDRINUSE
        raise SettingRefused(
            f"{place}: {'the port is taken by another program' if taken else error}",
            next_step="use an address of this machine and a free port (0 takes any)",
        ) from error
    return listener


def _url(settings: ConsoleSettings, listener: socket.socket) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    scheme = "https" if settings.tls_certificate else "http"
    return f"{scheme}://{host}:{listener.getsockname()[1]}/"
