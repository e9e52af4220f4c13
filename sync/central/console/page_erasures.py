"""Withdrawn consents: who has forgotten, who has yet to, and the receipt to be printed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from zoneinfo import ZoneInfo

from nicegui import ui

from sync.central.accounts_access import Right, Viewer
from sync.central.console import words, words_people
from sync.central.console.frame import Visitor, table, text_field
from sync.central.console.listing import search_bar
from sync.central.erasure_desk import ErasureRow, ItemRow, Receipt
from sync.pages import action, facts, heading

_COLUMNS = (
    ("withdrawn_at", words_people.WITHDRAWN_AT),
    ("worker_id", words.NUMBER),
    ("kind", words_people.KIND),
    ("sites", words.SITE),
    ("who", words.WHO),
    ("state", words_people.STATE),
)


async def build_erasures_page(visitor: Visitor, viewer: Viewer) -> None:
    zone = ZoneInfo(visitor.settings.timezone)
    desk = visitor.office.erasures

    async def show() -> None:
        only_open, number = bool(outstanding.value), str(worker.value).strip()
        found = await visitor.ask(lambda viewer: desk.rows(viewer, only_open=only_open, worker_id=number))
        if found is not None:
            lines.rows = [_cells(row, zone) for row in found]

    async def open_receipt(row: dict[str, Any]) -> None:
        dialog = _ReceiptDialog(visitor, str(row["erasure_id"]), zone, show)
        await dialog.open(viewer.may(Right.WRITE_WORKERS))

    with search_bar():
        worker = text_field(words.NUMBER).on("keydown.enter", show)
        outstanding = ui.checkbox(str(words_people.ONLY_OUTSTANDING), on_change=show)
        action(words.SEARCH, show, main=True, icon="search")
    lines = table(_COLUMNS, key="erasure_id", on_open=open_receipt)
    await show()


class _ReceiptDialog:
    """One receipt."""

    def __init__(
        self,
        visitor: Visitor,
        erasure_id: str,
        zone: ZoneInfo,
        on_change: Callable[[], Awaitable[None]],
    ) -> None:
        self._visitor = visitor
        self._erasure_id = erasure_id
        self._zone = zone
        self._on_change = on_change

    async def open(self, may_confirm: bool) -> None:
        self._may_confirm = may_confirm
        with ui.dialog(value=True) as dialog, ui.card().classes("sg-dialog sg-print"):
            self._content = ui.element("div")
            with ui.element("div").classes("sg-bar sg-screen-only"):
                action(words.CLOSE, dialog.close, main=True).props("autofocus")
                action(words_people.PRINT, lambda: ui.run_javascript("window.print()"), icon="print")
        dialog.on("hide", dialog.delete)
        await self._show()

    async def _show(self) -> None:
        desk, erasure_id = self._visitor.office.erasures, self._erasure_id
        receipt: Receipt | None = await self._visitor.ask(lambda viewer: desk.one(viewer, erasure_id))
        if receipt is None:
            return
        self._content.clear()
        with self._content:
            heading(words_people.RECEIPT)
            row = receipt.row
            facts(
                [
                    (words_people.RECEIPT_NUMBER, row.erasure_id),
                    (words.NUMBER, row.worker_id),
                    (words_people.KIND, str(words_people.KINDS.get(row.kind, row.kind))),
                    (words_people.WITHDRAWN_AT, self._time(row.withdrawn_at)),
                    (words.WHO, row.recorded_by),
                    (words.REASON, receipt.reason),
                    (words_people.STATE, _state(row)),
                ]
            )
            if self._may_confirm and any(one.by_hand for one in receipt.items):
                self._why = text_field(words.WHY).props("data-field=why").classes("sg-screen-only")
            with ui.element("table").classes("sg-receipt"), ui.element("tbody"):
                for one in receipt.items:
                    self._show_item(one)

    def _show_item(self, one: ItemRow) -> None:
        with ui.element("tr"):
            with ui.element("th").props("scope=row"):
                place = str(words_people.PLACES.get(one.place, one.place))
                ui.label(f"{place} {one.site_id} {one.name}".strip())
            with ui.element("td"):
                ui.label(words_people.item(one.what))
            with ui.element("td"):
                if one.confirmed_at is not None:
                    with ui.element("span").classes("sg-mark sg-good"):
                        ui.icon("check_circle", size="18px")
                        ui.label(self._time(one.confirmed_at))
                else:
                    with ui.element("span").classes("sg-mark sg-wait"):
                        ui.icon("schedule", size="18px")
                        ui.label(str(words_people.OUTSTANDING))
                if one.by_hand and self._may_confirm:
                    action(words_people.DONE_BY_HAND, lambda: self._confirm(one)).classes("sg-screen-only")

    async def _confirm(self, one: ItemRow) -> None:
        why = str(self._why.value)

        def confirm(viewer: Viewer) -> bool:
            self._visitor.office.erasures.confirm(
                viewer,
                self._erasure_id,
                place=one.place,
                site_id=one.site_id,
                gate_id=one.gate_id,
                what=one.what,
                reason=why,
            )
            return True

        if await self._visitor.ask(confirm):
            ui.notify(str(words.SAVED), type="positive")
            await self._show()
            await self._on_change()

    def _time(self, at: Any) -> str:
        return f"{at.astimezone(self._zone):%Y-%m-%d %H:%M:%S}"


def _state(row: ErasureRow) -> str:
    if not row.outstanding:
        return str(words_people.COMPLETE)
    return f"{row.outstanding} / {row.items} {words_people.STILL_OPEN}"


def _cells(row: ErasureRow, zone: ZoneInfo) -> dict[str, str]:
    return {
        "erasure_id": row.erasure_id,
        "withdrawn_at": f"{row.withdrawn_at.astimezone(zone):%Y-%m-%d %H:%M}",
        "worker_id": row.worker_id,
        "kind": str(words_people.KINDS.get(row.kind, row.kind)),
        "sites": ", ".join(row.sites),
        "who": row.recorded_by,
        "state": _state(row),
    }
