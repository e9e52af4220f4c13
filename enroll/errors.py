"""What can go wrong in the enroll room."""

from __future__ import annotations

from sync.errors import SyncError


class EnrollError(SyncError):
    """Base of every error of this room; it is answered on the command line like those of the store."""


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
