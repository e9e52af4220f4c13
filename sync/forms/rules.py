"""Named patterns of texts, and plausibility rules over several answers. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from math import floor
from typing import Any

from sync.forms.description import Said

Answers = Mapping[str, Any]
Found = tuple[str, Said]
"""Name of the field, and what is wrong with it."""

FOREVER_DAYS = 3650
"""A supply that lasts longer than this is not short at all."""


def _pattern(regex: str, zh: str, en: str) -> tuple[re.Pattern[str], Said]:
    return re.compile(regex), Said(zh=zh, en=en)


PATTERNS: Mapping[str, tuple[re.Pattern[str], Said]] = {
    # Letters come in capitals, without spaces and hyphens.
    "phone": _pattern(r"\+?\d{6,15}", "请填写手机号，例如 13800000000", "a phone number, e.g. 13800000000"),
    "seat": _pattern(
        r"\d{1,3}(?:[A-Z]|[上中下]铺?)?|无座|[A-Z]\d{1,3}", "例如 12A、5 或 12上", "e.g. 12A, 5 or 12上"
    ),
    "vehicle": _pattern(r"\w{1,32}", "只填字母和数字", "letters and digits only"),
    "carriage": _pattern(r"\d{1,2}(?:车厢|车)?", "车厢号，例如 8", "the carriage's number, e.g. 8"),
}
"""Texts with a pattern are compared, so their spelling is made one: see `checking.unified`."""

_NUMBERS_BY_KIND: Mapping[str, tuple[re.Pattern[str], Said]] = {
    # IATA: two characters, at least one a letter, then up to four digits, rarely a letter.
    "flight": _pattern(
        r"(?:[A-Z]{2}|[A-Z]\d|\d[A-Z])\d{1,4}[A-Z]?", "航班号，例如 CA1234", "a flight number, e.g. CA1234"
    ),
    # China Railway: a class letter (none for the slowest) and up to four digits.
    "train": _pattern(r"[GDCZTKYLSP]?\d{1,4}", "车次，例如 G123", "a train number, e.g. G123"),
}


def number_fits_kind(answers: Answers, fields: Sequence[str], today: date) -> list[Found]:
    """Fields: kind of transport, its number. Flights and trains must have one that looks like one."""
    kind, number = (answers.get(name) for name in fields)
    if kind is None or kind not in _NUMBERS_BY_KIND:
        return []
    pattern, hint = _NUMBERS_BY_KIND[kind]
    return [] if number and pattern.fullmatch(number) else [(fields[1], hint)]


def seat_needs_number(answers: Answers, fields: Sequence[str], today: date) -> list[Found]:
    """Fields: seat, number. A seat of an unknown vehicle finds nobody."""
    seat, number = (answers.get(name) for name in fields)
    if seat and not number:
        return [
            (fields[1], Said(zh="填了座位就要填班次或车牌号", en="a seat needs the number of the vehicle"))
        ]
    return []


def not_before(answers: Answers, fields: Sequence[str], today: date) -> list[Found]:
    """Fields: later date, earlier date."""
    later, earlier = (answers.get(name) for name in fields)
    if later and earlier and later < earlier:
        return [(fields[0], Said(zh=f"不能早于 {earlier}", en=f"not before {earlier}"))]
    return []


def not_more_than(answers: Answers, fields: Sequence[str], today: date) -> list[Found]:
    """Fields: part, whole."""
    part, whole = (answers.get(name) for name in fields)
    if part is not None and whole is not None and part > whole:
        return [(fields[0], Said(zh=f"不能多于 {whole}", en=f"not more than {whole}"))]
    return []


def sum_not_more_than(answers: Answers, fields: Sequence[str], today: date) -> list[Found]:
    """Fields: parts, then the whole last."""
    *parts, whole_name = fields
    whole = answers.get(whole_name)
    total = sum(answers.get(name) or 0 for name in parts)
    if whole is not None and total > whole:
        return [
            (parts[-1], Said(zh=f"合计 {total}，多于 {whole}", en=f"together {total}, more than {whole}"))
        ]
    return []


def all_or_none(answers: Answers, fields: Sequence[str], today: date) -> list[Found]:
    """Fields that only mean something together."""
    given = [answers.get(name) is not None for name in fields]
    if all(given) or not any(given):
        return []
    return [
        (name, Said(zh="请一并填写", en="fill in this one too"))
        for name, is_given in zip(fields, given, strict=True)
        if not is_given
    ]


RULES: Mapping[str, Callable[[Answers, Sequence[str], date], list[Found]]] = {
    rule.__name__: rule
    for rule in (
        number_fits_kind,
        seat_needs_number,
        not_before,
        not_more_than,
        sum_not_more_than,
        all_or_none,
    )
}


def short_on(stock: float, daily_use: float, today: date) -> date | None:
    """The first day that `stock` no longer covers, counting from `today`; None where it never ends.

    >>> short_on(10, 4, date(2026, 3, 2))
    datetime.date(2026, 3, 4)
    """
    if daily_use <= 0:
        return None
    days = floor(stock / daily_use)
    return today + timedelta(days=days) if days <= FOREVER_DAYS else None
