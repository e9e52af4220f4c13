"""Withdrawn consents as console, API and kiosks see them: the receipt of each, and what is outstanding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, exists, or_, select, true

from sync.central import audit, erasures, tables
from sync.central.access_log import workers_in_scope
from sync.central.accounts_access import Right, Viewer, in_scope, no_such
from sync.central.asks import AskContext, AskRefused
from sync.central.audit import Action
from sync.central.database import Database
from sync.central.errors import SettingRefused
from sync.central.tables_people import enrolments, erasure_items
from sync.central.tables_people import erasures as erasure_rows
from sync.central.worker_desk import RosterChanged
from sync.erasure import FACE, ReceiptQuestion
from sync.people import ConsentWithdrawal

ROWS_MAX = 200


@dataclass(frozen=True, slots=True)
class ErasureRow:
    """One line of the list. `sites` are those of the viewer where the worker was registered."""

    erasure_id: str
    worker_id: str
    kind: str
    withdrawn_at: datetime
    received_at: datetime
    recorded_by: str
    sites: tuple[str, ...]
    items: int
    outstanding: int


@dataclass(frozen=True, slots=True)
class ItemRow:
    """Who has to forget what. `by_hand`: nobody but a person can say so (a backup, a revoked gate)."""

    place: str
    site_id: str
    gate_id: str
    name: str
    what: str
    confirmed_at: datetime | None
    by_hand: bool


@dataclass(frozen=True, slots=True)
class Receipt:
    """One erasure with its items, to be looked at and printed."""

    row: ErasureRow
    reason: str
    items: tuple[ItemRow, ...]


class ErasureDesk:
    """Looking at receipts, withdrawing at the console, confirming what no machine can."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime],
        on_roster_change: RosterChanged | None = None,
    ) -> None:
        self._database = database
        self._now = now
        self._on_roster_change = on_roster_change

    def rows(self, viewer: Viewer, *, only_open: bool = False, worker_id: str = "") -> list[ErasureRow]:
        """The newest first, at most `ROWS_MAX`."""
        viewer.require(Right.USE_CONSOLE)
        audit.note_look(
            self._database,
            viewer,
            Action.LOOKED_AT_ERASURES,
            at=self._now(),
            subject=f"worker:{worker_id[:64]}" if worker_id else "",
        )
        query = (
            select(erasure_rows)
            .where(_visible(viewer))
            .order_by(erasure_rows.c.received_at.desc(), erasure_rows.c.erasure_id)
            .limit(ROWS_MAX)
        )
        if only_open:
            item = erasure_items.c
            query = query.where(
                exists().where(item.erasure_id == erasure_rows.c.erasure_id, item.confirmed_at.is_(None))
            )
        if worker_id:
            query = query.where(erasure_rows.c.worker_id == worker_id)
        with self._database.read() as connection:
            return [_row(connection, viewer, row) for row in connection.execute(query).mappings().all()]

    def one(self, viewer: Viewer, erasure_id: str) -> Receipt:
        """Raises NotFound."""
        viewer.require(Right.USE_CONSOLE)
        audit.note_look(
            self._database,
            viewer,
            Action.LOOKED_AT_ERASURES,
            at=self._now(),
            subject=f"erasure:{erasure_id[:64]}",
        )
        with self._database.read() as connection:
            row = _known(connection, viewer, erasure_id)
            found = _items(connection, erasure_id)
            return Receipt(_row(connection, viewer, row), str(row["reason"]), found)

    def withdraw(self, viewer: Viewer, worker_id: str, *, reason: str, kind: str = FACE) -> str:
        """A worker takes the consent back, told at the console; returns the receipt's id.

        kind  `face`, or `record` for everything but the number

        Raises NotAllowed, NotFound; SettingRefused without a reason.
        """
        viewer.require(Right.WRITE_WORKERS)
        if not reason.strip():
            raise SettingRefused("a withdrawal needs a reason", next_step="say who asked for it, and how")
        now = self._now()
        with self._database.write() as connection:
            _require_worker(connection, viewer, worker_id)
            withdrawal = ConsentWithdrawal(
                worker_id=worker_id,
                kind=kind,
                withdrawn_at=now,
                reason=reason.strip()[:500],
                recorded_by=viewer.user_id,
            )
            erased = erasures.withdraw(connection, withdrawal, now=now)
            audit.note_by(
                connection,
                viewer,
                Action.WITHDREW_CONSENT,
                at=now,
                subject=f"worker:{worker_id}",
                detail={"kind": kind, "receipt": withdrawal.withdrawal_id},
            )
        if self._on_roster_change is not None and erased.versions:
            self._on_roster_change(erased.versions)
        return withdrawal.withdrawal_id

    def confirm(
        self,
        viewer: Viewer,
        erasure_id: str,
        *,
        place: str,
        site_id: str,
        gate_id: str,
        what: str,
        reason: str,
    ) -> None:
        """Somebody saw to what no machine confirms. Raises NotAllowed, NotFound, SettingRefused."""
        viewer.require(Right.WRITE_WORKERS)
        if not reason.strip():
            raise SettingRefused("a confirmation needs a remark", next_step="say what was done, and when")
        now = self._now()
        with self._database.write() as connection:
            _known(connection, viewer, erasure_id)
            by_hand = [
                one
                for one in _items(connection, erasure_id)
                if (one.place, one.site_id, one.gate_id, one.what) == (place, site_id, gate_id, what)
                and one.by_hand
                and (viewer.sees(one.site_id) if one.site_id else viewer.site_ids is None)
            ]
            if not by_hand:
                raise no_such("item to be confirmed by hand", what[:64])
            erasures.confirm_by_hand(
                connection, erasure_id, place=place, site_id=site_id, gate_id=gate_id, what=what, now=now
            )
            audit.note_by(
                connection,
                viewer,
                Action.CONFIRMED_ERASURE,
                at=now,
                subject=f"erasure:{erasure_id}",
                detail={"item": " ".join((place, site_id, gate_id, what)), "reason": reason.strip()},
            )


def answer_receipt(database: Database, context: AskContext, text: str) -> str:
    """Answer what a kiosk asks about a withdrawal that was made there. Raises AskRefused."""
    question = ReceiptQuestion.model_validate_json(text)
    with database.read() as connection:
        made_there = connection.scalar(
            select(erasure_rows.c.erasure_id).where(
                erasure_rows.c.erasure_id == question.withdrawal_id,
                erasure_rows.c.site_id == context.site_id,
            )
        )
        if made_there is None:
            raise AskRefused("the centre has no such withdrawal of this site yet")
        return erasures.receipt(connection, question.withdrawal_id).model_dump_json()


def _visible(viewer: Viewer) -> ColumnElement[bool]:
    """Made at a kiosk of the viewer's sites, or concerning one of them."""
    if viewer.site_ids is None:
        return true()
    item, link = erasure_items.c, tables.worker_sites.c
    enrolled = enrolments.c
    return or_(
        in_scope(viewer, erasure_rows.c.site_id),
        exists().where(item.erasure_id == erasure_rows.c.erasure_id, in_scope(viewer, item.site_id)),
        exists().where(link.worker_id == erasure_rows.c.worker_id, in_scope(viewer, link.site_id)),
        exists().where(enrolled.worker_id == erasure_rows.c.worker_id, in_scope(viewer, enrolled.site_id)),
    )


def _known(connection: Connection, viewer: Viewer, erasure_id: str) -> RowMapping:
    row = (
        connection.execute(
            select(erasure_rows).where(erasure_rows.c.erasure_id == erasure_id, _visible(viewer))
        )
        .mappings()
        .first()
    )
    if row is None:
        raise no_such("erasure", erasure_id[:64])
    return row


def _require_worker(connection: Connection, viewer: Viewer, worker_id: str) -> None:
    is_there = connection.scalar(
        select(tables.workers.c.worker_id).where(
            tables.workers.c.worker_id == worker_id, workers_in_scope(viewer)
        )
    )
    if is_there is None:
        raise no_such("worker", worker_id[:64])


def _row(connection: Connection, viewer: Viewer, row: RowMapping) -> ErasureRow:
    item = erasure_items.c
    confirmed = connection.scalars(
        select(item.confirmed_at).where(item.erasure_id == row["erasure_id"])
    ).all()
    return ErasureRow(
        erasure_id=row["erasure_id"],
        worker_id=row["worker_id"],
        kind=row["kind"],
        withdrawn_at=row["withdrawn_at"],
        received_at=row["received_at"],
        recorded_by=row["recorded_by"],
        sites=tuple(site_id for site_id in row["sites"] if viewer.sees(site_id)),
        items=len(confirmed),
        outstanding=sum(at is None for at in confirmed),
    )


def _items(connection: Connection, erasure_id: str) -> tuple[ItemRow, ...]:
    item, gates = erasure_items.c, tables.gates.c
    rows = connection.execute(
        select(erasure_items, gates.name)
        .outerjoin(tables.gates, (gates.site_id == item.site_id) & (gates.gate_id == item.gate_id))
        .where(item.erasure_id == erasure_id)
        .order_by(item.place, item.site_id, item.gate_id, item.what)
    )
    return tuple(
        ItemRow(
            place=one.place,
            site_id=one.site_id,
            gate_id=one.gate_id,
            name=one.name or one.gate_id,
            what=one.what,
            confirmed_at=one.confirmed_at,
            by_hand=one.confirmed_at is None
            and erasures.needs_a_person(one.place, one.what, one.roster_version),
        )
        for one in rows
    )
