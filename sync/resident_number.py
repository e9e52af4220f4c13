"""Numbers of papers: the Chinese resident number of GB 11643-1999, and a check for every other paper.

A resident number is six digits of region (GB/T 2260), eight of the birth date, three of sequence (odd: male)
and a check character by ISO 7064 MOD 11-2. Numbers of 15 digits are those issued until 1999: without the
century and the check character. No message of this module repeats the number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from operator import mul

from sync.errors import SyncError
from sync.people import DocumentType, Sex

OLDEST_YEARS = 130
"""Nobody has lived longer than 122 years: an earlier birth date is a slip."""

_CHECK_CHARACTERS = "10X98765432"
_WEIGHTS = tuple(2 ** (17 - place) % 11 for place in range(17))
# fmt: off
_PROVINCES = frozenset({
    "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41",
    "42", "43", "44", "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65",
    "71", "81", "82", "83",
})
# fmt: on
"""First two digits by GB/T 2260; 81, 82, 83 are residence permits of people from Hong Kong, Macao, Taiwan."""

_FOREIGN_FIRST_DIGIT = "9"
"""Of the permanent residence card of 2023: the same build, with a digit that no region begins with."""

_LONG = re.compile(r"[0-9]{17}[0-9X]")
_SHORT = re.compile(r"[0-9]{15}")
_ANY_SPACE_OR_DASH = re.compile(r"[\s\-‐-―－]+")
SHAPES = {
    # Three letters of the country and twelve digits, issued until 2023.
    DocumentType.FOREIGN_PERMANENT: re.compile(r"([A-Z]{3}[0-9]{12})"),
    # Letter and eight digits for life; older cards add two digits that count the issues.
    DocumentType.HONGKONG_MACAO_PERMIT: re.compile(r"([HM][0-9]{8})(?:[0-9]{2})?"),
    # Eight digits for life; older booklets add two digits that count the issues, and a letter in brackets.
    DocumentType.TAIWAN_PERMIT: re.compile(r"([0-9]{8})(?:[0-9]{2}(?:\(?[A-Z]\)?)?)?"),
    # ICAO 9303 has nine characters; a few states use more.
    DocumentType.PASSPORT: re.compile(r"((?=.*[0-9])[A-Z0-9]{5,20})"),
    DocumentType.OTHER: re.compile(r"([^\x00-\x1f]{1,64})"),
}
"""Of every paper but the resident number; the first group is the number without a count of issues."""

DOCUMENT_WORDS: Mapping[str, DocumentType] = {
    **{kind.value: kind for kind in DocumentType},
    "居民身份证": DocumentType.RESIDENT_ID,
    "身份证": DocumentType.RESIDENT_ID,
    "外国人永久居留身份证": DocumentType.FOREIGN_PERMANENT,
    "港澳居民来往内地通行证": DocumentType.HONGKONG_MACAO_PERMIT,
    "回乡证": DocumentType.HONGKONG_MACAO_PERMIT,
    "台湾居民来往大陆通行证": DocumentType.TAIWAN_PERMIT,
    "台胞证": DocumentType.TAIWAN_PERMIT,
    "护照": DocumentType.PASSPORT,
    "其他": DocumentType.OTHER,
    "其他证件": DocumentType.OTHER,
}
"""Kinds of papers as files write them."""

_SHAPE_WORDS = {
    DocumentType.FOREIGN_PERMANENT: "18 digits that begin with 9, or three letters and 12 digits",
    DocumentType.HONGKONG_MACAO_PERMIT: "H or M and 8 digits (10 on older cards)",
    DocumentType.TAIWAN_PERMIT: "8 digits (10 in older booklets)",
    DocumentType.PASSPORT: "5 to 20 letters and digits",
    DocumentType.OTHER: "1 to 64 characters",
}


class DocumentProblem(StrEnum):
    """Why a number is none; a page has words for each."""

    EMPTY = "empty"
    LENGTH = "length"
    CHARACTERS = "characters"
    SHAPE = "shape"
    REGION = "region"
    DATE = "date"
    FUTURE = "future"
    TOO_OLD = "too_old"
    CHECKSUM = "checksum"


class DocumentNumberInvalid(SyncError, ValueError):
    """The number does not fit its paper; `reason` says in what."""

    def __init__(self, message: str, *, reason: DocumentProblem, next_step: str = "") -> None:
        super().__init__(message, next_step=next_step or "Compare it with the paper, digit by digit.")
        self.reason = reason


class ResidentNumberInvalid(DocumentNumberInvalid):
    """No resident number; `reason` says in what."""


@dataclass(frozen=True, slots=True)
class ResidentNumber:
    """`number` has 18 characters; `region` is six digits of GB/T 2260."""

    number: str
    region: str
    birth_date: date
    sex: Sex


def parse_resident_number(text: str, today: date) -> ResidentNumber:
    """What a resident number says, whether typed with spaces, full-width digits, a small x, or as 15 digits.

    Raises:
        ResidentNumberInvalid: with the reason; a birth date after `today` is one.

    Example:
        >>> parse_resident_number("11010519491231002x", date(2026, 1, 1)).birth_date
        datetime.date(1949, 12, 31)
    """
    number = normalised(text)
    if number[:2] not in _PROVINCES and (_LONG.fullmatch(number) or _SHORT.fullmatch(number)):
        raise _refused(DocumentProblem.REGION, "no province of China has the first two digits")
    return _parsed(number, today)


def check_document(document_type: DocumentType, number: str, today: date) -> str:
    """The canonical form of a number: upper case, no spaces, 18 digits for 15, without a count of issues.

    Raises:
        DocumentNumberInvalid: the number does not fit the paper.
    """
    if document_type is DocumentType.RESIDENT_ID:
        return parse_resident_number(number, today).number
    canonical = normalised(number)
    if not canonical:
        raise DocumentNumberInvalid("the number is empty", reason=DocumentProblem.EMPTY)
    if document_type is DocumentType.FOREIGN_PERMANENT and canonical.startswith(_FOREIGN_FIRST_DIGIT):
        return _parsed(canonical, today).number
    match = SHAPES[document_type].fullmatch(canonical)
    if match is None:
        raise DocumentNumberInvalid(
            f"a number of this kind has {_SHAPE_WORDS[document_type]}", reason=DocumentProblem.SHAPE
        )
    return str(match[1])


def check_character(digits: str) -> str:
    """ISO 7064 MOD 11-2 over 17 digits: a place weighs 2 to the power of its distance from the end."""
    return _CHECK_CHARACTERS[sum(map(mul, map(int, digits), _WEIGHTS)) % 11]


def normalised(text: str) -> str:
    """Upper case, half-width, without spaces and dashes; nothing is checked."""
    # NFKC turns full-width digits and letters into plain ones; without spaces, letters may combine anew.
    plain = _ANY_SPACE_OR_DASH.sub("", unicodedata.normalize("NFKC", text))
    return unicodedata.normalize("NFKC", plain.upper())


def _parsed(number: str, today: date) -> ResidentNumber:
    if not number:
        raise _refused(DocumentProblem.EMPTY, "the number is empty")
    if len(number) not in (15, 18):
        raise _refused(DocumentProblem.LENGTH, f"it has {len(number)} characters instead of 18")
    if _SHORT.fullmatch(number):
        body = number[:6] + "19" + number[6:]
        number = body + check_character(body)
    elif not _LONG.fullmatch(number):
        raise _refused(DocumentProblem.CHARACTERS, "only digits may stand in it, and X at the end")
    birth_date = _birth_date(number[6:14], today)
    if check_character(number[:17]) != number[17]:
        raise _refused(DocumentProblem.CHECKSUM, "the last character does not fit the others")
    return ResidentNumber(number, number[:6], birth_date, Sex.MALE if int(number[16]) % 2 else Sex.FEMALE)


def _birth_date(digits: str, today: date) -> date:
    try:
        birth_date = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError as error:
        raise _refused(DocumentProblem.DATE, "there is no such birth date") from error
    if birth_date > today:
        raise _refused(DocumentProblem.FUTURE, "the birth date lies in the future")
    if today.year - birth_date.year > OLDEST_YEARS:
        raise _refused(DocumentProblem.TOO_OLD, f"the birth date lies more than {OLDEST_YEARS} years back")
    return birth_date


def _refused(reason: DocumentProblem, why: str) -> ResidentNumberInvalid:
    return ResidentNumberInvalid(f"no resident number: {why}", reason=reason)
