"""The records that are kept in the store and cross the wire. Frozen, validated, versioned."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from secrets import token_hex
from typing import Annotated, Literal, get_args
from uuid import uuid4

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

SCHEMA_VERSION = 1

PASS_ID_BYTES = 8

Identifier = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[^\s/+#]+$")
]
"""An id that is safe as one level of an MQTT topic: no space, slash, plus or hash."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class Record(BaseModel):
    """Base: immutable, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class WorkerStatus(StrEnum):
    """Whether the site still wants to see this worker."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    LEFT = "left"


class FlagLevel(StrEnum):
    """What a flag does at the gate."""

    BLOCK = "block"
    HOLD = "hold"
    NOTIFY = "notify"


class Direction(StrEnum):
    """Which way a lane leads."""

    IN = "in"
    OUT = "out"


class Outcome(StrEnum):
    """The answer of the gate; deny beats hold beats allow."""

    ALLOW = "allow"
    HOLD = "hold"
    DENY = "deny"


class Method(StrEnum):
    """How somebody asked to pass."""

    FACE = "face"
    QR = "qr"
    BADGE = "badge"
    OVERRIDE = "override"
    EXIT_BUTTON = "exit_button"
    FIRE_ALARM = "fire_alarm"
    COMMAND = "command"


class Passage(StrEnum):
    """What the door contact saw after an opening."""

    UNKNOWN = "unknown"
    PASSED = "passed"
    NOT_PASSED = "not_passed"
    HELD_OPEN = "held_open"


class Clearance(Record):
    """A named requirement (training, test, medical, declaration) and when it holds.

    `valid_until` is the first instant at which it no longer holds; None is without end.
    """

    kind: Identifier
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None
    reference: str = ""


class Flag(Record):
    """An entry of the key-monitoring list that concerns a worker."""

    flag_id: Identifier = Field(default_factory=lambda: uuid4().hex)
    level: FlagLevel
    category: str = ""
    reason: str = ""
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None


PassMethod = Literal[Method.QR, Method.BADGE]


class PassGrant(Record):
    """A QR pass or a badge that was handed to a worker: the way in without a face.

    digest       sha256 in hex of what the pass carries (`sync.passes`): whoever reads the roster can make no
                 pass from it
    valid_until  the first instant at which it no longer holds; None is without end
    revoked_at   kept for a while after a pass was replaced, so that the gate can say so
    """

    pass_id: Identifier = Field(default_factory=lambda: token_hex(PASS_ID_BYTES))
    method: PassMethod
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(repr=False)
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None
    revoked_at: AwareDatetime | None = None


class Worker(Record):
    """A person registered for one or more sites, with everything the gate decides by.

    `grant_from` / `grant_until` bound the permission to enter (until is exclusive); None is open.
    Without passes the JSON does not name them: its digest is the same at programs that know none.
    """

    worker_id: Identifier
    name: Name
    site_ids: tuple[Identifier, ...]
    status: WorkerStatus = WorkerStatus.ACTIVE
    employer: str = ""
    team: str = ""
    trade: str = ""
    phone: str = ""
    grant_from: AwareDatetime | None = None
    grant_until: AwareDatetime | None = None
    clearances: tuple[Clearance, ...] = ()
    flags: tuple[Flag, ...] = ()
    face_consent_on: date | None = None
    passes: tuple[PassGrant, ...] = Field(default=(), exclude_if=lambda passes: not passes)


class Template(Record):
    """One embedding of one worker's face. `vector` is float32, little-endian, unit length."""

    template_id: Identifier = Field(default_factory=lambda: uuid4().hex)
    worker_id: Identifier
    model: str
    model_version: str
    vector: bytes = Field(repr=False)
    quality: float = Field(ge=0, le=100)
    source: str = "photo"
    created_at: AwareDatetime


class MatchFacts(Record):
    """How the identification came about: what the event says about the score."""

    score: float
    threshold: float
    margin: float | None
    model: str
    frames: int = Field(ge=0, description="good frames that were matched")
    agreeing: int = Field(ge=0, description="of those, frames that voted for the decided worker")
    roster_size: int = Field(ge=0)
    threshold_source: str = ""


class Event(Record):
    """The attendance record of one decision."""

    schema_version: int = SCHEMA_VERSION
    event_id: Identifier = Field(default_factory=lambda: uuid4().hex)
    sequence: int = Field(ge=0, description="counts up per gate without holes; set by the store")
    site_id: Identifier
    gate_id: Identifier
    lane_id: Identifier
    direction: Direction
    occurred_at: AwareDatetime
    clock_trusted: bool = True
    method: Method
    outcome: Outcome
    reasons: tuple[str, ...]
    worker_id: Identifier | None = None
    match: MatchFacts | None = None
    liveness: str = "not_checked"
    tailgating: int = Field(default=0, ge=0, description="other faces in the zone at the decision")
    decided_in_ms: float | None = Field(default=None, ge=0, description="first usable face to decision")
    passage: Passage = Passage.UNKNOWN
    guard: str = ""
    note: str = ""


class PassageNote(Record):
    """What the door saw after an event; sent after the event itself."""

    schema_version: int = SCHEMA_VERSION
    event_id: Identifier
    passage: Passage
    noted_at: AwareDatetime


NoteKind = Literal["enrolment", "withdrawal", "duplicate", "training", "declaration", "site_report", "erased"]
"""Records of a kiosk that go up beside the events."""

ItemKind = Literal["event", "passage"] | NoteKind
NOTE_KINDS: frozenset[str] = frozenset(get_args(NoteKind))


class OutboxItem(Record):
    """One row that waits for the centre's acknowledgement."""

    item_id: int
    kind: ItemKind
    payload: str
    created_at: datetime
    record_id: str | None = None
