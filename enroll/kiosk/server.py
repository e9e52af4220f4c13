"""Serves the kiosk until it is stopped."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from enroll.errors import EnrollError
from enroll.kiosk.office import KioskOffice
from sync.web_server import GRACE_S, AddressUnusable, WebServerFailed, listening, serve_until, url_of

_log = logging.getLogger(__name__)


class KioskFailed(EnrollError, RuntimeError):
    """The kiosk did not start or ended by itself."""


def run_kiosk(
    office: KioskOffice, *, on_ready: Callable[[str], None] | None = None, stop: threading.Event
) -> None:
    """Serve until `stop` is set; blocks. `on_ready` gets the URL once browsers are answered.

    Raises KioskFailed: address, port or certificate do not work, or the server ended early.
    """
    settings = office.settings.kiosk
    try:
        _serve(office, on_ready, stop)
    except AddressUnusable as error:
        problem = "the port is taken by another program" if error.taken else str(error)
        raise KioskFailed(
            f"kiosk.host {settings.host}, kiosk.port {settings.port}: {problem}",
            next_step="stop the other program, set kiosk.port to a free port (0 takes any), "
            "or use an address of this machine, e.g. 127.0.0.1",
        ) from error
    except WebServerFailed as error:
        raise KioskFailed(str(error), next_step=error.next_step) from error
    finally:
        office.close()


def _serve(office: KioskOffice, on_ready: Callable[[str], None] | None, stop: threading.Event) -> None:
    settings = office.settings.kiosk
    with listening(settings.host, settings.port) as listener:
        # Loaded only where pages are wanted: NiceGUI costs memory and start time.
        import uvicorn  # noqa: PLC0415

        from enroll.kiosk.app import kiosk_app  # noqa: PLC0415

        config = uvicorn.Config(
            kiosk_app(office),
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=GRACE_S,
            ssl_certfile=settings.tls_certificate,
            ssl_keyfile=settings.tls_key,
        )
        try:
            config.load()
        except OSError as error:
            raise KioskFailed(
                f"kiosk.tls_certificate {settings.tls_certificate} cannot be used: {error}",
                next_step="give a certificate and its key as PEM files that this user can read",
            ) from error
        url = url_of(settings.host, listener, scheme="https" if settings.is_encrypted else "http")

        def ready() -> None:
            _log.info("kiosk ready at %s", url)
            if on_ready is not None:
                on_ready(url)

        serve_until(config, listener, stop, name="kiosk", on_ready=ready)
