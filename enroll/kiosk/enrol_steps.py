"""What the pages of a registration share: their paths, the bar of steps, giving up."""

from __future__ import annotations

from nicegui import ui

from enroll.drafts import EnrolmentDraft
from enroll.kiosk import words
from enroll.kiosk import words_enrol as w
from enroll.kiosk.frame import KioskVisitor, tell
from sync.pages import action, bilingual

IDENTITY_PATH = "/enrol"
CONSENT_PATH = "/enrol/consent"
CAPTURE_PATH = "/enrol/capture"
DONE_PATH = "/enrol/done"
HOME_PATH = "/"
RECORD_PATH = "/worker/{}"

_STEPS = (
    (IDENTITY_PATH, w.STEP_IDENTITY),
    (CONSENT_PATH, w.STEP_CONSENT),
    (CAPTURE_PATH, w.STEP_CAPTURE),
    (DONE_PATH, w.STEP_DONE),
)


def step_bar(path: str) -> None:
    """Which step this is, of all of them."""
    with ui.element("ol").classes("sg-steps").props(f'aria-label="{w.STEPS}"'):
        for target, title in _STEPS:
            step = ui.element("li").classes("sg-step")
            if target == path:
                step.props('aria-current="step"')
            with step:
                bilingual(title)


async def draft_with_worker(visitor: KioskVisitor) -> EnrolmentDraft | None:
    """The visitor's draft, looked at on the record; None, and the way back to the identity, without one."""

    def look() -> EnrolmentDraft | None:
        draft = visitor.office.drafts.current(visitor.user.user_id)
        if draft is not None and draft.worker is not None:
            visitor.audit("registration_opened", f"worker:{draft.worker.worker_id}")
        return draft

    draft = await visitor.ask(look)
    if draft is None or draft.worker is None or draft.person is None:
        ui.navigate.to(IDENTITY_PATH)
        return None
    return draft


def cancel_button(visitor: KioskVisitor, draft_id: str) -> None:
    """Give up and erase, after a question."""
    with ui.dialog() as dialog, ui.card().classes("sg-dialog"):
        ui.label(str(w.CANCEL_ASK))

        async def give_up() -> None:
            def erase() -> bool:
                visitor.office.drafts.cancel(draft_id)
                visitor.audit("registration_cancelled")
                return True

            if await visitor.ask(erase):
                tell(w.CANCELLED)
                ui.navigate.to(HOME_PATH)

        with ui.element("div").classes("sg-bar"):
            action(w.CANCEL_YES, give_up).classes("sg-danger")
            action(words.BACK, dialog.close)
    action(words.CANCEL, dialog.open)
