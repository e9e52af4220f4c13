"""Birth, goodbye and last will; TLS, both versions of MQTT, and what is said when there is no broker."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTProtocolVersion
from pydantic import ValidationError

from sync.central.broker import EmbeddedBroker
from sync.edge.link import BrokerSettingsWrong
from sync.edge.settings import CentreSettings
from sync.errors import SecretUnsafe
from sync.wire import topics
from sync.wire.keys import public_pem
from sync.wire.messages import Presence
from tests.sync.edge.brokers import Mosquitto, free_port
from tests.sync.edge.certificates import Authority
from tests.sync.edge.conftest import Rig
from tests.sync.edge.scripted_centre import ScriptedCentre, eventually
from tests.sync.samples import an_event

pytestmark = pytest.mark.slow  # a real broker, restarts and waits: seconds each


def presences(centre: ScriptedCentre) -> list[Presence]:
    return [hello.presence for hello in centre.of(topics.HELLO)]


def test_a_gate_says_when_it_comes_how_it_is_and_when_it_goes(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    agent = rig.run(broker.port)
    hello = eventually(lambda: centre.last(topics.HELLO), "the birth")
    assert (hello.presence, hello.software, hello.lanes) == (Presence.ONLINE, "1.2.3", ("lane-1",))
    health = eventually(lambda: centre.last(topics.HEALTH), "the first heartbeat")
    assert health.camera == "lane-1: camera lost"
    assert health.boot_id == hello.boot_id
    eventually(lambda: len(centre.of(topics.HEALTH)) >= 3, "the heart beats on")
    agent.stop()
    eventually(lambda: presences(centre) == [Presence.ONLINE, Presence.STOPPED], "the goodbye, and no will")


def test_a_gate_that_is_killed_is_reported_lost_by_the_broker_and_comes_back_with_higher_counters(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.sync.edge.agent_child", str(tmp_path), str(broker.port)]
    for expected in ([Presence.ONLINE], [Presence.ONLINE, Presence.LOST, Presence.ONLINE]):
        child = subprocess.Popen(command, cwd=Path(__file__).parents[3])
        try:
            eventually(lambda now=expected: presences(centre) == now, "the birth")
        finally:
            child.kill()
            child.wait()
        eventually(lambda: presences(centre)[-1] is Presence.LOST, "the last will")
    hellos = [one.counter for one in centre.envelopes if one.address.kind == topics.HELLO]
    assert hellos == sorted(set(hellos))
    assert len({hello.boot_id for hello in centre.of(topics.HELLO)}) == 2


def test_mqtt_5_is_spoken_where_the_broker_has_it(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    agent = rig.run(broker.port)
    assert agent._link.protocol is MQTTProtocolVersion.MQTTv5


def test_a_broker_without_a_centre_behind_it_is_said(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    centre.on_batch = lambda batch: None
    agent = rig.run(broker.port)
    eventually(lambda: agent.status().problem == "the centre does not answer", "the silence is said")
    centre.on_batch = centre.take
    eventually(lambda: agent.status().centre_answers and not agent.status().problem, "and its end")


def test_what_a_broker_hands_out_unasked_is_counted_and_breaks_nothing(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    agent = rig.run(broker.port)
    # Some brokers hand a retained birth to whoever subscribes to anything.
    agent._link._on_message(topics.up("demo-site", "gate-1", topics.HELLO), b"{}")
    assert agent.status().refused["misaddressed"] == 1
    rig.store.record(an_event())
    eventually(lambda: rig.store.outbox_depth() == 0, "the connection still works")


def test_no_gate_may_have_the_name_of_all_gates(rig: Rig, broker: Mosquitto, centre: ScriptedCentre) -> None:
    with pytest.raises(ValueError, match="every gate"):
        rig.agent(broker.port, gate_id="all")


@pytest.fixture
def old_broker() -> Iterator[int]:
    """The centre's embedded broker, which speaks MQTT 3.1.1 only; its port."""
    broker = EmbeddedBroker("127.0.0.1", 0)
    url = broker.start()
    yield int(url.rpartition(":")[2])
    broker.stop()


def test_a_broker_that_refuses_mqtt_5_is_spoken_to_in_3_1_1(old_broker: int, rig: Rig) -> None:
    centre = rig.centre(old_broker, protocol=MQTTProtocolVersion.MQTTv311)
    agent = rig.run(old_broker)
    assert agent._link.protocol is MQTTProtocolVersion.MQTTv311
    rig.store.record(an_event())
    eventually(lambda: rig.store.outbox_depth() == 0, "an event goes through")
    assert centre.accepted == [1]
    rig.close()


@pytest.fixture
def tls_broker(tmp_path: Path) -> Iterator[tuple[Mosquitto, Authority]]:
    """A broker that lets in only who shows a certificate of the authority."""
    authority = Authority(tmp_path / "tls")
    certificate, key = authority.issue("localhost")
    broker = Mosquitto(
        tmp_path,
        f"cafile {authority.ca}",
        f"certfile {certificate}",
        f"keyfile {key}",
        "require_certificate true",
        "use_identity_as_username true",
    )
    broker.start()
    yield broker, authority
    broker.kill()


def test_over_tls_both_sides_show_their_certificates(
    tls_broker: tuple[Mosquitto, Authority], rig: Rig, tmp_path: Path
) -> None:
    broker, authority = tls_broker

    def with_certificate(client: Client) -> None:
        context = ssl.create_default_context(cafile=authority.ca)
        context.check_hostname = False  # the scripted centre connects to 127.0.0.1
        context.load_cert_chain(*authority.issue("centre"))
        client.tls_set_context(context)

    rig.centre(broker.port, prepare=with_certificate)
    certificate, key = authority.issue("gate-1")
    files = {"ca_file": authority.ca, "cert_file": certificate, "cert_key_file": key}
    rig.run(broker.port, scheme="mqtts", **files)
    rig.store.record(an_event())
    eventually(lambda: rig.store.outbox_depth() == 0, "an event goes through")
    rig.close()


# paho leaves the socket of a failed TLS handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("fault", ["no certificate", "certificate of another authority", "unknown broker"])
def test_a_certificate_that_does_not_fit_is_said_and_nothing_is_sent(
    tls_broker: tuple[Mosquitto, Authority], rig: Rig, tmp_path: Path, fault: str
) -> None:
    broker, authority = tls_broker
    stranger = Authority(tmp_path / "other", "another authority")
    certificate, key = (stranger if "another" in fault else authority).issue("gate-1")
    files: dict[str, Path] = {"ca_file": stranger.ca if fault == "unknown broker" else authority.ca}
    if fault != "no certificate":
        files |= {"cert_file": certificate, "cert_key_file": key}
    (tmp_path / "centre.pub").write_text(_any_public_key(rig))
    agent = rig.agent(broker.port, scheme="mqtts", **files)
    agent.start()
    eventually(lambda: agent.status().problem, "the problem is said")
    assert not agent.status().connected


def _any_public_key(rig: Rig) -> str:
    return public_pem(rig.gate_key.public_key())


def test_a_broker_that_knows_no_such_user_is_named_with_the_reason(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "users").write_text("")
    guarded = Mosquitto(tmp_path, f"password_file {tmp_path / 'users'}")
    guarded.start()
    try:
        (tmp_path / "centre.pub").write_text(_any_public_key(rig))
        agent = rig.agent(guarded.port, username="gate-1")
        agent.start()
        problem = eventually(lambda: agent.status().problem, "the refusal is said")
        assert "refuses this gate" in problem
        assert "uthori" in problem
        rig.close()
    finally:
        guarded.kill()


def test_no_broker_at_all_is_said_and_the_agent_stops_at_once(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "centre.pub").write_text(_any_public_key(rig))
    agent = rig.agent(free_port())
    agent.start()
    eventually(lambda: "no connection to mqtt://localhost" in agent.status().problem, "it is said")
    assert not agent.status().centre_answers
    assert agent.status().roster_age_s is None


def test_a_missing_key_a_missing_certificate_and_a_missing_password_are_named(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SecretUnsafe, match=r"centre\.pub does not exist"):
        rig.agent(1883)
    (tmp_path / "centre.pub").write_text(_any_public_key(rig))
    with pytest.raises(BrokerSettingsWrong, match=r"missing\.pem"):
        rig.agent(8883, scheme="mqtts", ca_file=tmp_path / "missing.pem")
    monkeypatch.delenv("GATE_PASSWORD", raising=False)
    with pytest.raises(BrokerSettingsWrong, match="GATE_PASSWORD is not set"):
        rig.agent(1883, username="gate-1", password_env="GATE_PASSWORD")
    (tmp_path / "gate.key").chmod(0o644)
    with pytest.raises(SecretUnsafe, match="open to other users"):
        rig.agent(1883)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"enabled": True, "broker": "mqtt://broker.example:1883"}, "in the clear"),
        ({"broker": "http://127.0.0.1"}, "mqtt://host:port"),
        ({"broker": "mqtt://127.0.0.1:99999"}, "mqtt://host:port"),
        ({"broker": "mqtt://user:word@127.0.0.1"}, "password_env"),
        ({"cert_file": "gate.pem"}, "belong together"),
        ({"when_full": "forget"}, "drop_oldest_refused"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(section: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        CentreSettings.model_validate(section)


def test_plain_mqtt_to_another_machine_is_allowed_when_it_is_said_aloud() -> None:
    settings = CentreSettings(enabled=True, broker="mqtt://broker.example", allow_plain=True)
    assert (settings.host, settings.port, settings.tls) == ("broker.example", 1883, False)
    assert CentreSettings(broker="mqtts://broker.example").port == 8883
