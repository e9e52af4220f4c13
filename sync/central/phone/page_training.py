"""Training in a phone's browser: courses, log-in by face, slides, questions, result."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Annotated
from zoneinfo import ZoneInfo

import markdown2
from fastapi import APIRouter, Body, Request
from markupsafe import Markup
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response

from models.errors import ImageUnusable, ModelError
from sync.central.phone import words_training as said
from sync.central.phone.page_verify import ZONE
from sync.central.phone.shell import SEE_OTHER, PhoneRefused, PhoneShell, SentForm, sent_text
from sync.central.phone_training import NoFaceOnRecord, PhoneTraining, Seat, site_of
from sync.phone_addresses import TRAINING_PATH
from sync.training.course import Course, SaidAtLength
from sync.training.errors import CourseUnusable, StepRefused
from sync.training.session import HELD, Moment, Phase, TrainingSession

Step = Callable[[TrainingSession, Moment], object]


def router(shell: PhoneShell) -> APIRouter:
    """Below `/m/training`."""
    area = APIRouter()

    def desk() -> PhoneTraining:
        found = shell.office.phone_training
        if found is None:
            raise PhoneRefused(said.NOT_HERE, status=HTTPStatus.SERVICE_UNAVAILABLE)
        return found

    def seated(request: Request, course_id: str) -> tuple[str, Course, Seat]:
        worker_id = str(shell.require_worker(request).worker_id)
        try:
            course = desk().course(course_id)
            return worker_id, course, desk().seat(course, worker_id)
        except CourseUnusable as error:
            raise PhoneRefused(said.NO_COURSE, status=HTTPStatus.NOT_FOUND) from error
        except NoFaceOnRecord as error:
            raise PhoneRefused(said.NO_FACE, status=HTTPStatus.CONFLICT) from error
        except ModelError as error:
            raise PhoneRefused(said.NOT_HERE, status=HTTPStatus.SERVICE_UNAVAILABLE) from error

    @area.get("/training")
    def courses(request: Request) -> Response:
        shell.require_worker(request)
        return shell.render(request, "training.html", courses=desk().courses(), said=said)

    @area.get("/training/{course_id}")
    def page(request: Request, course_id: str) -> Response:
        worker_id, course, seat = seated(request, course_id)
        with seat.lock:
            session, record = seat.session, seat.record
            number = 0 if session is None else session.state.page
            return shell.render(
                request,
                "training_course.html",
                course=course,
                session=session,
                record=record,
                zone=_zone(shell, site_of(shell.office.database, worker_id)),
                needs_login=seat.needs_login,
                slide=course.manifest.pages[number],
                text=_html(course.page_text(number)),
                question=None if session is None else session.question,
                is_last=number + 1 == len(course.manifest.pages),
                key=_key(seat),
                path=f"{TRAINING_PATH}/{course_id}",
                refused=said.REFUSALS.get(request.query_params.get("refused", "")),
                said=said,
            )

    @area.post("/training/{course_id}/look")
    def look(
        request: Request, course_id: str, picture: Annotated[bytes, Body(media_type="image/jpeg")]
    ) -> Response:
        worker_id, course, seat = seated(request, course_id)
        try:
            desk().look(seat, course, worker_id, site_of(shell.office.database, worker_id), picture)
        except ImageUnusable:
            return JSONResponse(
                {"problem": str(said.BAD_PICTURE)}, status_code=HTTPStatus.UNPROCESSABLE_ENTITY
            )
        with seat.lock:
            return JSONResponse(_told(seat))

    @area.post("/training/{course_id}/{step}")
    def take(request: Request, course_id: str, step: str, form: SentForm) -> Response:
        worker_id, course, seat = seated(request, course_id)
        if step == "again":
            desk().leave(course, worker_id)
            return RedirectResponse(TRAINING_PATH, status_code=SEE_OTHER)
        question, chosen = sent_text(form, "question"), _chosen(form.getlist("chosen"))
        steps: dict[str, Step] = {
            "next": lambda session, moment: session.next_page(moment),
            "back": lambda session, _: session.previous_page(),
            "pause": lambda session, moment: session.pause(moment),
            "go-on": lambda session, moment: session.go_on(moment),
            "answer": lambda session, moment: session.answer(question, chosen, moment),
        }
        if step not in steps:
            raise PhoneRefused(said.NO_COURSE, status=HTTPStatus.NOT_FOUND)
        # A form that is sent twice is refused as out of turn, and leads to the same page.
        try:
            desk().step(seat, site_of(shell.office.database, worker_id), steps[step])
        except StepRefused as error:
            return RedirectResponse(
                f"{TRAINING_PATH}/{course_id}?refused={error.refusal.value}", status_code=SEE_OTHER
            )
        return RedirectResponse(f"{TRAINING_PATH}/{course_id}", status_code=SEE_OTHER)

    @area.get("/training/{course_id}/file/{name:path}")
    def file(request: Request, course_id: str, name: str) -> Response:
        shell.require_worker(request)
        try:
            return FileResponse(desk().course(course_id).file(name))
        except CourseUnusable as error:
            raise PhoneRefused(said.NO_COURSE, status=HTTPStatus.NOT_FOUND) from error

    return area


def _zone(shell: PhoneShell, site_id: str) -> ZoneInfo:
    site = shell.sites.get(site_id)
    return ZONE if site is None else ZoneInfo(site.timezone)


def _key(seat: Seat) -> str:
    """Changes when the page must be shown anew."""
    if seat.record is not None:
        return "over"
    if seat.session is None or seat.needs_login:
        return "login"
    state = seat.session.state
    return f"{state.phase.value} {state.page} {len(state.answers)}"


def _told(seat: Seat) -> dict[str, object]:
    """What the page's script shows after a look."""
    session = seat.session
    if session is None or session.state.phase is Phase.OVER:
        return {"key": _key(seat), "state": str(said.LOOK_AT_PHONE), "running": False}
    state = session.state
    reason = said.REASONS.get(state.pause)
    return {
        "key": _key(seat),
        "running": session.running,
        "state": str(said.PRESENT if session.running else reason or said.LOOK_AT_PHONE),
        "left": math.ceil(session.page_left_s() or (session.course_left_s() if _is_last(session) else 0)),
        "seen": round(state.seconds_seen),
        "held": state.pause in HELD,
    }


def _is_last(session: TrainingSession) -> bool:
    return session.state.page + 1 == len(session.course.manifest.pages)


def _chosen(values: Sequence[object]) -> frozenset[int]:
    return frozenset(int(one) for one in values if isinstance(one, str) and one.isdecimal() and len(one) < 4)


def _html(text: SaidAtLength | None) -> dict[str, Markup]:
    """Markdown as HTML; what is HTML in it is shown as text."""
    if text is None:
        return {}
    return {
        language: Markup(markdown2.markdown(body, safe_mode="escape"))  # noqa: S704 - escaped by markdown2
        for language, body in (("zh", text.zh), ("en", text.en))
        if body
    }
