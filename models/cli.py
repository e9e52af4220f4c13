"""`sitegate models`: list, fetch and verify the weights and samples of the zoo."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from models import fetch as fetching
from models.errors import FetchFailed, ModelError
from models.manifest import Download, Entry, Kind
from models.zoo import State, Zoo

app = typer.Typer(no_args_is_help=True, help="Weights and sample files: list, fetch, verify.")

_Names = Annotated[list[str] | None, typer.Argument(help="Names from `sitegate models list`.")]


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB"


@contextmanager
def _explained() -> Iterator[None]:
    """Turn an error of this room into a message with its next step and exit code 1."""
    try:
        yield
    except ModelError as error:
        console = Console(stderr=True)
        console.print(f"Error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        if error.next_step:
            console.print(error.next_step, markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error


@contextmanager
def _bar() -> Iterator[fetching.Progress]:
    """One line per file; on anything but a terminal nothing moves."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        tasks: dict[str, TaskID] = {}

        def show(label: str, done_bytes: int, total_bytes: int | None) -> None:
            if label not in tasks:
                tasks[label] = progress.add_task(label, total=total_bytes)
            progress.update(tasks[label], completed=done_bytes, total=total_bytes)

        yield show


@app.command("list")
def list_entries() -> None:
    """Every weight and sample: kind, licence, whether business use is free, size, state."""
    zoo = Zoo.default()
    table = Table(
        Column("name", no_wrap=True),
        "kind",
        Column("licence", overflow="fold"),
        "business use",
        "size",
        "state",
        box=SIMPLE,
    )
    for found in zoo.verify():
        entry = found.entry
        free = "free" if entry.business_use else "not free"
        size = _size(entry.usable_size_bytes)
        table.add_row(entry.name, entry.kind, entry.licence, free, size, found.state)
    console = Console()
    console.print(table)
    for entry in zoo.entries():
        if entry.note:
            console.print(f"{entry.name}: {entry.note}.", markup=False, highlight=False, soft_wrap=True)
    console.print(f"Kept in {zoo.cache_dir}", markup=False, highlight=False, soft_wrap=True)


@app.command()
def fetch(
    names: _Names = None,
    *,
    all_free: Annotated[
        bool,
        typer.Option("--all-free", help="Everything whose licence grants business use, samples included."),
    ] = False,
    samples: Annotated[
        bool,
        typer.Option("--samples", help="Also the free sample pictures and video of the demo and the tests."),
    ] = False,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Also files whose licence does not grant business use.")
    ] = False,
    wheelhouse: Annotated[
        Path | None,
        typer.Option(help="Folder with the archives or the bare files, asked before the network."),
    ] = None,
) -> None:
    """Bring files into the cache; without names, those that a gate needs."""
    zoo = Zoo.default()
    chosen = dict.fromkeys(names or [])
    for entry in zoo.entries():
        wanted = entry.default if not names else False
        wanted |= entry.business_use and (all_free or (samples and entry.kind is Kind.SAMPLE))
        if wanted:
            chosen[entry.name] = None
    with _explained():
        entries = [zoo.entry(name) for name in chosen]
        # With --all-free, a file whose web server is out of reach must not keep the rest from being complete.
        optional = [
            entry for entry in entries if all_free and _is_download(entry) and entry.name not in (names or [])
        ]
        with _bar() as progress:
            zoo.fetch(
                [entry.name for entry in entries if entry not in optional],
                accept_licence=accept_licence,
                wheelhouse=wheelhouse,
                progress=progress,
            )
            missed = []
            for entry in optional:
                try:
                    zoo.fetch([entry.name], wheelhouse=wheelhouse, progress=progress)
                except FetchFailed as error:
                    missed.append(error)
    for reason in missed:
        typer.echo(f"Warning: {reason}. {reason.next_step}", err=True)
    typer.echo(f"{len(entries) - len(missed)} of {len(entries)} files are in {zoo.cache_dir}")


def _is_download(entry: Entry) -> bool:
    return isinstance(entry.source, Download)


@app.command()
def verify(names: _Names = None) -> None:
    """Hash every fetched file anew; exit code 1 if one is damaged, or needed or named here and missing."""
    with _explained():
        results = Zoo.default().verify(names or None)
    bad = [
        found
        for found in results
        if found.state is State.CORRUPT or (found.state is State.MISSING and (names or found.entry.default))
    ]
    for found in results:
        typer.echo(f"{found.entry.name}: {found.state}" + (f": {found.detail}" if found in bad else ""))
    if bad:
        typer.echo(f"Run `sitegate models fetch {' '.join(found.entry.name for found in bad)}`.", err=True)
        raise typer.Exit(1)
