"""`sitegate central real-name`: the upload to the real-name platform on the command line."""

from __future__ import annotations

import signal
import threading
from datetime import datetime, timedelta
from getpass import getuser
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from sync.central import audit
from sync.central import real_name as uploads
from sync.central.audit import Action
from sync.central.cli_options import (
    DatabaseOption,
    KeysOption,
    SiteId,
    host_and_port,
    now,
    open_database,
)
from sync.central.declarations import site_zone
from sync.central.errors import SettingRefused
from sync.central.exports_real_name import JSON, What, file_pieces
from sync.central.person_vault import PersonVault
from sync.central.real_name import NotUploaded, SiteLink, State
from sync.central.real_name_desk import SiteState, site_state
from sync.central.real_name_papers import app_secret, secret_file
from sync.central.settings import DEFAULT_DATABASE, DEFAULT_KEYS
from sync.real_name import AppSecret, read_dialect
from sync.wire.keys import write_private

real_name = typer.Typer(no_args_is_help=True, help="Upload to the real-name platform.")

SECRET_VARIABLE = "SITEGATE_REAL_NAME_SECRET"  # noqa: S105 - the name of an environment variable
_FORMATS = ("csv", "xlsx", JSON)
_Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A day at the site.")]


@real_name.command("set")
def real_name_set(
    site_id: SiteId,
    *,
    url: Annotated[str | None, typer.Option(help="The platform's address.")] = None,
    app_id: Annotated[str | None, typer.Option(help="Application id that it issued.")] = None,
    project: Annotated[str | None, typer.Option(help="Its code of the project.")] = None,
    corp_code: Annotated[
        str | None, typer.Option(help="Unified social credit code of the contractor.")
    ] = None,
    corp_name: Annotated[
        str | None, typer.Option(help="Name of the contractor, as workers' employer is written.")
    ] = None,
    employer: Annotated[
        list[str] | None, typer.Option(help="NAME=CODE of another employer; again for more.")
    ] = None,
    team: Annotated[
        list[str] | None,
        typer.Option(help="EMPLOYER/TEAM=NUMBER of a team that the platform has; again for more."),
    ] = None,
    from_day: _Day = None,
    dialect: Annotated[
        str | None, typer.Option(help="Path of a YAML file with a province's names and codes, or `national`.")
    ] = None,
    photos: Annotated[
        str | None,
        typer.Option(help='Folder of WORKER_ID.jpg for those who agreed; "" for none, as without it.'),
    ] = None,
    allow_plain: Annotated[
        bool | None, typer.Option("--allow-plain/--only-tls", help="Where the platform has no https.")
    ] = None,
    on: Annotated[bool | None, typer.Option("--on/--off", help="Upload, or stop for now.")] = None,
    new_secret: Annotated[
        bool, typer.Option("--new-secret", help="Ask for the application's secret again.")
    ] = False,
    secret: Annotated[
        str, typer.Option(envvar=SECRET_VARIABLE, help="Asked for where it is not kept yet.", hidden=True)
    ] = "",
    database: DatabaseOption = DEFAULT_DATABASE,
    keys: KeysOption = DEFAULT_KEYS,
) -> None:
    """Set a site up for the upload, or change something about it; what is not given stays as it is."""
    told: dict[str, Any] = {
        "url": url, "app_id": app_id, "project_code": project, "corp_code": corp_code, "corp_name": corp_name,
        "from_day": from_day.date() if from_day else None, "dialect": dialect, "photos": photos,
        "allow_plain": allow_plain, "is_on": on,
    }  # fmt: skip
    with open_database(database, must_exist=True) as opened:
        with opened.read() as connection:
            site_zone(connection, site_id)  # nobody is asked for the secret of a site that is not there
        asked = _secret_to_keep(keys, site_id, secret, is_new=new_secret)  # nothing is locked meanwhile
        with opened.write() as connection:
            link = _changed(connection, site_id, told, _pairs(employer or []))
            uploads.put_site(connection, link, now=now())
            for name, number in _pairs(team or []).items():
                of, _, called = name.rpartition("/")
                uploads.put_team_number(connection, site_id, of or link.corp_name, called, number, now=now())
            changed = sorted(name for name, value in told.items() if value is not None)
            _note(connection, Action.SET_REAL_NAME, site_id, changed=" ".join(changed))
            if asked:
                path = secret_file(keys, site_id)
                path.unlink(missing_ok=True)
                write_private(path, asked)
        typer.echo(f"site {site_id}: project {link.project_code}, {'on' if link.is_on else 'off'}")


@real_name.command("status")
def real_name_status(
    site_id: Annotated[str, typer.Argument(help="One site; without it all.")] = "",
    *,
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Show how far the upload of each site is, and what keeps it."""
    shown = Table("site", "project", "teams", "workers", "passages", "results due", "last look", "problem")
    with open_database(database, must_exist=True) as opened, opened.read() as connection:
        links = uploads.site_links(connection, site_id)
        if site_id and not links:
            uploads.site_link(connection, site_id)
        for link in links:
            found = site_state(connection, link)
            looked = f"{found.looked_at:%Y-%m-%d %H:%M}" if found.looked_at else ""
            shown.add_row(
                link.site_id,
                link.project_code + ("" if link.is_on else " (off)"),
                _counted(found.teams),
                _counted(found.people),
                _counted(found.passages) + _behind(found),
                f"{found.open_requests}" + (f", {found.lost} lost" if found.lost else ""),
                looked,
                found.problem,
            )
    Console().print(shown)


@real_name.command("retry")
def real_name_retry(
    site_id: SiteId,
    ids: Annotated[
        list[str] | None, typer.Argument(help="Worker numbers or record ids; without them all rejected.")
    ] = None,
    *,
    ask: Annotated[
        bool, typer.Option("--ask", help="Only ask for outstanding results again, at once.")
    ] = False,
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Send what the platform rejected again, or ask again for results; the running centre does it."""
    with open_database(database, must_exist=True) as opened, opened.write() as connection:
        uploads.site_link(connection, site_id)
        if ask:
            count = uploads.ask_again(connection, site_id, now=now())
            _note(connection, Action.ASKED_REAL_NAME, site_id, requests=count)
        else:
            count = uploads.retry(connection, site_id, ids or None, now=now())
            _note(connection, Action.RETRIED_REAL_NAME, site_id, rows=count)
    typer.echo(f"{count} results are asked for" if ask else f"{count} rows go again")


@real_name.command("export")
def real_name_export(
    site_id: SiteId,
    file: Annotated[Path, typer.Argument(help="New file: .csv, .xlsx or .json.")],
    *,
    what: Annotated[What, typer.Option(help="Rows of attendance, or of workers.")] = What.ATTENDANCE,
    first: _Day = None,
    last: _Day = None,
    database: DatabaseOption = DEFAULT_DATABASE,
    keys: KeysOption = DEFAULT_KEYS,
) -> None:
    """Write rows in the platform's shape; without days those of today. Numbers of papers stay encrypted."""
    file_format = file.suffix.removeprefix(".").lower()
    if file_format not in _FORMATS:
        raise SettingRefused(
            f"{file} is no file to export to", next_step=f"end it with .{', .'.join(_FORMATS)}"
        )
    vault, secret = PersonVault.in_folder(keys), app_secret(keys, site_id)
    with open_database(database, must_exist=True) as opened:
        with opened.write() as connection:
            link = uploads.site_link(connection, site_id)
            today = now().astimezone(site_zone(connection, site_id)).date()
            begin = first.date() if first else today
            end = last.date() if last else max(begin, today) if first else today
            days = {"first": begin.isoformat(), "last": end.isoformat()}
            _note(connection, Action.EXPORTED_REAL_NAME, site_id, what=what.value, format=file_format, **days)
        dialect = read_dialect(link.dialect)
        pieces = file_pieces(opened, vault, link, secret, dialect, what, begin, end, file_format)
        try:
            with file.open("xb") as written:
                written.writelines(pieces)
        except FileExistsError as error:
            raise SettingRefused(f"{file} is there already", next_step="name a new file") from error
    typer.echo(f"{file}: {file.stat().st_size:,} bytes")


@real_name.command("simulate")
def real_name_simulate(
    *,
    app_id: Annotated[str, typer.Option(help="Application id that is accepted.")] = "demo-app",
    project: Annotated[list[str] | None, typer.Option(help="Project code; again for more.")] = None,
    listen: Annotated[str, typer.Option(help="HOST:PORT; port 0 takes a free one.")] = "127.0.0.1:8095",
    dialect: Annotated[str, typer.Option(help="As for `set`.")] = "national",
    pending: Annotated[int, typer.Option(min=0, help="How often a result is still waiting.")] = 1,
    secret: Annotated[
        str, typer.Option(envvar=SECRET_VARIABLE, prompt=True, hide_input=True, help="Asked for.")
    ],
) -> None:
    """Run the platform in software, in memory, to try an upload out without the real one."""
    from sync.real_name.simulator import Platform, PlatformServer  # noqa: PLC0415

    projects = frozenset(project or ["demo-project"])
    platform = Platform(app_id, AppSecret(secret), read_dialect(dialect), project_codes=projects, now=now)
    platform.faults.pending = pending
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        serving = PlatformServer(platform, *host_and_port(listen, "--listen"))
    except OSError as error:
        raise SettingRefused(
            f"cannot listen on {listen}: {error.strerror}",
            next_step="end the other program, or choose another address with --listen",
        ) from error
    with serving as server:
        typer.echo(f"real-name platform  {server.url}  application {app_id}, projects {', '.join(projects)}")
        stop.wait()
    typer.echo(
        f"{len(platform.teams)} teams, {len(platform.workers)} workers, {len(platform.attendance)} passages"
    )


def _changed(
    connection: Connection, site_id: str, told: dict[str, Any], employers: dict[str, str]
) -> SiteLink:
    try:
        known = uploads.site_link(connection, site_id)
        values = {name: getattr(known, name) for name in SiteLink.__dataclass_fields__}
    except NotUploaded:
        today = now().astimezone(site_zone(connection, site_id)).date()
        values = {
            "site_id": site_id, "url": "", "app_id": "", "project_code": "", "corp_code": "", "corp_name": "",
            "corp_codes": {}, "from_day": today,
        }  # fmt: skip
    values |= {name: value for name, value in told.items() if value is not None}
    values["corp_codes"] = {**values["corp_codes"], **employers}
    return SiteLink(**values)


def _secret_to_keep(keys: Path, site_id: str, secret: str, *, is_new: bool) -> str:
    """The secret as it was given, or is asked for; "" where the one that is kept can be used."""
    if secret_file(keys, site_id).exists() and not is_new and not secret:
        app_secret(keys, site_id)
        return ""
    text: str = secret or typer.prompt("Secret of the application", hide_input=True)
    AppSecret(text)
    return text.strip()


def _pairs(texts: list[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, sign, value = text.rpartition("=")
        if not sign or not name.strip() or not value.strip():
            raise SettingRefused(f"{text!r} is not NAME=VALUE", next_step="e.g. --employer 示例劳务=9133…")
        found[name.strip()] = value.strip()
    return found


def _note(connection: Connection, action: Action, site_id: str, **detail: str | int) -> None:
    actor = f"command line: {getuser()}"
    audit.note(connection, at=now(), actor=actor, action=action, site_id=site_id, detail=detail)


def _counted(counts: Any) -> str:
    return ", ".join(f"{counts[state]} {state}" for state in State if counts.get(state)) or "none"


def _behind(found: SiteState) -> str:
    if found.oldest_waiting is None:
        return ""
    hours = (now() - found.oldest_waiting) / timedelta(hours=1)
    return f"; oldest waits {hours:.1f} h, {found.for_worker} for their worker"
