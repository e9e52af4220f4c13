"""What can go wrong in the enroll room."""

from __future__ import annotations

from sync.errors import SyncError
from sync.words import Words


class EnrollError(SyncError):
    """Base of every error of this room; it is answered on the command line like those of the store.

    `words` say the same on a screen, for people who read no English; None where nobody at the kiosk sees it.
    """

    def __init__(self, message: str, *, next_step: str = "", words: Words | None = None) -> None:
        super().__init__(message, next_step=next_step)
        self.words = words


class RosterFileUnusable(EnrollError, ValueError):
    """A roster file of which no row can be read."""


class RowRefused(EnrollError, ValueError):
    """One row that cannot be registered; the message is the reason for the report."""


class PhotoRefused(RowRefused):
    """A photo that makes no template; `code` is the reason for a screen's words.

    It is a code of `models.face.Advice`, or `not_a_photo`, `no_face`, `several_faces`, `different_people`.
    """

    def __init__(self, message: str, *, code: str, next_step: str = "") -> None:
        super().__init__(message, next_step=next_step)
        self.code = code


class RosterConfigUnusable(EnrollError, ValueError):
    """The site or store section of the configuration does not say what it should."""
