"""USB relay boards behind a serial port."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gate.errors import RelayError
from gate.relays import open_relay
from gate.relays.base import Relay
from gate.relays.serial_board import lcus_frame
from gate.settings import RelaySettings
from tests.gate.boards import AsciiBoard, LcusBoard, wait_until


@pytest.fixture
def lcus() -> Iterator[LcusBoard]:
    board = LcusBoard()
    yield board
    board.close()


@pytest.fixture
def ascii_board() -> Iterator[AsciiBoard]:
    board = AsciiBoard()
    yield board
    board.close()


def relay_on(device: str, **changes: Any) -> Relay:
    settings = {"driver": "serial", "device": device, "timeout_s": 10.0, **changes}
    return open_relay(RelaySettings.model_validate(settings), guarded=False)


def test_the_lcus_frames_are_the_published_ones() -> None:
    assert lcus_frame(1, True) == bytes.fromhex("A0 01 01 A2")
    assert lcus_frame(1, False) == bytes.fromhex("A0 01 00 A1")
    assert lcus_frame(4, True) == bytes.fromhex("A0 04 01 A5")


def test_an_lcus_board_is_released_at_start_follows_and_is_released_at_closing(lcus: LcusBoard) -> None:
    relay = relay_on(lcus.device, channel=2)
    relay.set(True)
    assert relay.is_energised()
    relay.set(False)
    assert not relay.is_energised()
    relay.set(True)
    relay.close()
    expected = [(2, False), (2, True), (2, False), (2, True), (2, False)]
    wait_until(lambda: lcus.history == expected)
    assert lcus.refused == []


def test_an_active_low_lcus_channel_is_on_while_released(lcus: LcusBoard) -> None:
    relay = relay_on(lcus.device, active="low")
    relay.set(True)
    relay.close()
    wait_until(lambda: lcus.history == [(1, True), (1, False), (1, True)])


def test_an_ascii_board_confirms_what_it_did(ascii_board: AsciiBoard) -> None:
    ascii_board.states[11] = True
    relay = relay_on(ascii_board.device, protocol="ascii", channel=12)
    assert ascii_board.states == {11: False}
    relay.set(True)
    assert ascii_board.states == {11: True}
    assert relay.is_energised()
    ascii_board.states[11] = False
    assert not relay.is_energised()
    relay.close()


def test_a_jammed_ascii_board_is_noticed(ascii_board: AsciiBoard) -> None:
    relay = relay_on(ascii_board.device, protocol="ascii")
    ascii_board.jammed = True
    with pytest.raises(RelayError, match="did not follow"):
        relay.set(True)
    relay.close()


def test_two_lanes_share_one_board(lcus: LcusBoard) -> None:
    first, second = relay_on(lcus.device, channel=1), relay_on(lcus.device, channel=2)
    first.set(True)
    second.set(True)
    wait_until(lambda: lcus.states == {1: True, 2: True})
    first.close()
    wait_until(lambda: lcus.states == {1: False, 2: True})
    second.set(False)
    wait_until(lambda: lcus.states == {1: False, 2: False})
    second.close()


def test_a_mute_ascii_board_is_an_error_in_time(ascii_board: AsciiBoard) -> None:
    ascii_board.mute = True
    relay = relay_on(ascii_board.device, protocol="ascii", timeout_s=0.2)
    began_s = time.monotonic()
    with pytest.raises(RelayError, match="does not answer") as caught:
        relay.set(True)
    assert time.monotonic() - began_s < 20
    assert "protocol" in caught.value.next_step
    ascii_board.mute = False
    relay.close()


def test_an_unplugged_board_is_an_error_until_it_is_plugged_in_again(tmp_path: Path) -> None:
    port = tmp_path / "ttyUSB0"
    board = LcusBoard()
    port.symlink_to(board.device)
    relay = relay_on(str(port))
    relay.set(True)
    board.unplug()
    port.unlink()
    for call in (lambda: relay.set(False), relay.is_energised):
        with pytest.raises(RelayError, match="does not answer"):
            call()
    board = LcusBoard()
    port.symlink_to(board.device)
    relay.set(True)
    wait_until(lambda: board.states == {1: True})
    relay.close()
    wait_until(lambda: board.states == {1: False})
    board.close()


def test_a_board_that_is_not_there_is_no_obstacle_to_starting(tmp_path: Path) -> None:
    relay = relay_on(str(tmp_path / "absent"))
    with pytest.raises(RelayError, match="absent"):
        relay.set(True)
    relay.close()
