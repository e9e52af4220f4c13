"""What the roster commands share: options and how they are read, the configured store, a plain console."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from enroll.errors import EnrollError
from enroll.roster_config import RosterConfig, load_roster_config
from enroll.roster_values import parse_instant

WorkerIdArgument = Annotated[str, typer.Argument(help="Worker number.", show_default=False)]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="Where site and store are described; config.yaml if it is there."),
]
StoreOption = Annotated[
    Path | None,
    typer.Option("--store", envvar="SITEGATE_STORE", help="Store file, instead of the configured one."),
]
KeyFileOption = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        envvar="SITEGATE_STORE_KEY_FILE",
        help="Key of the store, instead of the configured one.",
    ),
]


def settings_with(config: Path | None, store: Path | None, key_file: Path | None) -> RosterConfig:
    """The configuration, with the store that the options name."""
    settings = load_roster_config(config)
    chosen = {"path": store, "key_file": key_file}
    update = {name: path for name, path in chosen.items() if path is not None}
    return settings.model_copy(update={"store": settings.store.model_copy(update=update)})


def end_of_day(text: str, zone: ZoneInfo) -> datetime:
    """What --until says: the first instant after that day. Raises EnrollError."""
    try:
        return parse_instant(text, zone, until=True)
    except (ValueError, OverflowError) as error:
        raise EnrollError(f"--until: {text!r} is no date", next_step="Write YYYY-MM-DD.") from error


def plain_console(*, stderr: bool = False) -> Console:
    """A console that prints what people wrote as it is, without taking brackets for colours."""
    return Console(stderr=stderr, markup=False, highlight=False)
