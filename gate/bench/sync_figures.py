"""One measured figure beside its target, what one part of a bench found, and how both are printed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """`at_most` and `at_least` are targets in `unit`; without either the figure is stated, not judged."""

    what: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def met(self) -> bool | None:
        """None where there is no target; a figure that could not be measured (NaN) misses its target."""
        if self.at_most is not None:
            return self.value <= self.at_most
        if self.at_least is not None:
            return self.value >= self.at_least
        return None

    @property
    def target(self) -> str:
        if self.at_most is not None:
            return f"<= {self.at_most:g}"
        return f">= {self.at_least:g}" if self.at_least is not None else ""


@dataclass(frozen=True, slots=True)
class Part:
    """`how` says what was set up; `series` are the numbers behind the plot."""

    name: str
    how: str
    figures: list[Figure]
    series: dict[str, list[float]] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        figures = [asdict(figure) | {"met": figure.met} for figure in self.figures]
        return {"how": self.how, "figures": figures, "series": self.series}


def table_of(part: Part) -> Table:
    """One part as it is printed."""
    table = Table(title=f"{part.name}: {part.how}", title_justify="left")
    table.add_column("figure")
    for heading in ("measured", "unit", "target", ""):
        table.add_column(heading, justify="right")
    verdicts = {True: "met", False: "[bold red]missed[/]", None: ""}
    for figure in part.figures:
        table.add_row(figure.what, _number(figure), figure.unit, figure.target, verdicts[figure.met])
    return table


def missed(parts: Iterable[Part]) -> str:
    """The last line of a bench."""
    names = [figure.what for part in parts for figure in part.figures if figure.met is False]
    return f"[bold red]missed:[/] {', '.join(names)}" if names else "every target is met"


def _number(figure: Figure) -> str:
    return (
        f"{figure.value:,.0f}"
        if figure.value >= 100 or figure.value == int(figure.value)
        else f"{figure.value:.3g}"
    )
