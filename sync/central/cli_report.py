"""`sitegate central report`: the daily report as a PDF."""

from __future__ import annotations

from datetime import datetime
from getpass import getuser
from pathlib import Path
from typing import Annotated

import typer

from sync.central.accounts_access import Role, Viewer
from sync.central.audit import Action
from sync.central.cli_options import DatabaseOption, now, open_database
from sync.central.errors import SettingRefused
from sync.central.figures import Place
from sync.central.numbers_desk import NumbersDesk
from sync.central.settings import DEFAULT_DATABASE
from sync.clearance_rules import read_rules, shipped_rules


def report(
    out: Annotated[Path, typer.Option(help="New file: .pdf.", show_default=False)],
    *,
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day at the sites; without it today.", show_default=False),
    ] = None,
    site: Annotated[str, typer.Option(help="One site.")] = "",
    district: Annotated[str, typer.Option(help="All sites of a district; - has those without one.")] = "",
    sub_district: Annotated[str, typer.Option(help="All sites of a sub-district; - as above.")] = "",
    clearance_rules: Annotated[
        Path | None,
        typer.Option(help="As given to `sitegate central run`; without it the shipped profile."),
    ] = None,
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Write the daily report: a page for the place, and one for each of its sites. It names nobody."""
    if out.suffix.lower() != ".pdf":
        raise SettingRefused(f"{out} is no file for a report", next_step="end it with .pdf")
    # Imported here: the other commands need not wait for it.
    from sync.central.daily_report import report_pdf  # noqa: PLC0415

    rules = shipped_rules() if clearance_rules is None else read_rules(clearance_rules)
    viewer = Viewer(f"command line: {getuser()}", "", Role.ADMIN, None, via="command line")
    with open_database(database, must_exist=True) as opened:
        desk = NumbersDesk(opened, now=now, rules=rules)
        board = desk.board(
            viewer,
            Place(district, sub_district, site),
            day.date() if day else None,
            action=Action.REPORTED_NUMBERS,
        )
    written = report_pdf(board, rules)
    try:
        with out.open("xb") as file:
            file.write(written)
    except FileExistsError as error:
        raise SettingRefused(f"{out} is there already", next_step="name a new file") from error
    typer.echo(f"{out}: {len(board.sites)} sites, {len(written):,} bytes")
