"""Options of the dashboard's charts for ECharts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

_COLOURS = ("#0b5394", "#a3130b", "#7a4d00", "#14602b")
"""Those of the console, dark enough on white."""

_SYMBOLS = ("circle", "rect", "triangle", "diamond")
"""A line is told by its shape too, not by its colour alone."""

_GRID = {"left": 44, "right": 12, "top": 34, "bottom": 26}
_INK = {"color": "#46535f"}


def hours_chart(hours: Sequence[int], name: str) -> dict[str, Any]:
    """A column for each hour."""
    bars = {"type": "bar", "name": name, "data": list(hours), "label": {"show": False}}
    return _chart([str(hour) for hour in range(len(hours))], [bars])


def trend_chart(days: Sequence[date], lines: Sequence[tuple[str, Sequence[int]]]) -> dict[str, Any]:
    """A line for each name."""
    series = [
        {"type": "line", "name": name, "data": list(values), "symbol": symbol, "symbolSize": 8}
        for symbol, (name, values) in zip(_SYMBOLS, lines, strict=False)
    ]
    made = _chart([f"{day:%m-%d}" for day in days], series)
    return {**made, "legend": {"type": "scroll", "top": 0, "textStyle": _INK}}


def _chart(labels: Sequence[str], series: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "animation": False,
        "color": list(_COLOURS),
        "grid": _GRID,
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": list(labels), "axisLabel": _INK},
        "yAxis": {"type": "value", "minInterval": 1, "axisLabel": _INK},
        "series": list(series),
    }
