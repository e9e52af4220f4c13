"""Holes in the numbers that a gate gives its events. Pure: numbers in, gaps out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Gap = tuple[int, int]
"""First and last missing number, both inclusive."""


@dataclass(frozen=True, slots=True)
class Numbering:
    """What is known of one gate's numbers: every number up to `highest` is here, but for the gaps.

    gaps    in ascending order, without overlap
    reused  new events under a number that was here already: the gate's store was replaced
    """

    highest: int = 0
    gaps: tuple[Gap, ...] = ()
    reused: int = 0


def arrived(known: Numbering, sequences: Iterable[int]) -> Numbering:
    """After new events (not repetitions of known ones) came with these numbers; numbers count from 1."""
    highest, reused = known.highest, known.reused
    gaps = list(known.gaps)
    for sequence in sorted(sequences):
        if sequence > highest:
            if sequence > highest + 1:
                gaps.append((highest + 1, sequence - 1))
            highest = sequence
            continue
        position = _containing(gaps, sequence)
        if position is None:
            reused += 1
            continue
        first, last = gaps[position]
        gaps[position : position + 1] = [
            gap for gap in ((first, sequence - 1), (sequence + 1, last)) if gap[0] <= gap[1]
        ]
    return Numbering(highest, tuple(gaps), reused)


def _containing(gaps: Sequence[Gap], sequence: int) -> int | None:
    position = bisect_right(gaps, sequence, key=lambda gap: gap[0]) - 1
    return position if position >= 0 and sequence <= gaps[position][1] else None
