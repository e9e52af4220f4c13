"""Serves the kiosk until it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable

from starlette.types import ASGIApp

from enroll.errors import EnrollError
from enroll.kiosk.office import KioskOffice
from sync.web_server import (
    AddressUnusable,
    CertificateUnusable,
    WebAddress,
    WebServerFailed,
    serve_pages,
)


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
        serve_pages(
            lambda: _application(office),
            WebAddress(settings.host, settings.port, settings.tls_certificate, settings.tls_key),
            name="kiosk",
            on_ready=on_ready,
            stop=stop,
        )
    except AddressUnusable as error:
        raise KioskFailed(
            f"kiosk.host {settings.host}, kiosk.port {settings.port}: {error}",
            next_step="stop the other program, set kiosk.port to a free port (0 takes any), "
            "or use an address of this machine, e.g. 127.0.0.1",
        ) from error
    except CertificateUnusable as error:
        raise KioskFailed(
            f"kiosk.tls_certificate {settings.tls_certificate} cannot be used: {error}",
            next_step=error.next_step,
        ) from error
    except WebServerFailed as error:
        raise KioskFailed(str(error), next_step=error.next_step) from error
    finally:
        office.close()


def _application(office: KioskOffice) -> ASGIApp:
    # Loaded only where pages are wanted: NiceGUI costs memory and start time.
    from enroll.kiosk.app import kiosk_app  # noqa: PLC0415

    return kiosk_app(office)
