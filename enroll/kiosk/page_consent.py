"""Second step of a registration: may the face be used? Separate from everything else."""

from __future__ import annotations

from dataclasses import dataclass

from nicegui import events, run, ui

from enroll.accounts import Right
from enroll.consent_text import ConsentText
from enroll.drafts import EnrolmentDraft
from enroll.identity import age_notices, needs_guardian
from enroll.kiosk import words
from enroll.kiosk import words_enrol as w
from enroll.kiosk.enrol_steps import (
    CAPTURE_PATH,
    CONSENT_PATH,
    DONE_PATH,
    IDENTITY_PATH,
    cancel_button,
    draft_with_worker,
    step_bar,
)
from enroll.kiosk.frame import KioskPage, KioskVisitor, tell
from enroll.kiosk.signature_pad import read_signature, signature_pad
from enroll.registration import Signature
from enroll.scan import MAX_UPLOAD_BYTES, scan_jpeg
from models.errors import ImageUnusable
from sync.pages import action, heading, picks_files, text_field

_LANGUAGES = {"zh": "中文", "en": "English"}


@dataclass(slots=True)
class _Answer:
    """What was chosen so far."""

    text: ConsentText
    on_paper: bool = False
    scan: bytes | None = None
    guardian_name: str = ""
    guardian_phone: str = ""


async def build_consent_page(visitor: KioskVisitor) -> None:
    draft = await draft_with_worker(visitor)
    if draft is None or draft.worker is None or draft.person is None:
        return
    office, birth_date = visitor.office, draft.person.birth_date
    languages = office.settings.kiosk.languages
    answer = _Answer(office.consent_texts.current(languages[0]), scan=draft.scan)
    step_bar(CONSENT_PATH)
    with ui.element("div").classes("sg-bar"):
        heading(w.CONSENT_ASK)
        ui.label(draft.worker.name).classes("sg-title")
        ui.element("div").classes("sg-grow")
        beside = ui.element("div")
    with ui.element("div").classes("sg-two"):
        shown = ui.element("article").classes("sg-text").props("tabindex=0")
        with ui.element("div"):
            for notice in age_notices(birth_date, office.today()):
                ui.label(str(notice)).classes("sg-wait").props("role=status")
            if birth_date is not None and needs_guardian(birth_date, office.today()):
                _guardian_fields(answer)
            _signing(answer)
    _show_text(answer, shown)
    if len(languages) > 1:
        with beside:
            _language_choice(visitor, answer, shown)
    _buttons(visitor, draft, answer)


def _language_choice(visitor: KioskVisitor, answer: _Answer, shown: ui.element) -> None:
    options = {one: _LANGUAGES[one] for one in visitor.office.settings.kiosk.languages}

    def change(event: events.ValueChangeEventArguments[str | None]) -> None:
        answer.text = visitor.office.consent_texts.current(str(event.value))
        _show_text(answer, shown)

    ui.toggle(options, value=answer.text.language, on_change=change).props(
        f'no-caps unelevated aria-label="{w.LANGUAGE}"'
    ).classes("sg-toggle")


def _show_text(answer: _Answer, shown: ui.element) -> None:
    """The words as they are; lines that begin with ## are headings."""
    shown.clear()
    shown.props(f"lang={answer.text.language}")
    with shown:
        for line in (f"## {answer.text.title}", *answer.text.body.splitlines()):
            if line.startswith("## "):
                with ui.element("h2"):
                    ui.label(line.removeprefix("## "))
            elif line.strip():
                with ui.element("p"):
                    ui.label(line)


def _guardian_fields(answer: _Answer) -> None:
    with ui.element("div").classes("sg-bar"):
        name = text_field(w.GUARDIAN_NAME)
        name.on_value_change(lambda: setattr(answer, "guardian_name", str(name.value or "").strip()))
        phone = text_field(w.GUARDIAN_PHONE, kind="tel")
        phone.on_value_change(lambda: setattr(answer, "guardian_phone", str(phone.value or "").strip()))


def _signing(answer: _Answer) -> None:
    """On the screen, or on paper with a picture of it."""
    ways = {False: str(w.ON_SCREEN), True: str(w.ON_PAPER)}
    toggle = ui.toggle(ways, value=False).props("no-caps unelevated").classes("sg-toggle")
    with ui.element("div") as screen:
        signature_pad()
    with ui.element("div") as paper:
        _scan_field(answer)
    paper.set_visibility(False)

    def change() -> None:
        answer.on_paper = bool(toggle.value)
        screen.set_visibility(not answer.on_paper)
        paper.set_visibility(answer.on_paper)

    toggle.on_value_change(change)


def _scan_field(answer: _Answer) -> None:
    async def uploaded(event: events.UploadEventArguments) -> None:
        data = await event.file.read()
        try:
            answer.scan = await run.io_bound(scan_jpeg, data)
        except ImageUnusable:
            tell(w.TOO_LARGE, bad=True)
            return
        kept.set_text(str(w.SCAN_KEPT))

    upload = ui.upload(
        auto_upload=True,
        max_file_size=MAX_UPLOAD_BYTES,
        on_upload=uploaded,
        on_rejected=lambda: tell(w.TOO_LARGE, bad=True),
    )
    # Its own buttons are small and without names: ours opens the camera or the files.
    upload.props('accept="image/*" capture=environment aria-hidden=true').classes("sg-hidden-upload")
    picks_files(action(w.SCAN, lambda: None, icon="photo_camera"), upload)
    kept = ui.label(str(w.SCAN_KEPT) if answer.scan else "").classes("sg-good").props("role=status")


def _buttons(visitor: KioskVisitor, draft: EnrolmentDraft, answer: _Answer) -> None:
    registration, by = visitor.office.registration, visitor.user.user_id

    async def put(*, granted: bool, target: str) -> None:
        strokes = "" if answer.on_paper else await read_signature()
        signature = Signature(
            "paper" if answer.on_paper else "screen",
            strokes,
            answer.scan,
            answer.guardian_name,
            answer.guardian_phone,
        )
        consent = await visitor.ask(
            lambda: registration.put_consent(
                draft.draft_id, answer.text, granted=granted, signature=signature, by=by
            )
        )
        if consent is not None:
            ui.navigate.to(target)

    with ui.element("div").classes("sg-bar"):
        cancel_button(visitor, draft.draft_id)
        action(words.BACK, lambda: ui.navigate.to(IDENTITY_PATH), icon="arrow_back")
        ui.element("div").classes("sg-grow")
        action(w.REFUSE, lambda: put(granted=False, target=DONE_PATH), icon="qr_code_2")
        action(w.AGREE, lambda: put(granted=True, target=CAPTURE_PATH), main=True, icon="check")


CONSENT_PAGE = KioskPage(CONSENT_PATH, w.STEP_CONSENT, build_consent_page, Right.ENROL, in_menu=False)
