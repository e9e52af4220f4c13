"""The daily report on paper: a page for the place, and one for each of its sites. It names nobody."""

from __future__ import annotations

import io
from collections.abc import Sequence

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from sync.central import figure_words as said
from sync.central.console import words
from sync.central.figures import HOURS, Figure
from sync.central.numbers_desk import Board
from sync.clearance_rules import ClearanceRules
from sync.records import Outcome
from sync.training.certificate import FONT
from sync.words import Words

_INK, _SOFT, _BLUE, _LINE = (0.09, 0.13, 0.17), (0.3, 0.35, 0.4), (0.04, 0.33, 0.58), (0.81, 0.84, 0.87)
_LEFT, _TOP, _BOTTOM = 16 * mm, 16 * mm, 14 * mm
_WIDTH, _HEIGHT = A4
_COLUMNS = 4
_CELL_HEIGHT = 14 * mm
_CHART_HEIGHT = 30 * mm
_ROW = 5.2 * mm
_NAME_WIDTH = _WIDTH - 2 * _LEFT - 34 * mm
"""Beside a date or a number at the right edge."""

_ABOVE, _BELOW = 7 * mm, 2 * mm
"""A heading."""

_ROWS_MAX = 10
"""Of a list; the rest is on the pages of the console."""


def report_pdf(board: Board, rules: ClearanceRules) -> bytes:
    """A4, upright. The whole first; then, of a place with several sites, each of them."""
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4)
    canvas.setTitle(f"{said.DAILY_REPORT} {board.day}")
    boards = [board]
    if len(board.sites) > 1:
        boards += [board.alone(site.site_id) for site in board.sites]
    for number, one in enumerate(boards, start=1):
        _Sheet(canvas, one, rules).draw(number, len(boards))
        canvas.showPage()
    canvas.save()
    return out.getvalue()


class _Sheet:
    """One page; `_y` is the line that is written next."""

    def __init__(self, canvas: Canvas, board: Board, rules: ClearanceRules) -> None:
        self._canvas, self._board, self._rules = canvas, board, rules
        self._y = _HEIGHT - _TOP

    def draw(self, number: int, pages: int) -> None:
        self._head()
        self._tiles()
        if self._board.whole.hours:
            self._chart()
        lists = [(said.REASONS, self._reasons()), (said.DUE_KINDS, self._due())]
        if Figure.SUPPLIES_SHORT in self._board.whole.values:
            lists.append((said.SHORT, self._short()))
        room = int((self._y - _BOTTOM - len(lists) * (_ABOVE + _BELOW)) / _ROW)
        for (title, rows), lines in zip(lists, _shares([len(rows) for _, rows in lists], room), strict=True):
            self._list(title, rows, lines)
        self._text(_LEFT, _BOTTOM - 4 * mm, f"{said.NO_NAMES} · {number} / {pages}", 8, _SOFT)

    def _head(self) -> None:
        board = self._board
        self._text(_LEFT, self._y - 5 * mm, str(said.DAILY_REPORT), 20, _BLUE)
        name = said.place_name(board)
        self._y -= 14 * mm
        self._text(_LEFT, self._y, _fitted(f"{name.zh} {name.en}".strip(), 14, _NAME_WIDTH), 14, _INK)
        self._text(_WIDTH - _LEFT, self._y, f"{board.day:%Y-%m-%d}", 14, _INK, right=True)
        self._y -= 6 * mm
        told = f"{said.AS_OF} {board.at:%Y-%m-%d %H:%M}"
        if len(board.sites) > 1:
            told += f" · {said.SITES} {len(board.sites)}"
        else:
            site = board.sites[0]
            told += "".join(f" · {part}" for part in (site.district, site.sub_district) if part)
        self._text(_LEFT, self._y, told, 9, _SOFT)
        self._y -= 4 * mm

    def _tiles(self) -> None:
        values = self._board.whole.values
        cells = [(said.FIGURES[figure], f"{values[figure]:,}") for figure in Figure if figure in values]
        coverage = said.coverage_percent(values)
        if coverage is not None:
            cells.append((said.COVERAGE, f"{coverage:.0f} %"))
        width = (_WIDTH - 2 * _LEFT) / _COLUMNS
        for number, (name, value) in enumerate(cells):
            row, column = divmod(number, _COLUMNS)
            x, y = _LEFT + column * width, self._y - (row + 1) * _CELL_HEIGHT
            self._canvas.setStrokeColorRGB(*_LINE)
            self._canvas.rect(x, y, width, _CELL_HEIGHT, stroke=1, fill=0)
            self._text(x + 2 * mm, y + _CELL_HEIGHT - 6 * mm, value, 15, _INK)
            self._text(x + 2 * mm, y + 4.6 * mm, name.zh, 8, _INK)
            self._text(x + 2 * mm, y + 1.6 * mm, name.en, 7, _SOFT)
        self._y -= -(-len(cells) // _COLUMNS) * _CELL_HEIGHT

    def _chart(self) -> None:
        self._heading(said.HOURS)
        hours = self._board.whole.hours
        top = max(*hours, 1)
        width = (_WIDTH - 2 * _LEFT) / HOURS
        floor = self._y - _CHART_HEIGHT
        for hour, count in enumerate(hours):
            x = _LEFT + hour * width
            height = (_CHART_HEIGHT - 5 * mm) * count / top
            self._canvas.setFillColorRGB(*_BLUE)
            self._canvas.rect(x + width * 0.12, floor, width * 0.76, height, stroke=0, fill=1)
            if count:
                self._text(x + width / 2, floor + height + 1 * mm, f"{count:,}", 7, _INK, middle=True)
            self._text(x + width / 2, floor - 3.4 * mm, str(hour), 7, _SOFT, middle=True)
        self._canvas.setStrokeColorRGB(*_LINE)
        self._canvas.line(_LEFT, floor, _WIDTH - _LEFT, floor)
        self._y = floor - 4 * mm

    def _reasons(self) -> list[tuple[str, str]]:
        return [
            (f"{words.OUTCOMES[Outcome(decision)]} · {words.reason(reason)}", f"{count:,}")
            for (decision, reason), count in self._board.whole.reasons.items()
        ]

    def _due(self) -> list[tuple[str, str]]:
        return [
            (
                str(self._rules.words(kind)),
                f"{one.done:,} / {one.due:,}" + (f" · {said.OVERDUE} {one.overdue:,}" if one.overdue else ""),
            )
            for kind, one in self._board.whole.due.items()
        ]

    def _short(self) -> list[tuple[str, str]]:
        names = {site.site_id: site.name for site in self._board.sites}
        return [
            (
                " · ".join(
                    part
                    for part in (names[one.site_id], one.employer, str(said.supply_words(one)).strip())
                    if part
                ),
                f"{one.on:%Y-%m-%d}",
            )
            for one in self._board.whole.short
        ]

    def _list(self, title: Words, rows: Sequence[tuple[str, str]], lines: int) -> None:
        """So many lines; where there are more rows the last line says how many."""
        self._heading(title)
        shown = rows if len(rows) <= lines else rows[: lines - 1]
        for name, value in shown if rows else [(str(said.NOTHING), "")]:
            self._text(_LEFT, self._y - 3.6 * mm, _fitted(name, 9, _NAME_WIDTH), 9, _INK)
            self._text(_WIDTH - _LEFT, self._y - 3.6 * mm, value, 9, _INK, right=True)
            self._y -= _ROW
        if len(rows) > len(shown):
            self._text(_LEFT, self._y - 3.6 * mm, f"+ {len(rows) - len(shown)}", 9, _SOFT)
            self._y -= _ROW

    def _heading(self, title: Words) -> None:
        self._y -= _ABOVE
        self._text(_LEFT, self._y, str(title), 11, _BLUE)
        self._y -= _BELOW

    def _text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        colour: tuple[float, float, float],
        *,
        right: bool = False,
        middle: bool = False,
    ) -> None:
        self._canvas.setFillColorRGB(*colour)
        self._canvas.setFont(FONT, size)
        put = self._canvas.drawString
        if right:
            put = self._canvas.drawRightString
        elif middle:
            put = self._canvas.drawCentredString
        put(x, y, text)


def _shares(rows: Sequence[int], room: int) -> list[int]:
    """Lines for each list of so many rows: what it wants, the longest ones cut first until all have room."""
    lines = [min(max(count, 1), _ROWS_MAX + 1) for count in rows]
    while sum(lines) > room and max(lines) > 1:
        lines[lines.index(max(lines))] -= 1
    return lines


def _fitted(text: str, size: float, width: float) -> str:
    """Cut where it would run into what stands beside it."""
    if pdfmetrics.stringWidth(text, FONT, size) <= width:
        return text
    while text and pdfmetrics.stringWidth(f"{text}…", FONT, size) > width:
        text = text[:-1]
    return f"{text}…"
