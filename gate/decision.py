"""The answer of the gate to one person, before and after it is recorded."""

from __future__ import annotations

from dataclasses import dataclass

from gate.reasons import Reason
from sync.records import Outcome


@dataclass(frozen=True, slots=True)
class Decision:
    """outcome and reasons, the most serious reason first; `notices` never change the outcome."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    notices: tuple[Reason, ...] = ()
