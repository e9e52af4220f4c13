"""The site of the faults bench: every process, every link, and how a fault is done to one of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from gate.bench.faults_control import CLOCK, STOP, read_status
from gate.bench.faults_gate import STATUS_FILE, Job
from gate.bench.faults_plan import BROKER, CENTRE, DATABASE, INGEST, Fault, Kind
from gate.bench.faults_processes import PostgreSQL, Supervised, mosquitto, python
from gate.bench.faults_proxy import Link, Proxy, State
from gate.bench.faults_roster import RosterEditor
from gate.bench.faults_truth import centre_version
from sync.central import site_registry
from sync.central.database import Database
from sync.central.keys import signing_key

SITES = ("bench-north", "bench-south")
_LINK_STATES = {
    Kind.CUT: State.CUT,
    Kind.STALL: State.STALLED,
    Kind.DEAF: State.DEAF,
    Kind.MUTE: State.MUTE,
}


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate process."""

    site_id: str
    folder: Path
    process: Supervised

    @property
    def status(self) -> dict[str, int]:
        """What it said last; empty where it has not said anything since it was started."""
        return read_status(self.folder / STATUS_FILE, self.process.pid)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the gates are, summed up over those that say so."""

    recorded: int
    waiting: int
    whole: int


class Rig:
    """Broker, database, centre, ingest and gates; `start` fills and starts them, leaving it ends them all."""

    def __init__(
        self,
        folder: Path,
        *,
        gates: int,
        postgresql: bool,
        seed: int,
        roster_change_every_s: float,
    ) -> None:
        self._folder = folder
        self._seed = seed
        self._every_s = roster_change_every_s
        self._off_s: dict[str, float] = {}
        self._repeated: dict[tuple[str, int | None], int] = {}
        self._events_per_gate = 0
        self._proxy = Proxy()
        self._links: dict[str, Link] = {}
        self._postgresql: PostgreSQL | None = None
        self._by_name: dict[str, Supervised] = {}
        self.gates: dict[str, Gate] = {}
        try:
            self._broker, self._broker_port = mosquitto(folder)
            self._by_name[BROKER] = self._broker
            if postgresql:
                self._postgresql = PostgreSQL(folder)
                self._by_name[DATABASE] = self._postgresql.process
            for name in (CENTRE, INGEST):
                self._add_centre(name)
            for number in range(1, gates + 1):
                self._add_gate(f"gate-{number:02d}", SITES[number % len(SITES)])
        except BaseException:
            self.close()
            raise

    @property
    def processes(self) -> list[Supervised]:
        return list(self._by_name.values())

    # -- the whole -------------------------------------------------------------------------------------

    def start(self, *, events_per_gate: int, rate: float, workers: int) -> None:
        """Fill the registry and start everything; returns when the last process was started."""
        self._events_per_gate = events_per_gate
        self._broker.start()
        self._broker.wait_listening()
        own_url, centre_url = self._database_urls()
        self.database = Database.open(own_url)
        self._centre_url = centre_url
        self.editor = RosterEditor(self.database, seed=self._seed, sites=SITES, every_s=self._every_s)
        self._register(events_per_gate, rate)
        self.editor.fill(workers)
        for process in self._by_name.values():
            if not process.running:
                process.start()

    def keep_up(self) -> None:
        """Start again what ended by itself, and note what the centre's processes say."""
        for name, process in self._by_name.items():
            process.keep_up()
            if name in (CENTRE, INGEST):
                said = read_status(self._folder / f"{name}.json", process.pid)
                self._repeated[name, process.pid] = said.get("repeated", 0)

    def progress(self) -> Progress:
        """Asks the database for the rosters' versions. Raises DBAPIError while that is away."""
        versions = {site_id: centre_version(self.database, site_id) for site_id in SITES}
        said = {name: gate.status for name, gate in self.gates.items()}
        whole = sum(
            one.get("recorded") == self._events_per_gate
            and one["outbox"] == 0
            and one["roster_version"] == versions[self.gates[name].site_id]
            and bool(one["healthy"])
            for name, one in said.items()
        )
        return Progress(
            sum(one.get("recorded", 0) for one in said.values()),
            sum(one.get("outbox", 0) for one in said.values()),
            whole,
        )

    def repeated(self) -> int:
        """Items that the centre had already when they came; of killed processes what they had last said."""
        return sum(self._repeated.values())

    def stop(self) -> list[str]:
        """Ask gates and centre to end; the names of those that did not, or not well."""
        names = [*self.gates, CENTRE, INGEST]
        return [name for name in names if not self._by_name[name].stop(STOP)]

    def close(self) -> None:
        """End what is left, hard."""
        if hasattr(self, "editor"):
            self.editor.stop()
            self.database.close()
        for process in self._by_name.values():
            process.kill()
        if self._postgresql is not None:
            self._postgresql.close()
        self._proxy.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- faults ----------------------------------------------------------------------------------------

    def begin(self, fault: Fault) -> None:
        process = self._by_name[fault.target]
        match fault.kind:
            case Kind.KILL:
                process.kill()
            case Kind.FREEZE:
                process.freeze()
            case Kind.RESET:
                self._links[fault.target].reset()
            case Kind.CLOCK:
                self._off_s[fault.target] = fault.step_s
                process.say(f"{CLOCK} {fault.step_s}")
            case _:
                self._links[fault.target].set(_LINK_STATES[fault.kind])

    def end(self, fault: Fault) -> None:
        """Undo it; clocks stay wrong."""
        match fault.kind:
            case Kind.KILL:
                self._by_name[fault.target].start()
            case Kind.FREEZE:
                self._by_name[fault.target].thaw()
            case Kind.RESET | Kind.CLOCK:
                pass
            case _:
                self._links[fault.target].set(State.OPEN)

    # -- set-up ----------------------------------------------------------------------------------------

    def _database_urls(self) -> tuple[str, str]:
        """For this process straight, for the centre's through the link that can be broken."""
        if self._postgresql is None:
            url = f"sqlite:///{self._folder / 'central.db'}"
            return url, url
        server = self._postgresql
        server.process.start()
        server.process.wait_listening()
        self._links[DATABASE] = self._proxy.link(server.port)
        return server.url(server.port), server.url(self._links[DATABASE].port)

    def _add_centre(self, name: str) -> None:
        link = self._links[name] = self._proxy.link(self._broker_port)

        def command() -> list[str]:
            return python(
                "gate.bench.faults_centre",
                self._centre_url,
                self._folder / "keys",
                f"mqtt://127.0.0.1:{link.port}",
                self._folder / f"{name}.json",
                name,
                self._off_s.get(name, 0.0),
            )

        self._by_name[name] = Supervised(name, command, self._folder / f"{name}.log")

    def _add_gate(self, name: str, site_id: str) -> None:
        folder = self._folder / name
        folder.mkdir(mode=0o700)
        self._links[name] = self._proxy.link(self._broker_port)
        process = Supervised(
            name,
            lambda: python("gate.bench.faults_gate", folder, self._off_s.get(name, 0.0)),
            folder / "gate.log",
        )
        self._by_name[name] = process
        self.gates[name] = Gate(site_id, folder, process)

    def _register(self, events: int, rate: float) -> None:
        centre = signing_key(self._folder / "keys", create=True).public_key()
        now = datetime.now(UTC)
        with self.database.write() as connection:
            for site_id in SITES:
                site_registry.put_site(connection, site_id, name=site_id, timezone="Asia/Shanghai", now=now)
            for name, gate in self.gates.items():
                issued = site_registry.add_gate(connection, gate.site_id, name, centre=centre, now=now)
                issued.write(gate.folder)
                broker = f"mqtt://127.0.0.1:{self._links[name].port}"
                Job(gate.site_id, name, broker, events, rate).write(gate.folder)
