"""What can go wrong with the terminals of other makers."""

from __future__ import annotations

from sync.errors import SyncError


class VendorError(SyncError):
    """Base of every error of this package."""


class PayloadUnreadable(VendorError, ValueError):
    """The payload of a message is no JSON object, or is larger than any a terminal sends."""


class CommandInvalid(VendorError, ValueError):
    """A command that a terminal would refuse: too many people, nobody at all, a photo that is too large."""


class BrokerUnsafe(VendorError, PermissionError):
    """A broker elsewhere, without TLS, and nobody said that this is meant."""


class LedgerUnreadable(VendorError, ValueError):
    """The file that says what a terminal holds is damaged."""
