"""Real brokers for tests: mosquitto as a process on a free loopback port."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

_PLACES = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"
START_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def mosquitto_program() -> str:
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path=_PLACES)
    if program is None:
        pytest.skip("no mosquitto on this machine: apt-get install mosquitto")
    return program


class Mosquitto:
    """A broker that can be killed and started again on the same port; it remembers nothing."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self.port = free_port()
        self._config = folder / f"mosquitto-{self.port}.conf"
        self._log = self._config.with_suffix(".log")
        # Started as root it would become another user, who cannot read the files of the test.
        me = f"user {getpass.getuser()}"
        settings = [me, f"listener {self.port} 127.0.0.1", "persistence false", *lines]
        self._config.write_text("\n".join(settings) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([mosquitto_program(), "-c", str(self._config)], stderr=log)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self._process.poll() is None, self._log.read_text()
            time.sleep(0.02)
        self.kill()
        raise TimeoutError("mosquitto did not start")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
