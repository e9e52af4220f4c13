"""`sitegate roster pass` and `sitegate roster badge`: the ways in without a face."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from enroll.cli_options import (
    ConfigOption,
    KeyFileOption,
    StoreOption,
    WorkerIdArgument,
    end_of_day,
    settings_with,
)
from enroll.errors import EnrollError
from enroll.pass_card import write_code
from enroll.passes import PassOffice
from enroll.store_access import open_store
from sync.records import Method

_Revoke = Annotated[bool, typer.Option("--revoke", help="Take it back.")]


def pass_(
    worker_id: WorkerIdArgument,
    *,
    out: Annotated[Path | None, typer.Option(help="Write the code to this .png or .svg.")] = None,
    new: Annotated[
        bool, typer.Option("--new", help="A new pass even where there is one: that ends.")
    ] = False,
    until: Annotated[str, typer.Option(help="Last day of a new pass, YYYY-MM-DD.")] = "",
    minutes: Annotated[int, typer.Option(min=0, help="A signed pass for so many minutes instead.")] = 0,
    revoke: _Revoke = False,
    config: ConfigOption = None,
    store: StoreOption = None,
    key_file: KeyFileOption = None,
) -> None:
    """Write a worker's QR pass to a file, issuing it where there is none; or take it back."""
    settings = settings_with(config, store, key_file)
    if revoke is (out is not None):
        raise EnrollError("give either --out or --revoke", next_step="Name a .png or .svg with --out.")
    with open_store(settings, create=False) as opened:
        office = PassOffice(opened, settings, now=lambda: datetime.now(UTC))
        by = getpass.getuser()
        if out is None:
            office.revoke(worker_id, Method.QR, by=by)
            typer.echo(f"The QR pass of {worker_id} was taken back.")
            return
        if minutes:
            shown = office.sign(worker_id, by=by, lasts=timedelta(minutes=minutes))
        elif new or until or not office.holds_pass(worker_id):
            end = end_of_day(until, ZoneInfo(settings.site.timezone)) if until else None
            shown = office.issue(worker_id, by=by, valid_until=end)
        else:
            shown = office.show(worker_id)
        write_code(shown, out)
    typer.echo(f"{out} opens the gate as {worker_id}: hand it to nobody else.")


def badge(
    worker_id: WorkerIdArgument,
    number: Annotated[str, typer.Argument(help="As the reader says it; separators do not matter.")] = "",
    *,
    revoke: _Revoke = False,
    config: ConfigOption = None,
    store: StoreOption = None,
    key_file: KeyFileOption = None,
) -> None:
    """Give a worker a badge, in place of an earlier one; or take it back."""
    settings = settings_with(config, store, key_file)
    if revoke is bool(number):
        raise EnrollError("give either a number or --revoke", next_step="Hold the badge to a reader.")
    with open_store(settings, create=False) as opened:
        office = PassOffice(opened, settings, now=lambda: datetime.now(UTC))
        by = getpass.getuser()
        if revoke:
            office.revoke(worker_id, Method.BADGE, by=by)
        else:
            office.assign_badge(worker_id, number, by=by)
    typer.echo(f"The badge of {worker_id} was {'taken back' if revoke else 'assigned'}.")
