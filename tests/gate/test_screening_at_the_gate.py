"""A gate with a thermometer and rules of its site: real faces, the real store, the answer in the record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gate.policy_trial import try_policy
from gate.screening import recorded as looked_up
from gate.service import GateService, Recorded
from gate.settings import LaneSettings, PolicySettings, RelaySettings, Settings
from gate.startup import open_store
from gate.thermometer import Raw
from gate.thermometer.simulated import SimulatedThermometer
from models.sources.settings import SourceSettings
from sync.edge.settings import CentreSettings
from sync.records import Clearance, Direction, Event, Method, Outcome, Passage
from sync.store_settings import SiteSettings
from tests.gate.conftest import WORKER, World, worker

pytestmark = pytest.mark.slow

MEDICAL = {"kind": "medical", "name": "体检", "name_en": "medical exam", "where": "医务室"}


def asked(world: World, *rules: str, **policy: Any) -> dict[str, Any]:
    """Changes for `World.gate`: these rules beside `registered`, and a simulated thermometer."""
    lane = LaneSettings.model_validate(
        {"thermometer": {"driver": "simulated"}, "relay": RelaySettings(pulse_s=0.2)}
    ).model_copy(
        update={"source": SourceSettings(kind="video", path=world.footage / "worker.avi", pace="fast")}
    )
    chosen = PolicySettings.model_validate({"rules": ["registered", *rules], **policy})
    settings = Settings.model_validate(
        {"lanes": [lane.model_dump()], "policy": chosen.model_dump(by_alias=True)}
    )
    return {"lanes": settings.lanes, "policy": settings.policy}


def thermometer(service: GateService) -> SimulatedThermometer:
    found = service.screening.thermometers["lane-1"]
    assert isinstance(found, SimulatedThermometer)
    return found


def play(world: World, changes: dict[str, Any], celsius: float | None) -> Recorded:
    service, seen = world.gate("worker.avi", **changes)
    thermometer(service).shows = None if celsius is None else Raw(celsius)
    service.start()
    service.wait_ended()
    service.stop()
    (recorded,) = seen
    return recorded


def test_a_fever_is_refused_rests_and_is_told_so_at_the_next_try(world: World) -> None:
    world.enrol()
    changes = asked(world, "temperature", temperature={"rest_min": 240})
    hot = play(world, changes, 38.2)
    assert (hot.event.outcome, hot.event.reasons) == (Outcome.DENY, ("temperature_high",))
    assert hot.event.note == "temperature 38.2 °C"
    assert hot.opened_at_s is None
    soon = play(world, changes, 36.5)
    assert soon.event.reasons == ("temperature_rest",)
    assert "rest until" in soon.event.note


def test_the_second_reading_after_the_rest_lets_in_or_goes_to_the_medic(world: World) -> None:
    world.enrol()
    changes = asked(world, "temperature", temperature={"rest_min": 10, "missing": "allow"})
    hot = play(world, changes, 38.2).event
    settings = world.settings("worker.avi", **changes)

    def tried(minutes: float, celsius: float | None) -> tuple[Outcome, str]:
        at = hot.occurred_at + timedelta(minutes=minutes)
        with open_store(settings) as store:
            trial = try_policy(
                settings, store, worker_id=WORKER, lane=settings.lanes[0], at=at, celsius=celsius
            )
        return trial.outcome, trial.reasons[0]

    assert tried(9.9, 36.5) == (Outcome.DENY, "temperature_rest")
    assert tried(10, 36.5) == (Outcome.ALLOW, "ok")
    assert tried(10, 38.0) == (Outcome.DENY, "temperature_high_again")
    # A missing reading is allowed here, but not to somebody who was too hot before.
    assert tried(10, None) == (Outcome.HOLD, "temperature_missing")
    with open_store(settings) as store:
        entry = passage(1, Direction.IN, timedelta(0))
        store.record(entry.model_copy(update={"occurred_at": hot.occurred_at + timedelta(minutes=11)}))
    assert tried(12, 38.0) == (Outcome.DENY, "temperature_high")


def test_a_broken_sensor_is_said_everywhere_and_a_missing_clearance_names_itself(world: World) -> None:
    world.enrol()
    service, seen = world.gate(
        "worker.avi", **asked(world, "temperature", "clearances", clearances=[MEDICAL])
    )
    thermometer(service).problem = "serial /dev/ttyUSB9 does not answer"
    service.start()
    assert service.lane("lane-1").health.thermometer == "serial /dev/ttyUSB9 does not answer"
    service.wait_ended()
    (recorded,) = seen
    assert recorded.event.reasons == ("clearance_missing", "temperature_missing")
    assert recorded.event.note == (
        "temperature: serial /dev/ttyUSB9 does not answer; clearance_missing medical"
    )


def test_a_normal_temperature_and_registration_are_the_declaration_of_the_day(world: World) -> None:
    world.enrol(worker(clearances=()))
    counts = asked(world, "declaration", "temperature", declaration={"temperature_counts": True})
    well = play(world, counts, 36.4)
    assert (well.event.outcome, well.event.note) == (Outcome.ALLOW, "temperature 36.4 °C")
    assert well.opened_at_s is not None


def test_who_has_not_declared_is_shown_the_code_to_the_form(world: World) -> None:
    world.enrol(worker(clearances=()))
    changes = asked(world, "declaration") | {"centre": CentreSettings(web_url="https://gates.example.org")}
    service, _ = world.gate("worker.avi", **changes)
    service.start()
    service.wait_ended()
    shown = service.lane("lane-1").online
    assert shown is not None
    assert shown.address == "https://gates.example.org/m/declare?site=demo-site"


def test_declared_and_measured_once_a_worker_has_the_clearance_of_the_day_until_too_hot(world: World) -> None:
    hour = datetime.now(UTC).hour
    # Noon at the site, whenever the test runs: no midnight comes between two entries.
    site = SiteSettings(timezone=f"Etc/GMT{hour - 12:+d}")
    declared = Clearance(kind="declaration", valid_until=datetime.now(UTC) + timedelta(hours=6))
    centre = CentreSettings(web_url="https://gates.example.org")
    changes = asked(world, "daily_clearance") | {"site": site, "centre": centre}
    world.enrol(worker(clearances=()))
    service, seen = world.gate("worker.avi", **changes)
    thermometer(service).shows = Raw(36.4)
    service.start()
    service.wait_ended()
    (undeclared,) = (one.event for one in seen)
    assert (undeclared.outcome, undeclared.reasons) == (Outcome.DENY, ("daily_declaration_missing",))
    assert undeclared.note == "temperature 36.4 °C"
    shown = service.lane("lane-1").online
    assert shown is not None
    assert shown.address == "https://gates.example.org/m/declare?site=demo-site"
    service.stop()

    world.enrol(worker(clearances=(declared,)))
    again = play(world, changes, None)
    assert (again.event.outcome, again.event.reasons) == (Outcome.ALLOW, ("ok",))
    assert again.opened_at_s is not None
    settings = world.settings("worker.avi", **changes)

    def tried(minutes: float, celsius: float | None) -> tuple[Outcome, tuple[str, ...]]:
        at = again.event.occurred_at + timedelta(minutes=minutes)
        with open_store(settings) as store:
            trial = try_policy(
                settings, store, worker_id=WORKER, lane=settings.lanes[0], at=at, celsius=celsius
            )
        return trial.outcome, trial.reasons

    assert tried(1, None) == (Outcome.ALLOW, ("ok",))
    hot = again.event.model_copy(
        update={"event_id": "hot", "outcome": Outcome.DENY, "reasons": ("temperature_high",)}
    )
    with open_store(settings) as store:
        store.record(hot.model_copy(update={"occurred_at": hot.occurred_at + timedelta(seconds=9)}))
    assert tried(1, 36.5)[1] == ("temperature_rest",)
    assert tried(11, None) == (Outcome.HOLD, ("daily_temperature_missing",))
    assert tried(11, 36.5) == (Outcome.ALLOW, ("ok",))
    assert tried(24 * 60, None)[1] == ("daily_declaration_missing", "daily_temperature_missing")


def passage(number: int, direction: Direction, ago: timedelta, who: str = WORKER, **changes: Any) -> Event:
    return Event(
        event_id=f"e{number}",
        sequence=0,
        site_id="demo-site",
        gate_id="gate-1",
        lane_id="lane-1",
        direction=direction,
        occurred_at=datetime.now(UTC) - ago,
        method=Method.FACE,
        outcome=Outcome.ALLOW,
        reasons=("ok",),
        worker_id=who,
    ).model_copy(update=changes)


def test_what_the_gate_recorded_decides_about_second_entries_and_a_full_site(world: World) -> None:
    world.enrol()
    hour = timedelta(hours=1)
    with open_store(world.settings("worker.avi")) as store:
        store.record(passage(1, Direction.IN, 5 * hour, "A"))
        store.record(passage(2, Direction.IN, 5 * hour, "B"))
        store.record(passage(3, Direction.OUT, 4 * hour, "B"))
        store.record(passage(4, Direction.IN, 4 * hour, "C", passage=Passage.NOT_PASSED))
        store.record(passage(5, Direction.IN, 20 * hour, "D"))
        now = datetime.now(UTC)
        assert store.people_inside(now - 16 * hour, now) == 1
        policy = PolicySettings.model_validate(
            {"rules": ["registered", "capacity"], "capacity": {"people": 1}}
        )
        full = looked_up(store, policy, Direction.IN, WORKER, now)
        assert (full.inside, full.passages) == (1, ())
        store.record(passage(7, Direction.IN, 100 * hour, "E"))
        week = PolicySettings.model_validate(
            {"rules": ["registered", "anti_passback"], "anti_passback": {"within_h": 168}}
        )
        assert len(looked_up(store, week, Direction.IN, "E", now).passages) == 1
        store.record(passage(6, Direction.IN, 2 * hour))
    again = play(world, asked(world, "capacity", "anti_passback", capacity={"people": 1}), None)
    assert again.event.reasons == ("passed_twice",)  # and not full: who is inside is counted already
