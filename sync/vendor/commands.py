"""What is said to terminals. Built strictly: a terminal answers a small mistake with silence or a number."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from sync.records import Record
from sync.vendor.errors import CommandInvalid

MAX_ADDED = 1000
"""People in one AddPersons or EditPersonsNew."""
MAX_DELETED = 200
"""People in one DeletePersons."""
MAX_COMMAND_BYTES = 1_000_000
"""A packet above 1 MB is refused with code 460."""
MAX_PHOTO_BYTES = 700_000
"""A picture inside EditPerson: below 1 MB when it is base64."""
MAX_CUSTOM_ID = 48
MAX_NAME = 32

EDIT_MANY, ADD_MANY, EDIT_ONE = "EditPersonsNew", "AddPersons", "EditPerson"
DELETE_MANY, QUERY = "DeletePersons", "QueryPerson"


class Acknowledged(IntEnum):
    """`PushAckType`: what kind of number `SnapOrRecordID` is."""

    SNAPSHOT = 1
    RECORD = 2


class Person(Record):
    """One person as a terminal takes it. `personType` 0 is the list of those who may pass."""

    model_config = ConfigDict(populate_by_name=True)

    custom_id: Annotated[str, StringConstraints(min_length=1, max_length=MAX_CUSTOM_ID)] = Field(
        serialization_alias="customId"
    )
    name: Annotated[str, StringConstraints(max_length=MAX_NAME)]
    person_type: int = Field(default=0, serialization_alias="personType")
    temporary: int = Field(default=0, serialization_alias="tempCardType")
    photo_url: str | None = Field(default=None, serialization_alias="picURI", repr=False)
    photo: str | None = Field(default=None, serialization_alias="pic", repr=False)

    def on_wire(self) -> dict[str, object]:
        return self.model_dump(by_alias=True, exclude_none=True)


@dataclass(frozen=True, slots=True)
class Command:
    """One message to a terminal; `concerns` are the people whose fate its answer tells."""

    operator: str
    message_id: str
    payload: bytes
    concerns: tuple[str, ...] = ()


def push_ack(kind: Acknowledged, record_id: str | int, *, terminal_id: str, message_id: str) -> Command:
    """The record is stored; the terminal may forget it. The id is repeated as the terminal wrote it."""
    info = {"facesluiceId": terminal_id, "PushAckType": int(kind), "SnapOrRecordID": record_id}
    return _command("PushAck", message_id, info)


def online_ack(*, terminal_id: str, message_id: str) -> Command:
    """Without it a terminal repeats its greeting."""
    return _command("Online-Ack", message_id, {"facesluiceId": terminal_id, "result": "ok"})


def query_people(*, message_id: str) -> Command:
    """Asks for the ids of everybody who was sent to the terminal."""
    return _command(QUERY, message_id, {})


def edit_people(people: Sequence[Person], *, message_id: str, operator: str = EDIT_MANY) -> Command:
    """Adds or changes up to 1,000 people whose photos the terminal fetches by URL.

    Raises CommandInvalid for nobody, too many, a photo in the message, or more than 1 MB.
    """
    if any(person.photo is not None for person in people):
        raise CommandInvalid(
            f"{operator} takes photos only as URLs", next_step="send pictures one at a time with EditPerson"
        )
    rows = [person.on_wire() for person in people]
    ids = tuple(person.custom_id for person in people)
    return _batch(operator, message_id, rows, ids, limit=MAX_ADDED)


def edit_person(person: Person, *, message_id: str) -> Command:
    """Adds or changes one person, the photo inside the message."""
    return _command(EDIT_ONE, message_id, person.on_wire(), concerns=(person.custom_id,))


def delete_people(custom_ids: Sequence[str], *, message_id: str) -> Command:
    """Removes up to 200 people. Raises CommandInvalid for nobody or too many."""
    ids = tuple(custom_ids)
    return _batch(DELETE_MANY, message_id, {"customId": list(ids)}, ids, limit=MAX_DELETED)


def data_uri(jpeg: bytes) -> str:
    """A JPEG as terminals take it inside a message. Raises CommandInvalid above `MAX_PHOTO_BYTES`."""
    if len(jpeg) > MAX_PHOTO_BYTES:
        raise CommandInvalid(
            f"a photo of {len(jpeg)} bytes is too large for a terminal (at most {MAX_PHOTO_BYTES})",
            next_step="scale it down to 1080 pixels",
        )
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def batches(people: Sequence[Person]) -> Iterator[list[Person]]:
    """Cuts by number and by size: long signed URLs reach 1 MB before 1,000 people do."""
    batch: list[Person] = []
    size = 0
    for person in people:
        row = len(json.dumps(person.on_wire(), ensure_ascii=False).encode()) + 2
        if batch and (len(batch) == MAX_ADDED or size + row > MAX_COMMAND_BYTES - 1000):
            yield batch
            batch, size = [], 0
        batch.append(person)
        size += row
    if batch:
        yield batch


def _batch(operator: str, message_id: str, info: object, ids: tuple[str, ...], *, limit: int) -> Command:
    if not 1 <= len(ids) <= limit:
        raise CommandInvalid(f"{operator} takes 1 to {limit} people, not {len(ids)}")
    if len(set(ids)) != len(ids):
        raise CommandInvalid(f"{operator} names somebody twice")
    body = {
        "messageId": message_id,
        "DataBegin": "BeginFlag",
        "operator": operator,
        "PersonNum": str(len(ids)),
        "info": info,
        "DataEnd": "EndFlag",
    }
    return Command(operator, message_id, _bytes(operator, body), ids)


def _command(operator: str, message_id: str, info: object, *, concerns: tuple[str, ...] = ()) -> Command:
    body = {"messageId": message_id, "operator": operator, "info": info}
    return Command(operator, message_id, _bytes(operator, body), concerns)


def _bytes(operator: str, body: object) -> bytes:
    payload = json.dumps(body, ensure_ascii=False).encode()
    if len(payload) > MAX_COMMAND_BYTES:
        raise CommandInvalid(f"{operator} of {len(payload)} bytes is refused by terminals (at most 1 MB)")
    return payload
