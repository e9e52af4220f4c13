"""The main job on real faces: see, decide, record, open."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from gate.errors import OverrideRefused
from gate.override import write_pin
from gate.relays.simulated import SimulatedInput, SimulatedRelay
from gate.service import GateService
from gate.settings import InputSettings, InputsSettings, LaneSettings, LivenessSettings, PolicySettings
from gate.startup import open_store
from gate.view import Answer, Phase
from sync.records import Direction, Flag, FlagLevel, Method, Outcome, WorkerStatus
from tests.gate.conftest import WORKER, World, worker

pytestmark = pytest.mark.slow


def reasons(world: World, clip: str, **changes: object) -> list[tuple[str, ...]]:
    return [r.event.reasons for r in world.play(clip, **changes)]


def test_a_registered_worker_is_recognised_from_another_photo_recorded_and_let_in(world: World) -> None:
    world.enrol()
    service, seen = world.gate("worker.avi")
    service.start()
    service.wait_ended()
    (recorded,) = seen
    event = recorded.event
    assert (event.outcome, event.worker_id, event.method) == (Outcome.ALLOW, WORKER, Method.FACE)
    assert event.match is not None
    assert event.match.score >= event.match.threshold
    assert event.match.agreeing >= 3
    assert event.match.roster_size == 1
    assert event.match.threshold_source
    assert event.liveness == "not_checked"
    relay = service.doors["lane-1"].relay
    assert isinstance(relay, SimulatedRelay)
    assert [on for _, on in relay.history][:2] == [False, True]
    service.stop()
    assert not relay.is_energised()
    with open_store(world.settings("worker.avi")) as store:
        assert [e.event_id for e in store.events()] == [event.event_id]
        assert store.outbox_depth() == 1


def test_a_stranger_is_refused_and_recorded_without_a_name(world: World) -> None:
    world.enrol()
    (recorded,) = world.play("stranger.avi")
    assert recorded.event.outcome is Outcome.DENY
    assert recorded.event.reasons[0] == "not_registered"
    assert recorded.event.worker_id is None
    assert recorded.opened_at_s is None


def test_with_an_empty_roster_everybody_is_a_stranger(world: World) -> None:
    assert reasons(world, "worker.avi") == [("not_registered",)]


def test_a_flagged_worker_is_refused_and_held_as_the_flag_says(world: World) -> None:
    for level, outcome, reason in (
        (FlagLevel.BLOCK, Outcome.DENY, "flag_block"),
        (FlagLevel.HOLD, Outcome.HOLD, "flag_hold"),
        (FlagLevel.NOTIFY, Outcome.ALLOW, "ok"),
    ):
        world.enrol(worker(flags=(Flag(level=level),)))
        (recorded,) = world.play("worker.avi")
        assert (recorded.event.outcome, recorded.event.reasons[0]) == (outcome, reason)
        assert (recorded.opened_at_s is not None) == (outcome is Outcome.ALLOW)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"clearances": ()}, "training_missing"),
        ({"site_ids": ("elsewhere",)}, "other_site"),
        ({"status": WorkerStatus.LEFT}, "worker_left"),
        ({"grant_until": datetime.now(UTC) - timedelta(days=1)}, "grant_expired"),
    ],
)
def test_what_the_policy_asks_is_asked_at_the_gate(
    world: World, changes: dict[str, object], reason: str
) -> None:
    world.enrol(worker(**changes))
    assert reasons(world, "worker.avi") == [(reason,)]


def test_a_roster_changed_by_another_process_counts_without_a_restart(world: World) -> None:
    world.enrol()
    service, _ = world.gate("stranger.avi")
    service.start()
    assert len(service.roster.gallery) == 1
    with open_store(world.settings("worker.avi")) as store:
        store.remove_worker(WORKER)
    wait_for(lambda: len(service.roster.gallery) == 0)


def test_required_liveness_without_weights_is_said_and_follows_the_named_policy(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate.startup.find_liveness", lambda settings: None)
    world.enrol()
    liveness = LivenessSettings(mode="required", when_missing="hold")
    service, seen = world.gate("worker.avi", liveness=liveness)
    service.start()
    assert service.lane("lane-1").health.liveness == "liveness not checked"
    service.wait_ended()
    assert [(r.event.outcome, r.event.reasons[0]) for r in seen] == [(Outcome.HOLD, "liveness_not_checked")]


def test_an_answer_names_the_worker_as_configured_and_is_gone_in_time(world: World) -> None:
    world.enrol()
    service, _ = world.gate("worker.avi")
    service.start()
    answer = shown_answer(service)
    assert answer.shown_name == "示*乙"
    assert answer.shown_until_s - service.monotonic() <= 3.0
    assert service.picture("lane-1") is not None
    while service.monotonic() < answer.shown_until_s:
        threading.Event().wait(0.1)
    assert service.lane("lane-1").answer is None


def test_a_guard_opens_by_hand_with_pin_and_reason_and_it_is_on_record(world: World) -> None:
    write_pin(world.folder / "pin", "2468")
    service, seen = world.gate("stranger.avi")
    with pytest.raises(OverrideRefused, match="needed"):
        service.override("lane-1", pin="2468", guard="Guard 7", reason="  ")
    with pytest.raises(OverrideRefused, match="Wrong PIN"):
        service.override("lane-1", pin="1111", guard="Guard 7", reason="visitor")
    assert seen == []
    event_id = service.override("lane-1", pin="2468", guard="Guard 7", reason="visitor with pass")
    (recorded,) = seen
    assert recorded.event.event_id == event_id
    assert (recorded.event.method, recorded.event.guard) == (Method.OVERRIDE, "Guard 7")
    assert recorded.event.note == "visitor with pass"
    assert recorded.opened_at_s is not None


def test_the_fire_input_opens_keeps_open_and_is_recorded_and_the_exit_button_opens(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    wired: list[SimulatedInput] = []

    def open_wired(settings: InputSettings) -> SimulatedInput | None:
        if settings.driver == "none":
            return None
        wired.append(SimulatedInput())
        return wired[-1]

    monkeypatch.setattr("gate.service.open_input", open_wired)
    simulated = InputSettings(driver="simulated")
    base = world.settings("stranger.avi").lanes[0]
    lane = base.model_copy(update={"inputs": InputsSettings(fire_alarm=simulated, exit_button=simulated)})
    service, seen = world.gate("stranger.avi", lanes=(LaneSettings.model_validate(lane.model_dump()),))
    door = service.doors["lane-1"]
    button, fire = wired
    button.set(True)
    wait_for(lambda: [r.event.method for r in seen] == [Method.EXIT_BUTTON])
    fire.set(True)
    wait_for(lambda: service.lane("lane-1").health.fire)
    assert door.relay.is_energised()
    fire.set(False)
    wait_for(lambda: not door.relay.is_energised())
    with open_store(world.settings("worker.avi")) as store:
        assert {e.method for e in store.events()} == {Method.EXIT_BUTTON, Method.FIRE_ALARM}


def test_two_lanes_share_one_engine_and_keep_their_directions(world: World) -> None:
    world.enrol(worker(clearances=()))
    way_in = world.settings("worker.avi").lanes[0]
    way_out = way_in.model_copy(update={"id": "lane-2", "direction": Direction.OUT})
    lanes = tuple(LaneSettings.model_validate(lane.model_dump()) for lane in (way_in, way_out))
    events = {r.event.lane_id: r.event for r in world.play("worker.avi", lanes=lanes)}
    assert (events["lane-1"].outcome, events["lane-1"].direction) == (Outcome.DENY, Direction.IN)
    assert (events["lane-2"].outcome, events["lane-2"].direction) == (Outcome.ALLOW, Direction.OUT)


def test_settings_of_the_policy_reach_the_gate(world: World) -> None:
    world.enrol(worker(clearances=()))
    assert reasons(world, "worker.avi", policy=PolicySettings(training_missing="hold")) == [
        ("training_missing",)
    ]


def shown_answer(service: GateService) -> Answer:
    """The answer as a screen would find it that looks all the time."""
    found: list[Answer] = []

    def look() -> bool:
        view = service.lane("lane-1")
        if view.answer is not None:
            assert view.phase is Phase.ANSWER
            found.append(view.answer)
        return bool(found)

    wait_for(look, seconds=60)
    return found[0]


def wait_for(condition: object, seconds: float = 60.0) -> None:
    assert callable(condition)
    for _ in range(round(seconds / 0.05)):
        if condition():
            return
        threading.Event().wait(0.05)
    raise AssertionError("it did not happen in time")
