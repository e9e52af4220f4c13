"""Thermometers by name: `none`, `simulated`, `serial`, `modbus`; see docs/wiring.md.

A driver's library is imported when the driver is asked for.
"""

from __future__ import annotations

from contextlib import closing

from gate.clock import Clock
from gate.screening_settings import ThermometerSettings
from gate.thermometer.base import Module, Raw, Sample, Thermometer

__all__ = ["Raw", "Sample", "Thermometer", "open_thermometer", "read_once"]


def open_thermometer(settings: ThermometerSettings, clock: Clock) -> Thermometer | None:
    """The thermometer that `settings` describes; None where nothing is wired.

    Nothing is opened before `start`.
    """
    if settings.driver == "none":
        return None
    if settings.driver == "simulated":
        from gate.thermometer.simulated import SimulatedThermometer  # noqa: PLC0415

        return SimulatedThermometer(settings, clock)
    from gate.thermometer.polled import PolledThermometer  # noqa: PLC0415

    return PolledThermometer(settings, clock, _module(settings))


def read_once(settings: ThermometerSettings) -> Raw | None:
    """One value of a wired module, for `sitegate doctor`; None: it answers and measures nothing now.

    Raises ThermometerError where it does not answer.
    """
    with closing(_module(settings)) as module:
        return module.read()


def _module(settings: ThermometerSettings) -> Module:
    if settings.driver == "serial":
        from gate.thermometer.serial_module import SerialModule  # noqa: PLC0415

        return SerialModule(settings)
    from gate.thermometer.modbus_module import ModbusModule  # noqa: PLC0415

    return ModbusModule(settings)
