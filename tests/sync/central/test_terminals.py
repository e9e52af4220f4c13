"""Terminals of other makers in the registry of the centre, and the bridge that its service runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select
from typer.testing import CliRunner

from sync.central import commands, registry, site_registry, tables, terminals
from sync.central.access_log import EventFilter
from sync.central.accounts_access import Role, Viewer
from sync.central.cli import app
from sync.central.console import words
from sync.central.database import Database
from sync.central.errors import AlreadyThere, SettingRefused, UnknownGate, UnknownTerminal
from sync.central.front_office import FrontOffice
from sync.central.gate_board import GateCard, GateState
from sync.central.ingest import Ingest
from sync.central.service import CentralService
from sync.central.settings import BrokerSettings, CentreSettings, TerminalSettings
from sync.records import Clearance, Direction, Flag, FlagLevel, Worker
from sync.vendor import adapter
from sync.vendor.broker import Broker
from sync.vendor.roster import Outstanding
from sync.vendor.simulator import Habits, TerminalSimulator
from sync.wire.messages import Action
from tests.sync.central.conftest import a_mosquitto, free_port
from tests.sync.central.gate_box import CENTRE_KEY, SITE, GateBox, a_gate, a_site
from tests.sync.central.gate_client import PATIENCE_S, until
from tests.sync.samples import NOON

pytestmark = pytest.mark.slow  # a real broker, restarts and waits: seconds each

TERMINAL = "1306612"
QUICK = Habits(ack_within_s=0.3, heartbeat_s=0.3)
ADMIN = Viewer(user_id="admin", name="", role=Role.ADMIN, site_ids=None)
JPEG = b"\xff\xd8\xff" + b"made up" * 20


def now() -> datetime:
    return datetime.now(UTC)


def a_terminal(database: Database, **changes: Any) -> None:
    given = {"direction": Direction.IN, "name": "北门旧闸机", "now": NOON, **changes}
    with database.write() as connection:
        terminals.add_terminal(connection, SITE, TERMINAL, **given)


def a_person(worker_id: str, **changes: Any) -> Worker:
    fields = {"name": f"样例{worker_id}", "site_ids": (SITE,), "face_consent_on": date(2026, 1, 5), **changes}
    return Worker.model_validate({"worker_id": worker_id, **fields})


def put(database: Database, *people: Worker) -> None:
    with database.write() as connection:
        registry.put_workers(connection, [(one, None) for one in people], now=now())


def card(database: Database) -> GateCard:
    office = FrontOffice(database)
    (found,) = office.gates.gates(ADMIN)
    return found


# --- The registry ---


def test_a_terminal_is_a_gate_without_a_key_and_nothing_signed_is_its_own(centre_database: Database) -> None:
    a_site(centre_database)
    a_terminal(centre_database, settings={"keep_strangers": False})
    with centre_database.read() as connection:
        (found,) = terminals.terminals(connection)
    assert (found.gate_id, found.timezone, found.keep_strangers) == (TERMINAL, "Asia/Shanghai", False)
    shown = card(centre_database)
    assert (shown.name, shown.state) == ("北门旧闸机", GateState.NEVER_SEEN)
    assert shown.terminal is not None
    box = GateBox(TERMINAL)
    assert Ingest(centre_database, now).take([box.batch([box.event()])]).replies == []
    with centre_database.read() as connection:
        assert connection.scalars(select(tables.refusals.c.cause)).all() == ["unknown_gate"]
        assert connection.execute(select(tables.events)).all() == []


def test_a_terminal_takes_no_key_and_no_command(centre_database: Database) -> None:
    a_site(centre_database)
    a_terminal(centre_database)
    with centre_database.write() as connection:
        with pytest.raises(AlreadyThere, match="has no key"):
            site_registry.issue_gate_key(connection, SITE, TERMINAL, centre=CENTRE_KEY.public_key(), now=NOON)
        with pytest.raises(UnknownGate, match="takes no commands"):
            commands.ask(
                connection, (SITE, TERMINAL), Action.OPEN_ONCE, issued_by="示例", reason="", now=NOON
            )


def test_an_id_is_given_once_and_a_removed_terminal_can_come_back(centre_database: Database) -> None:
    a_site(centre_database)
    a_terminal(centre_database)
    with pytest.raises(AlreadyThere, match=TERMINAL):
        a_terminal(centre_database)
    with centre_database.write() as connection:
        assert terminals.remove_terminal(connection, TERMINAL, now=NOON) == SITE
        assert terminals.terminals(connection) == []
    assert card(centre_database).state is GateState.REVOKED
    with pytest.raises(UnknownTerminal), centre_database.write() as connection:
        terminals.remove_terminal(connection, TERMINAL, now=NOON)
    a_terminal(centre_database)
    assert card(centre_database).state is GateState.NEVER_SEEN


def test_a_gate_of_ours_keeps_its_id(centre_database: Database) -> None:
    a_site(centre_database)
    a_gate(centre_database, TERMINAL)
    with pytest.raises(AlreadyThere, match="with a key"):
        a_terminal(centre_database)


@pytest.mark.parametrize(
    "settings", [{"colour": "red"}, {"outcome_without_status": "maybe"}, {"gate_id": "other"}]
)
def test_a_setting_that_there_is_not_is_refused_with_those_that_there_are(
    centre_database: Database, settings: dict[str, Any]
) -> None:
    a_site(centre_database)
    with pytest.raises(SettingRefused) as refused:
        a_terminal(centre_database, settings=settings)
    assert "keep_strangers" in refused.value.next_step


def test_a_database_of_the_first_version_gets_the_table_and_keeps_its_gates(empty_url: str) -> None:
    with Database.open(empty_url, migrate=False) as database:
        database.migrate("0001")
        a_site(database)
        box = a_gate(database)
        with database.write() as connection:
            connection.execute(insert(tables.lanes).values(site_id=SITE, gate_id=box.gate_id, lane_id="1"))
    with Database.open(empty_url) as database:
        a_terminal(database)
        with database.read() as connection:
            assert len(connection.execute(select(tables.gates)).all()) == 2


def test_every_reason_of_a_terminal_has_words() -> None:
    codes = (adapter.REFUSED, adapter.UNDECIDED, adapter.ON_TERMINAL_ONLY, adapter.OK, adapter.NOT_REGISTERED)
    assert all(code in words.REASONS for code in codes)


# --- The command line ---


def test_terminals_are_added_listed_asked_about_and_removed_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'central.db'}"
    monkeypatch.setenv("SITEGATE_CENTRAL_DATABASE", url)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    run("site", "add", SITE)
    said = run("terminal", "add", SITE, TERMINAL, "--direction", "out", "--name", "南门",
               "--setting", "outcome_without_status=allow", "--setting", "remove_strays=true")  # fmt: skip
    assert f"mqtt/face/{TERMINAL}" in said
    assert re.search(rf"{TERMINAL} .*南门 .*out .*never seen", run("terminal", "list"))
    with Database.open(url) as database, database.write() as connection:
        (found,) = terminals.terminals(connection)
        connection.execute(
            tables.terminals.update().values(outstanding=[["W-7", "no_face_in_photo", 1]], not_sent=1)
        )
    assert found.remove_strays
    assert "no_face_in_photo" in run("terminal", "outstanding", TERMINAL)
    run("terminal", "remove", TERMINAL)
    assert TERMINAL not in run("terminal", "list")
    with pytest.raises(SettingRefused, match="NAME=VALUE"):
        run("terminal", "add", SITE, "2", "--direction", "in", "--setting", "remove_strays")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--vendor-broker", "mqtt://elsewhere:1883"], "in the clear"),
        (["--vendor-broker", "embedded"], "twice"),
        (["--vendor-user", "bridge"], "not given"),
        (["--terminal-photos", "nowhere"], "no folder nowhere"),
    ],
)
def test_a_vendor_broker_that_is_unsafe_or_wrong_is_refused(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    options = ["--database", f"sqlite:///{tmp_path / 'central.db'}", "--keys", str(tmp_path), *arguments]
    with pytest.raises(SettingRefused, match=said):
        CliRunner().invoke(app, ["run", *options], catch_exceptions=False)


# --- The service ---


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for worker_id in ("W-1", "W-2", "W-3", "W-4"):
        (folder / f"{worker_id}.jpg").write_bytes(JPEG)
    return folder


@pytest.fixture
def settings(mosquitto: str, database_url: str, tmp_path: Path, photos: Path) -> CentreSettings:
    return CentreSettings(
        database=database_url,
        keys=tmp_path / "keys",
        broker=BrokerSettings(url=mosquitto),
        terminals=TerminalSettings(
            photos=photos,
            clearances=("safety",),
            ledger=tmp_path / "terminals",
            report_every=timedelta(milliseconds=50),
        ),
        poll=timedelta(milliseconds=20),
    )


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def a_simulator(stack: ExitStack, url: str) -> TerminalSimulator:
    made = TerminalSimulator(TERMINAL, Broker("127.0.0.1", int(url.rpartition(":")[2])), habits=QUICK)
    made.start()
    stack.callback(made.stop)
    return made


def test_a_terminal_registered_at_the_centre_is_fed_heard_and_shown(
    settings: CentreSettings, stack: ExitStack
) -> None:
    service = stack.enter_context(CentralService(settings))
    database = service.database
    a_site(database)
    trained = (Clearance(kind="safety"),)
    put(
        database,
        a_person("W-1", clearances=trained),
        a_person("W-2", clearances=trained),
        a_person("W-3"),
        a_person("W-4", clearances=trained, flags=(Flag(level=FlagLevel.HOLD),)),
        a_person("W-5", clearances=trained),
    )
    there = a_simulator(stack, service.broker_url)
    a_terminal(database)
    until(lambda: sorted(there.people) == ["W-1", "W-2"], what="those who may enter and have a photo")
    until(lambda: card(database).terminal.held == 2, what="the board knows")  # type: ignore[union-attr]
    with database.read() as connection:
        assert terminals.outstanding(connection, TERMINAL) == [
            Outstanding("W-4", "flag_needs_guard"),
            Outstanding("W-5", "no_photo"),
        ]
    there.recognise("W-1")
    until(lambda: there.waiting == 0, what="the record is acknowledged")
    log = FrontOffice(database).access_log
    (row,) = log.page(ADMIN, EventFilter()).rows
    assert (row.gate_name, row.worker_id, row.main_reason) == ("北门旧闸机", "W-1", "ok")
    with database.write() as connection:
        registry.add_flag(connection, "W-1", Flag(level=FlagLevel.BLOCK), now=now())
    until(lambda: sorted(there.people) == ["W-2"], what="a flag takes somebody off the terminal")
    shown = card(database)
    assert shown.state is GateState.ONLINE
    assert shown.clock_offset_ms is not None
    with database.write() as connection:
        terminals.remove_terminal(connection, TERMINAL, now=now())
    until(lambda: not service.terminals.connected, what="the bridge ends")


def test_without_a_folder_of_photos_everybody_is_outstanding(
    settings: CentreSettings, stack: ExitStack, mosquitto: str
) -> None:
    bare = CentreSettings(
        database=settings.database, keys=settings.keys, broker=settings.broker, poll=settings.poll
    )
    service = stack.enter_context(CentralService(bare))
    a_site(service.database)
    a_terminal(service.database)
    put(service.database, a_person("W-1"))

    def reasons() -> list[str]:
        with service.database.read() as connection:
            return [one.reason for one in terminals.outstanding(connection, TERMINAL)]

    until(lambda: reasons() == ["no_photo"], what="W-1 is outstanding")


def test_a_bridge_that_cannot_start_holds_up_no_gate_and_starts_when_it_can(
    settings: CentreSettings, stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.central.terminal_bridge.PAUSE_S", 0.05)
    ledger = tmp_path / "terminals" / f"{TERMINAL}.json"
    ledger.parent.mkdir()
    ledger.write_text("{")
    service = stack.enter_context(CentralService(settings))
    a_site(service.database)
    a_terminal(service.database)
    until(lambda: "damaged" in service.terminals.problem, what="the damage is said")
    assert service.wait_connected(PATIENCE_S)
    box = a_gate(service.database)
    arrival = box.batch([box.event()])
    service.ingesting.put(arrival)
    until(lambda: service.totals["events"] == 1, what="a gate's event is taken")
    ledger.unlink()
    until(lambda: service.terminals.connected, what="the bridge runs")
    until(lambda: service.terminals.problem == "", what="nothing is left to be said")


def test_terminals_may_have_a_broker_of_their_own(
    settings: CentreSettings, stack: ExitStack, tmp_path: Path
) -> None:
    (tmp_path / "second").mkdir()
    port = free_port()
    stack.enter_context(a_mosquitto(tmp_path / "second", port))
    url = f"mqtt://127.0.0.1:{port}"
    apart = CentreSettings(
        database=settings.database,
        keys=settings.keys,
        broker=settings.broker,
        terminals=TerminalSettings(broker=BrokerSettings(url=url)),
        poll=settings.poll,
    )
    service = stack.enter_context(CentralService(apart))
    a_site(service.database)
    a_terminal(service.database)
    there = a_simulator(stack, url)
    there.recognise("W-1")
    until(lambda: there.waiting == 0 and there.seen.publications > 0, what="the record is acknowledged")
    with service.database.read() as connection:
        record = connection.scalar(select(tables.events.c.record))
    assert json.loads(record)["gate_id"] == TERMINAL
