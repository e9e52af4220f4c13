"""Faults around a decision: what opens, what stays shut, what is on record afterwards."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from gate.demo.footage import Scene, write_footage
from gate.relays.simulated import SimulatedRelay
from gate.settings import PolicySettings
from gate.startup import open_store
from gate.view import Phase
from models.sources.settings import SourceSettings
from models.zoo import Zoo
from sync.records import Direction, Outcome, Passage
from sync.store import LocalStore, StoreKey
from sync.store.connections import Connections
from tests.gate.conftest import WORKER, World, worker
from tests.gate.test_service import shown_answer, wait_for

pytestmark = pytest.mark.slow


@contextmanager
def held_lock(world: World) -> Iterator[None]:
    """Somebody else holds the write lock of the store: another program that hangs in a transaction."""
    store = world.settings("worker.avi").store
    key = StoreKey.load(store.key_file, store.key_env)
    connections = Connections(store.path, key, busy_timeout_s=5.0)
    with pytest.raises(_Release), connections.write() as db:
        db.execute("UPDATE state SET key = key")
        yield
        raise _Release  # undo: the other program never finishes what it began
    connections.close()


class _Release(Exception):
    pass


@pytest.mark.parametrize(("policy", "opens"), [("shut", False), ("open", True)])
def test_a_locked_store_follows_its_policy_and_the_record_is_written_afterwards(
    world: World, policy: str, opens: bool
) -> None:
    world.enrol()
    changes = {"policy": PolicySettings.model_validate({"on_store_fault": policy})}
    service, seen = world.gate("worker.avi", **changes)
    with held_lock(world):
        service.start()
        assert shown_answer(service).outcome is (Outcome.ALLOW if opens else Outcome.DENY)
        service.wait_ended()
        (recorded,) = seen
        assert (recorded.opened_at_s is not None) == opens
        assert recorded.event.reasons[0] == "store_fault"
        assert service.lane("lane-1").health.store
    wait_for(lambda: not service.lane("lane-1").health.store)
    service.stop()
    with open_store(world.settings("worker.avi")) as store:
        (event,) = store.events()
        assert (event.event_id, store.outbox_depth()) == (recorded.event.event_id, 1)


def test_a_dead_relay_leaves_the_record_says_so_and_counts_as_not_passed(world: World) -> None:
    world.enrol()
    service, seen = world.gate("worker.avi")
    relay = service.doors["lane-1"].relay
    assert isinstance(relay, SimulatedRelay)
    relay.break_down()
    service.start()
    answer = shown_answer(service)
    assert (answer.outcome, answer.reasons[0]) == (Outcome.DENY, "relay_fault")
    service.wait_ended()
    (recorded,) = seen
    assert recorded.opened_at_s is None
    wait_for(lambda: bool(service.lane("lane-1").health.relay))
    relay.repair()
    wait_for(lambda: not service.lane("lane-1").health.relay)
    assert not relay.is_energised()
    with open_store(world.settings("worker.avi")) as store:
        (event,) = store.events()
        assert (event.worker_id, event.passage) == (WORKER, Passage.NOT_PASSED)


def test_a_worker_whose_door_failed_is_tried_again_while_standing_there(world: World, weights: Zoo) -> None:
    world.enrol()
    write_footage(weights, (Scene("obama2", seconds=30.0),), world.folder / "long.avi")
    source = SourceSettings(kind="video", path=world.folder / "long.avi", pace="realtime")
    lane = world.settings("worker.avi").lanes[0].model_copy(update={"source": source})
    service, seen = world.gate("worker.avi", lanes=(lane,))
    relay = service.doors["lane-1"].relay
    assert isinstance(relay, SimulatedRelay)
    relay.break_down()
    service.start()
    wait_for(lambda: len(seen) == 1, seconds=60)
    relay.repair()
    wait_for(lambda: len(seen) == 2, seconds=60)
    assert seen[1].opened_at_s is not None


def test_a_locked_store_locks_nobody_in(world: World) -> None:
    world.enrol()
    lane = world.settings("worker.avi").lanes[0].model_copy(update={"direction": Direction.OUT})
    service, seen = world.gate("worker.avi", lanes=(lane,))
    with held_lock(world):
        service.start()
        service.wait_ended()
        assert [(r.event.outcome, r.opened_at_s is not None) for r in seen] == [(Outcome.ALLOW, True)]
    service.stop()
    with open_store(world.settings("worker.avi")) as store:
        assert [event.event_id for event in store.events()] == [seen[0].event.event_id]


def test_a_listener_that_fails_costs_nobody_the_answer(world: World) -> None:
    world.enrol()
    service, seen = world.gate("worker.avi")

    def fail(recorded: object) -> None:
        raise BrokenPipeError

    service.listeners.insert(0, fail)
    service.start()
    assert shown_answer(service).outcome is Outcome.ALLOW
    wait_for(lambda: len(seen) == 1)


def test_a_roster_of_another_embedder_is_said_and_not_silent(world: World) -> None:
    templates = [template.model_copy(update={"model": "other"}) for template in world.templates]
    with open_store(world.settings("worker.avi")) as store:
        store.put_worker(worker(), templates)
    service, _ = world.gate("worker.avi")
    service.start()
    assert "import the photos again" in service.lane("lane-1").health.store


def test_a_clock_set_back_marks_the_record_and_the_screen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate.clock.system_is_synchronised", lambda: False)
    world.enrol()
    with open_store(world.settings("worker.avi")) as store:
        ahead = world.templates[0].created_at + timedelta(days=30)
        store.put_state("clock.last_good", ahead.isoformat())
    service, seen = world.gate("worker.avi")
    service.start()
    assert "before" in service.lane("lane-1").health.clock
    service.wait_ended()
    (recorded,) = seen
    assert not recorded.event.clock_trusted
    assert recorded.event.outcome is Outcome.ALLOW
    assert "clock_untrusted" in recorded.event.reasons


def test_a_removed_worker_is_a_stranger_even_if_the_gallery_has_not_followed_yet(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.enrol()
    service, seen = world.gate("worker.avi")
    service.roster.refresh()
    monkeypatch.setattr(service.roster, "refresh", lambda: False)
    with open_store(world.settings("worker.avi")) as store:
        store.remove_worker(WORKER)
    service.start()
    service.wait_ended()
    assert [(r.event.outcome, r.event.reasons[0]) for r in seen] == [(Outcome.DENY, "not_registered")]


def test_a_store_that_cannot_be_read_refuses_and_the_gate_recovers_by_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.enrol()
    service, seen = world.gate("worker.avi")
    broken = threading.Event()
    broken.set()
    real = LocalStore.worker

    def read(store: LocalStore, worker_id: str) -> object:
        if broken.is_set():
            from sync.store.faults import from_sqlite  # noqa: PLC0415

            raise from_sqlite(sqlite3.DatabaseError("database disk image is malformed"), store.path)
        return real(store, worker_id)

    monkeypatch.setattr(LocalStore, "worker", read)
    service.start()
    service.wait_ended()
    assert [(r.event.outcome, r.event.reasons[0]) for r in seen] == [(Outcome.DENY, "store_fault")]
    assert service.lane("lane-1").phase in {Phase.ANSWER, Phase.IDLE}
    broken.clear()
    wait_for(lambda: not service.lane("lane-1").health.store)
