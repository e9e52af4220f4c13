"""What terminals say. Read tolerantly: firmware differs in spelling, nesting and types, and is never updated.

Every field is looked for without regard to case, first in `info`, then beside it; numbers may be strings, a
misspelt key counts like the right one. A JSON object never makes `parse` fail: what is not understood comes
back as `Unknown` with its operator. What public clients saw in the wild is listed in docs/vendor-gates.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from sync.vendor.errors import PayloadUnreadable

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
"""A record with a face of 1 MB and a scene of 2 MB, both in base64, and air."""

MAX_TEXT = 200
"""Longer texts are cut: no field of ours is longer, and pictures are not kept."""

_INT_LIMIT = 2**63


def _text(value: object) -> str:
    """Text as a database takes it: no control characters, no lone surrogates; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    clean = str(value).encode("utf-8", "replace").decode("utf-8")
    return "".join(one for one in clean if one.isprintable()).strip()[:MAX_TEXT]


def _number(value: object) -> float | None:
    try:
        number = float(_text(value))
    except ValueError:
        return None
    return number if abs(number) < _INT_LIMIT else None


def _integer(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number == int(number) else None


Text = Annotated[str, BeforeValidator(_text)]
Number = Annotated[float | None, BeforeValidator(_number)]
Integer = Annotated[int | None, BeforeValidator(_integer)]


def local_time(text: str, zone: tzinfo) -> datetime | None:
    """A terminal's time in UTC: without a zone it is the site's wall clock; None for none or `0000-00-00`.

    In the hour that a change of clocks repeats, the first one is meant.
    """
    try:
        moment = datetime.fromisoformat(text.replace("/", "-"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _names(*names: str) -> Any:
    return AliasChoices(*(name.casefold() for name in names))


class Message(BaseModel):
    """Base: whoever the payload says is speaking, and what it calls the message."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    operator: Text = ""
    claimed_id: Text = Field(
        default="",
        validation_alias=_names("facesluiceId", "facesluiceld", "deviceId", "DeviceID"),
        description="who the payload says it is; only the topic is worth believing",
    )
    time: Text = Field(default="", validation_alias=_names("time", "CreateTime", "snapTime"))


class Recognition(Message):
    """`RecPush` (`VerifyPush` in the HTTP dialect): the terminal compared a face and answered."""

    record_id: str | int = ""
    custom_id: Text = Field(default="", validation_alias=_names("customId", "CustomizeID"))
    person_id: Text = Field(default="", validation_alias=_names("personId", "persionId"))
    person_name: Text = Field(
        default="", validation_alias=_names("personName", "persionName", "Persistname", "Name"), repr=False
    )
    verify_status: Integer = Field(default=None, validation_alias=_names("VerifyStatus", "VerfyStatus"))
    similarity: Number = Field(default=None, validation_alias=_names("similarity1", "similarity"))
    temperature_c: Number = Field(default=None, validation_alias=_names("temperature", "temp"))
    no_mask: Integer = Field(default=None, validation_alias=_names("isNoMask"))
    sent_in_time: Integer = Field(default=None, validation_alias=_names("Sendintime"))


class Stranger(Message):
    """`StrSnapPush` or `SnapPush`: a face that is on no list passed by."""

    record_id: str | int = ""
    temperature_c: Number = Field(default=None, validation_alias=_names("temperature", "temp"))
    no_mask: Integer = Field(default=None, validation_alias=_names("isNoMask"))


class Online(Message):
    """The terminal came up and waits for `Online-Ack`."""

    name: Text = Field(default="", validation_alias=_names("facesname"))


class Offline(Message):
    """The terminal's last will, or a shutdown."""


class Heartbeat(Message):
    """Sent every 30 s or so."""


class PersonResult(BaseModel):
    """What became of one person of a command; `error_code`: None for success, 0 for an unnamed failure."""

    model_config = ConfigDict(frozen=True)

    custom_id: str
    error_code: int | None


class Answer(Message):
    """`<operator>-Ack`: what became of a command.

    `counts_only` is true when the terminal only says how many worked, as some do.
    """

    message_id: Text = Field(default="", validation_alias=_names("messageId"))
    code: Integer = None
    result: Text = ""
    detail: Text = ""
    custom_id: Text = Field(default="", validation_alias=_names("customId"))
    ok_count: Integer = Field(default=None, validation_alias=_names("AddSucNum", "DelSucNum"))
    failed_count: Integer = Field(default=None, validation_alias=_names("AddErrNum", "DelErrNum"))
    results: tuple[PersonResult, ...] = ()
    listed_ids: tuple[str, ...] = Field(default=(), description="QueryPerson: everybody on the terminal")

    @property
    def answers(self) -> str:
        """The operator that is answered."""
        return self.operator.removesuffix("-Ack")

    @property
    def refused(self) -> bool:
        """The command as a whole was not carried out."""
        return self.code not in (None, 0, 200) or self.result.casefold() == "fail"

    @property
    def counts_only(self) -> bool:
        return not self.results and self.ok_count is not None


class Unknown(Message):
    """An operator that is not ours to understand; reported, not acted on."""


Incoming = Recognition | Stranger | Online | Offline | Heartbeat | Answer | Unknown

_BY_OPERATOR: Mapping[str, type[Recognition | Stranger | Online | Offline | Heartbeat]] = {
    "recpush": Recognition,
    "verifypush": Recognition,
    "strsnappush": Stranger,
    "snappush": Stranger,
    "online": Online,
    "offline": Offline,
    "heartbeat": Heartbeat,
}
_RECORD_KEYS = {Recognition: ("recordid", "snaporrecordid"), Stranger: ("snapid", "snaporrecordid")}


def parse(payload: bytes) -> Incoming:
    """One message of a terminal.

    Raises:
        PayloadUnreadable: no JSON object in UTF-8 or GB 18030, nested too deeply, or larger than
            `MAX_PAYLOAD_BYTES`. Nothing else is raised, whatever the object holds.
    """
    return understand(_load(payload))


def understand(body: Mapping[str, object]) -> Incoming:
    """The message in a JSON object, whatever it holds."""
    fields = _flatten(body)
    operator = _text(fields.get("operator")).casefold()
    kind = _BY_OPERATOR.get(operator)
    if kind in (Recognition, Stranger):
        return kind.model_validate({**fields, "record_id": _record_id(fields, _RECORD_KEYS[kind])})
    if kind is not None:
        return kind.model_validate(fields)
    if operator.endswith("-ack"):
        return Answer.model_validate(
            {**fields, "results": _results(fields), "listed_ids": _listed(fields.get("customid"))}
        )
    return Unknown.model_validate(fields)


def _load(payload: bytes) -> dict[str, object]:
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise PayloadUnreadable(
            f"{len(payload)} bytes are more than any terminal sends ({MAX_PAYLOAD_BYTES})"
        )
    try:
        try:
            text = payload.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = payload.decode("gb18030")
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PayloadUnreadable(f"no JSON ({type(error).__name__})") from error
    if not isinstance(body, dict):
        raise PayloadUnreadable(f"JSON, but no object: {type(body).__name__}")
    return body


def _flatten(body: Mapping[str, object]) -> dict[str, object]:
    """Keys without case; `info` wins over what stands beside it, except for operator and message id."""
    outer = {key.casefold(): value for key, value in body.items() if isinstance(key, str)}
    info = outer.get("info")
    inner = {key.casefold(): value for key, value in info.items()} if isinstance(info, dict) else {}
    head = {key: outer[key] for key in ("operator", "messageid", "code") if key in outer}
    reserved = {"record_id": "", "results": (), "listed_ids": ()}
    return {key: value for key, value in (outer | inner | head).items() if key not in reserved}


def _record_id(fields: Mapping[str, object], keys: tuple[str, ...]) -> str | int:
    """The id as the terminal wrote it, because the acknowledgement repeats it: "389" or 389."""
    for key in keys:
        value = fields.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _INT_LIMIT:
            return value
        if text := _text(value):
            return text
    return ""


def _results(fields: Mapping[str, object]) -> tuple[PersonResult, ...]:
    found: dict[str, PersonResult] = {}
    for key, failed in (("sucinfo", False), ("errinfo", True)):
        for prefix in ("add", "del", "edit"):
            rows = fields.get(prefix + key)
            for row in rows if isinstance(rows, list) else ():
                lower = (
                    {str(name).casefold(): value for name, value in row.items()}
                    if isinstance(row, dict)
                    else {"customid": row}
                )
                if custom_id := _text(lower.get("customid")):
                    code = (_integer(lower.get("errcode")) or 0) if failed else None
                    found[custom_id] = PersonResult(custom_id=custom_id, error_code=code)
    return tuple(found.values())


def _listed(value: object) -> tuple[str, ...]:
    """QueryPerson answers with one string of ids with commas, or with a list of them."""
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else ()
    return tuple(text for one in parts if (text := _text(one)))
