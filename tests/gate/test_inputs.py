"""What all inputs have in common: polling, debouncing, faults; and the simulated devices."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.errors import RelayError
from gate.relays import open_input, open_relay
from gate.relays.polled import Debouncer, PolledInput
from gate.relays.simulated import SimulatedInput, SimulatedRelay
from gate.settings import InputSettings, RelaySettings
from tests.gate.boards import wait_until


class Wire:
    """Imitates the level at the terminal of a board."""

    def __init__(self, level: bool = False) -> None:
        self.level = level
        self.dead = False
        self.looks = 0
        self.given_back = False

    def read(self) -> bool:
        self.looks += 1
        if self.dead:
            raise RelayError("board is dead", next_step="replace the board")
        return self.level

    def release(self) -> None:
        self.given_back = True


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def polled(wire: Wire) -> Iterator[PolledInput]:
    made = PolledInput(wire.read, name="terminal 1", poll_s=0.005, release=wire.release)
    yield made
    made.close()
    assert wire.given_back


def test_the_level_is_known_from_the_first_instant() -> None:
    wire = Wire(level=True)
    polled = PolledInput(wire.read, name="terminal 1", poll_s=60, release=wire.release)
    assert polled.is_active()
    polled.close()


def test_a_change_is_told_once(wire: Wire, polled: PolledInput) -> None:
    changes: list[bool] = []
    polled.on_change(changes.append)
    wire.level = True
    looks = wire.looks
    wait_until(lambda: wire.looks > looks + 10)
    assert changes == [True]
    assert polled.is_active()


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=50), st.booleans())
def test_a_level_counts_only_when_two_looks_agree(raws: list[bool], start: bool) -> None:
    debouncer = Debouncer(start)
    settled_before, last = start, start
    for raw in raws:
        settled = debouncer.settled(raw)
        assert settled == (raw if raw == last else settled_before)
        settled_before, last = settled, raw


def test_a_dead_board_raises_until_it_answers_and_then_tells_what_was_missed(
    wire: Wire, polled: PolledInput
) -> None:
    changes: list[bool] = []
    polled.on_change(changes.append)
    wire.dead = True

    def dead() -> bool:
        try:
            polled.is_active()
        except RelayError as error:
            return error.next_step == "replace the board"
        return False

    wait_until(dead)
    wire.level, wire.dead = True, False
    wait_until(lambda: changes == [True])
    assert polled.is_active()


def test_a_listener_that_fails_does_not_end_the_watch(
    wire: Wire, polled: PolledInput, caplog: pytest.LogCaptureFixture
) -> None:
    changes: list[bool] = []

    def failing(_: bool) -> None:
        raise RuntimeError("listener")

    polled.on_change(failing)
    polled.on_change(changes.append)
    wire.level = True
    wait_until(lambda: changes == [True])
    wire.level = False
    wait_until(lambda: changes == [True, False])
    assert "a listener of terminal 1 failed" in caplog.text


def test_a_simulated_relay_keeps_a_timed_history() -> None:
    now_s = 5.0
    relay = SimulatedRelay(monotonic=lambda: now_s)
    now_s = 6.0
    relay.set(True)
    relay.set(True)
    now_s = 8.5
    relay.close()
    assert relay.history == [(5.0, False), (6.0, True), (8.5, False)]


def test_simulated_devices_are_drivers_like_the_others() -> None:
    relay = open_relay(RelaySettings(driver="simulated"))
    assert isinstance(relay, SimulatedRelay)
    button = open_input(InputSettings(driver="simulated"))
    assert isinstance(button, SimulatedInput)
    assert open_input(InputSettings(driver="none")) is None
    for broken, call in ((relay, relay.is_energised), (button, button.is_active)):
        broken.break_down("pulled out")
        with pytest.raises(RelayError, match="pulled out"):
            call()
        broken.repair()
        assert call() is False
