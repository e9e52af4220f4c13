"""The demo's centre: broker, ingest and console in a process that can be killed and brought back."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from sqlalchemy import select

from gate.errors import GateError
from sync.central import registry, tables
from sync.central.database import Database
from sync.edge.settings import CentreSettings
from sync.records import Clearance, Flag, FlagLevel

DEMO_USER, DEMO_PASSWORD = "demo", "demo-console-2468"
FLAG_CATEGORY = "demo"
START_TIMEOUT_S = 60.0
END_TIMEOUT_S = 10.0


class DemoCentre:
    """A whole centre on SQLite with the embedded broker, set up by the commands that an operator uses."""

    def __init__(self, folder: Path, *, site_id: str, gate_id: str, console_port: int) -> None:
        self._folder = folder
        self._database_url = f"sqlite:///{folder / 'central.db'}"
        self._broker_port = _free_port()
        self._console_port = console_port or _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._command("site", "add", site_id, "--name", "示例工地", "--name-en", "Demo site")
        self._start()
        self._site_id = site_id
        # People are registered from a roster at the gate's own box, too.
        self.settings = self.add_box(gate_id, "一号门", kiosk=True)
        self._command("user", "add", DEMO_USER, "--role", "admin", password=DEMO_PASSWORD)
        self.database = Database.open(self._database_url)

    def add_box(self, gate_id: str, name: str, *, kiosk: bool = False) -> CentreSettings:
        """Register a gate or a kiosk; the part of its configuration that leads here."""
        keys = self._folder / f"{gate_id}-keys"
        self._command(
            "gate", "add", self._site_id, gate_id, "--out", str(keys), "--keys", str(self._folder),
            "--broker", self.broker_url, "--name", name, *(["--kiosk"] if kiosk else []),
        )  # fmt: skip
        return CentreSettings(
            enabled=True,
            broker=self.broker_url,
            gate_key_file=keys / "gate.key",
            centre_public_key_file=keys / "centre.pub",
            site_key_file=keys / "site.key",
            heartbeat_s=2.0,
            reconnect_max_s=2.0,
        )

    @property
    def broker_url(self) -> str:
        return f"mqtt://127.0.0.1:{self._broker_port}"

    @property
    def console_url(self) -> str:
        return f"http://127.0.0.1:{self._console_port}"

    # -- life ------------------------------------------------------------------------------------------

    def kill(self) -> None:
        """Broker, ingest and console are gone from one moment to the next."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(END_TIMEOUT_S)
            self._process = None

    def bring_back(self) -> None:
        self._start()

    def close(self) -> None:
        self.database.close()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.kill()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", "gate.cli", "central", "run",
                "--database", self._database_url, "--keys", str(self._folder),
                "--listen", f"127.0.0.1:{self._broker_port}", "--console", f"127.0.0.1:{self._console_port}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=(self._folder / "central.log").open("ab"),
        )  # fmt: skip
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if time.monotonic() > deadline_s or self._process.poll() is not None:
                raise GateError("the centre did not start", next_step=f"see {self._folder / 'central.log'}")
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            return httpx.get(self.console_url, follow_redirects=True, timeout=2.0).is_success
        except httpx.HTTPError:
            return False

    def import_list(self, list_id: str, file: Path, *words: str) -> None:
        """`sitegate central list import`; the running centre finds whom it concerns."""
        self._command("list", "import", list_id, str(file), "--keys", str(self._folder), *words)

    def _command(self, *words: str, password: str = "") -> None:
        environment = {**os.environ, "SITEGATE_CENTRAL_DATABASE": self._database_url}
        if password:
            environment["SITEGATE_NEW_PASSWORD"] = password
        done = subprocess.run(
            [sys.executable, "-m", "gate.cli", "central", *words],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise GateError(f"sitegate central {' '.join(words[:2])}: {done.stderr.strip()}")

    # -- what a supervisor does at the console ---------------------------------------------------------

    def flag(self, worker_id: str) -> None:
        """Put the worker on the key-monitoring list."""
        flag = Flag(level=FlagLevel.BLOCK, category=FLAG_CATEGORY, reason="flagged by the demo")
        with self.database.write() as connection:
            registry.add_flag(connection, worker_id, flag, now=datetime.now(UTC))

    def clear_flags(self, worker_id: str) -> None:
        """Take the demo's own flags back; those that somebody set at the console stay."""
        with self.database.write() as connection:
            for flag in registry.worker(connection, worker_id).flags:
                if flag.category == FLAG_CATEGORY:
                    registry.remove_flag(connection, worker_id, flag.flag_id)

    def train(self, worker_id: str, *, valid_days: int) -> None:
        """Set the end of the worker's training so many days from now; in the past: it has expired."""
        now = datetime.now(UTC)
        training = Clearance(kind="training", valid_until=now + timedelta(days=valid_days), reference="demo")
        with self.database.write() as connection:
            worker = registry.worker(connection, worker_id)
            others = tuple(c for c in worker.clearances if c.kind != training.kind)
            changed = worker.model_copy(update={"clearances": (*others, training)})
            registry.put_worker(connection, changed, now=now)

    def event_ids(self) -> list[str]:
        """Ids of all events that have arrived."""
        with self.database.read() as connection:
            return list(connection.scalars(select(tables.events.c.event_id)))


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
