"""The training record: what happened, signed by the kiosk and chained to the record before it.

The signature (Ed25519) covers the exact text of the record, its number and the hash of the record before it
of the same key: nothing can be changed, left out or put between without it showing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import uuid4

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import AwareDatetime, Field, StringConstraints, ValidationError

from sync.records import SCHEMA_VERSION, Clearance, Identifier, Name, Record
from sync.training.errors import RecordTampered

FIRST_PREVIOUS = "0" * 64
"""What the first record of a chain names as the hash of the one before it."""

WARN_DAYS = 14
"""Training that ends within so many days is to be repeated."""

_SIGNED = b"sitegate-training-1\n"
Hex64 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class CheckKind(StrEnum):
    """When the face was checked."""

    LOGIN = "login"
    RANDOM = "random"
    RETURNED = "returned"


class Check(Record):
    """One check of the face; `score` is the median cosine of its frames, None where none was compared."""

    kind: CheckKind
    at: AwareDatetime
    passed: bool
    score: float | None = None
    saw: str = ""


class Interruption(Record):
    """A pause: who or what was seen instead of the learner, or `by_hand`, or `power`."""

    reason: str
    at: AwareDatetime
    until: AwareDatetime | None = None
    score: float | None = None
    page: int = Field(default=0, ge=0)


class GivenAnswer(Record):
    """`chosen` are positions of options, from 0."""

    question_id: Identifier
    chosen: tuple[int, ...]
    right: bool


class Result(StrEnum):
    """How a session ended."""

    PASSED = "passed"
    FAILED = "failed"
    ABANDONED = "abandoned"


class TrainingRecord(Record):
    """One worker's session of one course.

    seconds_seen      with the right face before the screen; never more than the wall time
    course_sha256     of exactly what was taught
    valid_from/until  of what it grants; None unless passed
    token             what a certificate's QR names it by; random, says nothing by itself
    """

    record_id: Identifier = Field(default_factory=lambda: uuid4().hex)
    schema_version: int = SCHEMA_VERSION
    token: Identifier = Field(default_factory=lambda: uuid4().hex)
    worker_id: Identifier
    worker_name: Name
    site_id: Identifier
    kiosk_id: Identifier
    place: str = ""
    how: Literal["kiosk", "phone"] = "kiosk"
    group: bool = False
    course_id: Identifier
    course_version: str
    course_sha256: Hex64
    course_title_zh: str
    course_title_en: str = ""
    kind: Identifier
    language: Literal["zh", "en"] = "zh"
    started_at: AwareDatetime
    ended_at: AwareDatetime
    seconds_seen: float = Field(ge=0)
    seconds_required: int = Field(ge=0)
    checks: tuple[Check, ...] = ()
    interruptions: tuple[Interruption, ...] = ()
    answers: tuple[GivenAnswer, ...] = ()
    score_percent: int | None = Field(default=None, ge=0, le=100)
    pass_mark: int = Field(ge=1, le=100)
    liveness: Literal["checked", "not_checked"] = "not_checked"
    result: Result
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None

    def clearance(self) -> Clearance | None:
        """What a pass grants; None for any other result."""
        if self.result is not Result.PASSED:
            return None
        return Clearance(
            kind=self.kind,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            reference=self.record_id,
        )


class SignedTraining(Record):
    """A record as it is kept and sent: `body` is the exact JSON text that was signed.

    public_key  hexadecimal; number counts the records of this key from 1 without holes
    previous    `hash` of the record before it of the same key; the first one names FIRST_PREVIOUS
    """

    body: Annotated[str, StringConstraints(min_length=2, max_length=60_000)] = Field(repr=False)
    number: int = Field(ge=1)
    previous: Hex64
    public_key: Hex64
    signature: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$")]

    @property
    def hash(self) -> str:
        """What the next record names as the one before it."""
        return hashlib.sha256(_signed_bytes(self)).hexdigest()


def sign(record: TrainingRecord, key: Ed25519PrivateKey, *, number: int, previous: str) -> SignedTraining:
    """Put `record` at the end of the chain of `key`."""
    unsigned = SignedTraining(
        body=record.model_dump_json(),
        number=number,
        previous=previous,
        public_key=key.public_key().public_bytes_raw().hex(),
        signature="0" * 128,
    )
    return unsigned.model_copy(update={"signature": key.sign(_signed_bytes(unsigned)).hex()})


def verify(signed: SignedTraining) -> TrainingRecord:
    """The record, when its signature fits and what it says holds together. Raises RecordTampered.

    That `public_key` is the key of the kiosk that is named, and that `previous` fits, is another question:
    see `verify_chain` and the centre's registry.
    """
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signed.public_key))
        key.verify(bytes.fromhex(signed.signature), _signed_bytes(signed))
        record = TrainingRecord.model_validate_json(signed.body)
    except InvalidSignature as error:
        raise RecordTampered(
            f"training record {signed.number}: the signature is wrong",
            next_step="the record was changed after it was signed; have the training repeated",
        ) from error
    except ValidationError as error:
        raise RecordTampered(f"training record {signed.number} cannot be read") from error
    if problem := implausible(record):
        raise RecordTampered(f"training record {signed.number}: {problem}")
    return record


def implausible(record: TrainingRecord) -> str:
    """What no honest kiosk writes; empty where all holds together."""
    lasted_s = (record.ended_at - record.started_at).total_seconds()
    passed = record.result is Result.PASSED
    valid = record.valid_from is not None or record.valid_until is not None
    empty = record.valid_from is None or record.valid_until is None or record.valid_until <= record.valid_from
    score = record.pass_mark if record.score_percent is None else record.score_percent
    faults = {
        "ends before it starts": lasted_s < 0,
        "more seconds seen than went by": record.seconds_seen > max(lasted_s, 0),
        "grants something without a pass": not passed and valid,
        "passed, but not valid for any time": passed and empty,
        "passed with fewer seconds than required": passed and record.seconds_seen < record.seconds_required,
        "passed below the pass mark": passed and score < record.pass_mark,
    }
    return "; ".join(fault for fault, found in faults.items() if found)


@dataclass(frozen=True, slots=True)
class ChainFinding:
    """Something about a chain that needs explaining; `number` is the record's."""

    number: int
    problem: str


def verify_chain(records: Iterable[SignedTraining]) -> list[ChainFinding]:
    """What is wrong with the records of one key, given in order of their numbers; empty: nothing."""
    findings: list[ChainFinding] = []
    expected, previous = 1, FIRST_PREVIOUS
    for signed in records:
        try:
            verify(signed)
        except RecordTampered as error:
            findings.append(ChainFinding(signed.number, str(error)))
        if signed.number != expected:
            findings.append(
                ChainFinding(signed.number, f"records {expected} to {signed.number - 1} are missing")
            )
        elif signed.previous != previous:
            findings.append(ChainFinding(signed.number, "does not follow the record before it"))
        expected, previous = signed.number + 1, signed.hash
    return findings


def expires_within(until: datetime | None, now: datetime, days: float) -> bool:
    """Whether something still holds, but not for `days` more."""
    return until is not None and 0 < (until - now).total_seconds() <= days * 86_400


def _signed_bytes(signed: SignedTraining) -> bytes:
    head = f"{signed.number}\n{signed.previous}\n{signed.public_key}\n"
    return _SIGNED + head.encode() + signed.body.encode()
