"""`sitegate kiosk check`: what the kiosk needs, and whether it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from enroll.consent_text import ConsentTexts
from enroll.id_reader import open_reader
from enroll.kiosk.office import KioskOffice
from models.clock import SystemClock
from models.errors import ModelError
from models.sources.opening import CAMERA_PATIENCE_S, open_source, try_source
from sync.backoff import Backoff
from sync.errors import SyncError


@dataclass(frozen=True, slots=True)
class Finding:
    """One part and how it is; `text` says what to do where it is not good."""

    part: str
    is_good: bool
    text: str


def look_over(office: KioskOffice, *, camera_patience_s: float = CAMERA_PATIENCE_S) -> list[Finding]:
    """Every part, in the order in which a day needs them."""
    return [_finding(part, look) for part, look in _parts(office, camera_patience_s)]


def _parts(office: KioskOffice, camera_patience_s: float) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "users", lambda: _users(office)
    yield "consent texts", lambda: _consent_texts(office)
    yield "data handler", lambda: _data_handler(office)
    yield "face engine", lambda: f"{office.engine.embedder_name} {office.engine.embedder_version}"
    yield "camera", lambda: _camera(office, camera_patience_s)
    yield "card reader", lambda: _reader(office)


def _finding(part: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(part, True, look())
    except (SyncError, ModelError) as error:
        return Finding(part, False, f"{error}. {error.next_step}".strip())


def _users(office: KioskOffice) -> str:
    count = len(office.store.kiosk_users())
    if not count:
        raise SyncError("nobody can sign in", next_step="sitegate kiosk user add NAME --role site_manager")
    return f"{count} may sign in"


def _consent_texts(office: KioskOffice) -> str:
    settings = office.settings.kiosk
    texts = ConsentTexts.load(settings, office.settings.site)
    return ", ".join(f"{texts.current(one).version} ({one})" for one in settings.languages)


def _data_handler(office: KioskOffice) -> str:
    settings = office.settings.kiosk
    named = {"kiosk.data_handler": settings.data_handler, "kiosk.data_contact": settings.data_contact}
    if missing := [key for key, value in named.items() if not value.strip()]:
        raise SyncError(
            f"{' and '.join(missing)} not set, which the consent text must state",
            next_step="Name the company, and a telephone number or an address.",
        )
    return f"{settings.data_handler}, {settings.data_contact}"


def _camera(office: KioskOffice, patience_s: float) -> str:
    settings, clock = office.settings.kiosk.source, SystemClock()
    source = open_source(settings, clock=clock, waits=Backoff)
    height, width = try_source(source, settings.kind, clock=clock, patience_s=patience_s).image.shape[:2]
    return f"{settings.kind}, {width}x{height}"


def _reader(office: KioskOffice) -> str:
    settings = office.settings.kiosk.id_reader
    reader = open_reader(settings)
    if reader is None:
        return "none configured"
    try:
        card = reader.read()
    finally:
        reader.close()
    return f"{settings.driver} answers" + ("" if card is None else ", a card lies on it")
