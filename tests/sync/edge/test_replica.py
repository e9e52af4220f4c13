"""The roster at the gate is the newest of the centre: proved by digest, whole at every moment, healed."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync.records import Flag, FlagLevel
from sync.wire import topics
from sync.wire.messages import RosterEntry, RosterPart, RosterWant
from sync.wire.sealing import seal
from tests.sync.edge.brokers import Mosquitto
from tests.sync.edge.conftest import Rig
from tests.sync.edge.scripted_centre import ScriptedCentre, eventually
from tests.sync.samples import a_template, a_worker

pytestmark = pytest.mark.slow  # a real broker, restarts and waits: seconds each


def fill(centre: ScriptedCentre, count: int) -> None:
    for number in range(count):
        worker_id = f"W-{number:03}"
        centre.put(a_worker(worker_id), [a_template(worker_id, seed=number)])


def in_step(rig: Rig, centre: ScriptedCentre) -> None:
    """Until the gate holds what the centre has, and says so in its health."""
    agent = rig.agents[-1]
    eventually(lambda: agent.status().roster_version == centre.version, "the version is the centre's")
    eventually(
        lambda: (h := centre.last(topics.HEALTH)) and h.roster_digest == centre.digest(),
        "the digest is the centre's",
    )


def test_a_registration_a_flag_and_a_removal_reach_the_gate(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    rig.store.put_worker(a_worker("L-1"))
    fill(centre, 3)
    centre.announce()
    rig.run(broker.port)
    in_step(rig, centre)
    assert [one.worker_id for one in rig.store.workers()] == ["L-1", "W-000", "W-001", "W-002"]
    assert len(rig.store.templates("W-001")) == 1

    flag = Flag(level=FlagLevel.BLOCK, reason="example")
    centre.put(a_worker("W-001", flags=(flag,)), [a_template("W-001", seed=1)])
    centre.remove("W-002")
    centre.announce()
    in_step(rig, centre)
    assert rig.store.worker("W-001").flags[0].flag_id == flag.flag_id
    assert [one.worker_id for one in rig.store.workers()] == ["L-1", "W-000", "W-001"]
    assert rig.roster_changes >= 2
    status = rig.agents[0].status()
    assert status.roster_workers == 2
    assert status.roster_age_s is not None
    assert status.roster_age_s < 60


def test_a_roster_that_was_confirmed_long_ago_states_its_age_by_the_centres_clock(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    fill(centre, 1)
    agent = rig.run(broker.port)
    eventually(lambda: agent.status().roster_age_s is not None, "the answer to the first want confirms")
    confirmed_at = agent.status().roster_confirmed_at
    centre.on_want = lambda want: None
    agent.stop()
    centre.clock_ahead = timedelta(hours=5)
    rig.run(broker.port)
    later = rig.agents[-1]
    eventually(lambda: later.status().clock_offset_ms is not None, "the centre's time is known")
    assert later.status().roster_confirmed_at == confirmed_at
    assert 5 * 3600 - 60 < (later.status().roster_age_s or 0) < 5 * 3600 + 60


def test_a_snapshot_that_a_broker_restart_interrupts_goes_on_where_it_was(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    fill(centre, 30)
    centre.page_size, centre.always_pages = 10, True
    wants: list[RosterWant] = []

    def until_the_second_page(want: RosterWant) -> None:
        wants.append(want)
        if want.after != "W-019":
            centre.serve(want)

    centre.on_want = until_the_second_page
    rig.run(broker.port)
    eventually(lambda: wants and wants[-1].after == "W-019", "two pages are here")
    assert rig.store.count_workers() == 0, "nothing decides by half a roster"
    broker.kill()
    eventually(lambda: not rig.agents[0].status().connected, "the loss is seen")
    resumed: list[RosterWant] = []

    def go_on(want: RosterWant) -> None:
        resumed.append(want)
        centre.serve(want)

    centre.on_want = go_on
    broker.start()
    in_step(rig, centre)
    assert resumed[0].snapshot_version == 30
    assert resumed[0].after == "W-019"
    assert rig.store.count_workers() == 30


def test_a_roster_that_changes_during_a_snapshot_is_brought_up_to_date_by_a_difference(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    fill(centre, 20)
    centre.page_size, centre.always_pages = 10, True

    def change_in_between(want: RosterWant) -> None:
        if want.after == "W-009" and centre.version == 20:
            centre.put(a_worker("W-001", team="steel"), [a_template("W-001", seed=1)])
            centre.put(a_worker("W-015", team="steel"), [a_template("W-015", seed=15)])
            centre.remove("W-003")
            centre.always_pages = False
        centre.serve(want)

    centre.on_want = change_in_between
    rig.run(broker.port)
    in_step(rig, centre)
    assert rig.store.worker("W-001").team == rig.store.worker("W-015").team == "steel"
    assert rig.store.count_workers() == 19


def test_a_digest_that_differs_is_reported_and_healed_by_a_snapshot(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    fill(centre, 5)
    rig.run(broker.port)
    in_step(rig, centre)
    # A worker that the centre changed without telling: what both hold is no longer the same.
    version, _, _ = centre.rows["W-002"]
    centre.rows["W-002"] = (version, a_worker("W-002", team="steel"), [a_template("W-002", seed=2)])
    del centre.rows["W-004"]
    centre.announce()
    eventually(lambda: any(w.reason == "digest mismatch" for w in centre.of(topics.WANT)), "the gate asks")
    in_step(rig, centre)
    assert rig.store.worker("W-002").team == "steel"
    assert rig.store.count_workers() == 4
    eventually(lambda: not rig.agents[0].status().problem, "nothing is wrong any more")


def test_a_digest_that_never_fits_is_taken_over_once_and_stays_reported(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    fill(centre, 3)
    centre.digest_override = "00" * 32
    agent = rig.run(broker.port)
    eventually(
        lambda: sum(w.reason == "digest mismatch" for w in centre.of(topics.WANT)) >= 2, "two attempts"
    )
    eventually(lambda: "differs" in agent.status().problem, "it is said")
    eventually(lambda: rig.store.replica_staging() is None, "the snapshot is in force")
    assert rig.store.count_workers() == 3
    health = eventually(lambda: (h := centre.last(topics.HEALTH)) and h.roster and h, "health says it")
    assert "differs" in health.roster


def test_a_forged_head_changes_nothing_and_is_counted(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    fill(centre, 2)
    agent = rig.run(broker.port)
    in_step(rig, centre)
    wants = len(centre.of(topics.WANT))
    forged = centre.head().model_copy(update={"version": 99})
    centre.send(*centre.sealed(topics.HEAD, forged, gate_id="all", key=Ed25519PrivateKey.generate()))
    eventually(lambda: agent.status().refused == {"forged": 1}, "the head is refused")
    assert len(centre.of(topics.WANT)) == wants
    assert agent.status().roster_version == 2


def test_what_is_replayed_misaddressed_malformed_or_sealed_for_others_is_refused_by_cause(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    fill(centre, 2)
    old_head = centre.sealed(topics.HEAD, centre.head(), gate_id="all")
    centre.remove("W-001")
    agent = rig.run(broker.port)
    in_step(rig, centre)

    def refused(cause: str) -> None:
        eventually(lambda: agent.status().refused.get(cause), f"refused as {cause}")

    centre.send(*old_head)
    refused("replayed")
    topic, _ = centre.sealed(topics.ROSTER, centre.head())
    _, elsewhere = centre.sealed(topics.ROSTER, centre.head(), gate_id="gate-2")
    centre.send(topic, elsewhere)
    refused("misaddressed")
    centre.send(*centre.sealed(topics.ROSTER, centre.head()))
    refused("malformed")
    foreign = RosterEntry(
        worker_id="W-9",
        version=4,
        worker=a_worker("W-9"),
        sealed=seal([a_template("W-9")], site_key=bytes(32), worker_id="W-9"),
    )
    part = RosterPart(
        snapshot=False, from_version=3, to_version=4, entries=(foreign,), last=True, digest=centre.digest()
    )
    centre.send(*centre.sealed(topics.ROSTER, part))
    refused("unsealable")
    page = part.model_copy(update={"snapshot": True, "entries": (), "to_version": 3})
    replayed = agent.status().refused["replayed"]
    centre.send(*centre.sealed(topics.ROSTER, page))
    eventually(lambda: agent.status().refused["replayed"] > replayed, "a page nobody asked for")
    assert [one.worker_id for one in rig.store.workers()] == ["W-000"]


def test_a_message_of_a_future_version_or_of_enormous_size_is_refused(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    agent = rig.run(broker.port)
    topic, _ = centre.sealed(topics.HEAD, centre.head(), gate_id="all")
    head = b'{"v": 2, "topic": "%s", "counter": 1, "issued_at": "2026-03-02T04:00:00+00:00"}' % topic.encode()
    signature = base64.b64encode(centre.key.sign(b"sitegate-envelope-1\n" + head + b"\n{}"))
    centre.send(topic, signature + b"\n" + head + b"\n{}")
    eventually(lambda: agent.status().refused.get("future_version"), "a future version is refused")
    centre.send(topic, b"x" * 4_000_001)
    eventually(lambda: agent.status().refused.get("oversized"), "a huge message is refused")
    centre.send(topic, b"x")
    eventually(lambda: agent.status().refused.get("malformed"), "no envelope is refused")
