"""What the site knows about a terminal: where it stands, which way it leads, and its topics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from sync.records import Direction, Identifier, Outcome, Record

PREFIX = "mqtt/face"
BASIC = f"{PREFIX}/basic"
HEARTBEAT = f"{PREFIX}/heartbeat"
SHARED = frozenset({"basic", "heartbeat"})
"""Levels in the place of a terminal id that belong to every terminal."""

ACK, REC, SNAP = "Ack", "Rec", "Snap"
UP_KINDS = (ACK, REC, SNAP)

FILTERS = (BASIC, HEARTBEAT, *(f"{PREFIX}/+/{kind}" for kind in UP_KINDS))
"""Everything that terminals send."""


class Terminal(Record):
    """One terminal as configured. Its own menu knows nothing of sites, lanes and directions.

    `workers_by_person_id` names the workers whom somebody typed in at the terminal itself: such records carry
    only the terminal's own row number (`personId`), which means nothing anywhere else.
    """

    terminal_id: Identifier
    site_id: Identifier
    gate_id: Identifier
    lane_id: Identifier = "1"
    direction: Direction
    timezone: str = "Asia/Shanghai"
    workers_by_person_id: Mapping[str, Identifier] = Field(default_factory=lambda: MappingProxyType({}))
    keep_strangers: bool = Field(
        default=True, description="snapshots of unknown people become refused events; else only acknowledged"
    )
    outcome_without_status: Outcome = Field(
        default=Outcome.HOLD,
        description="firmware that reports only who passed sends no VerifyStatus: `allow` suits it",
    )
    remove_strays: bool = Field(
        default=False, description="delete people from the terminal whom this registry never sent there"
    )
    batch_operator: Literal["EditPersonsNew", "AddPersons"] = Field(
        default="EditPersonsNew",
        description="older firmware has only AddPersons, which cannot change anybody",
    )
    picture_in_command: bool = Field(
        default=False,
        description="photos travel inside EditPerson, one at a time; else as URLs, in batches",
    )

    @field_validator("terminal_id")
    @classmethod
    def _not_shared(cls, value: str) -> str:
        if value in SHARED:
            raise ValueError(f"{value!r} is the name of a topic that all terminals share, no terminal's id")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except Exception as error:
            raise ValueError(f"{value!r} is no IANA time zone, e.g. Asia/Shanghai") from error
        return value

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def command_topic(self) -> str:
        """Where the centre writes to this terminal."""
        return f"{PREFIX}/{self.terminal_id}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a message came from by its topic: `kind` is Ack, Rec, Snap, basic or heartbeat.

    `terminal_id` is empty on the two shared topics: there only the payload says who speaks.
    """

    terminal_id: str
    kind: str


def origin(topic: str) -> Origin | None:
    """None for a topic that is none of `FILTERS`."""
    if topic in (BASIC, HEARTBEAT):
        return Origin("", topic.rpartition("/")[2])
    parts = topic.split("/")
    if len(parts) == 4 and topic.startswith(f"{PREFIX}/") and parts[3] in UP_KINDS and parts[2] not in SHARED:
        return Origin(parts[2], parts[3])
    return None
