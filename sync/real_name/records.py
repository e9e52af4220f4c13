"""Teams, workers and passages as the platform takes them, and their rows in its words. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import AwareDatetime, Field

from sync.people import DocumentType, Sex
from sync.real_name.dialect import Dialect
from sync.real_name.signing import AppSecret
from sync.records import Direction, Record

Row = dict[str, Any]


class Team(Record):
    """A team of an enterprise on a project. `team_no` is the platform's number; "" before it gave one."""

    project_code: str
    corp_code: str
    corp_name: str
    team_name: str
    team_no: str = ""


class RealNameWorker(Record):
    """A worker of a team. `photo` is a JPEG, only of somebody who agreed to it."""

    name: str
    document_type: DocumentType
    document_number: str = Field(repr=False)
    trade: str = ""
    sex: Sex = Sex.UNSTATED
    birth_date: date | None = None
    address: str = Field(default="", repr=False)
    phone: str = Field(default="", repr=False)
    photo: bytes | None = Field(default=None, repr=False)


class Attendance(Record):
    """One passage. `is_correction`: a manager wrote it, no gate saw it, by no method and at no channel."""

    document_type: DocumentType
    document_number: str = Field(repr=False)
    at: AwareDatetime
    direction: Direction
    method: str = ""
    channel: str = ""
    is_correction: bool = False


def team_data(team: Team, dialect: Dialect) -> Row:
    """A team as it is added; its number goes along where it has one."""
    return _named(dialect.fields_.team.model_dump(), team.model_dump())


def workers_data(team: Team, workers: list[RealNameWorker], dialect: Dialect, secret: AppSecret) -> Row:
    """Workers of one team, document numbers encrypted."""
    rows = [_worker_row(one, dialect, secret) for one in workers]
    return _named(dialect.fields_.workers.model_dump(), {**team.model_dump(), "rows": rows})


def attendance_data(team: Team, passages: list[Attendance], dialect: Dialect, secret: AppSecret) -> Row:
    """Passages of one team, document numbers encrypted."""
    rows = [attendance_row(one, dialect, secret) for one in passages]
    return _named(dialect.fields_.attendances.model_dump(), {**team.model_dump(), "rows": rows})


def attendance_row(one: Attendance, dialect: Dialect, secret: AppSecret) -> Row:
    """One passage in the platform's words."""
    corrected = one.is_correction
    return _named(
        dialect.fields_.attendance.model_dump(),
        {
            "document_type": dialect.document_types[one.document_type],
            "document_number": secret.encrypt(one.document_number),
            "moment": one.at.astimezone(dialect.zone).strftime(dialect.moment),
            "direction": dialect.directions[one.direction],
            "channel": dialect.corrected_channel if corrected else one.channel,
            "way": dialect.corrected_ways[one.direction] if corrected else dialect.way(one.method),
        },
    )


def passage_key(row: Mapping[str, Any], dialect: Dialect, secret: AppSecret) -> tuple[str, str, str]:
    """Document number, moment and direction of a row: what makes a passage the same one.

    Raises SecretUnusable, KeyError.
    """
    names = dialect.fields_.attendance
    moment = str(row[names.moment]).partition(".")[0]  # some write milliseconds
    return secret.decrypt(str(row[names.document_number])), moment, str(row[names.direction])


def _worker_row(one: RealNameWorker, dialect: Dialect, secret: AppSecret) -> Row:
    photo = one.photo
    if photo is not None and len(base64.b64encode(photo)) > dialect.protocol.photo_bytes_max:
        photo = None
    values = {
        "name": one.name,
        "document_type": dialect.document_types[one.document_type],
        "document_number": secret.encrypt(one.document_number),
        "trade": dialect.trade(one.trade),
        "sex": dialect.sexes.get(one.sex),
        "birth_date": one.birth_date.strftime(dialect.day) if one.birth_date else "",
        "address": one.address,
        "phone": one.phone,
        "photo": base64.b64encode(photo).decode() if photo else "",
    }
    return {**dialect.worker_always, **_named(dialect.fields_.worker.model_dump(), values)}


def _named(names: Mapping[str, str], values: Mapping[str, Any]) -> Row:
    """What is there, under the platform's names; nothing is sent for what is not known."""
    return {names[key]: value for key, value in values.items() if key in names and value not in (None, "")}
