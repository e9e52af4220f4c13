"""The manifest of weights and samples, `zoo.toml`, as frozen records."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

_Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_HASH_DIGITS_IN_NAME = 8


class Kind(StrEnum):
    """A weight is what a network needs; a sample is a picture or a video for demo and tests."""

    WEIGHT = "weight"
    SAMPLE = "sample"


@dataclass(frozen=True, slots=True)
class Platform:
    """The one platform whose wheel is taken for its data; it need not be this machine's."""

    tag: str
    python: str


@dataclass(frozen=True, slots=True)
class Archive:
    """A wheel or sdist of the package index, pinned by the sha256 of the whole file."""

    package: str
    version: str
    file: str
    sha256: str
    platform: Platform | None = None

    @property
    def is_wheel(self) -> bool:
        """True for a wheel, False for an sdist."""
        return self.file.endswith(".whl")


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside an archive of the package index."""

    archive: Archive
    path: str


@dataclass(frozen=True, slots=True)
class Download:
    """A file behind https addresses that are tried in turn."""

    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conversion:
    """What we make of a file as it was published: by which converter, and what must come out."""

    converter: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the zoo.

    sha256, size_bytes  of the file as published
    conversion          set where the usable file is our conversion of the published one
    business_use        False where the licence forbids commercial use, or none is stated
    default             fetched when no name is given
    """

    name: str
    kind: Kind
    source: Member | Download
    sha256: str
    size_bytes: int
    licence: str
    business_use: bool
    input: str
    output: str
    citation: str
    conversion: Conversion | None = None
    default: bool = False
    note: str = ""

    @property
    def published_name(self) -> str:
        """The file's name where it comes from, without folders."""
        where = self.source.path if isinstance(self.source, Member) else self.source.urls[0]
        return PurePosixPath(where).name

    @property
    def source_file(self) -> str:
        """The name in the cache of the file as published; a changed hash makes a new name.

        Entries that convert the same file share it.
        """
        published = PurePosixPath(self.published_name)
        stem = published.stem if self.conversion else self.name
        return f"{stem}-{self.sha256[:_HASH_DIGITS_IN_NAME]}{published.suffix}"

    @property
    def usable_file(self) -> str:
        """The name in the cache of the file that is loaded."""
        if self.conversion is None:
            return self.source_file
        return f"{self.name}-{self.conversion.sha256[:_HASH_DIGITS_IN_NAME]}.onnx"

    @property
    def usable_sha256(self) -> str:
        """The sha256 of the file that is loaded."""
        return self.conversion.sha256 if self.conversion else self.sha256

    @property
    def usable_size_bytes(self) -> int:
        """The size of the file that is loaded."""
        return self.conversion.size_bytes if self.conversion else self.size_bytes


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _PlatformTable(_Strict):
    tag: str
    python: str


class _ArchiveTable(_Strict):
    package: str
    version: str
    file: str
    sha256: _Sha256
    platform: _PlatformTable | None = None

    def record(self) -> Archive:
        platform = Platform(self.platform.tag, self.platform.python) if self.platform else None
        return Archive(self.package, self.version, self.file, self.sha256, platform)


class _EntryTable(_Strict):
    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    kind: Literal["weight", "sample"]
    default: bool = False
    archive: str | None = None
    member: str | None = None
    urls: tuple[str, ...] = ()
    sha256: _Sha256
    size_bytes: int = Field(gt=0)
    converter: str | None = None
    converted_sha256: _Sha256 | None = None
    converted_size_bytes: int | None = Field(default=None, gt=0)
    licence: str
    business_use: bool
    input: str = ""
    output: str
    citation: str
    note: str = ""

    @model_validator(mode="after")
    def _one_source_and_a_whole_conversion(self) -> Self:
        if (self.archive is None) != (self.member is None) or (self.archive is None) == (not self.urls):
            raise ValueError(f"{self.name}: give either archive and member, or urls")
        conversion = (self.converter, self.converted_sha256, self.converted_size_bytes)
        if any(conversion) != all(conversion):
            raise ValueError(f"{self.name}: converter, converted_sha256, converted_size_bytes go together")
        return self

    def record(self, archives: dict[str, Archive]) -> Entry:
        source: Member | Download
        if self.archive is not None and self.member is not None:
            source = Member(archives[self.archive], self.member)
        else:
            source = Download(self.urls)
        conversion = None
        if self.converter and self.converted_sha256 and self.converted_size_bytes:
            conversion = Conversion(self.converter, self.converted_sha256, self.converted_size_bytes)
        return Entry(
            name=self.name,
            kind=Kind(self.kind),
            source=source,
            sha256=self.sha256,
            size_bytes=self.size_bytes,
            licence=self.licence,
            business_use=self.business_use,
            input=self.input,
            output=self.output,
            citation=self.citation,
            conversion=conversion,
            default=self.default,
            note=self.note,
        )


class _Manifest(_Strict):
    archives: dict[str, _ArchiveTable]
    entries: tuple[_EntryTable, ...]


def parse_manifest(text: str) -> tuple[Entry, ...]:
    """Read a manifest in the form of `zoo.toml`.

    Raises:
        pydantic.ValidationError: a table has an unknown, missing or wrong key.
        tomllib.TOMLDecodeError: the text is not TOML.
        KeyError: an entry names an archive that the manifest does not list.
    """
    manifest = _Manifest.model_validate(tomllib.loads(text))
    archives = {name: table.record() for name, table in manifest.archives.items()}
    return tuple(table.record(archives) for table in manifest.entries)


def bundled_manifest() -> tuple[Entry, ...]:
    """The entries of the manifest that comes with this package."""
    return parse_manifest((resources.files("models") / "zoo.toml").read_text(encoding="utf-8"))
