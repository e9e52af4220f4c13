"""`sitegate bench calibrate`: the impostor tail of a folder of photos, as it is bundled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from gate.bench.photos import EmbeddedPhotos, embed_photos, photo_files, with_engine
from models.calibration import ImpostorTail, fit_from_templates
from models.engine import FaceEngine

SHOWN_SIZES = (100, 300, 1_000, 3_000, 10_000, 30_000)
SHOWN_FPIR = 0.01


def calibrate(
    photos: Annotated[Path, typer.Option(help="Folder with one subfolder of photos per person.")],
    out: Annotated[Path, typer.Option(help="File to write, e.g. models/calibration/sface.json.")],
    embedder: Annotated[str, typer.Option(help="sface or dlib")] = "sface",
    source: Annotated[
        str, typer.Option(help="What the photos are; kept in the file. Default: the folder's name.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Draws one photo per person.")] = 1,
) -> None:
    """Make the calibration that holds until a site's own roster is large enough."""
    engine = FaceEngine.load(embedder=embedder)
    embedded = embed_photos(photo_files(photos), with_engine(engine), what=embedder)
    tail = fit_photos(
        embedded,
        embedder=engine.embedder_name,
        version=engine.embedder_version,
        rng=np.random.default_rng(seed),
    )
    bundled = tail.bundle(source or photos.resolve().name)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(bundled.to_json(), encoding="utf-8")
    _show(tail, bundled)
    for first, second, score in tail.suspected_duplicates:
        names = embedded.names[first], embedded.names[second]
        typer.echo(f"left out as the same person twice: {names[0]} and {names[1]}, {score:.3f}")
    typer.echo(f"{out}: {tail.n_people} people")


def fit_photos(
    embedded: EmbeddedPhotos, *, embedder: str, version: str, rng: np.random.Generator
) -> ImpostorTail:
    """The tail of one photo per person, drawn by `rng`. Raises CalibrationImpossible."""
    photos = embedded.photos
    shuffled = rng.permutation(len(photos.people))
    people, first = np.unique(photos.people[shuffled], return_index=True)
    drawn = shuffled[first]
    return fit_from_templates(
        photos.templates[drawn],
        people,
        probes=photos.probes[drawn],
        rng=rng,
        embedder=embedder,
        embedder_version=version,
    )


def _show(tail: ImpostorTail, bundled: ImpostorTail) -> None:
    table = Table(title=f"Thresholds for FPIR {SHOWN_FPIR:.0%} ({tail.embedder} {tail.embedder_version})")
    for heading in ("roster", "as measured, one template", "95 % interval", "as bundled"):
        table.add_column(heading, justify="right")
    for size in SHOWN_SIZES:
        low, high = tail.threshold_interval(size, SHOWN_FPIR)
        table.add_row(
            f"{size:,}",
            f"{tail.threshold(size, SHOWN_FPIR):.3f}",
            f"{low:.3f} to {high:.3f}",
            f"{bundled.threshold(size, SHOWN_FPIR):.3f}",
        )
    Console().print(table)
