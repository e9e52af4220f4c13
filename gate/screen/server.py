"""Serves the screen from a thread of the gate process; signals stay with the gate."""

from __future__ import annotations

import errno
import logging
import socket
import threading
import time
from collections.abc import Callable

from gate.errors import ConfigError, GateError
from gate.settings import ScreenSettings
from gate.view import GateView

_log = logging.getLogger(__name__)
_running = threading.Lock()

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 5.0
GRACE_S = 1
"""Browsers hold their connection open for ever; they reconnect by themselves."""

_POLL_S = 0.05


class ScreenFailed(GateError, RuntimeError):
    """The screen did not start or ended by itself; the lanes go on without it."""


def run_screen(
    view: GateView,
    settings: ScreenSettings,
    *,
    on_ready: Callable[[str], None] | None = None,
    stop: threading.Event,
) -> None:
    """Serve the pages of all lanes until `stop` is set. Blocks: give it a thread of its own.

    `on_ready` gets the URL with the real port once browsers are answered. One screen per process at a
    time (NiceGUI keeps one application per process); a second one after the first has ended is fine.

    Raises ConfigError when host, port or token file do not work, ScreenFailed when the server ends early.
    """
    if not _running.acquire(blocking=False):
        raise ScreenFailed("a screen is already running in this process", next_step="stop it first")
    try:
        with _bound_socket(settings) as listener:
            _serve(view, settings, listener, on_ready, stop)
    finally:
        _running.release()


def _serve(
    view: GateView,
    settings: ScreenSettings,
    listener: socket.socket,
    on_ready: Callable[[str], None] | None,
    stop: threading.Event,
) -> None:
    import uvicorn  # noqa: PLC0415 - loaded only where a screen is wanted: NiceGUI costs memory and start time

    from gate.screen.access import ScreenAccess  # noqa: PLC0415
    from gate.screen.app import screen_app  # noqa: PLC0415

    config = uvicorn.Config(
        ScreenAccess(screen_app(view, settings), settings),
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=GRACE_S,
    )
    server = uvicorn.Server(config)
    # Off the main thread uvicorn leaves SIGINT and SIGTERM alone: they are the gate's.
    thread = threading.Thread(target=server.run, args=([listener],), name="screen", daemon=True)
    thread.start()
    try:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline_s:
                raise ScreenFailed("the screen's server did not start", next_step="see the log above")
            time.sleep(_POLL_S)
        url = _url(settings, listener)
        _log.info("gate screen ready at %s", url)
        if on_ready is not None:
            on_ready(url)
        while not stop.wait(_POLL_S):
            if not thread.is_alive():
                raise ScreenFailed("the screen's server ended by itself", next_step="see the log above")
    finally:
        server.should_exit = True
        thread.join(STOP_TIMEOUT_S)


def _bound_socket(settings: ScreenSettings) -> socket.socket:
    """Bound here, not by the server, so that a taken port is an error of the configuration."""
    place = f"screen.host {settings.host}, screen.port {settings.port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(
            f"{place}: {error}", next_step="use an address of this machine, e.g. 127.0.0.1"
        ) from error
    # A gate that restarts must not wait for the old connections to time out.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        # Only a listening socket finds out that somebody else listens there too.
        listener.listen()
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        raise ConfigError(
            f"{place}: {'the port is taken by another program' if taken else error}",
            next_step="stop the other program, or set screen.port to a free port (0 takes any)",
        ) from error
    return listener


def _url(settings: ScreenSettings, listener: socket.socket) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{listener.getsockname()[1]}/"
