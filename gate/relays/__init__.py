"""Relay and input drivers chosen by name; see docs/wiring.md.

A driver's library is imported when the driver is asked for: a gate with a USB board needs no GPIO library,
and the guardian process (`gate/relays/guardian.py`) stays small.
"""

from __future__ import annotations

from gate.relays.base import Input, Relay
from gate.settings import InputSettings, RelaySettings

__all__ = ["Input", "Relay", "open_input", "open_relay"]


def open_relay(settings: RelaySettings, *, guarded: bool = True) -> Relay:
    """The relay that `settings` describes, released.

    A board that does not answer now is no error here: every later call says so, and the door keeps trying.
    guarded  a small process beside this one releases the relay when this one is killed

    Raises RelayError when this machine cannot drive such a board at all.
    """
    if settings.driver == "simulated":
        from gate.relays.simulated import SimulatedRelay  # noqa: PLC0415

        return SimulatedRelay()
    relay = _open_board(settings)
    if not guarded:
        return relay
    from gate.relays.guardian import GuardedRelay  # noqa: PLC0415

    return GuardedRelay(relay, settings)


def _open_board(settings: RelaySettings) -> Relay:
    if settings.driver == "gpio":
        from gate.relays.gpio import GpioRelay  # noqa: PLC0415

        return GpioRelay(settings)
    if settings.driver == "modbus":
        from gate.relays.modbus import ModbusRelay  # noqa: PLC0415

        return ModbusRelay(settings)
    from gate.relays.serial_board import SerialRelay  # noqa: PLC0415

    return SerialRelay(settings)


def open_input(settings: InputSettings) -> Input | None:
    """The input that `settings` describes, or None where nothing is wired (driver `none`).

    Raises RelayError when this machine cannot read such an input at all.
    """
    if settings.driver == "none":
        return None
    if settings.driver == "simulated":
        from gate.relays.simulated import SimulatedInput  # noqa: PLC0415

        return SimulatedInput()
    if settings.driver == "gpio":
        from gate.relays.gpio import open_gpio_input  # noqa: PLC0415

        return open_gpio_input(settings)
    from gate.relays.modbus import open_modbus_input  # noqa: PLC0415

    return open_modbus_input(settings)
