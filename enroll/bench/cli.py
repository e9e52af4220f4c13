"""`sitegate bench enroll`: figures of registering, training and declaring."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from enroll.bench.parts import PARTS, BenchOptions, PartResult
from models.bench_report import DEFAULT_OUT, write_json


def enroll(
    part: Annotated[str, typer.Option(help=f"One of: {', '.join(PARTS)}.")],
    photos: Annotated[
        Path | None, typer.Option(help="Folder with one subfolder of photos per person.")
    ] = None,
    clips: Annotated[Path | None, typer.Option(help="Folder of clips with identities.csv.")] = None,
    database: Annotated[str, typer.Option(help="URL of a scratch database (part declarations).")] = "",
    out: Annotated[Path, typer.Option(help="Folder for JSON and plot.")] = DEFAULT_OUT,
) -> None:
    """Failure to enrol, import, duplicates, capture, declarations, training: one part at a time."""
    if part not in PARTS:
        raise typer.BadParameter(f"{part!r}: one of {', '.join(PARTS)}", param_hint="--part")
    result = PARTS[part](BenchOptions(photos, clips, database))
    _show(part, result)
    typer.echo(str(write_json(out, f"enroll-{part}", result.figures)))
    if result.plot is not None:
        figure = Figure(figsize=(7, 4), layout="constrained")
        result.plot(figure)
        path = out / f"enroll-{part}.png"
        figure.savefig(path, dpi=120)
        typer.echo(str(path))


def _show(part: str, result: PartResult) -> None:
    table = Table("figure", "measured", "wanted", title=f"bench enroll --part {part}")
    for row in result.rows:
        table.add_row(*row)
    Console(markup=False, highlight=False).print(table)
