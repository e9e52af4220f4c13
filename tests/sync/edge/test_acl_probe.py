"""What a broker's ACL lets a gate do, tried on real brokers."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from sync.central.broker import EmbeddedBroker
from sync.edge.acl_probe import AclReport, BrokerNotReached, examine_acl, mosquitto_acl
from sync.edge.settings import CentreSettings
from sync.wire import topics
from tests.sync.edge.brokers import Mosquitto, free_port

pytestmark = pytest.mark.slow  # a real broker, restarts and waits: seconds each

SITE, GATE, USER, PASSWORD = "riverside", "gate-1", "riverside-gate-1", "a made-up word"
PROTOCOL = Path(__file__).parents[3] / "docs" / "protocol.md"

Start = Callable[[str | None], Mosquitto]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts mosquitto with this ACL; None: without."""
    passwords = shutil.which("mosquitto_passwd")
    if passwords is None:
        pytest.skip("no mosquitto_passwd on this machine: apt-get install mosquitto")
    subprocess.run([passwords, "-b", "-c", tmp_path / "passwords", USER, PASSWORD], check=True)
    (tmp_path / "passwords").chmod(0o600)
    started: list[Mosquitto] = []

    def run(acl: str | None) -> Mosquitto:
        lines = ["allow_anonymous false", f"password_file {tmp_path / 'passwords'}"]
        if acl is not None:
            (tmp_path / "acl").write_text(acl)
            (tmp_path / "acl").chmod(0o600)
            lines.append(f"acl_file {tmp_path / 'acl'}")
        broker = Mosquitto(tmp_path, *lines)
        broker.start()
        started.append(broker)
        return broker

    yield run
    for broker in started:
        broker.kill()


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], AclReport]:
    monkeypatch.setenv("PROBE_PASSWORD", PASSWORD)

    def examine(port: int) -> AclReport:
        settings = CentreSettings(
            enabled=True, broker=f"mqtt://127.0.0.1:{port}", username=USER, password_env="PROBE_PASSWORD"
        )
        return examine_acl(settings, site_id=SITE, gate_id=GATE, listen_s=0.1)

    return examine


Look = Callable[[int], AclReport]


def test_the_acl_of_the_manual_holds_a_gate_to_its_own(start: Start, look: Look) -> None:
    found = re.search(r"```acl\n(.*?)```", PROTOCOL.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    assert "\n".join(mosquitto_acl(SITE, GATE, USER)) in found[1]
    report = look(start(found[1]).port)
    assert report == AclReport((), (), is_mqtt_5=True)
    assert report.is_tight


def test_without_an_acl_a_gate_may_speak_for_others_and_listen(start: Start, look: Look) -> None:
    broker = start(None)
    report = look(broker.port)
    assert report.may_write == (
        "sitegate/1/riverside/acl-probe/up/health",
        "sitegate/1/acl-probe/gate-1/up/health",
        "sitegate/1/riverside/acl-probe/down/command",
    )
    assert report.may_read == ("sitegate/1/riverside/gate-1/up/acl-probe",)


def test_an_acl_that_names_every_site_and_only_what_may_be_written_is_found(start: Start, look: Look) -> None:
    own = "\n".join(mosquitto_acl(SITE, GATE, USER))
    report = look(start(f"{own}\ntopic write sitegate/1/+/gate-1/up/#\n").port)
    assert report.may_write == ("sitegate/1/acl-probe/gate-1/up/health",)
    assert report.may_read == ()


def test_births_of_other_gates_that_can_be_read_are_found(start: Start, look: Look) -> None:
    own = "\n".join(mosquitto_acl(SITE, GATE, USER))
    broker = start(f"{own}\ntopic readwrite sitegate/1/riverside/gate-2/up/hello\n")
    birth = topics.up(SITE, "gate-2", topics.HELLO)
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set(USER, PASSWORD)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.publish(birth, b"signed", qos=1, retain=True).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()
    assert look(broker.port) == AclReport((), (birth,), is_mqtt_5=True)


def test_a_broker_that_speaks_only_3_1_1_is_judged_by_what_comes_back(look: Look) -> None:
    broker = EmbeddedBroker("127.0.0.1", 0)
    port = int(broker.start().rpartition(":")[2])
    try:
        report = look(port)
    finally:
        broker.stop()
    assert not report.is_mqtt_5
    assert len(report.may_write) == 3


def test_no_broker_and_a_wrong_password_are_told_apart(
    start: Start, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = start(None)
    with pytest.raises(BrokerNotReached, match="refused"):
        look(free_port())
    monkeypatch.setenv("PROBE_PASSWORD", "another word")
    with pytest.raises(BrokerNotReached, match="Not authorized") as refused:
        look(broker.port)
    assert "another word" not in f"{refused.value} {refused.value.next_step}"
