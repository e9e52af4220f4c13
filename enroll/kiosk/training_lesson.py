"""A lesson on the screen: slide, time, who is there, pause, questions, result."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable
from html import escape
from pathlib import Path
from urllib.parse import quote

from nicegui import ui

from enroll.kiosk import words_training as words
from enroll.kiosk.frame import KioskVisitor, tell
from enroll.kiosk.training_camera import CameraView
from enroll.kiosk.training_records import certificate_path
from enroll.training_desk import Lesson
from sync.pages import action, facts, heading, subheading
from sync.training.course import Page, Question, QuestionKind
from sync.training.errors import StepRefused
from sync.training.record import Result, TrainingRecord
from sync.training.session import HELD, Moment, Phase, TrainingSession
from sync.words import Words

STYLE = (Path(__file__).parent / "training.css").read_text(encoding="utf-8")

_SHOW_PDF = """fetch(%s).then((got) => got.blob()).then((pdf) => {
  document.getElementById("sg-pdf").src = URL.createObjectURL(pdf) + "#page=%d&toolbar=0"; });"""


class LessonView:
    """Shows one lesson in `room`; `look` is called by the page's timer.

    on_end  is called when the learner leaves the result
    """

    def __init__(
        self,
        visitor: KioskVisitor,
        lesson: Lesson,
        camera: CameraView,
        room: ui.element,
        moment: Callable[[], Moment],
        *,
        on_end: Callable[[], Awaitable[None]],
    ) -> None:
        self._visitor = visitor
        self._lesson = lesson
        self._camera = camera
        self._room = room
        self._moment = moment
        self._on_end = on_end
        self._shown: object = None
        self._chosen: set[int] = set()
        self._next: ui.button | None = None
        self._left: ui.label | None = None
        self._people: list[tuple[TrainingSession, ui.icon, ui.label]] = []
        self._overlay: ui.element | None = None
        self._overlay_text: ui.label | None = None
        self._go_on: ui.button | None = None
        self._plays = False

    async def look(self) -> None:
        """One turn: the newest picture to the lesson, and what changed onto the screen."""
        lesson = self._lesson
        if lesson.is_over and self._shown == self._key():
            return

        def work() -> bool:
            shot = self._camera.next()
            with lesson.turn:
                lesson.look(
                    None if shot is None else shot.image, () if shot is None else shot.faces, self._moment()
                )
            return self._camera.has_picture

        has_picture = await self._visitor.ask(work)
        if has_picture is None:
            return
        self._camera.refresh()
        if self._shown != self._key():
            self._shown = self._key()
            self._rebuild()
        self._update(has_picture=has_picture)

    def _key(self) -> tuple[object, ...]:
        """What is rebuilt only when it changes: the slide, the question or the result."""
        lesson = self._lesson
        return (
            lesson.is_over,
            len(lesson.records),  # they come a moment after the end
            lesson.page,
            *((one.state.phase, len(one.state.answers)) for one in lesson.sessions),
        )

    async def _step(self, step: Callable[[], object]) -> None:
        """Do a step of the learner's and show what came of it, or why it is not possible."""
        refused: list[StepRefused] = []

        def work() -> None:
            try:
                with self._lesson.turn:
                    step()
            except StepRefused as error:
                refused.append(error)

        await self._visitor.ask(work)
        # The button that was pressed may be gone by now: what follows belongs to the room.
        with self._room:
            if refused:
                tell(words.REFUSALS[refused[0].refusal], bad=True)
            await self.look()

    # --- Building -----------------------------------------------------------------------------------------

    def _rebuild(self) -> None:
        lesson = self._lesson
        self._room.clear()
        self._next = self._left = self._overlay = self._go_on = None
        self._plays = False
        self._people = []
        with self._room:
            if lesson.class_over:
                self._class_over()
            elif lesson.is_over:
                self._result()
            else:
                heading(Words(lesson.course.manifest.title.zh, lesson.course.manifest.title.en))
                with ui.element("div").classes("sg-lesson"):
                    with ui.element("section").classes("sg-card sg-slide"):
                        question = None if lesson.is_class else lesson.sessions[0].question
                        if question is None:
                            self._slide(lesson.course.manifest.pages[lesson.page])
                        else:
                            self._question(question)
                        self._pause_cover()
                    with ui.element("aside").classes("sg-side"):
                        self._camera.build()
                        self._who()

    def _slide(self, page: Page) -> None:
        lesson = self._lesson
        count = len(lesson.course.manifest.pages)
        ui.label(f"{words.PAGE} {lesson.page + 1} / {count}").classes("sg-note")
        subheading(Words(page.title.zh, page.title.en))
        text = lesson.course.page_text(lesson.page)
        with ui.element("div").classes("sg-slide-row" if page.image and text else ""):
            if text is not None:
                with ui.element("div"):
                    ui.markdown(text.zh).classes("sg-zh")
                    if text.en:
                        ui.markdown(text.en).classes("sg-enslide")
            if page.image:
                said = str(page.image_text or page.title).replace('"', "")
                ui.html(
                    f'<img class="sg-drawing" src="{self._url(page.image)}" alt="{said}">', sanitize=False
                )
        if page.video:
            # No controls: it cannot be wound on; it stands still while the lesson is paused.
            ui.html(
                f'<video id="sg-video" src="{self._url(page.video)}" playsinline></video>', sanitize=False
            )
        if page.pdf:
            # Fetched, because the door lets no page of ours be framed.
            ui.html(f'<iframe id="sg-pdf" title="{escape(str(page.title))}"></iframe>', sanitize=False)
            ui.run_javascript(_SHOW_PDF % (json.dumps(self._url(page.pdf)), page.pdf_page))
        self._left = ui.label().classes("sg-big").props("role=status")
        with ui.element("div").classes("sg-bar"):
            previous = action(
                words.PREVIOUS, lambda: self._step(lambda: lesson.previous_page(self._moment()))
            )
            previous.set_enabled(lesson.page > 0)
            is_last = lesson.page + 1 == count
            label = words.TO_QUESTIONS if is_last and lesson.course.manifest.questions else words.NEXT
            self._next = action(
                label, lambda: self._step(lambda: lesson.next_page(self._moment())), main=True
            )

    def _question(self, question: Question) -> None:
        session = self._lesson.sessions[0]
        total = len(self._lesson.course.manifest.questions)
        several = question.kind is QuestionKind.MULTIPLE
        self._chosen = set()
        kind = words.SEVERAL_RIGHT if several else words.ONE_RIGHT
        ui.label(f"{words.QUESTION} {len(session.state.answers) + 1} / {total} · {kind}").classes("sg-note")
        subheading(Words(question.text.zh, question.text.en))
        options = {number: str(one) for number, one in enumerate(question.options)}
        with ui.element("div").props(f'role=group aria-label="{question.text.zh}"'):
            if several:
                for number, text in options.items():
                    with ui.element("div").classes("sg-option"):
                        ui.checkbox(text, on_change=lambda event, n=number: self._choose(n, event.value))
            else:
                ui.radio(options, on_change=lambda event: self._choose_one(event.value)).classes("sg-option")

        async def send() -> None:
            chosen = set(self._chosen)
            await self._step(lambda: self._lesson.answer(question.id, chosen, self._moment()))

        with ui.element("div").classes("sg-bar"):
            action(words.SEND, send, main=True)

    def _choose(self, number: int, is_chosen: bool) -> None:
        self._chosen = self._chosen | {number} if is_chosen else self._chosen - {number}

    def _choose_one(self, number: int) -> None:
        self._chosen = {number}

    def _pause_cover(self) -> None:
        self._overlay = ui.element("div").classes("sg-overlay").props("role=alert")
        self._overlay.set_visibility(False)
        with self._overlay:
            ui.icon("pause_circle", size="64px").props("aria-hidden=true")
            ui.label(str(words.PAUSED)).classes("sg-title")
            self._overlay_text = ui.label().classes("sg-big")
            with ui.element("div").classes("sg-bar"):
                self._go_on = action(
                    words.GO_ON, lambda: self._step(lambda: self._lesson.go_on(self._moment())), main=True
                )
                action(words.STOP, self._ask_to_stop).classes("sg-danger")

    def _who(self) -> None:
        for session in self._lesson.sessions:
            with ui.element("div").classes("sg-person"):
                icon = ui.icon("check_circle", size="26px").props("aria-hidden=true")
                self._people.append((session, icon, ui.label()))
        with ui.element("div").classes("sg-bar"):
            action(words.PAUSE, lambda: self._step(lambda: self._lesson.pause(self._moment())))

    async def _ask_to_stop(self) -> None:
        with ui.dialog() as dialog, ui.card().classes("sg-dialog"):
            ui.label(str(words.STOP_SURE)).classes("sg-big")
            with ui.element("div").classes("sg-bar"):
                action(words.KEEP_ON, lambda: dialog.submit(False), main=True)
                action(words.STOP, lambda: dialog.submit(True)).classes("sg-danger")
        if await dialog:
            await self._step(lambda: self._lesson.abandon(self._moment()))

    # --- Keeping up ---------------------------------------------------------------------------------------

    def _update(self, *, has_picture: bool) -> None:
        lesson = self._lesson
        if lesson.is_over:
            return
        for session, icon, label in self._people:
            there = session.running
            icon.props(f"name={'check_circle' if there else 'pause_circle'}")
            icon.classes(add="sg-good" if there else "sg-wait", remove="sg-wait" if there else "sg-good")
            state = words.PRESENT if there else words.REASONS.get(session.state.pause, words.PAUSED)
            label.set_text(
                f"{session.state.worker_name} · {words.SEEN} {session.state.seconds_seen:.0f} s · {state}"
            )
        if self._left is not None:
            wait_s = lesson.page_left_s or (0 if lesson.is_class else self._course_wait_s())
            self._left.set_text(f"{words.LEFT} {math.ceil(wait_s)} {words.SECONDS}" if wait_s > 0 else "")
        if self._next is not None:
            self._next.set_enabled(lesson.may_turn and not self._course_wait_s())
        self._cover(has_picture=has_picture)

    def _course_wait_s(self) -> float:
        """On the last page: what the course as a whole still needs."""
        lesson = self._lesson
        if lesson.is_class or lesson.page + 1 < len(lesson.course.manifest.pages):
            return 0.0
        return lesson.sessions[0].course_left_s()

    def _cover(self, *, has_picture: bool) -> None:
        lesson = self._lesson
        held = [one.state.pause for one in lesson.sessions if one.state.phase is not Phase.OVER]
        paused = bool(held) and all(held)
        if self._overlay is None or self._overlay_text is None or self._go_on is None:
            return
        if self._plays is paused:
            self._plays = not paused
            ui.run_javascript(f"document.getElementById('sg-video')?.{'pause' if paused else 'play'}()")
        self._overlay.set_visibility(paused)
        if paused:
            reason = words.REASONS.get(held[0], words.PAUSED) if has_picture else words.NO_CAMERA
            self._overlay_text.set_text(str(reason))
            # What the picture paused goes on by itself.
            self._go_on.set_visibility(any(reason in HELD for reason in held))
            self._go_on.set_enabled(any(one.verified for one in lesson.sessions))

    # --- Ends ---------------------------------------------------------------------------------------------

    def _class_over(self) -> None:
        heading(words.CLASS_OVER_TITLE)
        ui.label(str(words.CLASS_OVER_HINT)).classes("sg-big")
        for session in self._lesson.sessions:
            ui.label(f"{session.state.worker_name} · {words.SEEN} {session.state.seconds_seen:.0f} s")
        with ui.element("div").classes("sg-bar"):
            action(words.BACK, self._on_end, main=True)

    def _result(self) -> None:
        for signed in self._lesson.records.values():
            record = TrainingRecord.model_validate_json(signed.body)
            tone = "sg-good" if record.result is Result.PASSED else "sg-bad"
            heading(Words(record.course_title_zh, record.course_title_en))
            ui.label(str(words.RESULTS[record.result])).classes(f"sg-verdict {tone}").props("role=status")
            zone = self._visitor.office.zone
            until = "" if record.valid_until is None else f"{record.valid_until.astimezone(zone):%Y-%m-%d}"
            score = "" if record.score_percent is None else f"{record.score_percent} %"
            facts(
                [
                    (words.NAME, f"{record.worker_name} · {record.worker_id}"),
                    (words.SCORE, score),
                    (words.SEEN, f"{record.seconds_seen:.0f} s"),
                    (words.INTERRUPTIONS, str(len(record.interruptions))),
                    (words.VALID_UNTIL, until),
                ]
            )
            with ui.element("div").classes("sg-bar"):
                if record.result is Result.PASSED:
                    with ui.link(target=certificate_path(record), new_tab=True).classes("sg-button"):
                        ui.label(str(words.CERTIFICATE))
                action(words.BACK, self._on_end, main=True)

    def _url(self, name: str) -> str:
        return f"/training/file/{quote(self._lesson.course.manifest.id)}/{quote(name)}"
