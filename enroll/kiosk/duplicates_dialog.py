"""Two records that may be one person, side by side, for a decision that goes on the record."""

from __future__ import annotations

import base64
from functools import partial

from nicegui import ui

from enroll.capture_desk import CaptureDesk
from enroll.drafts import EnrolmentDraft
from enroll.duplicates import Candidate
from enroll.kiosk import words_capture as w
from enroll.kiosk import words_enrol
from enroll.kiosk.frame import KioskVisitor, tell
from sync.pages import action, facts, heading, subheading, text_field
from sync.words import Words

RECORD_PATH = "/worker/{}"

_SAME, _DIFFERENT, _OPEN = "same", "different", "open"


async def ask_about(
    visitor: KioskVisitor,
    desk: CaptureDesk,
    draft: EnrolmentDraft,
    candidate: Candidate,
    threshold: float,
) -> str | None:
    """Ask until it is decided; the path to go to, None to go on with the registration."""
    match = candidate.match
    subject = f"worker:{match.worker_id}"
    await visitor.ask(lambda: visitor.audit("duplicate_shown", subject))
    with ui.dialog().props("persistent") as dialog, ui.card().classes("sg-dialog sg-compare"):
        heading(w.DUPLICATE_TITLE)
        ui.label(str(w.SAME_DOCUMENT if match.found_by == "document" else w.SAME_FACE)).classes("sg-bad")
        _pair(draft, candidate, threshold)
        with ui.element("div").classes("sg-bar"):
            reason = text_field(w.REASON)
            for one in w.REASONS:
                action(one, partial(reason.set_value, str(one)))

        def differ() -> None:
            if str(reason.value or "").strip():
                dialog.submit(_DIFFERENT)
            else:
                tell(w.REASON_MISSING, bad=True)
                reason.run_method("focus")

        with ui.element("div").classes("sg-bar"):
            same = w.SAME_PERSON if candidate.is_here else w.SAME_PERSON_AWAY
            action(same, lambda: dialog.submit(_SAME), main=True)
            action(w.DIFFERENT_PERSON, differ)
            action(w.LEFT_OPEN, lambda: dialog.submit(_OPEN))
    answer = await dialog
    text = str(reason.value or "").strip()

    def keep() -> str:
        if answer == _SAME and candidate.is_here:
            return _go_to_record(visitor, desk, draft, candidate)
        same_person = {_SAME: True, _DIFFERENT: False}.get(answer)
        desk.decide(candidate, same_person=same_person, reason=text)
        visitor.audit("duplicate_decided", subject, decision=answer, reason=text)
        return ""

    return await visitor.ask(keep) or None


def _go_to_record(
    visitor: KioskVisitor, desk: CaptureDesk, draft: EnrolmentDraft, candidate: Candidate
) -> str:
    """The person has a record: this registration ends, and what it held is erased."""
    subject = f"worker:{candidate.match.worker_id}"
    if desk.is_new():
        visitor.office.drafts.cancel(draft.draft_id)
        visitor.audit("duplicate_decided", subject, decision=_SAME)
    else:
        desk.decide(candidate, same_person=True)
        visitor.audit("duplicate_decided", subject, decision=_SAME)
    return RECORD_PATH.format(candidate.match.worker_id)


def _pair(draft: EnrolmentDraft, candidate: Candidate, threshold: float) -> None:
    match = candidate.match
    worker, person = draft.worker, draft.person
    with ui.element("div").classes("sg-pair"):
        with ui.element("section"):
            subheading(w.THIS_CAPTURE)
            _photo(draft.photo, w.THIS_CAPTURE)
            if worker is not None:
                rows = _facts(worker.name, worker.worker_id, worker.employer, worker.team, worker.site_ids)
                number = person.document_number if person else ""
                facts([*rows, (words_enrol.DOCUMENT_NUMBER, number)])
        with ui.element("section"):
            subheading(w.KNOWN_RECORD)
            _photo(candidate.photo, w.KNOWN_RECORD)
            rows = _facts(match.name, match.worker_id, match.employer, match.team, match.site_ids)
            score = "" if match.score is None else f"{match.score:.2f}（{w.THRESHOLD} {threshold:.2f}）"
            facts([*rows, (w.SIMILARITY, score)])


def _facts(
    name: str, number: str, employer: str, team: str, sites: tuple[str, ...]
) -> list[tuple[Words, str]]:
    return [
        (words_enrol.NAME, name),
        (words_enrol.WORKER_NUMBER, number),
        (words_enrol.EMPLOYER, employer),
        (words_enrol.TEAM, team),
        (words_enrol.SITES, ", ".join(sites)),
    ]


def _photo(jpeg: bytes | None, alt: Words) -> None:
    if jpeg is None:
        with ui.element("div").classes("sg-blank"):
            ui.label(str(w.NO_PHOTO))
        return
    encoded = base64.b64encode(jpeg).decode()
    ui.element("img").props(f'src="data:image/jpeg;base64,{encoded}" alt="{alt}"')
