"""Who is on the site now."""

from __future__ import annotations

from datetime import datetime

from nicegui import ui

from sync.central.accounts_access import Viewer
from sync.central.console import words
from sync.central.console.frame import Visitor, choice, site_options, table, text_field
from sync.central.console.listing import search_bar
from sync.central.presence import Present
from sync.pages import action, subheading

_COLUMNS = (
    ("name", words.NAME),
    ("worker_id", words.NUMBER),
    ("team", words.TEAM),
    ("site", words.SITE),
    ("gate", words.GATE),
    ("since", words.SINCE_WHEN),
    ("duration", words.FOR_HOW_LONG),
)


async def build_on_site_page(visitor: Visitor, viewer: Viewer) -> None:
    sites = await visitor.ask(visitor.office.workers.sites) or []

    async def show() -> None:
        site_id, team = str(site.value), str(team_name.value).strip()
        found = await visitor.ask(
            lambda viewer: visitor.office.presence.now(viewer, site_id=site_id, team=team)
        )
        if found is None:
            return
        counts.clear()
        with counts:
            _count(f"{found.total:,}", str(words.PEOPLE))
            for one in found.headcounts:
                _count(f"{one.people:,}", f"{one.site_name} · {one.team or '–'}")
        people.rows = [_cells(one, found.at) for one in found.people]
        rest = found.total - len(found.people)
        more.text = f"+ {rest:,} {words.PEOPLE}" if rest > 0 else ""

    with search_bar():
        options = site_options(sites)
        site = choice(words.SITE, options, visitor.asked_of("site", options))
        team_name = text_field(words.TEAM).on("keydown.enter", show)
        action(words.REFRESH, show, main=True, icon="refresh")
    subheading(words.BY_TEAM)
    counts = ui.element("div").classes("sg-counts").props("role=status")
    people = table(_COLUMNS, key="worker_id")
    more = ui.label().classes("sg-note")
    await show()


def _count(number: str, text: str) -> None:
    with ui.element("div").classes("sg-count"):
        ui.label(number).classes("sg-big")
        ui.label(text)


def _cells(one: Present, now: datetime) -> dict[str, str]:
    minutes = int((now - one.since).total_seconds()) // 60
    return {
        "name": one.name,
        "worker_id": one.worker_id,
        "team": one.team,
        "site": one.site_name,
        "gate": one.gate_id,
        "since": f"{one.since:%m-%d %H:%M}",
        "duration": f"{minutes // 60}:{minutes % 60:02d}",
    }
