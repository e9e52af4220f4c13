"""The import at the kiosk: one file at a time, checked first, then imported beside the pages.

What was uploaded waits sealed beside the store and is deleted when the import is done or given up; progress
and report stand in the store. So a reload, another browser or a restart of the kiosk finds everything again.
"""

from __future__ import annotations

import json
import logging
import secrets
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from enroll.errors import EnrollError, RowRefused
from enroll.photo_source import Photos, PhotoZip
from enroll.roster_config import RosterConfig
from enroll.roster_file import RosterFile, read_roster
from enroll.sealed_file import KEY_BYTES, open_sealed, write_sealed
from models.errors import ModelError
from sync.errors import SyncError
from sync.store import LocalStore
from sync.store.import_jobs import ImportedRow, ImportJob, ImportState

log = logging.getLogger(__name__)

STATE_KEY = "kiosk_import"
KEPT_FOR = timedelta(days=7)
"""A roster with photos that nobody goes on with is gone after a week; so is an import that was stopped."""

MAX_ZIP_BYTES = 8 * 10**9
"""10,000 photos of a phone as they are; smaller ones import faster."""

_ROSTER, _PHOTOS = "roster.sealed", "photos.sealed"


class ImportBusy(EnrollError, RuntimeError):
    """An import or a check is running."""


class NothingUploaded(EnrollError, LookupError):
    """There is no roster file to work with."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What waits to be imported. `sheets` is empty for CSV, `photos` for a roster without a zip file."""

    roster: str
    total: int
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    has_photos_column: bool = False
    photos: str = ""
    photo_count: int = 0
    uploaded_by: str = ""
    job_id: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a check or an import stands. `problem`, `next_step`: why it ended early."""

    is_check: bool
    running: bool
    done: int
    total: int
    counts: dict[str, int] = field(default_factory=dict)
    problem: str = ""
    next_step: str = ""


class _NoPhotos:
    def read(self, name: str) -> bytes:
        raise RowRefused(f"{name}: no zip file of photos was uploaded", next_step="Upload the photos too.")


class ImportDesk:
    """Safe to use from any thread; at most one check or import runs at a time.

    now  the clock
    """

    def __init__(self, store: LocalStore, settings: RosterConfig, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._settings = settings
        self._now = now
        self._folder = store.path.parent / "imports"
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._progress: Progress | None = None
        self._checked: list[ImportedRow] = []

    def uploaded(self) -> Uploaded | None:
        """The roster that waits, whoever uploaded it."""
        kept = self._kept()
        return None if kept is None else _uploaded(kept)

    def put_roster(self, name: str, pieces: Iterable[bytes], *, by: str) -> Uploaded:
        """Take a roster file; it replaces what waited before, photos too.

        Raises:
            ImportBusy: something is running.
            RosterFileUnusable: no row of it can be read; nothing is kept.
        """
        self._require_idle()
        self.discard()
        self._folder.mkdir(mode=0o700, exist_ok=True)
        key = secrets.token_bytes(KEY_BYTES)
        try:
            write_sealed(self._folder / _ROSTER, pieces, key)
            kept = {"key": key.hex(), "roster": Path(name).name, "uploaded_by": by}
            kept |= self._described(kept)
        except BaseException:
            self._delete_files()
            raise
        self._keep(kept)
        return _uploaded(kept)

    def choose_sheet(self, sheet: str) -> Uploaded:
        """Read another sheet of the workbook. Raises as `put_roster`."""
        self._require_idle()
        kept = self._require_upload()
        kept |= self._described({**kept, "sheet": sheet}) | {"job_id": ""}
        self._checked, self._progress = [], None
        self._keep(kept)
        return _uploaded(kept)

    def put_photos(self, name: str, pieces: Iterable[bytes]) -> Uploaded:
        """Take the zip file of photos that belongs to the roster.

        Raises:
            ImportBusy, NothingUploaded: nothing fits it.
            PhotosUnusable: no such zip; nothing of it is kept.
        """
        self._require_idle()
        kept = self._require_upload()
        key = bytes.fromhex(kept["key"])
        path = self._folder / _PHOTOS
        try:
            write_sealed(path, _bounded(pieces), key)
            with open_sealed(path, key) as stream, PhotoZip(Path(name).name, stream) as photos:
                count = len(photos)
        except BaseException:
            path.unlink(missing_ok=True)
            self._keep({**kept, "photos": "", "photo_count": 0})
            raise
        kept |= {"photos": Path(name).name, "photo_count": count}
        self._checked, self._progress = [], None
        self._keep(kept)
        return _uploaded(kept)

    def check(self) -> None:
        """Begin to look at every row and photo without changing anything; `checked` has the outcome."""
        self._begin(is_check=True, by="")

    def checked(self, *, limit: int, remarks_only: bool = False) -> list[ImportedRow]:
        """The first rows of the latest check."""
        found = (row for row in list(self._checked) if row.reason or not remarks_only)
        return [row for row, _ in zip(found, range(limit), strict=False)]

    def start(self, *, by: str) -> None:
        """Begin to import, or go on behind the last row of an import that was stopped."""
        self._begin(is_check=False, by=by)

    def cancel(self) -> None:
        """Stop behind the rows that are settled; `start` goes on from there."""
        self._stop.set()

    def wait(self, timeout_s: float | None = None) -> None:
        """Block until what runs has ended."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)

    def progress(self) -> Progress | None:
        """Of what runs or ran last in this process; else of the stored job of the upload."""
        if self._progress is not None:
            return self._progress
        kept = self._kept()
        if kept is None or not kept.get("job_id"):
            return None
        job = self._store.import_job(kept["job_id"])
        return Progress(False, False, job.done, job.total, job.counts)

    def jobs(self) -> list[ImportJob]:
        """Imports whose report is kept, newest first; those of the command line too."""
        return self._store.import_jobs()

    def discard(self) -> None:
        """Delete what was uploaded; reports stay. Raises ImportBusy."""
        self._require_idle()
        self._delete_files()
        self._store.put_state(STATE_KEY, None)
        self._checked, self._progress = [], None

    def erase_abandoned(self) -> int:
        """Delete what was uploaded and left alone for `KEPT_FOR`; how many uploads went."""
        kept = self._kept()
        if kept is None or self._is_running:
            return 0
        if self._now() - datetime.fromisoformat(kept["changed_at"]) < KEPT_FOR:
            return 0
        self.discard()
        return 1

    def close(self) -> None:
        """Stop what runs and wait for it; it goes on at the next `start`."""
        self._stop.set()
        self.wait()

    def _begin(self, *, is_check: bool, by: str) -> None:
        kept = self._require_upload()
        with self._lock:
            self._require_idle()
            self._stop.clear()
            total = int(kept["total"])
            self._progress = Progress(is_check, True, 0, total)
            self._thread = threading.Thread(
                target=self._run, args=(kept, is_check, by), name="import", daemon=True
            )
            self._thread.start()

    def _run(self, kept: dict[str, Any], is_check: bool, by: str) -> None:
        progress = Progress(is_check, False, 0, int(kept["total"]))
        try:
            progress = self._checked_rows(kept) if is_check else self._imported_rows(kept, by)
        except (SyncError, ModelError, OSError) as error:
            log.error("the import stopped: %s", error)
            at = self._progress or progress
            next_step = getattr(error, "next_step", "") or "Try again; what was settled is kept."
            progress = Progress(is_check, False, at.done, at.total, at.counts, str(error), next_step)
        except Exception as error:  # the thread ends here: what happened must be told on the page
            log.exception("the import stopped")
            at = self._progress or progress
            progress = Progress(
                is_check, False, at.done, at.total, at.counts, f"{type(error).__name__}", "See the log."
            )
        finally:
            self._progress = progress

    def _checked_rows(self, kept: dict[str, Any]) -> Progress:
        from enroll.roster_import import import_roster  # noqa: PLC0415 - loads the engine's libraries

        self._checked = []
        with ExitStack() as opened:
            roster = self._roster(kept)
            plan = self._plan(kept, opened, job_id=None, by="")
            counts: Counter[str] = Counter()
            total = len(roster.rows)
            for row in import_roster(roster, plan):
                self._checked.append(row)
                counts[str(row.result)] += 1
                self._progress = Progress(True, True, len(self._checked), total, dict(counts))
                if self._stop.is_set():
                    break
        return Progress(True, False, len(self._checked), total, dict(counts))

    def _imported_rows(self, kept: dict[str, Any], by: str) -> Progress:
        from enroll.roster_import import import_roster  # noqa: PLC0415

        store = self._store
        with ExitStack() as opened:
            roster = self._roster(kept)
            job = store.begin_import(
                roster.sha256,
                file_name=kept["roster"],
                total=len(roster.rows),
                started_by=by,
                options=json.dumps({"sheet": roster.sheet, "kiosk": True}, ensure_ascii=False),
            )
            self._keep({**kept, "job_id": job.job_id})
            store.put_audit(by, "import_started", detail={"rows": job.total, "behind": job.last_row})
            counts = Counter(job.counts)
            self._progress = Progress(False, True, job.done, job.total, dict(counts))
            plan = self._plan(kept, opened, job_id=job.job_id, by=by)
            stopped = False
            for row in import_roster(roster, plan):
                counts[str(row.result)] += 1
                self._progress = Progress(False, True, sum(counts.values()), job.total, dict(counts))
                if self._stop.is_set():
                    stopped = True
                    break
        job = store.import_job(job.job_id)
        stopped = stopped and job.done < job.total
        store.end_import(job.job_id, ImportState.CANCELLED if stopped else ImportState.DONE)
        store.put_audit(by, "import_stopped" if stopped else "import_done", detail=job.counts)
        if not stopped:
            self._delete_files()
            store.put_state(STATE_KEY, None)
        return Progress(False, False, job.done, job.total, job.counts)

    def _plan(self, kept: dict[str, Any], opened: ExitStack, *, job_id: str | None, by: str) -> Any:
        from enroll.import_run import plan_for  # noqa: PLC0415

        photos: Photos = _NoPhotos()
        if kept.get("photos"):
            stream = opened.enter_context(open_sealed(self._folder / _PHOTOS, bytes.fromhex(kept["key"])))
            photos = opened.enter_context(PhotoZip(kept["photos"], stream))
        return plan_for(
            self._settings,
            self._store,
            photos,
            dry_run=job_id is None,
            job_id=job_id,
            consent_required=True,
            recorded_by=by,
            now=self._now,
        )

    def _roster(self, kept: dict[str, Any]) -> RosterFile:
        try:
            with open_sealed(self._folder / _ROSTER, bytes.fromhex(kept["key"])) as stream:
                return read_roster(Path(kept["roster"]), stream, sheet=kept.get("sheet", ""))
        except FileNotFoundError as error:
            raise NothingUploaded(
                f"{kept['roster']} is no longer there", next_step="Upload it again: the import goes on."
            ) from error

    def _described(self, kept: dict[str, Any]) -> dict[str, Any]:
        roster = self._roster(kept)
        return {
            "total": len(roster.rows),
            "sheet": roster.sheet,
            "sheets": list(roster.sheets),
            "ignored": list(roster.ignored),
            "has_photos_column": any(row["photos"] for row in roster.rows),
        }

    @property
    def _is_running(self) -> bool:
        """As the page shows it: whoever sees that it stopped can go on, though its thread still ends."""
        return self._progress is not None and self._progress.running

    def _require_idle(self) -> None:
        if self._is_running:
            raise ImportBusy("an import is running", next_step="Wait for its end, or stop it.")

    def _require_upload(self) -> dict[str, Any]:
        kept = self._kept()
        if kept is None:
            raise NothingUploaded("no roster file was uploaded", next_step="Upload one first.")
        return kept

    def _kept(self) -> dict[str, Any] | None:
        kept = self._store.state(STATE_KEY)
        return kept if isinstance(kept, dict) else None

    def _keep(self, kept: dict[str, Any]) -> None:
        self._store.put_state(STATE_KEY, {**kept, "changed_at": self._now().isoformat()})

    def _delete_files(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def _uploaded(kept: dict[str, Any]) -> Uploaded:
    names = set(asdict(Uploaded("", 0)))
    values = {name: value for name, value in kept.items() if name in names}
    values |= {name: tuple(values.get(name, ())) for name in ("sheets", "ignored")}
    return Uploaded(**values)


def _bounded(pieces: Iterable[bytes]) -> Iterable[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_ZIP_BYTES:
            raise EnrollError(
                f"the zip file is larger than {MAX_ZIP_BYTES // 10**9} GB",
                next_step="Save the photos smaller, or import in several parts.",
            )
        yield piece
