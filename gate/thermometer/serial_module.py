"""Infrared modules that say a line of text per value, in °C: object first, then ambient."""

from __future__ import annotations

import re
import termios

import serial

from gate.badge_reader import Lines
from gate.errors import ThermometerError
from gate.screening_settings import ThermometerSettings
from gate.thermometer.base import Raw

NEXT_STEP = "check plug and power of the module, thermometer.device and baud, and the group dialout"
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")
_AMBIENT = re.compile(r"(?:ambient|amb|ta)[^\w+-]{0,3}([-+]?\d+(?:\.\d+)?)", re.IGNORECASE)
_OBJECT = re.compile(r"(?:object|obj|body|to|tb|t)[^\w+-]{0,3}([-+]?\d+(?:\.\d+)?)", re.IGNORECASE)


def parsed(line: str) -> Raw | None:
    """A line of a module; None for one that names no temperature.

    >>> parsed("TA:24.81 TO=36.52")
    Raw(object_c=36.52, ambient_c=24.81)
    >>> parsed("36.5,24.1")
    Raw(object_c=36.5, ambient_c=24.1)
    """
    ambient, body = _AMBIENT.search(line), _OBJECT.search(_AMBIENT.sub("", line))
    if body is not None:
        return Raw(float(body[1]), None if ambient is None else float(ambient[1]))
    numbers = [] if ambient is not None else _NUMBER.findall(line)
    if not numbers:
        return None
    return Raw(float(numbers[0]), float(numbers[1]) if len(numbers) > 1 else None)


class SerialModule:
    """A port of its own."""

    def __init__(self, settings: ThermometerSettings) -> None:
        self._settings = settings
        self._port: serial.Serial | None = None
        self._lines = Lines()

    @property
    def name(self) -> str:
        return f"serial {self._settings.device}"

    def read(self) -> Raw | None:
        """The newest whole line. Raises ThermometerError."""
        try:
            if self._port is None:
                self._port = serial.Serial(
                    self._settings.device,
                    self._settings.baud,
                    timeout=self._settings.timeout_s,
                    exclusive=True,
                )
            data = self._port.read(1)
            lines = self._lines.fed(data + self._port.read(self._port.in_waiting))
        except (OSError, ValueError, termios.error) as error:  # SerialException is an OSError
            raise ThermometerError(f"{self.name} does not answer: {error}", next_step=NEXT_STEP) from error
        found = [raw for line in lines if (raw := parsed(line)) is not None]
        return found[-1] if found else None

    def close(self) -> None:
        if self._port is not None:
            self._port.close()
            self._port, self._lines = None, Lines()
