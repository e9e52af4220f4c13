"""Third step of a registration: the face, taken by itself while the person follows the guidance."""

from __future__ import annotations

import base64
import time
from pathlib import Path

from nicegui import events, ui
from starlette.responses import Response

from enroll.accounts import Right
from enroll.capture import POSE_WORDS, REFUSALS, CaptureState, Guidance, Pose
from enroll.capture_desk import CaptureDesk
from enroll.drafts import EnrolmentDraft
from enroll.duplicates import Findings
from enroll.errors import PhotoRefused
from enroll.kiosk import words
from enroll.kiosk import words_capture as w
from enroll.kiosk.duplicates_dialog import ask_about
from enroll.kiosk.enrol_steps import (
    CAPTURE_PATH,
    CONSENT_PATH,
    DONE_PATH,
    cancel_button,
    draft_with_worker,
    step_bar,
)
from enroll.kiosk.frame import KioskPage, KioskRoute, KioskVisitor, tell
from models.images import MAX_FILE_BYTES
from sync.pages import action, bilingual, heading, picks_files
from sync.words import Words

PICTURE_PATH = "/enrol/capture/picture"
STEP_EVERY_S = 0.1
GUIDANCE_STAYS_S = 0.7
"""Words change at most so often: people must be able to read, and a screen reader to speak."""

CENTRE_WAIT_S = 5.0
"""So long the page waits for the centre; it checks every enrolment again when it arrives."""

_OVAL_LENGTH = 100  # of the SVG path, so that a share is a dash
_STYLE = (Path(__file__).parent / "capture.css").read_text(encoding="utf-8")
_STAGE = f"""
<img id="sg-camera" alt="{w.LIVE_PICTURE}" style="visibility:hidden">
<svg viewBox="0 0 100 75" aria-hidden="true">
  <ellipse class="sg-oval" cx="50" cy="36" rx="17" ry="25"></ellipse>
  <ellipse class="sg-oval-hold" cx="50" cy="36" rx="17" ry="25" pathLength="{_OVAL_LENGTH}"
    stroke-dasharray="0 {_OVAL_LENGTH}" id="sg-hold"></ellipse>
</svg>"""
_SHOW_PICTURES = f"""
(() => {{ const img = document.getElementById("sg-camera"); let n = 0;
  const next = () => {{ if (document.body.contains(img)) img.src = "{PICTURE_PATH}?n=" + n++; }};
  img.onload = () => {{ img.style.visibility = "visible"; setTimeout(next, 60); }};
  img.onerror = () => {{ img.style.visibility = "hidden"; setTimeout(next, 700); }};
  next(); }})();
"""


class _CapturePage:
    """What one open page holds."""

    def __init__(self, visitor: KioskVisitor, desk: CaptureDesk, draft: EnrolmentDraft) -> None:
        self.visitor = visitor
        self.desk = desk
        self.draft = draft
        self.is_over = False
        self._state: CaptureState | None = None
        self._shown: tuple[Words, str] | None = None
        self._shown_s = 0.0

    def build(self) -> None:
        with ui.element("div").classes("sg-capture"):
            with ui.element("div"):
                self._build_guidance()
                self._stage = ui.element("div").classes("sg-stage")
                with self._stage:
                    ui.html(_STAGE, sanitize=False)
            with ui.element("div"):
                ui.label(str(w.POSES_TITLE)).classes("sg-subtitle").props("role=heading aria-level=2")
                self._poses = ui.element("ul").classes("sg-poses")
                self._files = ui.element("div")
                with ui.element("div").classes("sg-bar"):
                    self._helmet = action(w.HELMET_IS_ON, self._helmet_is_on, main=True, icon="engineering")
                    self._vouch = action(w.VOUCH, self._do_vouch, icon="how_to_reg")
                    self._skip = action(w.SKIP_POSE, self._skip_pose, icon="redo")
        with ui.element("div").classes("sg-bar"):
            cancel_button(self.visitor, self.draft.draft_id)
            action(w.AGAIN, self._start_over, icon="replay")
            self._build_file_button()
            action(w.SKIP_FACE, self._skip_face, icon="qr_code_2")
        self._show_poses()
        self._say(w.STARTING, "")
        ui.run_javascript(_SHOW_PICTURES)
        self._timer = ui.timer(STEP_EVERY_S, self._step)

    # -- the live picture -----------------------------------------------------------------------------

    def _build_guidance(self) -> None:
        self._guidance = ui.element("div").classes("sg-guidance").props('role=status aria-live="polite"')
        with self._guidance:
            self._zh = ui.label().classes("sg-zh")
            self._en = ui.label().classes("sg-guide-en").props("lang=en")

    async def _step(self) -> None:
        if self.is_over:
            return
        looked = await self.visitor.ask(self.desk.step)
        if looked is None or self.is_over:
            return
        state, problem = looked
        if problem:
            self._say(w.NO_CAMERA, "sg-refused", detail=problem)
        if state is None:
            return
        self._show(state)
        if state.is_complete:
            self.is_over = True
            await self._finish()

    def _show(self, state: CaptureState) -> None:
        before, self._state = self._state, state
        is_refused = state.guidance in REFUSALS
        tone = "sg-refused" if is_refused else "sg-finished" if state.guidance is Guidance.DONE else ""
        self._say(w.GUIDANCE[state.guidance], tone, at_once=state.new is not None)
        held = round(_OVAL_LENGTH * state.held)
        ui.run_javascript(
            f'document.getElementById("sg-hold").setAttribute("stroke-dasharray", "{held} {_OVAL_LENGTH}")'
        )
        if before is None or (before.taken, before.missing) != (state.taken, state.missing):
            self._show_poses()
        self._vouch.set_visibility(state.guidance in (Guidance.NOT_LIVE, Guidance.LIVENESS_MISSING))
        self._helmet.set_visibility(state.guidance is Guidance.HELMET_ON)
        self._skip.set_visibility(state.target not in (None, Pose.AHEAD))

    def _say(self, text: Words, tone: str, *, detail: str = "", at_once: bool = False) -> None:
        now_s = time.monotonic()
        if self._shown == (text, tone) or (not at_once and now_s - self._shown_s < GUIDANCE_STAYS_S):
            return
        self._shown, self._shown_s = (text, tone), now_s
        self._zh.set_text(text.zh)
        self._en.set_text(f"{text.en}. {detail}" if detail else text.en)
        self._guidance.classes(remove="sg-refused sg-finished", add=tone)
        self._stage.classes(remove="sg-refused", add=tone if tone == "sg-refused" else "")

    def _show_poses(self) -> None:
        pictures = self.desk.thumbnails()
        state = self._state
        missing = state.missing if state else self.desk.wanted
        self._poses.clear()
        with self._poses:
            for number, pose in enumerate(self.desk.wanted, start=1):
                is_next = bool(missing) and pose is missing[0]
                self._pose(pose, number, pictures.get(pose), is_missing=pose in missing, is_next=is_next)
        for button in (self._vouch, self._helmet, self._skip):
            button.set_visibility(False)

    def _pose(
        self, pose: Pose, number: int, picture: bytes | None, *, is_missing: bool, is_next: bool
    ) -> None:
        item = ui.element("li").classes("sg-pose")
        item.classes("sg-taken" if picture else "sg-next" if is_next else "")
        with item:
            if picture:
                ui.element("img").props(f'src="{_data_uri(picture)}" alt=""')
            else:
                with ui.element("div").classes("sg-blank").props("aria-hidden=true"):
                    ui.label(str(number))
            with ui.element("div").classes("sg-pose-words"):
                ui.label(POSE_WORDS[pose].zh)
                state = w.TAKEN if picture else w.WAITED_FOR if is_missing else w.SKIPPED
                ui.label(f"{POSE_WORDS[pose].en} · {state}").classes("sg-en")
            if picture and self.desk.wanted[0] is not pose:
                again = action(w.RETAKE, lambda: self._retake(pose))
                again.props(f'aria-label="{w.RETAKE} {POSE_WORDS[pose]}"')

    # -- buttons --------------------------------------------------------------------------------------

    def _begin_again(self) -> None:
        self.is_over = False
        self._state = None
        self._shown = None
        self._show_files()
        self._show_poses()

    def _start_over(self) -> None:
        self.desk.start_over()
        self._begin_again()

    def _retake(self, pose: Pose) -> None:
        self.desk.retake(pose)
        self._begin_again()

    def _skip_pose(self) -> None:
        if self._state is not None and self._state.target not in (None, Pose.AHEAD):
            assert self._state.target is not None  # noqa: S101 - asked above
            self.desk.skip(self._state.target)

    async def _do_vouch(self) -> None:
        def vouch() -> None:
            self.desk.vouch()
            self.visitor.audit("capture_vouched", self._subject)

        await self.visitor.ask(vouch)

    def _helmet_is_on(self) -> None:
        self.desk.helmet_is_on()

    async def _skip_face(self) -> None:
        self.is_over = True

        def skip() -> bool:
            self.desk.skip_face()
            self.visitor.audit("capture_skipped", self._subject)
            return True

        if await self.visitor.ask(skip):
            ui.navigate.to(DONE_PATH)

    @property
    def _subject(self) -> str:
        return f"worker:{self.draft.worker.worker_id}" if self.draft.worker else ""

    # -- photo files ----------------------------------------------------------------------------------

    def _build_file_button(self) -> None:
        upload = ui.upload(
            multiple=True,
            auto_upload=True,
            max_file_size=MAX_FILE_BYTES,
            on_upload=self._take_file,
            on_rejected=lambda: tell(w.TOO_LARGE, bad=True),
        )
        upload.props('accept="image/*" aria-hidden=true').classes("sg-hidden-upload")
        picks_files(action(w.USE_FILE, lambda: None, icon="image"), upload)

    async def _take_file(self, event: events.UploadEventArguments) -> None:
        name, raw = event.file.name, await event.file.read()

        def take() -> Words | None:
            try:
                self.desk.add_file(name, raw)
            except PhotoRefused as refused:
                return w.PHOTO_REFUSED[refused.code]
            return Words("", "")

        said = await self.visitor.ask(take)
        if said is not None and said.zh:
            tell(said, bad=True)
        self._show_files()

    def _show_files(self) -> None:
        self._files.clear()
        files = self.desk.files
        if not files:
            return
        with self._files:
            ui.label(str(w.FILES)).classes("sg-subtitle").props("role=heading aria-level=2")
            with ui.element("div").classes("sg-bar"):
                for photo in files:
                    ui.element("img").props(f'src="{_data_uri(photo.picture)}" alt="{w.FILES}" height=96')
                action(w.USE_FILES, self._finish_with_files, main=True)

    async def _finish_with_files(self) -> None:
        self.is_over = True
        await self._put(from_files=True)

    # -- the end: templates, duplicates ---------------------------------------------------------------

    async def _finish(self) -> None:
        await self._put(from_files=False)

    async def _put(self, *, from_files: bool) -> None:
        self._say(w.CHECKING, "sg-finished", at_once=True)

        def put() -> tuple[EnrolmentDraft, Findings]:
            draft = self.desk.finish_with_files() if from_files else self.desk.finish()
            self.visitor.audit("face_captured", self._subject, templates=len(draft.templates))
            return draft, self.desk.look_for_duplicates(draft)

        done = await self.visitor.ask(put)
        if done is None:
            self.is_over = False
            return
        self.draft, findings = done
        self._waits_until_s = time.monotonic() + CENTRE_WAIT_S
        self._findings = findings
        self._timer.deactivate()
        self._centre_timer = ui.timer(STEP_EVERY_S, self._await_centre)

    async def _await_centre(self) -> None:
        findings, desk = self._findings, self.desk
        joined = await self.visitor.ask(lambda: (desk.with_centre(findings),))
        if joined is None:
            self._centre_timer.deactivate()
            return
        (answered,) = joined
        if answered is None and time.monotonic() < self._waits_until_s:
            self._say(w.ASKING_CENTRE, "sg-finished")
            return
        self._centre_timer.deactivate()
        await self._settle(answered or findings)

    async def _settle(self, findings: Findings) -> None:
        if await self.visitor.ask(lambda: self.desk.note_checked(findings)) is None:
            return
        if not findings.candidates:
            outstanding = findings.checked_at_centre is None
            self._say(w.REGISTRY_OUTSTANDING if outstanding else w.NO_DUPLICATE, "sg-finished", at_once=True)
        for candidate in findings.candidates:
            target = await ask_about(self.visitor, self.desk, self.draft, candidate, findings.threshold)
            if target is not None:
                ui.navigate.to(target)
                return
        ui.navigate.to(DONE_PATH)


async def _build_capture(visitor: KioskVisitor) -> None:
    ui.add_css(_STYLE)
    draft = await draft_with_worker(visitor)
    if draft is None:
        return
    if draft.consent is None:
        ui.navigate.to(CONSENT_PATH)
        return
    if not draft.consent.granted:
        ui.navigate.to(DONE_PATH)
        return
    step_bar(CAPTURE_PATH)
    heading(w.TITLE)
    office = visitor.office

    def desk() -> CaptureDesk:
        return CaptureDesk(
            office.capture, office.drafts, draft.draft_id, office.camera, user_id=visitor.user.user_id
        )

    opened = await visitor.ask(desk)
    if opened is not None:
        _CapturePage(visitor, opened, draft).build()
        return
    with ui.element("div").classes("sg-card"):  # the weights are missing: what is left is the pass
        bilingual(w.NO_CAMERA)
    with ui.element("div").classes("sg-bar"):
        cancel_button(visitor, draft.draft_id)
        action(words.NEXT, lambda: ui.navigate.to(DONE_PATH), main=True)


def _picture(visitor: KioskVisitor) -> Response:
    picture = visitor.office.camera.preview()
    if picture is None:
        return Response(status_code=404)
    return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


def _data_uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


CAPTURE_PAGE = KioskPage(CAPTURE_PATH, w.TITLE, _build_capture, right=Right.ENROL, in_menu=False)
CAPTURE_ROUTES = (KioskRoute(PICTURE_PATH, _picture, right=Right.ENROL),)
