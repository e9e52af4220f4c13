"""`sitegate central terminal`: face terminals of other makers, see docs/vendor-gates.md."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from sync.central import terminals as registered
from sync.central.cli_options import DatabaseOption, SiteId, now, open_database
from sync.central.errors import SettingRefused
from sync.central.settings import DEFAULT_DATABASE
from sync.records import Direction

terminals = typer.Typer(no_args_is_help=True, help="Face terminals of other makers.")

_TerminalId = Annotated[
    str, typer.Argument(help="Id in the terminal's topics, mqtt/face/ID.", show_default=False)
]


@terminals.command("add")
def terminal_add(
    site_id: SiteId,
    terminal_id: _TerminalId,
    *,
    direction: Annotated[Direction, typer.Option(help="Which way its gate leads.")],
    name: Annotated[str, typer.Option(help="Name as people know it.")] = "",
    setting: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=VALUE as in docs/vendor-gates.md, e.g. keep_strangers=false; again for more."
        ),
    ] = None,
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Register a terminal; the running centre connects it within seconds."""
    settings = dict(_setting(one) for one in setting or ())
    with open_database(database) as opened, opened.write() as connection:
        registered.add_terminal(
            connection, site_id, terminal_id, direction=direction, name=name, settings=settings, now=now()
        )
    typer.echo(f"terminal {terminal_id} on site {site_id}; on it, set the topic mqtt/face/{terminal_id}")


@terminals.command("list")
def terminal_list(*, database: DatabaseOption = DEFAULT_DATABASE) -> None:
    """Show the terminals, when they were last heard and how many people they hold."""
    shown = Table("site", "terminal", "name", "direction", "state", "last seen", "held", "outstanding")
    with open_database(database, must_exist=True) as opened, opened.read() as connection:
        for one in registered.terminal_rows(connection):
            seen = one.last_seen_at.isoformat(timespec="seconds") if one.last_seen_at else ""
            state = "revoked" if one.is_revoked else one.presence or "never seen"
            held = f"{one.held} of {one.wanted}"
            shown.add_row(
                one.site_id, one.terminal_id, one.name, one.direction, state, seen, held, str(one.not_sent)
            )
    Console().print(shown)


@terminals.command("remove")
def terminal_remove(terminal_id: _TerminalId, *, database: DatabaseOption = DEFAULT_DATABASE) -> None:
    """Listen to a terminal no more. Its events stay; so does the list on it: switch it off."""
    with open_database(database, must_exist=True) as opened, opened.write() as connection:
        site_id = registered.remove_terminal(connection, terminal_id, now=now())
    typer.echo(f"terminal {terminal_id} of site {site_id} is removed; it still opens for whom it knows")


@terminals.command("outstanding")
def terminal_outstanding(terminal_id: _TerminalId, *, database: DatabaseOption = DEFAULT_DATABASE) -> None:
    """Show who could not be sent to a terminal, or not be taken off it, and why."""
    shown = Table("worker", "reason", "attempts")
    with open_database(database, must_exist=True) as opened, opened.read() as connection:
        for one in registered.outstanding(connection, terminal_id):
            shown.add_row(one.worker_id, one.reason, str(one.attempts))
    Console().print(shown)


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise SettingRefused(f"--setting {text!r} is not NAME=VALUE", next_step="e.g. keep_strangers=false")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value  # a word like `allow`
