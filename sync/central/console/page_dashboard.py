"""The dashboard: figures of a place and a day, each leading to its list; trends, files, the daily report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import partial
from typing import Any

from nicegui import ui

from sync.central import figure_words as said
from sync.central.accounts_access import Viewer
from sync.central.audit import Action
from sync.central.console import words
from sync.central.console import words_numbers as own
from sync.central.console.frame import Visitor, choice, table, text_field
from sync.central.console.listing import export_actions, search_bar
from sync.central.daily_report import report_pdf
from sync.central.exports_numbers import figure_pieces, trend_pieces, trend_words
from sync.central.figure_charts import hours_chart, trend_chart
from sync.central.figure_links import REPORTED, area_link, events_link, list_link, site_link
from sync.central.figures import UNNAMED, Figure, Place, SiteOfPlace
from sync.central.numbers import Trend
from sync.central.numbers_desk import Board
from sync.pages import action, heading, subheading
from sync.records import Outcome
from sync.words import Words

REFRESH_S = 30.0
TREND_DAYS = (7, 30, 90)
_SECTIONS: tuple[tuple[Words, tuple[Figure, ...]], ...] = (
    (own.PASSAGES, (Figure.ON_SITE, Figure.PEOPLE_IN, Figure.ENTRIES, Figure.REFUSED, Figure.HELD)),
    (
        own.HEALTH,
        (
            Figure.DECLARED,
            Figure.MISSING,
            Figure.VISITORS,
            Figure.AFFECTED,
            Figure.UNWELL_DECLARED,
            Figure.RETURNED,
            Figure.UNWELL,
            Figure.SUPPLIES_SHORT,
        ),
    ),
    (own.CLEARED, (Figure.TEST_DONE, Figure.TEST_OVERDUE, Figure.TRAINING_DONE)),
    (own.COLOURS, (Figure.GREEN, Figure.YELLOW, Figure.RED)),
    (own.WATCHED, (Figure.ALERTS, Figure.FINDINGS_OVERDUE, Figure.CHECKS_DUE)),
)
_OUT_OF = {
    Figure.DECLARED: Figure.EXPECTED,
    Figure.TEST_DONE: Figure.TEST_DUE,
    Figure.TRAINING_DONE: Figure.TRAINING_DUE,
}
_TONES = {
    Figure.GREEN: "sg-good",
    Figure.YELLOW: "sg-wait",
    Figure.RED: "sg-bad",
}
_SITE_FIGURES = (
    Figure.ON_SITE,
    Figure.ENTRIES,
    Figure.REFUSED,
    Figure.MISSING,
    Figure.RETURNED,
    Figure.UNWELL,
    Figure.SUPPLIES_SHORT,
    Figure.TEST_OVERDUE,
    Figure.RED,
    Figure.ALERTS,
)
_SITE_COLUMNS = (
    ("name", words.SITE),
    ("place", said.SUB_DISTRICT),
    *((figure.value, said.FIGURES[figure]) for figure in _SITE_FIGURES),
)
_AREA_COLUMNS = (("sites", said.SITES), *((figure.value, said.FIGURES[figure]) for figure in _SITE_FIGURES))
_REASON_COLUMNS = (("outcome", words.DECISION), ("reason", words.REASON), ("count", own.COUNT))
_SHORT_COLUMNS = (
    ("site", words.SITE),
    ("name", words.EMPLOYER),
    ("detail", said.SUPPLY),
    ("time", said.RUNS_OUT),
)
_REPORT_COLUMNS = (
    ("site", words.SITE),
    ("name", words.EMPLOYER),
    ("headcount", own.HEADCOUNT),
    ("returned", said.FIGURES[Figure.RETURNED]),
    ("unwell", said.FIGURES[Figure.UNWELL]),
)
_HOUR_COLUMNS = (("hour", said.HOUR), ("count", said.FIGURES[Figure.ENTRIES]))
_TREND_LINES = (
    (Figure.ENTRIES, Figure.REFUSED),
    (Figure.DECLARED, Figure.RETURNED, Figure.UNWELL, Figure.ALERTS),
)


async def build_dashboard_page(visitor: Visitor, viewer: Viewer) -> None:
    sites = await visitor.ask(visitor.office.numbers.sites)
    if sites:
        await _Dashboard(visitor, sites).build()


class _Dashboard:
    """One open page: what is chosen and shown. A refresh changes texts in place, so that the focus stays."""

    def __init__(self, visitor: Visitor, sites: list[SiteOfPlace]) -> None:
        self._visitor, self._desk, self._sites = visitor, visitor.office.numbers, sites
        self._board: Board
        self._follows_today = True
        self._numbers: dict[Figure, ui.label] = {}
        self._area_rows: ui.table | None = None

    async def build(self) -> None:
        ui.label(str(own.NOTE)).classes("sg-note")
        self._filters()
        self._updated = ui.label().classes("sg-note").props("role=status")
        self._tiles = ui.element("section")
        subheading(said.HOURS)
        self._hours = _Chart(said.HOURS, _HOUR_COLUMNS, key="hour")
        subheading(said.REASONS)
        self._reasons = table(_REASON_COLUMNS, key="key", on_open=self._open_reason)
        self._by_area = ui.element("section")
        self._by_site = ui.element("section")
        with self._by_site:
            subheading(own.BY_SITE)
            self._site_rows = table(_SITE_COLUMNS, key="site_id", on_open=self._open_site)
        subheading(own.TREND)
        with ui.element("div").classes("sg-bar"):
            self._days = (
                ui.select(list(TREND_DAYS), value=TREND_DAYS[0], label=str(own.TREND_DAYS))
                .props("outlined dense options-dense data-field=days")
                .classes("sg-field")
                .on_value_change(self._show_trend)
            )
            export_actions(self._export_trend, own.EXPORT_TREND)
        self._trends = ui.element("section")
        await self.show()
        ui.timer(REFRESH_S, self._refresh, immediate=False)

    def _filters(self) -> None:
        asked_of = self._visitor.asked_of
        with search_bar():
            districts = _names((site.district for site in self._sites), said.NO_DISTRICT)
            self._district = choice(said.DISTRICT, districts, asked_of("district", districts))
            parts = _names((site.sub_district for site in self._sites), said.NO_SUB_DISTRICT)
            self._part = choice(said.SUB_DISTRICT, parts, asked_of("sub_district", parts))
            own_sites = {site.site_id: f"{site.name} {site.name_en}".strip() for site in self._sites}
            self._site = choice(words.SITE, own_sites, asked_of("site", own_sites))
            self._day = text_field(words.DAY, kind="date", value=self._visitor.asked.get("day", ""))
            self._day.on("keydown.enter", self.show)
            action(words.SEARCH, self.show, main=True, icon="search")
            export_actions(self._export)
            action(own.REPORT, self._report, icon="picture_as_pdf")

    def _wanted(self) -> tuple[Place, date | None]:
        place = Place(str(self._district.value), str(self._part.value), str(self._site.value))
        try:
            return place, date.fromisoformat(str(self._day.value))
        except ValueError:  # an empty field: today at each site
            return place, None

    async def show(self) -> None:
        """Everything anew, for what is chosen."""
        place, day = self._wanted()
        board = await self._visitor.ask(lambda one: self._desk.board(one, place, day))
        if board is None:
            return
        self._board = board
        self._follows_today = day is None or board.day == board.at.date()
        self._day.value = board.day.isoformat()
        self._build_tiles()
        self._build_areas()
        self._fill()
        await self._show_trend()

    async def _refresh(self) -> None:
        """The same place again, past midnight the new day; of a day gone nothing changes."""
        if not self._follows_today:
            return
        place = self._board.place
        found = await self._visitor.ask(lambda one: self._desk.board(one, place, None, action=None))
        if found is not None and place == self._board.place and self._follows_today:
            self._board = found
            self._day.value = found.day.isoformat()
            self._fill()

    def _build_tiles(self) -> None:
        self._tiles.clear()
        self._numbers = {}
        with self._tiles:
            for title, figures in _SECTIONS:
                shown = [figure for figure in figures if figure in self._board.whole.values]
                if shown:
                    subheading(title)
                    with ui.element("div").classes("sg-counts sg-tiles"):
                        for figure in shown:
                            self._tile(figure)

    def _tile(self, figure: Figure) -> None:
        """A link where one page has the list, a button where it is by site or in a dialog."""
        board = self._board
        if len(board.sites) == 1 and figure not in REPORTED:
            part: ui.element = ui.link(target=list_link(figure, board.sites[0].site_id, board.day))
        else:
            part = ui.element("button").props("type=button")
            part.on("click", partial(self._drill, figure))
        part.classes(f"sg-count sg-drill {_TONES.get(figure, '')}").props(f"data-figure={figure.value}")
        with part:
            self._numbers[figure] = ui.label().classes("sg-big")
            ui.label(said.FIGURES[figure].zh)
            ui.label(said.FIGURES[figure].en).classes("sg-en")

    def _build_areas(self) -> None:
        """Districts, or the sub-districts of one; nothing where all sites are in the same."""
        self._by_area.clear()
        areas = list(self._board.by_area)
        self._area_rows = None
        if areas:
            is_by_district = not areas[0].sub_district
            with self._by_area:
                subheading(own.BY_DISTRICT if is_by_district else own.BY_SUB_DISTRICT)
                named = ("name", said.DISTRICT if is_by_district else said.SUB_DISTRICT)
                self._area_rows = table((named, *_AREA_COLUMNS), key="key", on_open=self._open_area)

    def _fill(self) -> None:
        board, whole = self._board, self._board.whole
        self._updated.text = f"{own.UPDATED} {board.at:%Y-%m-%d %H:%M:%S}"
        for figure, label in self._numbers.items():
            label.text = _told(figure, whole.values)
        rows = [{"hour": f"{hour}:00", "count": count} for hour, count in enumerate(whole.hours)]
        self._hours.show(hours_chart(whole.hours, str(said.FIGURES[Figure.ENTRIES])), rows)
        self._reasons.rows = [
            {
                "key": f"{outcome} {reason}",
                "outcome": str(words.OUTCOMES[Outcome(outcome)]),
                "reason": words.reason(reason),
                "count": f"{count:,}",
            }
            for (outcome, reason), count in whole.reasons.items()
        ]
        if self._area_rows is not None:
            self._area_rows.rows = [self._area_cells(area) for area in board.by_area]
        self._by_site.set_visibility(len(board.sites) > 1)
        self._site_rows.rows = [self._site_cells(site) for site in board.sites]

    def _area_cells(self, area: Place) -> dict[str, str]:
        values = self._board.by_area[area].values
        district, part = said.area_names(area)
        sites = sum(area.holds(site) for site in self._board.sites)
        cells = {figure.value: _told(figure, values) for figure in _SITE_FIGURES}
        asked = {"district": area.district, "sub_district": area.sub_district}
        return {
            "key": f"{district} {part}",
            "name": part or district,
            "sites": f"{sites:,}",
            **asked,
            **cells,
        }

    def _site_cells(self, site: SiteOfPlace) -> dict[str, str]:
        values = self._board.by_site[site.site_id].values
        cells = {figure.value: _told(figure, values) for figure in _SITE_FIGURES}
        place = " ".join(part for part in (site.district, site.sub_district) if part)
        return {"site_id": site.site_id, "name": site.name, "place": place, **cells}

    # -- drill-down --------------------------------------------------------------------------------------

    async def _drill(self, figure: Figure) -> None:
        if figure is Figure.SUPPLIES_SHORT:
            self._show_short()
        elif figure in REPORTED:
            await self._show_reports()
        else:
            counts = {
                site.site_id: _told(figure, self._board.by_site[site.site_id].values)
                for site in self._board.sites
            }
            self._show_sites(
                said.FIGURES[figure], counts, lambda site_id: list_link(figure, site_id, self._board.day)
            )

    def _open_reason(self, row: dict[str, Any]) -> None:
        outcome, _, reason = str(row["key"]).partition(" ")
        counts = {
            site_id: f"{figures.reasons[outcome, reason]:,}"
            for site_id, figures in self._board.by_site.items()
            if (outcome, reason) in figures.reasons
        }
        address = partial(events_link, day=self._board.day, outcome=Outcome(outcome), reason=reason)
        if len(counts) == 1:
            ui.navigate.to(address(next(iter(counts))))
        else:
            self._show_sites(Words(words.reason(reason), ""), counts, address)

    def _open_area(self, row: dict[str, Any]) -> None:
        part = str(row["sub_district"]) or self._board.place.sub_district
        ui.navigate.to(area_link(Place(str(row["district"]), part), self._board.day))

    def _open_site(self, row: dict[str, Any]) -> None:
        ui.navigate.to(site_link(str(row["site_id"]), self._board.day))

    def _show_sites(self, title: Words, counts: Mapping[str, str], address: Callable[[str], str]) -> None:
        """How much of a figure is whose; each line leads to that site's list."""
        names = self._site_names()
        with _dialog(title), ui.element("ul").classes("sg-plain-list"):
            for site_id, count in counts.items():
                with ui.element("li"), ui.link(target=address(site_id)):
                    ui.label(f"{names[site_id]} · {count}")

    def _show_short(self) -> None:
        names = self._site_names()
        with _dialog(said.SHORT):
            lines = table(_SHORT_COLUMNS, key="key")
            lines.rows = [
                {
                    "key": number,
                    "site": names[one.site_id],
                    "name": one.employer,
                    "detail": str(said.supply_words(one)),
                    "time": one.on.isoformat(),
                }
                for number, one in enumerate(self._board.whole.short)
            ]

    async def _show_reports(self) -> None:
        board, names = self._board, self._site_names()
        found = await self._visitor.ask(lambda one: self._desk.site_reports(one, board.place, board.day))
        if found is None:
            return
        with _dialog(own.OF_REPORTS):
            lines = table(_REPORT_COLUMNS, key="key")
            lines.rows = [
                {
                    "key": number,
                    "site": names[one.site_id],
                    "name": one.employer,
                    "headcount": one.headcount,
                    "returned": one.returned,
                    "unwell": one.unwell,
                }
                for number, one in enumerate(found)
            ]

    def _site_names(self) -> dict[str, str]:
        return {site.site_id: site.name for site in self._board.sites}

    # -- trends and files --------------------------------------------------------------------------------

    async def _show_trend(self) -> None:
        found = await self._ask_trend(Action.LOOKED_AT_NUMBERS)
        if found is None:
            return
        self._trends.clear()
        with self._trends:
            for figures in _TREND_LINES:
                shown = [figure for figure in figures if figure in found.values]
                if shown:
                    columns = ((figure.value, trend_words(figure)) for figure in shown)
                    title = Words(
                        "、".join(trend_words(figure).zh for figure in shown),
                        ", ".join(trend_words(figure).en for figure in shown),
                    )
                    made = _Chart(title, (("day", words.DAY), *columns), key="day")
                    made.show(_trend_options(found, shown), _trend_rows(found, shown))

    async def _ask_trend(self, of: Action) -> Trend | None:
        board, days = self._board, int(self._days.value or TREND_DAYS[0])
        return await self._visitor.ask(
            lambda one: self._desk.trend(one, board.place, board.day, days, action=of)
        )

    async def _export_trend(self, file_format: str) -> None:
        found = await self._ask_trend(Action.EXPORTED_NUMBERS)
        if found is not None:
            name = f"trend-{found.days[-1]}"
            self._visitor.download(name, file_format, lambda: trend_pieces(found, file_format))

    async def _export(self, file_format: str) -> None:
        board = await self._counted_for(Action.EXPORTED_NUMBERS)
        if board is not None:
            name = f"figures-{board.day}"
            self._visitor.download(name, file_format, lambda: figure_pieces(board, file_format))

    async def _report(self) -> None:
        board = await self._counted_for(Action.REPORTED_NUMBERS)
        if board is not None:
            rules = self._desk.rules
            self._visitor.download(
                f"daily-report-{board.day}", "pdf", lambda: iter([report_pdf(board, rules)])
            )

    async def _counted_for(self, of: Action) -> Board | None:
        shown = self._board
        return await self._visitor.ask(lambda one: self._desk.board(one, shown.place, shown.day, action=of))


class _Chart:
    """A chart, and the same numbers as a table for those who cannot see it."""

    def __init__(self, title: Words, columns: Iterable[tuple[str, Words]], *, key: str) -> None:
        with ui.element("figure").classes("sg-figure"):
            self._drawn = ui.echart({}).classes("sg-chart").props(f'role=img aria-label="{title}"')
            with ui.expansion(f"{own.AS_TABLE} · {title}").props("dense"):
                self._table = table(tuple(columns), key=key)

    def show(self, options: dict[str, Any], rows: list[dict[str, Any]]) -> None:
        self._drawn.options.clear()
        self._drawn.options.update(options)
        self._drawn.update()
        self._table.rows = rows


def _dialog(title: Words) -> ui.card:
    """An open dialog; what it shows goes inside."""
    with ui.dialog(value=True) as dialog, ui.card().classes("sg-dialog") as card:
        heading(title)
        with ui.element("div").classes("sg-bar"):
            action(words.CLOSE, dialog.close, main=True).props("autofocus")
    dialog.on("hide", dialog.delete)
    return card


def _told(figure: Figure, values: Mapping[Figure, int]) -> str:
    """The number; of those who have done something out of how many. Not known, or not to be seen: a dash."""
    if figure not in values:
        return "–"
    out_of = _OUT_OF.get(figure)
    if out_of is None:
        return f"{values[figure]:,}"
    coverage = said.coverage_percent(values) if figure is Figure.TRAINING_DONE else None
    percent = "" if coverage is None else f" · {coverage:.0f}%"
    return f"{values[figure]:,} / {values[out_of]:,}{percent}"


def _names(found: Iterable[str], unnamed: Words) -> dict[str, str]:
    """What areas can be chosen; sites without one are a choice where others have one."""
    every = set(found)
    named = {name: name for name in sorted(every - {""})}
    return {**named, UNNAMED: str(unnamed)} if named and "" in every else named


def _trend_options(found: Trend, figures: Iterable[Figure]) -> dict[str, Any]:
    return trend_chart(found.days, [(str(trend_words(one)), found.values[one]) for one in figures])


def _trend_rows(found: Trend, figures: Iterable[Figure]) -> list[dict[str, Any]]:
    return [
        {"day": day.isoformat(), **{one.value: found.values[one][number] for one in figures}}
        for number, day in enumerate(found.days)
    ]
