"""The page of one worker: what is known, and everything that can be done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from nicegui import ui

from enroll.accounts import Right
from enroll.kiosk import words
from enroll.kiosk import words_roster as w
from enroll.kiosk.clearance_words import clearance_words
from enroll.kiosk.frame import KioskPage, KioskVisitor, choice, tell
from enroll.kiosk.page_receipt import RECEIPT_PATH
from enroll.kiosk.page_workers import WORKER_PATH, WORKERS_PATH
from enroll.kiosk.tables import cell, roster_style, table
from enroll.kiosk.words_enrol import DOCUMENT_TYPES, SEXES
from enroll.refused_notes import reason_words
from enroll.worker_book import WorkerFile
from sync.erasure import FACE, WHOLE_RECORD
from sync.pages import action, facts, heading, subheading, text_field
from sync.people import Sex
from sync.records import WorkerStatus
from sync.words import Words

QR_PATH = "/pass/{worker_id}"
CONSENT_PATH, CAPTURE_PATH = "/enrol/consent", "/enrol/capture"


async def build_worker_page(visitor: KioskVisitor) -> None:
    roster_style()
    worker_id = visitor.parameters["worker_id"]
    book, by = visitor.office.book, visitor.user.user_id
    file = await visitor.ask(lambda: book.look(worker_id, by=by))
    if file is None:
        action(w.BACK_TO_LIST, lambda: ui.navigate.to(WORKERS_PATH), icon="arrow_back")
        return
    _View(visitor, file).build()


class _View:
    """One record on the page of one browser."""

    def __init__(self, visitor: KioskVisitor, file: WorkerFile) -> None:
        self._visitor = visitor
        self._book = visitor.office.book
        self._file = file
        self._by = visitor.user.user_id
        self._id = file.worker.worker_id

    def build(self) -> None:
        file, worker = self._file, self._file.worker
        heading(Words(worker.name, worker.worker_id))
        if file.ageing is not None:
            why = (
                f"{w.AGEING}: {w.RECENT} {file.ageing.recent:.2f}, {w.THRESHOLD} {file.ageing.threshold:.2f}"
            )
            ui.label(why).classes("sg-wait").props("role=status")
        self._say_when_the_face_goes()
        with ui.element("div").classes("sg-bar"):
            self._actions()
        with ui.element("section").classes("sg-card"):
            facts(self._facts())
        self._history()
        with ui.element("div").classes("sg-bar"):
            action(w.BACK_TO_LIST, lambda: ui.navigate.to(WORKERS_PATH), icon="arrow_back")

    def _actions(self) -> None:
        user, status = self._visitor.user, self._file.worker.status
        go = ui.navigate.to
        action(w.PASS, lambda: go(QR_PATH.format(worker_id=self._id)), icon="qr_code")
        if user.may(Right.ENROL):
            action(w.EDIT, self._edit_dialog, main=True, icon="edit")
            action(w.RECAPTURE, self._recapture, icon="photo_camera")
            if status is WorkerStatus.BLOCKED:
                self._ask_action(w.UNBLOCK, w.UNBLOCK_ASK, self._book.unblock, "lock_open")
            else:
                self._ask_action(w.BLOCK, w.BLOCK_ASK, self._book.block, "block")
            if status is WorkerStatus.LEFT:
                self._plain_action(w.TAKE_BACK, w.TAKE_BACK_ASK, self._book.take_back, "login")
            else:
                self._plain_action(w.LEAVE, w.LEAVE_ASK, self._book.leave, "logout")
        if user.may(Right.ERASE):
            self._erase_action(w.WITHDRAW, w.WITHDRAW_ASK, FACE)
            self._erase_action(w.ERASE, w.ERASE_ASK, WHOLE_RECORD)

    def _facts(self) -> list[tuple[Words, str]]:
        file, worker, person = self._file, self._file.worker, self._file.person
        typed = self._book.typed(file)
        rows = [
            (w.STATUS_WORD, str(w.STATUS[worker.status])),
            (w.NUMBER, worker.worker_id),
            (w.EMPLOYER, worker.employer),
            (w.TEAM, " · ".join(part for part in (worker.team, worker.trade) if part)),
            (w.PHONE, worker.phone),
            (w.SITES, ", ".join(worker.site_ids)),
            (w.PERMIT, f"{typed['grant_from'] or '…'} – {typed['grant_until'] or '…'}"),
        ]
        if person is not None:
            rows += [
                (w.DOCUMENT, f"{DOCUMENT_TYPES[person.document_type]} {person.document_number}"),
                (w.BIRTH, f"{person.birth_date or '–'} · {SEXES[person.sex]}"),
                (w.ADDRESS, person.address),
            ]
        return [
            *rows,
            (w.TEMPLATES, str(len(file.templates))),
            (w.TRAINING, self._training()),
            (w.LAST_SEEN, self._time(file.last_seen_at)),
            (w.SYNC, self._sync_words()),
        ]

    def _say_when_the_face_goes(self) -> None:
        file = self._file
        if not file.templates:
            return
        if file.face_goes_at is not None:
            ui.label(f"{w.FACE_GOES_AT} {self._time(file.face_goes_at)}").classes("sg-wait")
        elif file.worker.status is WorkerStatus.LEFT:
            ui.label(str(w.CENTRE_ERASES)).classes("sg-wait")

    def _training(self) -> str:
        office = self._visitor.office
        kind = office.settings.policy.training_kind
        return clearance_words(self._file.worker, kind, now=office.now(), zone=office.zone)

    def _sync_words(self) -> str:
        state = self._file.sync
        if not self._visitor.office.settings.centre.enabled:
            return str(words.STAND_ALONE)
        if state.parked_reason:
            return f"{words.REFUSED}: {reason_words(state.parked_reason)}"
        return str(words.WAITING if state.waiting else w.TAKEN)

    def _history(self) -> None:
        file = self._file
        with ui.element("section").classes("sg-card"):
            subheading(w.CONSENTS)
            if not file.consents:
                ui.label(str(w.CONSENT_NONE)).classes("sg-note")
            else:
                with table((w.GIVEN, w.RESULT, w.VERSION, w.HOW_WORD, w.WITHDRAWN, w.BY)):
                    for one in file.consents:
                        consent = one.consent
                        with ui.element("tr"):
                            cell(self._time(consent.given_at))
                            cell(
                                str(w.GRANTED if consent.granted else w.REFUSED),
                                "sg-good" if consent.granted else "sg-bad",
                            )
                            cell(consent.text_version)
                            cell(str(w.HOW[consent.how]))
                            cell(self._time(one.withdrawn_at))
                            cell(consent.recorded_by)
            for made in file.withdrawals:
                target = RECEIPT_PATH.format(withdrawal_id=made.withdrawal.withdrawal_id)
                with ui.link(target=target).classes("sg-button"):
                    ui.label(f"{w.RECEIPT} {self._time(made.withdrawal.withdrawn_at)}")

    def _time(self, at: datetime | None) -> str:
        return "–" if at is None else f"{at.astimezone(self._visitor.office.zone):%Y-%m-%d %H:%M}"

    async def _recapture(self) -> None:
        def begin() -> bool:
            self._visitor.user.require(Right.ENROL)
            return self._book.recapture(self._id, by=self._by).consent is not None

        has_consent = await self._visitor.ask(begin)
        if has_consent is not None:
            ui.navigate.to(CAPTURE_PATH if has_consent else CONSENT_PATH)

    def _edit_dialog(self) -> None:
        typed = self._book.typed(self._file)
        fields: dict[str, ui.input | ui.select] = {}
        with ui.dialog().props("persistent") as dialog, ui.card().classes("sg-dialog"):
            heading(w.EDIT)
            with ui.element("div").classes("sg-form"):
                for name, (title, kind) in w.EDIT_FIELDS.items():
                    fields[name] = text_field(title, kind=kind, value=typed.get(name, ""))
                kinds = {kind.value: str(text) for kind, text in DOCUMENT_TYPES.items()}
                fields["document_type"] = choice(w.DOCUMENT_TYPE, kinds, typed["document_type"])
                sexes = {sex.value: str(text) for sex, text in SEXES.items()}
                fields["sex"] = choice(w.SEX, sexes, typed.get("sex", Sex.UNSTATED.value))

            async def save() -> None:
                given = {name: str(field.value or "") for name, field in fields.items()}

                def keep() -> dict[str, Words]:
                    self._visitor.user.require(Right.ENROL)
                    return dict(self._book.edit(self._id, given, by=self._by).problems)

                problems = await self._visitor.ask(keep)
                if problems is None:
                    return
                for name, field in fields.items():
                    field.error = str(problems[name]) if name in problems else None
                if not problems:
                    dialog.close()
                    tell(words.SAVED)
                    self._reload()

            with ui.element("div").classes("sg-bar"):
                action(words.CANCEL, dialog.close)
                action(words.SAVE, save, main=True)
        dialog.open()

    def _ask_action(self, label: Words, ask: Words, act: Callable[..., None], icon: str) -> None:
        """One that needs a reason."""

        def opened() -> None:
            with ui.dialog() as dialog, ui.card().classes("sg-dialog"):
                heading(label)
                ui.label(str(ask))
                reason = text_field(w.WHY).props("autofocus")

                async def do() -> None:
                    if not reason.value.strip():
                        reason.error = str(w.WHY_MISSING)
                        return
                    await self._do(lambda: act(self._id, reason.value, by=self._by), Right.ENROL)

                with ui.element("div").classes("sg-bar"):
                    action(words.CANCEL, dialog.close)
                    action(label, do, main=True)
            dialog.open()

        action(label, opened, icon=icon)

    def _plain_action(self, label: Words, ask: Words, act: Callable[..., None], icon: str) -> None:
        def opened() -> None:
            with ui.dialog() as dialog, ui.card().classes("sg-dialog"):
                heading(label)
                ui.label(str(ask))
                with ui.element("div").classes("sg-bar"):
                    action(words.CANCEL, dialog.close)
                    action(
                        label, lambda: self._do(lambda: act(self._id, by=self._by), Right.ENROL), main=True
                    )
            dialog.open()

        action(label, opened, icon=icon)

    def _erase_action(self, label: Words, ask: Words, kind: str) -> None:
        async def opened() -> None:
            going = await self._visitor.ask(lambda: self._book.will_go(self._id, kind))
            if going is None:
                return
            with ui.dialog().props("persistent") as dialog, ui.card().classes("sg-dialog"):
                heading(label)
                ui.label(str(ask)).classes("sg-bad")
                subheading(w.WILL_GO)
                facts([(w.GOING[name], str(count)) for name, count in going.items()])
                reason = text_field(w.WHY)
                number = text_field(w.TYPE_NUMBER).props("autocomplete=off")
                ui.label(self._id).classes("sg-strong")

                async def erase() -> None:
                    if number.value.strip() != self._id:
                        number.error = str(w.NUMBER_DIFFERS)
                        return

                    def work() -> str:
                        self._visitor.user.require(Right.ERASE)
                        made = self._book.erase(self._id, kind, reason.value or "", by=self._by)
                        return made.withdrawal_id

                    withdrawal_id = await self._visitor.ask(work)
                    if withdrawal_id is not None:
                        ui.navigate.to(RECEIPT_PATH.format(withdrawal_id=withdrawal_id))

                with ui.element("div").classes("sg-bar"):
                    action(words.CANCEL, dialog.close, main=True)
                    action(label, erase, icon="delete_forever").classes("sg-danger")
            dialog.open()

        action(label, opened, icon="delete").classes("sg-risky")

    async def _do(self, work: Callable[[], None], right: Right) -> None:
        def allowed() -> bool:
            self._visitor.user.require(right)
            work()
            return True

        if await self._visitor.ask(allowed):
            self._reload()

    def _reload(self) -> None:
        ui.navigate.to(WORKER_PATH.format(worker_id=self._id))


WORKER_PAGE = KioskPage(WORKER_PATH, w.RECORD, build_worker_page, in_menu=False)
