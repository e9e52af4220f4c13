"""USB relay boards that appear as a serial port, through pyserial.

`lcus`   LCTech LCUS-1 to LCUS-8 and their many copies: four bytes, A0, channel, 01 on or 00 off, and the sum
         of the three modulo 256. The board answers nothing, so that the state is what was last set.
`ascii`  Numato's command set: `relay on N`, `relay off N`, `relay read N`, each ended by a carriage return,
         N from 0, above 9 as a letter. The board echoes and answers `on` or `off`.
"""

from __future__ import annotations

import logging
import re
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import serial

from gate.errors import RelayError
from gate.relays.shared import Shared
from gate.settings import RelaySettings

log = logging.getLogger(__name__)

LCUS_START = 0xA0
ASCII_PROMPT = b">"
_ASCII_STATE = re.compile(rb"[\r\n]\s*(on|off)\b")
_NEXT_STEP = (
    "check that the board is plugged in, that `device` is its port (stable: /dev/serial/by-id/...), that"
    " `protocol` and `baud` fit, and that the user is in the group dialout"
)


def lcus_frame(channel: int, energised: bool) -> bytes:
    """
    >>> lcus_frame(1, True).hex(" ")
    'a0 01 01 a2'
    """
    body = (LCUS_START, channel, int(energised))
    return bytes((*body, sum(body) & 0xFF))


class SerialPort:
    """The port of one board, shared by its channels; opened at the first call and again after a loss."""

    def __init__(self, device: str, baud: int) -> None:
        self._device = device
        self._baud = baud
        self._lock = threading.Lock()
        self._port: serial.Serial | None = None

    @contextmanager
    def taken(self, timeout_s: float) -> Iterator[serial.Serial]:
        """The open port, for this caller alone. Raises OSError; then the port is opened anew next time."""
        if not self._lock.acquire(timeout=timeout_s):
            raise TimeoutError(f"the board is busy for {timeout_s:g} s")
        try:
            if self._port is None:
                self._port = serial.Serial(self._device, self._baud, exclusive=True)
            self._port.timeout = self._port.write_timeout = timeout_s
            yield self._port
        except (OSError, ValueError):  # SerialException is an OSError
            self._drop()
            raise
        except termios.error as error:  # pyserial lets it through; it is no OSError
            self._drop()
            raise OSError(*error.args) from error
        finally:
            self._lock.release()

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            try:
                port.close()
            except OSError as error:
                log.debug("%s: closing the lost port: %s", self._device, error)


_PORTS: Shared[SerialPort] = Shared()


class SerialRelay:
    """One channel of a board. With `active: low` the board's relay is on while the door is shut."""

    def __init__(self, settings: RelaySettings) -> None:
        self._settings = settings
        self._name = f"serial {settings.device} {settings.protocol} channel {settings.channel}"
        self._port = _PORTS.join(settings.device, lambda: SerialPort(settings.device, settings.baud))
        self._last_set = False
        self._closed = False
        try:
            self.set(False)
        except RelayError as error:
            log.warning("%s; its door keeps trying", error)

    @property
    def name(self) -> str:
        return self._name

    def set(self, energised: bool) -> None:
        """An `ascii` board is read back; an `lcus` board cannot be."""
        on = energised == (self._settings.active == "high")
        with self._taken() as port:
            if self._settings.protocol == "lcus":
                port.write(lcus_frame(self._settings.channel, on))
            else:
                self._ask_ascii(port, "on" if on else "off")
                if self._read_ascii(port) != on:
                    raise RelayError(f"{self._name} did not follow", next_step=_NEXT_STEP)
        self._last_set = energised

    def is_energised(self) -> bool:
        """What an `ascii` board says; `lcus` boards say nothing, so what was last set while plugged in."""
        with self._taken() as port:
            if self._settings.protocol == "ascii":
                return self._read_ascii(port) == (self._settings.active == "high")
            port.in_waiting  # noqa: B018 - raises when the board was pulled out
            return self._last_set

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            self.set(False)
        except RelayError as error:
            log.error("%s at closing; %s", error, error.next_step)
        if _PORTS.leave(self._settings.device) is not None:
            self._port.close()

    @contextmanager
    def _taken(self) -> Iterator[serial.Serial]:
        try:
            with self._port.taken(self._settings.timeout_s) as port:
                yield port
        except RelayError:
            raise
        except (OSError, ValueError) as error:
            raise RelayError(f"{self._name} does not answer: {error}", next_step=_NEXT_STEP) from error

    def _read_ascii(self, port: serial.Serial) -> bool:
        answer = self._ask_ascii(port, "read")
        state = _ASCII_STATE.search(answer)
        if state is None:
            raise ValueError(f"unexpected answer {answer[:40]!r}")
        return state.group(1) == b"on"

    def _ask_ascii(self, port: serial.Serial, verb: str) -> bytes:
        """The answer up to the prompt."""
        allowed_s = self._settings.timeout_s / 2  # a call asks twice at most
        deadline_s = time.monotonic() + allowed_s
        port.reset_input_buffer()
        port.write(f"relay {verb} {self._settings.channel - 1:X}\r".encode("ascii"))
        answer = b""
        while not answer.endswith(ASCII_PROMPT):
            port.timeout = max(0.0, deadline_s - time.monotonic())
            piece = port.read(1)
            if not piece:
                raise TimeoutError(f"no answer to `relay {verb}` within {allowed_s:g} s")
            answer += piece
        return answer
