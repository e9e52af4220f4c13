"""The page of one worker's ways in without a face: QR pass and badge. `enroll/passes.py` decides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from nicegui import ui
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from enroll.accounts import Right
from enroll.kiosk import words
from enroll.kiosk import words_pass as w
from enroll.kiosk.frame import KioskPage, KioskRoute, KioskVisitor, tell
from enroll.kiosk.office import KioskOffice
from enroll.kiosk.page_workers import WORKER_PATH
from enroll.pass_card import card_html, code_svg
from enroll.passes import PassMissing, PassOffice, ShownPass, holding
from enroll.roster_values import last_day, parse_instant
from sync.errors import SyncError
from sync.pages import action, facts, heading, subheading, text_field
from sync.records import Method, PassGrant, PassMethod, Worker
from sync.words import Words

PATH = "/pass/{worker_id}"
CARD_PATH = "/pass/{worker_id}/card"
CODE_WIDTH_PX = 360
"""On a kiosk's screen about 10 cm: a phone's camera takes it over at once."""


@dataclass(frozen=True, slots=True)
class _Held:
    """What the worker has. `shown` None beside a grant: it was issued at another kiosk."""

    worker: Worker
    code: PassGrant | None
    shown: ShownPass | None
    badge: PassGrant | None


def _office(office: KioskOffice) -> PassOffice:
    return PassOffice(office.store, office.settings, now=office.now)


def _look(office: KioskOffice, worker_id: str) -> _Held:
    worker, now = office.store.worker(worker_id), office.now()
    code = holding(worker, Method.QR, now)
    shown = None
    if code is not None:
        try:
            shown = _office(office).show(worker_id)
        except PassMissing:
            shown = None  # said on the page
    return _Held(worker, code, shown, holding(worker, Method.BADGE, now))


async def build_pass_page(visitor: KioskVisitor) -> None:
    view = _View(visitor)
    await view.show()


class _View:
    """What one open page shows; made anew after every change."""

    def __init__(self, visitor: KioskVisitor) -> None:
        self._visitor = visitor
        self._id = visitor.parameters["worker_id"]
        self._by = visitor.user.user_id
        self._room = ui.element("div")

    async def show(self) -> None:
        def work() -> _Held:
            held = _look(self._visitor.office, self._id)
            self._visitor.audit("looked_at_pass", f"worker:{self._id}")
            return held

        held = await self._visitor.ask(work)
        self._room.clear()
        with self._room:
            heading(w.TITLE)
            if held is not None:
                self._build(held)

    def _build(self, held: _Held) -> None:
        ui.label(str(w.HINT)).classes("sg-note")
        facts([(w.WORKER, held.worker.name), (w.NUMBER, held.worker.worker_id)])
        with ui.element("div").classes("sg-columns"):
            with ui.element("section").classes("sg-card").props(f'aria-label="{w.QR}"') as code:
                self._code(held)
            with ui.element("section").classes("sg-card").props(f'aria-label="{w.BADGE}"') as badge:
                self._badge(held)
        code.style("flex: 2 1 620px")
        badge.style("flex: 1 1 320px")
        with ui.element("div").classes("sg-bar"):
            action(w.BACK, lambda: ui.navigate.to(WORKER_PATH.format(worker_id=self._id)), icon="arrow_back")

    def _code(self, held: _Held) -> None:
        subheading(w.QR)
        with ui.element("div").classes("sg-columns"):
            if held.shown is not None:
                ui.html(code_svg(held.shown.text), sanitize=False).style(f"flex: 0 1 {CODE_WIDTH_PX}px")
            with ui.element("div").style("flex: 1 1 240px"):
                self._about_code(held)

    def _about_code(self, held: _Held) -> None:
        if held.code is None:
            ui.label(str(w.NONE))
        else:
            if held.shown is None:
                ui.label(str(w.ISSUED_ELSEWHERE)).classes("sg-wait")
            facts(
                [
                    (w.VALID_FROM, self._time(held.code.valid_from)),
                    (
                        w.VALID_UNTIL,
                        _last_day(self._visitor.office, held.code.valid_until) or str(w.AS_LONG_AS_GRANT),
                    ),
                ]
            )
        last_day = text_field(w.LAST_DAY, kind="date").style("width: 100%")
        with ui.element("div").classes("sg-bar"):
            if held.code is None:
                action(w.ISSUE, lambda: self._issue(last_day.value), main=True, icon="qr_code_2")
                return
            if held.shown is not None:
                card = CARD_PATH.format(worker_id=self._id)
                action(w.PRINT, lambda: ui.navigate.to(card, new_tab=True), main=True, icon="print")
            self._asked(w.REPLACE, w.REPLACE_ASK, lambda: self._issue(last_day.value), "autorenew")
            self._asked(w.REVOKE, w.REVOKE_ASK, lambda: self._revoke(Method.QR), "block")

    def _badge(self, held: _Held) -> None:
        subheading(w.BADGE)
        if held.badge is None:
            ui.label(str(w.NONE))
        else:
            facts([(w.BADGE_SINCE, self._time(held.badge.valid_from))])
        ui.label(str(w.BADGE_HINT)).classes("sg-note")
        number = text_field(w.BADGE_NUMBER).style("width: 100%").props("autocomplete=off")

        async def assign() -> None:
            typed = number.value or ""
            await self._change(lambda: self._passes.assign_badge(self._id, typed, by=self._by))

        # A reader that acts as a keyboard ends its number with the return key.
        number.on("keydown.enter", assign)
        with ui.element("div").classes("sg-bar"):
            action(w.ASSIGN, assign, main=held.code is not None, icon="badge")
            if held.badge is not None:
                self._asked(w.REVOKE, w.REVOKE_ASK, lambda: self._revoke(Method.BADGE), "block")

    @property
    def _passes(self) -> PassOffice:
        return _office(self._visitor.office)

    async def _issue(self, last_day: str | None) -> None:
        until = None
        if last_day:
            try:
                until = parse_instant(last_day, self._visitor.office.zone, until=True)
            except (ValueError, OverflowError):
                tell(w.NO_DATE, bad=True)
                return
        await self._change(lambda: self._passes.issue(self._id, by=self._by, valid_until=until))

    async def _revoke(self, method: PassMethod) -> None:
        await self._change(lambda: self._passes.revoke(self._id, method, by=self._by))

    async def _change(self, work: Callable[[], object]) -> None:
        if await self._visitor.ask(work) is not None:
            tell(w.DONE)
            await self.show()

    def _asked(self, label: Words, question: Words, then: Callable[[], Awaitable[None]], icon: str) -> None:
        """A button whose work cannot be undone: it asks first."""
        with ui.dialog() as dialog, ui.card().classes("sg-dialog"):
            ui.label(str(label)).classes("sg-subtitle")
            ui.label(str(question))
            with ui.element("div").classes("sg-bar"):
                action(words.CANCEL, lambda: dialog.submit(False))
                action(label, lambda: dialog.submit(True), main=True)

        async def ask() -> None:
            if await dialog:
                await then()

        action(label, ask, icon=icon)

    def _time(self, at: datetime | None) -> str:
        return "" if at is None else f"{at.astimezone(self._visitor.office.zone):%Y-%m-%d %H:%M}"


def _last_day(office: KioskOffice, until: datetime | None) -> str:
    """At the site; empty without end."""
    return "" if until is None else str(last_day(until, office.zone))


def _card(visitor: KioskVisitor) -> Response:
    """The print view of a card."""
    office, worker_id = visitor.office, visitor.parameters["worker_id"]
    try:
        shown = _office(office).show(worker_id)
        photo = _office(office).agreed_photo(worker_id)
    except SyncError as error:
        return PlainTextResponse(f"{w.NO_CARD}: {error}", status_code=404)
    visitor.audit("printed_pass", f"worker:{worker_id}")
    page = card_html(
        shown,
        site=office.settings.site.name,
        until=_last_day(office, shown.valid_until),
        photo=None if photo is None else photo.content,
    )
    return HTMLResponse(page, headers={"Cache-Control": "no-store"})


PASS_PAGE = KioskPage(PATH, w.TITLE, build_pass_page, right=Right.ENROL, in_menu=False)
PASS_ROUTES = (KioskRoute(CARD_PATH, _card, right=Right.ENROL),)
