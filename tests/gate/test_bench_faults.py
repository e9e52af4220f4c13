"""The faults bench: its plan, its proxy, whether it would notice, and one small run with real processes."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from gate.bench import faults_processes
from gate.bench.faults import run
from gate.bench.faults_control import read_status, write_status
from gate.bench.faults_gate import JOURNAL_FILE, Job, event_id, open_store
from gate.bench.faults_plan import DATABASE, REST_S, Kind, make_plan
from gate.bench.faults_processes import BenchProgramMissing, Supervised
from gate.bench.faults_proxy import Link, Proxy, State
from gate.bench.faults_truth import compare
from sync.central import registry, site_registry, tables
from sync.central.database import Database
from sync.central.ingest import Ingest
from sync.central.keys import signing_key
from sync.central.reception import Arrival
from sync.edge.post import Signer
from sync.records import Worker
from sync.wire import topics
from sync.wire.keys import read_private_key
from sync.wire.messages import Batch, BatchItem
from tests.gate.manual_clock import ManualClock
from tests.sync.samples import an_event

LIMIT_S = 60.0
GATES = ["gate-01", "gate-02", "gate-03"]
SITE = "bench-north"


# -- the plan ------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 10_000), count=st.integers(1, 80), duration_s=st.floats(10, 600))
def test_a_plan_is_over_in_time_and_no_target_has_two_faults_at_once(
    seed: int, count: int, duration_s: float
) -> None:
    plan = make_plan(seed=seed, gates=GATES, duration_s=duration_s, count=count, database=True)
    assert plan == make_plan(seed=seed, gates=GATES, duration_s=duration_s, count=count, database=True)
    assert len(plan) <= count
    for number, fault in enumerate(plan):
        assert 0 <= fault.at_s <= fault.at_s + fault.for_s <= duration_s
        later = [one for one in plan[number + 1 :] if one.target == fault.target]
        assert all(one.at_s > fault.at_s + fault.for_s + REST_S for one in later)


def test_a_long_plan_holds_every_kind_and_without_a_database_process_that_is_left_alone() -> None:
    plan = make_plan(seed=1, gates=GATES, duration_s=600, count=100, database=False)
    assert {fault.kind for fault in plan} == set(Kind)
    assert DATABASE not in {fault.target for fault in plan}


# -- the proxy -----------------------------------------------------------------------------------------


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that sends back what it gets."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve(peer: socket.socket) -> None:
        with peer, suppress(OSError):
            while data := peer.recv(1000):
                peer.sendall(data)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(LIMIT_S)


@pytest.fixture
def link(echo: int) -> Iterator[Link]:
    proxy = Proxy()
    yield proxy.link(echo)
    proxy.close()


def connect(link: Link) -> socket.socket:
    return socket.create_connection(("127.0.0.1", link.port), timeout=LIMIT_S)


def test_a_stalled_link_loses_nothing(link: Link) -> None:
    with connect(link) as peer:
        link.set(State.STALLED)
        peer.sendall(b"late")
        peer.settimeout(0.2)
        with pytest.raises(TimeoutError):
            peer.recv(10)
        peer.settimeout(LIMIT_S)
        link.set(State.OPEN)
        assert peer.recv(10) == b"late"


def test_a_cut_link_resets_what_there_is_and_what_comes(link: Link) -> None:
    with connect(link) as peer:
        peer.sendall(b"a")
        assert peer.recv(10) == b"a"
        link.set(State.CUT)
        with pytest.raises(ConnectionResetError):
            peer.recv(10)
    # The reset may be there before the connection is.
    with pytest.raises(ConnectionResetError), connect(link) as peer:
        peer.recv(10)


@pytest.mark.parametrize("state", [State.DEAF, State.MUTE])
def test_a_link_that_loses_one_direction_is_reset_in_the_end(link: Link, state: State) -> None:
    with connect(link) as peer:
        link.set(state)
        peer.sendall(b"lost")
        peer.settimeout(0.2)
        with pytest.raises(TimeoutError):
            peer.recv(10)
        peer.settimeout(LIMIT_S)
        link.set(State.OPEN)
        with pytest.raises(ConnectionResetError):
            peer.recv(10)


def test_a_status_of_a_process_that_is_gone_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    assert read_status(path, 1) == {}
    write_status(path, {"recorded": 3})
    own = json.loads(path.read_text())["pid"]
    assert read_status(path, own) == {"recorded": 3}
    assert read_status(path, own + 1) == {}


# -- the processes -------------------------------------------------------------------------------------

ENDS_AT_ONCE = "pass"
ENDS_WHEN_TOLD = "input()"
DOES_NOT_LISTEN = "import os, time; os.close(0); print('deaf', flush=True); time.sleep(600)"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[str]]:
    """Every process that is started, also those that another one has replaced."""
    found: list[subprocess.Popen[str]] = []
    real = subprocess.Popen

    def popen(*arguments: Any, **options: Any) -> subprocess.Popen[str]:
        found.append(real(*arguments, **options))
        return found[-1]

    monkeypatch.setattr(subprocess, "Popen", popen)
    return found


def supervised(folder: Path, code: str) -> Supervised:
    return Supervised("示例", lambda: [sys.executable, "-c", code], folder / "process.log")


def are_closed(started: list[subprocess.Popen[str]]) -> list[bool]:
    return [one.stdin is not None and one.stdin.closed for one in started]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def test_the_pipe_of_a_process_that_died_is_closed_and_of_the_one_after_it_too(
    tmp_path: Path, started: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults_processes, "REVIVE_S", 0.0)
    process = supervised(tmp_path, ENDS_AT_ONCE)
    process.start()
    wait_for(lambda: not process.running)
    process.keep_up()
    assert (process.ended_by_itself, are_closed(started)) == (1, [True])
    process.keep_up()
    wait_for(lambda: not process.running)
    process.start()
    assert are_closed(started) == [True, True, False]
    process.kill()
    assert are_closed(started) == [True] * 3


def test_the_pipe_of_a_process_that_was_told_to_end_is_closed(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    process = supervised(tmp_path, ENDS_WHEN_TOLD)
    process.start()
    assert process.stop("stop")
    assert are_closed(started) == [True]


def test_words_that_a_process_never_read_keep_nobody_from_killing_it(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    process = supervised(tmp_path, DOES_NOT_LISTEN)
    process.start()
    wait_for(lambda: "deaf" in (tmp_path / "process.log").read_text())
    process.say("clock 5")
    process.kill()
    assert (process.running, are_closed(started)) == (False, [True])


# -- whether it would notice ---------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, Database]]:
    """A gate that recorded ten events and a centre that has them all."""
    folder = tmp_path / "gate-01"
    folder.mkdir(mode=0o700)
    with Database.open(f"sqlite:///{tmp_path / 'central.db'}") as database:
        now = datetime.now(UTC)
        centre = signing_key(tmp_path / "keys", create=True).public_key()
        with database.write() as connection:
            site_registry.put_site(connection, SITE, name=SITE, timezone="Asia/Shanghai", now=now)
            site_registry.add_gate(connection, SITE, "gate-01", centre=centre, now=now).write(folder)
        Job(SITE, "gate-01", "mqtt://127.0.0.1", 10, 1.0).write(folder)
        with open_store(folder) as store:
            for number in range(10):
                store.record(an_event(event_id=event_id("gate-01", number), site_id=SITE, gate_id="gate-01"))
            rows = store.outbox_pending()
            clock = ManualClock()
            signer = Signer(
                read_private_key(folder / "gate.key"), store, clock, site_id=SITE, gate_id="gate-01"
            )
            items = [BatchItem(item_id=row.item_id, kind=row.kind, payload=row.payload) for row in rows]
            batch = Batch(batch_id="one", boot_id="boot", replay=False, items=tuple(items))
            Ingest(database, clock.now).take([Arrival(*signer.seal(topics.BATCH, batch), now)])
            store.outbox_acknowledge(row.item_id for row in rows)
        (folder / JOURNAL_FILE).write_text("".join(f"{event_id('gate-01', one)}\n" for one in range(10)))
        yield folder, database


def test_what_arrived_whole_is_clean(site: tuple[Path, Database]) -> None:
    truth = compare(*site)
    assert truth.clean
    assert truth.events == 10


def test_what_is_lost_doubled_or_changed_at_the_centre_is_noticed(site: tuple[Path, Database]) -> None:
    folder, database = site
    events = tables.events
    with database.write() as connection:
        connection.execute(delete(events).where(events.c.sequence == 3))
        row = dict(connection.execute(select(events).where(events.c.sequence == 5)).mappings().one())
        del row["event_no"]
        record = json.loads(row["record"]) | {"event_id": "again"}
        connection.execute(insert(events).values(row | {"event_id": "again", "record": json.dumps(record)}))
        connection.execute(update(events).where(events.c.sequence == 7).values(passage="passed"))
        connection.execute(update(events).where(events.c.sequence == 8).values(sequence=88))
    truth = compare(folder, database)
    assert not truth.clean
    assert (truth.lost, truth.doubled, truth.invented) == (1, 1, 1)
    assert (truth.changed, truth.passages_wrong) == (1, 1)


def test_what_a_gate_forgot_and_a_roster_that_differs_are_noticed(site: tuple[Path, Database]) -> None:
    folder, database = site
    with (folder / JOURNAL_FILE).open("a") as journal:
        journal.write("never-kept\n")
    Job(SITE, "gate-01", "mqtt://127.0.0.1", 12, 1.0).write(folder)
    with database.write() as connection:
        worker = Worker(worker_id="w-1", name="Bench w-1", site_ids=(SITE,))
        registry.put_worker(connection, worker, now=datetime.now(UTC))
    truth = compare(folder, database)
    assert (truth.forgotten, truth.not_recorded, truth.roster_differs) == (1, 2, 1)


# -- one small run -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_nothing_is_lost_or_doubled_while_processes_are_killed_and_links_cut() -> None:
    said: list[str] = []
    try:
        done = run(
            gates=3, events=600, duration_s=15, seed=4, postgresql=False, say=said.append, faults_per_s=1.2
        )
    except BenchProgramMissing as missing:
        pytest.skip(f"{missing}: {missing.next_step}")
    assert done.settled_s is not None, said
    assert done.clean, done
    assert sum(gate.events for gate in done.gates.values()) == 600
    assert any(fault.kind is Kind.KILL for fault in done.faults)
    assert sum(done.roster_changes.values()) > 0
