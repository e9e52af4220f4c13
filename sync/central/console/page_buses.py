"""Buses that bring workers back: who is on them, how far they are, who is held."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from nicegui import ui

from sync.central import transport
from sync.central.accounts_access import Viewer
from sync.central.console import words
from sync.central.console import words_lodging as said
from sync.central.console.frame import Visitor, choice, own_sites, table, text_field
from sync.central.console.listing import export_actions, search_bar
from sync.central.exports_lodging import bus_pieces
from sync.central.phone import words_lodging as phone_words
from sync.central.transport import Bus
from sync.central.transport_steps import Step
from sync.pages import action, facts, heading, subheading

_SHOWN_FOR = timedelta(days=30)
_COLUMNS = (
    ("date", phone_words.DATE),
    ("number", phone_words.PLATE),
    ("site", words.SITE),
    ("way", phone_words.FROM),
    ("riders", said.RIDERS),
    ("issues", said.LAST_STEP),
    ("name", said.HELD),
)


async def build_buses_page(visitor: Visitor, viewer: Viewer) -> None:
    office = visitor.office
    sites = await own_sites(visitor)
    ui.label(str(said.ON_PHONE)).classes("sg-note")

    def asked() -> tuple[str, date | None]:
        day = str(since.value or "")
        try:
            return str(site.value), date.fromisoformat(day) if day else None
        except ValueError:
            return str(site.value), None

    async def show() -> None:
        site_id, first_day = asked()

        def work(viewer: Viewer) -> list[Bus]:
            with office.database.write() as connection:
                return transport.recent(
                    connection, viewer, site_id=site_id, since=first_day, now=office.now()
                )

        found = await visitor.ask(work)
        if found is not None:
            buses.rows = [_cells(bus, office.lodging.settings.fever_c) for bus in found]

    async def open_bus(row: dict[str, Any]) -> None:
        def work(viewer: Viewer) -> Bus:
            with office.database.write() as connection:
                return transport.look(connection, viewer, str(row["bus_id"]), now=office.now())

        bus = await visitor.ask(work)
        if bus is not None:
            _show_bus(bus)

    async def export(file_format: str) -> None:
        site_id, first_day = asked()

        def work(viewer: Viewer) -> list[Bus]:
            with office.database.write() as connection:
                return transport.export(
                    connection, viewer, site_id=site_id, since=first_day, now=office.now()
                )

        found = await visitor.ask(work)
        if found is not None:
            visitor.download("buses", file_format, lambda: bus_pieces(found, file_format))

    with search_bar():
        site = choice(words.SITE, sites)
        first = (office.now() - _SHOWN_FOR).date()
        since = text_field(words.SINCE, kind="date", value=first.isoformat())
        action(words.SEARCH, show, main=True, icon="search")
    buses = table(_COLUMNS, key="bus_id", on_open=open_bus)
    with ui.element("div").classes("sg-bar"):
        export_actions(export, said.EXPORT)
    await show()


def _show_bus(bus: Bus) -> None:
    with ui.dialog(value=True) as dialog, ui.card().classes("sg-dialog"):
        heading(words.Words(bus.number, f"{bus.travelled_on}"))
        marks = bus.manifest.marks
        facts(
            [
                (words.SITE, bus.site_name),
                (phone_words.FROM, bus.origin),
                (phone_words.TO, bus.destination),
                (phone_words.DRIVER, f"{bus.driver_name} {bus.driver_phone}".strip()),
                *(
                    (
                        phone_words.STEP_WORDS[step],
                        f"{marks[step].by} · {marks[step].at.astimezone(bus.zone):%Y-%m-%d %H:%M}"
                        if step in marks
                        else "",
                    )
                    for step in Step
                ),
            ]
        )
        subheading(said.RIDERS)
        for one in bus.riders:
            rider = one.rider
            parts = [str(rider.seat), rider.name, one.worker_id, one.phone]
            parts += [f"{rider.temperature_c} °C"] if rider.temperature_c is not None else []
            parts += [str(phone_words.OUTCOMES[one.outcome])] if one.outcome else []
            parts += [str(phone_words.ABSENT)] if rider.absent and not one.outcome else []
            ui.label(" · ".join(part for part in parts if part))
        action(words.CLOSE, dialog.close, main=True).props("autofocus")
    dialog.on("hide", dialog.delete)


def _cells(bus: Bus, fever_c: float) -> dict[str, str]:
    steps = [str(phone_words.STEP_WORDS[step]) for step in Step if step in bus.manifest.marks]
    return {
        "bus_id": bus.bus_id,
        "date": f"{bus.travelled_on}",
        "number": bus.number,
        "site": bus.site_name,
        "way": f"{bus.origin} → {bus.destination}",
        "riders": f"{len(bus.manifest.on_board)} / {bus.manifest.seats}",
        "issues": str(phone_words.CANCELLED) if bus.manifest.cancelled else "; ".join(steps),
        "name": ", ".join(rider.name for rider in bus.manifest.held(fever_c)),
    }
