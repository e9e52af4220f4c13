"""What occurrences and findings add up to: the flags, the green, and the colours of somebody's past. Pure.

Nothing is worked out step by step: whoever takes an occurrence back leaves what the others say by themselves,
and the order in which things become known makes no difference to what they add up to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sync.health_pass import GREEN_KIND, PassStatus, Transition, ended, flags_of, pass_at
from sync.records import Clearance, Flag

FLAG_PREFIX = "pass-"
_DIGEST_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Occurrence:
    """What happened to somebody at `at`, known since `known_at`, and what it does by the rules of then."""

    entry_id: str
    cause: str
    at: datetime
    known_at: datetime
    transition: Transition


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found at `at`; `covers_earlier`: it counts against what becomes known later too."""

    entry_id: str
    finding: str
    at: datetime
    known_at: datetime
    covers_earlier: bool = False
    green_until: datetime | None = None

    def counts_against(self, one: Occurrence) -> bool:
        """Whether it is about that occurrence at all."""
        return self.at >= one.at and (self.covers_earlier or self.known_at >= one.known_at)


def flag_entry(entry_id: str) -> str:
    """What the ids of the flags of an occurrence begin with: `<this>.1`, `<this>.2`, …"""
    return FLAG_PREFIX + hashlib.sha256(entry_id.encode()).hexdigest()[:_DIGEST_DIGITS]


def pass_flags(occurrences: Iterable[Occurrence], findings: Sequence[Finding]) -> tuple[Flag, ...]:
    """The flags that these give, by their ids; those that are over too."""
    flags: list[Flag] = []
    for one in occurrences:
        table = {one.cause: one.transition}
        made = flags_of(one.cause, one.at, entry_id=flag_entry(one.entry_id), transitions=table)
        for finding in findings:
            if finding.counts_against(one):
                made = ended(made, finding.finding, finding.at, transitions=table)
        flags += made
    return tuple(sorted(flags, key=lambda flag: flag.flag_id))


def greens(findings: Iterable[Finding]) -> tuple[Clearance, ...]:
    """One clearance for each finding that gives green, the one that ends last first."""
    given = sorted(
        ((one.green_until, one.at, one.finding) for one in findings if one.green_until is not None),
        reverse=True,
    )
    return tuple(
        Clearance(kind=GREEN_KIND, valid_from=at, valid_until=until, reference=finding)
        for until, at, finding in given
        if at < until
    )


def colour_history(
    flags: Sequence[Flag], clearances: Sequence[Clearance], *, until: datetime
) -> list[PassStatus]:
    """Every stretch of one colour and cause that begins before `until`, the newest first.

    `since` is where the stretch begins (None: ever since), `until` where it ends (None: never).
    """
    spans = [(one.valid_from, one.valid_until) for one in flags]
    spans += [(one.valid_from, one.valid_until) for one in clearances if one.kind == GREEN_KIND]
    edges = sorted({edge for span in spans for edge in span if edge is not None})
    found: list[PassStatus] = []
    for number, edge in enumerate(edges):
        if edge >= until:
            break
        now = pass_at(flags, clearances, edge)
        end = edges[number + 1] if number + 1 < len(edges) else None
        last = found[-1] if found else None
        if last is not None and (last.colour, last.cause) == (now.colour, now.cause):
            found[-1] = PassStatus(last.colour, last.cause, last.since, end)
        else:
            found.append(PassStatus(now.colour, now.cause, edge, end))
    return [one for one in reversed(found) if one.colour is not None]
