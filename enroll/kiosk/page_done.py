"""Last step of a registration: look once more, register, undo if it was a mistake."""

from __future__ import annotations

from dataclasses import dataclass

from nicegui import ui
from starlette.responses import Response

from enroll.accounts import Right
from enroll.drafts import EnrolmentDraft
from enroll.kiosk import words
from enroll.kiosk import words_enrol as w
from enroll.kiosk.clearance_words import clearance_words
from enroll.kiosk.enrol_steps import (
    CAPTURE_PATH,
    CONSENT_PATH,
    DONE_PATH,
    IDENTITY_PATH,
    RECORD_PATH,
    cancel_button,
    step_bar,
)
from enroll.kiosk.frame import KioskPage, KioskRoute, KioskVisitor
from enroll.kiosk.office import KioskOffice
from enroll.registration import LastEnrolment, Undone
from enroll.roster_values import last_day
from sync.pages import action, facts, heading
from sync.records import Worker
from sync.words import Words

PHOTO_PATH = "/enrol/photo"
PASS_PATH = "/pass/{}"  # noqa: S105 - a page's address
_LOOK_EVERY_S = 3.0


@dataclass(slots=True)
class _Found:
    """A draft that is to be registered, or the latest registration."""

    draft: EnrolmentDraft | None
    last: LastEnrolment | None
    worker: Worker | None


async def build_done_page(visitor: KioskVisitor) -> None:
    found = await visitor.ask(lambda: _find(visitor))
    if found is None:
        return
    if found.draft is not None:
        _check(visitor, found.draft)
    elif found.last is not None and found.worker is not None:
        _registered(visitor, found.last, found.worker)
    else:
        ui.navigate.to(IDENTITY_PATH)


def draft_photo(visitor: KioskVisitor) -> Response:
    """The capture's photo, to the person who took it."""
    draft = visitor.office.drafts.current(visitor.user.user_id)
    if draft is None or draft.photo is None:
        return Response(status_code=404)
    return Response(draft.photo, media_type="image/jpeg")


def _find(visitor: KioskVisitor) -> _Found:
    office = visitor.office
    draft = office.drafts.current(visitor.user.user_id)
    if draft is not None and draft.worker is None:
        draft = None
    last = None if draft else office.registration.last()
    worker = office.store.worker(last.worker_id) if last else draft.worker if draft else None
    if worker is not None:
        visitor.audit("registration_opened", f"worker:{worker.worker_id}")
    return _Found(draft, last, worker)


def _check(visitor: KioskVisitor, draft: EnrolmentDraft) -> None:
    """Everything at a glance, and the button."""
    worker, consent = draft.worker, draft.consent
    assert worker is not None  # noqa: S101 - `_find` looked
    if consent is None:
        ui.navigate.to(CONSENT_PATH)
        return
    if consent.granted and not draft.templates and not draft.without_face:
        ui.navigate.to(CAPTURE_PATH)
        return
    step_bar(DONE_PATH)
    heading(w.CHECK)
    with ui.element("div").classes("sg-columns"):
        if draft.photo is not None:
            ui.html(f'<img class="sg-photo" src="{PHOTO_PATH}" alt="{w.PHOTO_OF}">', sanitize=False)
        with ui.element("div").classes("sg-card sg-grow"):
            facts(_draft_facts(visitor.office, draft))

    async def register() -> None:
        def commit() -> str:
            enrolment = visitor.office.registration.commit(draft.draft_id, by=visitor.user.user_id)
            visitor.audit(
                "enrolled",
                f"worker:{enrolment.worker.worker_id}",
                face=bool(enrolment.templates),
                enrolment=enrolment.enrolment_id,
            )
            return enrolment.enrolment_id

        if await visitor.ask(commit):
            # The face of somebody who was known before: back to the record, where it can be looked at.
            known = RECORD_PATH.format(worker.worker_id)
            ui.navigate.to(known if draft.is_known else DONE_PATH)

    with ui.element("div").classes("sg-bar"):
        cancel_button(visitor, draft.draft_id)
        action(w.CHANGE, lambda: ui.navigate.to(IDENTITY_PATH), icon="edit")
        ui.element("div").classes("sg-grow")
        action(w.CONFIRM, register, main=True, icon="how_to_reg")


def _draft_facts(office: KioskOffice, draft: EnrolmentDraft) -> list[tuple[Words, str]]:
    worker, person, consent = draft.worker, draft.person, draft.consent
    assert worker is not None  # noqa: S101
    assert person is not None  # noqa: S101 - set together with the worker
    assert consent is not None  # noqa: S101 - `_check` looked
    face = f"{len(draft.templates)} {w.FACE_TEMPLATES}" if draft.templates else str(w.FACE_LEFT_OUT)
    if not consent.granted:
        face = str(w.FACE_REFUSED)
    return [
        (w.NAME, worker.name),
        (w.WORKER_NUMBER, worker.worker_id),
        (w.DOCUMENT_TYPE, str(w.DOCUMENT_TYPES[person.document_type])),
        (w.DOCUMENT_NUMBER, person.document_number),
        (w.BIRTH_DATE, person.birth_date.isoformat() if person.birth_date else ""),
        (w.EMPLOYER, worker.employer),
        (w.TEAM, worker.team),
        (w.TRADE, worker.trade),
        (w.SITES, ", ".join(worker.site_ids)),
        (w.GRANT_UNTIL, str(last_day(worker.grant_until, office.zone)) if worker.grant_until else ""),
        (w.CONSENT, f"{consent.text_version} ({consent.language})" if consent.granted else "–"),
        (w.FACE, " · ".join(part for part in (face, draft.capture_note) if part)),
    ]


def _registered(visitor: KioskVisitor, last: LastEnrolment, worker: Worker) -> None:
    step_bar(DONE_PATH)
    with ui.element("div") as page:
        with ui.element("div").classes("sg-bar"):
            ui.icon("check_circle").classes("sg-good sg-huge").props("aria-hidden=true")
            heading(w.DONE)
        with ui.element("div").classes("sg-card"):
            office = visitor.office
            kind = office.settings.policy.training_kind
            training = clearance_words(worker, kind, now=office.now(), zone=office.zone)
            facts([(w.NAME, worker.name), (w.WORKER_NUMBER, worker.worker_id), (w.TRAINING, training)])
            state = ui.label().classes("sg-note").props("role=status")

        async def look() -> None:
            text = await visitor.ask(lambda: _sync_words(visitor.office, last.enrolment_id))
            if text is not None:
                state.set_text(text)

        ui.timer(_LOOK_EVERY_S, look, immediate=True)
        with ui.element("div").classes("sg-bar"):
            _undo_button(visitor, last, page)
            action(w.PASS, lambda: ui.navigate.to(PASS_PATH.format(worker.worker_id)), icon="qr_code_2")
            ui.element("div").classes("sg-grow")
            _next_worker_button()


def _next_worker_button() -> None:
    action(w.NEXT_WORKER, lambda: ui.navigate.to(IDENTITY_PATH), main=True, icon="person_add")


def _sync_words(office: KioskOffice, enrolment_id: str) -> str:
    if not office.settings.centre.enabled:
        return str(w.SYNC_ALONE)
    state = office.store.note_state(enrolment_id)
    if state.parked_reason:
        return f"{w.SYNC_REFUSED} {state.parked_reason}"
    return str(w.SYNC_WAITING if state.waiting else w.SYNC_TAKEN)


def _undo_button(visitor: KioskVisitor, last: LastEnrolment, page: ui.element) -> None:
    """`page` then says what the undo did, and nothing else."""

    async def undo() -> None:
        def work() -> Undone:
            undone = visitor.office.registration.undo(last.enrolment_id, by=visitor.user.user_id)
            visitor.audit("enrolment_undone", f"worker:{last.worker_id}", how=undone.value)
            return undone

        undone = await visitor.ask(work)
        dialog.close()
        if undone is None:
            return
        page.clear()
        with page:
            heading(w.UNDONE_REMOVED if undone is Undone.REMOVED else w.UNDONE_SIGNED_OFF)
            _next_worker_button()

    with ui.dialog() as dialog, ui.card().classes("sg-dialog"):
        ui.label(str(w.UNDO_ASK))
        with ui.element("div").classes("sg-bar"):
            action(w.UNDO_YES, undo).classes("sg-danger")
            action(words.CANCEL, dialog.close)
    action(w.UNDO, dialog.open, icon="undo")


DONE_PAGE = KioskPage(DONE_PATH, w.STEP_DONE, build_done_page, Right.ENROL, in_menu=False)
PHOTO_ROUTE = KioskRoute(PHOTO_PATH, draft_photo, Right.ENROL)
