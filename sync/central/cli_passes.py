"""`sitegate central passes`: the rules of pass colours on the command line."""

from __future__ import annotations

from getpass import getuser

import typer

from sync.central import audit, health
from sync.central.audit import Action
from sync.central.cli_options import DatabaseOption, RulesFile, now, open_database
from sync.central.settings import DEFAULT_DATABASE
from sync.rule_file import text_of
from sync.screening.pass_rules import PassRules, PassRulesInvalid

passes = typer.Typer(no_args_is_help=True, help="The rules of pass colours.")


@passes.command("show")
def passes_show(*, database: DatabaseOption = DEFAULT_DATABASE) -> None:
    """What gives which colour, and what ends it."""
    with open_database(database, must_exist=True) as opened, opened.read() as connection:
        _show(health.rules(connection))


@passes.command("set")
def passes_set(file: RulesFile = None, *, database: DatabaseOption = DEFAULT_DATABASE) -> None:
    """Put rules in force for what becomes known from now on; those that contradict themselves are refused."""
    text = None if file is None else text_of(file, PassRulesInvalid)
    by = f"command line: {getuser()}"
    with open_database(database, must_exist=True) as opened, opened.write() as connection:
        rules = health.set_rules(connection, text, source=str(file or ""), by=by, now=now())
        detail = {"profile": rules.profile, "version": rules.version, "file": file.name if file else ""}
        audit.note(connection, at=now(), actor=by, action=Action.SET_COLOUR_RULES, detail=detail)
    _show(rules)


def _show(rules: PassRules) -> None:
    typer.echo(f"profile {rules.profile}, version {rules.version}")
    for cause in rules.causes:
        steps = ", ".join(
            f"{step.colour} {f'{step.days:g} days' if step.days else 'until it is ended'}"
            for step in cause.steps
        )
        ended = f"; ended by {', '.join(cause.ended_by)}" if cause.ended_by else ""
        typer.echo(f"{cause.cause} ({cause.zh}): {steps}{ended}")
    for finding in rules.findings:
        green = f"green {finding.green_days:g} days" if finding.green_days else finding.green_until or ""
        typer.echo(
            f"{finding.finding} ({finding.zh}) counts against what is {finding.covers}: {green or '-'}"
        )
