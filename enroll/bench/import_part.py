"""How fast a roster with photos is imported, and whether the memory grows over many rows."""

from __future__ import annotations

import csv
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from enroll.errors import EnrollError
from enroll.import_run import open_photos, plan_for
from enroll.roster_config import RosterConfig
from enroll.roster_file import read_roster_file
from enroll.roster_import import RowResult, import_roster
from sync.store import LocalStore, StoreKey

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png")
DEFAULT_PHOTOS = 400
DEFAULT_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class ImportFigures:
    """What was measured.

    photos_per_s    detect, quality, embed, store; after the engine was loaded
    refused         photos of which no template was made
    rows_per_s      of rows without photos
    grown_mb        resident memory at the last row, less that after a tenth of them
    """

    photos: int
    photos_per_s: float
    refused: int
    rows: int
    rows_per_s: float
    grown_mb: float


def measure_import(folder: Path, *, photos: int = DEFAULT_PHOTOS, rows: int = DEFAULT_ROWS) -> ImportFigures:
    """Import `photos` photos found below `folder`, then `rows` rows without photos, into fresh stores.

    Raises:
        EnrollError: there is no photo.
        ModelError: the weights are missing.
    """
    found = sorted(path for path in folder.rglob("*") if path.suffix.casefold() in PHOTO_SUFFIXES)[:photos]
    if not found:
        raise EnrollError(f"{folder}: there is no photo", next_step="Name a folder of portraits.")
    with _store() as (store, place):
        names = [str(path.relative_to(folder)) for path in found]
        _write(place / "photos.csv", ((f"W-{number}", name) for number, name in enumerate(names)))
        failed, photo_s, _ = _run(store, place / "photos.csv", folder)
    with _store() as (store, place):
        _write(place / "rows.csv", ((f"W-{number}", "") for number in range(rows)))
        _, row_s, grown_mb = _run(store, place / "rows.csv", folder)
    return ImportFigures(len(found), len(found) / photo_s, failed, rows, rows / row_s, grown_mb)


def _run(store: LocalStore, file: Path, folder: Path) -> tuple[int, float, float]:
    """Failed rows, seconds, and MB of growth after the first tenth of the rows."""
    settings = RosterConfig()
    roster = read_roster_file(file)
    job = store.begin_import(roster.sha256, file_name=file.name, total=len(roster.rows), started_by="bench")
    process = psutil.Process()
    failed, settled_mb = 0, 0.0
    with open_photos(folder) as source:
        plan = plan_for(settings, store, source, job_id=job.job_id)
        if any(row["photos"] for row in roster.rows):
            engine = plan.load_engine()
            plan = plan_for(settings, store, source, job_id=job.job_id, load_engine=lambda: engine)
        begun = time.perf_counter()
        for number, row in enumerate(import_roster(roster, plan), start=1):
            failed += row.result == RowResult.FAILED
            if number == max(1, len(roster.rows) // 10):
                settled_mb = process.memory_info().rss / 2**20
        took_s = time.perf_counter() - begun
    return failed, took_s, process.memory_info().rss / 2**20 - settled_mb


@contextmanager
def _store() -> Iterator[tuple[LocalStore, Path]]:
    with tempfile.TemporaryDirectory(prefix="sitegate-bench-") as folder:
        place = Path(folder)
        key = StoreKey.load(place / "store.key", "", create=True)
        with LocalStore.open(place / "store.db", key) as store:
            yield store, place


def _write(path: Path, rows: Iterator[tuple[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["worker_id", "name", "photos"])
        writer.writerows((worker_id, f"示例{worker_id}", photo) for worker_id, photo in rows)
