"""`sitegate central` as a person uses it."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from sync.central import keys, registry, site_registry
from sync.central.accounts import Accounts
from sync.central.cli import app
from sync.central.database import Database
from sync.central.errors import KeyFileInTheWay, SettingRefused, UnknownSite
from sync.central.ingest import Ingest
from sync.errors import UnknownWorker
from sync.inspections import ChecklistInvalid
from sync.wire.keys import read_private_key, read_public_key, read_site_key
from tests.sync.central.gate_box import GateBox
from tests.sync.central.gate_client import PATIENCE_S
from tests.sync.samples import NOON, a_worker

PASSWORD = "a long made-up sentence"


@pytest.fixture
def options(tmp_path: Path) -> dict[str, str]:
    return {
        "SITEGATE_CENTRAL_DATABASE": f"sqlite:///{tmp_path / 'central' / 'central.db'}",
        "SITEGATE_CENTRAL_KEYS": str(tmp_path / "keys"),
    }


@pytest.fixture
def central(options: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    for name, value in options.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "200")
    return CliRunner()


def run(central: CliRunner, *arguments: str, code: int = 0) -> str:
    done = central.invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def database(options: dict[str, str]) -> Database:
    return Database.open(options["SITEGATE_CENTRAL_DATABASE"])


def test_a_site_tells_its_district_and_keeps_it_when_it_is_renamed(
    central: CliRunner, options: dict[str, str]
) -> None:
    run(central, "site", "add", "S-1", "--district", "示例区")
    run(central, "site", "set", "S-1", "--sub-district", " 示例街道 ")
    run(central, "site", "add", "S-1", "--name", "示例二期")
    with database(options) as opened, opened.read() as connection:
        assert site_registry.site_places(connection) == {"S-1": site_registry.SitePlace("示例区", "示例街道")}
    assert "示例区 / -" in run(central, "site", "set", "S-1", "--sub-district", "")
    with pytest.raises(UnknownSite):
        run(central, "site", "set", "S-2", "--district", "示例区")


def test_a_checklist_is_added_listed_and_taken_away(central: CliRunner, tmp_path: Path) -> None:
    run(central, "site", "add", "S-1")
    shown = run(central, "checklist", "list")
    assert "four_in_place" in shown and "八个一" in shown
    run(central, "checklist", "remove", "eight_ones")
    assert "eight_ones" not in run(central, "checklist", "list")
    file = tmp_path / "own.yaml"
    file.write_text(
        "{checklist_id: own, version: 3, zh: 自定, en: Own, deadline_days: 1,"
        " items: [{item_id: a, kind: yes_no, zh: 甲, en: A}]}",
        encoding="utf-8",
    )
    assert "own version 3: 1 items" in run(central, "checklist", "add", str(file))
    assert "自定 Own" in run(central, "checklist", "list")
    file.write_text(file.read_text(encoding="utf-8").replace("yes_no", "maybe"), encoding="utf-8")
    with pytest.raises(ChecklistInvalid, match=r"items\.0\.kind"):
        run(central, "checklist", "add", str(file))


def a_gate_by_hand(central: CliRunner, folder: Path, *more: str) -> str:
    return run(
        central,
        "gate",
        "add",
        "site-1",
        "gate-1",
        "--out",
        str(folder),
        "--broker",
        "mqtts://broker:8883",
        *more,
    )


def test_a_gate_gets_keys_that_only_its_owner_reads_and_its_part_of_the_configuration(
    central: CliRunner, options: dict[str, str], tmp_path: Path
) -> None:
    run(central, "site", "add", "site-1", "--name", "示例工地")
    said = a_gate_by_hand(central, tmp_path / "gate")
    for name in ("gate.key", "site.key"):
        assert stat.S_IMODE((tmp_path / "gate" / name).stat().st_mode) == 0o600
    secret = read_private_key(tmp_path / "gate" / "gate.key")
    assert len(read_site_key(tmp_path / "gate" / "site.key")) == 32
    centre = keys.signing_key(Path(options["SITEGATE_CENTRAL_KEYS"])).public_key()
    assert read_public_key(tmp_path / "gate" / "centre.pub").public_bytes_raw() == centre.public_bytes_raw()
    assert "broker: mqtts://broker:8883" in said
    assert (tmp_path / "gate" / "gate.key").read_text().splitlines()[1] not in said
    assert secret.public_key().public_bytes_raw()
    assert "never seen" in run(central, "gate", "list")


def test_a_kiosk_gets_its_names_and_the_setting_that_lets_it_connect(
    central: CliRunner, tmp_path: Path
) -> None:
    run(central, "site", "add", "site-1", "--name", "示例: “一”号", "--timezone", "Asia/Urumqi")
    said = a_gate_by_hand(central, tmp_path / "gate", "--kiosk", "--name", "登记台")
    part = YAML(typ="safe").load(said)
    assert part["site"]["id"] == "site-1"
    assert part["site"]["name"] == "示例: “一”号"
    assert part["site"]["timezone"] == "Asia/Urumqi"
    assert part["gate"] == {"id": "gate-1", "name": "登记台", "name_en": "登记台"}
    assert part["kiosk"] == {"sync": True}
    again = a_gate_by_hand(central, tmp_path / "again", "--reissue")
    assert YAML(typ="safe").load(again)["kiosk"] == {"sync": True}, "it is a kiosk still"


def test_key_files_are_never_replaced_and_then_no_gate_is_registered(
    central: CliRunner, tmp_path: Path
) -> None:
    run(central, "site", "add", "site-1")
    (tmp_path / "gate").mkdir()
    (tmp_path / "gate" / "site.key").write_text("mine")
    with pytest.raises(KeyFileInTheWay):
        a_gate_by_hand(central, tmp_path / "gate")
    assert "gate-1" not in run(central, "gate", "list")


def test_a_gate_is_revoked_and_taken_back_with_a_new_key(central: CliRunner, tmp_path: Path) -> None:
    run(central, "site", "add", "site-1")
    a_gate_by_hand(central, tmp_path / "first")
    run(central, "gate", "revoke", "site-1", "gate-1")
    assert "revoked" in run(central, "gate", "list")
    a_gate_by_hand(central, tmp_path / "second", "--reissue")
    assert "revoked" not in run(central, "gate", "list")


def test_a_user_is_added_and_can_log_in(
    central: CliRunner, options: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(central, "site", "add", "site-1")
    monkeypatch.setenv("SITEGATE_NEW_PASSWORD", PASSWORD)
    said = run(central, "user", "add", "example", "--role", "supervisor", "--site", "site-1")
    assert PASSWORD not in said
    with database(options) as opened:
        assert Accounts(opened).login("example", PASSWORD).viewer.user_id == "example"
    with pytest.raises(SettingRefused, match="king"):
        run(central, "user", "add", "other", "--role", "king")


def test_a_flag_is_put_on_listed_and_taken_off(central: CliRunner, options: dict[str, str]) -> None:
    run(central, "site", "add", "demo-site")
    with database(options) as opened, opened.write() as connection:
        registry.put_worker(connection, a_worker(), now=NOON)
    said = run(central, "flag", "add", "W-1", "--level", "block", "--reason", "示例")
    flag_id = re.findall(r"[0-9a-f]{32}", said)[0]
    assert "示例" in run(central, "flag", "list", "W-1")
    run(central, "flag", "remove", "W-1", flag_id)
    assert flag_id not in run(central, "flag", "list", "W-1")
    with pytest.raises(UnknownWorker, match="W-9"):
        run(central, "flag", "add", "W-9", "--level", "hold")


def test_a_backup_restores_into_a_new_database(central: CliRunner, tmp_path: Path) -> None:
    run(central, "site", "add", "site-1")
    run(central, "backup", str(tmp_path / "backup.db"))
    said = run(
        central, "restore", str(tmp_path / "backup.db"), "--database", f"sqlite:///{tmp_path / 'second.db'}"
    )
    assert "1 rows" in said


def test_check_says_what_a_person_should_look_at(
    central: CliRunner, options: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(SettingRefused, match="no database"):
        run(central, "check")
    run(central, "site", "add", "site-1")
    a_gate_by_hand(central, tmp_path / "gate")
    assert "look" not in run(central, "check")
    box = GateBox("gate-1", "site-1", read_private_key(tmp_path / "gate" / "gate.key"))
    with database(options) as opened:
        Ingest(opened, lambda: NOON).take([box.batch([box.event(sequence=4)])])
    assert "3 events have not arrived" in run(central, "check", code=1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--broker", "mqtt://elsewhere:1883"], "in the clear"),
        (["--listen", "0.0.0.0:1883"], "in the clear"),
        (["--broker", "mqtts://me:secret@elsewhere"], "without user"),
        (["--broker", "http://elsewhere"], "mqtts://host:port"),
        (["--listen", "1883"], "HOST:PORT"),
    ],
)
def test_a_broker_that_is_unsafe_or_wrong_is_refused(
    central: CliRunner, arguments: list[str], words: str
) -> None:
    with pytest.raises(SettingRefused, match=words) as refused:
        run(central, "run", *arguments)
    assert "secret" not in str(refused.value)


@pytest.mark.slow
def test_the_whole_centre_starts_says_where_it_is_and_stops_when_asked(options: dict[str, str]) -> None:
    program = "from gate.cli import main; main()"
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            program,
            "central",
            "run",
            "--listen",
            "127.0.0.1:0",
            "--console",
            "127.0.0.1:0",
        ],
        env={**os.environ, **options},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("console "):
                break
        addresses = dict(line.split(maxsplit=1) for line in said if line.split()[0] in ("broker", "console"))
        host, _, port = addresses["broker"].strip().removeprefix("mqtt://").rpartition(":")
        socket.create_connection((host, int(port)), timeout=PATIENCE_S).close()
        with urlopen(addresses["console"].strip(), timeout=PATIENCE_S) as page:
            assert page.status == 200
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
