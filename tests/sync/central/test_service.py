"""The central service on a real mosquitto and on the embedded broker, with SQLite and PostgreSQL."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
from paho.mqtt.enums import MQTTProtocolVersion
from sqlalchemy import Row, func, select

from sync.central import commands, registry, tables
from sync.central.broker import EmbeddedBroker
from sync.central.database import Database
from sync.central.keys import signing_key
from sync.central.service import CentralService
from sync.central.settings import BrokerSettings, CentreSettings
from sync.records import Flag, FlagLevel
from sync.wire import topics
from sync.wire.messages import (
    Ack,
    Action,
    Answer,
    Batch,
    BatchItem,
    Command,
    Health,
    Hello,
    Presence,
    RosterHead,
    RosterPart,
    RosterWant,
)
from tests.sync.central.conftest import a_mosquitto, free_port
from tests.sync.central.gate_box import SITE, GateBox, a_gate, a_site
from tests.sync.central.gate_client import PATIENCE_S, GateClient, until
from tests.sync.samples import a_template, a_worker


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def settings(mosquitto: str, database_url: str, tmp_path: Path) -> CentreSettings:
    return CentreSettings(
        database=database_url,
        keys=tmp_path / "keys",
        broker=BrokerSettings(url=mosquitto),
        poll=timedelta(milliseconds=20),
    )


@pytest.fixture
def service(settings: CentreSettings) -> Iterator[CentralService]:
    with CentralService(settings) as started:
        a_site(started.database)
        assert started.wait_connected(PATIENCE_S)
        yield started


@pytest.fixture
def gate(service: CentralService, settings: CentreSettings) -> Iterator[GateClient]:
    box = a_gate(service.database)
    with GateClient(box, service.broker_url, signing_key(settings.keys).public_key()) as client:
        yield client


def a_batch(box: GateBox, count: int = 1) -> Batch:
    return Batch(
        batch_id=uuid4().hex,
        boot_id="boot-1",
        replay=False,
        items=tuple(
            BatchItem(item_id=number, kind="event", payload=box.event().model_dump_json())
            for number in range(count)
        ),
    )


def status(database: Database) -> Row[Any] | None:
    with database.read() as connection:
        return connection.execute(select(tables.gate_status)).one_or_none()


def test_a_batch_is_acknowledged_after_its_events_are_in_the_database(
    service: CentralService, gate: GateClient
) -> None:
    batch = a_batch(gate.box, 3)
    gate.say(topics.BATCH, batch)
    ack = gate.hear(topics.ACK, Ack)
    assert (ack.batch_id, ack.accepted) == (batch.batch_id, (0, 1, 2))
    with service.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.events)) == 3


def test_mqtt_5_is_spoken_where_the_broker_has_it(service: CentralService) -> None:
    assert service.link.protocol is MQTTProtocolVersion.MQTTv5
    assert service.problem == ""


def test_two_processes_share_the_batches(
    service: CentralService, settings: CentreSettings, gate: GateClient
) -> None:
    second = CentralService(
        CentreSettings(
            database=settings.database, keys=settings.keys, broker=settings.broker, ingest_only=True
        )
    )
    with second:
        assert second.wait_connected(PATIENCE_S)
        for _ in range(20):
            gate.say(topics.BATCH, a_batch(gate.box))
        until(lambda: service.totals["events"] + second.totals["events"] == 20, what="20 events")
        assert service.totals["events"] and second.totals["events"]
        assert service.totals["repeated"] + second.totals["repeated"] == 0


def test_a_flag_is_announced_and_a_want_answered_with_it(service: CentralService, gate: GateClient) -> None:
    with service.database.write() as connection:
        registry.put_worker(connection, a_worker(), [a_template()], now=now())
    head = gate.hear(topics.HEAD, RosterHead, lambda one: one.workers == 1)
    with service.database.write() as connection:
        changed = registry.add_flag(connection, "W-1", Flag(level=FlagLevel.BLOCK), now=now())
    service.roster_changed(changed)
    newer = gate.hear(topics.HEAD, RosterHead, lambda one: one.version > head.version)
    gate.say(topics.WANT, RosterWant(have_version=head.version, reason="head"))
    part = gate.hear(topics.ROSTER, RosterPart)
    assert (part.to_version, part.digest, part.last) == (newer.version, newer.digest, True)
    (entry,) = part.entries
    assert entry.worker is not None
    assert entry.worker.flags[0].level is FlagLevel.BLOCK


def test_birth_heartbeat_and_last_will_are_kept_and_an_old_will_changes_nothing(
    service: CentralService, gate: GateClient
) -> None:
    lost = Hello(presence=Presence.LOST, boot_id="boot-1", at=now())
    old_will = gate.box.sealed(topics.HELLO, lost.model_dump_json().encode())
    gate.say(
        topics.HELLO, Hello(presence=Presence.ONLINE, boot_id="boot-1", at=now(), software="1.0"), retain=True
    )
    gate.say(topics.HEALTH, Health(boot_id="boot-1", at=now(), outbox_depth=7, clock_offset_ms=-3.5))
    seen = until(
        lambda: (row := status(service.database)) and row.presence and row.health_at and row,
        what="birth and heartbeat",
    )
    assert (seen.presence, seen.software, seen.outbox_depth, seen.clock_offset_ms) == (
        "online",
        "1.0",
        7,
        -3.5,
    )
    gate.send(*old_will)
    gate.say(topics.HELLO, lost)
    until(lambda: status(service.database).presence == "lost", what="the last will")  # type: ignore[union-attr]


def test_a_retained_birth_is_known_to_a_centre_that_starts_later(
    settings: CentreSettings,
) -> None:
    with Database.open(settings.database) as database:
        a_site(database)
        box = a_gate(database)
    key = signing_key(settings.keys, create=True).public_key()
    with GateClient(box, settings.broker.url, key) as gate:
        gate.say(topics.HELLO, Hello(presence=Presence.ONLINE, boot_id="boot-1", at=now()), retain=True)
        with CentralService(settings) as service:
            until(lambda: status(service.database), what="the retained birth")


def test_a_command_is_sent_signed_once_and_its_answer_kept(service: CentralService, gate: GateClient) -> None:
    with service.database.write() as connection:
        command_id = commands.ask(
            connection,
            (SITE, "gate-1"),
            Action.OPEN_ONCE,
            issued_by="示例管理员",
            reason="delivery",
            now=now(),
        )
    service.command_asked()
    command = gate.hear(topics.COMMAND, Command)
    assert (command.command_id, command.action) == (command_id, Action.OPEN_ONCE)
    gate.say(topics.ANSWER, Answer(command_id=command_id, done=True, detail="opened", at=now()))

    def answered() -> Row[Any] | None:
        with service.database.read() as connection:
            row = connection.execute(select(tables.commands)).one()
        return row if row.answered_at else None

    row = until(answered, what="the answer")
    assert (row.done, row.detail) == (True, "opened")


def test_a_command_that_expired_is_not_sent(centre_database: Database) -> None:
    a_site(centre_database)
    a_gate(centre_database)
    asked_at = now()
    with centre_database.write() as connection:
        commands.ask(connection, (SITE, "gate-1"), Action.LOCK, issued_by="示例", reason="", now=asked_at)
        assert commands.take_waiting(connection, asked_at + commands.VALID_FOR) == []
        row = connection.execute(select(tables.commands)).one()
        assert (row.done, row.detail) == (False, commands.EXPIRED)


def test_a_heartbeat_that_cannot_be_read_is_counted_and_the_service_goes_on(
    service: CentralService, gate: GateClient
) -> None:
    gate.send(*gate.box.sealed(topics.HEALTH, b'{"boot_id": "a\\u0000", "at": "2026-03-02T04:00:00Z"}'))
    gate.send(*gate.box.sealed(topics.HEALTH, b"{}"))
    gate.say(topics.HEALTH, Health(boot_id="boot-1", at=now()))
    until(lambda: (row := status(service.database)) and row.health_at, what="the good heartbeat")
    with service.database.read() as connection:
        row = connection.execute(select(tables.refusals)).one()
    assert (row.cause, row.count) == ("malformed", 2)


def test_the_embedded_broker_keeps_no_connection_that_says_nothing() -> None:
    broker = EmbeddedBroker("127.0.0.1", 0)
    port = int(broker.start().rsplit(":", 1)[1])
    for words in (b"", b"GET / HTTP/1.1\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", port)) as stranger:
            stranger.sendall(words)
    with socket.create_connection(("127.0.0.1", port)):
        until(lambda: _connections(port) == 1, what="an end of those who left")
        broker.stop()
    until(lambda: _connections(port) == 0, what="the end of the last one")


def _connections(port: int) -> int:
    """How many the broker holds, also half closed ones."""
    held = psutil.Process().net_connections(kind="tcp4")
    return sum(1 for one in held if one.laddr[1:] == (port,) and one.status != psutil.CONN_LISTEN)


def test_the_embedded_broker_serves_a_gate(tmp_path: Path) -> None:
    settings = CentreSettings(
        database=f"sqlite:///{tmp_path / 'central.db'}",
        keys=tmp_path / "keys",
        broker=BrokerSettings(listen=("127.0.0.1", 0)),
    )
    with CentralService(settings) as service:
        assert service.wait_connected(PATIENCE_S)
        assert service.link.protocol is MQTTProtocolVersion.MQTTv311
        a_site(service.database)
        box = a_gate(service.database)
        with GateClient(box, service.broker_url, signing_key(settings.keys).public_key()) as gate:
            gate.say(topics.BATCH, a_batch(box))
            assert gate.hear(topics.ACK, Ack).accepted == (0,)
            assert gate.hear(topics.HEAD, RosterHead).version == 0


def test_a_broker_that_comes_late_and_again_is_found_and_told_the_rosters_anew(tmp_path: Path) -> None:
    port = free_port()
    settings = CentreSettings(
        database=f"sqlite:///{tmp_path / 'central.db'}",
        keys=tmp_path / "keys",
        broker=BrokerSettings(url=f"mqtt://127.0.0.1:{port}"),
    )
    with CentralService(settings) as service:
        a_site(service.database)
        box = a_gate(service.database)
        key = signing_key(settings.keys).public_key()
        until(lambda: "no connection" in service.problem, what="the word that there is no broker")
        for _ in range(2):
            with (
                a_mosquitto(tmp_path, port),
                GateClient(box, settings.broker.url, key) as gate,
            ):
                assert gate.hear(topics.HEAD, RosterHead).version == 0
                gate.say(topics.BATCH, a_batch(box))
                assert gate.hear(topics.ACK, Ack).accepted == (0,)
