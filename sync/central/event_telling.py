"""What a recorded decision says about itself, taken apart for people. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sync.records import Event, Method

_BY_THE_GATE = frozenset({Method.FACE, Method.QR, Method.BADGE})
"""Only with these does the gate write the note; otherwise somebody wrote it."""

_TEMPERATURE = re.compile(r"temperature (\d+\.\d °C)")
_NO_TEMPERATURE = re.compile(r"temperature: (.+)")
_CLEARANCE = re.compile(r"(clearance_[a-z_]+) (\S+)(?: (?:from|until) (\S+))?")
_REST = re.compile(r"rest until (\d\d:\d\d)")
_PASS = re.compile(r"pass ([0-9a-f]+)(?:, face of (\S+))?")


class Told(StrEnum):
    """What a part of the note is about."""

    TEMPERATURE = "temperature"
    NO_TEMPERATURE = "no_temperature"
    CLEARANCE = "clearance"
    REST = "rest"
    SHOWN = "pass"
    OTHER_FACE = "other_face"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Detail:
    """One part of the note.

    text    the value; the kind of a clearance
    reason  of a clearance: what is wrong with it, a code
    at      of a clearance: when it began or ended
    """

    told: Told
    text: str
    reason: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """`decided_by` is the most serious reason, "" where none is recorded; `also` what was noted beside it."""

    decided_by: str
    also: tuple[str, ...]
    details: tuple[Detail, ...]


def story_of(event: Event) -> Story:
    """Why the gate answered as it did, by what it recorded."""
    details: tuple[Detail, ...] = (Detail(Told.NOTE, event.note),) if event.note else ()
    if event.note and event.method in _BY_THE_GATE:
        details = tuple(detail for part in event.note.split("; ") for detail in _told(part))
    return Story(event.reasons[0] if event.reasons else "", tuple(event.reasons[1:]), details)


def _told(part: str) -> Iterator[Detail]:
    if found := _TEMPERATURE.fullmatch(part):
        yield Detail(Told.TEMPERATURE, found[1])
    elif found := _NO_TEMPERATURE.fullmatch(part):
        yield Detail(Told.NO_TEMPERATURE, found[1])
    elif found := _CLEARANCE.fullmatch(part):
        yield Detail(Told.CLEARANCE, found[2], found[1], _instant(found[3]))
    elif found := _REST.fullmatch(part):
        yield Detail(Told.REST, found[1])
    elif found := _PASS.fullmatch(part):
        yield Detail(Told.SHOWN, found[1])
        if found[2]:
            yield Detail(Told.OTHER_FACE, found[2])
    else:
        yield Detail(Told.NOTE, part)


def _instant(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
