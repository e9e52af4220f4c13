"""The answer of the gate to one person, before and after it is recorded."""

from __future__ import annotations

from dataclasses import dataclass

from gate.reasons import Reason, Words
from sync.records import Outcome


@dataclass(frozen=True, slots=True)
class Hint:
    """What a reason means for this person.

    text, next_step  instead of the words of the reason
    note             for the record, in English and without a name
    online           address where it can be done on a phone; empty: nowhere
    """

    reason: Reason
    text: Words
    next_step: Words
    note: str
    online: str = ""


@dataclass(frozen=True, slots=True)
class OnlineStep:
    """What can be done on a phone, and where. The address names nobody."""

    words: Words
    address: str


@dataclass(frozen=True, slots=True)
class Decision:
    """outcome and reasons, the most serious reason first; `notices` never change the outcome.

    `hints` say more about some of the reasons, `note` goes into the record.
    """

    outcome: Outcome
    reasons: tuple[Reason, ...]
    notices: tuple[Reason, ...] = ()
    hints: tuple[Hint, ...] = ()
    note: str = ""
