"""`sitegate bench sync`: gates and centre over a real broker and a real database, against the targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy import URL

from gate.bench.sync_centre import console as console_part
from gate.bench.sync_centre import crowd, ingest, outage
from gate.bench.sync_figures import Part, missed, table_of
from gate.bench.sync_gate import backlog, district, flags, roster
from gate.bench.sync_rig import in_a_database, postgresql_server
from models.bench_report import DEFAULT_OUT, write_json


class PartName(StrEnum):
    """What can be measured alone."""

    ROSTER = "roster"
    FLAG = "flag"
    BACKLOG = "backlog"
    OUTAGE = "outage"
    INGEST = "ingest"
    CONSOLE = "console"
    CROWD = "crowd"


OUTAGE_LIMIT_S = 600.0
AT_A_GATE = (PartName.ROSTER, PartName.FLAG, PartName.BACKLOG)


def sync(
    out: Annotated[Path, typer.Option(help="Folder for JSON and plot.")] = DEFAULT_OUT,
    only: Annotated[
        list[PartName] | None, typer.Option(help="Only this part; may be given several times.")
    ] = None,
    postgresql: Annotated[
        str,
        typer.Option(help="Server to measure on, e.g. postgresql://user@host/postgres; else one is started."),
    ] = "",
    workers: Annotated[int, typer.Option(min=2, help="Workers on the roster.")] = 30_000,
    changes: Annotated[int, typer.Option(min=1, help="Flags and registrations.")] = 200,
    queued: Annotated[int, typer.Option(min=1, help="Backlogged events.")] = 150_000,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="How long ingest and crowd run.")] = 30.0,
    batch: Annotated[int, typer.Option(min=1, max=1000, help="Events per batch in the ingest part.")] = 50,
    events: Annotated[int, typer.Option(min=1, help="Events in the console's log.")] = 5_000_000,
    queries: Annotated[int, typer.Option(min=1, help="Looks into the console's log.")] = 300,
    gates: Annotated[int, typer.Option(min=1, max=5_000, help="Simulated gates of the crowd.")] = 1_000,
) -> None:
    """Flags, first sync, backlog, ingest, console query and a thousand gates, on this machine's loopback."""
    console = Console()
    wanted = set(only or PartName)
    parts: list[Part] = []

    def done(part: Part) -> None:
        parts.append(part)
        console.print(table_of(part))

    with ExitStack() as stack:
        server = stack.enter_context(postgresql_server(postgresql))
        if wanted.intersection(AT_A_GATE):
            for part in _at_a_gate(
                server, wanted, workers=workers, changes=min(changes, workers), queued=queued
            ):
                done(part)
        runs: list[tuple[PartName, Callable[[Path, str], Part], bool]] = [
            (
                PartName.OUTAGE,
                lambda folder, url: outage(folder, url, queued=queued, limit_s=OUTAGE_LIMIT_S),
                True,
            ),
            (
                PartName.INGEST,
                lambda folder, url: ingest(folder, url, seconds=seconds, batch_events=batch),
                True,
            ),
            (
                PartName.INGEST,
                lambda folder, url: ingest(folder, url, seconds=seconds, batch_events=batch),
                False,
            ),
            (PartName.CROWD, lambda folder, url: crowd(folder, url, gates=gates, seconds=seconds), True),
            (PartName.CONSOLE, lambda _, url: console_part(url, events=events, queries=queries), True),
        ]
        for name, measure, on_postgresql in runs:
            if name in wanted:
                done(in_a_database(server if on_postgresql else None, measure))
    path = write_json(out, "sync", {"parts": {part.name: part.as_json() for part in parts}})
    _plot(parts, path.with_suffix(".png"))
    console.print(missed(parts))
    console.print(f"written to {path} and {path.with_suffix('.png')}")


def _at_a_gate(
    server: URL, wanted: set[PartName], *, workers: int, changes: int, queued: int
) -> Sequence[Part]:
    """The three parts that share one centre with a full roster and one gate."""
    parts = []

    def measure(folder: Path, url: str) -> Part:
        with district(folder, url, workers=workers) as there:
            if PartName.ROSTER in wanted:
                parts.append(roster(there))
            if PartName.FLAG in wanted:
                parts.append(flags(there, count=changes))
            if PartName.BACKLOG in wanted:
                parts.append(backlog(there, count=queued))
        return parts[-1]

    in_a_database(server, measure)
    return parts


def _plot(parts: Sequence[Part], path: Path) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - only benches draw

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 3.8))
    series = {part.name: part.series for part in parts}
    waits = {
        "flag": "flag_latency_s",
        "backlog": "live_latency_s",
        "outage": "outage_live_s",
        "console": "console_s",
    }
    for name, key in waits.items():
        if values := sorted(series.get(name, {}).get(key, [])):
            left.plot(values, [(n + 1) / len(values) for n in range(len(values))], label=key)
            left.legend()
    left.set(xlabel="seconds", ylabel="share that took no longer", xscale="log")
    if depths := series.get("backlog", {}).get("backlog_depth"):
        middle.plot(series["backlog"]["backlog_at_s"], depths)
    middle.set(xlabel="seconds after the connection is back", ylabel="events in the outbox")
    for name, found in series.items():
        if "acked" in found:
            ends = int(max(found["acked_at_s"], default=0)) + 1
            per_s = [0.0] * ends
            for at_s, events in zip(found["acked_at_s"], found["acked"], strict=True):
                per_s[int(at_s)] += events
            right.plot(range(ends), per_s, label=name)
            right.legend()
    right.set(xlabel="second of the run", ylabel="events acknowledged per second", ylim=(0, None))
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
