"""Card readers by name: `none`, `serial` (a line of text per badge), `simulated`; see docs/wiring.md."""

from __future__ import annotations

import logging
import termios
import threading
from collections.abc import Callable
from typing import Protocol

import serial

from gate.settings import BadgeReaderSettings
from sync.backoff import Backoff

log = logging.getLogger(__name__)

READ_TIMEOUT_S = 0.5
REOPEN_MIN_S, REOPEN_MAX_S = 0.5, 15.0
LINE_ENDS = b"\r\n\x03"
"""Carriage return, line feed, or the end-of-text sign of readers that frame their numbers."""
IGNORED = b"\x02\x00"
MAX_LINE_BYTES = 128
"""More without an end is no badge: another device, or the wrong speed."""

Heard = Callable[[str], None]


class BadgeReader(Protocol):
    """Calls `heard` with every number from its own thread; `problem` is empty while it works."""

    @property
    def problem(self) -> str: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


def open_badge_reader(settings: BadgeReaderSettings, heard: Heard) -> BadgeReader | None:
    """The reader that `settings` describes; None where nothing is wired. Nothing is opened before `start`."""
    if settings.driver == "none":
        return None
    if settings.driver == "simulated":
        return SimulatedBadgeReader(heard)
    return SerialBadgeReader(settings, heard)


def port_problem(settings: BadgeReaderSettings) -> str:
    """Why the port of a `serial` reader cannot be opened; empty where it can."""
    try:
        serial.Serial(settings.device, settings.baud, exclusive=True).close()
    except (OSError, ValueError, termios.error) as error:  # SerialException is an OSError
        return f"{settings.device} cannot be opened: {error}"
    return ""


class SimulatedBadgeReader:
    """A reader to which a program holds badges."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self.problem = ""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def hold(self, number: str) -> None:
        """Hold a badge to the reader."""
        if not self.problem:
            self._heard(number)


class Lines:
    """Puts numbers together from bytes as they come.

    >>> Lines().fed(b"\\x020004771233\\x03")
    ['0004771233']
    """

    def __init__(self) -> None:
        self._line = bytearray()
        self._too_long = False

    def fed(self, data: bytes) -> list[str]:
        """The lines that these bytes complete; what is no text or too long is left out."""
        done = []
        for value in data:
            if value in LINE_ENDS:
                if self._line and not self._too_long:
                    done.append(self._line.decode("ascii", errors="replace"))
                self._line.clear()
                self._too_long = False
            elif value not in IGNORED:
                self._too_long = self._too_long or len(self._line) >= MAX_LINE_BYTES
                if not self._too_long:
                    self._line.append(value)
        return done


class SerialBadgeReader:
    """A reader on a serial port, opened at the start and again after every loss."""

    def __init__(self, settings: BadgeReaderSettings, heard: Heard) -> None:
        self._settings = settings
        self._heard = heard
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"badge {settings.device}", daemon=True)
        self.problem = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(2 * READ_TIMEOUT_S)

    def _run(self) -> None:
        backoff = Backoff(REOPEN_MIN_S, REOPEN_MAX_S)
        while not self._stopped.is_set():
            try:
                with serial.Serial(
                    self._settings.device, self._settings.baud, timeout=READ_TIMEOUT_S, exclusive=True
                ) as port:
                    self._settle("")
                    backoff.reset()
                    self._listen(port)
            except (OSError, ValueError, termios.error) as error:  # SerialException is an OSError
                self._settle(f"badge reader {self._settings.device} does not answer: {error}")
                self._stopped.wait(backoff.next_s())

    def _listen(self, port: serial.Serial) -> None:
        lines = Lines()
        while not self._stopped.is_set():
            data = port.read(1)
            for number in lines.fed(data + port.read(port.in_waiting)):
                try:
                    self._heard(number)
                except Exception:  # one badge must not silence the reader for the next
                    log.exception("a badge")

    def _settle(self, problem: str) -> None:
        if problem and not self.problem:
            log.error("%s; check plug, `device` and the group dialout", problem)
        self.problem = problem
