"""The zoo of weights: which files there are, where they lie, and whether they are what they should be."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import platformdirs

from models.errors import LicenceNotAccepted, UnknownWeight, WeightCorrupt, WeightMissing
from models.fetch import Fetcher, Progress, no_progress
from models.manifest import Entry, bundled_manifest

CACHE_VARIABLE = "SITEGATE_WEIGHTS_DIR"
WHEELHOUSE_VARIABLE = "SITEGATE_WHEELHOUSE"


class State(StrEnum):
    """What is known about the usable file of an entry."""

    OK = "ok"
    MISSING = "missing"
    CORRUPT = "corrupt"


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome of hashing one file of the cache; `detail` says what is wrong with it."""

    entry: Entry
    state: State
    path: Path
    detail: str = ""


class Zoo:
    """The manifest joined with a cache folder.

    >>> zoo = Zoo.default()
    >>> zoo.entry("sface").licence
    'Apache-2.0'
    """

    def __init__(self, entries: Sequence[Entry], cache_dir: Path) -> None:
        self._entries = {entry.name: entry for entry in entries}
        self.cache_dir = cache_dir
        # Hashing 40 MB at every look would cost; a file that changed since has another size or time.
        self._verified: dict[Path, tuple[int, int]] = {}

    @classmethod
    def default(cls, cache_dir: Path | None = None) -> Zoo:
        """The bundled manifest over `cache_dir`, else `SITEGATE_WEIGHTS_DIR`, else the user's cache."""
        if cache_dir is None:
            from_environment = os.environ.get(CACHE_VARIABLE)
            cache_dir = (
                Path(from_environment).expanduser()
                if from_environment
                else platformdirs.user_cache_path("sitegate") / "weights"
            )
        return cls(bundled_manifest(), cache_dir)

    def entries(self) -> tuple[Entry, ...]:
        """Every entry, in the manifest's order."""
        return tuple(self._entries.values())

    def entry(self, name: str) -> Entry:
        """The entry of that name.

        Raises:
            UnknownWeight: the manifest lists no such name.
        """
        try:
            return self._entries[name]
        except KeyError:
            raise UnknownWeight(
                f"the zoo lists no {name!r}; it lists {', '.join(self._entries)}",
                next_step="See `sitegate models list` for the names.",
            ) from None

    def path(self, name: str) -> Path:
        """The usable file of an entry (converted where we convert), verified by its sha256.

        A file that was verified once in this process is hashed again only when its size or time changed.

        Raises:
            UnknownWeight: no such entry.
            WeightMissing: it has not been fetched.
            WeightCorrupt: the file is truncated, swapped or damaged.
        """
        entry = self.entry(name)
        return self._checked(name, self.cache_dir / entry.usable_file, entry.usable_sha256)

    def source(self, name: str) -> Path:
        """The file as published, before conversion, verified like `path`; for parity and yardsticks."""
        entry = self.entry(name)
        return self._checked(name, self.cache_dir / entry.source_file, entry.sha256)

    def fetch(
        self,
        names: Iterable[str],
        *,
        accept_licence: bool = False,
        wheelhouse: Path | None = None,
        progress: Progress = no_progress,
    ) -> None:
        """Bring the named entries into the cache, whole and verified; what is there already is left alone.

        Args:
            names: entries to bring; several from one archive fetch it once.
            accept_licence: also bring entries whose licence forbids business use.
            wheelhouse: folder with the archives or with the bare files, asked before the network;
                else `SITEGATE_WHEELHOUSE`.
            progress: called with a label, the bytes done and the bytes in all (None: unknown).

        Raises:
            UnknownWeight: no such entry.
            LicenceNotAccepted: an entry forbids business use and `accept_licence` is not set.
            FetchFailed: no source could be reached or none held the file.
            WeightCorrupt: what came, or what our conversion made of it, has the wrong hash.
        """
        wanted = [self.entry(name) for name in dict.fromkeys(names)]
        for entry in wanted:
            if not (entry.business_use or accept_licence):
                raise LicenceNotAccepted(
                    f"{entry.name}: {entry.licence} does not grant business use. {entry.note}".rstrip(". ")
                    + ".",
                    next_step=f"If your use is allowed: sitegate models fetch {entry.name} --accept-licence",
                )
        if wheelhouse is None and os.environ.get(WHEELHOUSE_VARIABLE):
            wheelhouse = Path(os.environ[WHEELHOUSE_VARIABLE]).expanduser()
        Fetcher(self.cache_dir, wheelhouse=wheelhouse, progress=progress).fetch(wanted)

    def verify(self, names: Iterable[str] | None = None) -> list[Verification]:
        """Hash the usable files of the named entries (default: all) anew and say what was found."""
        chosen = self._entries if names is None else names
        return [self._verification(self.entry(name)) for name in chosen]

    def _verification(self, entry: Entry) -> Verification:
        path = self.cache_dir / entry.usable_file
        self._verified.pop(path, None)
        try:
            self.path(entry.name)
        except WeightMissing as missing:
            return Verification(entry, State.MISSING, path, str(missing))
        except WeightCorrupt as corrupt:
            return Verification(entry, State.CORRUPT, path, str(corrupt))
        return Verification(entry, State.OK, path)

    def _checked(self, name: str, path: Path, expected: str) -> Path:
        try:
            status = path.stat()
        except FileNotFoundError:
            raise WeightMissing(
                f"{name}: {path} is not there", next_step=f"Run `sitegate models fetch {name}`."
            ) from None
        seen = (status.st_size, status.st_mtime_ns)
        if self._verified.get(path) == seen:
            return path
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            raise WeightCorrupt(
                f"{name}: {path} has sha256 {found}, expected {expected} ({status.st_size} bytes)",
                next_step=f"Run `sitegate models fetch {name}`: it replaces the file.",
            )
        self._verified[path] = seen
        return path
