"""Which workers a terminal should hold, and what it should be told about each.

These terminals compute their own templates from a photo, and decide alone. The registry keeps templates, not
photos, so a worker can only be sent where a `PhotoSource` has a photo that the worker agreed to; everybody
else is outstanding, with the reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sync.records import FlagLevel, Worker, WorkerStatus
from sync.vendor.commands import MAX_CUSTOM_ID, MAX_NAME

NO_CONSENT, NO_PHOTO, ID_TOO_LONG = "no_consent", "no_photo", "id_too_long"
NEEDS_GUARD = "flag_needs_guard"

Eligible = Callable[[Worker, datetime], bool]
"""Whether this worker may enter now. A terminal checks only the face, so whoever may not is taken off it."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo for a terminal: a URL that it can reach, or the JPEG itself."""

    url: str = field(default="", repr=False)
    jpeg: bytes = field(default=b"", repr=False)


class PhotoSource(Protocol):
    """Where consent and configuration allow photos to leave the registry for a terminal."""

    def fingerprint(self, worker: Worker) -> str | None:
        """Changes whenever the photo does; None where there is none or it may not be used. Cheap."""
        ...

    def photo(self, worker: Worker) -> Photo | None:
        """The photo itself, asked for only when it is about to be sent; None if it is gone meanwhile."""
        ...


class NoPhotos:
    """The default: no photo is kept, so nobody can be sent to a terminal."""

    def fingerprint(self, worker: Worker) -> str | None:
        return None

    def photo(self, worker: Worker) -> Photo | None:
        return None


@dataclass(frozen=True, slots=True)
class Outstanding:
    """Somebody whom a terminal should hold (or no longer hold) and does not (or still does), and why."""

    worker_id: str
    reason: str
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """The target state of a site's terminals: worker id → digest, and who cannot be sent."""

    digests: Mapping[str, str] = field(default_factory=dict)
    workers: Mapping[str, Worker] = field(default_factory=dict, repr=False)
    impossible: tuple[Outstanding, ...] = ()


def may_enter(worker: Worker, now: datetime) -> bool:
    """The default `Eligible`: active, inside the grant, not blocked. Clearances need the centre's own."""
    in_grant = (worker.grant_from is None or worker.grant_from <= now) and (
        worker.grant_until is None or now < worker.grant_until
    )
    blocked = FlagLevel.BLOCK in _flags(worker, now)
    return worker.status is WorkerStatus.ACTIVE and in_grant and not blocked


def wanted(
    workers: Iterable[Worker],
    site_id: str,
    photos: PhotoSource,
    *,
    now: datetime,
    eligible: Eligible = may_enter,
) -> Wanted:
    """What every terminal of the site should hold at `now`."""
    digests: dict[str, str] = {}
    known: dict[str, Worker] = {}
    impossible = []
    for worker in workers:
        if site_id not in worker.site_ids or not eligible(worker, now):
            continue
        reason, digest = _sendable(worker, photos, now)
        if reason:
            impossible.append(Outstanding(worker.worker_id, reason))
        else:
            digests[worker.worker_id] = digest
            known[worker.worker_id] = worker
    return Wanted(digests, known, tuple(impossible))


def _sendable(worker: Worker, photos: PhotoSource, now: datetime) -> tuple[str, str]:
    """Why not, and else the digest."""
    if FlagLevel.HOLD in _flags(worker, now):
        return NEEDS_GUARD, ""
    if worker.face_consent_on is None:
        return NO_CONSENT, ""
    if len(worker.worker_id) > MAX_CUSTOM_ID:
        return ID_TOO_LONG, ""
    fingerprint = photos.fingerprint(worker)
    if fingerprint is None:
        return NO_PHOTO, ""
    parts = (worker.worker_id, worker.name[:MAX_NAME], fingerprint)
    return "", hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _flags(worker: Worker, now: datetime) -> set[FlagLevel]:
    return {
        flag.level
        for flag in worker.flags
        if (flag.valid_from is None or flag.valid_from <= now)
        and (flag.valid_until is None or now < flag.valid_until)
    }
