"""What speaks for and against one worker at a moment, fact by fact, by the record as it is now. Pure.

A gate asks more than this (its own rules, hours, temperature, who is inside): `sitegate policy try` there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sync.health_pass import PassColour, is_pass, pass_at
from sync.records import Clearance, Flag, FlagLevel, Worker, WorkerStatus

NO_COLOUR = "none"


class Topic(StrEnum):
    """What a fact is about."""

    STATUS = "status"
    SITE = "site"
    GRANT = "grant"
    COLOUR = "pass"
    FLAG = "flag"
    CLEARANCE = "clearance"


class Weighs(StrEnum):
    """How a fact counts. DEPENDS: the rules of the gate say; NOT: it does not count at that moment."""

    FOR = "for"
    AGAINST = "against"
    DEPENDS = "depends"
    NOT = "not"


class Window(StrEnum):
    """Where a moment lies."""

    NOT_YET = "not_yet"
    HOLDS = "holds"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that stands in the record.

    state  a word of `Window`, `WorkerStatus`, `PassColour`, or NO_COLOUR
    name   the site, the level of a flag, the kind of a clearance
    why    reason of a flag, cause of a colour, reference of a clearance
    """

    topic: Topic
    weighs: Weighs
    state: str
    name: str = ""
    why: str = ""
    since: datetime | None = None
    until: datetime | None = None


_FLAG_WEIGHS = {
    FlagLevel.BLOCK: Weighs.AGAINST,
    FlagLevel.HOLD: Weighs.DEPENDS,
    FlagLevel.NOTIFY: Weighs.NOT,
}
_PASS_WEIGHS = {
    PassColour.RED: Weighs.AGAINST,
    PassColour.YELLOW: Weighs.DEPENDS,
    PassColour.GREEN: Weighs.FOR,
    None: Weighs.DEPENDS,
}


def facts_at(worker: Worker, at: datetime, *, with_pass: bool) -> tuple[Fact, ...]:
    """The facts at `at` (aware): windows include their begin and exclude their end.

    with_pass  also the colour of the pass and what it is made of
    """
    return tuple(_facts(worker, at, with_pass))


def _facts(worker: Worker, at: datetime, with_pass: bool) -> Iterator[Fact]:
    is_active = worker.status is WorkerStatus.ACTIVE
    yield Fact(Topic.STATUS, Weighs.FOR if is_active else Weighs.AGAINST, worker.status.value)
    for site_id in worker.site_ids:
        yield Fact(Topic.SITE, Weighs.FOR, Window.HOLDS, site_id)
    state = window(worker.grant_from, worker.grant_until, at)
    weighs = Weighs.FOR if state is Window.HOLDS else Weighs.AGAINST
    yield Fact(Topic.GRANT, weighs, state, since=worker.grant_from, until=worker.grant_until)
    if with_pass:
        status = pass_at(worker.flags, worker.clearances, at)
        colour = NO_COLOUR if status.colour is None else status.colour.value
        weighs = _PASS_WEIGHS[status.colour]
        yield Fact(Topic.COLOUR, weighs, colour, "", status.cause, status.since, status.until)
    for flag in worker.flags:
        if not is_pass(flag):
            yield _flag(flag, at)
    for clearance in worker.clearances:
        yield _clearance(clearance, at)


def window(since: datetime | None, until: datetime | None, at: datetime) -> Window:
    """Where `at` lies; None is open."""
    if until is not None and until <= at:
        return Window.OVER
    return Window.HOLDS if since is None or since <= at else Window.NOT_YET


def _flag(flag: Flag, at: datetime) -> Fact:
    state = window(flag.valid_from, flag.valid_until, at)
    weighs = _FLAG_WEIGHS[flag.level] if state is Window.HOLDS else Weighs.NOT
    why = " · ".join(part for part in (flag.category, flag.reason) if part)
    return Fact(Topic.FLAG, weighs, state, flag.level.value, why, flag.valid_from, flag.valid_until)


def _clearance(one: Clearance, at: datetime) -> Fact:
    state = window(one.valid_from, one.valid_until, at)
    weighs = Weighs.FOR if state is Window.HOLDS else Weighs.NOT
    return Fact(Topic.CLEARANCE, weighs, state, one.kind, one.reference, one.valid_from, one.valid_until)
