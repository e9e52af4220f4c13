"""`sitegate bench faults`: everything is killed, cut and misled; at the end nothing may be missing or double.

Real processes on loopback: gates (store and edge agent), mosquitto, the centre, a second ingest process and
PostgreSQL. Every connection to the broker and to the database leads through a proxy that can break it.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import DBAPIError

from gate.bench.faults_plan import Fault, make_plan
from gate.bench.faults_site import Rig
from gate.bench.faults_truth import GateTruth, Refused, compare, refused
from models.bench_report import DEFAULT_OUT, write_json

GATES, EVENTS, DURATION_S = 20, 100_000, 300.0
RECORDED_BY = 0.7
"""Share of the time in which a gate that is never killed has recorded all; killed ones need the rest."""

FAULTS_PER_S = 0.6
SETTLED_WITHIN_S = 240.0
WORKERS = 300
ROSTER_CHANGE_EVERY_S = 1.0
TICK_S = 0.1
EVERY_PROCESS_S = 0.5
SAY_EVERY_S = 10.0


class DatabaseChoice(StrEnum):
    """Databases of the centre."""

    POSTGRESQL = "postgresql"
    SQLITE = "sqlite"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run: what was done to whom, how long it took to be whole again, and what was found then."""

    faults: Sequence[Fault]
    faults_s: float
    settled_s: float | None
    gates: Mapping[str, GateTruth]
    refused: Refused
    repeated: int
    kills: Mapping[str, int]
    ended_by_itself: Mapping[str, int]
    unclean_stops: Sequence[str]
    roster_changes: Mapping[str, int]
    roster_changes_failed: int

    @property
    def clean(self) -> bool:
        """Nothing lost, nothing double, rosters equal, outboxes empty, and every process ended when asked."""
        return (
            self.settled_s is not None
            and all(gate.clean for gate in self.gates.values())
            and not self.unclean_stops
        )


def faults(
    out: Annotated[Path, typer.Option(help="Folder for the JSON.")] = DEFAULT_OUT,
    gates: Annotated[int, typer.Option(min=1, max=99, help="Gate processes.")] = GATES,
    events: Annotated[int, typer.Option(min=1, help="Events of all gates together.")] = EVENTS,
    duration: Annotated[float, typer.Option(min=5, help="Seconds in which faults are done.")] = DURATION_S,
    seed: Annotated[int, typer.Option(help="Draws the plan of faults; the same plan for the same seed.")] = 1,
    database: Annotated[
        DatabaseChoice, typer.Option(help="PostgreSQL is killed too; SQLite lives in the centre's processes.")
    ] = DatabaseChoice.POSTGRESQL,
    keep: Annotated[Path | None, typer.Option(help="Keep stores, logs and database here.")] = None,
) -> None:
    """Kill, cut and mislead everything at random; then count: 0 lost, 0 doubled, rosters equal."""
    console = Console(highlight=False)
    done = run(
        gates=gates,
        events=events,
        duration_s=duration,
        seed=seed,
        postgresql=database is DatabaseChoice.POSTGRESQL,
        keep=keep,
        say=console.print,
    )
    _show(console, done)
    path = write_json(
        out,
        "faults",
        {"seed": seed, "database": database.value, "duration_s": duration, **_figures(done)},
    )
    console.print(f"written to {path}")
    if not done.clean:
        raise typer.Exit(1)


def run(
    *,
    gates: int,
    events: int,
    duration_s: float,
    seed: int,
    postgresql: bool,
    keep: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
    faults_per_s: float = FAULTS_PER_S,
    settled_within_s: float = SETTLED_WITHIN_S,
) -> Outcome:
    """One whole run. `say` gets a line for every fault as it is done.

    Raises:
        BenchProgramMissing: mosquitto or PostgreSQL is not on this machine.
    """
    with (
        _folder(keep) as folder,
        Rig(
            folder,
            gates=gates,
            postgresql=postgresql,
            seed=seed,
            roster_change_every_s=ROSTER_CHANGE_EVERY_S,
        ) as rig,
    ):
        names = list(rig.gates)
        plan = make_plan(
            seed=seed,
            gates=names,
            duration_s=duration_s,
            count=round(duration_s * faults_per_s),
            database=postgresql,
        )
        rate = events / gates / (duration_s * RECORDED_BY)
        say(f"{gates} gates, {events} events, {rate:.1f}/s each; {len(plan)} faults by seed {seed}")
        rig.start(events_per_gate=events // gates, rate=rate, workers=WORKERS)
        begun_s = time.monotonic()
        rig.editor.start()
        _do(rig, plan, begun_s, duration_s, say)
        rig.editor.stop()
        faults_s = time.monotonic() - begun_s
        say(f"[{faults_s:6.1f} s] all faults are over")
        settled_s = _settle(rig, settled_within_s, say)
        unclean = rig.stop()
        return Outcome(
            faults=plan,
            faults_s=faults_s,
            settled_s=settled_s,
            gates={name: compare(gate.folder, rig.database) for name, gate in rig.gates.items()},
            refused=refused(rig.database),
            repeated=rig.repeated(),
            kills={one.name: one.kills for one in rig.processes},
            ended_by_itself={one.name: one.ended_by_itself for one in rig.processes if one.ended_by_itself},
            unclean_stops=unclean,
            roster_changes=dict(rig.editor.done),
            roster_changes_failed=rig.editor.failed,
        )


def _do(
    rig: Rig, plan: Sequence[Fault], begun_s: float, duration_s: float, say: Callable[[str], None]
) -> None:
    """Begin and end every fault at its time."""
    steps = [(fault.at_s, 1, fault) for fault in plan]
    steps += [(fault.at_s + fault.for_s, 0, fault) for fault in plan if fault.for_s]
    steps.sort(key=lambda step: step[:2])
    looked_s = 0.0
    while (now_s := time.monotonic() - begun_s) < duration_s or steps:
        while steps and steps[0][0] <= now_s:
            _, begins, fault = steps.pop(0)
            if begins:
                say(f"[{now_s:6.1f} s] {fault}")
                rig.begin(fault)
            else:
                rig.end(fault)
        if now_s - looked_s >= EVERY_PROCESS_S:
            rig.keep_up()
            looked_s = now_s
        time.sleep(TICK_S)


def _settle(rig: Rig, within_s: float, say: Callable[[str], None]) -> float | None:
    """Seconds until every gate has recorded all, sent all and has the newest roster; None: not in time."""
    begun_s = said_s = time.monotonic()
    while (now_s := time.monotonic()) - begun_s < within_s:
        rig.keep_up()
        try:
            progress = rig.progress()
        except DBAPIError:
            continue  # still starting
        if progress.whole == len(rig.gates):
            return now_s - begun_s
        if now_s - said_s >= SAY_EVERY_S:
            said_s = now_s
            say(f"  {progress.recorded} recorded, {progress.waiting} wait, {progress.whole} gates are whole")
        time.sleep(EVERY_PROCESS_S)
    return None


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """A folder for stores, logs and keys; gone at the end unless it is to be kept."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=False, mode=0o700)
        yield keep.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="sitegate-faults-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _figures(done: Outcome) -> dict[str, object]:
    return {
        "clean": done.clean,
        "total": _total(done),
        "faults_s": done.faults_s,
        "settled_s": done.settled_s,
        "repeated": done.repeated,
        "refused": asdict(done.refused),
        "kills": {name: count for name, count in done.kills.items() if count},
        "ended_by_itself": done.ended_by_itself,
        "unclean_stops": list(done.unclean_stops),
        "roster_changes": done.roster_changes,
        "roster_changes_failed": done.roster_changes_failed,
        "gates": {name: asdict(gate) for name, gate in done.gates.items()},
        "faults": [asdict(fault) for fault in done.faults],
    }


def _total(done: Outcome) -> dict[str, int]:
    rows = [asdict(gate) for gate in done.gates.values()]
    return {name: sum(row[name] for row in rows) for name in rows[0]}


def _show(console: Console, done: Outcome) -> None:
    table = Table("fault", "times", "seconds", title="Faults done")
    lengths: dict[str, float] = {}
    counts: Counter[str] = Counter()
    for fault in done.faults:
        what = f"{'gate' if fault.target in done.gates else fault.target}: {fault.kind}"
        counts[what] += 1
        lengths[what] = lengths.get(what, 0.0) + fault.for_s
    for what in sorted(counts):
        table.add_row(what, str(counts[what]), f"{lengths[what]:.0f}" if lengths[what] else "")
    console.print(table)
    figures = Table("at the end", "", title="Truth of the gates against the centre")
    for name, value in _total(done).items():
        figures.add_row(name.replace("_", " "), str(value))
    figures.add_row("came again and were known", f"at least {done.repeated}")
    figures.add_row("refused by the centre", str(dict(done.refused.by_cause) or 0))
    figures.add_row("ended by themselves", str(dict(done.ended_by_itself) or 0))
    figures.add_row("roster changes", str(sum(done.roster_changes.values())))
    console.print(figures)
    whole = "not whole in time" if done.settled_s is None else f"whole {done.settled_s:.0f} s after the last"
    console.print(
        f"{len(done.faults)} faults in {done.faults_s:.0f} s, {whole}: {'' if done.clean else 'NOT '}CLEAN"
    )
    for name, gate in done.gates.items():
        if not gate.clean:
            console.print(f"{name}: {gate}")
