"""Relays and inputs on pins, against gpiozero's mock pins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory, MockPin

from gate.errors import RelayError
from gate.relays import open_input, open_relay
from gate.relays.base import Input, Relay
from gate.settings import InputSettings, RelaySettings
from tests.gate.boards import wait_until

PIN = 17


@pytest.fixture(autouse=True)
def pins() -> Iterator[MockFactory]:
    before = gpiozero.Device.pin_factory
    factory = gpiozero.Device.pin_factory = MockFactory()
    yield factory
    factory.reset()
    gpiozero.Device.pin_factory = before


def relay(**changes: Any) -> Relay:
    settings = RelaySettings.model_validate({"driver": "gpio", "pin": PIN, **changes})
    return open_relay(settings, guarded=False)


def gpio_input(**changes: Any) -> Input:
    settings = {"driver": "gpio", "pin": PIN, "poll_s": 0.01, **changes}
    made = open_input(InputSettings.model_validate(settings))
    assert made is not None
    return made


def levels(pin: MockPin) -> list[bool]:
    return [bool(entry.state) for entry in pin.states]


@pytest.mark.parametrize(("active", "released"), [("high", False), ("low", True)])
def test_the_pin_is_released_from_the_first_instant_to_the_last(
    pins: MockFactory, active: str, released: bool
) -> None:
    pin = pins.pin(PIN)
    made = relay(active=active)
    assert pin.function == "output"
    assert bool(pin.state) is released
    pin.clear_states()
    made.set(True)
    assert made.is_energised()
    made.set(False)
    assert not made.is_energised()
    made.set(True)
    made.close()
    made.close()
    assert levels(pin)[:5] == [released, not released, released, not released, released]
    times = [entry.timestamp for entry in pin.states]
    assert all(elapsed_s >= 0 for elapsed_s in times)


def test_a_pin_that_is_taken_is_an_error_with_a_next_step() -> None:
    first = relay()
    with pytest.raises(RelayError, match="gpio pin 17") as caught:
        relay()
    assert "pin" in caught.value.next_step
    first.close()


def test_a_machine_without_pins_is_an_error_with_a_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    gpiozero.Device.pin_factory = None
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "nothing")
    with pytest.raises(RelayError) as caught:
        relay()
    assert "sitegate[gpio]" in caught.value.next_step


def test_a_contact_to_ground_is_active_when_it_closes(pins: MockFactory) -> None:
    contact = gpio_input(active="low")
    pin = pins.pin(PIN)
    assert pin.pull == "up"
    changes: list[bool] = []
    contact.on_change(changes.append)
    assert not contact.is_active()
    pin.drive_low()
    wait_until(lambda: changes == [True])
    assert contact.is_active()
    pin.drive_high()
    wait_until(lambda: changes == [True, False])
    contact.close()


def test_an_active_high_contact_is_active_when_its_wire_is_cut(pins: MockFactory) -> None:
    pin = pins.pin(PIN)
    fire = gpio_input(active="high")
    pin.drive_low()
    wait_until(lambda: not fire.is_active())
    pin.drive_high()
    wait_until(fire.is_active)
    fire.close()
