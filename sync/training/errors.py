"""What can go wrong in training."""

from __future__ import annotations

from enum import StrEnum

from sync.errors import SyncError


class TrainingError(SyncError):
    """Base of the errors of training."""


class CourseUnusable(TrainingError, ValueError):
    """A course folder that cannot be taught from; `file` and `field` say where."""

    def __init__(self, file: str, field: str, problem: str, *, next_step: str = "") -> None:
        at = f"{file}, {field}" if field else file
        super().__init__(f"{at}: {problem}", next_step=next_step or "correct the course; docs/training.md")
        self.file = file
        self.field = field


class Refusal(StrEnum):
    """Why a step is not possible now; screens own the words."""

    PAUSED = "paused"
    NOT_VERIFIED = "not_verified"
    TOO_EARLY = "too_early"
    NOT_THE_TURN = "not_the_turn"
    BAD_ANSWER = "bad_answer"
    OVER = "over"


class StepRefused(TrainingError, RuntimeError):
    """The session does not allow this step now; nothing has changed."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


class SessionStale(TrainingError, ValueError):
    """A kept session that belongs to another version of the course."""


class RecordTampered(TrainingError, ValueError):
    """A signed training record whose signature or place in the chain is wrong."""
