"""A folder of photos, one subfolder per person, as embeddings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from gate.errors import GateError
from models.engine import FaceEngine
from models.errors import ImageUnusable
from models.face import Embedding, Image
from models.identification import Photos
from models.images import decode

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})

Embed = Callable[[Image], tuple[Embedding, Embedding] | None]
"""Probe and template of the nearest face in a photo, or None where no face is found."""


class PhotosMissing(GateError, FileNotFoundError):
    """A folder without the expected subfolders of photos."""


@dataclass(frozen=True, slots=True)
class EmbeddedPhotos:
    """photos: those with a face; names: of the people they number; failures: photos without one and why."""

    photos: Photos
    names: tuple[str, ...]
    failures: tuple[tuple[Path, str], ...]
    total: int


def photo_files(folder: Path) -> list[tuple[str, Path]]:
    """(person, photo), sorted. Raises PhotosMissing."""
    found = [
        (person.name, photo)
        for person in (sorted(folder.iterdir()) if folder.is_dir() else ())
        if person.is_dir()
        for photo in sorted(person.iterdir())
        if photo.suffix.lower() in PHOTO_SUFFIXES
    ]
    if not found:
        raise PhotosMissing(
            f"{folder} holds no folders with photos",
            next_step="Give a folder with one subfolder per person: DIR/person/photo.jpg.",
        )
    return found


def embed_photos(
    files: Sequence[tuple[str, Path]], embed: Embed, *, what: str, unit: bool = True
) -> EmbeddedPhotos:
    """Embed every photo; `what` names the work on the progress bar, `unit` says that the vectors have
    unit length. Raises PhotosMissing."""
    people: list[str] = []
    probes: list[Embedding] = []
    templates: list[Embedding] = []
    failures: list[tuple[Path, str]] = []
    for person, path in track(files, description=what, console=Console(stderr=True)):
        try:
            vectors = embed(decode(path))
        except ImageUnusable as error:
            failures.append((path, str(error)))
            continue
        if vectors is None:
            failures.append((path, "no face found"))
            continue
        people.append(person)
        probes.append(vectors[0])
        templates.append(vectors[1])
    if not people:
        raise PhotosMissing("no photo shows a face", next_step="Check the photos.")
    names, numbers = np.unique(people, return_inverse=True)
    return EmbeddedPhotos(
        Photos(numbers, np.stack(probes), np.stack(templates), unit=unit),
        tuple(str(name) for name in names),
        tuple(failures),
        len(files),
    )


def with_engine(engine: FaceEngine) -> Embed:
    """As the gate sees (probe) and as enrolment stores (template) the nearest face."""

    def embed(image: Image) -> tuple[Embedding, Embedding] | None:
        faces = engine.faces(image)
        return (faces[0].embedding, engine.templates(faces[:1])[0]) if faces else None

    return embed
