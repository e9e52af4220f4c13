"""What can go wrong in the models room."""

from __future__ import annotations


class ModelError(Exception):
    """Base of every error of this room.

    `next_step` says in one sentence what the reader can do about it.
    """

    next_step: str = ""

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        if next_step:
            self.next_step = next_step


class UnknownWeight(ModelError, LookupError):
    """A weight, sample or embedder name that the zoo does not list."""


class WeightMissing(ModelError, FileNotFoundError):
    """A weight that the zoo lists but that is not in the cache."""


class WeightCorrupt(ModelError, ValueError):
    """A file whose sha256 or structure is not what the zoo says: truncated, swapped or damaged."""


class FetchFailed(ModelError, OSError):
    """A source could not be reached or did not hold the expected member."""


class LicenceNotAccepted(ModelError, PermissionError):
    """A weight whose licence forbids business use was asked for without `--accept-licence`."""


class ImageUnusable(ModelError, ValueError):
    """Bytes or an array that are not a picture a face can be searched in."""


class SourceError(ModelError, OSError):
    """A camera, stream, file or folder that cannot be read."""
