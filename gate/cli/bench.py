"""`sitegate bench …`: the measurements of `gate/bench/` and of other rooms, imported when they are called."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import ClassVar

import typer

from gate.cli.lazy import LazyCommand, LazyGroup

ENTRY_POINTS = "sitegate.bench"
"""Measurements of other rooms: the gate may not import them."""

SUMMARIES = {
    "enroll": "Registering people: failure to enrol, import, duplicates, capture, declarations, training."
}


def _of_other_rooms() -> dict[str, LazyCommand]:
    return {
        point.name: LazyCommand(point.value, SUMMARIES.get(point.name, ""))
        for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name)
    }


class BenchGroup(LazyGroup):
    """One command per module of `gate/bench/`, then those of other rooms."""

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
        "passes": LazyCommand(
            "gate.bench.passes:passes", "From how far and how blurred a QR pass is read, and at what cost."
        ),
        "faults": LazyCommand(
            "gate.bench.faults:faults", "Kill, cut and mislead everything; nothing may be lost or doubled."
        ),
        "sync": LazyCommand(
            "gate.bench.sync:sync",
            "Gates and centre: flags, first sync, backlog, ingest, console, many gates.",
        ),
        "screening": LazyCommand(
            "gate.bench.screening:screening",
            "Lists matched, a case traced, flag to refusal, policy, QR passes.",
        ),
        **_of_other_rooms(),
    }


app = typer.Typer(cls=BenchGroup, help="Measure what the gate can do.", no_args_is_help=True)


@app.callback()
def _frame() -> None:
    """Keep this a group."""
