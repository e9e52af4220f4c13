"""`sitegate central token`, `worker`, `command`: the API's tokens, people of a gate's store, orders."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from sync.central import commands as orders
from sync.central import registry, tables
from sync.central.accounts import Accounts
from sync.central.cli_options import DatabaseOption, SiteId, now, open_database
from sync.central.settings import DEFAULT_DATABASE
from sync.store import LocalStore, StoreKey
from sync.store_settings import StoreSettings
from sync.wire.messages import Action

tokens = typer.Typer(no_args_is_help=True, help="Tokens of the API.")
workers = typer.Typer(no_args_is_help=True, help="Workers of the registry.")

EXIT_NOT_DONE = 1
ADOPTED_AT_ONCE = 200
LOOK_EVERY_S = 0.2

_DEFAULTS = StoreSettings()


@tokens.command("add")
def token_add(
    user_id: Annotated[str, typer.Argument(help="Whose rights it has.", show_default=False)],
    *,
    purpose: Annotated[str, typer.Option(help="What it is for; for people.")],
    valid_days: Annotated[int | None, typer.Option(min=1, help="Without it the token does not end.")] = None,
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Issue a token; it is shown once and kept as a hash."""
    until = now() + timedelta(days=valid_days) if valid_days else None
    with open_database(database, must_exist=True) as opened:
        issued = Accounts(opened).issue_token(user_id, purpose=purpose, expires_at=until)
    typer.echo(issued.secret)
    typer.echo(f"token {issued.token_id} of {user_id}; it is not shown again", err=True)


@tokens.command("list")
def token_list(*, database: DatabaseOption = DEFAULT_DATABASE) -> None:
    """Show the tokens, never their secrets."""
    table = tables.api_tokens.c
    shown = Table("token", "user", "purpose", "issued", "ends", "revoked")
    with open_database(database, must_exist=True) as opened, opened.read() as connection:
        for row in connection.execute(select(tables.api_tokens).order_by(table.created_at)):
            dates = [
                f"{one:%Y-%m-%d %H:%M}" if one else ""
                for one in (row.created_at, row.expires_at, row.revoked_at)
            ]
            shown.add_row(row.token_id, row.user_id, row.purpose, *dates)
    Console().print(shown)


@tokens.command("revoke")
def token_revoke(
    token_id: Annotated[str, typer.Argument(help="As `token list` shows it.", show_default=False)],
    *,
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """End a token at once."""
    with open_database(database, must_exist=True) as opened:
        Accounts(opened).revoke_token(token_id)
    typer.echo(f"token {token_id} is revoked")


@workers.command("adopt")
def worker_adopt(
    *,
    store: Annotated[Path, typer.Option(help="A gate's store, on this machine or a copy of it.")],
    key_file: Annotated[Path, typer.Option(help="Its key, mode 0600.")],
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Take everybody who was registered at a gate, with templates and flags, into the registry.

    From then on the centre's word counts for them, at every gate of their sites.
    """
    if not store.exists():
        raise typer.BadParameter(f"there is no store {store}", param_hint="--store")
    key = StoreKey.load(key_file, _DEFAULTS.key_env)
    adopted = 0
    with LocalStore.open(store, key) as gate, open_database(database, must_exist=True) as opened:
        while people := gate.workers(limit=ADOPTED_AT_ONCE, offset=adopted):
            entries = [(one, gate.templates(one.worker_id)) for one in people]
            with opened.write() as connection:
                registry.put_workers(connection, entries, now=now())
            adopted += len(people)
    typer.echo(f"{adopted} workers are in the registry")


def command(
    site_id: SiteId,
    gate_id: Annotated[str, typer.Argument(help="Gate id.", show_default=False)],
    action: Annotated[Action, typer.Argument(help="What to do.", show_default=False)],
    *,
    reason: Annotated[str, typer.Option(help="Why; it is on record at the gate.")],
    by: Annotated[str, typer.Option(help="Who asks.")],
    lane: Annotated[str, typer.Option(help="One lane; without it all of the gate.")] = "",
    wait_s: Annotated[float, typer.Option(min=0, help="How long to wait for the answer.")] = 30.0,
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Ask something of a gate: the running centre signs and sends it, the gate records and answers."""
    with open_database(database, must_exist=True) as opened:
        with opened.write() as connection:
            order = orders.ask(
                connection,
                (site_id, gate_id),
                action,
                issued_by=by,
                reason=reason,
                lane_id=lane,
                now=now(),
                valid_for=timedelta(seconds=max(wait_s, 1.0)),
            )
        deadline_s = time.monotonic() + wait_s
        while True:
            with opened.read() as connection:
                row = connection.execute(
                    select(tables.commands).where(tables.commands.c.command_id == order)
                ).one()
            if row.answered_at is not None or time.monotonic() >= deadline_s:
                break
            time.sleep(LOOK_EVERY_S)
    if row.answered_at is None:
        typer.echo("no answer: the gate or the centre's service is away; the command has expired", err=True)
        raise typer.Exit(EXIT_NOT_DONE)
    typer.echo(f"{'done' if row.done else 'not done'}: {row.detail}")
    if not row.done:
        raise typer.Exit(EXIT_NOT_DONE)
