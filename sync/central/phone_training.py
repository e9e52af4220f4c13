"""Training on a worker's own phone: the pages are the centre's, the picture comes from the phone's camera.

The same state machine as at the kiosk (`sync/training/session.py`), with the pace of a phone. A picture is
looked at and forgotten; what is kept is the session, written down after every step and every few seconds.
Sessions under way live in the process that serves the pages.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, delete, select

from models.calibration import ImpostorTail
from models.engine import FaceEngine
from models.errors import ModelError
from models.face import Image
from models.images import decode
from models.liveness import LivenessModel, load_liveness
from models.quality import QualityLimits
from models.verification import ClaimedPerson, claim_threshold
from models.zoo import Zoo
from sync.central import tables, trainings
from sync.central.database import Database
from sync.central.errors import CentralError, SettingRefused
from sync.central.keys import signing_key
from sync.central.statements import upsert
from sync.central.tables_training import training_records, training_sessions
from sync.central.worker_desk import RosterChanged
from sync.training.course import Course, folder_stamp, load_courses
from sync.training.errors import CourseUnusable, SessionStale
from sync.training.record import FIRST_PREVIOUS, TrainingRecord, sign
from sync.training.session import CLASS_OVER, POWER, Moment, Phase, SessionState, TrainingSession
from sync.training.watch import PHONE, Observation, SeenFace, Sight, Watch

log = logging.getLogger(__name__)

SAVE_EVERY_S = 5.0
FORGOTTEN_AFTER_S = 3600.0
"""A session nobody looked at for so long leaves the memory; it goes on from the database."""


_LOGIN_AGAIN = frozenset({POWER, CLASS_OVER})
"""Pauses after which the learner logs in by face again."""


class NoFaceOnRecord(CentralError, LookupError):
    """The worker has no template that this engine can compare."""


@dataclass(slots=True)
class Seat:
    """One worker at one course, on one phone. `lock` guards everything but `person`, replaced as a whole."""

    person: ClaimedPerson
    session: TrainingSession | None
    login: Watch = field(default_factory=lambda: Watch(PHONE))
    lock: threading.Lock = field(default_factory=threading.Lock)
    record: TrainingRecord | None = None
    saved_s: float = 0.0
    used_s: float = 0.0

    @property
    def needs_login(self) -> bool:
        """Whether the face must be recognised before anything else."""
        return self.session is None or self.session.state.pause in _LOGIN_AGAIN


class PhoneTraining:
    """Shared by all requests; safe between threads.

    key          signs the records; the centre's own
    load_engine  opens the face engine at its first use
    """

    def __init__(
        self,
        database: Database,
        courses: Path,
        key: Ed25519PrivateKey,
        *,
        now: Callable[[], datetime],
        load_engine: Callable[[], FaceEngine],
        liveness: LivenessModel | None = None,
        on_roster_change: RosterChanged | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._folder = courses
        self._key = key
        self._now = now
        self._load_engine = load_engine
        self._liveness = liveness
        self._on_roster_change = on_roster_change
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._signing = threading.Lock()
        self._seats: dict[tuple[str, str], Seat] = {}
        self._engine: FaceEngine | None = None
        self._loading = threading.Lock()
        self._reading = threading.Lock()
        self._courses: list[Course] = []
        self._stamp: object = None

    def moment(self) -> Moment:
        return Moment(self._now(), self._monotonic())

    def courses(self) -> list[Course]:
        """Those that can be taught from. Their files are hashed again only where one of them has changed."""
        with self._reading:
            stamp = folder_stamp(self._folder)
            if stamp != self._stamp:
                self._courses, self._stamp = load_courses(self._folder)[0], stamp
            return self._courses

    def course(self, course_id: str) -> Course:
        """Raises CourseUnusable."""
        for course in self.courses():
            if course.manifest.id == course_id:
                return course
        raise CourseUnusable(str(self._folder), "", f"there is no course {course_id}")

    def seat(self, course: Course, worker_id: str) -> Seat:
        """Where the worker is with this course. Raises NoFaceOnRecord."""
        name = (worker_id, course.sha256)
        now_s = self._monotonic()
        try:
            person = self._person(worker_id)
        except NoFaceOnRecord:
            self._forget(worker_id)
            raise
        with self._lock:
            self._seats = {
                one: seat for one, seat in self._seats.items() if now_s - seat.used_s < FORGOTTEN_AFTER_S
            }
            if name not in self._seats:
                self._seats[name] = Seat(person, self._kept(course, worker_id), used_s=now_s)
            seat = self._seats[name]
            # As it is on record now: a face may be captured anew meanwhile, or its consent withdrawn.
            seat.person, seat.used_s = person, now_s
            return seat

    def _forget(self, worker_id: str) -> None:
        """The face is gone: neither it nor a session that goes on by it stays in memory."""
        with self._lock:
            self._seats = {name: seat for name, seat in self._seats.items() if name[0] != worker_id}

    def look(self, seat: Seat, course: Course, worker_id: str, site_id: str, picture: bytes) -> None:
        """Take one picture: log in, or go on. Raises ImageUnusable."""
        image = decode(picture)
        observation = self._observe(seat.person, image)
        with seat.lock:
            moment = self.moment()
            if seat.session is None or seat.needs_login:
                self._log_in(seat, course, worker_id, site_id, observation, moment)
            else:
                seat.session.tick(moment, observation)
                if moment.at_s - seat.saved_s >= SAVE_EVERY_S:
                    self._save(seat, site_id, moment)

    def step(self, seat: Seat, site_id: str, work: Callable[[TrainingSession, Moment], object]) -> None:
        """A step of the learner's. Raises StepRefused."""
        with seat.lock:
            if seat.session is None:
                return
            moment = self.moment()
            work(seat.session, moment)
            self._save(seat, site_id, moment)

    def leave(self, course: Course, worker_id: str) -> None:
        """Forget what is over, so that the course can be taken again."""
        with self._lock:
            seat = self._seats.get((worker_id, course.sha256))
            if seat is not None and seat.record is not None:
                del self._seats[(worker_id, course.sha256)]

    def _log_in(
        self,
        seat: Seat,
        course: Course,
        worker_id: str,
        site_id: str,
        observation: Observation,
        moment: Moment,
    ) -> None:
        vote = seat.login.see(observation, moment.at_s)
        seat.login.judge(moment.at_s)
        if not seat.login.verified or vote is None or vote.sight is not Sight.SAME:
            return
        if seat.session is None:
            seat.session = TrainingSession.begin(
                course,
                worker_id=worker_id,
                worker_name=self._name(worker_id),
                seed=secrets.randbits(32),
                moment=moment,
                login_score=vote.score,
                how="phone",
                limits=PHONE,
            )
        else:
            seat.session.recognised(moment, vote.score)
        self._save(seat, site_id, moment)

    def _observe(self, person: ClaimedPerson, image: Image) -> Observation:
        engine = self._face_engine()
        compared = person.compare(image, engine.faces(image), limits=QualityLimits(), liveness=self._liveness)
        threshold = claim_threshold(ImpostorTail.bundled(engine.embedder_name))
        return Observation(tuple(SeenFace(one.width_px, one.score, one.live) for one in compared), threshold)

    def _save(self, seat: Seat, site_id: str, moment: Moment) -> None:
        if seat.session is None:
            return
        seat.saved_s = moment.at_s
        state = seat.session.state
        if state.phase is Phase.OVER:
            if seat.record is None:
                seat.record = self._finish(seat.session, site_id)
            return
        with self._database.write() as connection:
            connection.execute(
                delete(training_sessions).where(
                    training_sessions.c.worker_id == state.worker_id,
                    training_sessions.c.course_id == state.course_id,
                    training_sessions.c.session_id != state.session_id,
                )
            )
            upsert(
                connection,
                training_sessions,
                [
                    {
                        "session_id": state.session_id,
                        "worker_id": state.worker_id,
                        "site_id": site_id,
                        "course_id": state.course_id,
                        "changed_at": moment.now,
                        "state": state.model_dump_json(),
                    }
                ],
            )

    def _finish(self, session: TrainingSession, site_id: str) -> TrainingRecord:
        record = session.record(site_id=site_id, kiosk_id=trainings.CENTRE)
        # One chain for all phones: one record after the other.
        with self._signing, self._database.write() as connection:
            number, previous = self._end_of_chain(connection)
            signed = sign(record, self._key, number=number, previous=previous)
            versions = trainings.keep(connection, signed, record, key_registered=True, now=self._now())
            connection.execute(
                delete(training_sessions).where(training_sessions.c.session_id == record.record_id)
            )
        if versions and self._on_roster_change is not None:
            self._on_roster_change(versions)
        return record

    def _end_of_chain(self, connection: Connection) -> tuple[int, str]:
        table = training_records.c
        row = connection.execute(
            select(table.number, table.hash)
            .where(table.public_key == self._key.public_key().public_bytes_raw().hex())
            .order_by(table.number.desc())
            .limit(1)
        ).first()
        return (1, FIRST_PREVIOUS) if row is None else (row.number + 1, row.hash)

    def _kept(self, course: Course, worker_id: str) -> TrainingSession | None:
        with self._database.read() as connection:
            text = connection.scalar(
                select(training_sessions.c.state).where(
                    training_sessions.c.worker_id == worker_id,
                    training_sessions.c.course_id == course.manifest.id,
                )
            )
        if text is None:
            return None
        try:
            state = SessionState.model_validate_json(text)
            return TrainingSession.resume(course, state, moment=self.moment(), limits=PHONE)
        except SessionStale:
            return None

    def _person(self, worker_id: str) -> ClaimedPerson:
        engine = self._face_engine()
        table = tables.templates.c
        with self._database.read() as connection:
            vectors = connection.scalars(
                select(table.vector).where(
                    table.worker_id == worker_id,
                    table.model == engine.embedder_name,
                    table.model_version == engine.embedder_version,
                )
            ).all()
        if not vectors:
            raise NoFaceOnRecord(
                "no face is registered for this number", next_step="register the face at the kiosk"
            )
        return ClaimedPerson(np.stack([np.frombuffer(bytes(one), dtype="<f4") for one in vectors]))

    def _name(self, worker_id: str) -> str:
        with self._database.read() as connection:
            return str(
                connection.scalar(
                    select(tables.workers.c.name).where(tables.workers.c.worker_id == worker_id)
                )
            )

    def _face_engine(self) -> FaceEngine:
        with self._loading:  # the first phones of a morning come at once
            if self._engine is None:
                self._engine = self._load_engine()
            return self._engine


def phone_training(
    database: Database,
    courses: Path,
    keys: Path,
    *,
    now: Callable[[], datetime],
    on_roster_change: RosterChanged | None = None,
) -> PhoneTraining:
    """As the centre's settings have it. Raises SettingRefused where the folder holds no course."""
    found, problems = load_courses(courses)
    if not found:
        raise SettingRefused(
            f"--courses {courses}: {problems[0] if problems else 'no course there'}",
            next_step="give a folder with courses: docs/training.md",
        )
    for problem in problems:
        log.warning("a course is not offered: %s", problem)
    try:
        liveness = load_liveness(Zoo.default())
    except ModelError as error:
        log.warning("training on phones without a check for photos: %s", error)
        liveness = None
    return PhoneTraining(
        database,
        courses,
        signing_key(keys),
        now=now,
        load_engine=FaceEngine.load,
        liveness=liveness,
        on_roster_change=on_roster_change,
    )


def site_of(database: Database, worker_id: str) -> str:
    """The site a worker's phone training counts for: the first one they are registered for."""
    table = tables.worker_sites.c
    with database.read() as connection:
        return str(
            connection.scalar(
                select(table.site_id).where(table.worker_id == worker_id).order_by(table.site_id).limit(1)
            )
            or ""
        )
