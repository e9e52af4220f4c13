"""Seats and carriages as people write them: 12A, 12, 03, 3车, ０３车厢."""

from __future__ import annotations

import re
import unicodedata

_ROW = re.compile(r"0*(\d{1,3})(?!\d)")
_CARRIAGE = re.compile(r"0*(\d{1,3})(?:号?车?厢?)")


def seat_row(seat: str) -> int | None:
    """The row of a seat, 12 for `12A` and `12`; None where a seat tells none."""
    found = _ROW.match(_plain(seat))
    return int(found[1]) if found else None


def carriage_number(carriage: str) -> str:
    """One spelling of a carriage: `3` for `03`, `3车` and `3号车厢`; `加1` as it is; empty: none is said."""
    plain = _plain(carriage)
    found = _CARRIAGE.fullmatch(plain)
    return str(int(found[1])) if found else plain


def _plain(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).upper()
