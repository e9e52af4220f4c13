"""A reader on a USB serial line; the protocol is documented in docs/kiosk.md.

The kiosk sends `READ` and a line end; the reader answers one line of UTF-8 within the timeout:

    CARD {"type":"resident_id","number":"…","name":"…","sex":"male","birth":"19491231","address":"…"}
    NOCARD
    ERROR what is wrong
"""

from __future__ import annotations

import json
import termios
import threading
from datetime import datetime

import serial

from enroll.id_reader.base import READER_FOREIGN, READER_REFUSES, READER_SILENT, IdCard, IdReaderFault
from sync.people import DocumentType, Sex

MAX_LINE_BYTES = 4096
_QUESTION = b"READ\n"


class LineReader:
    """Opens the device at the first reading; after a fault the next reading opens it afresh."""

    def __init__(self, device: str, *, baud: int, timeout_s: float) -> None:
        self._device = device
        self._baud = baud
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._port: serial.Serial | None = None

    def read(self) -> IdCard | None:
        with self._lock:
            try:
                line = self._ask()
            except IdReaderFault:
                self._drop()
                raise
            except (OSError, termios.error) as error:  # pyserial lets termios.error through
                self._drop()
                raise IdReaderFault(
                    f"the card reader at {self._device} does not work",
                    next_step="Check its cable; the fields can be typed.",
                    words=READER_SILENT,
                ) from error
        return _card(line, self._device)

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _ask(self) -> str:
        if self._port is None:
            self._port = serial.Serial(
                self._device,
                self._baud,
                timeout=self._timeout_s,
                write_timeout=self._timeout_s,
                exclusive=True,
            )
        self._port.reset_input_buffer()  # an answer that came too late belongs to another card
        self._port.write(_QUESTION)
        line = self._port.read_until(b"\n", MAX_LINE_BYTES)
        if not line.endswith(b"\n"):
            raise IdReaderFault(
                f"the card reader at {self._device} did not answer within {self._timeout_s:g} s",
                next_step="Check its cable; the fields can be typed.",
                words=READER_SILENT,
            )
        return str(line.decode("utf-8", errors="replace")).strip()

    def _drop(self) -> None:
        if self._port is not None:
            self._port.close()
            self._port = None


def _card(line: str, device: str) -> IdCard | None:
    word, _, rest = line.partition(" ")
    if word == "NOCARD":
        return None
    if word == "ERROR":
        raise IdReaderFault(
            f"the card reader at {device} says: {rest[:100]}",
            next_step="Lay the card anew.",
            words=READER_REFUSES,
        )
    try:
        fields = json.loads(rest if word == "CARD" else "")
        born = str(fields.get("birth", ""))
        return IdCard(
            DocumentType(fields["type"]),
            str(fields["number"]),
            str(fields["name"]),
            Sex(fields.get("sex", Sex.UNSTATED)),
            datetime.strptime(born, "%Y%m%d").date() if born else None,  # noqa: DTZ007 - a date has no zone
            str(fields.get("address", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        # The line holds somebody's card: it is not repeated.
        raise IdReaderFault(
            f"the card reader at {device} answered in another language",
            next_step="It must speak the line protocol of docs/kiosk.md.",
            words=READER_FOREIGN,
        ) from error
