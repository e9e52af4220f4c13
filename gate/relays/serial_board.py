"""USB relay boards that appear as a serial port, through pyserial.

`lcus`   LCTech LCUS-1 to LCUS-8 and their many copies: four bytes, A0, channel, 01 on or 00 off, and the sum
         of the three modulo 256. The board answers nothing, so that the state is what was last set.
`ascii`  Numato's command set: `relay on N`, `relay off N`, `relay read N`, each ended by a carriage return,
         N from 0, above 9 as a letter. The board echoes and answers `on` or `off`.
"""

from __future__ import annotations

import logging
import re
import threading
import time

import serial

from gate.errors import RelayError
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


class SerialRelay:
    """One channel of a board; the port is opened at the first call and again after a loss."""

    def __init__(self, settings: RelaySettings) -> None:
        self._settings = settings
        self._name = f"serial {settings.device} {settings.protocol} channel {settings.channel}"
        self._lock = threading.Lock()
        self._port: serial.Serial | None = None
        self._last_set = False
        try:
            self.set(False)
        except RelayError as error:
            log.warning("%s; its door keeps trying", error)

    @property
    def name(self) -> str:
        return self._name

    def set(self, energised: bool) -> None:
        # a normally-closed board releases by switching its relay on
        on = energised == (self._settings.active == "high")
        with self._lock:
            try:
                self._switch(on)
            except RelayError:
                raise
            except (OSError, ValueError) as error:  # SerialException is an OSError
                self._drop()
                raise RelayError(f"{self._name} does not answer: {error}", next_step=_NEXT_STEP) from error
            self._last_set = energised

    def is_energised(self) -> bool:
        """What an `ascii` board says; `lcus` boards say nothing, so what was last set while plugged in."""
        with self._lock:
            try:
                if self._settings.protocol == "lcus":
                    self._opened().in_waiting  # noqa: B018 - raises when the board was pulled out
                    return self._last_set
                return self._read_ascii() == (self._settings.active == "high")
            except (OSError, ValueError) as error:
                self._drop()
                raise RelayError(f"{self._name} does not answer: {error}", next_step=_NEXT_STEP) from error

    def close(self) -> None:
        try:
            self.set(False)
        except RelayError as error:
            log.error("%s at closing; %s", error, error.next_step)
        with self._lock:
            self._drop()

    def _switch(self, on: bool) -> None:
        if self._settings.protocol == "lcus":
            port = self._opened()
            port.write(lcus_frame(self._settings.channel, on))
            return
        self._ask_ascii("on" if on else "off")
        if self._read_ascii() != on:
            raise RelayError(f"{self._name} did not follow", next_step=_NEXT_STEP)

    def _read_ascii(self) -> bool:
        answer = self._ask_ascii("read")
        state = _ASCII_STATE.search(answer)
        if state is None:
            raise ValueError(f"unexpected answer {answer[:40]!r}")
        return state.group(1) == b"on"

    def _ask_ascii(self, verb: str) -> bytes:
        """The answer up to the prompt."""
        port = self._opened()
        port.reset_input_buffer()
        port.write(f"relay {verb} {self._settings.channel - 1:X}\r".encode("ascii"))
        deadline_s = time.monotonic() + self._settings.timeout_s / 2  # a call asks twice at most
        answer = b""
        while not answer.endswith(ASCII_PROMPT):
            port.timeout = max(0.0, deadline_s - time.monotonic())
            piece = port.read(1)
            if not piece:
                raise TimeoutError(f"no answer to `relay {verb}` within {self._settings.timeout_s / 2:g} s")
            answer += piece
        return answer

    def _opened(self) -> serial.Serial:
        if self._port is None:
            self._port = serial.Serial(
                self._settings.device,
                self._settings.baud,
                timeout=self._settings.timeout_s,
                write_timeout=self._settings.timeout_s,
                exclusive=True,
            )
        return self._port

    def _drop(self) -> None:
        if self._port is not None:
            try:
                self._port.close()
            except OSError as error:
                log.debug("%s: closing the lost port: %s", self._name, error)
            self._port = None
