"""What a platform calls things and how it encodes them: data from a file, checked when it is read."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sync.people import DocumentType, Sex
from sync.real_name.errors import RealNameError
from sync.records import Direction, Identifier

NATIONAL = "national"
OTHER = "other"
"""Among `ways`: however else somebody passed."""

_Word = TypeVar("_Word", bound=str)
_SHIPPED = Path(__file__).parent / "data"


class DialectInvalid(RealNameError, ValueError):
    """A file of names and codes that cannot be used as it is."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Protocol(_Part):
    """Numbers and constants of every request."""

    version: str
    format: str
    rows_max: int = Field(ge=1, le=1000)
    page_rows: int = Field(ge=1, le=1000)
    photo_bytes_max: int = Field(ge=0)


class Methods(_Part):
    """The platform's name of each method."""

    team_add: str
    team_query: str
    worker_add: str
    worker_update: str
    worker_query: str
    attendance_add: str
    attendance_query: str
    result: str


class Parameters(_Part):
    """The platform's name of each parameter of a request."""

    method: str
    version: str
    app_id: str
    format: str
    timestamp: str
    nonce: str
    data: str
    signature: str
    secret: str


class AnswerNames(_Part):
    """The platform's name of each part of an answer."""

    code: str
    message: str
    data: str
    serial: str
    status: str
    result: str
    rows: str
    total: str
    row_number: str
    row_message: str


class Codes(_Part):
    """What the code of an answer means; any other one refuses the request for what is in it.

    access  the application itself is refused: its signature, its rights, its address
    """

    taken: frozenset[str]
    busy: frozenset[str]
    access: frozenset[str]


class Statuses(_Part):
    """How far the platform is with a request."""

    waiting: frozenset[str]
    failed: frozenset[str]
    done: frozenset[str]


class TeamFields(_Part):
    project_code: str
    corp_code: str
    corp_name: str
    team_name: str
    team_no: str


class WorkersFields(TeamFields):
    """Around the rows of workers."""

    rows: str


class WorkerFields(_Part):
    name: str
    document_type: str
    document_number: str
    trade: str
    sex: str
    birth_date: str
    address: str
    phone: str
    photo: str


class AttendancesFields(_Part):
    """Around the rows of attendance."""

    project_code: str
    team_no: str
    rows: str


class AttendanceFields(_Part):
    document_type: str
    document_number: str
    moment: str
    direction: str
    channel: str
    way: str


class PageFields(_Part):
    page_index: str
    page_rows: str


class Fields(_Part):
    """Our names of fields → the platform's."""

    page: PageFields
    team: TeamFields
    workers: WorkersFields
    worker: WorkerFields
    attendances: AttendancesFields
    attendance: AttendanceFields


class Dialect(_Part):
    """One platform."""

    dialect: Identifier
    version: int = Field(ge=1)
    timezone: str
    timestamp: str
    moment: str
    day: str
    protocol: Protocol
    methods: Methods
    parameters: Parameters
    answer: AnswerNames
    codes: Codes
    statuses: Statuses
    already_there: tuple[str, ...]
    fields_: Fields = Field(alias="fields")
    worker_always: dict[str, int | str]
    document_types: dict[DocumentType, str]
    directions: dict[Direction, str]
    ways: dict[str, str]
    corrected_ways: dict[Direction, str]
    corrected_channel: str
    sexes: dict[Sex, int | str]
    trades: dict[str, str]
    trade_other: str
    no_team: str

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"no time zone {name}") from error
        return name

    @field_validator("document_types")
    @classmethod
    def _has_every_document(cls, codes: dict[DocumentType, str]) -> dict[DocumentType, str]:
        return _complete(codes, DocumentType)

    @field_validator("directions", "corrected_ways")
    @classmethod
    def _has_both_ways(cls, codes: dict[Direction, str]) -> dict[Direction, str]:
        return _complete(codes, Direction)

    @field_validator("ways")
    @classmethod
    def _has_other(cls, codes: dict[str, str]) -> dict[str, str]:
        if OTHER not in codes:
            raise ValueError(f"{OTHER} is missing")
        return codes

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def way(self, method: str) -> str:
        """The code of how somebody passed."""
        return self.ways.get(method, self.ways[OTHER])

    def trade(self, name: str) -> str:
        """The code of a trade."""
        return self.trades.get(name.strip(), self.trade_other)

    def is_there_already(self, reason: str) -> bool:
        """Whether a refusal says that the platform has the row."""
        return any(words in reason for words in self.already_there)


def _complete(codes: dict[_Word, str], members: Iterable[_Word]) -> dict[_Word, str]:
    missing = [str(one) for one in members if one not in codes]
    if missing:
        raise ValueError(f"no code for {', '.join(missing)}")
    return codes


@functools.lru_cache(maxsize=16)
def read_dialect(name: str = NATIONAL) -> Dialect:
    """The dialect that is shipped by that name, or the one of a file.

    Raises DialectInvalid, with file and place.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else _SHIPPED / f"{name}.yaml"
    try:
        return Dialect.model_validate(YAML(typ="safe").load(path))
    except OSError as error:
        raise DialectInvalid(
            f"{path} cannot be read: {error.strerror}",
            next_step=f"give the path of a YAML file, or {NATIONAL}",
        ) from error
    except YAMLError as error:
        raise DialectInvalid(f"{path} is no YAML: {error}", next_step="correct the file") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DialectInvalid(f"{path}: {place}: {first['msg']}", next_step="correct the file") from error
