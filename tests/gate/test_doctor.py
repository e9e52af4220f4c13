"""The doctor looks at every part, opens no door, and says what to do about each part that ails."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from gate.doctor import Check, Condition, examine
from gate.relays.simulated import SimulatedRelay
from gate.settings import Settings
from sync.records import Direction, Event, Method, Outcome
from sync.store import LocalStore, StoreKey
from tests.sync.edge.brokers import Mosquitto

NOW = datetime(2027, 3, 1, 4, 0, tzinfo=UTC)


class StoppedClock:
    """A wall clock that stands where the test put it; monotonic time runs with every look."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now
        self._monotonic_s = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        self._monotonic_s += 0.05
        return self._monotonic_s


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    cv2.imwrite(str(folder / "1.png"), np.full((120, 160, 3), 90, np.uint8))
    return folder


@pytest.fixture
def settings(tmp_path: Path, pictures: Path) -> Callable[..., Settings]:
    """Settings of a gate below `tmp_path`; arguments replace whole sections."""

    def make(**sections: Any) -> Settings:
        lane = {"id": "lane-1", "source": {"kind": "folder", "path": pictures, "pace": "fast"}}
        base: dict[str, Any] = {
            "lanes": [lane],
            "recognition": {"weights_dir": tmp_path / "weights"},
            "store": {"path": tmp_path / "gate.db", "key_file": tmp_path / "store.key", "min_free_mb": 1},
            "screen": {"port": 0, "override_pin_file": tmp_path / "override.pin"},
            "metrics": {"port": 0},
        }
        return Settings.model_validate(base | sections)

    return make


def report(settings: Settings, **options: Any) -> dict[str, Check]:
    checks = examine(settings, clock=options.pop("clock", StoppedClock()), **options)
    for check in checks:
        assert check.condition is Condition.OK or check.next_step, check
    return {check.part: check for check in checks}


def test_a_gate_that_never_ran_is_told_what_is_missing(settings: Callable[..., Settings]) -> None:
    found = report(settings())
    assert found["lane-1 camera"] == Check("lane-1 camera", Condition.OK, "folder, 160x120")
    assert found["weights yunet"].condition is Condition.FAIL
    assert found["weights yunet"].next_step == "Run sitegate models fetch yunet"
    assert found["weights sface"].condition is Condition.FAIL
    assert found["store"].condition is Condition.WARN
    assert found["override PIN"].next_step == "Run sitegate gate set-pin"
    assert found["lane-1 relay"].detail == "simulated: no door moves"
    assert found["lane-1 fire_alarm"].condition is Condition.WARN
    assert found["disk"].condition is Condition.OK
    assert "12:00" in found["time zone"].detail
    assert "store key" not in found


def a_recorded_event(path: Path, key_file: Path, occurred_at: datetime) -> None:
    key = StoreKey.load(key_file, "", create=True)
    with LocalStore.open(path, key) as store:
        store.record(
            Event(
                sequence=0,
                site_id="demo-site",
                gate_id="gate-1",
                lane_id="lane-1",
                direction=Direction.IN,
                occurred_at=occurred_at,
                method=Method.FACE,
                outcome=Outcome.ALLOW,
                reasons=("ok",),
            )
        )


def test_a_sound_store_is_opened_with_its_key_and_counted(
    settings: Callable[..., Settings], tmp_path: Path
) -> None:
    a_recorded_event(tmp_path / "gate.db", tmp_path / "store.key", NOW)
    found = report(settings())
    assert found["store key"].condition is Condition.OK
    assert found["store"].condition is Condition.OK
    assert "sound" in found["store"].detail
    assert "1 records to be sent" in found["store"].detail


def test_a_wrong_or_open_key_names_the_command_that_helps(
    settings: Callable[..., Settings], tmp_path: Path
) -> None:
    a_recorded_event(tmp_path / "gate.db", tmp_path / "store.key", NOW)
    (tmp_path / "store.key").chmod(0o644)
    assert "chmod 600" in report(settings())["store key"].next_step
    (tmp_path / "store.key").write_text("ab" * 32, encoding="ascii")
    (tmp_path / "store.key").chmod(0o600)
    assert report(settings())["store"].condition is Condition.FAIL


def test_a_clock_before_the_last_event_or_before_the_program_fails(
    settings: Callable[..., Settings], tmp_path: Path
) -> None:
    a_recorded_event(tmp_path / "gate.db", tmp_path / "store.key", NOW)
    for wrong in (NOW - timedelta(days=1), datetime(1970, 1, 1, tzinfo=UTC)):
        assert report(settings(), clock=StoppedClock(wrong))["clock"].condition is Condition.FAIL
    assert report(settings())["clock"].condition is not Condition.FAIL


def test_a_camera_that_is_not_there_fails_and_the_other_parts_are_still_looked_at(
    settings: Callable[..., Settings], tmp_path: Path
) -> None:
    gone = {"id": "lane-1", "source": {"kind": "video", "path": tmp_path / "none.mp4"}}
    found = report(settings(lanes=[gone]), camera_patience_s=1.0)
    assert found["lane-1 camera"].condition is Condition.FAIL
    assert "lane-1 relay" in found


def test_a_secret_that_others_can_read_fails(settings: Callable[..., Settings], tmp_path: Path) -> None:
    pin_file = tmp_path / "override.pin"
    pin_file.write_text("hash", encoding="ascii")
    pin_file.chmod(0o644)
    found = report(settings())["override PIN"]
    assert (found.condition, found.next_step) == (Condition.FAIL, f"Run: chmod 600 {pin_file}")


def test_under_a_running_gate_no_board_and_no_camera_is_touched(
    settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    def touched(*_: object, **__: object) -> None:
        raise AssertionError("opening a board releases it")

    for name in ("open_relay", "open_input", "open_source"):
        monkeypatch.setattr(f"gate.doctor.{name}", touched)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = report(settings(metrics={"port": taken.getsockname()[1]}))
    assert found["metrics port"].condition is Condition.WARN
    assert found["lanes"].condition is Condition.WARN
    assert not any(part.startswith("lane-1") for part in found)


def test_a_full_disk_fails(settings: Callable[..., Settings], tmp_path: Path) -> None:
    wanted = {"path": tmp_path / "deep/gate.db", "key_file": tmp_path / "k", "min_free_mb": 10**9}
    assert report(settings(store=wanted))["disk"].condition is Condition.FAIL


def test_missing_liveness_weights_fail_only_where_they_would_stop_people(
    settings: Callable[..., Settings],
) -> None:
    for section, expected in (
        ({"mode": "off"}, Condition.OK),
        ({"mode": "observe"}, Condition.WARN),
        ({"mode": "required", "when_missing": "allow"}, Condition.WARN),
        ({"mode": "required", "when_missing": "hold"}, Condition.FAIL),
    ):
        assert report(settings(liveness=section))["liveness"].condition is expected


def test_the_doctor_never_energises_a_relay(
    settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(SimulatedRelay, "set", lambda self, energised: asked.append(energised))
    report(settings())
    assert True not in asked


def test_wired_inputs_answer(settings: Callable[..., Settings], pictures: Path) -> None:
    lane = {
        "id": "lane-1",
        "source": {"kind": "folder", "path": pictures, "pace": "fast"},
        "inputs": {"fire_alarm": {"driver": "simulated"}, "door_contact": {"driver": "simulated"}},
    }
    found = report(settings(lanes=[lane]))
    assert found["lane-1 fire_alarm"].condition is Condition.OK
    assert found["lane-1 door_contact"].condition is Condition.OK


def test_a_badge_reader_that_is_not_plugged_in_fails(
    settings: Callable[..., Settings], pictures: Path
) -> None:
    badge = {"driver": "serial", "device": "/dev/sitegate-no-such-reader"}
    lane = {"source": {"kind": "folder", "path": pictures, "pace": "fast"}, "pass_reader": {"badge": badge}}
    found = report(settings(lanes=[lane]))["lane-1 badge reader"]
    assert found.condition is Condition.FAIL
    assert "/dev/sitegate-no-such-reader" in found.detail


def test_a_broker_that_lets_the_gate_speak_for_others_is_a_warning_with_the_lines_that_help(
    settings: Callable[..., Settings], tmp_path: Path
) -> None:
    broker = Mosquitto(tmp_path, "allow_anonymous true")
    broker.start()
    centre = {"enabled": True, "broker": f"mqtt://127.0.0.1:{broker.port}"}
    try:
        found = report(settings(centre=centre))["centre"]
    finally:
        broker.kill()
    assert found.condition is Condition.WARN
    assert "speak for others" in found.detail
    assert "topic write sitegate/1/demo-site/gate-1/up/#" in found.next_step
    assert report(settings(centre=centre))["centre"].condition is Condition.FAIL
    assert "centre" not in report(settings())
