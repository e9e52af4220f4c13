"""What `sitegate central run` needs to know; every value is an option of the command line too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from sync.addresses import is_loopback
from sync.central.errors import SettingRefused

EMBEDDED = "embedded"
DEFAULT_DATABASE = "sqlite:///var/central/central.db"
DEFAULT_KEYS = Path("var/central")
FACES_KEPT_DAYS = 30
"""Of people who are on no site: long enough for a leave, short enough for whoever does not come back."""

ALERTS_KEPT_DAYS = 365
"""After they were closed: long enough to look back at the same season."""

PLAIN_PORT, TLS_PORT = 1883, 8883
"""Registered with IANA for MQTT, and for MQTT over TLS."""


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """Where the broker is.

    url           `mqtt://host[:port]`, `mqtts://host[:port]`, or `embedded`
    listen        embedded only: host and port to listen on; port 0 takes a free one
    allow_plain   speak without TLS to another machine; said aloud in the log
    username, password_env  the password itself is in that environment variable
    """

    url: str = EMBEDDED
    listen: tuple[str, int] = ("127.0.0.1", PLAIN_PORT)
    allow_plain: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    cert_key_file: Path | None = None
    username: str = ""
    password_env: str = ""

    def __post_init__(self) -> None:
        if (self.cert_file is None) != (self.cert_key_file is None):
            raise SettingRefused(
                "a certificate needs its key", next_step="give --cert and --cert-key together"
            )
        if self.embedded:
            self._check_plain(self.listen[0], "embedded broker")
            return
        parts = urlsplit(self.url)
        try:
            wrong = parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or parts.port == 0
        except ValueError:
            wrong = True
        if wrong or "@" in parts.netloc:
            # The URL is not repeated: it may hold a password.
            raise SettingRefused(
                "the broker's address is mqtt://host:port or mqtts://host:port, without user and password",
                next_step="give the user by --broker-user, its password in the environment (--password-env)",
            )
        if not self.tls:
            self._check_plain(self.host, self.url)

    @property
    def embedded(self) -> bool:
        return self.url == EMBEDDED

    @property
    def tls(self) -> bool:
        return urlsplit(self.url).scheme == "mqtts"

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or (TLS_PORT if self.tls else PLAIN_PORT)

    def _check_plain(self, host: str, what: str) -> None:
        if not self.allow_plain and not is_loopback(host):
            raise SettingRefused(
                f"{what} would carry everything in the clear over the network",
                next_step="use mqtts://, or say --allow-plain where the network is protected otherwise",
            )


@dataclass(frozen=True, slots=True)
class TerminalSettings:
    """Terminals of other makers.

    broker        where they are; None: the centre's broker
    photos        folder of `<worker id>.jpg`; None: nobody can be sent
    clearances    kinds that somebody must hold now to be on a terminal, which cannot check them itself
    ledger        folder where it is kept what each terminal holds; None: in memory only
    report_every  how often it is written down how they are
    """

    broker: BrokerSettings | None = None
    photos: Path | None = None
    clearances: tuple[str, ...] = ()
    ledger: Path | None = None
    report_every: timedelta = timedelta(seconds=2)

    def __post_init__(self) -> None:
        if self.broker is not None and self.broker.embedded:
            raise SettingRefused(
                "the embedded broker cannot be meant twice",
                next_step="leave --vendor-broker out: terminals then use the centre's broker",
            )
        if self.photos is not None and not self.photos.is_dir():
            raise SettingRefused(
                f"there is no folder {self.photos}", next_step="see --terminal-photos in docs/vendor-gates.md"
            )


@dataclass(frozen=True, slots=True)
class CentreSettings:
    """One process of the centre.

    ingest_only    only take what gates send; another process announces, commands and serves the console
    shared_group   name under which ingest processes share what comes (MQTT 5)
    poll           how often changes and commands are looked for that another process wrote
    announce_every RosterHead is repeated so often
    finding_photos_days  photos of findings are deleted so long after they were taken
    faces_kept_days      faces of people who are on no site are erased so long after
    alerts_kept_days       alerts are deleted so long after they were closed
    clearance_rules        file of docs/clearances.md; None: the shipped profile
    declaration_clearance  the declaration of the day gives a clearance, to be asked for at the gates
    """

    database: str = DEFAULT_DATABASE
    keys: Path = DEFAULT_KEYS
    broker: BrokerSettings = BrokerSettings()
    ingest_only: bool = False
    terminals: TerminalSettings = TerminalSettings()
    shared_group: str = "sitegate-centre"
    poll: timedelta = timedelta(milliseconds=200)
    announce_every: timedelta = timedelta(hours=1)
    finding_photos_days: int = 180
    faces_kept_days: int = FACES_KEPT_DAYS
    alerts_kept_days: int = ALERTS_KEPT_DAYS
    clearance_rules: Path | None = None
    declaration_clearance: bool = False
