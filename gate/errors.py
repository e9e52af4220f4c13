"""What can go wrong in the gate room."""

from __future__ import annotations


class GateError(Exception):
    """Base of every error of this room; `next_step` says what the reader can do about it."""

    next_step: str = ""

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        if next_step:
            self.next_step = next_step


class ConfigError(GateError, ValueError):
    """The configuration does not say what it should; the message names file, line and key."""


class RelayError(GateError, OSError):
    """A relay or input that does not answer or refuses."""


class OverrideRefused(GateError, PermissionError):
    """A guard override with a wrong PIN, without a reason, or too many attempts."""


class ThermometerError(GateError, OSError):
    """A thermometer that does not answer or refuses."""
