"""Pins of the gate box itself, through gpiozero.

The pin factory is chosen as gpiozero chooses it: `lgpio` on current machines, or what the environment
variable GPIOZERO_PIN_FACTORY says.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gpiozero

from gate.errors import RelayError
from gate.relays.base import Input
from gate.relays.polled import PolledInput
from gate.settings import InputSettings, RelaySettings

_NEXT_STEP = (
    "check `pin` (BCM number), that no other program uses it, that the user is in the group gpio, "
    "and that the extra is installed: pip install 'sitegate[gpio]'"
)
_NO_PIN = "driver gpio needs `pin` (BCM number)"


@contextmanager
def _named(what: str) -> Iterator[None]:
    """gpiozero's, its pin libraries' and the kernel's errors become one RelayError."""
    try:
        yield
    except RelayError:
        raise
    except (gpiozero.GPIOZeroError, OSError, RuntimeError, ValueError, ImportError) as error:
        raise RelayError(f"{what}: {error}", next_step=_NEXT_STEP) from error


class GpioRelay:
    """One pin; `active: low` for boards whose relay pulls in when the pin is low."""

    def __init__(self, settings: RelaySettings) -> None:
        """Claims the pin, released from the first instant. Raises RelayError."""
        if settings.pin is None:
            raise ValueError(_NO_PIN)
        self._name = f"gpio pin {settings.pin} active {settings.active}"
        self._lock = threading.Lock()
        with _named(self._name):
            self._device = gpiozero.DigitalOutputDevice(
                settings.pin, active_high=settings.active == "high", initial_value=False
            )

    @property
    def name(self) -> str:
        return self._name

    def set(self, energised: bool) -> None:
        with self._lock, _named(self._name):
            self._device.value = energised
            if bool(self._device.value) != energised:
                raise RelayError(f"{self._name}: the pin did not follow", next_step=_NEXT_STEP)

    def is_energised(self) -> bool:
        with self._lock, _named(self._name):
            return bool(self._device.value)

    def close(self) -> None:
        with self._lock:
            if self._device.closed:
                return
            try:
                with _named(self._name):
                    self._device.off()
            except RelayError:
                pass  # the pin goes back to the kernel either way, next line
            self._device.close()


def open_gpio_input(settings: InputSettings) -> Input:
    """A dry contact between the pin and ground, with the pull-up of the pin. Raises RelayError.

    active low: active when the contact is closed. active high: active when it is open, which makes a cut
    wire look active, as a fire loop should.
    """
    if settings.pin is None:
        raise ValueError(_NO_PIN)
    name = f"gpio input {settings.pin} active {settings.active}"
    with _named(name):
        device = gpiozero.InputDevice(settings.pin, pull_up=True)
    return PolledInput(
        _reader(device, name, active_when_closed=settings.active == "low"),
        name=name,
        poll_s=settings.poll_s,
        release=device.close,
    )


def _reader(device: gpiozero.InputDevice, name: str, *, active_when_closed: bool) -> Callable[[], bool]:
    def read() -> bool:
        with _named(name):
            contact_closed = bool(device.is_active)
        return contact_closed == active_when_closed

    return read
