"""What the commands of `sitegate central` have in common: options, and opening the database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from sync.central.database import SQLITE, Database
from sync.central.errors import SettingRefused

DatabaseOption = Annotated[
    str,
    typer.Option(
        "--database",
        envvar="SITEGATE_CENTRAL_DATABASE",
        help="sqlite:///path/to/file or postgresql://user@host/name (password: PGPASSWORD or a pass file).",
    ),
]
KeysOption = Annotated[
    Path,
    typer.Option("--keys", envvar="SITEGATE_CENTRAL_KEYS", help="Folder of the centre's signing key."),
]
RulesFile = Annotated[Path | None, typer.Argument(help="YAML; without it the shipped rules.", dir_okay=False)]
SiteId = Annotated[str, typer.Argument(help="Site id.", show_default=False)]


def open_database(database: str, *, must_exist: bool = False) -> Database:
    """Open and migrate; with `must_exist` an SQLite file that is not there is refused (SettingRefused)."""
    if must_exist:
        _check_exists(database)
    return Database.open(prepared(database))


def prepared(database: str) -> str:
    """Make the folder of an SQLite file, which holds faces: for its owner only."""
    prefix = f"{SQLITE}:///"
    if database.startswith(prefix):
        Path(database.removeprefix(prefix)).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return database


def _check_exists(database: str) -> None:
    prefix = f"{SQLITE}:///"
    if database.startswith(prefix) and not Path(database.removeprefix(prefix)).exists():
        raise SettingRefused(
            f"there is no database {database.removeprefix(prefix)}",
            next_step="give --database, or begin with: sitegate central site add",
        )


def host_and_port(text: str, option: str) -> tuple[str, int]:
    """Raises SettingRefused for what is not HOST:PORT."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise SettingRefused(f"{option} {text!r} is not HOST:PORT", next_step="e.g. 127.0.0.1:1883")
    return host.strip("[]"), int(port)


def now() -> datetime:
    """Aware, in UTC."""
    return datetime.now(UTC)
