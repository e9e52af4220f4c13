"""`sitegate policy try`: what the gate would answer a worker at a moment, rule by rule, and why."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from gate.cli.events import instant
from gate.config_file import load_settings
from gate.policy_trial import Trial, try_policy
from gate.store_access import open_existing_store

app = typer.Typer(help="Explain the policy.", no_args_is_help=True)

_COLOURS = {"allow": typer.colors.GREEN, "hold": typer.colors.YELLOW, "deny": typer.colors.RED}


@app.callback()
def _group() -> None:
    """One command so far; without this Typer would leave its name out."""


@app.command("try")
def try_(
    worker: Annotated[str, typer.Option(metavar="ID", help="Of the roster.")],
    at: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="2026-05-04T06:00 (local to the site), 8h (ago); default: now."),
    ] = None,
    lane: Annotated[str | None, typer.Option(metavar="ID", help="Of this gate; default: the first.")] = None,
    temperature: Annotated[
        float | None, typer.Option(metavar="C", help="What the thermometer reads; default: nothing.")
    ] = None,
    by_pass: Annotated[bool, typer.Option("--pass", help="By a QR pass that holds, without a face.")] = False,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Configuration file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON record.")] = False,
) -> None:
    """Say what the gate would answer this worker, rule by rule. Nothing opens, nothing is recorded.

    Roster, flags and clearances are those of now; passages are those recorded before the moment.
    """
    settings = load_settings(config)
    zone = ZoneInfo(settings.site.timezone)
    now = datetime.now(UTC)
    try:
        moment = instant(at, zone, now) if at else now
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"{at!r} is no time", param_hint="--at") from error
    known = {one.id: one for one in settings.lanes}
    if lane is not None and lane not in known:
        raise typer.BadParameter(f"no lane {lane}; there are: {', '.join(known)}", param_hint="--lane")
    chosen = known[lane] if lane is not None else settings.lanes[0]
    with open_existing_store(settings.store) as store:
        trial = try_policy(
            settings,
            store,
            worker_id=worker,
            lane=chosen,
            at=moment,
            celsius=temperature,
            by_pass=by_pass,
        )
    if as_json:
        typer.echo(json.dumps(trial.as_json(), ensure_ascii=False))
    else:
        _print(trial, moment.astimezone(zone))


def _print(trial: Trial, local: datetime) -> None:
    pass_text = trial.pass_text
    typer.echo(f"{trial.worker_id} at {trial.lane_id} ({trial.direction}), {local:%Y-%m-%d %H:%M %Z}")
    if pass_text:
        typer.echo(f"pass: {pass_text}")
    for step in trial.steps:
        if not step.said:
            typer.echo(f"  ok      {step.rule}")
        for said in step.said:
            word = "notice" if said.notice else said.outcome.value
            shown = typer.style(f"{word:6}", fg=_COLOURS[said.outcome.value])
            typer.echo(f"  {shown}  {step.rule}: {said.reason} - {said.text.zh} {said.text.en}")
            typer.echo(f"          -> {said.next_step.zh} {said.next_step.en}")
    answer = typer.style(trial.outcome.value, fg=_COLOURS[trial.outcome.value], bold=True)
    typer.echo(f"answer: {answer} ({', '.join(trial.reasons)})")
