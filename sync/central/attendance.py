"""From passages to days and hours. Pure: marks in, periods out; no clock, no database.

A worker's marks in order of time are paired greedily: an `in` opens a period, the next `out` closes it. What
has no counterpart stays visible as such and counts no time; nothing is guessed. Device records are never
changed: a manager's correction adds a mark or cancels one, and says who, when and why.

A period belongs to the day, in the site's zone, on which it began; a night shift counts where it started.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sync.records import Direction, Outcome, Passage

LONGEST_SHIFT = timedelta(hours=16)
"""An `out` later than this after an `in` is not its counterpart: two shifts of 8 hours, not more."""

REPEATED_WITHIN = timedelta(minutes=2)
"""The same worker the same way again this soon is one passage: stepped back, or read by two lanes."""


class Issue(StrEnum):
    """What somebody should look at."""

    MISSING_IN = "missing_in"
    MISSING_OUT = "missing_out"
    CLOCK_UNTRUSTED = "clock_untrusted"


class CorrectionKind(StrEnum):
    """What a manager may do to a worker's marks."""

    ADD = "add"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Mark:
    """One passage that counts. `mark_id` is the event's id, or the correction's where a manager added it."""

    mark_id: str
    worker_id: str
    at: datetime
    direction: Direction
    gate_id: str = ""
    clock_trusted: bool = True
    added_by: str = ""


@dataclass(frozen=True, slots=True)
class Correction:
    """A manager's word beside the device records. ADD has `at` and `direction`, CANCEL has `event_id`."""

    correction_id: str
    site_id: str
    worker_id: str
    kind: CorrectionKind
    made_by: str
    made_at: datetime
    reason: str
    at: datetime | None = None
    direction: Direction | None = None
    event_id: str = ""
    withdrawn_by: str = ""

    def __post_init__(self) -> None:
        if self.kind is CorrectionKind.ADD and (self.at is None or self.direction is None):
            raise ValueError("an added mark needs its time and its direction")
        if self.kind is CorrectionKind.CANCEL and not self.event_id:
            raise ValueError("say which record is cancelled")
        if not self.reason.strip():
            raise ValueError("a correction needs a reason")


@dataclass(frozen=True, slots=True)
class Period:
    """One stay on the site. `began` or `ended` is None where the counterpart is missing or still to come.

    is_open  the worker is on the site as far as anybody knows; no issue
    """

    worker_id: str
    day: date
    began: Mark | None
    ended: Mark | None
    is_open: bool = False

    @property
    def duration(self) -> timedelta:
        """Zero where a counterpart is missing: no hours are guessed."""
        if self.began is None or self.ended is None:
            return timedelta()
        return _gap(self.began, self.ended)

    @property
    def issues(self) -> tuple[Issue, ...]:
        found = []
        if self.began is None:
            found.append(Issue.MISSING_IN)
        if self.ended is None and not self.is_open:
            found.append(Issue.MISSING_OUT)
        if any(mark is not None and not mark.clock_trusted for mark in (self.began, self.ended)):
            found.append(Issue.CLOCK_UNTRUSTED)
        return tuple(found)

    @property
    def is_corrected(self) -> bool:
        return any(mark is not None and mark.added_by for mark in (self.began, self.ended))


@dataclass(frozen=True, slots=True)
class Day:
    """One worker's day: its periods in order, and what they add up to."""

    worker_id: str
    day: date
    periods: tuple[Period, ...]

    @property
    def worked(self) -> timedelta:
        return sum((period.duration for period in self.periods), timedelta())

    @property
    def issues(self) -> tuple[Issue, ...]:
        found = {issue for period in self.periods for issue in period.issues}
        return tuple(issue for issue in Issue if issue in found)

    @property
    def is_corrected(self) -> bool:
        return any(period.is_corrected for period in self.periods)


def counts(outcome: Outcome, passage: Passage) -> bool:
    """Whether an event is a passage. Without a door contact (`unknown`) an opened gate is taken for one."""
    return outcome is Outcome.ALLOW and passage is not Passage.NOT_PASSED


def corrected(marks: Iterable[Mark], corrections: Iterable[Correction]) -> list[Mark]:
    """The marks that count after the corrections, in any order; a withdrawn correction does nothing."""
    notes = [note for note in corrections if not note.withdrawn_by]
    cancelled = {note.event_id for note in notes if note.kind is CorrectionKind.CANCEL}
    added = [
        Mark(note.correction_id, note.worker_id, note.at, note.direction, added_by=note.made_by)
        for note in notes
        if note.kind is CorrectionKind.ADD and note.at is not None and note.direction is not None
    ]
    return [mark for mark in marks if mark.mark_id not in cancelled] + added


def without_repeats(marks: Iterable[Mark]) -> list[Mark]:
    """The marks of one worker in order of time; of a passage read several times the first reading stays."""
    kept: list[Mark] = []
    before: Mark | None = None
    for mark in sorted(marks, key=_order):
        is_repeat = (
            before is not None and before.direction is mark.direction and _gap(before, mark) < REPEATED_WITHIN
        )
        if not is_repeat:
            kept.append(mark)
        before = mark
    return kept


def periods(marks: Iterable[Mark], zone: ZoneInfo, *, now: datetime) -> list[Period]:
    """Stays of one worker in order of time. `now` (aware) says whether the last one may still be going on."""
    found: list[Period] = []
    began: Mark | None = None

    def close(mark: Mark | None) -> None:
        nonlocal began
        first = began or mark
        if first is not None:
            found.append(Period(first.worker_id, first.at.astimezone(zone).date(), began, mark))
        began = None

    for mark in without_repeats(marks):
        if began is not None and (mark.direction is Direction.IN or _gap(began, mark) > LONGEST_SHIFT):
            close(None)
        if mark.direction is Direction.IN:
            began = mark
        else:
            close(mark)
    if began is not None:
        is_open = now - began.at <= LONGEST_SHIFT
        found.append(Period(began.worker_id, began.at.astimezone(zone).date(), began, None, is_open))
    return found


def days(marks: Iterable[Mark], zone: ZoneInfo, *, now: datetime) -> list[Day]:
    """Days of any number of workers, ordered by worker and day."""
    by_worker: defaultdict[str, list[Mark]] = defaultdict(list)
    for mark in marks:
        by_worker[mark.worker_id].append(mark)
    found = []
    for worker_id in sorted(by_worker):
        by_day: defaultdict[date, list[Period]] = defaultdict(list)
        for period in periods(by_worker[worker_id], zone, now=now):
            by_day[period.day].append(period)
        found += [Day(worker_id, day, tuple(by_day[day])) for day in sorted(by_day)]
    return found


def span_of_days(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From the beginning of `first` to the end of `last` (exclusive) in the site's zone, as UTC."""
    begin = datetime.combine(first, time(), zone)
    end = datetime.combine(last + timedelta(days=1), time(), zone)
    return begin.astimezone(UTC), end.astimezone(UTC)


def marks_needed(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Between which times marks must be known to pair every period of these days as with all marks.

    A shift may end after the last day; an early `out` on the first day may end a shift of the day before.
    """
    begin, end = span_of_days(first, last, zone)
    return begin - LONGEST_SHIFT - REPEATED_WITHIN, end + LONGEST_SHIFT


def month(year: int, number: int) -> tuple[date, date]:
    """First and last day. Raises ValueError for a month that does not exist."""
    first = date(year, number, 1)
    following = date(year + number // 12, number % 12 + 1, 1)
    return first, following - timedelta(days=1)


def in_days(found: Sequence[Day], first: date, last: date) -> list[Day]:
    """Only the days between, both included."""
    return [day for day in found if first <= day.day <= last]


def _gap(first: Mark, second: Mark) -> timedelta:
    """In UTC: two times of one zone subtract as wall clocks, wrong in the nights when the clocks change."""
    return second.at.astimezone(UTC) - first.at.astimezone(UTC)


def _order(mark: Mark) -> tuple[datetime, bool, str]:
    """At the very same instant `out` comes first: leaving and entering again is possible."""
    return mark.at.astimezone(UTC), mark.direction is Direction.IN, mark.mark_id
