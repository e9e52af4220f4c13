"""A pasted list of riders, one a line → who they are and where they sit, or what is wrong with a line. Pure.

A line holds a worker's number, or a name with a document number or phone; a seat may follow. Parts are split
by tabs or commas as a spreadsheet or a chat gives them, or by spaces.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from sync.central.errors import CentralError
from sync.central.typed_fields import LONGEST_LINE, Slip, phone_of
from sync.people import DocumentType
from sync.resident_number import DocumentNumberInvalid, check_document

_SPLITS = re.compile(r"[\t,;，；、]+")
_SPACES = re.compile(r"\s+")
_SEAT = re.compile(r"([0-9]{1,3})[号座]?")
_MOBILE_DIGITS = 11
_LONGEST_DOCUMENT = 64
_PAPERS = (DocumentType.RESIDENT_ID, DocumentType.HONGKONG_MACAO_PERMIT, DocumentType.PASSPORT)
"""Tried in this order: nobody says in a list which paper a number is of."""


@dataclass(frozen=True, slots=True)
class RiderLine:
    """One rider as typed. `seat` None: any. `document` is canonical, with its likely type."""

    worker_id: str = ""
    name: str = ""
    phone: str = ""
    document_type: DocumentType | None = None
    document: str = ""
    seat: int | None = None


class LinesRefused(CentralError, ValueError):
    """Nothing was taken; `slips` by the number of the line, from 1."""

    def __init__(self, slips: Mapping[int, Slip]) -> None:
        said = ", ".join(f"line {number}: {slip}" for number, slip in slips.items())
        super().__init__(said, next_step="correct these lines and send the list again")
        self.slips = dict(slips)


def parts_of(text: str) -> list[list[str]]:
    """The parts of each line, empty lines as empty lists, so that numbers of lines stay."""
    lines = unicodedata.normalize("NFKC", text).splitlines()
    return [[part for part in map(_plain, _split(line)) if part] for line in lines]


def read_lines(lines: list[list[str]], known_workers: Collection[str], today: date) -> dict[int, RiderLine]:
    """What each line says, by its number; `known_workers` are the parts that are numbers of workers.

    Raises LinesRefused: every line that cannot be read.
    """
    found: dict[int, RiderLine] = {}
    slips: dict[int, Slip] = {}
    for number, parts in enumerate(lines, start=1):
        if not parts:
            continue
        read = _line(parts, known_workers, today)
        if isinstance(read, Slip):
            slips[number] = read
        else:
            found[number] = read
    if slips:
        raise LinesRefused(slips)
    return found


def _plain(part: str) -> str:
    """Without control characters, of which PostgreSQL takes no zero, and without spaces around it."""
    return "".join(character for character in part if character.isprintable()).strip()


def _split(line: str) -> list[str]:
    return _SPLITS.split(line) if _SPLITS.search(line) else _SPACES.split(line)


def _line(parts: list[str], known_workers: Collection[str], today: date) -> RiderLine | Slip:
    worker_id = name = phone = document = ""
    document_type: DocumentType | None = None
    seat: int | None = None
    for place, part in enumerate(parts):
        as_seat = _SEAT.fullmatch(part)
        if len(part) > LONGEST_LINE:
            return Slip.TOO_LONG
        if not worker_id and part in known_workers and (place == 0 or as_seat is None):
            worker_id = part
        elif as_seat is not None:
            seat = int(as_seat[1])
        elif _is_mobile(part):
            phone = phone_of(part)
        elif not any(character.isdigit() for character in part):
            name = f"{name} {part}".strip()
        else:
            document_type, document = _document(part, today)
    if not document and document_type is not None:
        return Slip.NO_NUMBER
    if not worker_id and not name:
        return Slip.UNKNOWN_WORKER
    if not worker_id and not document and not phone:
        return Slip.REQUIRED
    return RiderLine(worker_id, name, phone, document_type, document, seat)


def _is_mobile(part: str) -> bool:
    phone = phone_of(part)
    return len(phone) == _MOBILE_DIGITS and phone.startswith("1")


def _document(part: str, today: date) -> tuple[DocumentType, str]:
    """The first paper that the number fits; empty where it looks like a resident number and is none."""
    for paper in _PAPERS:
        try:
            return paper, check_document(paper, part, today)
        except DocumentNumberInvalid:
            if paper is DocumentType.RESIDENT_ID and re.fullmatch(r"[0-9]{17}[0-9Xx]", part):
                return paper, ""
    return DocumentType.OTHER, part[:_LONGEST_DOCUMENT].upper()
