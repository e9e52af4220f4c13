"""`sitegate central checklist`: what inspectors are asked, on the command line."""

from __future__ import annotations

from getpass import getuser
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from sync.central import checklists
from sync.central.cli_options import DatabaseOption, now, open_database
from sync.central.settings import DEFAULT_DATABASE
from sync.inspections import read_checklist

checklist_commands = typer.Typer(no_args_is_help=True, help="Checklists of inspections.")


@checklist_commands.command("add")
def checklist_add(
    file: Annotated[Path, typer.Argument(help="YAML, see docs/grid.md.", exists=True, dir_okay=False)],
    *,
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Offer a checklist, or a newer version of one; inspections keep what they were asked."""
    checklist = read_checklist(file)
    with open_database(database, must_exist=True) as opened, opened.write() as connection:
        checklists.add(connection, checklist, by=_by(), now=now())
    typer.echo(
        f"checklist {checklist.checklist_id} version {checklist.version}: {len(checklist.items)} items"
    )


@checklist_commands.command("list")
def checklist_list(*, database: DatabaseOption = DEFAULT_DATABASE) -> None:
    """Show what inspectors can choose."""
    shown = Table("checklist", "version", "title", "items", "levels", "every")
    with open_database(database, must_exist=True) as opened, opened.read() as connection:
        for one in checklists.offered(connection).values():
            every = f"{one.every_days} d" if one.every_days is not None else ""
            shown.add_row(
                one.checklist_id,
                str(one.version),
                str(one.words),
                str(len(one.items)),
                ", ".join(one.levels),
                every,
            )
    Console().print(shown)


@checklist_commands.command("remove")
def checklist_remove(
    checklist_id: Annotated[str, typer.Argument(help="As `checklist list` shows it.", show_default=False)],
    *,
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Offer a checklist no longer; its inspections and findings stay. `checklist add` takes it back."""
    with open_database(database, must_exist=True) as opened, opened.write() as connection:
        checklists.remove(connection, checklist_id, by=_by(), now=now())
    typer.echo(f"checklist {checklist_id} is not offered any more")


def _by() -> str:
    return f"command line: {getuser()}"
