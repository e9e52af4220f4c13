"""Serves the screen from a thread of the gate process; signals stay with the gate."""

from __future__ import annotations

import threading
from collections.abc import Callable

from starlette.types import ASGIApp

from gate.errors import ConfigError, GateError
from gate.settings import ScreenSettings
from gate.view import GateView
from sync.web_server import AddressUnusable, WebAddress, WebServerFailed, serve_pages


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
        serve_pages(
            lambda: _application(view, settings),
            WebAddress(settings.host, settings.port),
            name="gate screen",
            on_ready=on_ready,
            stop=stop,
        )
    except AddressUnusable as error:
        raise ConfigError(
            f"screen.host {settings.host}, screen.port {settings.port}: {error}",
            next_step="stop the other program, set screen.port to a free port (0 takes any), "
            "or use an address of this machine, e.g. 127.0.0.1",
        ) from error
    except WebServerFailed as error:
        raise ScreenFailed(str(error), next_step=error.next_step) from error


def _application(view: GateView, settings: ScreenSettings) -> ASGIApp:
    # Loaded only where a screen is wanted: NiceGUI costs memory and start time.
    from gate.screen.access import ScreenAccess  # noqa: PLC0415
    from gate.screen.app import screen_app  # noqa: PLC0415

    return ScreenAccess(screen_app(view, settings), settings)
