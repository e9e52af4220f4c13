"""What an entry of a list and a person have in common, field by field, as far as keyed hashes can tell."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from sync.central.list_keys import ListKeys
from sync.central.list_subjects import Subject
from sync.screening.near import forms, near_keys, slips


class Agreement(StrEnum):
    """How one field of an entry stands to the person's own."""

    SAME = "same"
    NEAR = "near"
    DIFFERS = "differs"
    NOT_LISTED = "not_listed"
    NOT_KNOWN = "not_known"  # of the person


@dataclass(frozen=True, slots=True)
class Slip:
    """Where two numbers differ. `places` count from 1 in the form the list has, 15 or 18 characters."""

    length: int
    places: tuple[int, ...]
    listed: str
    own: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """`slip` only where the number is near."""

    number: Agreement
    phone: Agreement
    name_birth: Agreement
    slip: Slip | None = None


def compare(subject: Subject, entry: Any, keys: ListKeys) -> Comparison:
    """`entry`: a row of `watch_list_entries`."""
    slip = _slip(subject.number, entry.near_key, keys) if entry.near_key is not None else None
    number = _agreement(entry.number_key, keys.number(subject.number))
    if number is not Agreement.SAME and slip is not None:
        number = Agreement.NEAR
    elif number is Agreement.NOT_LISTED and entry.near_key is not None:
        number = Agreement.DIFFERS if subject.number else Agreement.NOT_KNOWN
    return Comparison(
        number,
        _agreement(entry.phone_key, keys.phone(subject.phone)),
        _agreement(entry.name_key, keys.name(subject.name, subject.birth_date)),
        slip if number is Agreement.NEAR else None,
    )


def _agreement(listed: int | None, own: int | None) -> Agreement:
    if listed is None:
        return Agreement.NOT_LISTED
    if own is None:
        return Agreement.NOT_KNOWN
    return Agreement.SAME if listed == own else Agreement.DIFFERS


def _slip(number: str, near_key: int, keys: ListKeys) -> Slip | None:
    """All slips of the person's number are made again, until one is what the list has."""
    for form in forms(number):
        made = slips([form])
        (which,) = np.nonzero(near_keys(keys.near_secret, made)[0] == near_key)
        if len(which):
            listed = made[0, which[0]].tobytes().decode("ascii")
            places = [at for at, (one, other) in enumerate(zip(listed, form, strict=True)) if one != other]
            return Slip(
                len(form),
                tuple(at + 1 for at in places),
                "".join(listed[at] for at in places),
                "".join(form[at] for at in places),
            )
    return None
