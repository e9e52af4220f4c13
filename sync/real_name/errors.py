"""What can go wrong with the real-name platform. The kinds tell whether the request may have been taken."""

from __future__ import annotations

from sync.errors import SyncError


class RealNameError(SyncError):
    """Base of every error of the real-name platform."""


class NotSent(RealNameError, ConnectionError):
    """The platform was not reached: it has nothing of the request."""


class AnswerLost(RealNameError, TimeoutError):
    """The request went out and no usable answer came: the platform may have taken it."""


class RequestRefused(RealNameError, ValueError):
    """The platform answered that it does not take the request. `code` is its word for why."""

    def __init__(self, code: str, message: str, *, next_step: str = "") -> None:
        super().__init__(f"{message} ({code})", next_step=next_step)
        self.code = code


class PlatformBusy(RequestRefused):
    """Too many requests at present; nothing was taken."""


class AccessRefused(RequestRefused):
    """The platform does not know this application, or not from here; nothing was taken."""
