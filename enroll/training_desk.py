"""Training at the kiosk: courses, log-in by face, lessons alone or as a class, what is kept of them.

No page and no camera: pictures with their faces come in, the time is passed in. Everything works offline;
a lesson is written down as it goes, so that a power cut costs seconds.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from enroll.errors import EnrollError
from enroll.roster_config import RosterConfig
from enroll.training_faces import Eyes, FaceLogin
from models.engine import FaceEngine
from models.errors import ModelError
from models.face import Face, Image
from models.liveness import LivenessModel, load_liveness
from models.quality import QualityLimits
from models.roster_watch import RosterWatch
from models.zoo import Zoo
from sync.errors import UnknownWorker
from sync.records import Template, Worker
from sync.store import LocalStore
from sync.store.trainings import KeptTraining
from sync.training.certificate import certificate_pdf
from sync.training.course import Course, load_courses
from sync.training.errors import CourseUnusable, Refusal, SessionStale, StepRefused
from sync.training.record import (
    WARN_DAYS,
    ChainFinding,
    SignedTraining,
    expires_within,
    verify_chain,
)
from sync.training.session import Moment, Phase, SessionState, TrainingSession
from sync.wire.keys import read_private_key

log = logging.getLogger(__name__)

SAVE_EVERY_S = 5.0
"""A power cut costs at most so much of a lesson."""

CLASS_GAP_S = 2.0
"""Longest time between two looks that still counts for the pages of a class."""

LARGEST_CLASS = 12
"""More faces than this are too small for the camera of a kiosk."""


class NotInRoster(EnrollError, LookupError):
    """A face that was recognised belongs to nobody who can be trained here now."""


@dataclass(frozen=True, slots=True)
class Expiring:
    """Somebody whose clearance ends soon, or has ended."""

    worker: Worker
    kind: str
    valid_until: datetime

    def has_ended(self, now: datetime) -> bool:
        return self.valid_until <= now


class Lesson:
    """One course before one screen, for one learner or several. Not thread-safe: one page drives it.

    save    keeps a state; finish: keeps what is over
    """

    def __init__(
        self,
        course: Course,
        sessions: Sequence[TrainingSession],
        eyes: Eyes,
        *,
        save: Callable[[SessionState], None],
        finish: Callable[[TrainingSession], SignedTraining],
    ) -> None:
        self.course = course
        self.sessions = list(sessions)
        self._eyes = eyes
        self._save = save
        self._finish = finish
        self._saved_s: float | None = None
        self._looked_s: float | None = None
        self._class_seconds = [0.0] * len(course.manifest.pages)
        self.class_page = 0
        self.class_over = False
        self.records: dict[str, SignedTraining] = {}
        self.turn = threading.Lock()
        """For whoever looks and whoever takes a step at the same time: one after the other."""

    @property
    def is_class(self) -> bool:
        return len(self.sessions) > 1

    @property
    def is_over(self) -> bool:
        return self.class_over or all(one.state.phase is Phase.OVER for one in self.sessions)

    @property
    def page(self) -> int:
        return self.class_page if self.is_class else self.sessions[0].state.page

    @property
    def page_left_s(self) -> float:
        """Seconds until the page may be turned."""
        if not self.is_class:
            return self.sessions[0].page_left_s()
        return max(0.0, self.course.manifest.pages[self.page].min_seconds - self._class_seconds[self.page])

    @property
    def may_turn(self) -> bool:
        return self.page_left_s == 0 and any(one.running for one in self.sessions)

    def look(self, image: Image | None, faces: Sequence[Face], moment: Moment) -> None:
        """Take the camera's newest picture; None: it gives none."""
        seen = {} if image is None else self._eyes.observe(image, faces, moment.at_s)
        for session in self.sessions:
            session.tick(moment, seen.get(session.state.worker_id))
        self._count_class(moment.at_s)
        if self._saved_s is None or moment.at_s - self._saved_s >= SAVE_EVERY_S:
            self.keep(moment)

    def next_page(self, moment: Moment) -> None:
        """Raises StepRefused."""
        if not self.is_class:
            self.sessions[0].next_page(moment)
        elif self.page_left_s > 0:
            raise StepRefused(Refusal.TOO_EARLY, f"{self.page_left_s:.0f} s of this page are left")
        elif self.class_page + 1 < len(self.course.manifest.pages):
            self.class_page += 1
            for session in self.sessions:
                session.follow(self.class_page)
        else:
            self._end_class(moment)
        self.keep(moment)

    def previous_page(self, moment: Moment) -> None:
        """Raises StepRefused."""
        if self.is_class:
            if self.class_page == 0:
                raise StepRefused(Refusal.NOT_THE_TURN, "there is no earlier page")
            self.class_page -= 1
            for session in self.sessions:
                session.follow(self.class_page)
        else:
            self.sessions[0].previous_page()
        self.keep(moment)

    def answer(self, question_id: str, chosen: set[int], moment: Moment) -> bool:
        """Of a single learner. Raises StepRefused."""
        right = self.sessions[0].answer(question_id, chosen, moment)
        self.keep(moment)
        return right

    def pause(self, moment: Moment) -> None:
        """Raises StepRefused."""
        for session in self.sessions:
            session.pause(moment)
        self.keep(moment)

    def go_on(self, moment: Moment) -> None:
        """Whoever is there goes on. Raises StepRefused where nobody is."""
        there = [one for one in self.sessions if one.verified and one.state.phase is not Phase.OVER]
        if not there:
            raise StepRefused(Refusal.NOT_VERIFIED, "no learner is before the screen")
        for session in there:
            session.go_on(moment)
        self.keep(moment)

    def abandon(self, moment: Moment) -> None:
        """End it before the end; it goes on the record as such. Raises StepRefused."""
        for session in self.sessions:
            session.abandon(moment)
        self.keep(moment)

    def keep(self, moment: Moment) -> None:
        """Write down how it stands, and sign what is over."""
        self._saved_s = moment.at_s
        for session in self.sessions:
            if session.state.phase is not Phase.OVER:
                self._save(session.state)
            elif session.state.session_id not in self.records:
                self.records[session.state.session_id] = self._finish(session)

    def _count_class(self, at_s: float) -> None:
        before, self._looked_s = self._looked_s, at_s
        if self.is_class and before is not None and any(one.running for one in self.sessions):
            gap_s = at_s - before
            if 0 < gap_s <= CLASS_GAP_S:
                self._class_seconds[self.class_page] += gap_s

    def _end_class(self, moment: Moment) -> None:
        """Questions are answered alone, one learner after the other, each after a log-in of their own."""
        self.class_over = True
        for session in self.sessions:
            session.leave_class(moment)


class TrainingDesk:
    """What the training page asks; shared by all pages of a kiosk.

    load_engine  gives the face engine, loaded at the first use
    """

    def __init__(
        self,
        store: LocalStore,
        settings: RosterConfig,
        *,
        now: Callable[[], datetime],
        load_engine: Callable[[], FaceEngine],
    ) -> None:
        self._store = store
        self._settings = settings
        self._now = now
        self._load_engine = load_engine
        self._lock = threading.Lock()
        self._roster: RosterWatch | None = None
        self._liveness: LivenessModel | None = None
        self._liveness_tried = False

    @property
    def limits(self) -> QualityLimits:
        return QualityLimits(**self._settings.quality.model_dump())

    def courses(self) -> tuple[list[Course], list[CourseUnusable]]:
        """Those of `kiosk.courses`, else the ones that are shipped; and what is wrong with others."""
        return load_courses(courses_folder(self._settings))

    def course(self, course_id: str) -> Course:
        """Raises CourseUnusable."""
        found, problems = self.courses()
        for course in found:
            if course.manifest.id == course_id:
                return course
        folder = str(courses_folder(self._settings))
        raise next(iter(problems), CourseUnusable(folder, "", f"there is no course {course_id}"))

    def login(self) -> FaceLogin:
        """For one log-in screen, over the roster as it is now."""
        roster = self._roster_now()
        return FaceLogin(roster.gallery, roster.threshold, limits=self.limits)

    def trainee(self, worker_id: str) -> Worker:
        """Raises NotInRoster."""
        try:
            return self._store.worker(worker_id)
        except UnknownWorker as error:
            raise NotInRoster(
                f"{worker_id} is no longer in the roster", next_step="register the worker first"
            ) from error

    def unfinished(self, course: Course, worker_id: str) -> SessionState | None:
        """A session of this course, as it is now, that waits to be gone on with."""
        for state in self._store.training_sessions(worker_id):
            if (state.course_id, state.course_sha256) == (course.manifest.id, course.sha256):
                return state
        return None

    def begin(self, course: Course, learners: dict[str, float], moment: Moment) -> Lesson:
        """Start, or go on with, a course for recognised workers (id → score of the log-in).

        One learner goes on where they were; a class begins anew. Raises NotInRoster, EnrollError.
        """
        if not 1 <= len(learners) <= LARGEST_CLASS:
            raise EnrollError(
                f"a class has 1 to {LARGEST_CLASS} learners, not {len(learners)}",
                next_step="Hold the training in smaller groups.",
            )
        sessions = []
        templates: dict[str, Sequence[Template]] = {}
        for worker_id, score in learners.items():
            worker = self.trainee(worker_id)
            templates[worker_id] = self._templates(worker_id)
            state = self.unfinished(course, worker_id) if len(learners) == 1 else None
            if state is None:
                session = TrainingSession.begin(
                    course,
                    worker_id=worker_id,
                    worker_name=worker.name,
                    seed=secrets.randbits(32),
                    moment=moment,
                    login_score=score,
                    group=len(learners) > 1,
                )
            else:
                session = self._resumed(course, state, score, moment)
            sessions.append(session)
        engine = self._load_engine()
        eyes = Eyes(templates, model=engine.embedder_name, limits=self.limits, liveness=self._live())
        lesson = Lesson(course, sessions, eyes, save=self._store.put_training_session, finish=self._finish)
        lesson.keep(moment)
        return lesson

    def expiring(self, *, days: float = WARN_DAYS) -> list[Expiring]:
        """Whose training ends within `days` or has ended, soonest first; people who left are left out."""
        now = self._now()
        kinds = {course.manifest.kind for course in self.courses()[0]}
        kinds.add(self._settings.policy.training_kind)
        found = [
            Expiring(worker, one.kind, one.valid_until)
            for worker in self._store.workers_with_clearances()
            if worker.status.value != "left"
            for one in worker.clearances
            if one.kind in kinds and one.valid_until is not None
            if one.valid_until <= now or expires_within(one.valid_until, now, days)
        ]
        return sorted(found, key=lambda one: one.valid_until)

    def recent(self, *, limit: int = 50) -> list[KeptTraining]:
        """The latest records, newest first."""
        return self._store.trainings(limit=limit)

    def certificate(self, record_id: str) -> tuple[str, bytes]:
        """File name and PDF. Raises NotInRoster for an unknown record, NotPassed, RecordTampered."""
        kept = self._store.training(record_id)
        if kept is None:
            raise NotInRoster(f"no training record {record_id}", next_step="look at the list of records")
        site = self._settings.site
        content = certificate_pdf(
            kept.signed,
            site_name=site.name,
            zone=ZoneInfo(site.timezone),
            centre_url=self._settings.centre.web_url,
        )
        return f"training-{record_id[:8]}.pdf", content

    def verify_all(self) -> list[ChainFinding]:
        """What is wrong with the records kept here; empty: every signature and every chain is whole."""
        chains: dict[str, list[SignedTraining]] = {}
        for signed in self._store.training_chain():
            chains.setdefault(signed.public_key, []).append(signed)
        return [finding for chain in chains.values() for finding in verify_chain(chain)]

    def _resumed(self, course: Course, state: SessionState, score: float, moment: Moment) -> TrainingSession:
        try:
            session = TrainingSession.resume(course, state, moment=moment)
        except SessionStale:
            self._store.drop_training_session(state.session_id)
            raise
        session.recognised(moment, score)
        return session

    def _finish(self, session: TrainingSession) -> SignedTraining:
        settings = self._settings
        place = str(settings.site.name)
        record = session.record(site_id=settings.site.id, kiosk_id=settings.gate.id, place=place)
        return self._store.finish_training(record, self._signing_key())

    def _signing_key(self) -> Ed25519PrivateKey:
        """The gate's key, which the centre knows; without a centre one that is kept in the store."""
        centre = self._settings.centre
        if centre.enabled and centre.gate_key_file.exists():
            return read_private_key(centre.gate_key_file)
        return self._store.training_key()

    def _templates(self, worker_id: str) -> list[Template]:
        engine = self._load_engine()
        fitting = [
            one
            for one in self._store.templates(worker_id)
            if (one.model, one.model_version) == (engine.embedder_name, engine.embedder_version)
        ]
        if not fitting:
            raise NotInRoster(
                f"{worker_id} has no face registered for {engine.embedder_name}",
                next_step="register the face first",
            )
        return fitting

    def _roster_now(self) -> RosterWatch:
        engine = self._load_engine()
        with self._lock:
            if self._roster is None:
                self._roster = RosterWatch(
                    self._store,
                    self._settings.recognition,
                    model=engine.embedder_name,
                    model_version=engine.embedder_version,
                )
            self._roster.follow()
            return self._roster

    def _live(self) -> LivenessModel | None:
        """None where liveness is off or its weights are missing; the record then says `not_checked`."""
        with self._lock:
            if not self._liveness_tried and self._settings.liveness.mode != "off":
                try:
                    zoo = Zoo.default(self._settings.recognition.weights_dir)
                    self._liveness = load_liveness(zoo, threads=self._settings.recognition.threads)
                except ModelError as error:
                    log.warning("training without a check for photos: %s", error)
            self._liveness_tried = True
            return self._liveness


def courses_folder(settings: RosterConfig) -> Path:
    """Where the courses lie: `kiosk.courses`, else the folder in this package."""
    return settings.kiosk.courses or Path(str(resources.files("enroll") / "courses"))
