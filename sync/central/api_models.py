"""What the API takes and gives where that is not simply one of our records."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from sync.central.access_log import PAGE_ROWS, PAGE_ROWS_MAX, EventFilter
from sync.central.attendance import Day, Issue, Mark, Period
from sync.central.attendance_log import WorkerDays
from sync.records import Clearance, Direction, FlagLevel, Identifier, Name, Outcome, Worker, WorkerStatus

TEXT_MAX = 200


class Body(BaseModel):
    """Base: unknown fields are refused, so that a misspelt filter does not show everything."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*")
    @classmethod
    def can_be_kept(cls, value: Any) -> Any:
        """PostgreSQL keeps no text with a zero in it."""
        texts = value if isinstance(value, (list, tuple)) else (value,)
        if any(isinstance(one, str) and "\0" in one for one in texts):
            raise ValueError("a text holds a zero")
        return value


class FileFormat(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    XLSX = "xlsx"


class EventQuery(Body):
    """Which events; what is left out is any. `worker` is a part of a name or number."""

    site_id: str = Field("", max_length=TEXT_MAX)
    gate_id: str = Field("", max_length=TEXT_MAX)
    worker: str = Field("", max_length=TEXT_MAX)
    team: str = Field("", max_length=TEXT_MAX)
    since: AwareDatetime | None = Field(None, description="inclusive, with its offset from UTC")
    until: AwareDatetime | None = Field(None, description="exclusive")
    outcome: Outcome | None = None
    direction: Direction | None = None
    reason: str = Field("", max_length=TEXT_MAX, description="code of the main reason")

    def as_filter(self) -> EventFilter:
        return EventFilter(**{name: getattr(self, name) for name in EventQuery.model_fields})


class EventSearch(EventQuery):
    """A page of them; `cursor` is `next_cursor` of the page before."""

    cursor: str = Field("", max_length=TEXT_MAX)
    rows: int = Field(PAGE_ROWS, ge=1, le=PAGE_ROWS_MAX)


class EventExport(EventQuery):
    """All of them as a file."""

    format: FileFormat = FileFormat.CSV


class WorkerSearch(Body):
    """A page of workers; `after` is `next_after` of the page before."""

    text: str = Field("", max_length=TEXT_MAX, description="part of a name or number")
    site_id: str = Field("", max_length=TEXT_MAX)
    team: str = Field("", max_length=TEXT_MAX)
    only_flagged: bool = False
    after: str = Field("", max_length=TEXT_MAX)
    rows: int = Field(PAGE_ROWS, ge=1, le=PAGE_ROWS_MAX)


class WorkerWrite(Body):
    """A worker without number (it is in the path), flags and templates (they have their own roads)."""

    name: Name
    site_ids: tuple[Identifier, ...] = Field(min_length=1)
    status: WorkerStatus = WorkerStatus.ACTIVE
    employer: str = Field("", max_length=TEXT_MAX)
    team: str = Field("", max_length=TEXT_MAX)
    trade: str = Field("", max_length=TEXT_MAX)
    phone: str = Field("", max_length=TEXT_MAX)
    grant_from: AwareDatetime | None = None
    grant_until: AwareDatetime | None = None
    clearances: tuple[Clearance, ...] = ()
    face_consent_on: date | None = None

    def as_worker(self, worker_id: str) -> Worker:
        return Worker(worker_id=worker_id, **{name: getattr(self, name) for name in WorkerWrite.model_fields})


class FlagWrite(Body):
    """A new entry of the key-monitoring list."""

    level: FlagLevel
    reason: str = Field(min_length=1, max_length=TEXT_MAX)
    category: str = Field("", max_length=TEXT_MAX)
    valid_until: AwareDatetime | None = None


class Reason(Body):
    """Why something is taken back."""

    reason: str = Field(min_length=1, max_length=TEXT_MAX)


class PassageAdded(Body):
    """A passage that nobody recorded."""

    site_id: Identifier
    worker_id: Identifier
    at: AwareDatetime
    direction: Direction
    reason: str = Field(min_length=1, max_length=TEXT_MAX)


class RecordCancelled(Body):
    """A device record that shall not count."""

    event_id: Identifier
    reason: str = Field(min_length=1, max_length=TEXT_MAX)


class Made(BaseModel):
    """The id of what was made."""

    id: str


class MarkOut(BaseModel):
    """One end of a stay; `added_by` names the manager where no device saw it."""

    mark_id: str
    at: datetime
    gate_id: str
    added_by: str

    @classmethod
    def of(cls, mark: Mark | None) -> MarkOut | None:
        if mark is None:
            return None
        return cls(mark_id=mark.mark_id, at=mark.at, gate_id=mark.gate_id, added_by=mark.added_by)


class PeriodOut(BaseModel):
    """One stay; an end is null where it is missing."""

    began: MarkOut | None
    ended: MarkOut | None
    is_open: bool
    duration_s: int

    @classmethod
    def of(cls, period: Period) -> PeriodOut:
        return cls(
            began=MarkOut.of(period.began),
            ended=MarkOut.of(period.ended),
            is_open=period.is_open,
            duration_s=round(period.duration.total_seconds()),
        )


class DayOut(BaseModel):
    """One day of one worker."""

    day: date
    worked_s: int
    issues: tuple[Issue, ...]
    is_corrected: bool
    periods: tuple[PeriodOut, ...]

    @classmethod
    def of(cls, day: Day) -> DayOut:
        return cls(
            day=day.day,
            worked_s=round(day.worked.total_seconds()),
            issues=day.issues,
            is_corrected=day.is_corrected,
            periods=tuple(PeriodOut.of(period) for period in day.periods),
        )


class WorkerDaysOut(BaseModel):
    """One worker's days of the span."""

    worker_id: str
    name: str
    team: str
    employer: str
    worked_s: int
    days: tuple[DayOut, ...]

    @classmethod
    def of(cls, found: WorkerDays) -> WorkerDaysOut:
        return cls(
            worker_id=found.worker_id,
            name=found.name,
            team=found.team,
            employer=found.employer,
            worked_s=round(found.worked.total_seconds()),
            days=tuple(DayOut.of(day) for day in found.days),
        )
