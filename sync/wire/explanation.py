"""The centre asks a gate how it would answer a worker at a moment, and the gate tells it rule by rule."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field

from sync.records import Direction, Identifier, Outcome
from sync.wire.messages import Message

CELSIUS_MIN, CELSIUS_MAX = 25.0, 45.0
RULES_MAX, FINDINGS_MAX = 64, 16

UNKNOWN_WORKER = "unknown worker"
"""`Answer.detail` of a gate whose roster does not have the worker."""

TOO_LONG = "the explanation is too long to be sent"


class GateQuestion(Message):
    """`Command.question` of an `explain`: what would the lane answer this worker at `at`.

    celsius  what the thermometer reads; None: nothing
    by_pass  with a QR pass that holds, without a face
    """

    worker_id: Identifier
    at: AwareDatetime
    celsius: Annotated[float, Field(ge=CELSIUS_MIN, le=CELSIUS_MAX)] | None = None
    by_pass: bool = False


class Said(Message):
    """What a rule has to say, with the gate's words; `notice`: written down, and changes no outcome."""

    outcome: Outcome
    reason: str
    notice: bool = False
    zh: str = ""
    en: str = ""
    step_zh: str = ""
    step_en: str = ""


class RuleAnswer(Message):
    """One rule of the lane, in its order; nothing said: no objection."""

    rule: str
    said: Annotated[tuple[Said, ...], Field(max_length=FINDINGS_MAX)] = ()


class Explanation(Message):
    """`Answer.detail` of an `explain` that was done, as JSON. Nobody is named.

    pass_text  colour and until when, in the gate's words; empty without a colour
    """

    lane_id: str
    direction: Direction
    at: AwareDatetime
    pass_text: str = ""
    outcome: Outcome
    reasons: tuple[str, ...] = ()
    rules: Annotated[tuple[RuleAnswer, ...], Field(max_length=RULES_MAX)]
