"""Faces of people who are on no site any more: kept for a return, then erased here and at every gate.

The erasure is a withdrawal like any other, made by the centre itself: it leaves a receipt, every gate
confirms, kiosks follow with photo and consent, and an older roster brings nothing back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Select, delete, exists, or_, select

from sync.central import audit, erasures, tables
from sync.central.audit import Action
from sync.central.database import Database
from sync.central.statements import insert_or
from sync.central.tables_people import departures
from sync.erasure import RETENTION, retention_withdrawal
from sync.records import WorkerStatus

LOOK_EVERY = timedelta(hours=1)
ERASED_AT_ONCE = 50
"""In one transaction; the rest follows in the next."""

_workers, _departures = tables.workers.c, departures.c


class FaceRetention:
    """A job of the aftercare; a second process that looks at the same time finds nothing left to do.

    kept_days  after the last permission ended, or the worker left the last site
    """

    def __init__(
        self,
        database: Database,
        kept_days: int,
        *,
        now: Callable[[], datetime],
        on_roster_change: Callable[[Mapping[str, int]], None] | None = None,
    ) -> None:
        self._database = database
        self._kept = timedelta(days=kept_days)
        self._now = now
        self._on_roster_change = on_roster_change
        self._looked_at: datetime | None = None

    def look(self) -> int:
        """Erase the faces whose time is over; how many people that were."""
        now = self._now()
        if self._looked_at is not None and now - self._looked_at < LOOK_EVERY:
            return 0
        with self._database.write() as connection:
            note_departures(connection)
            due = connection.scalars(_due(now - self._kept)).all()
            versions: dict[str, int] = {}
            for worker_id in due:
                versions |= self._erase(connection, worker_id, now)
        if len(due) < ERASED_AT_ONCE:
            self._looked_at = now
        if self._on_roster_change is not None and versions:
            self._on_roster_change(versions)
        return len(due)

    def _erase(self, connection: Connection, worker_id: str, now: datetime) -> dict[str, int]:
        withdrawal = retention_withdrawal(worker_id, self._kept.days, now)
        erased = erasures.withdraw(connection, withdrawal, now=now)
        audit.note(
            connection,
            at=now,
            actor=RETENTION,
            action=Action.ERASED_AFTER_LEAVING,
            subject=f"worker:{worker_id}",
            detail={"receipt": withdrawal.withdrawal_id, "kept_days": self._kept.days},
        )
        return dict(erased.versions)


def note_departures(connection: Connection) -> None:
    """Note since when people are on no site, and forget it of those who are back or whose face is gone.

    Whoever is seen so for the first time left at the last change of the record, or before it.
    """
    over = select(_workers.worker_id).where(or_(~_is_gone(), ~_has_face()))
    connection.execute(delete(departures).where(_departures.worker_id.in_(over)))
    gone = select(_workers.worker_id, _workers.updated_at).where(
        _is_gone(), _has_face(), ~exists().where(_departures.worker_id == _workers.worker_id)
    )
    connection.execute(
        insert_or(connection, departures)
        .from_select(["worker_id", "since"], gone)
        .on_conflict_do_nothing(index_elements=["worker_id"])
    )


def gone_since(connection: Connection, worker_id: str, now: datetime) -> datetime | None:
    """Since when a worker whose face is kept is on no site; None: is on one, or no face is kept."""
    row = connection.execute(
        select(_workers.grant_until, _workers.updated_at, _departures.since, _is_gone().label("is_gone"))
        .outerjoin(departures, _departures.worker_id == _workers.worker_id)
        .where(_workers.worker_id == worker_id, _has_face())
    ).first()
    if row is None:
        return None
    ends = [row.since or row.updated_at] if row.is_gone else []
    if row.grant_until is not None and row.grant_until <= now:
        ends.append(row.grant_until)
    return min(ends, default=None)


def _due(ended_before: datetime) -> Select[str]:
    ended = or_(
        exists().where(_departures.worker_id == _workers.worker_id, _departures.since <= ended_before),
        _workers.grant_until <= ended_before,
    )
    return (
        select(_workers.worker_id)
        .where(ended, _has_face())
        .order_by(_workers.worker_id)
        .limit(ERASED_AT_ONCE)
        .with_for_update(skip_locked=True, of=tables.workers)
    )


def _is_gone() -> ColumnElement[bool]:
    is_somewhere = exists().where(tables.worker_sites.c.worker_id == _workers.worker_id)
    return or_(_workers.status == WorkerStatus.LEFT.value, ~is_somewhere)


def _has_face() -> ColumnElement[bool]:
    has_templates = exists().where(tables.templates.c.worker_id == _workers.worker_id)
    return or_(_workers.face_consent_on.is_not(None), has_templates)
