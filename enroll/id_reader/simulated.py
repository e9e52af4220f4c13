"""A reader without a device: cards are laid on it by a test, or by nobody in a demonstration."""

from __future__ import annotations

import threading
from datetime import date

from enroll.id_reader.base import READER_SILENT, IdCard, IdReaderFault
from sync.people import DocumentType, Sex
from sync.resident_number import check_character

_NAMES = ("示例工人甲", "示例工人乙", "示例工人丙")
_FIRST_BIRTH_YEAR = 1988


def sample_card(number: int) -> IdCard:
    """A card of nobody: the sequence 000 of a birth date is not given to people."""
    born = date(_FIRST_BIRTH_YEAR + number % 12, 1 + number % 12, 1 + number % 28)
    digits = f"110101{born:%Y%m%d}000"
    return IdCard(
        DocumentType.RESIDENT_ID,
        digits + check_character(digits),
        _NAMES[number % len(_NAMES)],
        Sex.FEMALE,
        born,
        "示例市示例路",
    )


class SimulatedReader:
    """Every reading finds the next sample card, unless `lay` says which one or that there is none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0
        self._laid: list[IdCard | None] = []
        self.is_plugged_in = True

    def lay(self, card: IdCard | None) -> None:
        """What the next reading finds."""
        with self._lock:
            self._laid.append(card)

    def read(self) -> IdCard | None:
        if not self.is_plugged_in:
            raise IdReaderFault(
                "the card reader does not answer", next_step="Check its cable.", words=READER_SILENT
            )
        with self._lock:
            if self._laid:
                return self._laid.pop(0)
            self._next += 1
            return sample_card(self._next - 1)

    def close(self) -> None:
        """Nothing is open."""
