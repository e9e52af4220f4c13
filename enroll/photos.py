"""One photo → one template, or the reason why not. The photo itself is not kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from enroll.errors import RowRefused
from enroll.photo_source import Photos
from models.engine import FaceEngine
from models.errors import ImageUnusable
from models.face import Advice, Face
from models.images import decode
from models.quality import QualityLimits, advise
from sync.records import Template

DOMINANT = 2.0
"""A face this many times as wide as the next one is clearly the subject; the other stands behind."""

PHOTOS_DIFFER_BELOW = 0.30
"""Cosine below which two photos of one row are taken for two people: for SFace on LFW the threshold of a
false match rate of 1e-3 is 0.35, and photos of one person score below 0.30 about once in a hundred."""

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
    """The template of the one face in a photo.

    Raises:
        RowRefused: not a photo, no face, several faces, or a face of too little quality.
    """
    try:
        faces = engine.faces(decode(photo.raw))
    except ImageUnusable as error:
        raise RowRefused(f"{photo.name}: {error}", next_step=error.next_step) from error
    face = _subject(photo.name, faces)
    if advice := advise(face.quality, limits):
        raise RowRefused(f"{photo.name}: {_ADVICE_WORDS[advice]}", next_step=_BETTER_PHOTO)
    (vector,) = engine.templates([face])
    return Template(
        template_id=photo.template_id,
        worker_id=worker_id,
        model=engine.embedder_name,
        model_version=engine.embedder_version,
        vector=vector.astype("<f4").tobytes(),
        quality=face.quality.overall,
        source="photo",
        created_at=now,
    )


def require_one_person(templates: Sequence[Template]) -> None:
    """Refuse photos of one row that show different people.

    Raises:
        RowRefused: some photo is unlike all the others.
    """
    if len(templates) < 2:
        return
    vectors = np.stack([np.frombuffer(one.vector, dtype="<f4") for one in templates])
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -1)
    if (likeness.max(axis=1) < PHOTOS_DIFFER_BELOW).any():
        raise RowRefused("the photos seem to show different people", next_step="Check whose photos they are.")


def _subject(name: str, faces: Sequence[Face]) -> Face:
    if not faces:
        raise RowRefused(f"{name}: no face is found", next_step=_BETTER_PHOTO)
    first, *others = sorted(faces, key=lambda face: face.box.width, reverse=True)
    if others and first.box.width < DOMINANT * others[0].box.width:
        raise RowRefused(f"{name}: {len(faces)} faces, none clearly the largest", next_step=_BETTER_PHOTO)
    return first
