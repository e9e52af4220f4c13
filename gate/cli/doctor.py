"""`sitegate doctor`: look at everything the gate needs and say what to do."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gate.config_file import load_settings

_SIGNS = {
    "ok": ("ok  ", typer.colors.GREEN),
    "warn": ("warn", typer.colors.YELLOW),
    "fail": ("FAIL", typer.colors.RED),
}


def doctor(
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Configuration file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as one JSON list.")] = False,
) -> None:
    """Check camera, weights, store, relay, inputs, clock, disk and ports; exit 1 when something fails.

    No door is opened. Stop the gate first: under a running gate cameras and boards are left alone.
    """
    settings = load_settings(config)

    from gate.doctor import Condition, examine  # noqa: PLC0415 - drivers and OpenCV only for the look itself

    checks = examine(settings)
    if as_json:
        typer.echo(json.dumps([asdict(check) for check in checks], ensure_ascii=False))
    else:
        for check in checks:
            word, colour = _SIGNS[check.condition]
            typer.echo(f"{typer.style(word, fg=colour)}  {check.part}: {check.detail}")
            if check.next_step and check.condition is not Condition.OK:
                typer.echo(f"      -> {check.next_step}")
    if any(check.condition is Condition.FAIL for check in checks):
        raise typer.Exit(1)
