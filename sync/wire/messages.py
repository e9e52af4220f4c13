"""The bodies of messages. A field of a newer version must have a default; unknown fields are ignored."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from sync.records import Identifier, ItemKind, Worker


class Message(BaseModel):
    """Base: immutable; unlike records, unknown fields are ignored, so that old and new versions can talk."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Presence(StrEnum):
    """`lost` is only ever said by the broker, as the gate's last will."""

    ONLINE = "online"
    STOPPED = "stopped"
    LOST = "lost"


class Hello(Message):
    """Retained birth, goodbye and last will of a gate."""

    presence: Presence
    boot_id: Identifier
    at: AwareDatetime
    software: str = ""
    lanes: tuple[str, ...] = ()


class Health(Message):
    """Heartbeat. A text names what is wrong; empty means well. No personal data."""

    boot_id: Identifier
    at: AwareDatetime
    camera: str = ""
    relay: str = ""
    store: str = ""
    clock: str = ""
    liveness: str = ""
    outbox: str = ""
    roster: str = ""
    outbox_depth: int = Field(default=0, ge=0)
    outbox_parked: int = Field(default=0, ge=0)
    roster_version: int = Field(default=0, ge=0)
    roster_digest: str = ""
    roster_workers: int = Field(default=0, ge=0)
    roster_confirmed_at: AwareDatetime | None = None
    clock_offset_ms: float | None = None
    refused_messages: int = Field(default=0, ge=0)
    software: str = ""


class BatchItem(Message):
    """One outbox row: `payload` is the JSON of an Event or a PassageNote; of a note it is sealed.

    record_id  of a note: what makes it harmless to come twice, and what the seal is bound to
    """

    item_id: int
    kind: ItemKind
    record_id: str | None = None
    payload: Annotated[str, Field(max_length=64_000)]


class Batch(Message):
    """Outbox rows on their way up. `replay` marks backlog that must not touch live state."""

    batch_id: Identifier
    boot_id: Identifier
    replay: bool
    items: Annotated[tuple[BatchItem, ...], Field(max_length=1000)]


class Rejection(Message):
    """An item that the centre will never take; the gate parks and reports it."""

    item_id: int
    reason: str


class Ack(Message):
    """Sent after the centre's commit: accepted rows may be deleted. `at` is the centre's wall time.

    roster_version  of the site after that commit, for a batch with notes: what became of them is in it
    """

    batch_id: Identifier
    accepted: tuple[int, ...]
    rejected: tuple[Rejection, ...] = ()
    roster_version: int | None = Field(default=None, ge=0)
    at: AwareDatetime


class RosterEntry(Message):
    """One worker at one version of the site's roster; `worker` None: removed.

    sealed  base64 of the templates (JSON list of Template), sealed with the site's key; empty for none
    sealed_passes  the worker's passes likewise; beside the worker, for gates that know no passes yet
    """

    worker_id: Identifier
    version: int = Field(ge=1)
    worker: Worker | None
    sealed: str = ""
    sealed_passes: str = ""


class RosterHead(Message):
    """Retained, for all gates of a site: the newest version and the digest of the roster at it."""

    version: int = Field(ge=0)
    digest: str
    workers: int = Field(ge=0)
    at: AwareDatetime


class RosterWant(Message):
    """A gate asks for what it lacks: everything after `have_version`, or a snapshot from the start.

    snapshot_version, after  resume a snapshot of that version behind worker id `after`
    reason                   why, e.g. `start`, `head`, `digest mismatch`
    """

    have_version: int = Field(ge=0)
    snapshot_version: int | None = None
    after: str = ""
    reason: str = ""


class RosterPart(Message):
    """A difference (`snapshot` false: from_version < entries <= to_version) or one page of a snapshot.

    A page holds entries in order of worker id behind `after`; `last` closes the difference or snapshot, and
    `digest` is what the gate must then hold.
    """

    snapshot: bool
    from_version: int = Field(ge=0)
    to_version: int = Field(ge=0)
    after: str = ""
    entries: tuple[RosterEntry, ...]
    last: bool
    digest: str


class Action(StrEnum):
    """What the centre may ask of a gate."""

    OPEN_ONCE = "open_once"
    HOLD_OPEN = "hold_open"
    RELEASE = "release"
    LOCK = "lock"
    UNLOCK = "unlock"
    RELOAD = "reload"
    DIAGNOSTICS = "diagnostics"
    EXPLAIN = "explain"


class Command(Message):
    """Expires; answered; recorded at the gate. `lane_id` empty: every lane.

    question  JSON of what `explain` asks (`sync.wire.explanation`); that one is neither recorded nor shown
    """

    command_id: Identifier
    action: Action
    lane_id: str = ""
    issued_by: str
    reason: str
    expires_at: AwareDatetime
    question: str = ""


class Answer(Message):
    """What became of a command."""

    command_id: Identifier
    done: bool
    detail: str = ""
    at: AwareDatetime


NOTICES_MAX = 20
"""More than a guard can read are not sent."""


class Notice(Message):
    """Words for the guards of a site; `alerts`: how many stand behind it. Nobody is named."""

    notice_id: Identifier
    zh: str = Field(max_length=200)
    en: str = Field(max_length=200)
    severity: str = ""
    alerts: int = Field(default=1, ge=1)
    since: AwareDatetime


class NoticeBoard(Message):
    """Retained, for all gates of a site: everything that holds at the centre's time `at`."""

    at: AwareDatetime
    notices: Annotated[tuple[Notice, ...], Field(max_length=NOTICES_MAX)] = ()


class Ask(Message):
    """A kiosk asks the centre something; `sealed` is the JSON of the question under the site's key."""

    ask_id: Identifier
    kind: Identifier
    sealed: str
    expires_at: AwareDatetime


class AskReply(Message):
    """The answer, sealed likewise; `problem` says in words why there is none."""

    ask_id: Identifier
    sealed: str = ""
    problem: str = ""
