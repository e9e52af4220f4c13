"""Terminals, a real broker and the bridge together."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sync.records import Event, Outcome, Worker
from sync.vendor.bridge import Bridge, TerminalState
from sync.vendor.broker import Broker
from sync.vendor.errors import BrokerUnsafe
from sync.vendor.simulator import REFUSED, Habits, TerminalSimulator
from sync.vendor.terminals import Terminal
from tests.sync.vendor.conftest import Mosquitto, eventually
from tests.sync.vendor.samples import Album, record, terminal, worker

pytestmark = pytest.mark.slow  # a real broker, restarts and waits: seconds each

QUICK = Habits(ack_within_s=0.3, heartbeat_s=0.3)


class Store:
    """The centre's side: idempotent by event id; `fails` decides which calls raise."""

    def __init__(self, fails: Callable[[list[Event]], bool] = lambda _events: False) -> None:
        self.events: dict[str, Event] = {}
        self.offered = 0
        self.failed = 0
        self.fails = fails
        self._lock = threading.Lock()

    def __call__(self, events: list[Event]) -> None:
        with self._lock:
            self.offered += len(events)
            if self.fails(events):
                self.failed += 1
                raise OSError("the database is away")
            for event in events:
                self.events.setdefault(event.event_id, event)

    def workers(self) -> list[str | None]:
        return sorted((event.worker_id for event in self.events.values()), key=str)


class Stage:
    """Starts bridges and simulators, and stops them at the end."""

    def __init__(self, mosquitto: Mosquitto, stack: ExitStack) -> None:
        self.mosquitto = mosquitto
        self._stack = stack

    def bridge(self, terminals: list[Terminal], store: Store, **parts: Any) -> Bridge:
        broker = parts.pop("broker", None) or self.mosquitto.broker()
        bridge = Bridge(broker, terminals, store, **parts)
        bridge.start()
        self._stack.callback(bridge.stop)
        eventually(lambda: bridge.report().connected, "the bridge is connected")
        return bridge

    def simulator(self, terminal_id: str = "1306612", **parts: Any) -> TerminalSimulator:
        broker = parts.pop("broker", None) or self.mosquitto.broker()
        made = TerminalSimulator(terminal_id, broker, **{"habits": QUICK, **parts})
        made.start()
        self._stack.callback(made.stop)
        return made


@pytest.fixture
def stage(mosquitto: Mosquitto) -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(mosquitto, stack)


def state(bridge: Bridge, terminal_id: str = "1306612") -> TerminalState:
    return next(one for one in bridge.states() if one.terminal_id == terminal_id)


@pytest.mark.parametrize(
    "habits",
    [
        QUICK,
        Habits(misspelt=False, numbers_as_text=False, flat_heartbeat=True, ack_within_s=0.3, heartbeat_s=0.3),
    ],
    ids=["misspelt", "spelt"],
)
def test_a_record_is_stored_once_and_acknowledged(stage: Stage, habits: Habits) -> None:
    store = Store()
    bridge = stage.bridge([terminal(timezone="UTC")], store)
    there = stage.simulator(habits=habits, now=lambda: datetime.now(UTC))
    there.recognise("w-1", name="样例甲")
    there.recognise("w-2", status=REFUSED)
    there.snap()
    eventually(lambda: there.waiting == 0, "everything is acknowledged")
    assert store.workers() == [None, "w-1", "w-2"]
    assert {event.outcome for event in store.events.values()} == {Outcome.ALLOW, Outcome.DENY}
    assert all(event.clock_trusted for event in store.events.values())
    eventually(lambda: state(bridge).online and there.seen.online_acks, "greeted")
    assert abs(state(bridge).clock_off_s or 99) < 60


def test_lost_acknowledgements_and_duplicates_leave_every_record_once(stage: Stage) -> None:
    store = Store()
    bridge = stage.bridge([terminal()], store)
    there = stage.simulator(lose_acks=15)
    for number in range(20):
        there.recognise(f"w-{number}")
    eventually(lambda: there.waiting == 0, "everything is acknowledged")
    assert len(store.events) == 20
    assert there.seen.publications >= 35
    assert state(bridge).stored == 20
    assert store.offered == 20, "what is known to be committed is not offered again"


def test_a_restarted_bridge_meets_repetitions_and_still_stores_them_once(stage: Stage) -> None:
    store = Store()
    first = Bridge(stage.mosquitto.broker(), [terminal()], store)
    first.start()
    there = stage.simulator(lose_acks=10_000)
    there.recognise("w-1")
    eventually(lambda: len(store.events) == 1, "stored, but the terminal does not know")
    first.stop()
    there._lose_acks = 0
    stage.bridge([terminal()], store)
    eventually(lambda: there.waiting == 0, "acknowledged by the second")
    assert len(store.events) == 1
    assert store.offered >= 2


def test_a_broker_that_is_killed_and_comes_back_loses_nothing(stage: Stage) -> None:
    store = Store()
    stage.bridge([terminal()], store)
    there = stage.simulator()
    there.recognise("w-before")
    eventually(lambda: there.waiting == 0, "the first is through")
    stage.mosquitto.kill()
    for number in range(10):
        there.recognise(f"w-{number}")
    stage.mosquitto.start()
    eventually(lambda: there.waiting == 0, "the others are through")
    assert len(store.events) == 11


def test_a_terminal_that_was_offline_delivers_what_it_kept(stage: Stage) -> None:
    store = Store()
    bridge = stage.bridge([terminal()], store)
    there = stage.simulator()
    eventually(lambda: state(bridge).online, "online")
    there.leave()
    eventually(lambda: not state(bridge).online, "the last will is heard")
    for number in range(10):
        there.recognise(f"w-{number}")
    assert store.events == {}
    there.join()
    eventually(lambda: there.waiting == 0, "everything is acknowledged")
    assert len(store.events) == 10
    assert state(bridge).online


def test_nothing_is_acknowledged_while_the_store_fails(stage: Stage) -> None:
    store = Store(fails=lambda _events: True)
    bridge = stage.bridge([terminal()], store)
    there = stage.simulator()
    there.recognise("w-1")
    eventually(lambda: state(bridge).not_stored >= 3, "the terminal repeats and the store fails")
    assert there.waiting == 1
    assert there.seen.acknowledged == []
    assert bridge.report().last_store_error == "OSError"
    store.fails = lambda _events: False
    eventually(lambda: there.waiting == 0, "stored and acknowledged")
    assert len(store.events) == 1


def test_one_record_that_the_store_refuses_does_not_hold_up_the_others(stage: Stage) -> None:
    store = Store(fails=lambda events: any(event.worker_id == "w-3" for event in events))
    stage.bridge([terminal()], store)
    there = stage.simulator(habits=Habits(ack_within_s=0.3, window=20))
    for number in range(10):
        there.recognise(f"w-{number}")
    eventually(lambda: there.waiting == 1, "nine of ten are acknowledged")
    assert "w-3" not in store.workers()
    assert len(store.events) == 9


def test_more_records_than_fit_are_dropped_counted_and_delivered_later(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.vendor.bridge.MAX_WAITING", 5)
    slow, go_on = threading.Event(), threading.Event()

    def blocks(_events: list[Event]) -> bool:
        slow.set()
        return not go_on.wait(60)

    store = Store(fails=blocks)
    bridge = stage.bridge([terminal()], store)
    there = stage.simulator(habits=Habits(ack_within_s=0.3, window=50))
    there.recognise("w-first")
    eventually(slow.is_set, "the store is busy with the first")
    for number in range(40):
        there.recognise(f"w-{number}")
    eventually(lambda: bridge.report().dropped >= 30, "the queue is full")
    go_on.set()
    eventually(lambda: there.waiting == 0, "everything is delivered in the end")
    assert len(store.events) == 41


def test_the_simulator_runs_as_a_program(stage: Stage) -> None:
    store = Store()
    stage.bridge([terminal()], store)
    arguments = ["--id", "1306612", "--port", str(stage.mosquitto.port), "--every", "0.1", "--worker", "w-1"]
    with subprocess.Popen(
        [sys.executable, "-m", "sync.vendor.simulator", *arguments], stderr=subprocess.DEVNULL
    ) as program:
        try:
            eventually(lambda: len(store.events) >= 3, "records of the program are stored")
        finally:
            program.send_signal(signal.SIGINT)
        assert program.wait(60) == 0
    assert set(store.workers()) == {"w-1"}


def test_2500_people_arrive_in_three_batches_and_the_bad_photos_are_named(
    stage: Stage, tmp_path: Path
) -> None:
    bad = {"w-7", "w-1200", "w-2499"}
    people = [worker(number) for number in range(2500)]
    there = stage.simulator(check_photo=lambda person: 464 if person["customId"] in bad else 0)
    bridge = stage.bridge([terminal()], Store(), photos=Album(), ledger_dir=tmp_path / "ledger")
    bridge.set_roster(people)
    eventually(lambda: state(bridge).held == 2497, "everybody with a face is there")
    sizes = [number for operator, number in there.seen.commands if operator == "EditPersonsNew"]
    assert sizes == [1000, 1000, 500]
    assert {one.worker_id: one.reason for one in state(bridge).outstanding} == dict.fromkeys(
        bad, "no_face_in_photo"
    )
    assert len(there.people) == 2497
    assert there.people["w-1"]["picURI"].endswith("/w-1.jpg")
    ledger = tmp_path / "ledger" / "1306612.json"
    eventually(lambda: len(json.loads(ledger.read_text())) == 2497, "what it confirmed is kept")
    assert "样例" not in (tmp_path / "ledger" / "1306612.json").read_text()


def test_a_restarted_bridge_sends_only_the_difference(stage: Stage, tmp_path: Path) -> None:
    people = [worker(number) for number in range(300)]
    there = stage.simulator()
    first = Bridge(
        stage.mosquitto.broker(), [terminal()], Store(), photos=Album(), ledger_dir=tmp_path / "ledger"
    )
    first.start()
    first.set_roster(people)
    eventually(lambda: state(first).held == 300, "everybody is there")
    first.stop()
    there.seen.commands.clear()
    second = stage.bridge([terminal()], Store(), photos=Album(), ledger_dir=tmp_path / "ledger")
    second.set_roster([*people[10:], worker("new")])
    eventually(lambda: set(there.people) == {f"w-{n}" for n in range(10, 300)} | {"w-new"}, "the difference")
    changes = [one for one in there.seen.commands if one[0] != "QueryPerson"]
    assert changes == [("DeletePersons", 10), ("EditPersonsNew", 1)]


def test_a_busy_terminal_and_one_without_query_are_served_too(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.vendor.push.FIRST_RETRY_S", 0.2)
    there = stage.simulator(habits=Habits(batch_s=3600, heartbeat_s=0.3, knows_query=False))
    bridge = stage.bridge([terminal()], Store(), photos=Album())
    bridge.set_roster([worker(number) for number in range(1500)])
    eventually(lambda: 410 in there.seen.codes, "the second batch is refused, as the first one takes long")
    there.finish_batch()
    eventually(lambda: len(there.people) == 1500, "everybody is there")


def test_without_photos_nobody_is_sent_and_everybody_is_outstanding(stage: Stage) -> None:
    there = stage.simulator()
    bridge = stage.bridge([terminal()], Store())
    bridge.set_roster([worker(1), worker(2)])
    eventually(lambda: len(state(bridge).outstanding) == 2, "planned")
    assert {one.reason for one in state(bridge).outstanding} == {"no_photo"}
    assert there.people == {}


def test_a_photo_source_that_fails_stops_neither_records_nor_other_terminals(stage: Stage) -> None:
    class Broken(Album):
        def photo(self, worker: Worker) -> Any:
            raise RuntimeError("the album is closed")

    store = Store()
    there = stage.simulator()
    bridge = stage.bridge([terminal()], store, photos=Broken())
    bridge.set_roster([worker(1)])
    eventually(lambda: ("QueryPerson", 0) in there.seen.commands, "asked")
    there.recognise("w-1")
    eventually(lambda: there.waiting == 0, "acknowledged all the same")
    assert [one.worker_id for one in state(bridge).outstanding] == ["w-1"]


def test_malformed_messages_are_counted_and_change_nothing(stage: Stage) -> None:
    store = Store()
    bridge = stage.bridge([terminal()], store)
    there = stage.simulator()
    for payload in (b"", b"{", b"[]", b"\xff\x00", b'{"operator": "RecPush", "info": ' + b"[" * 5000):
        there.say("mqtt/face/1306612/Rec", payload)
    there.say("mqtt/face/1306612/Rec", b'{"operator": "DanceSnapPush", "info": {}}')
    there.say("mqtt/face/1306612/Rec", b'{"operator": "Online", "info": {}}')
    there.say("mqtt/face/1306612/Snap", b'{"operator": "EditPersonsNew-Ack", "info": []}')
    there.say("mqtt/face/basic", b"{}")
    there.recognise("w-1")
    eventually(lambda: there.waiting == 0, "the good one is stored")
    eventually(lambda: bridge.report().unknown_operators, "the unknown one is counted")
    assert bridge.report().unreadable == 5
    assert bridge.report().unknown_operators == {"DanceSnapPush": 1}
    assert state(bridge).refused >= 2
    assert len(store.events) == 1


def test_a_terminal_that_claims_to_be_another_is_refused(stage: Stage) -> None:
    store = Store()
    bridge = stage.bridge([terminal("1000001"), terminal("1000002")], store)
    liar = stage.simulator("1000001", claims="1000002")
    honest = stage.simulator("1000002")
    liar.recognise("w-1")
    honest.recognise("w-2")
    eventually(lambda: honest.waiting == 0, "the honest one is through")
    eventually(lambda: state(bridge, "1000001").refused >= 2, "the liar repeats and is refused")
    assert liar.waiting == 1
    assert store.workers() == ["w-2"]
    assert state(bridge, "1000002").refused == 0


def test_an_unknown_terminal_is_reported_and_keeps_its_records_until_it_is_configured(stage: Stage) -> None:
    store = Store()
    bridge = stage.bridge([terminal()], store)
    stranger = stage.simulator("1999999")
    stranger.recognise("w-1")
    eventually(lambda: bridge.report().unknown_terminals.get("1999999", 0) >= 3, "heard, not believed")
    assert stranger.waiting == 1
    assert store.events == {}
    stage.bridge([terminal("1999999")], store)
    eventually(lambda: stranger.waiting == 0, "delivered once it is configured")
    assert store.workers() == ["w-1"]


def test_the_acl_of_the_documentation_keeps_a_terminal_to_its_own_topics(
    mosquitto_program: str, tmp_path: Path
) -> None:
    tool = shutil.which("mosquitto_passwd")
    if tool is None:
        pytest.skip("mosquitto_passwd is not installed")
    passwords = tmp_path / "passwords"
    passwords.touch(mode=0o600)
    for user in ("1000001", "1000002", "bridge"):
        subprocess.run([tool, "-b", str(passwords), user, f"pw-{user}"], check=True, capture_output=True)
    text = (Path(__file__).parents[3] / "docs/vendor-gates.md").read_text(encoding="utf-8")
    acl = text.split("```acl\n")[1].split("```")[0]
    (tmp_path / "acl").write_text(acl)
    (tmp_path / "acl").chmod(0o600)
    mosquitto = Mosquitto(
        mosquitto_program,
        tmp_path,
        f"allow_anonymous false\npassword_file {passwords}\nacl_file {tmp_path / 'acl'}",
    )
    mosquitto.start()
    with ExitStack() as stack:
        stack.callback(mosquitto.kill)
        stage = Stage(mosquitto, stack)
        store = Store()
        bridge = stage.bridge(
            [terminal("1000001"), terminal("1000002")], store, broker=mosquitto.broker("bridge", "pw-bridge")
        )
        forger = stage.simulator("1000001", broker=mosquitto.broker("1000001", "pw-1000001"))
        eventually(lambda: state(bridge, "1000001").online, "the ACL lets it speak for itself")
        forged = record(facesluiceId="1000002", customId="w-forged")
        forger.say("mqtt/face/1000002/Rec", json.dumps(forged).encode())
        forger.say("mqtt/face/1000002", b'{"operator": "DeleteAllPerson", "info": {"deleteall": "1"}}')
        forger.recognise("w-1")
        honest = stage.simulator("1000002", broker=mosquitto.broker("1000002", "pw-1000002"))
        honest.recognise("w-2")
        eventually(lambda: forger.waiting == honest.waiting == 0, "both are through")
        assert store.workers() == ["w-1", "w-2"]
        assert honest.seen.codes == []


def test_an_unencrypted_way_to_a_broker_elsewhere_must_be_said_aloud() -> None:
    with pytest.raises(BrokerUnsafe, match="not encrypted"):
        Bridge(Broker("192.0.2.1", 1883), [], Store())
    Bridge(Broker("192.0.2.1", 1883, allow_plain=True), [], Store())
