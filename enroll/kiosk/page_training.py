"""The training page: choose a course, log in by face, slides, questions, result. The desk decides."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from nicegui import ui
from starlette.responses import FileResponse, PlainTextResponse, Response

from enroll.accounts import Right
from enroll.kiosk import training_lesson
from enroll.kiosk import words_training as words
from enroll.kiosk.frame import KioskPage, KioskRoute, KioskVisitor
from enroll.kiosk.training_camera import CameraView
from enroll.kiosk.training_records import CERTIFICATE_PATH, build_records
from enroll.training_desk import Lesson
from enroll.training_faces import FaceLogin, Recognised
from sync.errors import SyncError
from sync.pages import action, heading, subheading
from sync.training.course import Course
from sync.training.errors import CourseUnusable
from sync.training.session import Moment

LOOK_EVERY_S = 0.25
"""How often the page takes the camera's newest picture."""

FILE_PATH = "/training/file/{course_id}/{name:path}"


class _Screen:
    """What one open page shows: the courses, then a log-in, then a lesson."""

    def __init__(self, visitor: KioskVisitor) -> None:
        self.visitor = visitor
        self.desk = visitor.office.training
        self.camera = CameraView(visitor.office)
        self.room = ui.element("div").classes("sg-training")
        self.look: Callable[[], Awaitable[None]] | None = None
        """What one turn of the timer does; None while nothing needs the camera."""

    def moment(self) -> Moment:
        return Moment(self.visitor.office.now(), time.monotonic())

    async def show_courses(self) -> None:
        self.look = None
        found = await self.visitor.ask(self.desk.courses)
        self.room.clear()
        with self.room:
            heading(words.CHOOSE)
            if found is None:
                return
            courses, problems = found
            with ui.element("div").classes("sg-courses"):
                for course in courses:
                    self._course_card(course)
            if not courses:
                ui.label(str(words.NO_COURSE)).classes("sg-note")
            if problems:
                subheading(words.COURSE_BROKEN)
                for problem in problems:
                    ui.label(str(problem)).classes("sg-bad")
            await build_records(self.visitor)

    def _course_card(self, course: Course) -> None:
        manifest = course.manifest
        with ui.element("section").classes("sg-card").props(f'aria-label="{manifest.title}"'):
            ui.label(manifest.title.zh).classes("sg-subtitle")
            ui.label(manifest.title.en).classes("sg-note")
            facts = (
                f"{-(-manifest.min_seconds // 60)} {words.MINUTES} · {len(manifest.pages)} {words.PAGES} · "
                f"{len(manifest.questions)} {words.QUESTIONS}"
            )
            ui.label(facts)
            ui.label(
                f"{words.PASS_MARK} {manifest.pass_mark} % · {words.VALID_DAYS} {manifest.validity_days}"
            ).classes("sg-note")
            with ui.element("div").classes("sg-bar"):
                action(words.ALONE, lambda: self.show_login(course, for_class=False), main=True)
                action(words.CLASS, lambda: self.show_login(course, for_class=True))

    async def show_login(self, course: Course, *, for_class: bool) -> None:
        login = await self.visitor.ask(self.desk.login)
        if login is None:
            return
        _Login(self, course, login, for_class=for_class)

    async def begin(self, course: Course, learners: dict[str, float]) -> None:
        def work() -> Lesson:
            self.visitor.audit("began_training", course.manifest.id, workers=sorted(learners))
            return self.desk.begin(course, learners, self.moment())

        lesson = await self.visitor.ask(work)
        if lesson is not None:
            self.look = None
            view = training_lesson.LessonView(
                self.visitor, lesson, self.camera, self.room, self.moment, on_end=self.show_courses
            )
            self.look = view.look

    async def turn(self) -> None:
        if self.look is not None:
            await self.look()


class _Login:
    """The log-in by face: whoever is recognised is named and can start."""

    def __init__(self, screen: _Screen, course: Course, login: FaceLogin, *, for_class: bool) -> None:
        self._screen = screen
        self._course = course
        self._login = login
        self._for_class = for_class
        self._seen: dict[str, Recognised] = {}
        self._shown: object = None
        self._faces = 0
        screen.room.clear()
        with screen.room:
            heading(words.LOGIN)
            with ui.element("div").classes("sg-lesson"):
                with ui.element("section").classes("sg-card sg-slide"):
                    ui.label(str(course.manifest.title)).classes("sg-subtitle")
                    self._hint = ui.label(str(words.LOGIN_HINT)).classes("sg-big").props("role=status")
                    self._people = ui.element("div")
                    with ui.element("div").classes("sg-bar"):
                        action(words.BACK, screen.show_courses)
                with ui.element("aside").classes("sg-side"):
                    screen.camera.build()
        screen.look = self.look

    async def look(self) -> None:
        screen = self._screen

        def work() -> int | None:
            shot = screen.camera.next()
            if shot is None:
                return self._faces if screen.camera.has_picture else None
            found = self._login.look(shot.faces, shot.captured_s)
            self._faces = found.faces
            if not self._for_class:
                self._seen.clear()
            if self._for_class or found.faces == 1:
                self._seen.update({one.worker_id: one for one in found.recognised})
            return found.faces

        faces = await screen.visitor.ask(work)
        screen.camera.refresh()
        if faces is None:
            self._hint.set_text(str(words.NO_CAMERA))
        elif faces > 1 and not self._for_class:
            self._hint.set_text(str(words.LOGIN_ONE))
        else:
            self._hint.set_text(str(words.LOGIN_HINT))
        if (now := tuple(sorted(self._seen))) != self._shown:
            self._shown = now
            await self._show_people()

    async def _show_people(self) -> None:
        screen = self._screen
        found = await screen.visitor.ask(
            lambda: [
                (screen.desk.trainee(one), screen.desk.unfinished(self._course, one)) for one in self._seen
            ]
        )
        self._people.clear()
        with self._people:
            for worker, _ in found or []:
                ui.label(f"{words.RECOGNISED}: {worker.name} · {worker.worker_id}").classes("sg-big sg-good")
            if found:
                goes_on = not self._for_class and found[0][1] is not None
                with ui.element("div").classes("sg-bar"):
                    action(words.GO_ON_WHERE if goes_on else words.START, self._start, main=True)

    async def _start(self) -> None:
        learners = {one.worker_id: one.score for one in self._seen.values()}
        if learners:
            await self._screen.begin(self._course, learners)


async def build_training_page(visitor: KioskVisitor) -> None:
    ui.add_css(training_lesson.STYLE)
    screen = _Screen(visitor)
    await screen.show_courses()
    ui.timer(LOOK_EVERY_S, screen.turn)


def _file(visitor: KioskVisitor) -> Response:
    try:
        course = visitor.office.training.course(visitor.parameters["course_id"])
        return FileResponse(course.file(visitor.parameters["name"]))
    except CourseUnusable as error:
        return PlainTextResponse(str(error), status_code=404)


def _certificate(visitor: KioskVisitor) -> Response:
    try:
        name, content = visitor.office.training.certificate(visitor.parameters["record_id"])
    except SyncError as error:
        return PlainTextResponse(str(error), status_code=404)
    visitor.audit("made_certificate", visitor.parameters["record_id"])
    headers = {"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type="application/pdf", headers=headers)


TRAINING_PAGE = KioskPage(
    "/training", words.TITLE, build_training_page, right=Right.TRAIN, icon="school", keeps_awake=True
)
TRAINING_ROUTES = (
    KioskRoute(FILE_PATH, _file, right=Right.TRAIN),
    KioskRoute(CERTIFICATE_PATH, _certificate, right=Right.TRAIN),
)
