"""What stands in the exported files of figures: a row for the whole, each area and site; one for each day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sync.central import figure_words as said
from sync.central.console import words
from sync.central.exports import Cell
from sync.central.exports_tables import pieces_of
from sync.central.figures import Figure, Figures
from sync.central.numbers import TREND_FIGURES, Trend
from sync.central.numbers_desk import Board
from sync.words import Words

_PLACE = (said.DAY, said.DISTRICT, said.SUB_DISTRICT, said.SITE_NUMBER, words.SITE)
FIGURE_HEADING = (*map(str, _PLACE), *(str(said.FIGURES[figure]) for figure in Figure))


def figure_pieces(board: Board, file_format: str) -> Iterator[bytes]:
    """The figures as `csv` or `xlsx`; an empty cell is not known of that day, or not for this viewer."""
    return pieces_of(FIGURE_HEADING, _figure_cells(board), file_format, "figures")


def trend_pieces(trend: Trend, file_format: str) -> Iterator[bytes]:
    """A trend as `csv` or `xlsx`."""
    shown = [figure for figure in TREND_FIGURES if figure in trend.values]
    heading = (str(said.DAY), *(str(trend_words(figure)) for figure in shown))
    return pieces_of(heading, _trend_cells(trend, shown), file_format, "trend")


def trend_words(figure: Figure) -> Words:
    """A day has alerts that were raised on it, not those that are open."""
    return said.RAISED if figure is Figure.ALERTS else said.FIGURES[figure]


def _trend_cells(trend: Trend, shown: Sequence[Figure]) -> Iterator[tuple[Cell, ...]]:
    for number, day in enumerate(trend.days):
        yield (day, *(trend.values[figure][number] for figure in shown))


def _figure_cells(board: Board) -> Iterator[tuple[Cell, ...]]:
    place = board.place
    yield (board.day, *said.area_names(place), "", str(said.WHOLE), *_values(board.whole))
    for area, figures in board.by_area.items():
        yield (board.day, *said.area_names(area), "", str(said.SUBTOTAL), *_values(figures))
    for site in board.sites:
        name = f"{site.name} {site.name_en}".strip()
        mine = board.by_site[site.site_id]
        yield (board.day, site.district, site.sub_district, site.site_id, name, *_values(mine))


def _values(figures: Figures) -> list[int | None]:
    return [figures.values.get(figure) for figure in Figure]
