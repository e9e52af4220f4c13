"""Thermometers: text over a serial line, registers over Modbus, what is believed, and whose reading it is."""

from __future__ import annotations

import os
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.clock import SystemClock
from gate.doctor import Condition, examine
from gate.policy_facts import Measured, Screened
from gate.screening import Screening
from gate.screening_settings import ThermometerSettings
from gate.settings import LaneSettings, MetricsSettings, PolicySettings, ScreenSettings, Settings
from gate.startup import open_store
from gate.thermometer import Raw, Sample, Thermometer, open_thermometer
from gate.thermometer.base import Samples, body_temperature, fault_of
from gate.thermometer.polled import PolledThermometer
from gate.thermometer.serial_module import parsed
from models.sources.settings import SourceSettings
from sync.store_settings import StoreSettings
from tests.gate.boards import ModbusBoard, wait_until
from tests.gate.manual_clock import ManualClock
from tests.gate.test_policy import a_worker


def samples(*values: tuple[float, float], **changes: Any) -> Samples:
    made = Samples(ThermometerSettings(**changes))
    for at_s, celsius in values:
        made.add(Sample(Raw(celsius), at_s))
    return made


def test_the_reading_is_the_median_of_the_time_the_person_stood_there() -> None:
    made = samples((1.0, 39.9), (10.0, 36.4), (10.2, 36.5), (10.4, 36.9), (30.0, 39.9))
    assert made.measured(10.0, 11.0).celsius == 36.5


def test_a_wall_and_a_lighter_are_no_foreheads() -> None:
    assert samples((10.0, 21.5)).measured(10.0, 11.0).problem == "21.5 °C is no body temperature"
    assert samples((10.0, 21.5), (10.2, 36.6), (10.4, 80.0)).measured(10.0, 11.0).celsius == 36.6
    assert samples().measured(10.0, 11.0).problem == "no reading in time"


def test_one_reading_is_never_that_of_two_people() -> None:
    made = samples((10.0, 38.5))
    assert made.measured(9.5, 10.2).celsius == 38.5
    assert made.measured(10.3, 10.9).celsius is None
    late = samples((10.0, 38.5), (10.4, 38.5))  # the second came while the face was being recognised
    assert late.measured(9.5, 10.2).celsius == 38.5
    assert late.measured(10.6, 11.0).celsius is None


class Wired:
    """A thermometer with the samples of a real one; what the board says comes from the test."""

    def __init__(self, said: Samples) -> None:
        self.problem = ""
        self.measured = said.measured

    def start(self) -> None: ...

    def stop(self) -> None: ...


def test_the_reading_of_a_stranger_is_not_that_of_the_worker_behind(tmp_path: Path) -> None:
    settings = Settings(
        store=StoreSettings(path=tmp_path / "gate.db", key_file=tmp_path / "store.key"),
        policy=PolicySettings(rules=("registered", "temperature")),
        lanes=(LaneSettings(thermometer=ThermometerSettings(driver="simulated")),),
    )
    (lane,) = settings.lanes
    with open_store(settings) as store:
        screening = Screening(settings, store, SystemClock())
        said = samples((10.0, 38.5))
        screening.thermometers[lane.id] = Wired(said)
        assert screening.look(lane, None, since_s=9.8, until_s=10.2) == Screened()
        said.add(Sample(Raw(36.5), 10.9))
        found = screening.look(lane, a_worker(), since_s=10.8, until_s=11.0)
    assert found.measured == Measured(36.5)


@given(st.floats(30, 42), st.floats(-20, 40), st.floats(0, 1), st.floats(-5, 5))
def test_compensation_moves_away_from_the_air_and_none_changes_nothing(
    skin: float, ambient: float, heat_loss: float, offset: float
) -> None:
    plain = ThermometerSettings()
    assert body_temperature(Raw(skin, ambient), plain) == skin
    corrected = ThermometerSettings(heat_loss=heat_loss, offset_c=offset)
    body = body_temperature(Raw(skin, ambient), corrected)
    assert (body - (skin + offset)) * (skin + offset - ambient) >= 0
    assert body_temperature(Raw(skin), corrected) == skin + offset


@pytest.mark.parametrize(
    ("line", "raw"),
    [
        ("TA:24.81 TO=36.52", Raw(36.52, 24.81)),
        ("36.5,24.1", Raw(36.5, 24.1)),
        ("T=36.5C", Raw(36.5)),
        ("body: 36.7 amb: -5.2", Raw(36.7, -5.2)),
        ("ready", None),
        ("Ta=24.1", None),
        ("", None),
    ],
)
def test_lines_as_modules_say_them(line: str, raw: Raw | None) -> None:
    assert parsed(line) == raw


@given(st.text(max_size=60))
def test_no_line_breaks_the_reading(line: str) -> None:
    raw = parsed(line)
    assert raw is None or isinstance(fault_of(raw), str)


def test_a_broken_sensor_is_told_from_a_strange_object() -> None:
    assert fault_of(Raw(21.5, 24.0)) == ""
    assert "cannot measure" in fault_of(Raw(1037.55))
    assert "cannot measure" in fault_of(Raw(float("nan")))
    assert "around it" in fault_of(Raw(36.5, -273.1))


def read(thermometer: Thermometer) -> float | None:
    now_s = SystemClock().monotonic()
    return thermometer.measured(now_s - 5.0, now_s).celsius


@pytest.fixture
def started() -> Iterator[Callable[[ThermometerSettings], Thermometer]]:
    made: list[Thermometer] = []

    def start(settings: ThermometerSettings) -> Thermometer:
        thermometer = open_thermometer(settings, SystemClock())
        assert thermometer is not None
        made.append(thermometer)
        thermometer.start()
        return thermometer

    yield start
    for one in made:
        one.stop()


def test_a_serial_module_is_read_and_its_pulled_cable_is_a_fault(
    started: Callable[[ThermometerSettings], Thermometer],
) -> None:
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    thermometer = started(
        ThermometerSettings(driver="serial", device=os.ttyname(theirs), poll_s=0.05, join_s=5.0)
    )

    def said_and_read() -> bool:
        os.write(ours, b"TO:36.52 TA:24.81\r\n")  # what came before the port was open is dropped
        return read(thermometer) == 36.5

    wait_until(said_and_read)
    assert thermometer.problem == ""
    os.close(theirs)
    os.close(ours)
    wait_until(lambda: "does not answer" in thermometer.problem)
    assert read(thermometer) is None


def test_a_module_that_falls_silent_is_a_fault_and_heals_with_its_next_word() -> None:
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    clock = ManualClock()
    settings = ThermometerSettings(driver="serial", device=os.ttyname(theirs), poll_s=0.05, silent_s=10.0)
    thermometer = open_thermometer(settings, clock)
    assert thermometer is not None
    thermometer.start()
    try:
        assert thermometer.problem == ""
        clock.advance(10.5)
        assert "silent for 10 s" in thermometer.problem
        assert thermometer.measured(clock.monotonic(), clock.monotonic()).celsius is None

        def says() -> bool:
            os.write(ours, b"T=36.5C\r\n")
            return thermometer.problem == ""

        wait_until(says)
    finally:
        thermometer.stop()
        os.close(ours)
        os.close(theirs)


@pytest.fixture
def board() -> Iterator[ModbusBoard]:
    made = ModbusBoard()
    made.input_registers = {0: 365, 1: 0x10000 - 52}
    yield made
    made.stop()


def at(board: ModbusBoard, **changes: Any) -> ThermometerSettings:
    place = {"driver": "modbus", "host": "127.0.0.1", "port": board.port, "ambient_address": 1}
    return ThermometerSettings.model_validate(
        {**place, "poll_s": 0.05, "timeout_s": 5.0, "join_s": 5.0, **changes}
    )


def test_a_modbus_module_is_read_below_zero_too_and_heals_by_itself(
    board: ModbusBoard, started: Callable[[ThermometerSettings], Thermometer]
) -> None:
    # The air is at -5.2 °C: 36.5 + 0.02 * (36.5 + 5.2).
    thermometer = started(at(board, heat_loss=0.02))
    wait_until(lambda: read(thermometer) == 37.3)
    board.input_registers[0] = 10375
    wait_until(lambda: "cannot measure" in thermometer.problem)
    board.input_registers[0] = 365
    wait_until(lambda: thermometer.problem == "" and read(thermometer) == 37.3)


def test_an_absent_module_is_a_fault_that_doctor_names_with_the_next_step(board: ModbusBoard) -> None:
    settings = at(board)

    def line(thermometer: ThermometerSettings) -> tuple[Condition, str, str]:
        lane = LaneSettings(thermometer=thermometer, source=SourceSettings(kind="folder", path="nowhere"))  # type: ignore[arg-type]
        whole = Settings(
            lanes=(lane,),
            store=StoreSettings(path="nowhere/gate.db"),  # type: ignore[arg-type]
            screen=ScreenSettings(port=0),
            metrics=MetricsSettings(port=0),
        )
        checks = {check.part: check for check in examine(whole)}
        found = checks["lane-1 thermometer"]
        return found.condition, found.detail, found.next_step

    assert line(settings) == (
        Condition.OK, "answers: 36.5 °C, -5.2 °C around it, counted as 36.5 °C", "",
    )  # fmt: skip
    absent = settings.model_copy(update={"port": 1, "timeout_s": 0.5})
    condition, detail, step = line(absent)
    assert condition is Condition.FAIL
    assert "does not answer" in detail
    assert "cable" in step


def test_a_driver_without_its_port_is_refused_none_is_none_and_what_was_never_started_stops() -> None:
    for driver in ("serial", "modbus"):
        with pytest.raises(ValueError, match="device"):
            ThermometerSettings.model_validate({"driver": driver})
    with pytest.raises(ValueError, match="ambient_address"):
        ThermometerSettings(driver="modbus", host="127.0.0.1", heat_loss=0.1)
    assert open_thermometer(ThermometerSettings(), SystemClock()) is None
    unused = open_thermometer(ThermometerSettings(driver="modbus", host="127.0.0.1"), SystemClock())
    assert isinstance(unused, PolledThermometer)
    unused.stop()
