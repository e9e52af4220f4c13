"""`sitegate bench screening`: lists, tracing, flags, policy and QR passes, against the targets."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from sqlalchemy import URL

from gate.bench.passes import CARRIERS_MM, DISTANCES_CM, reads
from gate.bench.screening_policy import policy_part
from gate.bench.sync_figures import Figure, Part, missed, table_of
from gate.bench.sync_gate import district, flags
from gate.bench.sync_rig import in_a_database, postgresql_server
from models.bench_report import DEFAULT_OUT, percentiles, write_json
from sync.central.database import Database
from sync.central.list_bench import (
    ENTRIES,
    NEWCOMERS,
    PEOPLE,
    fill_registry,
    measure_incremental,
    measure_matching,
)
from sync.central.tracing_bench import (
    PASSAGES,
    RUNS,
    TRIPS,
    WANTED_S,
    WORKERS,
    fill_for_tracing,
    measure_tracing,
)

MATCHING_LIMIT_S = 60.0
INCREMENTAL_LIMIT_MS = 50.0
QR_DISTANCES_CM = (30, 80)
_MILLISECONDS = 1000.0
_MEGABYTE = 1e6


class PartName(StrEnum):
    """What can be measured alone. Matching and incremental share a registry and a list."""

    MATCHING = "matching"
    INCREMENTAL = "incremental"
    TRACING = "tracing"
    FLAG = "flag"
    POLICY = "policy"
    QR = "qr"
    ALL = "all"


LISTS = frozenset({PartName.MATCHING, PartName.INCREMENTAL})
ON_POSTGRESQL = LISTS | {PartName.TRACING, PartName.FLAG}


def screening(
    out: Annotated[Path, typer.Option(help="Folder for JSON and plot.")] = DEFAULT_OUT,
    part: Annotated[
        list[PartName] | None, typer.Option(help="Only this part; may be given several times.")
    ] = None,
    postgresql: Annotated[
        str,
        typer.Option(help="Server to measure on, e.g. postgresql://user@host/postgres; else one is started."),
    ] = "",
    entries: Annotated[int, typer.Option(min=100, help="Rows of the list.")] = ENTRIES,
    people: Annotated[int, typer.Option(min=50, help="People registered.")] = PEOPLE,
    newcomers: Annotated[int, typer.Option(min=2, help="Who register one by one.")] = NEWCOMERS,
    trips: Annotated[int, typer.Option(min=1, help="Declared trips.")] = TRIPS,
    passages: Annotated[int, typer.Option(min=1, help="Rows of attendance.")] = PASSAGES,
    cases: Annotated[int, typer.Option(min=1, help="Cases that are traced, one after the other.")] = RUNS,
    workers: Annotated[int, typer.Option(min=2, help="Roster of the flag part.")] = 30_000,
    changes: Annotated[int, typer.Option(min=1, help="Flags and registrations.")] = 200,
    decisions: Annotated[int, typer.Option(min=1, help="Of the policy.")] = 20_000,
    looks: Annotated[int, typer.Option(min=1, help="Pictures per distance, movement and carrier.")] = 60,
) -> None:
    """Matching of lists, tracing of a case, flag to refusal, policy, QR passes."""
    console = Console()
    asked = set(part or [PartName.ALL])
    wanted = set(PartName) if PartName.ALL in asked else asked
    parts: list[Part] = []

    def done(measure: Callable[[], Sequence[Part]]) -> None:
        before = os.getloadavg()[0]
        with _few_lines():
            measured = measure()
        for found in measured:
            load = [Figure("load average before", before, ""), Figure("after", os.getloadavg()[0], "")]
            parts.append(Part(found.name, found.how, [*found.figures, *load], found.series))
            console.print(table_of(parts[-1]))

    if PartName.POLICY in wanted:
        done(lambda: [policy_part(decisions)])
    if PartName.QR in wanted:
        done(lambda: [_qr(looks)])
    if wanted & ON_POSTGRESQL:
        with ExitStack() as stack:
            server = stack.enter_context(postgresql_server(postgresql))
            if PartName.FLAG in wanted:
                done(lambda: [_flag(server, workers, min(changes, workers))])
            if wanted & LISTS:
                done(lambda: _lists(server, entries, people, newcomers, wanted))
            if PartName.TRACING in wanted:
                done(lambda: [_tracing(server, trips, passages, cases)])
    path = write_json(out, "screening", {"parts": {one.name: one.as_json() for one in parts}})
    _plot(parts, path.with_suffix(".png"))
    console.print(missed(parts))
    console.print(f"written to {path} and {path.with_suffix('.png')}")


@contextmanager
def _few_lines() -> Iterator[None]:
    """Every match would be a line."""
    talks = logging.getLogger("sync.central")
    before = talks.level
    talks.setLevel(logging.ERROR)
    try:
        yield
    finally:
        talks.setLevel(before)


def _lists(server: URL, entries: int, people: int, newcomers: int, wanted: set[PartName]) -> list[Part]:
    def measure(_: Path, url: str) -> list[Part]:
        with Database.open(url) as database:
            fill_registry(database, people)
            found = [_matching(database, entries, people)]
            if PartName.INCREMENTAL in wanted:
                found.append(_incremental(database, people, newcomers))
            return found

    return in_a_database(server, measure)


def _matching(database: Database, entries: int, people: int) -> Part:
    found = measure_matching(database, entries=entries, people=people)
    return Part(
        "matching",
        f"a CSV of {entries:,} rows ({found.list_bytes / _MEGABYTE:.0f} MB, {found.broken} broken) against "
        f"{people:,} people, PostgreSQL; matching until all flags are committed",
        [
            Figure("import: read, hashed, stored", found.import_s, "s"),
            Figure("import, processor time of the client", found.import_cpu_s, "s"),
            Figure("matching", found.matching_s, "s", at_most=MATCHING_LIMIT_S),
            Figure("matching, processor time of the client", found.matching_cpu_s, "s"),
            Figure("slowest slice", max(found.slices_s), "s"),
            Figure("entries kept", found.entries, ""),
            Figure("flagged", found.flagged, ""),
            Figure("to confirm", found.to_confirm, ""),
        ],
        {"slice_s": list(found.slices_s)},
    )


def _incremental(database: Database, people: int, newcomers: int) -> Part:
    found = measure_incremental(database, people=people, newcomers=newcomers)
    times_ms = [one * _MILLISECONDS for one in found.times_s]
    shares = percentiles(times_ms)
    return Part(
        "incremental",
        f"{newcomers} who register one by one, {found.flagged} of them on the list; from the look into the "
        "queue until match and flag are committed",
        [
            Figure("one new worker, p50", shares["p50"], "ms"),
            Figure("one new worker, p99", shares["p99"], "ms", at_most=INCREMENTAL_LIMIT_MS),
            Figure("one new worker, slowest", max(times_ms), "ms"),
            Figure("processor time of the client, mean", found.cpu_s * _MILLISECONDS, "ms"),
        ],
        {"incremental_ms": times_ms},
    )


def _tracing(server: URL, trips: int, passages: int, cases: int) -> Part:
    def measure(_: Path, url: str) -> Part:
        with Database.open(url) as database:
            fill_for_tracing(database, trips=trips, passages=passages, workers=min(WORKERS, trips))
            found = measure_tracing(database, runs=cases)
        return Part(
            "tracing",
            f"one case over {found.trips:,} trips and {found.passages:,} rows of attendance, PostgreSQL; "
            f"{found.runs} cases of other workers, traced and kept",
            [
                Figure("one case, median", found.median_s, "s"),
                Figure("one case, slowest", found.max_s, "s", at_most=WANTED_S),
                Figure("contacts, most", found.contacts, ""),
                Figure("candidates looked at, most", found.candidates, ""),
            ],
        )

    return in_a_database(server, measure)


def _flag(server: URL, workers: int, changes: int) -> Part:
    def measure(folder: Path, url: str) -> Part:
        with district(folder, url, workers=workers) as there:
            return flags(there, count=changes)

    return in_a_database(server, measure)


def _qr(looks: int) -> Part:
    """As `bench passes`, of which the table in docs/benchmarks.md comes; here the distances of the target."""
    nearest, farthest = QR_DISTANCES_CM
    within = [one for one in DISTANCES_CM if nearest <= one <= farthest]
    rows: list[dict[str, Any]] = list(reads(looks, distances_cm=within))
    figures, series = [], {}
    for carrier in CARRIERS_MM:
        own = [row for row in rows if row["carrier"] == carrier]
        for motion in ("0mm", "1mm", "2mm"):
            shares = [float(row[f"read_{motion}"]) for row in own]
            what = f"{carrier}, moved {motion} while exposed: read, at the worst distance"
            figures.append(Figure(what, min(shares) * 100, "%"))
            series[f"{carrier} {motion}"] = shares
    series["distance_cm"] = sorted({float(row["distance_cm"]) for row in rows})
    return Part(
        "qr",
        f"{nearest} to {farthest} cm, {looks} single looks each at 1280x720, made pictures",
        figures,
        series,
    )


def _plot(parts: Sequence[Part], path: Path) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - only benches draw

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 3.8))
    series = {part.name: part.series for part in parts}
    waits = {
        "flag": ("flag_latency_s", 1.0),
        "incremental": ("incremental_ms", 1 / _MILLISECONDS),
        "policy": ("policy_ms", 1 / _MILLISECONDS),
    }
    for name, (key, seconds) in waits.items():
        if values := sorted(series.get(name, {}).get(key, [])):
            steps = [(n + 1) / len(values) for n in range(len(values))]
            left.plot([value * seconds for value in values], steps, label=name)
            left.legend()
    left.set(xlabel="seconds", ylabel="share that took no longer", xscale="log")
    middle.plot(series.get("matching", {}).get("slice_s", []))
    middle.set(xlabel="slice of the registry", ylabel="seconds", ylim=(0, None))
    read = dict(series.get("qr", {}))
    distances = read.pop("distance_cm", [])
    for name, shares in read.items():
        right.plot(distances, shares, label=name)
        right.legend()
    right.set(xlabel="distance of the pass, cm", ylabel="share of looks that read it", ylim=(0, 1.05))
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
