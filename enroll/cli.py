"""`sitegate roster`: import, list, show, remove, flag, unflag."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from enroll.errors import EnrollError
from enroll.roster_config import RosterConfig, load_roster_config
from enroll.roster_file import read_roster_file
from enroll.roster_values import parse_instant
from sync.errors import StoreMissing
from sync.records import Flag, FlagLevel
from sync.store import LocalStore, StoreKey

if TYPE_CHECKING:
    from enroll.roster_import import RowReport
    from models.engine import FaceEngine

EXIT_SOME_ROWS_FAILED = 3
SHOWN_PROBLEMS = 20

app = typer.Typer(
    no_args_is_help=True, help="Register workers for this gate.", pretty_exceptions_enable=False
)

_Config = Annotated[
    Path | None,
    typer.Option("--config", help="Where site and store are described; config.yaml if it is there."),
]
_Store = Annotated[
    Path | None,
    typer.Option("--store", envvar="SITEGATE_STORE", help="Store file, instead of the configured one."),
]
_KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        envvar="SITEGATE_STORE_KEY_FILE",
        help="Key of the store, instead of the configured one.",
    ),
]
_WorkerId = Annotated[str, typer.Argument(help="Worker number.", show_default=False)]


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV file; docs/roster.md lists its columns.")],
    *,
    photos: Annotated[
        Path | None, typer.Option(help="Folder of the photos; without it that of the file.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write what became of each row to this CSV.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, change nothing.")] = False,
    config: _Config = None,
    store: _Store = None,
    key_file: _KeyFile = None,
) -> None:
    """Add and update workers from a CSV file with photos.

    Exit code 0: every row is registered; 3: some rows failed, the others are registered; 2: nothing could be
    read or stored.
    """
    # Imported here: the engine's libraries take a moment that list and show need not wait for.
    from enroll.roster_import import ImportPlan, RowResult, import_roster, write_report  # noqa: PLC0415
    from models.quality import QualityLimits  # noqa: PLC0415

    settings = _settings(config, store, key_file)
    roster = read_roster_file(file)
    console = _plain_console(stderr=True)
    if roster.ignored:
        console.print(f"Columns without a meaning here: {', '.join(roster.ignored)}")
    if report is not None:
        write_report(report, [])  # found out now rather than after an hour
    done: list[RowReport] = []
    opened = None if dry_run and not settings.store.path.exists() else _open(settings, create=True)
    try:
        plan = ImportPlan(
            store=opened,
            site_id=settings.site.id,
            zone=ZoneInfo(settings.site.timezone),
            training_kind=settings.policy.training_kind,
            photo_folder=photos or file.parent,
            load_engine=lambda: _engine(settings),
            limits=QualityLimits(),
            dry_run=dry_run,
        )
        steps = import_roster(roster, plan)
        for row in track(steps, total=len(roster.rows), description="Rows", console=console):
            done.append(row)
    finally:
        if opened is not None:
            opened.close()
        done.sort(key=lambda row: row.row)
        if report is not None:
            write_report(report, done)
    _summarise(done, dry_run=dry_run)
    if any(row.result is RowResult.FAILED for row in done):
        raise typer.Exit(EXIT_SOME_ROWS_FAILED)


@app.command("list")
def list_(
    *,
    search: Annotated[str, typer.Option(help="Part of number, name, employer, team or phone.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many.")] = 100,
    config: _Config = None,
    store: _Store = None,
    key_file: _KeyFile = None,
) -> None:
    """Show the registered workers."""
    with _open(_settings(config, store, key_file)) as opened:
        table = Table("number", "name", "employer", "team", "status", "flags", "templates")
        for worker in opened.workers(search=search, limit=limit):
            table.add_row(
                worker.worker_id,
                worker.name,
                worker.employer,
                worker.team,
                worker.status,
                ", ".join(flag.level for flag in worker.flags),
                str(len(opened.templates(worker.worker_id))),
            )
        total = opened.count_workers(search=search)
    _plain_console().print(table)
    typer.echo(f"{table.row_count} of {total} workers")


@app.command()
def show(
    worker_id: _WorkerId, *, config: _Config = None, store: _Store = None, key_file: _KeyFile = None
) -> None:
    """Show everything that is kept of one worker."""
    settings = _settings(config, store, key_file)
    zone = ZoneInfo(settings.site.timezone)
    with _open(settings) as opened:
        worker = opened.worker(worker_id)
        templates = opened.templates(worker_id)
    table = Table(show_header=False, box=None)
    for name, value in worker.model_dump(exclude={"flags", "clearances", "site_ids"}).items():
        table.add_row(name, _shown(value, zone))
    table.add_row("site_ids", ", ".join(worker.site_ids))
    for clearance in worker.clearances:
        table.add_row("clearance", f"{clearance.kind} until {_shown(clearance.valid_until, zone)}")
    for flag in worker.flags:
        until = f" until {_shown(flag.valid_until, zone)}" if flag.valid_until else ""
        table.add_row("flag", f"{flag.level}{until}: {flag.reason} (id {flag.flag_id})")
    for template in templates:
        made = _shown(template.created_at, zone)
        table.add_row(
            "template",
            f"{template.model} {template.model_version}, quality {template.quality:.0f}, "
            f"from {template.source}, {made}",
        )
    _plain_console().print(table)


@app.command()
def remove(
    worker_id: _WorkerId,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: _Config = None,
    store: _Store = None,
    key_file: _KeyFile = None,
) -> None:
    """Remove a worker with all templates and flags; events stay."""
    with _open(_settings(config, store, key_file)) as opened:
        worker = opened.worker(worker_id)
        if not yes:
            typer.confirm(f"Remove {worker.worker_id} {worker.name}?", abort=True)
        opened.remove_worker(worker_id)
    typer.echo(f"Removed {worker_id}.")


@app.command()
def flag(
    worker_id: _WorkerId,
    *,
    level: Annotated[FlagLevel, typer.Option(help="What the gate does.")],
    reason: Annotated[str, typer.Option(help="Why; the guard sees it.")],
    until: Annotated[str, typer.Option(help="Last day, YYYY-MM-DD; without it, for good.")] = "",
    config: _Config = None,
    store: _Store = None,
    key_file: _KeyFile = None,
) -> None:
    """Flag a worker: refuse, hold for the guard, or notify."""
    settings = _settings(config, store, key_file)
    if not reason.strip():
        raise EnrollError("a flag needs a reason", next_step="Say in --reason why.")
    added = Flag(
        level=level,
        reason=reason.strip(),
        valid_until=_until(until, ZoneInfo(settings.site.timezone)) if until else None,
    )
    with _open(settings) as opened:
        opened.put_flag(worker_id, added)
    typer.echo(f"Flagged {worker_id}: {level} (id {added.flag_id}).")


@app.command()
def unflag(
    worker_id: _WorkerId,
    *,
    flag_id: Annotated[str, typer.Option(help="Only this one; `roster show` names the ids.")] = "",
    config: _Config = None,
    store: _Store = None,
    key_file: _KeyFile = None,
) -> None:
    """Take the flags off a worker."""
    with _open(_settings(config, store, key_file)) as opened:
        ids = [flag_id] if flag_id else [one.flag_id for one in opened.worker(worker_id).flags]
        for one in ids:
            opened.remove_flag(worker_id, one)
    typer.echo(f"Took {len(ids)} flags off {worker_id}.")


def _settings(config: Path | None, store: Path | None, key_file: Path | None) -> RosterConfig:
    settings = load_roster_config(config)
    chosen = {"path": store, "key_file": key_file}
    update = {name: path for name, path in chosen.items() if path is not None}
    return settings.model_copy(update={"store": settings.store.model_copy(update=update)})


def _open(settings: RosterConfig, *, create: bool = False) -> LocalStore:
    where = settings.store
    exists = where.path.exists()
    if not exists and not create:
        raise StoreMissing(
            f"there is no store at {where.path}",
            next_step="Import a roster first (`sitegate roster import`), or name the store with --store.",
        )
    # A fresh key only for a fresh store: it would open no existing one.
    key = StoreKey.load(where.key_file, where.key_env, create=not exists)
    return LocalStore.open(
        where.path, key, busy_timeout_s=where.busy_timeout_s, min_free_mb=where.min_free_mb
    )


def _engine(settings: RosterConfig) -> FaceEngine:
    from models.engine import FaceEngine  # noqa: PLC0415
    from models.zoo import Zoo  # noqa: PLC0415

    recognition = settings.recognition
    return FaceEngine.load(embedder=recognition.embedder, zoo=Zoo.default(recognition.weights_dir))


def _plain_console(*, stderr: bool = False) -> Console:
    """A console that prints what people wrote as it is, without taking brackets for colours."""
    return Console(stderr=stderr, markup=False, highlight=False)


def _until(text: str, zone: ZoneInfo) -> datetime:
    try:
        return parse_instant(text, zone, until=True)
    except (ValueError, OverflowError) as error:
        raise EnrollError(f"--until: {text!r} is no date", next_step="Write YYYY-MM-DD.") from error


def _shown(value: object, zone: ZoneInfo) -> str:
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    if value is None:
        return "-"
    return value.isoformat() if isinstance(value, date) else str(value)


def _summarise(done: list[RowReport], *, dry_run: bool) -> None:
    counts: dict[str, int] = {}
    for row in done:
        counts[row.result] = counts.get(row.result, 0) + 1
    said = ", ".join(f"{count} {result}" for result, count in sorted(counts.items())) or "no rows"
    typer.echo(f"{len(done)} rows: {said}" + (" (dry run: nothing was changed)" if dry_run else ""))
    problems = [row for row in done if row.reason]
    for row in problems[:SHOWN_PROBLEMS]:
        typer.echo(f"row {row.row}, {row.worker_id}, {row.result}: {row.reason}. {row.next_step}", err=True)
    if len(problems) > SHOWN_PROBLEMS:
        typer.echo(f"and {len(problems) - SHOWN_PROBLEMS} more; --report lists them all", err=True)
