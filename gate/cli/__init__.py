"""The command `sitegate`: every room brings its commands through the entry points `sitegate.commands`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points, version
from typing import Annotated, ClassVar

import typer

from gate.cli.lazy import DEBUG_VARIABLE, LazyCommand, LazyGroup, debugging

ENTRY_POINTS = "sitegate.commands"
EXIT_REFUSED = 2
EXIT_INTERRUPTED = 130

SUMMARIES = {
    "demo": "Show the whole flow on real footage, without any hardware.",
    "gate": "Run the gate; set the guard's PIN.",
    "kiosk": "Run the enrolment kiosk; add its users.",
    "roster": "Register workers: import, list, show, remove.",
    "events": "List the recorded events.",
    "policy": "Explain what the policy says of a worker, rule by rule.",
    "doctor": "Check camera, weights, store, relay, clock and disk.",
    "central": "Run the centre; add sites, gates and users; back up, restore.",
    "config": "Check or print the configuration.",
    "models": "List, fetch and verify the weights.",
    "bench": "Measure recognition, lanes and speed; calibrate.",
}
"""In the order of the help; a command from elsewhere is listed after these, by its name."""


def _commands() -> dict[str, LazyCommand]:
    found = {point.name: point.value for point in entry_points(group=ENTRY_POINTS)}
    order = [*(name for name in SUMMARIES if name in found), *sorted(found.keys() - SUMMARIES.keys())]
    return {name: LazyCommand(found[name], SUMMARIES.get(name, "")) for name in order}


class RootGroup(LazyGroup):
    """All commands of all rooms."""

    lazy: ClassVar[Mapping[str, LazyCommand]] = _commands()


app = typer.Typer(
    cls=RootGroup,
    name="sitegate",
    help="Face-recognition gates for construction sites.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they print local variables, and one of those may be a PIN
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sitegate {version('sitegate')}")
        raise typer.Exit


@app.callback()
def _frame(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", help=f"Show where an error came from ({DEBUG_VARIABLE}=1 does the same)."),
    ] = False,
) -> None:
    if debug:
        os.environ[DEBUG_VARIABLE] = "1"


def main() -> None:
    """Run the command line and exit: 0 done, 1 a check failed, 2 refused or misused, 130 interrupted.

    A known error is one clear line and the next step on stderr; a traceback only with `--debug`.
    """
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")  # its warnings repeat what our errors say better
    try:
        app(prog_name="sitegate")
    except Exception as error:
        # The rooms' errors are known by the next step they carry; importing the rooms to name their base
        # classes would load OpenCV and the networks for every `--help`.
        next_step = getattr(error, "next_step", None)
        if next_step is None or debugging():
            raise
        typer.echo(f"Error: {error}", err=True)
        if next_step:
            typer.echo(f"Next: {next_step}", err=True)
        sys.exit(EXIT_REFUSED)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
