"""A course: a folder with `manifest.yaml` or `manifest.toml`, its slides, pictures and videos.

What identifies a course is the sha256 over its manifest and every file the manifest names: a record that
states it says exactly what was taught.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sync.records import Identifier, Record
from sync.training.errors import CourseUnusable

MANIFESTS = ("manifest.yaml", "manifest.toml")
MAX_FILE_MB = 500
MAX_TEXT_CHARACTERS = 20_000

_SUFFIXES = {
    "file": {".md", ".txt"},
    "image": {".svg", ".png", ".jpg", ".jpeg", ".webp"},
    "pdf": {".pdf"},
    "video": {".mp4", ".webm"},
}

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT_CHARACTERS)]


class Said(Record):
    """The same in both languages; `en` may be missing, then zh stands alone."""

    zh: Line
    en: str = ""

    def __str__(self) -> str:
        return f"{self.zh} {self.en}".strip()


class SaidAtLength(Record):
    """Markdown in both languages."""

    zh: Text
    en: str = ""


class Page(Record):
    """One slide: exactly one of text, file (Markdown), pdf or video; text and file may have an image beside.

    min_seconds  so long the right person must have been before it
    pdf_page     from 1, of the file in `pdf`
    """

    title: Said
    min_seconds: int = Field(ge=1, le=7200)
    text: SaidAtLength | None = None
    file: str = ""
    image: str = ""
    image_text: Said | None = Field(default=None, description="what the image shows, for a screen reader")
    pdf: str = ""
    pdf_page: int = Field(default=1, ge=1)
    video: str = ""

    @model_validator(mode="after")
    def _one_medium(self) -> Page:
        media = [name for name in ("text", "file", "pdf", "video") if getattr(self, name)]
        if len(media) != 1 and not (not media and self.image):
            raise ValueError(f"needs one of text, file, pdf, video or image, not {media or 'none'}")
        if self.image and (self.pdf or self.video):
            raise ValueError("an image stands beside text, not beside a PDF or a video")
        return self

    def files(self) -> dict[str, str]:
        """Field → relative path of every file this page needs."""
        return {field: name for field in _SUFFIXES if (name := getattr(self, field))}


class QuestionKind(StrEnum):
    """How many options are right."""

    SINGLE = "single"
    MULTIPLE = "multiple"


class Question(Record):
    """`right` are positions in `options`, from 0."""

    id: Identifier
    kind: QuestionKind = QuestionKind.SINGLE
    text: Said
    options: tuple[Said, ...] = Field(min_length=2, max_length=8)
    right: tuple[int, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _right_fits(self) -> Question:
        if len(set(self.right)) != len(self.right):
            raise ValueError("right: an option is named twice")
        if not all(0 <= one < len(self.options) for one in self.right):
            raise ValueError(f"right: options are counted from 0 to {len(self.options) - 1}")
        if self.kind is QuestionKind.SINGLE and len(self.right) != 1:
            raise ValueError("right: a single-choice question has exactly one")
        return self

    def is_right(self, chosen: frozenset[int]) -> bool:
        return chosen == frozenset(self.right)


class Manifest(Record):
    """What `manifest.yaml` says.

    kind           of the clearance that a pass grants, as `policy.training_kind` of the gates
    validity_days  after a pass; pass_mark: percent of right answers
    min_seconds    the whole course, before the questions come
    check_every_s  bounds of the time between two random checks of the face
    """

    id: Identifier
    version: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=32)]
    kind: Identifier = "training"
    title: Said
    language: Literal["zh", "en"] = "zh"
    validity_days: int = Field(ge=1, le=3660)
    pass_mark: int = Field(ge=1, le=100)
    min_seconds: int = Field(ge=1, le=86_400)
    check_every_s: tuple[int, int] = (20, 60)
    pages: tuple[Page, ...] = Field(min_length=1, max_length=500)
    questions: tuple[Question, ...] = Field(default=(), max_length=200)

    @field_validator("version", mode="before")
    @classmethod
    def _version_is_text(cls, value: object) -> object:
        """`version: 1` in YAML is a number; what is meant is clear."""
        return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _makes_sense(self) -> Manifest:
        low, high = self.check_every_s
        if not 1 <= low <= high:
            raise ValueError("check_every_s: two numbers of seconds, the smaller one first")
        ids = [one.id for one in self.questions]
        if double := sorted({one for one in ids if ids.count(one) > 1}):
            raise ValueError(f"questions: the id {double[0]} stands twice")
        return self


@dataclass(frozen=True, slots=True)
class Course:
    """A course that was read and checked.

    folder  where its files lie; sha256: hexadecimal, over manifest and files
    """

    folder: Path
    manifest: Manifest
    sha256: str

    @property
    def key(self) -> str:
        """What a session names its course by."""
        return f"{self.manifest.id} {self.manifest.version} {self.sha256[:12]}"

    def file(self, name: str) -> Path:
        """A file that the manifest names. Raises CourseUnusable for any other."""
        if name not in {path for page in self.manifest.pages for path in page.files().values()}:
            raise CourseUnusable(str(self.folder), "", f"the manifest names no file {name}")
        return self.folder / name

    def page_text(self, number: int) -> SaidAtLength | None:
        """Markdown of page `number`, from the manifest or its file; None where there is none."""
        page = self.manifest.pages[number]
        if page.file:
            return SaidAtLength(zh=self.file(page.file).read_text(encoding="utf-8"))
        return page.text


def load_course(folder: Path) -> Course:
    """Read and check one course. Raises CourseUnusable with file and field."""
    path = _manifest_path(folder)
    raw = _read(path)
    try:
        manifest = Manifest.model_validate(_parse(path, raw))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise CourseUnusable(str(path), field, first["msg"].removeprefix("Value error, ")) from error
    digest = hashlib.sha256(f"{path.name} {hashlib.sha256(raw).hexdigest()}\n".encode())
    named = list(_named_files(manifest))
    for where, field, name in named:
        _check_file(folder, path, where, field, name)
    for name in dict.fromkeys(name for _, _, name in named):
        digest.update(f"{name} {_digest(folder / name)}\n".encode())
    return Course(folder, manifest, digest.hexdigest())


def load_courses(folder: Path) -> tuple[list[Course], list[CourseUnusable]]:
    """Every course below `folder`, in order of their ids, and what is wrong with the others."""
    courses: list[Course] = []
    problems: list[CourseUnusable] = []
    if not folder.is_dir():
        return [], [CourseUnusable(str(folder), "", "no such folder")]
    for one in sorted(folder.iterdir()):
        if one.is_dir() and not one.name.startswith((".", "_")):
            try:
                courses.append(load_course(one))
            except CourseUnusable as problem:
                problems.append(problem)
    return sorted(courses, key=lambda course: course.manifest.id), problems


def folder_stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Path, size and time of change of everything below `folder`: another one where a course was changed."""
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            stat = path.stat()
        except OSError:  # taken away meanwhile, or a link to nothing: said when the course is read
            continue
        found.append((str(path), stat.st_size, stat.st_mtime_ns))
    return tuple(found)


def _manifest_path(folder: Path) -> Path:
    found = [folder / name for name in MANIFESTS if (folder / name).is_file()]
    if len(found) != 1:
        problem = "two manifests" if found else f"no {' or '.join(MANIFESTS)}"
        raise CourseUnusable(str(folder), "", problem)
    return found[0]


def _parse(path: Path, raw: bytes) -> object:
    try:
        text = raw.decode("utf-8")
        return tomllib.loads(text) if path.suffix == ".toml" else YAML(typ="safe").load(text)
    except (tomllib.TOMLDecodeError, YAMLError, UnicodeDecodeError) as error:
        raise CourseUnusable(str(path), "", f"cannot be read: {error}") from error


def _named_files(manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    for number, page in enumerate(manifest.pages):
        for field, name in page.files().items():
            yield f"pages.{number}.{field}", field, name


def _check_file(folder: Path, manifest: Path, where: str, field: str, name: str) -> None:
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or "\\" in name:
        raise CourseUnusable(str(manifest), where, f"{name} lies outside of the course")
    if pure.suffix.lower() not in _SUFFIXES[field]:
        allowed = ", ".join(sorted(_SUFFIXES[field]))
        raise CourseUnusable(str(manifest), where, f"{name}: {field} takes {allowed}")
    path = folder / name
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        raise CourseUnusable(str(manifest), where, f"there is no file {name} in the course")
    if path.stat().st_size > MAX_FILE_MB * 2**20:
        raise CourseUnusable(str(manifest), where, f"{name} is larger than {MAX_FILE_MB} MB")
    if field == "file":
        _check_slide(path)


def _check_slide(path: Path) -> None:
    try:
        text = _read(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise CourseUnusable(str(path), "", "is no UTF-8 text") from error
    if not 1 <= len(text) <= MAX_TEXT_CHARACTERS:
        raise CourseUnusable(str(path), "", f"a slide has 1 to {MAX_TEXT_CHARACTERS} characters")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CourseUnusable(str(path), "", f"cannot be read ({error.strerror})") from error


def _digest(path: Path) -> str:
    """Read in pieces: a video may be large."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CourseUnusable(str(path), "", f"cannot be read ({error.strerror})") from error
