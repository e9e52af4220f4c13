"""What can go wrong in the enroll room."""

from __future__ import annotations

from sync.errors import SyncError


class EnrollError(SyncError):
    """Base of every error of this room; it is answered on the command line like those of the store."""


class RosterFileUnusable(EnrollError, ValueError):
    """A roster file of which no row can be read."""


class RowRefused(EnrollError, ValueError):
    """One row that cannot be registered; the message is the reason for the report."""


class RosterConfigUnusable(EnrollError, ValueError):
    """The site or store section of the configuration does not say what it should."""
