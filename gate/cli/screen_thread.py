"""The screen beside a running gate: it may fail and come back, the lanes go on."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future

from gate.errors import GateError
from gate.screen import run_screen
from gate.settings import ScreenSettings
from gate.view import GateView

log = logging.getLogger(__name__)

RETRY_AFTER_S = 5.0
START_S = 60.0
"""Patience with a screen that starts or ends on a busy machine."""

_THREAD = "screen supervisor"


def start_screen(view: GateView, settings: ScreenSettings, stop: threading.Event) -> Future[str]:
    """Serve the screen from a thread until `stop`; the future holds its URL once a browser is answered.

    A screen that fails is logged and started again; the future then holds the first error.
    """
    url: Future[str] = Future()

    def ready(address: str) -> None:
        if not url.done():
            url.set_result(address)

    def serve() -> None:
        while not stop.is_set():
            try:
                run_screen(view, settings, on_ready=ready, stop=stop)
            except GateError as error:
                log.error("gate screen: %s; %s", error, error.next_step)
                if not url.done():
                    url.set_exception(error)
                stop.wait(RETRY_AFTER_S)
            except Exception as error:
                # Whatever the web server stumbles over, the lanes go on and the reason is in the log.
                log.exception("gate screen")
                if not url.done():
                    url.set_exception(error)
                stop.wait(RETRY_AFTER_S)

    threading.Thread(target=serve, name=_THREAD, daemon=True).start()
    return url


def wait_screen_ended() -> None:
    """Until the screens that were told to stop are gone: one process serves one screen at a time."""
    for thread in threading.enumerate():
        if thread.name == _THREAD:
            thread.join(START_S)
