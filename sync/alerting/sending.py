"""When a channel is told what waits for it: singly, together, or later."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

RETRY_FIRST = timedelta(seconds=10)
RETRY_LONGEST = timedelta(minutes=30)
_DOUBLINGS_MAX = 16


class Move(StrEnum):
    """What to do with a channel now."""

    WAIT = "wait"
    ONE = "one"  # the oldest, alone
    TOGETHER = "together"  # everything that waits, in one message


def next_move(waiting: int, *, sent: int, burst: int) -> Move:
    """`waiting` things for a channel that had `sent` messages in this window, of at most `burst`."""
    left = burst - sent
    if waiting == 0 or left <= 0:
        return Move.WAIT
    return Move.ONE if waiting <= left else Move.TOGETHER


def retry_after(failures: int) -> timedelta:
    """How long a channel rests after so many failures in a row."""
    doublings = min(max(failures - 1, 0), _DOUBLINGS_MAX)
    return min(RETRY_FIRST * (1 << doublings), RETRY_LONGEST)
