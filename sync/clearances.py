"""Clearances of one worker from two sources."""

from __future__ import annotations

from collections.abc import Sequence

from sync.health_pass import GREEN_KIND
from sync.records import Clearance

RESULT, DECLARATION = "result:", "declaration:"
"""How the references of clearances begin that the centre gives and takes away by itself."""


def is_of_centre(clearance: Clearance) -> bool:
    """Whether it follows from what is known at the centre: a copy elsewhere may be outdated.

    Of a result, of a declaration; and a green of a pass that names its finding.
    """
    is_found = clearance.kind == GREEN_KIND and clearance.reference != ""
    return is_found or clearance.reference.startswith((RESULT, DECLARATION))


def longest_clearances(held: Sequence[Clearance], offered: Sequence[Clearance]) -> tuple[Clearance, ...]:
    """What is held, and of what is offered other kinds and those that hold longer; one of each kind.

    So nothing that is known is shortened or taken away by a record that left before it.
    """
    best = {one.kind: one for one in held}
    for one in offered:
        if one.kind not in best or _ends_later(one, best[one.kind]):
            best[one.kind] = one
    return tuple(best[kind] for kind in sorted(best))


def _ends_later(one: Clearance, other: Clearance) -> bool:
    if other.valid_until is None:
        return False
    return one.valid_until is None or one.valid_until > other.valid_until
