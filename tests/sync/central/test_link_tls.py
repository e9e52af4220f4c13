"""The centre over TLS: both sides show certificates, and one that does not fit is said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.central.link import CentreLink
from sync.central.settings import BrokerSettings
from tests.sync.edge.brokers import Mosquitto
from tests.sync.edge.certificates import Authority
from tests.sync.edge.scripted_centre import eventually

CONNECT_S = 20.0


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


def link_to(broker: Mosquitto, ca: Path, certificate: Path, key: Path) -> CentreLink:
    settings = BrokerSettings(
        url=f"mqtts://127.0.0.1:{broker.port}", ca_file=ca, cert_file=certificate, cert_key_file=key
    )
    return CentreLink(
        settings,
        address=("127.0.0.1", broker.port),
        filters=lambda shares: ["sitegate/1/+/+/up/batch"],
        on_up=lambda: None,
        on_message=lambda topic, payload: None,
    )


def test_the_centre_and_its_broker_show_each_other_certificates(
    tls_broker: tuple[Mosquitto, Authority],
) -> None:
    broker, authority = tls_broker
    link = link_to(broker, authority.ca, *authority.issue("centre"))
    link.start()
    assert link.wait_connected(CONNECT_S), link.problem
    link.stop()


# paho leaves the socket of a failed TLS handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_certificate_of_another_authority_is_refused_and_said(
    tls_broker: tuple[Mosquitto, Authority], tmp_path: Path
) -> None:
    broker, authority = tls_broker
    stranger = Authority(tmp_path / "other", "another authority")
    link = link_to(broker, authority.ca, *stranger.issue("centre"))
    link.start()
    eventually(lambda: link.problem and "not connected yet" not in link.problem, "the problem is said")
    assert not link.connected
    link.stop()
