"""From settings to an import that is ready to run: the plan, the photos, the face engine."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from enroll.errors import EnrollError
from enroll.photo_source import PhotoFolder, Photos, PhotoZip
from enroll.roster_config import RosterConfig
from enroll.roster_import import ImportPlan
from models.engine import FaceEngine
from models.quality import QualityLimits
from models.zoo import Zoo
from sync.store import LocalStore

IMPORTED_BY_COMMAND = "command line"


def plan_for(
    settings: RosterConfig,
    store: LocalStore | None,
    photos: Photos,
    *,
    dry_run: bool = False,
    job_id: str | None = None,
    consent_required: bool = False,
    recorded_by: str = IMPORTED_BY_COMMAND,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    load_engine: Callable[[], FaceEngine] | None = None,
) -> ImportPlan:
    """The plan of an import as the configuration wants it.

    load_engine  None: an engine of its own, with one thread per photo that is looked at at once
    """
    threads = settings.recognition.threads or os.cpu_count() or 1
    return ImportPlan(
        store=store,
        site_id=settings.site.id,
        zone=ZoneInfo(settings.site.timezone),
        training_kind=settings.policy.training_kind,
        photos=photos,
        load_engine=load_engine or (lambda: import_engine(settings)),
        limits=QualityLimits(**settings.quality.model_dump()),
        dry_run=dry_run,
        job_id=job_id,
        consent_required=consent_required,
        recorded_by=recorded_by,
        now=now,
        threads=threads,
    )


def import_engine(settings: RosterConfig) -> FaceEngine:
    """Raises WeightMissing and the like."""
    recognition = settings.recognition
    # Several photos at once use the cores better than several threads for one.
    return FaceEngine.load(embedder=recognition.embedder, threads=1, zoo=Zoo.default(recognition.weights_dir))


@contextmanager
def open_photos(path: Path) -> Iterator[Photos]:
    """A folder, or a zip file that stays open for the length of the body.

    Raises:
        PhotosUnusable: a zip file that cannot be used.
        EnrollError: neither of them.
    """
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
        if not is_file:
            yield PhotoFolder(path)
            return
        with path.open("rb") as stream, PhotoZip(path.name, stream) as photos:
            yield photos
    except OSError as error:
        if isinstance(error, EnrollError):
            raise
        raise EnrollError(
            f"{path} cannot be read: {error.strerror}", next_step="Check --photos: a folder or a zip file."
        ) from error
