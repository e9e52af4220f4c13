"""`sitegate events`: what the gate recorded, for people, spreadsheets and programs."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from gate.config_file import load_settings
from gate.store_access import open_existing_store
from sync.records import Event, Outcome

COLUMNS = (
    "occurred_at",
    "event_id",
    "sequence",
    "lane",
    "direction",
    "method",
    "outcome",
    "reasons",
    "worker",
    "score",
    "threshold",
    "liveness",
    "decided_in_ms",
    "passage",
    "guard",
    "note",
)
"""Of the CSV; times are local time of the site with offset, several reasons are joined by a space."""

_SPAN = re.compile(r"(\d+)([mhd])")
_SPAN_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def instant(written: str, zone: ZoneInfo, now: datetime) -> datetime:
    """When `--since` means: `8h` ago, or an ISO date or time, local to the site unless it has an offset.

    Raises ValueError where it is neither.
    """
    span = _SPAN.fullmatch(written)
    if span:
        return now - int(span[1]) * _SPAN_UNITS[span[2]]
    moment = datetime.fromisoformat(written)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def events(
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Configuration file.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many at most, the newest first.")] = 50,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="From then on: 30m, 8h, 2d, 2026-05-04, 2026-05-04T06:00."),
    ] = None,
    lane: Annotated[str | None, typer.Option(metavar="ID", help="Only of this lane.")] = None,
    worker: Annotated[str | None, typer.Option(metavar="ID", help="Only of this worker.")] = None,
    outcome: Annotated[Outcome | None, typer.Option(help="Only with this answer.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON record a line.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated, for a spreadsheet.")] = False,
) -> None:
    """List the recorded events, the newest first, in the site's local time."""
    settings = load_settings(config)
    zone = ZoneInfo(settings.site.timezone)
    if as_json and as_csv:
        raise typer.BadParameter("give --json or --csv, not both")
    try:
        begin = instant(since, zone, datetime.now(UTC)) if since else None
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"{since!r} is no time", param_hint="--since") from error
    with open_existing_store(settings.store) as store:
        found = store.events(limit=limit, since=begin, lane_id=lane, worker_id=worker, outcome=outcome)
    if as_json:
        for event in found:
            typer.echo(event.model_dump_json())
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_row(event, zone) for event in found)
    else:
        Console().print(_table(found, zone))


def _row(event: Event, zone: ZoneInfo) -> list[str]:
    match = event.match
    cells = (
        event.occurred_at.astimezone(zone).isoformat(timespec="milliseconds"),
        event.event_id,
        event.sequence,
        event.lane_id,
        event.direction,
        event.method,
        event.outcome,
        " ".join(event.reasons),
        event.worker_id,
        match and match.score,
        match and match.threshold,
        event.liveness,
        event.decided_in_ms,
        event.passage,
        event.guard,
        event.note,
    )
    return [_inert("" if cell is None else str(cell)) for cell in cells]


def _inert(cell: str) -> str:
    """Free text that a spreadsheet would run as a formula is written as text; numbers stay numbers."""
    if not cell.startswith(_FORMULA_STARTS):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


_COLOURS = {Outcome.ALLOW: "green", Outcome.HOLD: "yellow", Outcome.DENY: "red"}


def _table(found: Sequence[Event], zone: ZoneInfo) -> Table:
    table = Table(title=f"{len(found)} events, times in {zone.key}", title_justify="left")
    for heading in ("time", "lane", "way", "answer", "reasons", "worker", "score", "passage"):
        table.add_column(heading)
    for event in found:
        colour = _COLOURS[event.outcome]
        table.add_row(
            f"{event.occurred_at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
            event.lane_id,
            event.direction,
            f"[{colour}]{event.outcome}[/]",
            ", ".join(event.reasons),
            event.worker_id or "-",
            f"{event.match.score:.3f}" if event.match else "-",
            event.passage,
        )
    return table
