"""A centre that trains on phones: a short course, one worker with a real face, documents to sign in by."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.engine import FaceEngine
from models.face import Image
from sync.central import registry
from sync.central.front_office import FrontOffice
from sync.central.phone_training import PhoneTraining
from sync.records import Template
from tests.sync.central.phone_samples import ANN, with_documents
from tests.sync.samples import NOON

COURSE = """
id: short-course
version: "1"
title: {zh: 短课程, en: Short course}
validity_days: 365
pass_mark: 50
min_seconds: 3
check_every_s: [1, 2]
pages:
  - {title: {zh: 安全帽, en: Helmet}, min_seconds: 2, text: {zh: "- 戴好安全帽", en: Wear your helmet}}
  - {title: {zh: 安全带, en: Harness}, min_seconds: 1, text: {zh: 系好 <b>安全带</b>, en: Wear your harness}}
questions:
  - id: q1
    text: {zh: 先做什么, en: What first}
    options: [{zh: 戴帽, en: Helmet}, {zh: 不戴, en: Nothing}]
    right: [0]
"""


class Seconds:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.at_s = 100.0

    def __call__(self) -> float:
        return self.at_s


def with_training(
    office: FrontOffice, folder: Path, engine: FaceEngine, portrait: Image, *, clock: Seconds | None = None
) -> FrontOffice:
    """Ann may train on her phone; her face is that of `portrait`."""
    with_documents(office)
    (vector,) = engine.templates(engine.faces(portrait)[:1])
    template = Template(
        worker_id=ANN,
        model=engine.embedder_name,
        model_version=engine.embedder_version,
        vector=vector.astype("<f4").tobytes(),
        quality=80,
        created_at=NOON,
    )
    with office.database.write() as connection:
        registry.put_templates(connection, ANN, [template], now=office.now())
    course = folder / "courses" / "short-course"
    course.mkdir(parents=True)
    (course / "manifest.yaml").write_text(COURSE, encoding="utf-8")
    more = {} if clock is None else {"monotonic": clock}
    office.phone_training = PhoneTraining(
        office.database,
        folder / "courses",
        Ed25519PrivateKey.generate(),
        now=office.now,
        load_engine=lambda: engine,
        **more,
    )
    return office
