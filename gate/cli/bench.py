"""`sitegate bench …`: the measurements of `gate/bench/`, each imported when it is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import typer

from gate.cli.lazy import LazyCommand, LazyGroup


class BenchGroup(LazyGroup):
    """One command per module of `gate/bench/`."""

    lazy: ClassVar[Mapping[str, LazyCommand]] = {
        "identify": LazyCommand(
            "gate.bench.identify:identify", "Open-set identification on a folder of photos."
        ),
        "calibrate": LazyCommand(
            "gate.bench.calibrate:calibrate", "Make the bundled threshold table from a folder of photos."
        ),
        "clips": LazyCommand(
            "gate.bench.clips:clips", "Play clips through whole lanes: decisions and latency to the relay."
        ),
        "speed": LazyCommand("gate.bench.speed:speed", "Speed and memory per stage, lane and roster size."),
        "faults": LazyCommand(
            "gate.bench.faults:faults", "Kill, cut and mislead everything; nothing may be lost or doubled."
        ),
        "sync": LazyCommand(
            "gate.bench.sync:sync",
            "Gates and centre: flags, first sync, backlog, ingest, console, many gates.",
        ),
    }


app = typer.Typer(cls=BenchGroup, help="Measure what the gate can do.", no_args_is_help=True)


@app.callback()
def _frame() -> None:
    """Keep this a group."""
