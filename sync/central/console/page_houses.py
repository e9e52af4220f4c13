"""Houses: how full, at what risk, when to be checked; confirm, watch, close, print the code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any

from nicegui import ui
from sqlalchemy import Connection

from sync.central import lodging
from sync.central.accounts_access import Viewer
from sync.central.console import words
from sync.central.console import words_lodging as said
from sync.central.console.frame import Visitor, choice, own_sites, table, text_field
from sync.central.console.listing import Paging, export_actions, search_bar
from sync.central.errors import SettingRefused
from sync.central.exports_lodging import house_pieces
from sync.central.lodging_desk import HouseFacts, HouseFilter, HousePage, HouseRow
from sync.central.lodging_rules import HouseState, Risk
from sync.central.phone import words_lodging as phone_words
from sync.central.phone.settings import PHONE_PATH
from sync.central.typed_fields import masked_name, masked_number
from sync.pages import action, facts, heading, subheading

_COLUMNS = (
    ("name", phone_words.ADDRESS),
    ("site", words.SITE),
    ("landlord", phone_words.LANDLORD),
    ("people", said.PEOPLE),
    ("rooms", said.ROOMS),
    ("detail", words.STATUS),
    ("risk", said.RISK),
    ("due", said.NEXT_CHECK),
    ("issues", said.NOTICED),
)


async def build_houses_page(visitor: Visitor, viewer: Viewer) -> None:
    sites = await own_sites(visitor)
    desk = visitor.office.lodging

    def wanted() -> HouseFilter:
        return HouseFilter(
            text=str(text.value),
            site_id=str(site.value),
            risk=Risk(risk.value) if risk.value else None,
            state=HouseState(state.value) if state.value else None,
            due=bool(due.value),
            over=bool(over.value),
            twice=bool(twice.value),
        )

    async def show(start: str) -> str | None:
        page: HousePage | None = await visitor.ask(lambda viewer: desk.page(viewer, wanted(), after=start))
        if page is None:
            return None
        found.rows = [_cells(row) for row in page.rows]
        return page.next_after

    paging = Paging(show)

    async def open_house(row: dict[str, Any]) -> None:
        await _HouseDialog(visitor, str(row["house_id"]), paging.first).open()

    async def export(file_format: str) -> None:
        rows = await visitor.ask(lambda viewer: desk.export(viewer, wanted()))
        if rows is not None:
            visitor.download("houses", file_format, lambda: house_pieces(rows, file_format))

    with search_bar():
        text = text_field(said.PART).on("keydown.enter", paging.first)
        site = choice(words.SITE, sites)
        risk = choice(said.RISK, {one.value: str(word) for one, word in phone_words.RISKS.items()})
        state = choice(words.STATUS, {one.value: str(word) for one, word in phone_words.STATES.items()})
        due, over, twice = (
            ui.checkbox(str(word)) for word in (said.ONLY_DUE, said.ONLY_OVER, said.ONLY_TWICE)
        )
        action(words.SEARCH, paging.first, main=True, icon="search")
    found = table(_COLUMNS, key="house_id", on_open=open_house)
    with ui.element("div").classes("sg-bar"):
        paging.actions()
        export_actions(export, said.EXPORT)
    await paging.first()


class _HouseDialog:
    """One house."""

    def __init__(self, visitor: Visitor, house_id: str, on_change: Callable[[], Awaitable[None]]) -> None:
        self._visitor = visitor
        self._house_id = house_id
        self._on_change = on_change

    async def open(self) -> None:
        with ui.dialog(value=True) as dialog, ui.card().classes("sg-dialog"):
            self._content = ui.element("div")
            action(words.CLOSE, dialog.close, main=True).props("autofocus")
        dialog.on("hide", dialog.delete)
        await self._show()

    async def _show(self) -> None:
        found = await self._visitor.ask(
            lambda viewer: self._visitor.office.lodging.one(viewer, self._house_id)
        )
        if found is None:
            return
        self._content.clear()
        with self._content:
            self._show_house(found)
            self._show_actions(found)
            self._show_tenants(found)
            _show_history(found)

    def _show_house(self, found: HouseFacts) -> None:
        row, house = found.row, found.row.house
        heading(words.Words(house.address, house.sub_district))
        rooms = ", ".join(f"{room or '–'}: {people}" for room, people in found.rooms.items())
        risk = f"{phone_words.RISKS[house.risk]} {house.risk_reason}".strip()
        if house.risk_until:
            risk += f" · {words.UNTIL} {house.risk_until.astimezone(house.zone):%Y-%m-%d}"
        facts(
            [
                (words.SITE, f"{house.site_name} {house.site_name_en}"),
                (phone_words.DISTRICT, house.district),
                (phone_words.LANDLORD, f"{house.landlord_name} · {house.landlord_phone}"),
                (words.STATUS, str(phone_words.STATES[house.state])),
                (said.RISK, risk),
                (said.PEOPLE, f"{row.people} / {house.capacity}"),
                (
                    said.ROOMS,
                    f"{row.rooms_used} / {house.rooms} · {rooms}" if rooms else f"0 / {house.rooms}",
                ),
                (said.NEXT_CHECK, _day(row, row.due_at)),
                (said.NOTICED, _noticed(row)),
            ]
        )

    def _show_actions(self, found: HouseFacts) -> None:
        house = found.row.house
        if house.state is HouseState.CLOSED:
            return
        with ui.element("div").classes("sg-bar"):
            if house.state is HouseState.WAITING:
                action(said.CONFIRM, partial(self._do, lodging.confirm), main=True, icon="check")
            else:
                poster = f"{PHONE_PATH}/h/{house.door_token}/poster"
                action(said.PRINT_CODE, lambda: ui.navigate.to(poster, new_tab=True), icon="qr_code")
                self._twice(said.RENEW_CODE, lodging.renew_code, "autorenew")
            self._twice(said.CLOSE_HOUSE, lodging.close, "block")
        subheading(said.SET_RISK)
        with ui.element("div").classes("sg-bar"):
            risks = {one.value: str(word) for one, word in phone_words.RISKS.items()}
            risk = ui.select(risks, value=house.risk.value, label=str(said.RISK)).props("outlined dense")
            risk.classes("sg-field")
            until = text_field(said.UNTIL_DAY, kind="date")
            why = text_field(words.WHY).props("data-field=why")

            async def change() -> None:
                to, last_day, reason = Risk(str(risk.value)), str(until.value or ""), str(why.value)

                def work(connection: Connection, viewer: Viewer, house_id: str, *, now: datetime) -> None:
                    end = _end_of(last_day, found) if last_day else None
                    lodging.set_risk(connection, viewer, house_id, to, reason=reason, until=end, now=now)

                await self._do(work)

            action(words.SAVE, change)

    def _twice(self, label: words.Words, work: Callable[..., object], icon: str) -> None:
        """A button that asks once more before it does what cannot be undone."""

        async def pressed() -> None:
            if button.text != str(said.REALLY):
                button.text = str(said.REALLY)
                return
            await self._do(work)

        button = action(label, pressed, icon=icon)

    def _show_tenants(self, found: HouseFacts) -> None:
        subheading(said.TENANTS)
        if not found.tenants:
            ui.label(str(words.NOTHING)).classes("sg-note")
        for tenant in found.tenants:
            with ui.element("div").classes("sg-bar sg-flag"):
                who = (tenant.room, tenant.name, tenant.worker_id, tenant.phone, f"{tenant.from_day}")
                ui.label(" · ".join(part for part in who if part))
                for address in found.elsewhere.get(tenant.key, ()):
                    with ui.element("span").classes("sg-mark sg-wait"):
                        ui.icon("warning", size="18px")
                        ui.label(f"{said.IS_TWICE}: {address or said.ANOTHER_SITE}")

                def moved_out(
                    connection: Connection,
                    viewer: Viewer,
                    _house_id: str,
                    *,
                    now: datetime,
                    stay_id: str = tenant.stay_id,
                ) -> None:
                    lodging.end_stay(connection, viewer, stay_id, now=now)

                self._twice(said.MOVED_OUT, moved_out, "logout")

    async def _do(self, work: Callable[..., object]) -> None:
        office = self._visitor.office

        def done(viewer: Viewer) -> bool:
            with office.database.write() as connection:
                work(connection, viewer, self._house_id, now=office.now())
            return True

        if await self._visitor.ask(done):
            ui.notify(str(words.SAVED), type="positive")
            await self._show()
            await self._on_change()


def _show_history(found: HouseFacts) -> None:
    zone = found.row.house.zone
    lines = [
        (
            check.started_at,
            f"{phone_words.CHECK} · {' / '.join(check.team)} · {check.met} {said.MET} · "
            f"{check.not_met} {said.NOT_MET} · {check.unregistered} {said.BESIDES}"
            + (f" · {check.highest_c} °C" if check.highest_c is not None else "")
            + ("" if check.signed_at else f" · {said.OPEN_STILL}"),
        )
        for check in found.checks
    ]
    lines += [
        (change.set_at, f"{said.RISK} → {phone_words.RISKS[change.risk]} · {change.reason} · {change.set_by}")
        for change in found.risks
    ]
    subheading(said.HISTORY)
    if not lines:
        ui.label(str(words.NOTHING)).classes("sg-note")
    for at, line in sorted(lines, reverse=True):
        ui.label(f"{at.astimezone(zone):%Y-%m-%d %H:%M} · {line}")


def _end_of(day: str, found: HouseFacts) -> datetime:
    """The first moment after that day at the house."""
    zone = found.row.house.zone
    try:
        return datetime.combine(datetime.fromisoformat(day).date() + timedelta(days=1), time(), zone)
    except ValueError as error:
        raise SettingRefused("this is no day", next_step="give it as YYYY-MM-DD") from error


def _cells(row: HouseRow) -> dict[str, str]:
    house = row.house
    return {
        "house_id": house.house_id,
        "name": f"{house.sub_district} {house.address}",
        "site": house.site_name,
        "landlord": f"{masked_name(house.landlord_name)} {masked_number(house.landlord_phone)}",
        "people": f"{row.people} / {house.capacity}",
        "rooms": f"{row.rooms_used} / {house.rooms}",
        "detail": str(phone_words.STATES[house.state]),
        "risk": str(phone_words.RISKS[house.risk]),
        "due": _day(row, row.due_at),
        "issues": _noticed(row),
    }


def _noticed(row: HouseRow) -> str:
    noticed = {said.IS_DUE: row.is_due, said.IS_OVER: row.is_over, said.IS_TWICE: bool(row.twice)}
    return "; ".join(str(word) for word, is_so in noticed.items() if is_so)


def _day(row: HouseRow, at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(row.house.zone):%Y-%m-%d}"
