"""What somebody typed into a form → values, or every slip at once, each beside its field. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from sync.central.errors import CentralError
from sync.forms.checking import unified

LONGEST_LINE = 100
LONGEST_TEXT = 500
PHONE_DIGITS = range(5, 16)
"""ITU-T E.164 ends at 15 digits; the shortest that people give are local numbers."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_PHONE_FILLING = re.compile(r"[\s\-()./]+")
_DOTS = re.compile(r"[•・．]")
_PLATE = re.compile(r"[^\W_]{4,16}")


class Slip(StrEnum):
    """Why a field cannot be taken; a page has words for each."""

    REQUIRED = "required"
    TOO_LONG = "too_long"
    NO_PHONE = "no_phone"
    NO_NUMBER = "no_number"
    OUT_OF_RANGE = "out_of_range"
    NO_DAY = "no_day"
    NO_PLATE = "no_plate"
    NOT_OFFERED = "not_offered"
    UNKNOWN_WORKER = "unknown_worker"
    NOT_FOUND = "not_found"
    SAME_PERSON = "same_person"
    SEAT_TAKEN = "seat_taken"
    BUS_FULL = "bus_full"
    NO_PHOTO = "no_photo"
    NO_VAULT = "no_vault"


class FieldsRefused(CentralError, ValueError):
    """Some fields cannot be taken; `slips` by the name of the field. Repeats nothing of what was typed."""

    def __init__(self, slips: Mapping[str, Slip]) -> None:
        said = ", ".join(f"{name}: {slip}" for name, slip in slips.items())
        super().__init__(f"cannot be taken: {said}", next_step="correct the marked fields and send again")
        self.slips = dict(slips)


class TypedFields:
    """Reads fields one after the other; `finish` refuses whatever was wrong with any of them.

    A field that cannot be read gives a value that is not used: `finish` raises before anybody sees it.
    """

    def __init__(self, typed: Mapping[str, str]) -> None:
        self._typed = typed
        self.slips: dict[str, Slip] = {}

    def line(self, name: str, *, required: bool = True, longest: int = LONGEST_LINE) -> str:
        """One line of text without spaces around it."""
        return " ".join(self.text(name, required=required, longest=longest).split())

    def text(self, name: str, *, required: bool = False, longest: int = LONGEST_TEXT) -> str:
        """Text of any lines."""
        text = _CONTROL.sub("", unicodedata.normalize("NFC", self._typed.get(name, ""))).strip()
        if not text and required:
            self.slip(name, Slip.REQUIRED)
        if len(text) > longest:
            self.slip(name, Slip.TOO_LONG)
        return text

    def phone(self, name: str, *, required: bool = True) -> str:
        """Digits, perhaps with a plus before them; full-width digits, spaces and dashes are understood."""
        raw = self.line(name, required=required)
        if not raw:
            return ""
        number = phone_of(raw)
        if not number:
            self.slip(name, Slip.NO_PHONE)
        return number

    def plate(self, name: str) -> str:
        """A vehicle's plate, see `plate_of`."""
        raw = self.line(name)
        plate = plate_of(raw)
        if raw and not plate:
            self.slip(name, Slip.NO_PLATE)
        return plate

    def whole(self, name: str, low: int, high: int) -> int:
        """A whole number within both bounds."""
        return round(self._number(name, low, high, required=True, whole=True) or 0)

    def decimal(self, name: str, low: float, high: float) -> float | None:
        """A number within both bounds; a comma for the point is understood; None for an empty field."""
        return self._number(name, low, high, required=False, whole=False)

    def day(self, name: str, earliest: date, latest: date) -> date:
        """A calendar day `YYYY-MM-DD` within both bounds."""
        raw = self.line(name)
        try:
            day = date.fromisoformat(raw)
        except ValueError:
            self.slip(name, Slip.NO_DAY)
            return earliest
        if not earliest <= day <= latest:
            self.slip(name, Slip.OUT_OF_RANGE)
        return day

    def choice(self, name: str, offered: Mapping[str, object] | frozenset[str]) -> str:
        """One of what was offered."""
        raw = self.line(name)
        if raw and raw not in offered:
            self.slip(name, Slip.NOT_OFFERED)
        return raw

    def ticked(self, name: str) -> bool:
        """A checkbox."""
        return bool(self._typed.get(name))

    def slip(self, name: str, slip: Slip) -> None:
        """Something is wrong with this field; the first thing counts."""
        self.slips.setdefault(name, slip)

    def finish(self) -> None:
        """Raises FieldsRefused."""
        if self.slips:
            raise FieldsRefused(self.slips)

    def _number(self, name: str, low: float, high: float, *, required: bool, whole: bool) -> float | None:
        raw = unicodedata.normalize("NFKC", self.line(name, required=required)).replace(",", ".")
        if not raw:
            return None
        try:
            value = float(int(raw)) if whole else float(raw)
        except (ValueError, OverflowError):
            self.slip(name, Slip.NO_NUMBER)
            return None
        if not low <= value <= high:
            self.slip(name, Slip.OUT_OF_RANGE)
        return value


def phone_of(text: str) -> str:
    """The number in its canonical form; empty where it is none. +86 before a Chinese mobile number goes.

    >>> phone_of("+86 138-0000-0000"), phone_of("１３８００００００００"), phone_of("no")
    ('13800000000', '13800000000', '')
    """
    plain = _PHONE_FILLING.sub("", unicodedata.normalize("NFKC", text))
    digits = plain.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()) or len(digits) not in PHONE_DIGITS:
        return ""
    for prefix in ("86", "0086"):
        if digits.startswith(prefix + "1") and len(digits) == len(prefix) + 11:
            return digits.removeprefix(prefix)
    return plain


def plate_of(text: str) -> str:
    """A plate without spaces and dots, in capitals, as trips by bus are declared; empty where it is none.

    >>> plate_of("京a·12345"), plate_of("!")
    ('京A12345', '')
    """
    plate = unified(_DOTS.sub("", text))
    return plate if _PLATE.fullmatch(plate) else ""


def masked_name(name: str) -> str:
    """The first character of each word, stars for the rest.

    >>> masked_name("示例人"), masked_name("Anna Lee")
    ('示**', 'A*** L**')
    """
    return " ".join(word[0] + "*" * (len(word) - 1) for word in name.split())


def masked_number(number: str) -> str:
    """First three and last two characters of a phone or document number; short ones only their last two.

    >>> masked_number("13800001234"), masked_number("12345")
    ('138******34', '***45')
    """
    shown = 3 if len(number) > 7 else 0
    return number[:shown] + "*" * max(0, len(number) - shown - 2) + number[-2:] if number else ""
