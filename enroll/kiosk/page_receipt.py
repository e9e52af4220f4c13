"""The page of an erasure receipt: what went, who confirmed it, what is outstanding; to show and to print."""

from __future__ import annotations

import asyncio

from nicegui import ui

from enroll.accounts import Right
from enroll.erasure_receipt import Receipt, ask_centre, local_receipt, with_answer
from enroll.kiosk import words_roster as w
from enroll.kiosk.frame import KioskPage, KioskVisitor
from enroll.kiosk.tables import cell, roster_style, table
from enroll.refused_notes import reason_words
from sync.pages import action, facts, heading

RECEIPT_PATH = "/receipt/{withdrawal_id}"
ASK_EVERY_S = 0.5


async def build_receipt_page(visitor: KioskVisitor) -> None:
    roster_style()
    withdrawal_id = visitor.parameters["withdrawal_id"]

    def look() -> Receipt:
        found = local_receipt(visitor.office.store, withdrawal_id)
        visitor.audit("receipt_looked_at", f"worker:{found.withdrawn.withdrawal.worker_id}")
        return found

    receipt = await visitor.ask(look)
    if receipt is None:
        return
    await _View(visitor, withdrawal_id, receipt).build()


class _View:
    """One receipt on the page of one browser; the centre is asked once the page is there."""

    def __init__(self, visitor: KioskVisitor, withdrawal_id: str, receipt: Receipt) -> None:
        self._visitor = visitor
        self._store = visitor.office.store
        self._id = withdrawal_id
        self._receipt = receipt

    async def build(self) -> None:
        made, zone = self._receipt.withdrawn.withdrawal, self._visitor.office.zone
        heading(w.RECEIPT)
        with ui.element("section").classes("sg-card"):
            facts(
                [
                    (w.KIND_WORD, str(w.KIND.get(made.kind, made.kind))),
                    (w.NUMBER, made.worker_id),
                    (w.REQUESTED, f"{made.withdrawn_at.astimezone(zone):%Y-%m-%d %H:%M}"),
                    (w.WHY, made.reason),
                    (w.BY, made.recorded_by),
                    (w.RECEIPT_NUMBER, made.withdrawal_id),
                ]
            )
        self._state = ui.label().props("role=status").classes("sg-strong")
        self._table = ui.element("div")
        with ui.element("div").classes("sg-bar sg-no-print"):
            action(w.PRINT, lambda: ui.run_javascript("window.print()"), icon="print")
            if self._visitor.office.settings.centre.enabled:
                action(w.ASK_AGAIN, self._ask, icon="refresh")
        self._show()
        if self._visitor.office.settings.centre.enabled:
            ui.timer(0.0, self._ask, once=True)

    async def _ask(self) -> None:
        visitor, store = self._visitor, self._store
        self._state.set_text(str(w.ASKING))
        ask_id = await visitor.ask(lambda: ask_centre(store, self._id))
        if ask_id is None:
            return
        # The store answers in any case: with what the centre said, or that it did not in time.
        while (reply := await visitor.ask(lambda: (store.reply(ask_id),))) is not None and reply[0] is None:
            await asyncio.sleep(ASK_EVERY_S)
        if reply is None or reply[0] is None:
            return
        answer = reply[0]
        fresh = await visitor.ask(lambda: with_answer(local_receipt(store, self._id), answer))
        if fresh is not None:
            self._receipt = fresh
            self._show()

    def _show(self) -> None:
        receipt, zone = self._receipt, self._visitor.office.zone
        self._state.set_text(self._summary())
        self._state.classes(replace="sg-strong " + ("sg-good" if receipt.complete else "sg-wait"))
        self._table.clear()
        with self._table, table((w.PLACE, w.WHAT, w.CONFIRMED)):
            for item in receipt.record.items:
                with ui.element("tr"):
                    cell(item.name)
                    cell(what_words(item.what))
                    if item.confirmed_at is None:
                        cell(str(w.OUTSTANDING), "sg-wait")
                    else:
                        cell(f"✓ {item.confirmed_at.astimezone(zone):%Y-%m-%d %H:%M}", "sg-good")

    def _summary(self) -> str:
        receipt = self._receipt
        if not self._visitor.office.settings.centre.enabled:
            return str(w.ALONE)
        if receipt.note.parked_reason:
            return f"{w.NOTE_REFUSED} {reason_words(receipt.note.parked_reason)}"
        if receipt.note.waiting:
            return str(w.NOTE_WAITS)
        if not receipt.has_answer:
            return str(w.CENTRE_SILENT)
        return str(w.COMPLETE) if receipt.complete else f"{len(receipt.record.outstanding)} {w.INCOMPLETE}"


def what_words(what: str) -> str:
    """What a receipt lists, in both languages; what is not known stays as it is."""
    for beginning, chinese in w.WHAT_WENT:
        if what == beginning or what.startswith((f"{beginning}:", f"{beginning} ")):
            return f"{chinese}{what.removeprefix(beginning)} · {what}"
    return what


RECEIPT_PAGE = KioskPage(RECEIPT_PATH, w.RECEIPT, build_receipt_page, right=Right.LOOK, in_menu=False)
