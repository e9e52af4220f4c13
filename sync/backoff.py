"""How long to wait before the next attempt; the one place where attempts are spread out."""

from __future__ import annotations

import random


class Backoff:
    """Exponential waiting time with jitter between two bounds.

    The n-th wait lies between half of and the whole `minimum_s * 2**n`, never outside the bounds ("equal
    jitter"), so that many gates that lost the same device do not come back in the same instant.

    >>> backoff = Backoff(0.5, 30.0)
    >>> 0.5 <= backoff.next_s() <= 30.0
    True
    """

    def __init__(self, minimum_s: float, maximum_s: float, *, rng: random.Random | None = None) -> None:
        """Raises ValueError unless both are positive."""
        if minimum_s <= 0 or maximum_s <= 0:
            raise ValueError("backoff bounds are seconds greater than zero")
        self._minimum_s = min(minimum_s, maximum_s)
        self._maximum_s = maximum_s
        self._rng = rng or random.Random()  # noqa: S311 - spreads attempts, guards no secret
        self._ceiling_s = self._minimum_s

    def next_s(self) -> float:
        """Seconds to wait now; the next answer will be longer on average."""
        ceiling_s = self._ceiling_s
        self._ceiling_s = min(ceiling_s * 2, self._maximum_s)
        return max(self._minimum_s, self._rng.uniform(ceiling_s / 2, ceiling_s))

    def reset(self) -> None:
        """The attempt succeeded: begin with the short waits again."""
        self._ceiling_s = self._minimum_s
