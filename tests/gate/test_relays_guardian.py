"""A gate that is killed leaves no open door: real processes, real signals, a real Modbus server, a pty."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from gate.relays import open_relay
from gate.relays.guardian import Guardian, release_all
from gate.settings import RelaySettings
from tests.gate.boards import LcusBoard, ModbusBoard, wait_until

COIL = 7
LARGEST_RSS_MB = 40

GATE = """
import os, sys, time
from gate.relays import open_relay
from gate.settings import RelaySettings
relays = [open_relay(RelaySettings.model_validate_json(line)) for line in sys.argv[1:]]
for relay in relays:
    relay.set(True)
print("open", flush=True)
if os.environ.get("WITH_FORKED_CHILD") and os.fork() == 0:
    time.sleep(60)
    os._exit(0)
if sys.stdin.readline():
    for relay in relays:
        relay.close()
"""


@pytest.fixture
def board() -> Iterator[ModbusBoard]:
    made = ModbusBoard()
    yield made
    made.stop()


@pytest.fixture
def usb() -> Iterator[LcusBoard]:
    made = LcusBoard()
    yield made
    made.close()


def modbus(board: ModbusBoard) -> RelaySettings:
    return RelaySettings(driver="modbus", host="127.0.0.1", port=board.port, coil=COIL)


def serial(usb: LcusBoard) -> RelaySettings:
    return RelaySettings(driver="serial", device=usb.device)


def guardian_of(gate: subprocess.Popen[str]) -> psutil.Process:
    """Waits: for a moment after a program was started the kernel knows no command line of it."""
    found: list[psutil.Process] = []

    def is_there() -> bool:
        children = psutil.Process(gate.pid).children()
        found[:] = [child for child in children if "gate.relays.guardian" in child.cmdline()]
        return len(found) == 1

    wait_until(is_there)
    return found[0]


@contextmanager
def gate_with_open_doors(*relays: RelaySettings) -> Iterator[tuple[subprocess.Popen[str], psutil.Process]]:
    """A gate process and its guardian."""
    arguments = [settings.model_dump_json() for settings in relays]
    gate = subprocess.Popen(
        [sys.executable, "-c", GATE, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert gate.stdin is not None
    assert gate.stdout is not None
    try:
        assert gate.stdout.readline() == "open\n"
        guardian = guardian_of(gate)
        yield gate, guardian
        # an orphan is reaped by the system and not by this process
        wait_until(lambda: not guardian.is_running() or guardian.status() == psutil.STATUS_ZOMBIE)
    finally:
        gate.kill()
        gate.wait()
        gate.stdin.close()
        gate.stdout.close()


def test_a_killed_gate_leaves_a_modbus_relay_released(board: ModbusBoard) -> None:
    with gate_with_open_doors(modbus(board)) as (gate, _):
        assert board.coil(COIL)
        gate.send_signal(signal.SIGKILL)
        wait_until(lambda: not board.coil(COIL))


def test_a_killed_gate_leaves_every_relay_of_every_lane_released(board: ModbusBoard, usb: LcusBoard) -> None:
    with gate_with_open_doors(modbus(board), serial(usb)) as (gate, _):
        wait_until(lambda: usb.states == {1: True})
        gate.send_signal(signal.SIGKILL)
        wait_until(lambda: not board.coil(COIL))
        wait_until(lambda: usb.states == {1: False})


def test_a_forked_child_that_lives_on_does_not_keep_the_door_open(
    board: ModbusBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WITH_FORKED_CHILD", "yes")
    with gate_with_open_doors(modbus(board)) as (gate, guardian):
        gate_process = psutil.Process(gate.pid)
        wait_until(lambda: len(gate_process.children()) == 2)
        (child,) = [process for process in gate_process.children() if process.pid != guardian.pid]
        gate.send_signal(signal.SIGKILL)
        wait_until(lambda: not board.coil(COIL))
        assert child.is_running()
        child.kill()


def test_a_guardian_keeps_trying_while_the_board_is_away(board: ModbusBoard, usb: LcusBoard) -> None:
    with gate_with_open_doors(modbus(board), serial(usb)) as (gate, _):
        board.set_coil(COIL, True)
        board.stop()
        gate.send_signal(signal.SIGKILL)
        wait_until(lambda: usb.states == {1: False})  # one dead board does not keep the other from its turn
        board.start()
        assert not board.coil(COIL)  # a board that lost power


def test_a_guardian_is_small_and_ignores_the_signals_that_end_a_service(board: ModbusBoard) -> None:
    with gate_with_open_doors(modbus(board)) as (gate, guardian):
        wait_until(lambda: _at_rest(guardian))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            assert _ignores(guardian, number)
        assert guardian.memory_info().rss / 1e6 < LARGEST_RSS_MB
        assert not any("cv2" in mapped.path or "numpy" in mapped.path for mapped in guardian.memory_maps())
        gate.send_signal(signal.SIGKILL)
        wait_until(lambda: not board.coil(COIL))


def test_an_orderly_end_leaves_the_board_to_its_next_owner(board: ModbusBoard) -> None:
    with gate_with_open_doors(modbus(board)) as (gate, guardian):
        assert gate.stdin is not None
        gate.stdin.write("close\n")
        gate.stdin.flush()
        gate.wait(20)
        wait_until(lambda: not guardian.is_running() or guardian.status() == psutil.STATUS_ZOMBIE)
        assert not board.coil(COIL)
        board.requests.clear()
    assert board.requests == []


def test_a_guardian_that_was_killed_is_replaced_before_the_next_opening(board: ModbusBoard) -> None:
    guardian = Guardian()
    key = guardian.watch(modbus(board))
    first = guardian.pid
    assert first is not None
    psutil.Process(first).kill()
    wait_until(lambda: psutil.Process(first).status() == psutil.STATUS_ZOMBIE)
    guardian.stay_alive()
    assert guardian.pid not in (None, first)
    guardian.forget(key)
    assert guardian.pid is None


def test_relays_of_one_process_share_one_guardian(board: ModbusBoard) -> None:
    first, second = open_relay(modbus(board)), open_relay(modbus(board))
    me = psutil.Process()
    guardians = [child for child in me.children() if "gate.relays.guardian" in child.cmdline()]
    assert len(guardians) == 1
    first.close()
    assert guardians[0].is_running()
    second.close()
    assert not guardians[0].is_running()


def test_relays_that_stay_out_of_reach_are_named_when_time_is_up() -> None:
    unreachable = RelaySettings(driver="serial", device="/dev/absent", timeout_s=0.05)
    assert release_all([unreachable], give_up_s=0.3) == [unreachable]


def _ignores(process: psutil.Process, number: signal.Signals) -> bool:
    with open(f"/proc/{process.pid}/status") as status:  # noqa: PTH123
        ignored = next(line for line in status if line.startswith("SigIgn:")).split()[1]
    return bool(int(ignored, 16) >> (number - 1) & 1)


def _at_rest(process: psutil.Process) -> bool:
    """It has imported its driver (which brings `ssl`) and spends no more time."""
    if not any("_ssl" in mapped.path for mapped in process.memory_maps()):
        return False
    before = process.cpu_times()
    time.sleep(0.1)
    return bool(process.cpu_times() == before)
