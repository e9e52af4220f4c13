"""A web server in a thread of its process: for the gate screen, the kiosk and the centre's console.

NiceGUI keeps one application per process, so there is one server per process at a time.
"""

from __future__ import annotations

import errno
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sync.errors import SyncError

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

log = logging.getLogger(__name__)

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 5.0
GRACE_S = 1
"""Browsers hold their connection open for ever; they reconnect by themselves."""

_POLL_S = 0.05
_running = threading.Lock()


class WebServerFailed(SyncError, RuntimeError):
    """The server did not start, or ended by itself."""


class CertificateUnusable(WebServerFailed):
    """The files of certificate and key cannot be read, or do not fit."""


class AddressUnusable(SyncError, OSError):
    """Host and port cannot be listened on."""


@dataclass(frozen=True, slots=True)
class WebAddress:
    """Where pages are served; port 0 takes a free one.

    trusted_proxies  whose word about the visitor's address and scheme is believed
    """

    host: str
    port: int
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    trusted_proxies: tuple[str, ...] = ("127.0.0.1",)


def serve_pages(
    load: Callable[[], ASGIApp],
    address: WebAddress,
    *,
    name: str,
    on_ready: Callable[[str], None] | None,
    stop: threading.Event,
) -> None:
    """Serve until `stop`; blocks. `load` makes the application, once the address is known to be free: NiceGUI
    costs memory and start time. `on_ready` gets the URL with the real port once browsers are answered.

    Raises AddressUnusable, CertificateUnusable, WebServerFailed.
    """
    with listening(address.host, address.port) as listener:
        import uvicorn  # noqa: PLC0415 - loaded only where pages are wanted

        config = uvicorn.Config(
            load(),
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=GRACE_S,
            proxy_headers=bool(address.trusted_proxies),
            forwarded_allow_ips=list(address.trusted_proxies),
            ssl_certfile=address.tls_certificate,
            ssl_keyfile=address.tls_key,
        )
        try:
            config.load()
        except OSError as error:
            raise CertificateUnusable(
                str(error), next_step="give a certificate and its key as PEM files that this user can read"
            ) from error
        url = url_of(address.host, listener, scheme="https" if address.tls_certificate else "http")

        def ready() -> None:
            log.info("%s ready at %s", name, url)
            if on_ready is not None:
                on_ready(url)

        serve_until(config, listener, stop, name=name, on_ready=ready)


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A bound and listening socket, bound here and not by the server, so that a taken port is an error of
    the configuration. Port 0 takes a free one. Raises AddressUnusable, WebServerFailed (a second server).
    """
    if not _running.acquire(blocking=False):
        raise WebServerFailed("a web server is already running in this process", next_step="stop it first")
    try:
        with _bound(host, port) as listener:
            yield listener
    finally:
        _running.release()


def serve_until(
    config: uvicorn.Config,
    listener: socket.socket,
    stop: threading.Event,
    *,
    name: str,
    on_ready: Callable[[], None],
) -> None:
    """Serve from a thread until `stop`; blocks. `on_ready` is called once browsers are answered.

    Raises WebServerFailed.
    """
    import uvicorn  # noqa: PLC0415 - loaded only where pages are wanted

    server = uvicorn.Server(config)
    # Off the main thread uvicorn leaves SIGINT and SIGTERM alone: they are the process's.
    thread = threading.Thread(target=server.run, args=([listener],), name=name, daemon=True)
    thread.start()
    try:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline_s:
                raise WebServerFailed(f"the {name}'s server did not start", next_step="see the log above")
            time.sleep(_POLL_S)
        on_ready()
        while not stop.wait(_POLL_S):
            if not thread.is_alive():
                raise WebServerFailed(f"the {name}'s server ended by itself", next_step="see the log above")
    finally:
        server.should_exit = True
        thread.join(STOP_TIMEOUT_S)


def url_of(host: str, listener: socket.socket, *, scheme: str = "http") -> str:
    """What to open in a browser, with the real port; an address of all interfaces is shown as it is."""
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{listener.getsockname()[1]}/"


def _bound(host: str, port: int) -> socket.socket:
    listener: socket.socket | None = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        # A process that restarts must not wait for the old connections to time out.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()  # only a listening socket finds out that somebody else listens there too
    except OSError as error:
        if listener is not None:
            listener.close()
        is_taken = error.errno == errno.EADDRINUSE
        raise AddressUnusable("the port is taken by another program" if is_taken else str(error)) from error
    return listener
