"""One photo → one template, or the reason why not. The photo itself is not kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from enroll.errors import PhotoRefused
from enroll.photo_source import Photos
from models.engine import FaceEngine
from models.errors import ImageUnusable
from models.face import Advice, Face, Image
from models.images import decode
from models.quality import QualityLimits, advise
from sync.records import Template

DOMINANT = 2.0
"""A face this many times as wide as the next one is clearly the subject; the other stands behind."""

IN_THE_MIDDLE, BESIDE = 0.15, 0.15
"""Distances from the picture's middle (0.5 is the edge): of several large faces the middle one is the subject
when the others stand so much further out. Two people side by side are both out of the middle. Chosen on 1,213
photos of LFW, cut so that the subject is in the middle; 159 of them show several large faces."""

PHOTOS_DIFFER_BELOW = 0.30
"""Cosine below which two photos of one row are taken for two people: for SFace on LFW the threshold of a
false match rate of 1e-3 is 0.35, and photos of one person score below 0.30 about once in a hundred."""

FROM_ROSTER = "photo"

_ADVICE_WORDS: dict[Advice, str] = {
    Advice.COME_CLOSER: "the face is too small",
    Advice.STEP_BACK: "the face is too large",
    Advice.LOOK_AHEAD: "the head is turned",
    Advice.TURN_LEFT: "the head is turned aside",
    Advice.TURN_RIGHT: "the head is turned aside",
    Advice.LOOK_UP: "the head is bowed",
    Advice.LOOK_DOWN: "the head is raised",
    Advice.HOLD_STILL: "the face is blurred",
    Advice.TOO_DARK: "the face is too dark",
    Advice.TOO_BRIGHT: "the face is too bright",
    Advice.UNCOVER_FACE: "the face is covered",
    Advice.STRAIGHTEN_HEAD: "the head is tilted",
}
_BETTER_PHOTO = "Take a frontal, sharp, evenly lit photo with only this person in it."


@dataclass(frozen=True, slots=True)
class Photo:
    """The bytes of a photo, and the id its template gets: the same photo gives the same id."""

    name: str
    raw: bytes
    template_id: str


def open_photo(photos: Photos, name: str, *, worker_id: str, engine: FaceEngine) -> Photo:
    """Read the photo that a row names.

    Raises:
        RowRefused: there is none, or it cannot be read.
    """
    raw = photos.read(name)
    digest = hashlib.sha256(raw)
    digest.update("\0".join((worker_id, engine.embedder_name, engine.embedder_version)).encode())
    return Photo(name, raw, digest.hexdigest()[:32])


def template_of(
    photo: Photo, *, worker_id: str, engine: FaceEngine, limits: QualityLimits, now: datetime
) -> Template:
    """The template of the one face in a photo. Raises PhotoRefused, see `subject_of`."""
    _, face = subject_of(photo.name, photo.raw, engine=engine, limits=limits)
    (template,) = templates_of([face], worker_id=worker_id, engine=engine, source=FROM_ROSTER, now=now)
    return template.model_copy(update={"template_id": photo.template_id})


def templates_of(
    faces: Sequence[Face], *, worker_id: str, engine: FaceEngine, source: str, now: datetime
) -> list[Template]:
    """One template of each face, with ids of their own."""
    return [
        Template(
            worker_id=worker_id,
            model=engine.embedder_name,
            model_version=engine.embedder_version,
            vector=vector.astype("<f4").tobytes(),
            quality=face.quality.overall,
            source=source,
            created_at=now,
        )
        for face, vector in zip(faces, engine.templates(faces), strict=True)
    ]


def subject_of(name: str, raw: bytes, *, engine: FaceEngine, limits: QualityLimits) -> tuple[Image, Face]:
    """The picture of a photo file and the one face in it; `name` stands in what is said of it.

    Raises:
        PhotoRefused: not a photo, no face, several faces, or a face of too little quality.
    """
    try:
        image = decode(raw)
    except ImageUnusable as error:
        raise PhotoRefused(f"{name}: {error}", code="not_a_photo", next_step=error.next_step) from error
    face = _subject(name, image, engine.faces(image))
    if advice := advise(face.quality, limits):
        raise PhotoRefused(f"{name}: {_ADVICE_WORDS[advice]}", code=advice.value, next_step=_BETTER_PHOTO)
    return image, face


def require_one_person(templates: Sequence[Template]) -> None:
    """Refuse photos of one row that show different people.

    Raises:
        PhotoRefused: some photo is unlike all the others.
    """
    if len(templates) < 2:
        return
    vectors = np.stack([np.frombuffer(one.vector, dtype="<f4") for one in templates])
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -1)
    if (likeness.max(axis=1) < PHOTOS_DIFFER_BELOW).any():
        raise PhotoRefused(
            "the photos seem to show different people",
            code="different_people",
            next_step="Check whose photos they are.",
        )


def _subject(name: str, image: Image, faces: Sequence[Face]) -> Face:
    """The face that the photo was taken of: clearly the largest, or of the large ones alone in the middle."""
    if not faces:
        raise PhotoRefused(f"{name}: no face is found", code="no_face", next_step=_BETTER_PHOTO)
    largest = max(face.box.width for face in faces)
    large = [face for face in faces if largest < DOMINANT * face.box.width]
    middle, *beside = sorted(large, key=lambda face: _off_centre(image, face))
    off_centre = _off_centre(image, middle)
    if beside and (off_centre > IN_THE_MIDDLE or _off_centre(image, beside[0]) < off_centre + BESIDE):
        raise PhotoRefused(
            f"{name}: {len(faces)} faces, none clearly the largest",
            code="several_faces",
            next_step=_BETTER_PHOTO,
        )
    return middle


def _off_centre(image: Image, face: Face) -> float:
    """Distance of a face from the picture's middle; 0.5 is the edge."""
    height, width = image.shape[:2]
    across = (face.box.x + face.box.width / 2) / width - 0.5
    down = (face.box.y + face.box.height / 2) / height - 0.5
    return float(np.hypot(across, down))
