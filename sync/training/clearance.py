"""What a pass does to a worker's clearances, here and at the centre alike."""

from __future__ import annotations

from datetime import UTC, datetime

from sync.records import Clearance

WARN_DAYS = 14
"""Training that ends within so many days is to be repeated."""

_NEVER = datetime.max.replace(tzinfo=UTC)


def granted(clearances: tuple[Clearance, ...], new: Clearance) -> tuple[Clearance, ...]:
    """The clearances with `new` in the place of those of its kind; one that holds longer stays.

    >>> granted((), Clearance(kind="training"))[0].kind
    'training'
    """
    same = [one for one in clearances if one.kind == new.kind]
    longest = max((one.valid_until or _NEVER for one in same), default=None)
    if longest is not None and longest > (new.valid_until or _NEVER):
        return clearances
    return (*(one for one in clearances if one.kind != new.kind), new)
