"""One measured figure beside its target, and what one part of `bench sync` found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field


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
