"""Where alerts go out: a private file of Apprise addresses, and who of them is told what.

The addresses are secrets (they hold tokens and passwords): they are in no log, no table, no page. Everywhere
else a channel is known by its name.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sync.alerting import AlertRule, Level, Severity
from sync.central.errors import CentralError
from sync.central.site_registry import SitePlace
from sync.errors import SecretUnsafe
from sync.private_file import read_private
from sync.records import Identifier

log = logging.getLogger(__name__)

FILE_NAME = "alert-channels.yaml"
"""In the key folder of the centre."""

LONGEST_FILE = 256 * 1024


class ChannelsInvalid(CentralError, ValueError):
    """The file of channels cannot be used as it is."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Channel(_Part):
    """One address. Empty `levels`, `sites`, `sub_districts`, `districts`: all of them."""

    channel: Identifier
    url: SecretStr
    levels: tuple[Level, ...] = ()
    severity: Severity = Severity.LOW  # and worse
    sites: tuple[Identifier, ...] = ()
    sub_districts: tuple[str, ...] = ()
    districts: tuple[str, ...] = ()

    def takes(self, rule: AlertRule, level: Level, site_id: str, place: SitePlace) -> bool:
        """Whether this one is told when that level is."""
        return (
            rule.send
            and rule.severity.rank <= self.severity.rank
            and (not self.levels or level in self.levels)
            and (not self.sites or site_id in self.sites)
            and (not self.sub_districts or place.sub_district in self.sub_districts)
            and (not self.districts or place.district in self.districts)
        )


class Channels(_Part):
    """The file. At most `burst` messages per channel in `window_s`; what comes beyond is told in one."""

    console_url: str = ""  # for the link in a message
    burst: int = Field(default=5, ge=1, le=1000)
    window_s: int = Field(default=600, ge=10, le=86_400)
    channels: tuple[Channel, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        names = [one.channel for one in self.channels]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"the same channel twice: {', '.join(twice)}")
        return self


class ChannelFile:
    """The file as it is now; read again when it has changed. No file: no channels.

    A change that cannot be used is told in the log, and what was read before stays.
    """

    def __init__(self, path: Path) -> None:
        """Raises ChannelsInvalid, SecretUnsafe (open to others)."""
        self.path = path
        self._lock = threading.Lock()
        self._stamp = _stamp(path)
        self._read = Channels() if self._stamp is None else read_channels(path)

    def current(self) -> Channels:
        """From any thread."""
        with self._lock:
            stamp = _stamp(self.path)
            if stamp != self._stamp:
                self._stamp = stamp
                try:
                    self._read = Channels() if stamp is None else read_channels(self.path)
                except (ChannelsInvalid, SecretUnsafe) as error:
                    log.error("alert channels stay as they were: %s; %s", error, error.next_step)
            return self._read


def _stamp(path: Path) -> tuple[int, int, int, int] | None:
    """What tells one version of a file from another."""
    try:
        facts = path.stat()
    except FileNotFoundError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino, facts.st_mode


def read_channels(path: Path) -> Channels:
    """Raises ChannelsInvalid with the place (never an address), SecretUnsafe."""
    text = read_private(path, when_missing="see docs/alerts.md", longest=LONGEST_FILE + 1, encoding="utf-8")
    if len(text) > LONGEST_FILE:
        raise ChannelsInvalid(f"{path} is longer than {LONGEST_FILE} characters", next_step="shorten it")
    try:
        return Channels.model_validate(YAML(typ="safe").load(text) or {})
    except YAMLError as error:
        # Without the error's own text: it repeats the line, which may be an address.
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark is not None else ""
        raise ChannelsInvalid(f"{path} is no YAML{place}", next_step="correct the file") from None
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file as a whole"
        raise ChannelsInvalid(f"{path}: {place}: {first['msg']}", next_step="see docs/alerts.md") from None
