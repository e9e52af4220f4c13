"""A broker, a scripted centre and an agent for each test, wired with real keys."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync.edge.agent import EdgeAgent, HealthTexts
from sync.edge.settings import CentreSettings
from sync.store import LocalStore
from sync.wire.keys import private_pem, public_pem, write_private
from sync.wire.messages import Command
from tests.sync.edge.brokers import Mosquitto
from tests.sync.edge.scripted_centre import ScriptedCentre, eventually

SITE, GATE = "demo-site", "gate-1"


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass
class Rig:
    """One gate with its centre; `agent` is started by `run`."""

    folder: Path
    store: LocalStore
    gate_key: Ed25519PrivateKey
    site_key: bytes
    commands: list[Command] = field(default_factory=list)
    roster_changes: int = 0
    health: HealthTexts = field(default_factory=lambda: HealthTexts(camera="lane-1: camera lost"))
    execute: Callable[[Command], tuple[bool, str]] = lambda _: (True, "opened")
    clock: Any = field(default_factory=SystemClock)
    agents: list[EdgeAgent] = field(default_factory=list)
    centres: list[ScriptedCentre] = field(default_factory=list)

    def centre(self, port: int, **options: Any) -> ScriptedCentre:
        centre = ScriptedCentre(
            port,
            site_id=SITE,
            gate_id=GATE,
            gate_key=self.gate_key.public_key(),
            site_key=self.site_key,
            **options,
        )
        self.centres.append(centre)
        (self.folder / "centre.pub").write_text(public_pem(centre.key.public_key()))
        return centre

    def settings(self, broker: str, **changes: Any) -> CentreSettings:
        return CentreSettings.model_validate(
            {
                "enabled": True,
                "broker": broker,
                "gate_key_file": self.folder / "gate.key",
                "site_key_file": self.folder / "site.key",
                "centre_public_key_file": self.folder / "centre.pub",
                "reconnect_min_s": 0.05,
                "reconnect_max_s": 0.3,
                "heartbeat_s": 0.3,
                "ack_timeout_s": 0.5,
                **changes,
            }
        )

    def agent(self, port: int, *, scheme: str = "mqtt", gate_id: str = GATE, **changes: Any) -> EdgeAgent:
        def executed(command: Command) -> tuple[bool, str]:
            self.commands.append(command)
            return self.execute(command)

        def changed() -> None:
            self.roster_changes += 1

        agent = EdgeAgent(
            self.settings(f"{scheme}://localhost:{port}", **changes),
            self.store,
            site_id=SITE,
            gate_id=gate_id,
            clock=self.clock,
            health=lambda: self.health,
            on_command=executed,
            on_roster_changed=changed,
            version="1.2.3",
            lanes=("lane-1",),
        )
        self.agents.append(agent)
        return agent

    def run(self, port: int, **changes: Any) -> EdgeAgent:
        agent = self.agent(port, **changes)
        agent.start()
        eventually(lambda: agent.status().connected, "the agent connects")
        return agent

    def close(self) -> None:
        for agent in self.agents:
            agent.stop()
        for centre in self.centres:
            centre.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    broker = Mosquitto(tmp_path, "allow_anonymous true")
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def rig(tmp_path: Path, store: LocalStore, broker: Mosquitto) -> Iterator[Rig]:
    """Needs the broker so that it is closed first: a client that lost its broker takes longer to end."""
    rig = Rig(tmp_path, store, Ed25519PrivateKey.generate(), os.urandom(32))
    write_private(tmp_path / "gate.key", private_pem(rig.gate_key))
    write_private(tmp_path / "site.key", rig.site_key.hex())
    yield rig
    rig.close()


@pytest.fixture
def centre(rig: Rig, broker: Mosquitto) -> ScriptedCentre:
    return rig.centre(broker.port)
