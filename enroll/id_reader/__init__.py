"""Readers for identity cards, chosen by name: they fill in the identity page."""

from __future__ import annotations

from enroll.id_reader.base import IdCard, IdReader, IdReaderFault
from enroll.settings import IdReaderSettings

__all__ = ["IdCard", "IdReader", "IdReaderFault", "open_reader"]


def open_reader(settings: IdReaderSettings) -> IdReader | None:
    """The reader of the configuration, None where there is none. Opening it happens at the first card."""
    match settings.driver:
        case "none":
            return None
        case "simulated":
            from enroll.id_reader.simulated import SimulatedReader  # noqa: PLC0415

            return SimulatedReader()
        case "serial":
            from enroll.id_reader.line import LineReader  # noqa: PLC0415 - pyserial only where it is used

            return LineReader(settings.device, baud=settings.baud, timeout_s=settings.timeout_s)
