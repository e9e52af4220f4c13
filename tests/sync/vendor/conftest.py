"""A real mosquitto for each test that wants one."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sync.vendor.broker import Broker

SEARCH = "/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin:/opt/homebrew/sbin"
PATIENCE_S = 60.0


class Mosquitto:
    """One broker process on a loopback port; `stop` and `start` keep the port."""

    def __init__(self, program: str, folder: Path, extra: str = "allow_anonymous true") -> None:
        self.port = _free_port()
        self._program = program
        self._config = folder / "mosquitto.conf"
        self._config.write_text(f"listener {self.port} 127.0.0.1\nuser root\n{extra}\n")
        self._process: subprocess.Popen[bytes] | None = None

    def broker(self, username: str = "", password: str = "") -> Broker:
        return Broker("127.0.0.1", self.port, username=username, password=password)

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._program, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        eventually(self._answers, "mosquitto listens")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE_S)
            self._process = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False


def eventually(condition: Callable[[], object], what: str) -> None:
    """Polls until `condition` holds; the limit is generous, it decides only about a hanging test."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"never came true: {what}")
        time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def mosquitto_program() -> str:
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path=SEARCH)
    if program is None:
        pytest.skip("mosquitto is not installed (apt-get install mosquitto)")
    return program


@pytest.fixture
def mosquitto(mosquitto_program: str, tmp_path: Path) -> Iterator[Mosquitto]:
    broker = Mosquitto(mosquitto_program, tmp_path)
    broker.start()
    yield broker
    broker.kill()
