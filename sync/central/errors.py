"""What can go wrong at the centre."""

from __future__ import annotations

from sync.errors import SyncError


class CentralError(SyncError):
    """Base of every error of the centre."""


class DatabaseUnreachable(CentralError, ConnectionError):
    """The database does not answer, or refuses this user."""


class DatabaseTooNew(CentralError):
    """A newer version of the program changed this database."""


class DatabaseUrlInvalid(CentralError, ValueError):
    """Not the address of a database this program can use."""


class UnknownSite(CentralError, LookupError):
    """No site by that id in the registry."""


class UnknownGate(CentralError, LookupError):
    """No gate by that id at that site."""


class UnknownTerminal(CentralError, LookupError):
    """No terminal of another maker by that id."""


class UnknownUser(CentralError, LookupError):
    """No user of the console by that name."""


class AlreadyThere(CentralError, ValueError):
    """Something by that id is in the registry already."""


class SettingRefused(CentralError, ValueError):
    """A setting or argument that cannot be used as given."""


class FieldRefused(SettingRefused):
    """One field of what was sent; `field` is its name."""

    def __init__(self, field: str, message: str, *, next_step: str = "") -> None:
        super().__init__(message, next_step=next_step)
        self.field = field


class BrokerUnreachable(CentralError, ConnectionError):
    """The broker does not answer or refuses the connection."""


class KeyFileInTheWay(CentralError, FileExistsError):
    """A key file that would have to be replaced, or cannot be written."""


class BackupUnusable(CentralError, ValueError):
    """Not a backup, a damaged one, or one for a database that is not empty."""
