"""Relay boards and input modules that speak Modbus, over TCP or RTU (RS-485, USB)."""

from __future__ import annotations

import logging
import time

from pymodbus.pdu import ModbusPDU

from gate.errors import RelayError
from gate.relays.base import Input
from gate.relays.modbus_bus import NEXT_STEP, Client, ModbusBus
from gate.relays.polled import PolledInput
from gate.settings import InputSettings, RelaySettings

log = logging.getLogger(__name__)


class ModbusRelay:
    """One coil. With `active: low` the coil is on while the relay is released."""

    def __init__(self, settings: RelaySettings) -> None:
        self._settings = settings
        self._bus = ModbusBus.shared(settings)
        self._name = f"{self._bus.place} unit {settings.unit} coil {settings.coil}"
        self._closed = False
        try:
            self.set(False)
        except RelayError as error:
            log.warning("%s; its door keeps trying", error)

    @property
    def name(self) -> str:
        return self._name

    def set(self, energised: bool) -> None:
        """Writes the coil and reads it back."""
        coil_on = energised == (self._settings.active == "high")
        deadline_s = time.monotonic() + self._settings.timeout_s

        def write(client: Client) -> ModbusPDU:
            return client.write_coil(self._settings.coil, coil_on, device_id=self._settings.unit)

        verb = "energise" if energised else "release"
        self._bus.ask(
            write,
            timeout_s=self._settings.timeout_s,
            what=f"{verb} unit {self._settings.unit} coil {self._settings.coil}",
        )
        if self._coil_is_on(max(0.0, deadline_s - time.monotonic())) != coil_on:
            raise RelayError(f"{self._name} did not follow: {verb}", next_step=NEXT_STEP)

    def is_energised(self) -> bool:
        return self._coil_is_on(self._settings.timeout_s) == (self._settings.active == "high")

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            self.set(False)
        except RelayError as error:
            log.error("%s at closing; %s", error, error.next_step)
        self._bus.leave()

    def _coil_is_on(self, timeout_s: float) -> bool:
        def read(client: Client) -> ModbusPDU:
            return client.read_coils(self._settings.coil, count=1, device_id=self._settings.unit)

        answer = self._bus.ask(
            read, timeout_s=timeout_s, what=f"read unit {self._settings.unit} coil {self._settings.coil}"
        )
        return bool(answer.bits[0])


def open_modbus_input(settings: InputSettings) -> Input:
    """One discrete input. `active: high` is active while the input is on, `low` while it is off."""
    bus = ModbusBus.shared(settings)
    what = f"read unit {settings.unit} discrete input {settings.address}"

    def ask(client: Client) -> ModbusPDU:
        return client.read_discrete_inputs(settings.address, count=1, device_id=settings.unit)

    def read() -> bool:
        answer = bus.ask(ask, timeout_s=settings.timeout_s, what=what)
        return bool(answer.bits[0]) == (settings.active == "high")

    return PolledInput(
        read,
        name=f"{bus.place} unit {settings.unit} discrete input {settings.address}",
        poll_s=settings.poll_s,
        release=bus.leave,
    )
