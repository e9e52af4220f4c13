"""`sitegate config …`: check a configuration, print the settings in effect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from ruamel.yaml import YAML

from gate.config_file import DEFAULT_PATH, load_as
from gate.config_sections import refuse_broken_sections, whole_file

app = typer.Typer(help="Check or print the configuration.", no_args_is_help=True)

FileArgument = Annotated[
    Path | None, typer.Argument(metavar="FILE", help="Default: ./config.yaml, else the built-in defaults.")
]


@app.command()
def check(file: FileArgument = None) -> None:
    """Exit 0 when FILE says what it should, else 2 with every problem, its line and what is allowed."""
    refuse_broken_sections()
    load_as(whole_file(), file)
    if file is None and not DEFAULT_PATH.exists():
        typer.echo(f"no {DEFAULT_PATH} here; the built-in defaults apply")
    else:
        typer.echo(f"{file or DEFAULT_PATH}: ok")


@app.command()
def show(file: FileArgument = None) -> None:
    """Print every setting in effect as YAML. Secrets are never part of the configuration."""
    yaml = YAML()
    yaml.allow_unicode = True
    yaml.dump(
        load_as(whole_file(), file).model_dump(mode="json", by_alias=True), typer.get_text_stream("stdout")
    )
