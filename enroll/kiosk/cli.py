"""`sitegate kiosk`: run the enrolment kiosk, look after its users, check what it needs."""

from __future__ import annotations

import logging
import signal
import threading
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from enroll.roster_config import RosterConfig, load_roster_config
from enroll.store_access import open_store
from sync.store import LocalStore
from sync.store.kiosk_accounts import KioskRole

if TYPE_CHECKING:
    from enroll.accounts import KioskAccounts

COMMAND_LINE = "command line"

app = typer.Typer(
    no_args_is_help=True,
    help="Run the enrolment kiosk; look after its users.",
    pretty_exceptions_enable=False,
)
users = typer.Typer(no_args_is_help=True, help="Who may use the kiosk.", pretty_exceptions_enable=False)
app.add_typer(users, name="user")

_Config = Annotated[
    Path | None,
    typer.Option("--config", help="The configuration; config.yaml if it is there."),
]
_UserId = Annotated[str, typer.Argument(help="Name to sign in with.", show_default=False)]

_Password = Annotated[
    str,
    typer.Option(
        envvar="SITEGATE_NEW_PASSWORD",
        help="Asked for; or set the environment variable.",
        prompt=True,
        confirmation_prompt=True,
        hide_input=True,
    ),
]


@app.command()
def run(*, config: _Config = None) -> None:
    """Serve the kiosk until it is stopped (Ctrl-C, SIGTERM)."""
    from enroll.kiosk.background import background  # noqa: PLC0415 - only where pages are served
    from enroll.kiosk.office import KioskOffice  # noqa: PLC0415
    from enroll.kiosk.server import run_kiosk  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = load_roster_config(config)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with open_store(settings, create=True) as store:
        office = KioskOffice(store, settings)
        if not store.kiosk_users():
            typer.echo("Nobody can sign in yet: sitegate kiosk user add NAME --role site_manager", err=True)
        with background(office, version=version("sitegate")):
            run_kiosk(office, on_ready=lambda url: typer.echo(f"kiosk: {url}"), stop=stop)


@app.command()
def check(*, config: _Config = None) -> None:
    """Say whether users, consent texts and who answers for them, weights, camera and reader are there."""
    from enroll.kiosk.checkup import look_over  # noqa: PLC0415
    from enroll.kiosk.office import KioskOffice  # noqa: PLC0415

    settings = load_roster_config(config)
    with open_store(settings, create=False) as store:
        findings = look_over(KioskOffice(store, settings))
    for finding in findings:
        typer.echo(f"{'ok  ' if finding.is_good else 'FAIL'} {finding.part}: {finding.text}")
    if not all(finding.is_good for finding in findings):
        raise typer.Exit(1)


@users.command()
def add(
    user_id: _UserId,
    *,
    role: Annotated[KioskRole, typer.Option(help="What kind of work.")],
    name: Annotated[str, typer.Option(help="Shown on the screen.")] = "",
    password: _Password,
    config: _Config = None,
) -> None:
    """Add a user; the password is kept as an Argon2id hash."""
    settings = load_roster_config(config)
    with open_store(settings, create=True) as store:
        _accounts(store, settings).add_user(user_id, password=password, role=role, name=name, by=COMMAND_LINE)
    typer.echo(f"{user_id} may sign in as {role.value}")


@users.command("list")
def list_(*, config: _Config = None) -> None:
    """Show the users."""
    settings = load_roster_config(config)
    zone = ZoneInfo(settings.site.timezone)
    table = Table("user", "name", "role", "last sign-in", "locked until")
    with open_store(settings, create=False) as store:
        for user in store.kiosk_users():
            shown = [
                moment.astimezone(zone).strftime("%Y-%m-%d %H:%M") if moment else "-"
                for moment in (user.last_login_at, user.locked_until)
            ]
            table.add_row(user.user_id, user.name, user.role.value, *shown)
    Console(markup=False, highlight=False).print(table)


@users.command()
def remove(user_id: _UserId, *, config: _Config = None) -> None:
    """Remove a user; open sessions end at once."""
    settings = load_roster_config(config)
    with open_store(settings, create=False) as store:
        _accounts(store, settings).remove_user(user_id, by=COMMAND_LINE)
    typer.echo(f"{user_id} may no longer sign in")


@users.command("password")
def password_(user_id: _UserId, *, password: _Password, config: _Config = None) -> None:
    """Set a new password; ends open sessions and any lock."""
    settings = load_roster_config(config)
    with open_store(settings, create=False) as store:
        _accounts(store, settings).set_password(user_id, password, by=COMMAND_LINE)
    typer.echo(f"{user_id} has a new password")


def _accounts(store: LocalStore, settings: RosterConfig) -> KioskAccounts:
    from enroll.kiosk.office import KioskOffice  # noqa: PLC0415

    return KioskOffice(store, settings).accounts
