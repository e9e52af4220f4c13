"""What a row of a list says about a person, in one spelling, or why it says nothing that can be used.

No message repeats what stands in a cell.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from sync.people import DocumentType
from sync.records import FlagLevel
from sync.resident_number import (
    DOCUMENT_WORDS,
    SHAPES,
    DocumentNumberInvalid,
    DocumentProblem,
    ResidentNumberInvalid,
    check_document,
    normalised,
)
from sync.screening.list_file import ListRow

OLDEST_YEAR = 1900
PHONE_DIGITS = (7, 15)
"""A number within China without its area code; E.164 allows 15."""

CATEGORY_CHARACTERS = 64

CHECKED_CHARACTERS = 18
"""Of a resident number with its check character (GB 11643-1999)."""

_CHECKED = frozenset({DocumentType.RESIDENT_ID, DocumentType.FOREIGN_PERMANENT})
_FOREIGN_FIRST_DIGIT = "9"
_RESIDENT_SHAPE = re.compile(r"[0-9]{15}|[0-9X]{18}")
_SLIPS = frozenset(
    {DocumentProblem.CHECKSUM, DocumentProblem.DATE, DocumentProblem.REGION, DocumentProblem.FUTURE}
    | {DocumentProblem.TOO_OLD}
)
"""Problems that one wrong digit makes: such a number can still be near somebody's."""

_TOLD_BY_SHAPE = (
    DocumentType.FOREIGN_PERMANENT,
    DocumentType.HONGKONG_MACAO_PERMIT,
    DocumentType.TAIWAN_PERMIT,
)
_LEVEL_WORDS = {
    "禁止": FlagLevel.BLOCK,
    "禁止进入": FlagLevel.BLOCK,
    "拦截": FlagLevel.BLOCK,
    "核查": FlagLevel.HOLD,
    "暂停": FlagLevel.HOLD,
    "人工核验": FlagLevel.HOLD,
    "提醒": FlagLevel.NOTIFY,
    "通知": FlagLevel.NOTIFY,
    "关注": FlagLevel.NOTIFY,
}
_DATE = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?:[ T].*)?")
_NAME_NOISE = re.compile(r"[\s·•・.,'’-]+")
_NOT_A_DIGIT = re.compile(r"[\s()（）+\-‐-―－.]+")
_CHINA = "86"
_MOBILE_DIGITS = 11


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One person of a list. Times are aware; `valid_until` is the first instant at which it no longer holds.

    number       in its canonical form; empty: the list names the person in another way
    is_checked   the number has a check character that fits: no single slip leads to another such number
    near_form    of a number that may hold a slip, as it was written; empty where it cannot
    name         in one spelling, see `plain_name`
    """

    row: int
    number: str = ""
    is_checked: bool = False
    near_form: str = ""
    phone: str = ""
    name: str = ""
    birth_date: date | None = None
    category: str = ""
    level: FlagLevel | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    remark: str = ""

    @property
    def identity(self) -> str:
        """The same for the same person in the next version of the list."""
        born = self.birth_date.isoformat() if self.birth_date else ""
        return "\0".join((self.number or self.near_form, self.phone, self.name, born))


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A row that names nobody, and why."""

    row: int
    problem: str


def entry_of(row: ListRow, *, today: date, zone: tzinfo = UTC) -> ListEntry | RowProblem:
    """Read one row. Dates of validity are days in `zone`; the last one is included.

    >>> row = ListRow(2, {"document_number": "１１０１０５１９４９１２３１００２ｘ"})
    >>> entry_of(row, today=date(2026, 1, 1)).number
    '11010519491231002X'
    """
    if row.problem:
        return RowProblem(row.number, row.problem)
    try:
        number, is_checked, near_form = _number(row["document_number"], row["document_type"], today)
        name = plain_name(row["name"])
        birth_date = _day(row["birth_date"], "birth date")
        if birth_date is None and len(number) == CHECKED_CHARACTERS:
            birth_date = birth_date_in(number)
        if birth_date is not None and not OLDEST_YEAR <= birth_date.year <= today.year:
            raise _Unusable("the birth date lies in the future or too far back")
        phone = _phone(row["phone"])
        if not (number or near_form or phone or (name and birth_date)):
            raise _Unusable("neither a number, a telephone, nor a name with a birth date")
        first, last = _validity(row["valid_from"], "valid_from"), _validity(row["valid_until"], "valid_until")
        if first and last and first > last:
            raise _Unusable("it ends before it begins")
        return ListEntry(
            row=row.number,
            number=number,
            is_checked=is_checked,
            near_form=near_form,
            phone=phone,
            name=name,
            birth_date=birth_date,
            category=row["category"][:CATEGORY_CHARACTERS],
            level=_level(row["level"]),
            valid_from=None if first is None else datetime.combine(first, time(), zone),
            valid_until=end_of(last, zone),
            remark="" if number else "the number has a slip: found only as a near match" if near_form else "",
        )
    except _Unusable as error:
        return RowProblem(row.number, str(error))


def has_check_character(document_type: str | None, number: str) -> bool:
    """Whether a sound number of that kind has one: no single slip leads to another such number."""
    return document_type in _CHECKED and len(number) == CHECKED_CHARACTERS


def end_of(last: date | None, zone: tzinfo) -> datetime | None:
    """The first instant after the last day. None: no end, which registers also write as 9999-12-31.

    >>> end_of(date(2026, 1, 31), UTC)
    datetime.datetime(2026, 2, 1, 0, 0, tzinfo=datetime.timezone.utc)
    """
    if last is None or last == date.max:
        return None
    return datetime.combine(last + timedelta(days=1), time(), zone)


def birth_date_in(number: str) -> date | None:
    """The birth date that a number of 18 characters tells; None where it tells none."""
    digits = number[6:14]
    try:
        return (
            date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
            if len(number) == CHECKED_CHARACTERS
            else None
        )
    except ValueError:
        return None


def plain_name(text: str) -> str:
    """One spelling of a name: full-width letters, capitals, spaces and dots between parts do not count."""
    return _NAME_NOISE.sub("", unicodedata.normalize("NFKC", text)).casefold()


def plain_phone(text: str) -> str:
    """Digits of a telephone number without the prefix of China; empty for what is none."""
    digits = _NOT_A_DIGIT.sub("", unicodedata.normalize("NFKC", text)).removeprefix("00")
    if digits.startswith(_CHINA) and len(digits) == len(_CHINA) + _MOBILE_DIGITS:
        digits = digits.removeprefix(_CHINA)
    shortest, longest = PHONE_DIGITS
    return digits if digits.isdecimal() and shortest <= len(digits) <= longest else ""


def document_of(row: ListRow, today: date) -> tuple[DocumentType, str] | RowProblem:
    """Kind and canonical number of the document that a row names; a number with a slip names nobody."""
    try:
        plain = normalised(row["document_number"])
        document_type = _document_type(row["document_type"]) or _guessed(plain)
        return document_type, check_document(document_type, plain, today)
    except (_Unusable, ResidentNumberInvalid, DocumentNumberInvalid) as error:
        return RowProblem(row.number, f"document number: {error}")


class _Unusable(ValueError):
    """The row names nobody."""


def _number(text: str, type_text: str, today: date) -> tuple[str, bool, str]:
    """Canonical number, whether its check character fits, and the form in which it may be near another."""
    plain = normalised(text)
    if not plain:
        return "", False, ""
    document_type = _document_type(type_text) or _guessed(plain)
    try:
        number = check_document(document_type, plain, today)
    except ResidentNumberInvalid as error:
        if error.reason in _SLIPS:
            return "", False, plain
        raise _Unusable(f"document number: {str(error).removeprefix('no resident number: ')}") from error
    except DocumentNumberInvalid as error:
        raise _Unusable(f"document number: {error}") from error
    if has_check_character(document_type, number):
        # Typed with 15 digits it had no check character: a slip made another valid number of it.
        return number, len(plain) == len(number), plain if len(plain) < len(number) else ""
    return number, False, number if number.isascii() else ""


def _guessed(plain: str) -> DocumentType:
    if _RESIDENT_SHAPE.fullmatch(plain):
        is_foreign = len(plain) == CHECKED_CHARACTERS and plain.startswith(_FOREIGN_FIRST_DIGIT)
        return DocumentType.FOREIGN_PERMANENT if is_foreign else DocumentType.RESIDENT_ID
    return next((kind for kind in _TOLD_BY_SHAPE if SHAPES[kind].fullmatch(plain)), DocumentType.PASSPORT)


def _document_type(text: str) -> DocumentType | None:
    word = text.strip().casefold()
    if not word:
        return None
    if word not in DOCUMENT_WORDS:
        raise _Unusable("no such kind of document")
    return DOCUMENT_WORDS[word]


def _level(text: str) -> FlagLevel | None:
    word = text.strip().casefold()
    if not word:
        return None
    try:
        return FlagLevel(word)
    except ValueError:
        if word in _LEVEL_WORDS:
            return _LEVEL_WORDS[word]
        raise _Unusable("no such level: block 禁止, hold 核查 or notify 提醒") from None


def _phone(text: str) -> str:
    phone = plain_phone(text)
    if text.strip() and not phone:
        raise _Unusable("no telephone number")
    return phone


def _day(text: str, what: str) -> date | None:
    plain = unicodedata.normalize("NFKC", text).strip()
    if not plain:
        return None
    found = _DATE.fullmatch(plain)
    try:
        if found is None:
            raise ValueError
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise _Unusable(f"{what}: no day like 2026-01-31") from None


def _validity(text: str, what: str) -> date | None:
    day = _day(text, what)
    if day is not None and day.year < OLDEST_YEAR:
        raise _Unusable(f"{what}: no day like 2026-01-31")  # no clock goes back to the year 1
    return day
