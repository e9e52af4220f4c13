"""What a relay and an input are, whatever board is behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Relay(Protocol):
    """One output that holds a door open while it is energised.

    A driver is shut after construction, after `close()` and, as far as the board allows, when the process
    dies. Every call returns within the configured timeout or raises RelayError; none blocks for the pulse.
    """

    @property
    def name(self) -> str:
        """Driver and place for logs, e.g. `modbus tcp 10.0.0.5:502 unit 1 coil 0`."""
        ...

    def set(self, energised: bool) -> None:
        """Energise or release. Raises RelayError."""
        ...

    def is_energised(self) -> bool:
        """What the board says, where it can say; else what was last set. Raises RelayError."""
        ...

    def close(self) -> None:
        """Release the output and the device. Never raises."""
        ...


class Input(Protocol):
    """One digital input, debounced."""

    @property
    def name(self) -> str: ...

    def is_active(self) -> bool:
        """Raises RelayError when the board does not answer."""
        ...

    def on_change(self, callback: Callable[[bool], None]) -> None:
        """`callback(active)` is called from a driver thread at every change."""
        ...

    def close(self) -> None: ...
