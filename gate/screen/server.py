"""Serves the screen from a thread of the gate process; signals stay with the gate."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from gate.errors import ConfigError, GateError
from gate.settings import ScreenSettings
from gate.view import GateView
from sync.web_server import GRACE_S, AddressUnusable, WebServerFailed, listening, serve_until, url_of

_log = logging.getLogger(__name__)


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
    try:
        _serve(view, settings, on_ready, stop)
    except AddressUnusable as error:
        problem = "the port is taken by another program" if error.taken else str(error)
        raise ConfigError(
            f"screen.host {settings.host}, screen.port {settings.port}: {problem}",
            next_step="stop the other program, set screen.port to a free port (0 takes any), "
            "or use an address of this machine, e.g. 127.0.0.1",
        ) from error
    except WebServerFailed as error:
        raise ScreenFailed(str(error), next_step=error.next_step) from error


def _serve(
    view: GateView,
    settings: ScreenSettings,
    on_ready: Callable[[str], None] | None,
    stop: threading.Event,
) -> None:
    with listening(settings.host, settings.port) as listener:
        # Loaded only where a screen is wanted: NiceGUI costs memory and start time.
        import uvicorn  # noqa: PLC0415

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
        url = url_of(settings.host, listener)

        def ready() -> None:
            _log.info("gate screen ready at %s", url)
            if on_ready is not None:
                on_ready(url)

        serve_until(config, listener, stop, name="screen", on_ready=ready)
