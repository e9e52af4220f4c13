"""The access log: every event of every gate, filtered, newest first, a page at a time.

Pages are found by the key of the last row (keyset), never by counting rows from the start: page 10,000 costs
as much as page 1. Counts stop at a bound.
"""

from __future__ import annotations

import base64
import binascii
import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, func, or_, select, true

from sync.central import audit, tables
from sync.central.accounts_access import Right, Viewer, in_scope, no_such
from sync.central.audit import Action
from sync.central.database import Database
from sync.central.errors import SettingRefused
from sync.records import Direction, Event, Outcome, Passage

PAGE_ROWS = 50
PAGE_ROWS_MAX = 500
COUNT_BOUND = 10_000
"""People read `more than 10,000`; counting a million rows for every page would cost more than the page."""

MATCHING_WORKERS_MAX = 500
"""A part of a name that fits more people than this is no filter yet."""

_EXPORT_PIECE_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What to show; empty means any. `since` (inclusive) and `until` (exclusive) are aware.

    worker  a worker's number, or a part of a name or number
    team    exactly as written in the registry
    reason  the code of the main reason
    """

    site_id: str = ""
    gate_id: str = ""
    worker: str = ""
    team: str = ""
    since: datetime | None = None
    until: datetime | None = None
    outcome: Outcome | None = None
    direction: Direction | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        """Raises SettingRefused for text that no name holds."""
        for text in (self.site_id, self.gate_id, self.worker, self.team, self.reason):
            require_plain(text)

    def for_audit(self) -> dict[str, str]:
        """What was asked, without the empty parts."""
        return {name: _text(value) for name, value in asdict(self).items() if value not in ("", None)}


@dataclass(frozen=True, slots=True)
class LogRow:
    """One line of the log. `occurred_at` is in the zone of its site."""

    event_no: int
    event_id: str
    occurred_at: datetime
    site_id: str
    site_name: str
    gate_id: str
    gate_name: str
    lane_id: str
    direction: Direction
    outcome: Outcome
    main_reason: str
    worker_id: str
    worker_name: str
    worker_known: bool
    team: str
    employer: str
    passage: Passage
    method: str
    replayed: bool
    clock_trusted: bool


@dataclass(frozen=True, slots=True)
class LogPage:
    """`next_cursor` leads to the older rows; empty at the end."""

    rows: tuple[LogRow, ...]
    next_cursor: str


@dataclass(frozen=True, slots=True)
class BoundedCount:
    """`is_exact` false: there are more than `count`."""

    count: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class EventFacts:
    """Everything about one event: its line, the record as the gate sent it, and when it came."""

    row: LogRow
    record: Event
    received_at: datetime


class AccessLog:
    """Reads only; every look leaves an audit line before it is answered."""

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def page(
        self, viewer: Viewer, wanted: EventFilter, *, cursor: str = "", rows: int = PAGE_ROWS
    ) -> LogPage:
        """Rows newest first behind `cursor`. Raises SettingRefused for a cursor that is none."""
        rows = max(1, min(rows, PAGE_ROWS_MAX))
        behind = _key_of(cursor) if cursor else None
        self._note(viewer, Action.LOOKED_AT_EVENTS, wanted)
        found = self._rows(viewer, wanted, behind, rows + 1)
        is_last = len(found) <= rows
        return LogPage(tuple(found[:rows]), "" if is_last else _cursor_of(found[rows - 1]))

    def count(self, viewer: Viewer, wanted: EventFilter) -> BoundedCount:
        """How many rows there are, up to the bound. Tells nothing about a person: no audit line."""
        with self._database.read() as connection:
            inside = select(tables.events.c.event_no)
            query = self._narrowed(inside, viewer, wanted, self._workers(connection, viewer, wanted))
            bounded = query.limit(COUNT_BOUND + 1).subquery()
            number = connection.scalar(select(func.count()).select_from(bounded)) or 0
        return BoundedCount(min(number, COUNT_BOUND), number <= COUNT_BOUND)

    def one(self, viewer: Viewer, event_id: str) -> EventFacts:
        """Score and threshold only by right. Raises NotFound, also for a site that the viewer may not see."""
        events = tables.events
        query = _line_query().add_columns(events.c.record, events.c.received_at)
        query = query.where(events.c.event_id == event_id, in_scope(viewer, events.c.site_id))
        audit.note_look(
            self._database, viewer, Action.LOOKED_AT_EVENT, at=self._now(), subject=f"event:{event_id[:64]}"
        )
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise no_such("event", event_id)
        record = Event.model_validate_json(row.record)
        if not viewer.may(Right.SEE_SCORES):
            record = record.model_copy(update={"match": None})
        return EventFacts(_line(row), record, row.received_at)

    def export(self, viewer: Viewer, wanted: EventFilter) -> Iterator[LogRow]:
        """All rows of the filter, newest first, a piece at a time, after the audit line."""
        self._note(viewer, Action.EXPORTED_EVENTS, wanted)
        return self._export(viewer, wanted)

    def _export(self, viewer: Viewer, wanted: EventFilter) -> Iterator[LogRow]:
        # Pieces by key, each in a short transaction: a slow download must not hold one open for minutes.
        behind: tuple[datetime, int] | None = None
        while found := self._rows(viewer, wanted, behind, _EXPORT_PIECE_ROWS):
            yield from found
            behind = (found[-1].occurred_at, found[-1].event_no)

    def _rows(
        self, viewer: Viewer, wanted: EventFilter, behind: tuple[datetime, int] | None, rows: int
    ) -> list[LogRow]:
        with self._database.read() as connection:
            worker_ids = self._workers(connection, viewer, wanted)
            found = [
                _line(row)
                for one in _site_by_site(viewer, wanted)
                for row in connection.execute(
                    _newest(self._narrowed(_line_query(), viewer, one, worker_ids), behind, rows)
                )
            ]
        return sorted(found, key=lambda row: (row.occurred_at, row.event_no), reverse=True)[:rows]

    def _narrowed(
        self, query: Select[Any], viewer: Viewer, wanted: EventFilter, worker_ids: list[str] | None
    ) -> Select[Any]:
        events = tables.events
        # With workers named, their index is the short way; as an expression the site offers none beside it.
        site: ColumnElement[str] = (
            events.c.site_id if worker_ids is None else func.coalesce(events.c.site_id, "")
        )
        clauses: list[ColumnElement[bool]] = [in_scope(viewer, site)]
        exact: Mapping[ColumnElement[Any], str] = {
            site: wanted.site_id,
            events.c.gate_id: wanted.gate_id,
            events.c.team: wanted.team,
            events.c.main_reason: wanted.reason,
            events.c.outcome: wanted.outcome or "",
            events.c.direction: wanted.direction or "",
        }
        clauses += [column == str(value) for column, value in exact.items() if value]
        if worker_ids is not None:
            clauses.append(events.c.worker_id.in_(worker_ids))
        if wanted.since is not None:
            clauses.append(events.c.occurred_at >= wanted.since)
        if wanted.until is not None:
            clauses.append(events.c.occurred_at < wanted.until)
        return query.where(*clauses)

    def _workers(self, connection: Connection, viewer: Viewer, wanted: EventFilter) -> list[str] | None:
        """Numbers of the workers that the text fits: from the registry, so that the log is not scanned."""
        text = wanted.worker.strip()
        if not text:
            return None
        workers = tables.workers
        query = (
            select(workers.c.worker_id)
            .where(
                or_(
                    workers.c.name.icontains(text, autoescape=True),
                    workers.c.worker_id.icontains(text, autoescape=True),
                ),
                workers_in_scope(viewer),
            )
            .order_by(workers.c.worker_id)
            .limit(MATCHING_WORKERS_MAX)
        )
        # The text itself too: events of a number that the registry does not know are found by it.
        return [*connection.scalars(query), text]

    def _note(self, viewer: Viewer, action: Action, wanted: EventFilter) -> None:
        audit.note_look(
            self._database,
            viewer,
            action,
            at=self._now(),
            site_id=wanted.site_id[:64],
            detail={"filter": wanted.for_audit()},
        )


def _site_by_site(viewer: Viewer, wanted: EventFilter) -> list[EventFilter]:
    """One filter per site of a viewer of some sites.

    Over several sites at once no index has the order, and the database would sort all their events.
    """
    if wanted.site_id or wanted.worker or viewer.site_ids is None:
        return [wanted]
    return [replace(wanted, site_id=site_id) for site_id in sorted(viewer.site_ids)]


def _newest(query: Select[Any], behind: tuple[datetime, int] | None, rows: int) -> Select[Any]:
    """The newest `rows` that come after the key `behind`."""
    events = tables.events
    if behind is not None:
        at, number = behind
        query = query.where(
            events.c.occurred_at <= at,
            or_(events.c.occurred_at < at, and_(events.c.occurred_at == at, events.c.event_no < number)),
        )
    return query.order_by(events.c.occurred_at.desc(), events.c.event_no.desc()).limit(rows)


def require_plain(text: str) -> None:
    """Raises SettingRefused for control characters: SQLite's LIKE ends at a zero, PostgreSQL has none."""
    if any(unicodedata.category(sign) == "Cc" for sign in text):
        raise SettingRefused("a search text holds a control character", next_step="type it anew")


def workers_in_scope(viewer: Viewer) -> ColumnElement[bool]:
    """Workers who are registered for at least one of the viewer's sites."""
    link = tables.worker_sites
    if viewer.site_ids is None:
        return true()
    return exists().where(link.c.worker_id == tables.workers.c.worker_id, in_scope(viewer, link.c.site_id))


def _line_query() -> Select[Any]:
    events, sites, gates = tables.events, tables.sites, tables.gates
    return (
        select(
            events.c.event_no,
            events.c.event_id,
            events.c.occurred_at,
            events.c.site_id,
            events.c.gate_id,
            events.c.lane_id,
            events.c.direction,
            events.c.outcome,
            events.c.main_reason,
            events.c.worker_id,
            events.c.worker_name,
            events.c.worker_known,
            events.c.team,
            events.c.employer,
            events.c.passage,
            events.c.method,
            events.c.replayed,
            events.c.clock_trusted,
            sites.c.name.label("site_name"),
            sites.c.timezone,
            gates.c.name.label("gate_name"),
        )
        .join_from(events, sites, events.c.site_id == sites.c.site_id, isouter=True)
        .join(
            gates,
            and_(gates.c.site_id == events.c.site_id, gates.c.gate_id == events.c.gate_id),
            isouter=True,
        )
    )


def _line(row: Row[Any]) -> LogRow:
    zone = ZoneInfo(row.timezone) if row.timezone else row.occurred_at.tzinfo
    return LogRow(
        event_no=row.event_no,
        event_id=row.event_id,
        occurred_at=row.occurred_at.astimezone(zone),
        site_id=row.site_id,
        site_name=row.site_name or row.site_id,
        gate_id=row.gate_id,
        gate_name=row.gate_name or row.gate_id,
        lane_id=row.lane_id,
        direction=Direction(row.direction),
        outcome=Outcome(row.outcome),
        main_reason=row.main_reason,
        worker_id=row.worker_id or "",
        worker_name=row.worker_name,
        worker_known=row.worker_known,
        team=row.team,
        employer=row.employer,
        passage=Passage(row.passage),
        method=row.method,
        replayed=row.replayed,
        clock_trusted=row.clock_trusted,
    )


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _cursor_of(row: LogRow) -> str:
    key = json.dumps([row.occurred_at.isoformat(), row.event_no])
    return base64.urlsafe_b64encode(key.encode()).decode()


def _key_of(cursor: str) -> tuple[datetime, int]:
    try:
        at, number = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        key = datetime.fromisoformat(at), int(number)
        if key[0].tzinfo is None:
            raise ValueError("a cursor without a zone")
    except (ValueError, TypeError, binascii.Error) as error:
        raise SettingRefused("this is no cursor of the access log", next_step="begin without one") from error
    return key
