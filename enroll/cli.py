"""`sitegate roster`: import, template, list, show, remove, flag, unflag, pass, badge."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from enroll.cli_import import import_, template
from enroll.cli_options import (
    ConfigOption,
    KeyFileOption,
    StoreOption,
    WorkerIdArgument,
    end_of_day,
    plain_console,
    settings_with,
)
from enroll.cli_passes import badge, pass_
from enroll.errors import EnrollError
from enroll.store_access import open_store
from sync.records import Flag, FlagLevel

app = typer.Typer(
    no_args_is_help=True, help="Register workers for this gate.", pretty_exceptions_enable=False
)

app.command("import")(import_)
app.command()(template)
app.command("pass")(pass_)
app.command()(badge)


@app.command("list")
def list_(
    *,
    search: Annotated[str, typer.Option(help="Part of number, name, employer, team or phone.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many.")] = 100,
    config: ConfigOption = None,
    store: StoreOption = None,
    key_file: KeyFileOption = None,
) -> None:
    """Show the registered workers."""
    with open_store(settings_with(config, store, key_file), create=False) as opened:
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
    plain_console().print(table)
    typer.echo(f"{table.row_count} of {total} workers")


@app.command()
def show(
    worker_id: WorkerIdArgument,
    *,
    config: ConfigOption = None,
    store: StoreOption = None,
    key_file: KeyFileOption = None,
) -> None:
    """Show everything that is kept of one worker."""
    settings = settings_with(config, store, key_file)
    zone = ZoneInfo(settings.site.timezone)
    with open_store(settings, create=False) as opened:
        worker = opened.worker(worker_id)
        templates = opened.templates(worker_id)
    table = Table(show_header=False, box=None)
    for name, value in worker.model_dump(exclude={"flags", "clearances", "site_ids", "passes"}).items():
        table.add_row(name, _shown(value, zone))
    table.add_row("site_ids", ", ".join(worker.site_ids))
    for clearance in worker.clearances:
        table.add_row("clearance", f"{clearance.kind} until {_shown(clearance.valid_until, zone)}")
    for flag in worker.flags:
        until = f" until {_shown(flag.valid_until, zone)}" if flag.valid_until else ""
        table.add_row("flag", f"{flag.level}{until}: {flag.reason} (id {flag.flag_id})")
    for grant in worker.passes:
        until = f" until {_shown(grant.valid_until, zone)}" if grant.valid_until else ""
        gone = f", taken back {_shown(grant.revoked_at, zone)}" if grant.revoked_at else ""
        table.add_row("pass", f"{grant.method}{until}{gone} (id {grant.pass_id})")
    for kept in templates:
        made = _shown(kept.created_at, zone)
        table.add_row(
            "template",
            f"{kept.model} {kept.model_version}, quality {kept.quality:.0f}, from {kept.source}, {made}",
        )
    plain_console().print(table)


@app.command()
def remove(
    worker_id: WorkerIdArgument,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: ConfigOption = None,
    store: StoreOption = None,
    key_file: KeyFileOption = None,
) -> None:
    """Remove a worker with templates, flags, papers, consents and pictures; events stay."""
    with open_store(settings_with(config, store, key_file), create=False) as opened:
        worker = opened.worker(worker_id)
        if not yes:
            typer.confirm(f"Remove {worker.worker_id} {worker.name}?", abort=True)
        opened.remove_worker(worker_id)
    typer.echo(f"Removed {worker_id}.")


@app.command()
def flag(
    worker_id: WorkerIdArgument,
    *,
    level: Annotated[FlagLevel, typer.Option(help="What the gate does.")],
    reason: Annotated[str, typer.Option(help="Why; the guard sees it.")],
    until: Annotated[str, typer.Option(help="Last day, YYYY-MM-DD; without it, for good.")] = "",
    config: ConfigOption = None,
    store: StoreOption = None,
    key_file: KeyFileOption = None,
) -> None:
    """Flag a worker: refuse, hold for the guard, or notify."""
    settings = settings_with(config, store, key_file)
    if not reason.strip():
        raise EnrollError("a flag needs a reason", next_step="Say in --reason why.")
    added = Flag(
        level=level,
        reason=reason.strip(),
        valid_until=end_of_day(until, ZoneInfo(settings.site.timezone)) if until else None,
    )
    with open_store(settings, create=False) as opened:
        opened.put_flag(worker_id, added)
    typer.echo(f"Flagged {worker_id}: {level} (id {added.flag_id}).")


@app.command()
def unflag(
    worker_id: WorkerIdArgument,
    *,
    flag_id: Annotated[str, typer.Option(help="Only this one; `roster show` names the ids.")] = "",
    config: ConfigOption = None,
    store: StoreOption = None,
    key_file: KeyFileOption = None,
) -> None:
    """Take the flags off a worker."""
    with open_store(settings_with(config, store, key_file), create=False) as opened:
        ids = [flag_id] if flag_id else [one.flag_id for one in opened.worker(worker_id).flags]
        for one in ids:
            opened.remove_flag(worker_id, one)
    typer.echo(f"Took {len(ids)} flags off {worker_id}.")


def _shown(value: object, zone: ZoneInfo) -> str:
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    if value is None:
        return "-"
    return value.isoformat() if isinstance(value, date) else str(value)
