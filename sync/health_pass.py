"""Green, yellow and red: a worker's pass, told from the roster alone at any moment. Pure.

Red and yellow are flags of the categories below, green is a clearance (docs/decisions/pass-colours.md). Each
has a validity window, so a gate without a network sees them begin and end by itself, at the instant. What an
occurrence (a contact, a trip, a fever) does to somebody's pass is data: `sync.screening.pass_rules`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from sync.records import Clearance, Flag, FlagLevel

RED_CATEGORY = "pass-red"
YELLOW_CATEGORY = "pass-yellow"
GREEN_KIND = "pass-green"


class PassColour(StrEnum):
    """Red beats yellow beats green."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


_RANK = {PassColour.GREEN: 0, PassColour.YELLOW: 1, PassColour.RED: 2}
_COLOUR_OF = {RED_CATEGORY: PassColour.RED, YELLOW_CATEGORY: PassColour.YELLOW}
_CATEGORY_OF = {colour: category for category, colour in _COLOUR_OF.items()}
_LEVEL_OF = {PassColour.RED: FlagLevel.BLOCK, PassColour.YELLOW: FlagLevel.HOLD}
"""What a gate makes of it that knows flags, but no colours."""


@dataclass(frozen=True, slots=True)
class PassStatus:
    """The pass at one moment.

    colour  None: nothing is known, or a green has run out
    cause   why, as the rules name it, or the reference of a green; "" for None
    since   from then on without a break; None: ever since
    until   the first instant at which the colour is another one by itself; None: never
    """

    colour: PassColour | None
    cause: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A colour for so many days of 24 hours; without `days` until somebody clears it."""

    colour: PassColour
    days: float | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """What an occurrence does: its steps one after the other, and which findings end them early."""

    steps: tuple[Step, ...]
    ended_by: frozenset[str] = frozenset()


TEST_NEGATIVE = "test_negative"
CLEARED_BY_MEDIC = "cleared_by_medic"


@dataclass(frozen=True, slots=True)
class _Span:
    colour: PassColour
    cause: str
    since: datetime | None
    until: datetime | None

    def covers(self, now: datetime) -> bool:
        return (self.since is None or self.since <= now) and (self.until is None or now < self.until)


def is_pass(flag: Flag) -> bool:
    """Whether a flag is a colour of a pass and no entry of a list."""
    return flag.category in _COLOUR_OF


def pass_at(flags: Iterable[Flag], clearances: Iterable[Clearance], now: datetime) -> PassStatus:
    """The pass of a worker with these flags and clearances at `now` (aware).

    >>> pass_at((), (), datetime.fromisoformat("2026-05-04T08:00+08:00")).colour is None
    True
    """
    now = now.astimezone(UTC)
    spans = [*_spans(flags, clearances)]
    if not spans:
        return PassStatus(None)
    worst = _worst(spans, now)
    if worst is None:
        return PassStatus(None, until=_until(spans, now, None))
    return PassStatus(
        worst.colour, worst.cause, _since(spans, now, worst.colour), _until(spans, now, worst.colour)
    )


def flags_of(
    cause: str,
    at: datetime,
    *,
    entry_id: str,
    transitions: Mapping[str, Transition],
) -> tuple[Flag, ...]:
    """The flags that an occurrence of `cause` at `at` gives a worker; the same entry gives the same ids.

    Raises KeyError for a cause that `transitions` does not know.
    """
    made: list[Flag] = []
    begins: datetime | None = at.astimezone(UTC)  # in a local zone a day would have 23 or 25 hours at times
    for number, step in enumerate(transitions[cause].steps, start=1):
        if begins is None:
            raise ValueError(f"{cause}: a step after one without an end never comes")
        ends = None if step.days is None else begins + timedelta(days=step.days)
        if step.colour is not PassColour.GREEN:
            made.append(
                Flag(
                    flag_id=f"{entry_id}.{number}",
                    level=_LEVEL_OF[step.colour],
                    category=_CATEGORY_OF[step.colour],
                    reason=cause,
                    valid_from=begins,
                    valid_until=ends,
                )
            )
        begins = ends
    return tuple(made)


def ended(
    flags: Sequence[Flag],
    finding: str,
    at: datetime,
    *,
    transitions: Mapping[str, Transition],
) -> tuple[Flag, ...]:
    """The flags after a finding (a negative test, a medic's word): what it ends, ends at `at`.

    Flags that are no passes, and causes that the finding does not end, stay as they are.
    """
    kept: list[Flag] = []
    for flag in flags:
        rule = transitions.get(flag.reason) if is_pass(flag) else None
        if rule is None or finding not in rule.ended_by:
            kept.append(flag)
        elif flag.valid_from is None or flag.valid_from < at:
            earlier = at if flag.valid_until is None else min(at, flag.valid_until)
            kept.append(flag.model_copy(update={"valid_until": earlier}))
    return tuple(kept)


def _spans(flags: Iterable[Flag], clearances: Iterable[Clearance]) -> Iterator[_Span]:
    for flag in flags:
        if is_pass(flag):
            yield _Span(_COLOUR_OF[flag.category], flag.reason, _utc(flag.valid_from), _utc(flag.valid_until))
    for one in clearances:
        if one.kind == GREEN_KIND:
            yield _Span(PassColour.GREEN, one.reference, _utc(one.valid_from), _utc(one.valid_until))


def _utc(at: datetime | None) -> datetime | None:
    """Two times of one zone are compared by the wall clock, which shows some hours of a year twice."""
    return None if at is None else at.astimezone(UTC)


def _worst(spans: Sequence[_Span], now: datetime) -> _Span | None:
    """Of the worst colour the span that lasts longest: its cause is the one that keeps the pass so."""
    covering = [span for span in spans if span.covers(now)]
    if not covering:
        return None
    worst = max(_RANK[span.colour] for span in covering)
    same = [span for span in covering if _RANK[span.colour] == worst]
    endless = [span for span in same if span.until is None]
    return endless[0] if endless else max(same, key=lambda span: span.until or now)


def _colour(spans: Sequence[_Span], at: datetime) -> PassColour | None:
    span = _worst(spans, at)
    return None if span is None else span.colour


def _edges(spans: Sequence[_Span]) -> list[datetime]:
    return sorted({edge for span in spans for edge in (span.since, span.until) if edge is not None})


def _until(spans: Sequence[_Span], now: datetime, colour: PassColour | None) -> datetime | None:
    later = (edge for edge in _edges(spans) if edge > now)
    return next((edge for edge in later if _colour(spans, edge) is not colour), None)


def _since(spans: Sequence[_Span], now: datetime, colour: PassColour) -> datetime | None:
    """The last edge at which the colour became this one; None: it was so before the first edge too."""
    edges = [edge for edge in _edges(spans) if edge <= now]
    for before, edge in reversed([*pairwise(edges)]):
        if _colour(spans, before) is not colour:
            return edge
    if not edges:
        return None
    from_ever = [span for span in spans if span.since is None]
    before_all = max((_RANK[span.colour] for span in from_ever), default=None)
    return None if before_all == _RANK[colour] else edges[0]
