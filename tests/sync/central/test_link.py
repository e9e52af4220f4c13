"""The centre's connection to the broker over a network that fails at the wrong moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from gate.bench.faults_proxy import Link, Proxy, State
from sync.central.link import CentreLink
from sync.central.settings import BrokerSettings

LIMIT_S = 60.0


@pytest.fixture
def way(mosquitto: str) -> Iterator[Link]:
    """A way to the broker that can be cut."""
    proxy = Proxy()
    yield proxy.link(urlsplit(mosquitto).port or 0)
    proxy.close()


@pytest.fixture
def link(way: Link) -> Iterator[CentreLink]:
    address = ("127.0.0.1", way.port)
    settings = BrokerSettings(url=f"mqtt://{address[0]}:{address[1]}")
    link = CentreLink(
        settings,
        address=address,
        filters=lambda shares: ["sitegate/1/+/+/up/batch"] if shares else ["alone"],
        on_up=lambda: None,
        on_message=lambda topic, payload: None,
    )
    yield link
    link.stop()


def test_a_broker_that_spoke_mqtt_5_is_spoken_to_in_mqtt_5_after_any_cut(way: Link, link: CentreLink) -> None:
    link.start()
    assert link.wait_connected(LIMIT_S)
    way.set(State.CUT)
    _eventually(lambda: not link.connected, "the cut is noticed")
    _eventually(lambda: "no connection" in link.problem or "lost" in link.problem, "it is tried again")
    time.sleep(1.0)  # a few attempts, each of them reset in the middle of its handshake
    way.set(State.OPEN)
    _eventually(lambda: link.connected, "it comes back")
    assert link.protocol is MQTTProtocolVersion.MQTTv5


def test_a_first_connection_in_a_bad_moment_does_not_decide_for_ever(
    way: Link, link: CentreLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.central.link.HANDSHAKE_S", 0.5)
    way.set(State.MUTE)
    link.start()
    _eventually(
        lambda: link.protocol is MQTTProtocolVersion.MQTTv311, "the silence is taken for an old broker"
    )
    way.set(State.OPEN)
    assert link.wait_connected(LIMIT_S)
    way.reset()
    _eventually(lambda: link.connected and link.protocol is MQTTProtocolVersion.MQTTv5, "back to MQTT 5")


def _eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    pytest.fail(f"not in time: {what}")
