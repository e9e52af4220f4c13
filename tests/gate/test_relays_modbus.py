"""Relays and inputs over Modbus, against real servers."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gate.errors import RelayError
from gate.relays import open_input, open_relay
from gate.relays.base import Relay
from gate.settings import InputSettings, RelaySettings
from tests.gate.boards import ModbusBoard, SerialLine, SilentHost, wait_until

COIL = 3
TIMEOUT_S = 10.0
"""Of boards that answer: however busy the machine is, they do so in time."""

SHORT_S = 0.5
"""Of those that do not."""

SLACK_S = 20.0
"""A call ends by its timeout; without one it would hang until the test's own limit."""


@pytest.fixture
def board() -> Iterator[ModbusBoard]:
    made = ModbusBoard()
    yield made
    made.stop()


def relay_at(port: int, **changes: Any) -> Relay:
    settings = {"driver": "modbus", "host": "127.0.0.1", "port": port, "coil": COIL, "timeout_s": TIMEOUT_S}
    return open_relay(RelaySettings.model_validate({**settings, **changes}), guarded=False)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_coil_follows_and_is_released_at_start_and_at_closing(board: ModbusBoard) -> None:
    board.set_coil(COIL, True)
    relay = relay_at(board.port)
    assert not board.coil(COIL)
    relay.set(True)
    assert board.coil(COIL)
    assert relay.is_energised()
    relay.set(False)
    assert not board.coil(COIL)
    relay.set(True)
    relay.close()
    relay.close()
    assert not board.coil(COIL)


def test_an_active_low_coil_is_on_while_the_relay_is_released(board: ModbusBoard) -> None:
    relay = relay_at(board.port, active="low")
    assert board.coil(COIL)
    relay.set(True)
    assert not board.coil(COIL)
    assert relay.is_energised()
    relay.close()
    assert board.coil(COIL)


def test_a_board_that_confirms_but_does_not_switch_is_noticed(board: ModbusBoard) -> None:
    relay = relay_at(board.port)
    board.deaf_to_writes = True
    with pytest.raises(RelayError, match="did not follow"):
        relay.set(True)
    relay.close()


def test_a_coil_that_the_board_does_not_have_is_refused_by_name(board: ModbusBoard) -> None:
    relay = relay_at(board.port, coil=400)
    with pytest.raises(RelayError, match="refuses energise unit 1 coil 400") as caught:
        relay.set(True)
    assert caught.value.next_step
    relay.close()


def test_an_unreachable_board_is_an_error_in_time_and_no_obstacle_to_starting() -> None:
    relay = relay_at(closed_port(), timeout_s=SHORT_S)
    began_s = time.monotonic()
    with pytest.raises(RelayError, match="does not answer") as caught:
        relay.set(True)
    assert time.monotonic() - began_s < SHORT_S + SLACK_S
    assert "cable" in caught.value.next_step
    relay.close()


def test_a_half_open_board_is_an_error_in_time() -> None:
    host = SilentHost()
    relay = relay_at(host.port, timeout_s=SHORT_S)
    for call in (lambda: relay.set(True), relay.is_energised):
        began_s = time.monotonic()
        with pytest.raises(RelayError, match="does not answer"):
            call()
        assert time.monotonic() - began_s < SHORT_S + SLACK_S
    relay.close()
    host.close()


def test_a_slow_board_is_waited_for_within_the_timeout_and_no_longer(board: ModbusBoard) -> None:
    relay = relay_at(board.port, timeout_s=2.0)
    board.delay_s = 0.1
    relay.set(True)
    board.delay_s = 1.5  # the write is in time, the read-back is not
    began_s = time.monotonic()
    with pytest.raises(RelayError, match="does not answer"):
        relay.set(False)
    assert time.monotonic() - began_s < 2.0 + SLACK_S
    board.delay_s = 0.0
    relay.set(False)
    assert not board.coil(COIL)
    relay.close()


def test_a_late_answer_is_never_taken_for_the_next_one(board: ModbusBoard) -> None:
    relay = relay_at(board.port, timeout_s=2.0)
    board.delay_s = 2.5
    with pytest.raises(RelayError):
        relay.is_energised()
    board.delay_s = 0.0
    relay.set(True)
    assert relay.is_energised()
    relay.close()


def test_a_board_that_restarts_is_used_again_without_a_lost_opening(board: ModbusBoard) -> None:
    relay = relay_at(board.port)
    relay.set(True)
    relay.set(False)
    board.stop()
    with pytest.raises(RelayError):
        relay.set(True)
    board.start()
    relay.set(True)
    assert board.coil(COIL)
    relay.close()


def test_a_connection_that_the_board_dropped_is_renewed_within_the_call(
    board: ModbusBoard,
) -> None:
    relay = relay_at(board.port)
    board.stop()
    board.start()
    relay.set(True)  # no error: the stale connection is noticed and replaced
    assert board.coil(COIL)
    relay.close()


def test_a_relay_and_its_inputs_share_one_connection(board: ModbusBoard) -> None:
    relay = relay_at(board.port)
    contact = open_input(input_settings(board.port))
    relay.set(True)
    wait_until(lambda: board.requests.count(2) > 3)
    assert board.connections == 1
    assert contact is not None
    contact.close()
    relay.set(False)
    relay.close()


def input_settings(port: int, **changes: Any) -> InputSettings:
    base = {"driver": "modbus", "host": "127.0.0.1", "port": port, "address": 5, "active": "high"}
    return InputSettings.model_validate({**base, "poll_s": 0.01, **changes})


def test_a_discrete_input_reports_its_changes(board: ModbusBoard) -> None:
    contact = open_input(input_settings(board.port))
    assert contact is not None
    changes: list[bool] = []
    contact.on_change(changes.append)
    assert not contact.is_active()
    board.active_inputs.add(5)
    wait_until(lambda: changes == [True])
    assert contact.is_active()
    board.active_inputs.clear()
    wait_until(lambda: changes == [True, False])
    contact.close()


def test_an_active_low_discrete_input_is_active_when_the_loop_is_cut(board: ModbusBoard) -> None:
    board.active_inputs.add(5)
    fire = open_input(input_settings(board.port, active="low"))
    assert fire is not None
    assert not fire.is_active()
    board.active_inputs.clear()
    wait_until(fire.is_active)
    fire.close()


def test_a_dead_input_board_is_an_error_until_it_is_back(board: ModbusBoard) -> None:
    contact = open_input(input_settings(board.port))
    assert contact is not None
    board.stop()

    def fails() -> bool:
        try:
            contact.is_active()
        except RelayError as error:
            return "does not answer" in str(error) and bool(error.next_step)
        return False

    wait_until(fails)
    board.start()
    wait_until(lambda: not fails())
    contact.close()


def test_a_relay_on_an_rtu_line_follows() -> None:
    line = SerialLine()
    board = ModbusBoard(device=line.devices[0])
    settings = {"driver": "modbus", "device": line.devices[1], "baud": 9600, "coil": COIL}
    relay = open_relay(RelaySettings.model_validate({**settings, "timeout_s": TIMEOUT_S}), guarded=False)
    relay.set(True)
    assert board.coil(COIL)
    assert relay.is_energised()
    relay.close()
    assert not board.coil(COIL)
    board.stop()
    line.close()


def test_a_silent_rtu_line_is_an_error_in_time() -> None:
    line = SerialLine()
    settings = {"driver": "modbus", "device": line.devices[1], "timeout_s": SHORT_S}
    relay = open_relay(RelaySettings.model_validate(settings), guarded=False)
    began_s = time.monotonic()
    with pytest.raises(RelayError, match="does not answer"):
        relay.set(True)
    assert time.monotonic() - began_s < SHORT_S + SLACK_S
    relay.close()
    line.close()
