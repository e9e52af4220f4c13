"""The life of a finding: open → mended by the site → accepted by an inspector, or open again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sync.errors import SyncError


class FindingState(StrEnum):
    """WITHDRAWN: it was none."""

    OPEN = "open"
    MENDED = "mended"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    """What happens to a finding. FOUND is the first line of its history and follows nothing."""

    FOUND = "found"
    SEEN_AGAIN = "seen_again"  # by another inspection, while it is open
    MENDED = "mended"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    MOVED = "moved"  # another deadline
    WITHDRAWN = "withdrawn"
    REOPENED = "reopened"


FOLLOWS: Mapping[FindingState, Mapping[Step, FindingState]] = {
    FindingState.OPEN: {
        Step.SEEN_AGAIN: FindingState.OPEN,
        Step.MENDED: FindingState.MENDED,
        # An inspector who sees that it is mended need not wait for the site to say so.
        Step.ACCEPTED: FindingState.CLOSED,
        Step.MOVED: FindingState.OPEN,
        Step.WITHDRAWN: FindingState.WITHDRAWN,
    },
    FindingState.MENDED: {
        Step.ACCEPTED: FindingState.CLOSED,
        Step.REJECTED: FindingState.OPEN,
        Step.WITHDRAWN: FindingState.WITHDRAWN,
    },
    FindingState.CLOSED: {Step.REOPENED: FindingState.OPEN},
    FindingState.WITHDRAWN: {Step.REOPENED: FindingState.OPEN},
}

SETS_DEADLINE = frozenset({Step.REJECTED, Step.MOVED, Step.REOPENED})
"""Steps that name a new deadline."""

OF_INSPECTIONS = frozenset({Step.FOUND, Step.SEEN_AGAIN})
"""Steps that come of filling in a checklist, not of looking at the finding."""

BY_SITE = frozenset({Step.MENDED})
"""Steps of the site; the others are an inspector's."""


class FindingRefused(SyncError, ValueError):
    """A step that does not follow: somebody else was faster, or the page is old."""

    def __init__(self, state: FindingState, step: Step) -> None:
        super().__init__(
            f"a finding that is {state} cannot be {step}",
            next_step="look at the finding again: somebody else has changed it",
        )
        self.state = state
        self.step = step


def follow(state: FindingState, step: Step) -> FindingState:
    """The state after a step. Raises FindingRefused."""
    try:
        return FOLLOWS[state][step]
    except KeyError:
        raise FindingRefused(state, step) from None


def is_overdue(state: FindingState, deadline: datetime, now: datetime) -> bool:
    """From the deadline on, while the site has not said that it is mended."""
    return state is FindingState.OPEN and now >= deadline
