"""Declarations of a day: how many, who is missing, what needs a look; and the reports of the site."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from nicegui import ui

from sync.central.accounts_access import Viewer
from sync.central.console import words
from sync.central.console import words_declarations as said
from sync.central.console.frame import Visitor, one_of, own_sites, table, text_field
from sync.central.console.listing import export_actions, search_bar
from sync.central.declaration_desk import DayOverview, DeclarationFacts, PersonDay
from sync.central.exports_declarations import declaration_pieces
from sync.central.site_reports import EmployerDays
from sync.forms import form
from sync.forms.telling import told
from sync.pages import action, facts, subheading

REPORT_DAYS = 14
_TEAMS = (
    ("employer", words.EMPLOYER),
    ("team", words.TEAM),
    ("expected", said.EXPECTED),
    ("declared", said.DECLARED),
    ("missing", said.MISSING),
)
_MARKED = (
    ("name", words.NAME),
    ("worker_id", words.NUMBER),
    ("team", words.TEAM),
    ("phone", said.PHONE),
    ("time", words.TIME),
    ("reason", said.MARKS_HEADING),
)
_MISSING = (
    ("name", words.NAME),
    ("worker_id", words.NUMBER),
    ("team", words.TEAM),
    ("employer", words.EMPLOYER),
    ("phone", said.PHONE),
)
_REPORTS = (
    ("employer", words.EMPLOYER),
    ("last", said.LAST_REPORT),
    ("headcount", said.HEADCOUNT),
    ("returned", said.RETURNED),
    ("unwell", said.UNWELL),
    ("short_on", said.SHORT_ON),
    ("reason", said.MISSING_DAYS),
)


async def build_declarations_page(visitor: Visitor, viewer: Viewer) -> None:
    """Everything of one site and one day."""
    sites = await own_sites(visitor)
    if not sites:
        return
    first_site = visitor.asked_of("site", sites) or next(iter(sites))
    today = await visitor.ask(lambda _: visitor.office.declarations.today(first_site))
    if today is not None:
        await _Page(visitor, sites, first_site, today).show()


class _Page:
    """What one open page shows."""

    def __init__(self, visitor: Visitor, sites: Mapping[str, str], first_site: str, today: date) -> None:
        self._visitor, self._today = visitor, today
        self._desk, self._reports = visitor.office.declarations, visitor.office.site_reports
        with search_bar():
            self._site = one_of(words.SITE, sites, first_site)
            self._day = text_field(words.DAY, kind="date", value=visitor.asked.get("day", today.isoformat()))
            action(words.SEARCH, self.show, main=True, icon="search")
            export_actions(self._export, said.EXPORT)
        self._counts = ui.element("div").classes("sg-counts").props("role=status")
        subheading(said.MARKED)
        self._nobody_marked = ui.label(str(said.NOBODY_MARKED)).classes("sg-note")
        self._marked = table(_MARKED, key="declaration_id", on_open=self._open)
        subheading(said.BY_TEAM)
        self._teams = table(_TEAMS, key="key")
        subheading(said.WHO_MISSING)
        self._all_declared = ui.label(str(said.ALL_DECLARED)).classes("sg-note")
        self._missing = table(_MISSING, key="worker_id")
        self._more = ui.label().classes("sg-note")
        subheading(said.REPORTS)
        self._of_site = table(_REPORTS, key="employer")

    async def show(self) -> None:
        """Ask for everything again."""
        site_id, day = str(self._site.value), self._chosen_day()
        self._counts.clear()
        first = day - timedelta(days=REPORT_DAYS - 1)
        ask = self._visitor.ask
        overview = await ask(lambda one: self._desk.overview(one, site_id, day))
        marked = await ask(lambda one: self._desk.marked(one, site_id, day))
        absent = await ask(lambda one: self._desk.missing(one, site_id, day))
        employers = await ask(lambda one: self._reports.days(one, site_id, first, day))
        if overview is None or marked is None or absent is None or employers is None:
            return
        self._show_counts(overview)
        self._marked.rows = [_cells(one) for one in marked]
        self._nobody_marked.set_visibility(not marked)
        self._missing.rows = [_cells(one) for one in absent]
        self._all_declared.set_visibility(bool(overview.declared) and not absent)
        rest = overview.missing - len(absent)
        self._more.text = f"+ {rest:,} {words.PEOPLE}" if rest > 0 else ""
        self._of_site.rows = [_report_cells(one) for one in employers]

    def _chosen_day(self) -> date:
        try:
            return date.fromisoformat(str(self._day.value))
        except ValueError:  # an emptied field
            return self._today

    def _show_counts(self, overview: DayOverview) -> None:
        with self._counts:
            for number, text in (
                (overview.declared, said.DECLARED),
                (overview.missing, said.MISSING),
                (overview.visitors, said.VISITORS),
            ):
                _count(number, str(text))
            for mark, number in overview.marks:
                _count(number, said.marks((mark,)))
        self._teams.rows = [
            {
                "key": f"{one.employer} {one.team}",
                "employer": one.employer,
                "team": one.team,
                "expected": one.expected,
                "declared": one.declared,
                "missing": one.missing,
            }
            for one in overview.teams
        ]

    async def _open(self, row: dict[str, Any]) -> None:
        site_id, declaration_id = str(self._site.value), str(row["declaration_id"])
        found = await self._visitor.ask(lambda one: self._desk.facts(one, site_id, declaration_id))
        if found is not None:
            _dialog(found)

    async def _export(self, file_format: str) -> None:
        site_id, day = str(self._site.value), self._chosen_day()
        if not site_id:
            return
        rows = await self._visitor.ask(lambda one: self._desk.export(one, site_id, day))
        if rows is not None:
            self._visitor.download(
                f"declarations-{day}", file_format, lambda: declaration_pieces(rows, file_format)
            )


def _count(number: int, text: str) -> None:
    with ui.element("div").classes("sg-count"):
        ui.label(f"{number:,}").classes("sg-big")
        ui.label(text)


def _cells(one: PersonDay) -> dict[str, str]:
    return {
        "declaration_id": one.declaration_id,
        "name": f"{one.name} · {said.VISITORS}" if one.is_visitor else one.name,
        "worker_id": one.worker_id,
        "team": one.team,
        "employer": one.employer,
        "phone": one.phone,
        "time": f"{one.declared_at:%H:%M}" if one.declared_at else "",
        "reason": said.marks(one.marks),
    }


def _report_cells(one: EmployerDays) -> dict[str, str]:
    last = next((report for _, report in reversed(one.days) if report is not None), None)
    return {
        "employer": one.employer or str(said.SITE_ITSELF),
        "last": f"{last.local_day}" if last else "–",
        "headcount": str(last.headcount) if last else "",
        "returned": str(last.returned) if last else "",
        "unwell": str(last.unwell) if last else "",
        "short_on": str(last.short_on or "") if last else "",
        "reason": " ".join(f"{day:%m-%d}" for day in one.missing),
    }


def _dialog(found: DeclarationFacts) -> None:
    """Every version of one person's day, the newest first."""
    with ui.dialog(value=True) as dialog, ui.card().classes("sg-dialog"):
        ui.label(found.name).classes("sg-subtitle").props("role=heading aria-level=2")
        for one in found.versions:
            state = said.OLD if one.superseded else said.CURRENT
            subheading(f"{one.declared_at.astimezone(found.zone):%Y-%m-%d %H:%M:%S} · {state}")
            answers = told(form(one.form_id, one.form_version), one.answers)
            facts([(words.Words(label.zh, label.en), str(answer)) for label, answer in answers])
        action(words.CLOSE, dialog.close)
