"""`sitegate central alert`: alerts, their channels and their rules on the command line."""

from __future__ import annotations

from getpass import getuser
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from sync.alerting import AlertRules, AlertRulesInvalid
from sync.alerting.telling import SEVERITIES, STATES
from sync.central import alert_rules, audit, tables
from sync.central.alert_channels import FILE_NAME, ChannelFile
from sync.central.alert_sender import Message, deliver_by_apprise
from sync.central.alerts import alert_of
from sync.central.audit import Action
from sync.central.cli_options import DatabaseOption, KeysOption, RulesFile, now, open_database
from sync.central.settings import DEFAULT_DATABASE, DEFAULT_KEYS
from sync.central.tables_alerts import NOT_CLOSED, alert_channels, alert_messages
from sync.central.tables_alerts import alerts as alert_rows
from sync.rule_file import text_of

alerts = typer.Typer(no_args_is_help=True, help="Alerts, and where they go out.")

ROWS_SHOWN = 100


@alerts.command("list")
def alert_list(
    *,
    closed_too: Annotated[bool, typer.Option("--closed-too", help="Those that are closed as well.")] = False,
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """The newest alerts, without names."""
    row, site = alert_rows.c, tables.sites.c
    query = select(alert_rows, site.timezone).join(tables.sites, site.site_id == row.site_id)
    if not closed_too:
        query = query.where(NOT_CLOSED)
    shown = Table("raised", "severity", "alert", "site", "about", "times", "state", "id")
    with open_database(database, must_exist=True) as opened, opened.read() as connection:
        rules = alert_rules.rules(connection)
        for found in connection.execute(query.order_by(row.raised_at.desc()).limit(ROWS_SHOWN)):
            alert, rule = alert_of(found), rules.rule(found.rule_id)
            shown.add_row(
                f"{alert.raised_at:%Y-%m-%d %H:%M}Z",
                "" if rule is None else SEVERITIES[rule.severity].en,
                rules.words(alert.rule_id).en,
                alert.site_id,
                alert.subject,
                str(alert.times),
                STATES[alert.state].en,
                alert.alert_id,
            )
    Console().print(shown)


@alerts.command("channels")
def alert_channels_(*, database: DatabaseOption = DEFAULT_DATABASE, keys: KeysOption = DEFAULT_KEYS) -> None:
    """The channels of the private file and how they do; addresses are not shown."""
    file = ChannelFile(keys / FILE_NAME).current()
    message = alert_messages.c
    with open_database(database, must_exist=True) as opened, opened.read() as connection:
        queued = (
            select(message.channel, func.count()).where(message.sent_at.is_(None)).group_by(message.channel)
        )
        waiting = {name: int(count) for name, count in connection.execute(queued)}
        states = {one.channel: one for one in connection.execute(select(alert_channels))}
    known = {one.channel: one for one in file.channels}
    shown = Table("channel", "levels", "severity", "waiting", "last sent", "problem")
    for name in sorted({*known, *waiting}):
        one, does = known.get(name), states.get(name)
        shown.add_row(
            name,
            "" if one is None else " ".join(one.levels) or "all",
            "" if one is None else f"{one.severity} and worse",
            str(waiting.get(name, 0)),
            f"{does.last_sent_at:%Y-%m-%d %H:%M}Z" if does is not None and does.last_sent_at else "",
            "not in the file" if one is None else "" if does is None else does.problem,
        )
    Console().print(shown)


@alerts.command("test")
def alert_test(
    channel: Annotated[str, typer.Argument(help="Name of the channel; without it all.")] = "",
    *,
    keys: KeysOption = DEFAULT_KEYS,
) -> None:
    """Send a test message by a channel; exit code 1 where one does not take it."""
    file = ChannelFile(keys / FILE_NAME)
    chosen = [one for one in file.current().channels if channel in ("", one.channel)]
    if not chosen:
        typer.echo(f"no channel {channel}: see {file.path}" if channel else f"no channels in {file.path}")
        raise typer.Exit(1)
    message = Message("工地预警测试 Alert test", "这是一条测试消息 This is a test of Sitegate's alerts.")
    problems = {one.channel: deliver_by_apprise(one.url.get_secret_value(), message) for one in chosen}
    for name, problem in problems.items():
        typer.echo(f"{name}: {problem or 'sent'}")
    if any(problems.values()):
        raise typer.Exit(1)


@alerts.command("rules")
def alert_rules_(*, database: DatabaseOption = DEFAULT_DATABASE) -> None:
    """The rules in force."""
    with open_database(database, must_exist=True) as opened, opened.read() as connection:
        _show(alert_rules.rules(connection))


@alerts.command("set-rules")
def alert_set_rules(file: RulesFile = None, *, database: DatabaseOption = DEFAULT_DATABASE) -> None:
    """Put rules in force; a file that contradicts itself is refused with the place."""
    text = None if file is None else text_of(file, AlertRulesInvalid)
    by = f"command line: {getuser()}"
    with open_database(database, must_exist=True) as opened, opened.write() as connection:
        rules = alert_rules.set_rules(connection, text, source=str(file or ""), now=now())
        detail = {"profile": rules.profile, "version": rules.version, "file": file.name if file else ""}
        audit.note(connection, at=now(), actor=by, action=Action.SET_ALERT_RULES, detail=detail)
    _show(rules)


def _show(rules: AlertRules) -> None:
    typer.echo(f"profile {rules.profile}, version {rules.version}")
    shown = Table("rule", "severity", "acknowledge", "close", "ladder", "gate", "sent")
    for rule in rules.rules:
        shown.add_row(
            f"{rule.rule_id}: {rule.en}",
            rule.severity.value,
            f"{rule.acknowledge_min} min",
            f"{rule.close_min} min",
            rule.ladder,
            "yes" if rule.guard is not None else "",
            "yes" if rule.send else "",
        )
    Console().print(shown)
