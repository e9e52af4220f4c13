"""`sitegate central`: run, check, backup, restore; sites, gates, terminals, users and flags."""

from __future__ import annotations

import logging
import signal
import threading
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from sync.central import backup as backups
from sync.central import health, list_matches, registry, site_registry, tables
from sync.central import keys as key_files
from sync.central.accounts_access import Role
from sync.central.cli_alerts import alerts
from sync.central.cli_inspections import checklist_commands
from sync.central.cli_lists import lists
from sync.central.cli_options import (
    DatabaseOption,
    KeysOption,
    SiteId,
    host_and_port,
    now,
    open_database,
    prepared,
)
from sync.central.cli_passes import passes
from sync.central.cli_people import command, tokens, workers
from sync.central.cli_real_name import real_name
from sync.central.cli_report import report
from sync.central.cli_terminals import terminals
from sync.central.errors import SettingRefused
from sync.central.pass_issue import PassIssuer
from sync.central.settings import (
    ALERTS_KEPT_DAYS,
    DEFAULT_DATABASE,
    DEFAULT_KEYS,
    EMBEDDED,
    FACES_KEPT_DAYS,
    BrokerSettings,
    CentreSettings,
    TerminalSettings,
)
from sync.records import Flag, FlagLevel

if TYPE_CHECKING:
    from sync.central.phone_training import PhoneTraining
    from sync.central.service import CentralService

EXIT_CHECK_FAILED = 1

app = typer.Typer(no_args_is_help=True, help="Run and look after the centre.", pretty_exceptions_enable=False)
sites = typer.Typer(no_args_is_help=True, help="Building sites.")
gates = typer.Typer(no_args_is_help=True, help="Gates and their keys.")
users = typer.Typer(no_args_is_help=True, help="People at the console.")
flags = typer.Typer(no_args_is_help=True, help="The key-monitoring list.")
app.add_typer(alerts, name="alert")
app.add_typer(sites, name="site")
app.add_typer(gates, name="gate")
app.add_typer(users, name="user")
app.add_typer(flags, name="flag")
app.add_typer(checklist_commands, name="checklist")
app.add_typer(lists, name="list")
app.add_typer(passes, name="passes")
app.add_typer(terminals, name="terminal")
app.add_typer(real_name, name="real-name")
app.add_typer(tokens, name="token")
app.add_typer(workers, name="worker")
app.command("command")(command)
app.command("report")(report)

_GateId = Annotated[str, typer.Argument(help="Gate id, unique within the site.", show_default=False)]
_WorkerId = Annotated[str, typer.Argument(help="Worker number.", show_default=False)]
_District = Annotated[str | None, typer.Option(help="District that the site is in.", show_default=False)]
_SubDistrict = Annotated[
    str | None, typer.Option(help="Its sub-district (street, town).", show_default=False)
]


@app.command()
def run(
    *,
    database: DatabaseOption = DEFAULT_DATABASE,
    keys: KeysOption = DEFAULT_KEYS,
    broker: Annotated[
        str,
        typer.Option(help=f"mqtt://host:port, mqtts://host:port, or {EMBEDDED}: a broker in this process."),
    ] = EMBEDDED,
    listen: Annotated[str, typer.Option(help="Where the embedded broker listens.")] = "127.0.0.1:1883",
    ingest_only: Annotated[
        bool, typer.Option("--ingest-only", help="Only take what gates send, beside a whole centre.")
    ] = False,
    console: Annotated[
        str, typer.Option(help="Where console and API listen; `off` for none.")
    ] = "127.0.0.1:8090",
    console_cert: Annotated[Path | None, typer.Option(help="Certificate of the console, PEM.")] = None,
    console_key: Annotated[Path | None, typer.Option(help="Key of that certificate, PEM.")] = None,
    console_behind_tls: Annotated[
        bool, typer.Option("--console-behind-tls", help="A proxy before the console ends TLS.")
    ] = False,
    courses: Annotated[
        Path | None,
        typer.Option(help="Folder of courses that workers take on their phones; without it none."),
    ] = None,
    phone_passes: Annotated[
        int, typer.Option(min=0, max=60, help="Workers' phones show a QR pass for so many minutes; 0: none.")
    ] = 0,
    ca: Annotated[Path | None, typer.Option(help="Certificates that the broker is checked against.")] = None,
    cert: Annotated[Path | None, typer.Option(help="Client certificate for the broker, PEM.")] = None,
    cert_key: Annotated[Path | None, typer.Option(help="Key of that certificate, PEM.")] = None,
    broker_user: Annotated[str, typer.Option(help="User at the broker.")] = "",
    password_env: Annotated[str, typer.Option(help="Environment variable with that user's password.")] = "",
    vendor_broker: Annotated[
        str, typer.Option(help="Where terminals of other makers are; without it at the centre's broker.")
    ] = "",
    vendor_user: Annotated[str, typer.Option(help="User at --vendor-broker.")] = "",
    vendor_password_env: Annotated[
        str, typer.Option(help="Environment variable with the password of --vendor-user.")
    ] = "",
    terminal_photos: Annotated[
        Path | None,
        typer.Option(help="Folder of WORKER_ID.jpg for these terminals; without it none is sent."),
    ] = None,
    terminal_clearance: Annotated[
        list[str] | None,
        typer.Option(help="A clearance that somebody must hold to be on such a terminal; again for more."),
    ] = None,
    door_photos: Annotated[
        int, typer.Option(min=0, help="Keep photos of door-to-door checks for so many days; 0: none.")
    ] = 0,
    finding_photos: Annotated[
        int, typer.Option(min=0, help="Keep photos of inspections' findings for so many days; 0: none.")
    ] = 180,
    faces_kept: Annotated[
        int, typer.Option(min=0, help="Erase faces of people on no site after so many days; 0: at once.")
    ] = FACES_KEPT_DAYS,
    alerts_kept: Annotated[
        int, typer.Option(min=1, help="Delete alerts so many days after they were closed.")
    ] = ALERTS_KEPT_DAYS,
    clearance_rules: Annotated[
        Path | None,
        typer.Option(help="File that says who needs which clearance; without it the shipped profile."),
    ] = None,
    declaration_clearance: Annotated[
        bool,
        typer.Option("--declaration-clearance", help="The declaration of the day gives a clearance."),
    ] = False,
    allow_plain: Annotated[
        bool, typer.Option("--allow-plain", help="Accept a broker or console on the network without TLS.")
    ] = False,
) -> None:
    """Run the centre until it is stopped (SIGINT, SIGTERM)."""
    # Imported here: brokers and clients take a moment that the other commands need not wait for.
    from sync.central.service import CentralService  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in ("amqtt", "transitions", "alembic", "httpx"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    if (vendor_user or vendor_password_env) and not vendor_broker:
        raise SettingRefused(
            "--vendor-user is for --vendor-broker, which is not given",
            next_step="give both, or --broker-user for the centre's broker",
        )
    vendors = TerminalSettings(
        broker=BrokerSettings(
            url=vendor_broker,
            allow_plain=allow_plain,
            ca_file=ca,
            cert_file=cert,
            cert_key_file=cert_key,
            username=vendor_user,
            password_env=vendor_password_env,
        )
        if vendor_broker
        else None,
        photos=terminal_photos,
        clearances=tuple(terminal_clearance or ()),
        ledger=keys / "terminals",
    )
    settings = CentreSettings(
        database=prepared(database),
        keys=keys,
        broker=BrokerSettings(
            url=broker,
            listen=host_and_port(listen, "--listen"),
            allow_plain=allow_plain,
            ca_file=ca,
            cert_file=cert,
            cert_key_file=cert_key,
            username=broker_user,
            password_env=password_env,
        ),
        ingest_only=ingest_only,
        terminals=vendors,
        finding_photos_days=finding_photos,
        faces_kept_days=faces_kept,
        alerts_kept_days=alerts_kept,
        clearance_rules=clearance_rules,
        declaration_clearance=declaration_clearance,
    )
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with CentralService(settings) as service, ExitStack() as stack:
        typer.echo(f"database  {service.database.name}")
        typer.echo(f"broker    {service.broker_url}")
        if not ingest_only and console != "off":
            stack.enter_context(
                _Console(
                    service,
                    host_and_port=host_and_port(console, "--console"),
                    certificate=console_cert,
                    key=console_key,
                    behind_tls=console_behind_tls,
                    allow_plain=allow_plain,
                    door_photos=door_photos,
                    finding_photos=finding_photos,
                    courses=courses,
                    phone_passes=phone_passes,
                    keys=keys,
                    stop=stop,
                )
            )
        stop.wait()


@app.command()
def check(*, database: DatabaseOption = DEFAULT_DATABASE, keys: KeysOption = DEFAULT_KEYS) -> None:
    """Look at database, key and gates; exit code 1 where something needs a person."""
    problems = []
    with open_database(database, must_exist=True) as opened, opened.read() as connection:
        counts = {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in (
                ("sites", tables.sites),
                ("gates", tables.gates),
                ("workers", tables.workers),
                ("events", tables.events),
            )
        }
        typer.echo(f"ok    database {opened.name}: " + ", ".join(f"{n} {name}" for name, n in counts.items()))
        missing = connection.execute(
            select(
                tables.sequence_gaps.c.site_id,
                tables.sequence_gaps.c.gate_id,
                func.sum(tables.sequence_gaps.c.last - tables.sequence_gaps.c.first + 1),
            ).group_by(tables.sequence_gaps.c.site_id, tables.sequence_gaps.c.gate_id)
        ).all()
        problems += [f"gate {site}/{gate}: {count} events have not arrived" for site, gate, count in missing]
        problems += [
            f"gate {row.site_id or 'unknown'}/{row.gate_id or 'unknown'}: {row.count} refused ({row.cause})"
            for row in connection.execute(select(tables.refusals))
        ]
    key_files.signing_key(keys)
    typer.echo(f"ok    signing key in {keys}")
    for problem in problems:
        typer.echo(f"look  {problem}")
    if problems:
        raise typer.Exit(EXIT_CHECK_FAILED)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="New file.")], *, database: DatabaseOption = DEFAULT_DATABASE
) -> None:
    """Write everything into one file while the centre runs. It holds faces and keys: guard it."""
    with open_database(database, must_exist=True) as opened:
        size = backups.back_up(opened, file)
    typer.echo(f"{file}: {size:,} bytes. The signing key is not in it: keep a copy of its folder too.")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup.")], *, database: DatabaseOption = DEFAULT_DATABASE
) -> None:
    """Fill a new database from a backup, of whichever kind either is."""
    with open_database(database) as opened:
        rows = backups.restore(opened, file)
        typer.echo(f"{rows:,} rows in {opened.name}")


@sites.command("add")
def site_add(
    site_id: SiteId,
    *,
    name: Annotated[str, typer.Option(help="Name as people know it.")] = "",
    name_en: Annotated[str, typer.Option(help="The same in English.")] = "",
    timezone: Annotated[str, typer.Option(help="IANA name.")] = "Asia/Shanghai",
    district: _District = None,
    sub_district: _SubDistrict = None,
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Add a site, or change its name and time zone."""
    with open_database(database) as opened, opened.write() as connection:
        site_registry.put_site(
            connection, site_id, name=name or site_id, name_en=name_en, timezone=timezone, now=now()
        )
        site_registry.set_site_place(connection, site_id, district=district, sub_district=sub_district)
    typer.echo(f"site {site_id}")


@sites.command("set")
def site_set(
    site_id: SiteId,
    *,
    district: _District = None,
    sub_district: _SubDistrict = None,
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Change the district and sub-district of a site; what is not given stays, "" takes it away."""
    with open_database(database, must_exist=True) as opened, opened.write() as connection:
        place = site_registry.set_site_place(
            connection, site_id, district=district, sub_district=sub_district
        )
    typer.echo(f"site {site_id}: {place.district or '-'} / {place.sub_district or '-'}")


@gates.command("add")
def gate_add(
    site_id: SiteId,
    gate_id: _GateId,
    *,
    out: Annotated[Path, typer.Option(help="Folder for the gate's key files, which must not be there yet.")],
    broker: Annotated[str, typer.Option(help="The broker's address as the gate reaches it.")],
    name: Annotated[str, typer.Option(help="Name as people know it.")] = "",
    reissue: Annotated[
        bool, typer.Option("--reissue", help="A new key for a gate that is there; the old one ends.")
    ] = False,
    kiosk: Annotated[
        bool, typer.Option("--kiosk", help="People are registered at this box: see `gate set-kiosk`.")
    ] = False,
    database: DatabaseOption = DEFAULT_DATABASE,
    keys: KeysOption = DEFAULT_KEYS,
) -> None:
    """Register a gate, write its key files and print its part of config.yaml."""
    key_files.check_free(out)
    centre = key_files.signing_key(keys, create=True).public_key()
    with open_database(database) as opened, opened.write() as connection:
        if reissue:
            credentials = site_registry.issue_gate_key(connection, site_id, gate_id, centre=centre, now=now())
        else:
            credentials = site_registry.add_gate(
                connection, site_id, gate_id, centre=centre, name=name or gate_id, now=now()
            )
        if kiosk:
            site_registry.set_kiosk(connection, site_id, gate_id, is_kiosk=True)
        site, gate, is_kiosk = site_registry.gate_labels(connection, site_id, gate_id)
        # Before the commit: a key that could not be written must not be the one that counts.
        written = credentials.write(out)
    typer.echo(f"# Bring {', '.join(str(path) for path in written)} to the gate (mode 0600, not by mail).")
    typer.echo(credentials.fragment(broker, site=site, gate=gate, is_kiosk=is_kiosk))


@gates.command("list")
def gate_list(*, database: DatabaseOption = DEFAULT_DATABASE) -> None:
    """Show the gates and when they were last heard."""
    shown = Table("site", "gate", "name", "state", "last seen", "outbox", "roster")
    listed, status = tables.gates.c, tables.gate_status.c
    with open_database(database, must_exist=True) as opened, opened.read() as connection:
        for row in connection.execute(
            select(
                tables.gates, status.presence, status.last_seen_at, status.outbox_depth, status.roster_version
            )
            .outerjoin(
                tables.gate_status, (status.site_id == listed.site_id) & (status.gate_id == listed.gate_id)
            )
            .order_by(listed.site_id, listed.gate_id)
        ):
            state = "revoked" if row.revoked_at else row.presence or "never seen"
            state += ", kiosk" if row.is_kiosk else ""
            seen = row.last_seen_at.isoformat(timespec="seconds") if row.last_seen_at else ""
            facts = [
                str(value) if value is not None else "" for value in (row.outbox_depth, row.roster_version)
            ]
            shown.add_row(row.site_id, row.gate_id, row.name, state, seen, *facts)
    Console().print(shown)


@gates.command("set-kiosk")
def gate_set_kiosk(
    site_id: SiteId,
    gate_id: _GateId,
    *,
    off: Annotated[bool, typer.Option("--off", help="No longer.")] = False,
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Let people be registered at a box: the centre then takes workers and consents from it."""
    with open_database(database, must_exist=True) as opened, opened.write() as connection:
        site_registry.set_kiosk(connection, site_id, gate_id, is_kiosk=not off)
    typer.echo(f"gate {site_id}/{gate_id} is {'no ' if off else 'a '}kiosk")


@gates.command("revoke")
def gate_revoke(site_id: SiteId, gate_id: _GateId, *, database: DatabaseOption = DEFAULT_DATABASE) -> None:
    """Believe nothing that a gate says any more; `gate add --reissue` takes it back with a new key."""
    with open_database(database, must_exist=True) as opened, opened.write() as connection:
        site_registry.revoke_gate(connection, site_id, gate_id, now=now())
    typer.echo(f"gate {site_id}/{gate_id} is revoked")


@users.command("add")
def user_add(
    user_id: Annotated[str, typer.Argument(help="Login name.", show_default=False)],
    *,
    role: Annotated[str, typer.Option(help=f"One of {', '.join(Role)}.")],
    site: Annotated[
        list[str] | None, typer.Option("--site", help="A site this user may see; again for more.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name as people know it.")] = "",
    password: Annotated[
        str,
        typer.Option(
            envvar="SITEGATE_NEW_PASSWORD",
            help="Asked for; or set the environment variable.",
            prompt=True,
            confirmation_prompt=True,
            hide_input=True,
        ),
    ],
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Let somebody use the console; the password is kept as an Argon2id hash."""
    from sync.central.accounts import Accounts  # noqa: PLC0415

    try:
        wanted = Role(role)
    except ValueError as error:
        raise SettingRefused(
            f"there is no role {role!r}", next_step=f"choose one of {', '.join(Role)}"
        ) from error
    with open_database(database) as opened:
        Accounts(opened, now=now).add_user(
            user_id, password=password, role=wanted, site_ids=site or (), name=name
        )
    typer.echo(f"user {user_id}: {wanted}")


@flags.command("add")
def flag_add(
    worker_id: _WorkerId,
    *,
    level: Annotated[FlagLevel, typer.Option(help="What the gate does.")],
    reason: Annotated[str, typer.Option(help="Why; for people.")] = "",
    category: Annotated[str, typer.Option(help="Of the list.")] = "",
    until: Annotated[
        datetime | None, typer.Option(help="When it ends, local time of this machine; without it never.")
    ] = None,
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Put a worker on the key-monitoring list; every gate of the worker's sites follows within seconds."""
    flag = Flag(
        level=level, reason=reason, category=category, valid_until=until.astimezone() if until else None
    )
    with open_database(database, must_exist=True) as opened, opened.write() as connection:
        registry.add_flag(connection, worker_id, flag, now=now())
    typer.echo(f"flag {flag.flag_id} on worker {worker_id}")


@flags.command("remove")
def flag_remove(
    worker_id: _WorkerId,
    flag_id: Annotated[str, typer.Argument(help="As `flag list` shows it.", show_default=False)],
    *,
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Take an entry off the key-monitoring list."""
    with open_database(database, must_exist=True) as opened, opened.write() as connection:
        registry.remove_flag(connection, worker_id, flag_id)
        why, by = "the flag was removed", "command line"
        health.flag_was_removed(connection, worker_id, flag_id, reason=why, by=by, now=now())
        list_matches.flag_was_removed(connection, flag_id, reason=why, by=by, now=now())
    typer.echo(f"flag {flag_id} is off worker {worker_id}")


@flags.command("list")
def flag_list(worker_id: _WorkerId, *, database: DatabaseOption = DEFAULT_DATABASE) -> None:
    """Show the flags of a worker."""
    shown = Table("flag", "level", "category", "reason", "until")
    with open_database(database, must_exist=True) as opened, opened.read() as connection:
        for flag in registry.worker(connection, worker_id).flags:
            until = flag.valid_until.isoformat(timespec="seconds") if flag.valid_until else ""
            shown.add_row(flag.flag_id, flag.level.value, flag.category, flag.reason, until)
    Console().print(shown)


class _Console:
    """Console and API in a thread; where they end by themselves, the whole process does."""

    def __init__(
        self,
        service: CentralService,
        *,
        host_and_port: tuple[str, int],
        certificate: Path | None,
        key: Path | None,
        behind_tls: bool,
        allow_plain: bool,
        door_photos: int,
        finding_photos: int,
        courses: Path | None,
        phone_passes: int,
        keys: Path,
        stop: threading.Event,
    ) -> None:
        from sync.central.console.settings import ConsoleSettings  # noqa: PLC0415
        from sync.central.inspection_rules import InspectionSettings  # noqa: PLC0415
        from sync.central.lodging_rules import LodgingSettings  # noqa: PLC0415

        try:
            self._settings = ConsoleSettings(
                host=host_and_port[0],
                port=host_and_port[1],
                tls_certificate=certificate,
                tls_key=key,
                behind_tls=behind_tls,
                allow_plain=allow_plain,
                lodging=LodgingSettings(photos_kept_days=door_photos),
                inspections=InspectionSettings(photos_kept_days=finding_photos),
                clearance_rules=service.clearance_rules,
            )
        except ValueError as error:
            raise SettingRefused(
                f"the console cannot be served like that: {error}",
                next_step="see --console, --console-cert, --console-key, --allow-plain",
            ) from error
        self._service = service
        self._keys = keys
        self._training = None if courses is None else self._phone_training(courses, keys)
        self._issuer = PassIssuer(key_files.signing_key(keys), minutes=phone_passes) if phone_passes else None
        self._stop = stop
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._serve, name="console-host", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _phone_training(self, courses: Path, keys: Path) -> PhoneTraining:
        from sync.central.phone_training import phone_training  # noqa: PLC0415 - loads the face engine

        return phone_training(
            self._service.database,
            courses,
            keys,
            now=lambda: datetime.now(UTC),
            on_roster_change=self._service.roster_changed,
        )

    def _serve(self) -> None:
        from sync.central.console.server import run_console  # noqa: PLC0415

        try:
            run_console(
                self._service.database,
                self._settings,
                on_ready=lambda url: typer.echo(f"console   {url}"),
                on_roster_change=self._service.roster_changed,
                vault=self._service.vault,
                keys=self._keys,
                phone_training=self._training,
                pass_issuer=self._issuer,
                stop=self._stop,
            )
        except BaseException as error:  # noqa: BLE001 - raised again by the main thread
            self._failure = error
        finally:
            self._stop.set()
