"""Faults around a decision: what opens, what stays shut, what is on record afterwards."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from gate.relays.simulated import SimulatedRelay
from gate.settings import PolicySettings
from gate.startup import open_store
from gate.view import Phase
from sync.records import Outcome, Passage
from sync.store import LocalStore, StoreKey
from sync.store.connections import Connections
from tests.gate.conftest import WORKER, World
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


def test_a_clock_set_back_marks_the_record_and_the_screen(world: World) -> None:
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

    def worker(store: LocalStore, worker_id: str) -> object:
        if broken.is_set():
            from sync.store.faults import from_sqlite  # noqa: PLC0415

            raise from_sqlite(sqlite3.DatabaseError("database disk image is malformed"), store.path)
        return real(store, worker_id)

    monkeypatch.setattr(LocalStore, "worker", worker)
    service.start()
    service.wait_ended()
    assert [(r.event.outcome, r.event.reasons[0]) for r in seen] == [(Outcome.DENY, "store_fault")]
    assert service.lane("lane-1").phase in {Phase.ANSWER, Phase.IDLE}
    broken.clear()
    wait_for(lambda: not service.lane("lane-1").health.store)
