"""Infrared modules that keep their values in registers: signed 16 bits, times `scale` in °C."""

from __future__ import annotations

from pymodbus.pdu import ModbusPDU

from gate.errors import RelayError, ThermometerError
from gate.relays.modbus_bus import NEXT_STEP, Client, ModbusBus, place_of
from gate.screening_settings import ThermometerSettings
from gate.thermometer.base import Raw

_SIGN_BIT, _ALL_VALUES = 0x8000, 0x10000


class ModbusModule:
    """Shares its line with relays and inputs on the same place."""

    def __init__(self, settings: ThermometerSettings) -> None:
        self._settings = settings
        self._bus: ModbusBus | None = None

    @property
    def name(self) -> str:
        return f"{place_of(self._settings)} unit {self._settings.unit} register {self._settings.address}"

    def read(self) -> Raw | None:
        """Both values. Raises ThermometerError."""
        ambient = self._settings.ambient_address
        try:
            return Raw(self._value(self._settings.address), None if ambient is None else self._value(ambient))
        except RelayError as error:
            raise ThermometerError(str(error), next_step=error.next_step) from error

    def _value(self, address: int) -> float:
        settings = self._settings
        if self._bus is None:
            self._bus = ModbusBus.shared(settings)

        def ask(client: Client) -> ModbusPDU:
            read = (
                client.read_input_registers
                if settings.registers == "input"
                else client.read_holding_registers
            )
            return read(address, count=1, device_id=settings.unit)

        answer = self._bus.ask(
            ask, timeout_s=settings.timeout_s, what=f"read unit {settings.unit} register {address}"
        )
        if not answer.registers:
            raise ThermometerError(f"{self.name}: an answer without a value", next_step=NEXT_STEP)
        word = int(answer.registers[0])
        return (word - _ALL_VALUES if word & _SIGN_BIT else word) * settings.scale

    def close(self) -> None:
        if self._bus is not None:
            self._bus.leave()
            self._bus = None
