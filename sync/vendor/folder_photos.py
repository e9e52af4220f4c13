"""Photos for terminals out of a folder: `<folder>/<worker id>.jpg`. Whoever has no file there is not sent."""

from __future__ import annotations

from pathlib import Path

from sync.records import Worker
from sync.vendor.roster import Photo


class FolderPhotos:
    """A `PhotoSource`. Put only photos there whose use at terminals the worker agreed to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fingerprint(self, worker: Worker) -> str | None:
        """From the file's time and size, so that a new photo is sent."""
        try:
            found = self._path(worker).stat()
        except FileNotFoundError:
            return None
        return f"{found.st_mtime_ns}-{found.st_size}"

    def photo(self, worker: Worker) -> Photo | None:
        try:
            return Photo(jpeg=self._path(worker).read_bytes())
        except FileNotFoundError:
            return None

    def forget(self, worker_id: str) -> bool:
        """Delete the photo of somebody who took the consent back; False where there is none."""
        try:
            (self._folder / f"{worker_id}.jpg").unlink()
        except FileNotFoundError:
            return False
        return True

    def _path(self, worker: Worker) -> Path:
        # A worker id has no slash (`sync.records.Identifier`), so this stays in the folder.
        return self._folder / f"{worker.worker_id}.jpg"
