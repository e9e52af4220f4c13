"""`sitegate bench identify`: are enrolled people found and strangers refused? The protocol, precisely:
`models/identification.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import matplotlib.figure
import typer
from rich.console import Console
from rich.table import Table

from gate.bench.photos import EmbeddedPhotos, embed_photos, photo_files, with_engine
from gate.bench.yardstick import DEFAULT_TOLERANCE, face_recognition_embed
from models.bench_report import DEFAULT_OUT, write_json
from models.calibration import ImpostorTail
from models.engine import FaceEngine
from models.identification import Evaluation, OperatingPoint, Rate, enrolled_people, evaluate, wilson
from models.zoo import Zoo

OPERATIONAL_FPIR = 0.01
"""The gate's default `recognition.target_fpir`, at which the operational threshold is taken."""


@dataclass(frozen=True, slots=True)
class _Run:
    """One engine on the photos; `labels` names the operating points behind those of a target FPIR."""

    name: str
    embedded: EmbeddedPhotos
    evaluation: Evaluation
    labels: tuple[str, ...]

    @property
    def failure_to_detect(self) -> Rate:
        share = len(self.embedded.failures) / self.embedded.total
        return Rate(share, *wilson(share, self.embedded.total))


def identify(
    photos: Annotated[Path, typer.Option(help="Folder with one subfolder of photos per person.")],
    templates: Annotated[int, typer.Option(min=1, help="Photos enrolled per person.")] = 3,
    embedder: Annotated[str, typer.Option(help="sface or dlib")] = "sface",
    compare: Annotated[
        str | None, typer.Option(help="face_recognition: the same protocol with that library's pipeline.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for JSON and plot.")] = DEFAULT_OUT,
    seed: Annotated[int, typer.Option(help="Draws which photos are enrolled.")] = 1,
) -> None:
    """Open-set identification: rank-1, FNIR at FPIR 1 %, 0.3 % and 0.1 %, DET plot.

    People with one photo are the strangers. Everybody else is enrolled; photos beyond the templates are the
    probes.
    """
    if compare not in (None, "face_recognition"):
        raise typer.BadParameter(f"{compare!r}: only face_recognition can be compared with")
    files = photo_files(photos)
    runs = [_our_run(files, embedder, templates, seed)]
    if compare:
        runs.append(_yardstick_run(files, templates, seed))
    console = Console()
    for run in runs:
        _show(run, console)
    plot = _plot(runs, out, templates)
    figures = write_json(out, f"identify-{embedder}-{templates}", {"runs": [_figures(run) for run in runs]})
    typer.echo(f"{figures}\n{plot}")


def _our_run(files: Sequence[tuple[str, Path]], embedder: str, templates: int, seed: int) -> _Run:
    engine = FaceEngine.load(embedder=embedder)
    embedded = embed_photos(files, with_engine(engine), what=embedder)
    roster = enrolled_people(embedded.photos)
    threshold = ImpostorTail.bundled(embedder).threshold(roster, OPERATIONAL_FPIR)
    evaluation = evaluate(embedded.photos, templates=templates, seed=seed, thresholds=(threshold,))
    label = f"bundled calibration for {roster} workers at FPIR {OPERATIONAL_FPIR:.0%}"
    return _Run(f"sitegate {embedder}", embedded, evaluation, (label,))


def _yardstick_run(files: Sequence[tuple[str, Path]], templates: int, seed: int) -> _Run:
    yardstick = face_recognition_embed(Zoo.default())
    embedded = embed_photos(files, yardstick, what="face_recognition", unit=False)
    evaluation = evaluate(
        embedded.photos, templates=templates, seed=seed, thresholds=(-(DEFAULT_TOLERANCE**2),)
    )
    return _Run("face_recognition", embedded, evaluation, (f"its default tolerance {DEFAULT_TOLERANCE}",))


def _labelled(run: _Run) -> list[tuple[str, OperatingPoint]]:
    """The operating points of a run with what they are called."""
    given = iter(run.labels)
    return [
        (next(given) if point.target_fpir is None else f"FPIR {point.target_fpir:.1%}", point)
        for point in run.evaluation.points
    ]


def _show(run: _Run, console: Console) -> None:
    found = run.evaluation
    table = Table(
        title=f"{run.name}: {found.templates} templates, {found.enrolled} people enrolled, "
        f"{found.genuine_probes} probes of {found.genuine_people} people, {found.strangers} strangers, "
        f"{found.draws} draws"
    )
    for heading in ("at", "threshold", "FPIR", "FNIR"):
        table.add_column(heading, justify="left" if heading == "at" else "right")
    for label, point in _labelled(run):
        unresolved = point.target_fpir is not None and point.target_fpir * found.strangers < 1
        table.add_row(
            f"{label} (*)" if unresolved else label,
            f"{point.threshold:.3f}",
            _percent(point.fpir),
            _percent(point.fnir),
        )
    console.print(table)
    console.print(f"rank-1 {_percent(found.rank1)}, no face found {_percent(run.failure_to_detect)}")
    console.print(
        f"(*) finer than {found.strangers} strangers can tell: none of them is accepted there", style="dim"
    )


def _percent(rate: Rate) -> str:
    return f"{rate.value:.2%} ({rate.low:.2%} to {rate.high:.2%})"


def _figures(run: _Run) -> dict[str, object]:
    evaluation = asdict(run.evaluation)
    points = [{"at": label, **asdict(point)} for label, point in _labelled(run)]
    return {
        "engine": run.name,
        **evaluation,
        "points": points,
        "det": run.evaluation.det.round(6).tolist(),
        "failure_to_detect": asdict(run.failure_to_detect),
        "without_face": [str(Path(path.parent.name) / path.name) for path, _ in run.embedded.failures],
    }


def _plot(runs: Sequence[_Run], out: Path, templates: int) -> Path:
    """Detection error trade-off, both axes logarithmic."""
    figure = matplotlib.figure.Figure(figsize=(6, 5), layout="constrained")
    axes = figure.add_subplot(
        xscale="log", yscale="log", xlabel="FPIR", ylabel="FNIR", title=f"{templates} templates per worker"
    )
    for run in runs:
        fpir, fnir = run.evaluation.det.T
        shown = (fpir > 0) & (fnir > 0)
        axes.plot(fpir[shown], fnir[shown], label=run.name, drawstyle="steps-post")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"identify-{templates}.png"
    figure.savefig(path, dpi=120)
    return path
